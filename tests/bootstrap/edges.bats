#!/usr/bin/env bats
# Rare circumstances of the runner and the steps: a client that hangs, clocks that jump, orphans, words that mislead.

setup() {
    export ROBOINFRA_HOME=$BATS_TEST_TMPDIR/home ROBOINFRA_RUN=$BATS_TEST_TMPDIR/run ROBOINFRA_SYSTEMD=no
    here=$BATS_TEST_TMPDIR
    root=$BATS_TEST_DIRNAME/../../bootstrap
    bin=$here/bin
    mkdir -p "$bin"
}

teardown() {
    local name
    for name in "$ROBOINFRA_HOME"/steps/*/; do
        [[ ! -d $name ]] || runner stop "$(basename "$name")" >/dev/null 2>&1 || true
    done
}

runner() { bash "$root/runner.sh" "$@"; }

# put NAME: stores a script from stdin; its digest in `digest`.
put() {
    cat >"$here/script"
    digest=$(sha256sum <"$here/script" | cut -c1-64)
    runner put "$1" "$digest" <"$here/script"
}

start() { runner start "$1" "$digest" "${2:-30}" </dev/null; }

# double NAME BODY: a program that answers so.
double() {
    printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

@test "a client that sends a secret and then hangs is refused, and its secret is not repeated" {
    put secretive <<<'check() { false; }; apply() { :; }'
    export ROBOINFRA_SECRETS_WAIT=0.5
    run bash -c '(printf "KEY=c2VjcmV0\n"; sleep 3) | bash "$1" start secretive "$2" 30' _ "$root/runner.sh" "$digest"
    [[ $output == 'error bad-secret the secrets have not arrived within 0.5 s' ]]
    [[ $(runner status) == *' stored '* && ! -e $ROBOINFRA_RUN/secretive.env ]]
    run bash -c 'printf "KEY=c2VjcmV0\nOTHER=c2Vj" | bash "$1" start secretive "$2" 30' _ "$root/runner.sh" "$digest"
    [[ $output == 'error bad-secret the last line has not come whole' ]]
    [[ $(runner status) == *' stored '* && ! -e $ROBOINFRA_RUN/secretive.env ]]
}

@test "a step without a time limit is refused" {
    put endless <<<'check() { false; }; apply() { :; }'
    run runner start endless "$digest" 0 </dev/null
    [[ $output == 'error bad-number '* ]]
}

@test "a clock that is set back neither silences a follower nor makes a negative time" {
    put early <<<"check() { [[ -e $here/made ]]; }; apply() { touch $here/made; }"
    start early
    timeout 20 bash "$root/runner.sh" follow early "$digest" 0 >/dev/null
    sed -i 's/^started=.*/started=4000000000/' "$ROBOINFRA_HOME/steps/early/$digest/state"
    run timeout 20 bash "$root/runner.sh" follow early "$digest" 0
    [[ ${lines[-1]} == '! done rc=0 seconds=0' ]]
    # The runner's `beat` as it is when the last one was told by a clock an hour ahead.
    run bash -c '
        printf() { [[ $1 != ". "* ]] || { echo beats; exit 0; }; builtin printf "$@"; }
        source <(sed "/^main /d" "$1"); set -- ; beaten=$((EPOCHSECONDS + 3600)); due && beat' _ "$root/runner.sh"
    [[ $output == *beats* ]]
}

@test "the shell of a step is a plain one" {
    put plain <<<"check() { [[ -e $here/made ]]; }; apply() { echo $here/none-*; touch $here/made; }"
    start plain
    run timeout 20 bash "$root/runner.sh" follow plain "$digest" 0
    [[ $output == *"$here/none-*"* ]]
}

@test "what an upload that was cut has left is removed, what is under way is not" {
    put tidy <<<'check() { true; }; apply() { :; }'
    mkdir "$ROBOINFRA_HOME/steps/tidy/new.1" "$ROBOINFRA_HOME/steps/tidy/new.2"
    touch -d '2 hours ago' "$ROBOINFRA_HOME/steps/tidy/new.1"
    put tidy <<<'check() { true; }; apply() { : again; }'
    [[ ! -e $ROBOINFRA_HOME/steps/tidy/new.1 && -d $ROBOINFRA_HOME/steps/tidy/new.2 ]]
}

@test "what an older script of a step has left running is ended before a changed one runs" {
    put heavy <<<"check() { false; }; apply() { echo \$BASHPID >$here/first; sleep 60; }"
    start heavy 60
    for _ in {1..100}; do [[ ! -s $here/first ]] || break; sleep 0.05; done
    # The runner and what it started directly are killed, as by the kernel when memory is short.
    pid=$(sed -n 's/^pid=//p' "$ROBOINFRA_HOME/steps/heavy/$digest/state")
    kill -KILL "$pid"
    kill -0 "$(cat "$here/first")"
    # A zombie is gone, too: not every PID 1 reaps at once.
    put heavy <<<"check() { [[ -e $here/made ]]; }; apply() { ! grep -qs '^State:.[RSDT]' /proc/$(cat "$here/first")/status && touch $here/made; }"
    start heavy 60
    run timeout 30 bash "$root/runner.sh" follow heavy "$digest" 0
    echo "$output"
    [[ ${lines[-1]} == '! done rc=0 '* ]]
}

@test "eight clients at once: one of them starts the step, and it runs once" {
    put once <<<"check() { [[ -e $here/made ]]; }; apply() { echo x >>$here/runs; sleep 0.5; touch $here/made; }"
    for i in {1..8}; do start once >"$here/answer.$i" & done
    wait
    [[ $(cat "$here"/answer.* | grep -c '^started ') == 1 ]]
    [[ $(cat "$here"/answer.* | grep -cE '^(started|running|done) once ') == 8 ]]
    timeout 20 bash "$root/runner.sh" follow once "$digest" 0 >/dev/null
    [[ $(cat "$here/runs") == x ]]
}

@test "sizes in what apt says are no server's answer" {
    while IFS='|' read -r said code text; do
        run bash -c '. "$1"; APT_SAID=$2; explain_apt "install x"' _ "$root/lib.sh" \
            "$said"$'\n'"E: Sub-process /usr/bin/dpkg returned an error code (1)"
        echo "$said -> $status $output"
        [[ $status == "$code" && $output == *"error $text:"* ]]
    done <<'TABLE'
After this operation, 563 MB of additional disk space will be used.|1|apt
Need to get 500 kB of archives.|1|apt
Get:1 http://x trixie/main amd64 a amd64 1.429  [3 kB]|1|apt
E: Failed to fetch http://x/a.deb  502  Bad Gateway [IP: 10.0.0.1 80]|75|no-network
W: Failed to fetch http://x/InRelease  429  Too Many Requests|75|no-network
TABLE
}

@test "the kernel of an Ubuntu machine outside of AWS is held with its driver" {
    double dpkg-query 'shift 2; for name in linux-generic linux-image-generic-hwe-22.04 linux-image-arm64 nvidia-utils-580-server nvidia-container-toolkit bash; do
        for pattern; do [[ $name != $pattern ]] || echo "installed $name"; done; done'
    run bash -c 'PATH="$2:$PATH"; . "$1/lib.sh"; . "$1/steps/nvidia-driver.sh"; driver_packages' _ "$root" "$bin"
    [[ $output == $'linux-generic\nlinux-image-arm64\nlinux-image-generic-hwe-22.04\nnvidia-utils-580-server' ]]
}

@test "isolated CPUs are compared as a whole, and given back when they are not wanted any more" {
    step=$here/realtime.sh
    sed "s|/proc/cmdline|$here/cmdline|g; s|^grub_file=.*|grub_file=$here/grub.d/60.cfg|" "$root/steps/realtime.sh" >"$step"
    isolated() { ISOLATED_CPUS=$1 bash -c '. "$1"; . "$2"; are_isolated' _ "$root/lib.sh" "$step"; }
    echo 'quiet isolcpus=2,3 nohz_full=2,3' >"$here/cmdline"
    isolated 2,3
    if isolated 2; then false; fi
    isolated '' # Others isolated them: that stays.
    double update-grub "echo ran >>$here/grubbed"
    mkdir "$here/grub.d"
    echo old >"$here/grub.d/60.cfg"
    if isolated ''; then false; fi
    ISOLATED_CPUS='' PATH="$bin:$PATH" run bash -c '. "$1"; . "$2"; isolate' _ "$root/lib.sh" "$step"
    [[ $status == 100 && ! -e $here/grub.d/60.cfg && -e $here/grubbed ]]
    # Isolated by somebody else: not ours to undo.
    isolated ''
}
