#!/usr/bin/env bats
# The step gpu-metrics, with a stand-in for systemd and for the agent: programs that note what they are asked.

setup() {
    root=$BATS_TEST_DIRNAME/../../bootstrap
    here=$BATS_TEST_TMPDIR
    bin=$here/bin
    mkdir -p "$bin" "$here/home/files" "$here/etc"
    export ROBOINFRA_HOME=$here/home ROBOINFRA_RUN=$here PATH=$bin:$PATH AGENT_WAIT=60
    export AGENT_CONFIG=$'version = 1\nlab = "twin"' AGENT_SHA256='' HERE=$here AGENT_ON_INTERRUPTION='' AGENT_ON_REBALANCE=''
    double systemctl 'echo "$*" >>"$HERE/asked"; case $1 in restart) touch "$HERE/status.json" ;; show) echo 7 ;; esac'
    # Two versions of the agent, as they would be sent.
    old=$(program one) new=$(program two)
}

double() {
    printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

# program WORD: puts an agent into `files`, and prints its digest.
program() {
    printf '#!/bin/sh\ncase "$*" in *--check*) ! grep -q bad "$2" ;; *) echo "roboinfra-agent %s" ;; esac\n' "$1" >"$here/program"
    local sum
    sum=$(sha256sum <"$here/program" | cut -c1-64)
    mv "$here/program" "$ROBOINFRA_HOME/files/$sum"
    printf '%s' "$sum"
}

# step FUNCTION: as the runner calls it, with the paths of this test.
step() {
    bash -c '
        . "$1/lib.sh"
        . "$1/steps/gpu-metrics.sh"
        agent=$HERE/usr/roboinfra-agent agent_file=$HERE/etc/agent.toml agent_hooks=$HERE/etc agent_unit=$HERE/etc/unit agent_status=$HERE/status.json
        has_systemd() { [[ ! -e $HERE/no-systemd ]]; }
        program_of() { if [[ -e $HERE/older-runs ]]; then echo gone; else printf "%s" "$agent"; fi; }
        set -eEuo pipefail
        "$2"' _ "$root" "$1"
}

wants() { export AGENT_SHA256="$(uname -m):$1 pdp11:0"; }

@test "it is installed, started and proven, and then left alone" {
    wants "$old"
    run step check
    [[ $status == 1 && $output == *"is not the wanted one" ]]
    run step apply
    [[ $status == 0 && $output == *"installed roboinfra-agent one"*"the agent runs" ]]
    run step check
    [[ $status == 0 && $output == '' ]]
    [[ $(sha256sum <"$here/usr/roboinfra-agent") == "$old  -" && $(stat -c %a "$here/usr/roboinfra-agent") == 755 ]]
    [[ $(cat "$here/etc/agent.toml") == "$AGENT_CONFIG" ]]
    grep -q '^Restart=always' "$here/etc/unit"
    [[ $(step versions) == "agent=one+${old:0:8}" ]]
    [[ $(grep -c '^restart' "$here/asked") == 1 ]]
}

@test "another program or other settings restart it" {
    wants "$old"
    step apply
    wants "$new"
    run step check
    [[ $status == 1 ]]
    step apply
    [[ $("$here/usr/roboinfra-agent" --version) == "roboinfra-agent two" ]]
    AGENT_CONFIG+=$'\nnode = "sim.0"'
    run step check
    [[ $output == *"agent.toml is not as wanted" ]]
    step apply
    step check
    [[ $(grep -c '^restart' "$here/asked") == 3 ]]
}

@test "a restart that was cut off is made up for" {
    wants "$old"
    step apply
    touch "$here/home/agent-restart-due"
    run step check
    [[ $status == 1 && $output == *"has not been restarted"* ]]
    step apply
    step check
    touch "$here/older-runs"
    run step check
    [[ $output == *"another agent"* ]]
}

@test "what does not run here, or refuses its settings, replaces nothing" {
    wants "$old"
    step apply
    printf '#!/bin/sh\necho "GLIBC_2.99 not found"; exit 1\n' >"$here/program"
    sum=$(sha256sum <"$here/program" | cut -c1-64)
    mv "$here/program" "$here/home/files/$sum"
    wants "$sum"
    run step apply
    [[ $status == 1 && $output == *"error agent-unusable: this agent does not run here: GLIBC_2.99"* ]]
    [[ $("$here/usr/roboinfra-agent" --version) == "roboinfra-agent one" && ! -e $here/usr/roboinfra-agent.roboinfra-new ]]
    wants "$old"
    export AGENT_CONFIG=bad
    run step apply
    [[ $status == 1 && $output == *"error agent-settings"* ]]
    [[ $(cat "$here/etc/agent.toml") != bad ]]
}

@test "a damaged program is never installed and is sent again" {
    wants "$old"
    echo rubbish >>"$here/home/files/$old"
    run step apply
    [[ $status == 75 && $output == *damaged* && ! -e $here/home/files/$old && ! -e $here/usr/roboinfra-agent ]]
    run step apply
    [[ $status == 75 && $output == *"has not reached this host"* ]]
}

@test "without systemd, or without a program for this machine, it says so" {
    wants "$old"
    touch "$here/no-systemd"
    run step apply
    [[ $status == 1 && $output == *"error no-systemd"* ]]
    rm "$here/no-systemd"
    export AGENT_SHA256=pdp11:0
    run step apply
    [[ $status == 1 && $output == *"error agent-missing: there is no agent for a $(uname -m) machine"* ]]
}

@test "an agent that says nothing is a failure" {
    double systemctl 'case $1 in is-active) exit 3 ;; esac'
    double journalctl 'echo "it cannot begin"'
    wants "$old"
    export AGENT_WAIT=1
    run step apply
    [[ $status == 1 && $output == *"it cannot begin"*"error agent-silent"* ]]
    run step check
    [[ $output == *"has not been restarted"* ]]
}

@test "hooks are written as programs, and taken away" {
    wants "$old"
    export AGENT_ON_INTERRUPTION=$'echo "$ROBOINFRA_SECONDS_LEFT left"\nexit 0'
    step apply
    step check
    [[ $(ROBOINFRA_SECONDS_LEFT=120 "$here/etc/on-interruption") == "120 left" && ! -e $here/etc/on-rebalance ]]
    chmod 600 "$here/etc/on-interruption"
    run step check
    [[ $output == *"a hook for the spot market is not as wanted" ]]
    step apply
    step check
    AGENT_ON_INTERRUPTION=
    run step check
    [[ $status == 1 ]]
    step apply
    [[ ! -e $here/etc/on-interruption ]]
}
