#!/usr/bin/env bash
# The steps on real hosts: over ssh, through the runner, as the client does it. Debian's own packages are really
# installed and Docker really runs; NVIDIA's packages are STUBS from a small repository made here, because there is
# neither a GPU nor NVIDIA's repository. Needs root. Prints one line for each case and at last `N passed, N failed`.
#
#   steps.sh [CASE...]     all cases, or those named
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bootstrap=$here/../../bootstrap
work=$(mktemp -d)
passed=0 failed=0
declare -A address key known
# Every name is this run's own.
readonly prefix=s$((RANDOM % 900 + 100))

finish() {
    local name
    for name in "${!address[@]}"; do "$here/host.sh" down "$name"; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- A small client ----------------------------------------------------------------------------------------------

host_up() {
    local line
    while IFS= read -r line; do
        case $line in
            address=*) address[$1]=${line#*=} ;;
            key=*) key[$1]=${line#*=} ;;
            known_hosts=*) known[$1]=${line#*=} ;;
        esac
    done < <("$here/host.sh" up "$@")
    [[ -n ${address[$1]:-} ]] && lets_in "$1"
}

# lets_in HOST: sshd answers before users may log in: pam_nologin keeps them out until the boot is over.
lets_in() {
    local turn
    for ((turn = 0; turn < 100; turn++)); do
        if on "$1" true 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    return 1
}

# on HOST COMMAND...
on() {
    local name=$1
    shift
    ssh -F none -i "${key[$name]}" -o UserKnownHostsFile="${known[$name]}" -o StrictHostKeyChecking=yes -o BatchMode=yes \
        -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o LogLevel=ERROR \
        "admin@${address[$name]}" "$@"
}

runner() {
    local name=$1
    shift
    on "$name" sudo -n "/var/lib/roboinfra/bin/runner" "$@"
}

install_runner() {
    on "$1" 'sudo -n sh -c "umask 077; mkdir -p /var/lib/roboinfra/bin; cat >/var/lib/roboinfra/bin/runner; chmod 700 /var/lib/roboinfra/bin/runner"' \
        <"$bootstrap/runner.sh"
}

# script STEP [NAME=VALUE...]: the library, the inputs and the step in one, as the client puts them together.
script() {
    local step=$1 input inputs
    shift
    printf '#!/usr/bin/env bash\n'
    cat "$bootstrap/lib.sh"
    read -r -a inputs < <(sed -n 's/^# roboinfra:inputs *//p' "$bootstrap/steps/$step.sh")
    for input in ${inputs[@]+"${inputs[@]}"} "$@"; do printf "export %s='%s'\n" "${input%%=*}" "${input#*=}"; done
    cat "$bootstrap/steps/$step.sh"
}

# begin HOST STEP [NAME=VALUE...]: puts and starts it; its digest in `digest`.
begin() {
    local name=$1 step=$2
    shift 2
    script "$step" "$@" >"$work/script"
    digest=$(sha256sum <"$work/script" | cut -c1-64)
    runner "$name" put "$step" "$digest" <"$work/script" >/dev/null && runner "$name" start "$step" "$digest" 900 </dev/null
}

# follow HOST STEP [SECONDS]: to its end; the log in $work/log, the last frame in `last`.
follow() {
    timeout "${3:-300}" ssh -F none -i "${key[$1]}" -o UserKnownHostsFile="${known[$1]}" -o BatchMode=yes -o LogLevel=ERROR \
        "admin@${address[$1]}" "sudo -n /var/lib/roboinfra/bin/runner follow $2 $digest 0" >"$work/log" 2>/dev/null
    last=$(grep -a '^! ' "$work/log" | tail -n 1)
}

run_step() {
    local name=$1 step=$2
    begin "$@" >/dev/null
    follow "$name" "$step"
}

# --- Cases -------------------------------------------------------------------------------------------------------

# wants WHAT ACTUAL PATTERN
wants() {
    # shellcheck disable=SC2053 # A pattern.
    if [[ $2 == $3 ]]; then
        return 0
    fi
    printf '    %s is: %s\n    wanted: %s\n' "$1" "$2" "$3"
    tail -n 15 "$work/log" 2>/dev/null | sed 's/^/    | /'
    return 1
}

# ready HOST [SUITE]: a host with the runner.
ready() { host_up "$@" && install_runner "$1"; }

# What a step must not touch when it has nothing to do.
footprint() {
    on "$1" "sudo -n sh -c 'dpkg -l | sha256sum; find /etc /usr/local /srv -xdev -type f -newer /run/mark 2>/dev/null |
        grep -v -e /etc/mtab -e resolv.conf; systemctl show -p ActiveEnterTimestampMonotonic docker 2>/dev/null'"
}

case_debian() {
    local step before
    ready "$1" "$2" || return 1
    for step in base ros-network realtime; do
        run_step "$1" "$step"
        wants "$step" "$last" '! done rc=0 *' || return 1
    done
    # What a container cannot set is told in plain words.
    grep -qa 'cannot be set in a container' "$work/log" || { echo "    nothing is said of what a container cannot set"; return 1; }
    [[ $2 == trixie ]] || return 0
    run_step "$1" docker
    wants docker "$last" '! done rc=0 *' || return 1
    on "$1" 'sudo -n touch /run/mark && sleep 1.1'
    before=$(footprint "$1")
    for step in base ros-network realtime docker; do
        # Another digest: it runs again, and has nothing to do.
        run_step "$1" "$step" AGAIN=1
        wants "$step again" "$last" '! done rc=0 *' || return 1
    done
    wants "what a second run changed" "$(footprint "$1")" "$before"
}

case_trixie() { case_debian "${prefix}a" trixie; }

case_bookworm() {
    case_debian "${prefix}b" bookworm || return 1
    # Debian 12 has no Compose 2, and Docker's own repository is out of reach: that is said, and nothing is installed.
    run_step "${prefix}b" docker
    wants docker "$last" '! failed rc=1 *' || return 1
    grep -qa 'error package-missing' "$work/log" || wants "its reason" none package-missing
}

case_container() {
    local name=${prefix}a
    [[ -n ${address[$name]:-} ]] || case_trixie || return 1
    printf '#include <stdio.h>\nint main(void) { puts("from scratch"); return 0; }\n' >"$work/hello.c"
    cc -static -o "$work/hello" "$work/hello.c" || return 1
    on "$name" 'cat >hello' <"$work/hello"
    wants "the container" "$(on "$name" 'chmod 755 hello && printf "FROM scratch\nCOPY hello /hello\nCMD [\"/hello\"]\n" >Dockerfile &&
        sudo -n env DOCKER_BUILDKIT=0 docker build -q -t hello . >/dev/null 2>&1 && sudo -n docker run --rm hello' 2>&1)" "from scratch"
}

# --- A stack of services that are built here, under a real Docker ------------------------------------------------------

# What a service of the test is: it serves, says how long its secret is, and is healthy unless its image, its data or its secret
# is not.
make_service() {
    cat >"$work/svc.c" <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void end(int signal) { _exit(0); }
int main(int words, char **word) {
    char secret[100] = "";
    FILE *file = fopen("/run/secrets/KEY", "r");
    if (file) fgets(secret, sizeof secret, file);
    if (words > 1 && !strcmp(word[1], "check")) return getenv("BAD") || strstr(secret, "wrong") || !access("/data/sick", F_OK);
    signal(SIGTERM, end);
    printf("serving with a secret of %zu bytes\n", strlen(secret));
    fflush(stdout);
    for (;;) pause();
}
C
    cc -static -o "$work/svc" "$work/svc.c" || return 1
    on "$1" 'cat >svc' <"$work/svc"
    # shellcheck disable=SC2016 # For the host's shell.
    on "$1" 'chmod 755 svc && for bad in "" "ENV BAD=1"; do
        printf "FROM scratch\nCOPY svc /svc\n%s\nCMD [\"/svc\"]\n" "$bad" >Dockerfile
        tag=good; [ -z "$bad" ] || tag=bad
        sudo -n env DOCKER_BUILDKIT=0 docker build -q -t test/svc:$tag . >/dev/null 2>&1 || exit 1; done'
}

# stack_inputs TAG: the inputs of a stack with one service of that image.
stack_inputs() {
    local compose
    compose=$(
        cat <<YAML
name: roboinfra
services:
  one:
    image: test/svc:$1
    secrets: [KEY]
    volumes: ["\${ROBOINFRA_DATA:?}/one:/data"]
    healthcheck: { test: ["CMD", "/svc", "check"], interval: 1s, timeout: 2s, retries: 2, start_period: 3s }
    restart: unless-stopped
secrets: { KEY: { file: ../../secrets/KEY } }
YAML
    )
    inputs=(STACK=test STACK_SERVICES=one "STACK_FILES=compose.yaml $(base64 -w0 <<<"$compose")" "STACK_FOLDERS=0 one"
        STACK_SECRET_NAMES=KEY STACK_SECRET_MARKS=KEY:1 STACK_PATIENCE=30 STACK_DISK_MIB=10)
}

# run_stack HOST INPUT...: with the secret in `secret`, of eleven bytes unless a case wants another, as the client sends it.
secret=hunter2four
run_stack() {
    local name=$1 packed
    shift
    script stack "$@" >"$work/script"
    digest=$(sha256sum <"$work/script" | cut -c1-64)
    packed=$(printf 'KEY=%s' "$(printf %s "$secret" | base64 -w0)" | base64 -w0)
    runner "$name" put stack "$digest" <"$work/script" >/dev/null
    printf 'STACK_SECRETS=%s\n' "$packed" | runner "$name" start stack "$digest" 300 >/dev/null
    ((${later:-0})) || follow "$name" stack
}

# until_says HOST PATTERN COMMAND...: within 40 seconds.
until_says() {
    local name=$1 pattern=$2 turn said=
    shift 2
    for ((turn = 0; turn < 80; turn++)); do
        said=$(on "$name" "$@" 2>/dev/null)
        # shellcheck disable=SC2053 # A pattern.
        if [[ $said == $pattern ]]; then return; fi
        sleep 0.5
    done
    wants "$*" "$said" "$pattern"
}

# The secret as it is and as it travels, for `grep -f`: its text, and what base64 makes of it once and twice.
secret_patterns() {
    printf 'hunter2\n'
    printf hunter2four | base64 -w0 | cut -c1-12
    printf 'KEY=%s' "$(printf hunter2four | base64 -w0)" | base64 -w0 | cut -c9-22
}

# Looks into every process of the host, again and again, until /run/enough is there.
watch_processes() {
    secret_patterns | on "$1" 'sudo -n tee /srv/patterns >/dev/null'
    on "$1" 'sudo -n bash -c "cat >/srv/watch && : >/srv/seen && setsid -f bash /srv/watch </dev/null >/dev/null 2>&1"' <<'HOST'
while [[ ! -e /run/enough ]]; do
    grep -la -f /srv/patterns /proc/[0-9]*/environ /proc/[0-9]*/cmdline >>/srv/seen 2>/dev/null
    echo "looked" >>/srv/looks
done
HOST
}

# In no process' words or environment, no unit, journal, container or log, and in no file but its own.
secret_is_nowhere() {
    wants "where the secret is" "$(on "$1" 'sudo -n bash -s' <<'HOST'
docker inspect $(docker ps -aq) | grep -c -f /srv/patterns
grep -rla -f /srv/patterns /var/lib/roboinfra /run/roboinfra /run/systemd /etc /var/log 2>/dev/null
find /var/lib/docker/containers -type f -exec grep -la -f /srv/patterns {} +
journalctl --quiet | grep -a -f /srv/patterns
cat /srv/seen
(($(wc -l </srv/looks) > 20)) || echo "hardly looked"
HOST
    )" $'0\n/var/lib/roboinfra/stack/secrets/KEY'
}

# Another value of the secret, another mark: the services get it, and give it back if they do not become healthy with it.
changed_secret() {
    local name=$1 services='sudo -n /var/lib/roboinfra/bin/runner services' secrets=/var/lib/roboinfra/stack/secrets inputs secret id
    stack_inputs good
    id=$(on "$name" 'sudo -n docker ps -q')
    secret=hunter2fourteen
    run_stack "$name" "${inputs[@]}" STACK_SECRET_MARKS=KEY:2
    wants "a changed secret" "$last" '! done rc=0 *' || return 1
    grep -qa 'a secret has another value' "$work/log" || { wants reason none changed; return 1; }
    wants "what it says then" "$(runner "$name" said one 1)" 'serving with a secret of 15 bytes' || return 1
    [[ $(on "$name" 'sudo -n docker ps -q') != "$id" ]] || { wants "its container" "$id" another; return 1; }
    secret=wrong
    run_stack "$name" "${inputs[@]}" STACK_SECRET_MARKS=KEY:3
    wants "a wrong secret" "$last" '! failed rc=1 *' || return 1
    grep -qa 'one is unhealthy. The one before runs again' "$work/log" || { wants reason none stack-unhealthy; return 1; }
    wants "the secret before" "$(on "$name" "sudo -n cat $secrets/KEY; $services; sudo -n ls /var/lib/roboinfra/stack")" \
        $'hunter2fourteenone:healthy\ncurrent\ndata\nmarks\nreleases\nsecrets' || return 1
    # As the profile is mended: the first one again.
    secret=hunter2four
    run_stack "$name" "${inputs[@]}"
    wants "the first secret" "$last" '! done rc=0 *' || return 1
    wants "what it says at last" "$(runner "$name" said one 1)" 'serving with a secret of 11 bytes'
}

case_stack() {
    local name=${prefix}a inputs id services='sudo -n /var/lib/roboinfra/bin/runner services' later=0
    [[ -n ${address[$name]:-} ]] || case_trixie || return 1
    make_service "$name" || return 1
    watch_processes "$name"
    # Cut as it begins: the next try brings it up, once.
    stack_inputs good
    later=1 run_stack "$name" "${inputs[@]}"
    runner "$name" stop stack >/dev/null
    run_stack "$name" "${inputs[@]}"
    wants "a first stack" "$last" '! done rc=0 *' || return 1
    wants "its services" "$(on "$name" "$services")" 'one:healthy' || return 1
    wants "what it says" "$(runner "$name" said one 5)" 'serving with a secret of 11 bytes' || return 1
    on "$name" 'sudo -n touch /run/enough'
    secret_is_nowhere "$name" || return 1
    wants "who may read it" "$(on "$name" 'sudo -n stat -c %a /var/lib/roboinfra/stack/secrets')" 700 || return 1
    wants "its image" "$(runner "$name" versions | grep '^image-')" 'image-one=test/svc:good@sha256:*' || return 1
    # The same again changes nothing.
    id=$(on "$name" 'sudo -n docker ps -q')
    run_stack "$name" "${inputs[@]}" AGAIN=1
    wants "again" "$last" '! done rc=0 *' || return 1
    wants "its container" "$(on "$name" 'sudo -n docker ps -q')" "$id" || return 1
    changed_secret "$name" || return 1
    # Made unhealthy, and well again.
    on "$name" 'sudo -n touch /var/lib/roboinfra/stack/data/one/sick'
    until_says "$name" 'one:unhealthy' "$services" || return 1
    wants "its proof" "$(runner "$name" measure proof:stack)" 'proof-stack=fails: one is unhealthy' || return 1
    on "$name" 'sudo -n rm /var/lib/roboinfra/stack/data/one/sick'
    until_says "$name" 'one:healthy' "$services" || return 1
    # An update that does not become healthy.
    stack_inputs bad
    run_stack "$name" "${inputs[@]}"
    wants "a bad update" "$last" '! failed rc=1 *' || return 1
    grep -qa 'roboinfra: error stack-unhealthy:.*one is unhealthy. The one before runs again' "$work/log" ||
        { wants reason none stack-unhealthy; return 1; }
    wants "what runs" "$(on "$name" "sudo -n docker ps --format '{{.Image}}'; $services")" $'test/svc:good\none:healthy' || return 1
    # A registry that cannot be reached.
    stack_inputs none
    run_stack "$name" "${inputs[@]}"
    wants "an image that is nowhere" "$last" '! later rc=75 *' || return 1
    grep -qa 'roboinfra: error no-network: test/svc:none cannot be pulled' "$work/log" || { wants reason none no-network; return 1; }
    wants "what runs on" "$(on "$name" "$services")" 'one:healthy' || return 1
    # After a stop and start of the machine it comes back by itself, with its secret.
    id=$(boot_of "$name")
    "$here/host.sh" reboot "$name"
    until_says "$name" 'one:healthy' "[ \$(cat /proc/sys/kernel/random/boot_id) != $id ] && $services" || return 1
    compose_reads_shipped "$name" || return 1
    # No more wanted.
    run_step "$name" stack
    wants "without a stack" "$last" '! done rc=0 *' || return 1
    wants "what is left" "$(on "$name" 'sudo -n docker ps -aq; sudo -n ls /var/lib/roboinfra/stack')" data
}

# The stacks that are shipped, as they were rendered into $ROBOINFRA_RENDERED: Compose itself must take each.
compose_reads_shipped() {
    [[ -n ${ROBOINFRA_RENDERED:-} ]] || { echo "    (the shipped stacks are not rendered: ROBOINFRA_RENDERED)" && return; }
    tar -C "$ROBOINFRA_RENDERED" -c . | on "$1" 'rm -rf rendered && mkdir rendered && tar -C rendered -x'
    # shellcheck disable=SC2016 # For the host's shell.
    wants "what Compose refuses" "$(on "$1" 'for one in rendered/*; do
        echo ROBOINFRA_DATA=/srv >$one/.env
        out=$(docker compose --project-directory $one --env-file $one/.env --file $one/compose.yaml config --quiet 2>&1) && [ -z "$out" ] || echo "$one: $out"
        done; echo "$(ls rendered | wc -l)"')" '[1-9][0-9]'
}

case_apt_lock() {
    local name=${prefix}c
    ready "$name" || return 1
    # The lock as dpkg takes it.
    on "$name" "sudo -n setsid -f perl -MFcntl -e 'open F, q(>>), q(/var/lib/dpkg/lock-frontend);
        my \$lock = pack(q(s s x4 q q i x4), F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, \$lock or die;
        open G, q(>), q(/run/hold); close G; for (1 .. 240) { last unless -e q(/run/hold); sleep 1 }' </dev/null >/dev/null 2>&1
        for i in \$(seq 100); do [ -e /run/hold ] && exit 0; sleep 0.1; done; exit 1" || return 1
    run_step "$name" base APT_WAIT=4
    wants "with a short wait" "$last" '! later rc=75 *' || return 1
    grep -qa 'roboinfra: error apt-lock' "$work/log" || { wants reason none apt-lock; return 1; }
    on "$name" 'sudo -n setsid -f sh -c "sleep 8; rm /run/hold" </dev/null >/dev/null 2>&1'
    run_step "$name" base APT_WAIT=120
    wants "with a long wait" "$last" '! done rc=0 *' || return 1
    grep -qa "waiting for apt's lock" "$work/log"
}

case_power_cut() {
    local name=${prefix}d turn
    ready "$name" || return 1
    run_step "$name" base
    begin "$name" docker >/dev/null
    for ((turn = 0; turn < 600; turn++)); do
        if on "$name" "sudo -n grep -qa '^Unpacking containerd\|^Unpacking docker' /var/lib/roboinfra/steps/docker/$digest/log"; then break; fi
        sleep 0.1
    done
    "$here/host.sh" cut "$name"
    "$here/host.sh" up "$name" >/dev/null && lets_in "$name" || return 1
    wants "its record" "$(runner "$name" status | grep '^step docker')" '* interrupted rc= *' || return 1
    runner "$name" start docker "$digest" 900 </dev/null >/dev/null
    follow "$name" docker
    wants "after the cut" "$last" '! done rc=0 *' || return 1
    grep -qa '=== try 2' "$work/log" || return 1
    wants "dpkg's audit" "$(on "$name" 'sudo -n dpkg --audit')" '' || return 1
    wants "tries" "$(runner "$name" status | grep '^step docker')" '* tries=2'
}

# put_text HOST NAME: a step of this test's own, from stdin.
put_text() {
    cat "$bootstrap/lib.sh" - >"$work/script"
    digest=$(sha256sum <"$work/script" | cut -c1-64)
    runner "$1" put "$2" "$digest" <"$work/script" >/dev/null
}

boot_of() { on "$1" 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null; }

case_reboot() {
    local name=${prefix}c turn old
    [[ -n ${address[$name]:-} ]] || ready "$name" || return 1
    put_text "$name" leaps <<'STEP'
check() { [[ -e /srv/leapt && $(cat /srv/leapt) != "$(cat /proc/sys/kernel/random/boot_id)" ]]; }
apply() { cat /proc/sys/kernel/random/boot_id >/srv/leapt; reboot_needed "another kernel"; }
STEP
    runner "$name" start leaps "$digest" 60 </dev/null >/dev/null
    follow "$name" leaps
    wants "before" "$last" '! reboot rc=100 *' || return 1
    wants "its record" "$(runner "$name" status | grep '^step leaps')" '* reboot *' || return 1
    old=$(boot_of "$name")
    wants "the answer" "$(runner "$name" reboot)" "rebooting $old" || return 1
    for ((turn = 0; turn < 120; turn++)); do
        [[ $(boot_of "$name") == "$old" || -z $(boot_of "$name") ]] || break
        sleep 0.5
    done
    wants "in the next boot" "$(runner "$name" status | grep '^step leaps')" '* stored *' || return 1
    runner "$name" start leaps "$digest" 60 </dev/null >/dev/null
    follow "$name" leaps
    wants "after" "$last" '! done rc=0 *'
}

# The connection freezes, is dropped, and the host reboots in the middle of a step: the step goes on where it can.
case_cuts() {
    local name=${prefix}c turn
    [[ -n ${address[$name]:-} ]] || ready "$name" || return 1
    put_text "$name" counts <<'STEP'
check() { [[ -e /srv/counted ]]; }
apply() { for i in {1..30}; do echo "count $i"; sleep 0.2; done; touch /srv/counted; echo x >>/srv/effects; }
STEP
    runner "$name" start counts "$digest" 60 </dev/null >/dev/null
    follow "$name" counts 2
    "$here/host.sh" freeze "$name"
    follow "$name" counts 2
    "$here/host.sh" thaw "$name"
    "$here/host.sh" drop "$name"
    sleep 1
    "$here/host.sh" undrop "$name"
    follow "$name" counts
    wants "after freeze and drop" "$last" '! done rc=0 *' || return 1
    wants "every line once" "$(grep -ac '^count ' "$work/log")" 30 || return 1
    wants "the effect once" "$(on "$name" 'cat /srv/effects')" x || return 1
    put_text "$name" outlives <<'STEP'
check() { [[ -e /srv/outlived ]]; }
apply() { [[ -e /srv/first ]] || { touch /srv/first; sleep 60; }; touch /srv/outlived; }
STEP
    runner "$name" start outlives "$digest" 100 </dev/null >/dev/null
    local old
    old=$(boot_of "$name")
    sleep 1
    "$here/host.sh" reboot "$name"
    for ((turn = 0; turn < 120; turn++)); do
        [[ $(boot_of "$name") == "$old" || -z $(boot_of "$name") ]] || break
        sleep 0.5
    done
    wants "after a reboot in the middle" "$(runner "$name" status | grep '^step outlives')" '* interrupted *' || return 1
    runner "$name" start outlives "$digest" 100 </dev/null >/dev/null
    follow "$name" outlives
    wants "the second try" "$last" '! done rc=0 *' || return 1
    # What has its unit is in the way, and is ended.
    on "$name" 'sudo -n systemd-run --quiet --unit=roboinfra-step-blocked sleep 1000'
    put_text "$name" blocked <<'STEP'
check() { [[ -e /srv/unblocked ]]; }
apply() { touch /srv/unblocked; }
STEP
    runner "$name" start blocked "$digest" 100 </dev/null >/dev/null
    follow "$name" blocked
    wants "a step whose unit was there" "$last" '! done rc=0 *'
}

case_no_network() {
    local name=${prefix}e
    ready "$name" || return 1
    on "$name" 'echo "deb http://deb.debian.org/debian trixie main" | sudo -n tee /etc/apt/sources.list >/dev/null'
    run_step "$name" base
    wants "without a network" "$last" '! later rc=75 *' || return 1
    grep -qa 'roboinfra: error no-network' "$work/log" || { wants reason none no-network; return 1; }
}

# --- NVIDIA, with stub packages ------------------------------------------------------------------------------------

# stub PACKAGE [FILE MODE]...: a package with files from $work/stub/FILE.
stub() {
    local package=$1 tree="$work/deb/$1"
    shift
    mkdir -p "$tree/DEBIAN"
    printf 'Package: %s\nVersion: 580.95.05-0stub1\nArchitecture: all\nMaintainer: roboinfra tests <nobody@example.org>\nDescription: a stub\n' \
        "$package" >"$tree/DEBIAN/control"
    while (($# > 0)); do
        mkdir -p "$tree/$(dirname "$1")"
        install -m 755 "$work/stub/$(basename "$1")" "$tree/$1"
        shift
    done
    dpkg-deb --build --root-owner-group "$tree" "$work/stubs/$package.deb" >/dev/null
}

make_stubs() {
    local kernel
    kernel=$(uname -r)
    mkdir -p "$work/stub" "$work/stubs"
    # shellcheck disable=SC2016 # For the stubs.
    {
        printf '#!/bin/sh\ncase "$*" in *name,driver_version*) echo "NVIDIA A10G, 580.95.05, 23028 MiB" ;; *persistence_mode*) echo Enabled ;;
            *min_limit*) echo "0, 100.00, 300.00" ;; *power-limit*) echo "$*" >>/srv/smi ;; *query-gpu=name*) echo "NVIDIA A10G" ;; esac\n' \
            >"$work/stub/nvidia-smi"
        printf '#!/bin/sh\n# A stub: the module is a file, loading it is another.\n[ -e /srv/module ] || exit 1\ncase "$*" in *version*) echo 580.95.05 ;; *) echo /srv/module ;; esac\n' \
            >"$work/stub/modinfo"
        printf '#!/bin/sh\n[ "$1" = nvidia ] || exit 0\nmkdir -p /srv/sys/nvidia; echo 580.95.05 >/srv/sys/nvidia/version\n' >"$work/stub/modprobe"
        printf '#!/bin/sh\ncase "$*" in --version) echo "NVIDIA Container Toolkit CLI version 1.20.0" ;; "cdi list") [ -e /etc/cdi/nvidia.yaml ] && echo nvidia.com/gpu=0 ;;
            "cdi generate"*) echo stub >/etc/cdi/nvidia.yaml ;;
            "runtime configure"*) f=/etc/docker/daemon.json; jq ".runtimes.nvidia = {path: \\"runc\\"} | .features.cdi = true" $f >$f.n && mv $f.n $f ;; esac\n' \
            >"$work/stub/nvidia-ctk"
    }
    printf 'stub\n' >"$work/stub/module"
    stub "linux-modules-nvidia-580-server-$kernel" srv/module
    stub nvidia-kernel-common-580-server
    stub nvidia-utils-580-server usr/bin/nvidia-smi
    stub libnvidia-gl-580-server
    stub libnvidia-encode-580-server
    stub libnvidia-decode-580-server
    stub nvidia-container-toolkit usr/bin/nvidia-ctk
    tar -C "$work" -cf "$work/stubs.tar" stubs stub/modinfo stub/modprobe
}

case_nvidia_stubs() {
    # What the kernel would tell of a GPU and of a loaded module lies elsewhere.
    local name=${prefix}a step kernel=(PCI_DEVICES=/srv/pci NVIDIA_MODULE=/srv/sys/nvidia)
    [[ -n ${address[$name]:-} ]] || case_trixie || return 1
    make_stubs
    on "$name" 'sudo -n tar -C /srv -xf - && sudo -n sh -c "
        cd /srv/stubs && apt-ftparchive packages . >Packages && echo \"deb [trusted=yes] file:/srv/stubs ./\" >/etc/apt/sources.list.d/stubs.list
        install /srv/stub/modinfo /srv/stub/modprobe /usr/local/sbin
        mkdir -p /srv/sys /srv/pci/0000:00:1e.0 && echo 0x10de >/srv/pci/0000:00:1e.0/vendor && echo 0x030200 >/srv/pci/0000:00:1e.0/class
        sed -i s/^ID=.*/ID=ubuntu/ /etc/os-release"' <"$work/stubs.tar" || return 1
    run_step "$name" nvidia-driver GPU_COUNT=2 GPU_MODEL=A10G "${kernel[@]}"
    wants "one GPU where two are expected" "$last" '! failed rc=1 *' || return 1
    grep -qa 'error no-gpu' "$work/log" || { wants reason none no-gpu; return 1; }
    for step in nvidia-driver nvidia-container-toolkit gpu-tuning; do
        run_step "$name" "$step" GPU_COUNT=1 GPU_MODEL=A10G POWER_LIMIT_W=350 "${kernel[@]}"
        wants "$step" "$last" '! done rc=0 *' || return 1
    done
    wants "the power limit within the card's" "$(on "$name" 'cat /srv/smi')" '*--power-limit=300*' || return 1
    wants "what is held" "$(on "$name" 'apt-mark showhold | grep -c nvidia')" 7 || return 1
    wants "Docker's runtimes" "$(on "$name" 'sudo -n docker info --format "{{json .Runtimes}} {{.LiveRestoreEnabled}}"')" '*nvidia*true' || return 1
    run_step "$name" nvidia-driver GPU_COUNT=1 GPU_MODEL=A10G AGAIN=1 "${kernel[@]}"
    wants "again" "$last" '! done rc=0 *' || return 1
    on "$name" 'echo 570.10 | sudo -n tee /srv/sys/nvidia/version >/dev/null'
    run_step "$name" nvidia-driver GPU_COUNT=1 GPU_MODEL=A10G AGAIN=2 "${kernel[@]}"
    wants "another driver loaded than installed" "$last" '! reboot rc=100 *'
}

# --- All of them -------------------------------------------------------------------------------------------------

# after_case: what is done after each; the hosts here serve several.
after_case() { :; }

# run_cases: those in `cases`, one after the other.
run_cases() {
    local name began
    for name in "${cases[@]}"; do
        began=$SECONDS
        if "case_$name"; then
            passed=$((passed + 1))
            printf 'ok      %s (%s s)\n' "$name" "$((SECONDS - began))"
        else
            failed=$((failed + 1))
            printf 'FAILED  %s (%s s)\n' "$name" "$((SECONDS - began))"
        fi
        after_case
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

# Sourced, this file is the tools alone.
[[ ${BASH_SOURCE[0]} == "$0" ]] || return 0
cases=(trixie container stack nvidia_stubs apt_lock reboot cuts power_cut no_network bookworm)
(($# == 0)) || cases=("$@")
run_cases
