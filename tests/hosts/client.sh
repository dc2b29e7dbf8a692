#!/usr/bin/env bash
# The whole road of `roboinfra bootstrap` on real hosts under faults: the program that users run, over SSH, with the
# shipped steps, on Debian with a real systemd, sshd, apt and Docker. After each fault the same command completes, and
# every step has had its effect once. Needs root. Prints one line for each case and at last `N passed, N failed`.
#
#   client.sh [CASE...]     all cases, or those named; ROBOINFRA is the program (target/debug/roboinfra), ROBOINFRA_AGENT the agent
#                           (target/debug/roboinfra-agent)
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
roboinfra=$(realpath "${ROBOINFRA:-$here/../../target/debug/roboinfra}")
# The cases' own tools are those of the steps: hosts that come up, a shell on each.
# shellcheck source=tests/hosts/steps.sh
source "$here/steps.sh"

# The client's code when all is ready, when something is not, when a host lets nobody in.
readonly READY=0 NOT_READY=6 NO_ENTRY=4
readonly SHORT='["base", "ros-network"]' LONG='["base", "ros-network", "docker"]'

# --- A lab of edge hosts -----------------------------------------------------------------------------------------

# lab STEPS HOST...: a profile for those hosts in a folder of its own, $lab.
lab() {
    local steps=$1 name
    shift
    lab=$(mktemp -d "$work/lab.XXXX")
    {
        printf 'version = 1\n[lab]\nname = "ladder"\nregion = "us-east-1"\n[access]\nkeys = ["%s.pub"]\n' "${key[$1]}"
        for name in "$@"; do
            printf '[edge.%s]\nhost = "%s"\nuser = "admin"\nplatform = "linux"\nbootstrap = %s\n' "$name" "${address[$name]}" "$steps"
        done
    } >"$lab/lab.toml"
}

# bootstrap [ARGUMENT...]: to its end; the screen in $work/log, the exit code in `code`.
bootstrap() {
    code=0
    (cd "$lab" && CI=1 timeout 400 "$roboinfra" bootstrap "$@") </dev/null >"$work/log" 2>&1 || code=$?
}

# launch: the same in the background, in a process group of its own: `client`.
launch() {
    (cd "$lab" && CI=1 exec setsid "$roboinfra" bootstrap) </dev/null >"$work/log" 2>&1 &
    client=$!
}

# ended: the exit code of what was launched, in `code`.
ended() {
    code=0
    wait "$client" || code=$?
}

# until_log HOST STEP PATTERN: until the step's log on the host has the line.
until_log() {
    local turn
    for ((turn = 0; turn < 600; turn++)); do
        if on "$1" "sudo -n grep -qa '$3' /var/lib/roboinfra/steps/$2/current/log" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    wants "the log of $2" "without a line like it after 60 s" "$3"
}

# step HOST NAME: what the runner says of it.
step() {
    # shellcheck disable=SC2016 # For the host's shell.
    on "$1" 'sudo -n sh -c "for r in /var/lib/roboinfra/bin/runner*; do \$r status; break; done"' | grep "^step $2 "
}

# once HOST STEP TRIES: it is done, in so many tries.
once() { wants "$2" "$(step "$1" "$2")" "step $2 * done rc=0 * tries=$3"; }

# sound HOST: nothing half-installed, and Docker runs.
sound() {
    wants "dpkg's audit" "$(on "$1" 'sudo -n dpkg --audit')" '' || return 1
    wants "Docker" "$(on "$1" 'sudo -n docker version --format "{{.Server.Version}}"')" '[0-9]*'
}

# --- Cases -------------------------------------------------------------------------------------------------------

# Four at once, of which one never answers: the others do not wait for it.
case_four() {
    local names=("${prefix}a" "${prefix}b" "${prefix}c" "${prefix}d") name
    for name in "${names[@]}"; do host_up "$name" || return 1; done
    "$here/host.sh" drop "${names[3]}"
    lab "$SHORT" "${names[@]}"
    bootstrap --patience 5
    wants "with one of four silent" "$code" "[$NOT_READY$NO_ENTRY]" || return 1
    for name in "${names[@]:0:3}"; do
        once "$name" base 1 && once "$name" ros-network 1 || return 1
    done
    "$here/host.sh" undrop "${names[3]}"
    bootstrap
    wants "with all of them" "$code" "$READY" || return 1
    for name in "${names[@]}"; do
        once "$name" base 1 && once "$name" ros-network 1 || return 1
    done
}

# one LETTER STEPS: one fresh host and its lab.
one() {
    host="$prefix$1"
    [[ -n ${address[$host]:-} ]] || host_up "$host" || return 1
    lab "$2" "$host"
}

# The client is killed; what it began goes on, and the next one follows it.
case_killed() {
    one e "$LONG" || return 1
    launch
    until_log "$host" docker '^Unpacking' || return 1
    kill -KILL "$client"
    ended
    bootstrap
    wants "after the kill" "$code" "$READY" && once "$host" docker 1 && sound "$host"
}

# The wire is cut for longer than the client believes in it.
case_cut() {
    one f "$LONG" || return 1
    launch
    until_log "$host" docker '^Unpacking' || return 1
    "$here/host.sh" drop "$host"
    sleep 45
    grep -qa 'waiting: ' "$work/log" || { wants "what is said of the cut" nothing 'waiting: '; return 1; }
    "$here/host.sh" undrop "$host"
    ended
    wants "after the cut" "$code" "$READY" && once "$host" docker 1 && sound "$host"
}

# sshd stands still with the connection open; only the missing heartbeat tells.
case_frozen() {
    one g "$LONG" || return 1
    launch
    until_log "$host" docker '^Unpacking' || return 1
    "$here/host.sh" freeze "$host"
    sleep 45
    grep -qa 'waiting: ' "$work/log" || { wants "what is said of the silence" nothing 'waiting: '; return 1; }
    "$here/host.sh" thaw "$host"
    ended
    wants "after the freeze" "$code" "$READY" && once "$host" docker 1 && sound "$host"
}

# The host reboots in the middle of a step, without being asked.
case_rebooted() {
    one h "$LONG" || return 1
    launch
    until_log "$host" docker '^Unpacking' || return 1
    "$here/host.sh" reboot "$host"
    ended
    [[ $code == "$READY" ]] || bootstrap
    wants "after the reboot" "$code" "$READY" && once "$host" docker 2 && sound "$host"
}

# The power goes while dpkg unpacks, and comes back.
case_power() {
    one i "$LONG" || return 1
    launch
    until_log "$host" docker '^Unpacking docker' || return 1
    "$here/host.sh" cut "$host"
    sleep 3
    "$here/host.sh" up "$host" >/dev/null || return 1
    ended
    [[ $code == "$READY" ]] || bootstrap
    wants "after the power cut" "$code" "$READY" && once "$host" docker 2 && sound "$host"
}

# Another key than the pinned one: nothing is sent, nothing is done.
case_wrong_key() {
    local pinned
    one j "$SHORT" || return 1
    bootstrap
    wants "with the key that it has" "$code" "$READY" || return 1
    pinned=$(<"$lab/.roboinfra/known_hosts")
    ssh-keygen -q -t ed25519 -N '' -f "$work/other" <<<y >/dev/null
    printf '%s %s\n' "${pinned%% *}" "$(cut -d' ' -f1,2 "$work/other.pub")" >"$lab/.roboinfra/known_hosts"
    on "$host" 'sudo -n find /var/lib/roboinfra -newermt @0 -printf "%p %T@\n" | sort | sha256sum' >"$work/before"
    bootstrap
    wants "with another key" "$code" "$NO_ENTRY" || return 1
    wants "the host" "$(on "$host" 'sudo -n find /var/lib/roboinfra -newermt @0 -printf "%p %T@\n" | sort | sha256sum')" \
        "$(<"$work/before")" || return 1
    printf '%s\n' "$pinned" >"$lab/.roboinfra/known_hosts"
    bootstrap
    wants "with the pinned key" "$code" "$READY" && once "$host" base 1
}

# The shorter lab first, so that only the last step meets the fault.
bootstrap_steps() {
    lab "$SHORT" "$host"
    bootstrap
    wants "without docker" "$code" "$READY" || return 1
    lab "$LONG" "$host"
}

# Somebody else holds apt's lock for a while.
case_apt_lock() {
    one l "$SHORT" || return 1
    on "$host" "sudo -n setsid -f perl -MFcntl -e 'open F, q(>>), q(/var/lib/dpkg/lock-frontend);
        my \$lock = pack(q(s s x4 q q i x4), F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, \$lock or die;
        open G, q(>), q(/run/hold); close G; sleep 15' </dev/null >/dev/null 2>&1
        for i in \$(seq 100); do [ -e /run/hold ] && exit 0; sleep 0.1; done; exit 1" || return 1
    bootstrap
    wants "with the lock held" "$code" "$READY" && once "$host" base 1
}

# The disk fills while dpkg unpacks: what is new under /usr has so much room, and more of it later.
case_full_disk() {
    one k "$LONG" || return 1
    bootstrap_steps || return 1
    on "$host" 'sudo -n sh -c "mkdir /srv/room && mount -t tmpfs -o size=24m room /srv/room && mkdir /srv/room/new /srv/room/work &&
        mount -t overlay -o lowerdir=/usr,upperdir=/srv/room/new,workdir=/srv/room/work new /usr"' || return 1
    bootstrap
    wants "with a full disk" "$code" "$NOT_READY" || return 1
    grep -qi 'no space left' "$work/log" || { wants "what is said of the disk" "$(tail -n 20 "$work/log")" 'no space left'; return 1; }
    on "$host" 'sudo -n mount -o remount,size=2g /srv/room' || return 1
    bootstrap
    wants "with room again" "$code" "$READY" && sound "$host"
}

# What fails twice and then passes: the archive is out of reach, as apt tells it.
case_fails_twice() {
    one m "$LONG" || return 1
    bootstrap_steps || return 1
    # shellcheck disable=SC2016 # For the host's shell.
    on "$host" 'printf "%s\n" "#!/bin/sh" "case \" \$* \" in *\" install \"*) n=\$(cat /srv/failures 2>/dev/null || echo 0)" \
        "[ \$n -ge 2 ] || { echo \$((n + 1)) >/srv/failures; echo \"E: Failed to fetch http://deb.debian.org/x Connection timed out\" >&2; exit 100; };; esac" \
        "exec /usr/bin/apt-get \"\$@\"" | sudo -n tee /usr/local/sbin/apt-get >/dev/null && sudo -n chmod 755 /usr/local/sbin/apt-get' || return 1
    bootstrap
    [[ $code == "$READY" ]] || bootstrap
    [[ $code == "$READY" ]] || bootstrap
    wants "after two failures" "$code" "$READY" || return 1
    wants "failures" "$(on "$host" 'cat /srv/failures')" 2 && sound "$host"
}

# --- Steps of the user's own -------------------------------------------------------------------------------------

# own_step NAME LINES: the header that all have, then LINES.
own_step() {
    mkdir -p "$lab/steps"
    {
        printf '#!/usr/bin/env bash\n# roboinfra:step %s\n# roboinfra:about A step of a lab\n# roboinfra:timeout 5m\n' "$1"
        printf '# roboinfra:proof Its file\n# roboinfra:systems ubuntu-* debian-*\n%s\n' "$2"
    } >"$lab/steps/$1.sh"
    printf '[step.%s]\nscript = "steps/%s.sh"\n' "$1" "$1" >>"$lab/lab.toml"
}

# A fresh host gets a step that wants a reboot and one that is cut in the middle; a secret reaches it and stays nowhere.
case_own_steps() {
    local boot token=fleet-hunter2-$RANDOM
    one n '["base", "kernel", "calibrate"]' || return 1
    # shellcheck disable=SC2016 # For the host's shell.
    own_step kernel '# roboinfra:needs base
# roboinfra:reboot may
check() { [[ -s /srv/booted && $(cat /srv/booted) != "$(cat /proc/sys/kernel/random/boot_id)" ]]; }
apply() { cp /proc/sys/kernel/random/boot_id /srv/booted; reboot_needed "the new setting holds from the next boot on"; }'
    # shellcheck disable=SC2016 # For the host's shell.
    own_step calibrate '# roboinfra:needs kernel
# roboinfra:reboot never
# roboinfra:inputs FRAMES=3 ADDRESS=
# roboinfra:secrets FLEET_TOKEN
check() { [[ $(wc -l </srv/frames) == "$FRAMES" ]]; }
apply() {
    for ((n = 1; n <= FRAMES; n++)); do say "frame $n of $FRAMES"; echo "$ADDRESS" >>/srv/frames; sleep 1; done
    printf "%s" "$FLEET_TOKEN" | sha256sum | cut -d" " -f1 >/srv/token
}'
    printf 'inputs = { FRAMES = "60" }\nsecrets = { FLEET_TOKEN = "env:FLEET_TOKEN" }\n' >>"$lab/lab.toml"
    boot=$(on "$host" cat /proc/sys/kernel/random/boot_id) || return 1
    export FLEET_TOKEN=$token
    launch
    until_log "$host" calibrate '^frame 5 ' || return 1
    "$here/host.sh" drop "$host"
    sleep 40
    "$here/host.sh" undrop "$host"
    ended
    [[ -z ${TRANSCRIPT:-} ]] || cp "$work/log" "$TRANSCRIPT"
    wants "the bootstrap" "$code" "$READY" && once "$host" kernel 2 && once "$host" calibrate 1 || return 1
    wants "what is said of the reboot" "$(grep -c 'reboot' "$work/log")" '[1-9]*' || return 1
    wants "the boot" "$(on "$host" cat /proc/sys/kernel/random/boot_id | grep -c "$boot")" 0 || return 1
    wants "frames" "$(on "$host" 'sort /srv/frames | uniq -c')" "*60 edge.$host" || return 1
    wants "the token" "$(on "$host" cat /srv/token)" "$(printf '%s' "$token" | sha256sum | cut -d' ' -f1)" || return 1
    # Not as an argument: sudo would write it into the log that is searched.
    on "$host" 'sudo -n tee /srv/canary >/dev/null' <<<"$token" || return 1
    wants "the token on the host" "$(on "$host" 'sudo -n grep -rlf - /srv /var/lib/roboinfra /run/roboinfra /var/log 2>/dev/null' <<<"$token")" /srv/canary || return 1
    wants "the token here" "$(grep -rl "$token" "$lab" | wc -l)" 0 || return 1
    # Nothing is run again; another number of frames is.
    bootstrap
    wants "again" "$code" "$READY" && once "$host" calibrate 1 || return 1
    unset FLEET_TOKEN
    sed -i 's/"60"/"61"/' "$lab/lab.toml"
    bootstrap
    wants "without the secret" "$code" "$NOT_READY" || return 1
    wants "what is said of it" "$(grep -c 'the step calibrate cannot begin: the secret FLEET_TOKEN' "$work/log")" 1
}

# A stack of the user's own, from the profile to healthy services; an update of it that is not healthy is taken back.
case_own_stack() {
    # shellcheck disable=SC2016 # For the host's shell.
    local services='sudo -n sh -c "for r in /var/lib/roboinfra/bin/runner*; do \$r services; break; done"'
    one o "$LONG" || return 1
    bootstrap
    wants "the bootstrap" "$code" "$READY" && make_service "$host" || return 1
    mkdir -p "$lab/stacks/fleet"
    cat >"$lab/stacks/fleet/stack.toml" <<'TOML'
about = "A fleet"
files = ["rate.conf"]
[component.one]
about = "A service"
image = "test/svc:good"
secrets = ["KEY"]
folders = [{ path = "one", owner = 0 }]
TOML
    cat >"$lab/stacks/fleet/compose.yaml" <<'YAML'
services:
{{#if on.one}}
  one:
    image: {{ image.one }}
    environment: {{ env.one }}
    secrets: {{ secrets.one }}
    volumes: ["${ROBOINFRA_DATA:?}/one:/data", "./rate.conf:/rate.conf:ro"]
    healthcheck: { test: ["CMD", "/svc", "check"], interval: 1s, timeout: 2s, retries: 2, start_period: 3s }
{{/if}}
secrets: {{ secret_files }}
YAML
    printf 'rate = 5\n' >"$lab/stacks/fleet/rate.conf"
    sed -i 's/^bootstrap = .*/bootstrap = ["base", "docker", "stack"]\nstack = "fleet"/' "$lab/lab.toml"
    printf '[stack.fleet]\ntemplate = "stacks/fleet"\nsecrets = { KEY = "env:FLEET_KEY" }\n' >>"$lab/lab.toml"
    export FLEET_KEY=hunter2four
    bootstrap
    wants "a stack of one's own" "$code" "$READY" && wants "its services" "$(on "$host" "$services")" 'one:healthy' || return 1
    wants "its file" "$(on "$host" 'sudo -n cat /var/lib/roboinfra/stack/current/rate.conf')" 'rate = 5' || return 1
    sed -i 's/svc:good/svc:bad/' "$lab/stacks/fleet/stack.toml"
    bootstrap
    wants "a bad update" "$code" "$NOT_READY" || return 1
    grep -qa 'one is unhealthy. The one before runs again' "$work/log" || { wants reason none stack-unhealthy; return 1; }
    wants "what runs" "$(on "$host" "sudo -n docker ps --format '{{.Image}}'; $services")" $'test/svc:good\none:healthy' || return 1
    sed -i 's/{{ image.one }}/{{ image.two }}/' "$lab/stacks/fleet/compose.yaml"
    bootstrap
    wants "an undefined variable" "$code" 3 && wants "what is said of it" "$(grep -c 'image.two' "$work/log")" '[1-9]*'
}

# --- The agent ---------------------------------------------------------------------------------------------------

# roboinfra ARGUMENT...: in the lab's folder; what it says on stdout and stderr in $work/log.
program() { (cd "$lab" && CI=1 timeout 60 "$roboinfra" "$@") </dev/null >"$work/log" 2>&1; }

# stays NAME SECONDS WHY: it is not switched off.
stays() {
    local until=$((SECONDS + $2))
    while ((SECONDS < until)); do
        "$here/host.sh" runs "$1" || { wants "the host, $3" off on; return 1; }
        sleep 1
    done
}

# The digest of the agent that runs on the host, and its process.
running_agent() {
    # shellcheck disable=SC2016 # For the host's shell.
    on "$1" 'pid=$(systemctl show --property=MainPID --value roboinfra-agent); sudo -n sha256sum /proc/$pid/exe | cut -c1-64; echo $pid' |
        tr '\n' ' '
}

# idle_host: a host with a GPU that does nothing, which `nvidia-smi` tells; a terminal that keeps what is written to it.
idle_host() {
    one n '["gpu-metrics"]' || return 1
    printf 'power_off = true\n[idle]\nfor = "1m"\n' >>"$lab/lab.toml"
    on "$host" "printf '#!/bin/sh\\necho \"0, GPU-a, Tesla T4, 0:0:0.0, 580.1, 0, 0, 1, 1, 2, 40, 30, 70, 1, 1, 0, 0, [N/A]\"\\n' |
        sudo -n tee /usr/bin/nvidia-smi >/dev/null; sudo -n chmod 755 /usr/bin/nvidia-smi
        sudo -n setsid -f script -qfc 'sleep 3600' /srv/terminal </dev/null >/dev/null 2>&1"
}

# The agent is installed, comes back when it is killed, is replaced by another one, and switches an idle host off: not while somebody
# is logged in, and not while it is held.
case_agent() {
    local first second pid login
    idle_host || return 1
    strip -o "$work/agent" "${ROBOINFRA_AGENT:-$here/../../target/debug/roboinfra-agent}" || return 1
    bootstrap --agent-binary "$work/no-such-agent"
    wants "without the program that was named" "$code" 1 || return 1
    bootstrap --agent-binary "$work/agent"
    wants "with it" "$code" "$READY" && once "$host" gpu-metrics 1 || return 1
    program hold "edge.$host" 1h || { wants "the hold" refused taken; return 1; }
    read -r first pid < <(running_agent "$host")
    wants "what runs" "$first" "$(sha256sum <"$work/agent" | cut -c1-64)" || return 1
    # Killed, it is started again.
    # shellcheck disable=SC2016 # For the host's shell.
    on "$host" 'sudo -n systemctl kill --signal=KILL roboinfra-agent; for i in $(seq 100); do sleep 0.3
        now=$(systemctl show --property=MainPID --value roboinfra-agent); [ "$now" != 0 ] && [ "$now" != '"$pid"' ] && exit 0; done; exit 1' ||
        { wants "the agent that was killed" gone back; return 1; }
    # The same again changes nothing; another program replaces it.
    read -r first pid < <(running_agent "$host")
    bootstrap --agent-binary "$work/agent"
    wants "again" "$code $(running_agent "$host")" "$READY $first $pid " || return 1
    cp "$work/agent" "$work/newer"
    printf 'x' >>"$work/newer"
    bootstrap --agent-binary "$work/newer"
    wants "with a newer one" "$code" "$READY" || return 1
    read -r second _ < <(running_agent "$host")
    wants "what runs then" "$second" "$(sha256sum <"$work/newer" | cut -c1-64)" || return 1
    sleep 7
    program status --no-hosts && wants "status that asks nobody" "$(<"$work/log")" '*edge.'"$host"'*' || return 1
    # Held, with nobody there: it stays for longer than the idle time.
    stays "$host" 70 "while it is held" || return 1
    program status
    wants "status" "$(<"$work/log")" '*busy: *held until*' || return 1
    # Somebody is logged in when the hold is taken away.
    on "$host" 'sleep 90' &
    login=$!
    program hold "edge.$host" --release || { wants "the release" refused "done"; return 1; }
    stays "$host" 70 "while somebody is logged in" || return 1
    program status
    wants "status" "$(<"$work/log")" '*busy: *admin*is logged in*' || return 1
    kill "$login" 2>/dev/null
    wait "$login" 2>/dev/null
    switches_off || return 1
    wants "what was said on terminals" "$(<"$("$here/host.sh" disk "$host")/srv/terminal")" '*roboinfra: *' || return 1
}

switches_off() {
    local until=$((SECONDS + 240))
    while "$here/host.sh" runs "$host"; do
        ((SECONDS < until)) || { on "$host" 'cat /run/roboinfra-agent/status.json' >"$work/log"; wants "the idle host" on off; return 1; }
        sleep 1
    done
}

# Each case has hosts of its own: a machine has only so many inotify instances, and every systemd takes some.
after_case() {
    local name
    for name in "${!address[@]}"; do
        "$here/host.sh" down "$name"
        unset "address[$name]"
    done
}

# --- All of them -------------------------------------------------------------------------------------------------

cases=(four killed cut frozen rebooted power wrong_key apt_lock full_disk fails_twice own_steps own_stack agent)
(($# == 0)) || cases=("$@")
run_cases
