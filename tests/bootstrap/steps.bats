#!/usr/bin/env bats
# The library and the decisions of steps, with stand-ins for the programs that they ask.

setup() {
    root=$BATS_TEST_DIRNAME/../../bootstrap
    bin=$BATS_TEST_TMPDIR/bin
    mkdir -p "$bin"
    export ROBOINFRA_RUN=$BATS_TEST_TMPDIR PATH=$bin:$PATH
    # shellcheck source=/dev/null
    . "$root/lib.sh"
}

# Bats goes on after a `!` that fails.
refute() { if "$@"; then return 1; fi; }

# double NAME BODY: a program that answers so.
double() {
    printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

@test "every step has a header, and a script of definitions only" {
    for file in "$root"/steps/*.sh; do
        name=$(basename "$file" .sh)
        [[ $(sed -n 's/^# roboinfra:step *//p' "$file") == "$name" ]]
        for key in about reboot timeout proof systems; do [[ $(grep -c "^# roboinfra:$key " "$file") == 1 ]]; done
        for need in $(sed -n 's/^# roboinfra:needs *//p' "$file"); do [[ -e $root/steps/$need.sh ]]; done
        run bash -c '. "$1"; . "$2"; declare -F check apply' _ "$root/lib.sh" "$file"
        [[ $output == $'check\napply' ]]
    done
}

@test "a file is written as a whole and only where it differs" {
    file=$BATS_TEST_TMPDIR/deep/file
    put_file "$file" 640 "one"
    [[ $(cat "$file") == one && $(stat -c %a "$file") == 640 ]]
    refute put_file "$file" 640 "one"
    put_file "$file" 640 $'one\n'
    refute is_file "$file" one
}

@test "what apt says is what the step says" {
    while IFS='|' read -r said code text; do
        run bash -c '. "$1"; APT_SAID=$2; explain_apt "install x"' _ "$root/lib.sh" "$said"
        echo "$said -> $status $output"
        [[ $status == "$code" && $output == *"error $text:"* ]]
    done <<'TABLE'
E: You don't have enough free space in /var/cache/apt/archives/.|1|no-space
dpkg: error: failed to write: No space left on device|1|no-space
W: Failed to fetch http://x  Temporary failure resolving 'x'|75|no-network
E: Failed to fetch http://x  Could not connect to x:80|75|no-network
E: Failed to fetch http://x  Hash Sum mismatch|75|no-network
E: Failed to fetch http://x  503  Service Unavailable|75|no-network
E: Unable to locate package docker.io|1|package-missing
E: Package 'x' has no installation candidate|1|package-missing
E: Release file for http://x is not valid yet (invalid for another 3h)|75|clock
W: GPG error: http://x: NO_PUBKEY 123|1|apt-key
E: Sub-process /usr/bin/dpkg returned an error code (1)|1|apt
TABLE
    # A package that is not found because its list could not be fetched is no missing package.
    run bash -c '. "$1"; APT_LISTS=stale; APT_SAID="E: Unable to locate package x"; explain_apt "install x"' _ "$root/lib.sh"
    [[ $status == 75 && $output == *'error no-network:'* ]]
}

@test "apt's lock is waited for, not for ever" {
    double apt-get 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)"; exit 100'
    run bash -c 'APT_WAIT=1; . "$1"; set -euo pipefail; apt_get install x' _ "$root/lib.sh"
    [[ $status == 75 && $output == *'error apt-lock: apt'"'"'s lock is held by process 812 (unattended-upgr) for 1 s'* ]]
    double apt-get "[ -e $BATS_TEST_TMPDIR/free ] || { touch $BATS_TEST_TMPDIR/free; echo 'E: Unable to acquire the dpkg frontend lock'; exit 100; }; echo installed"
    run bash -c '. "$1"; set -euo pipefail; apt_get install x' _ "$root/lib.sh"
    [[ $status == 0 && $output == *installed ]]
}

# driver MODEL BRANCH KERNEL-KNOWN: what the driver's step would install on Ubuntu.
driver() {
    double apt-cache "
        case \"\$*\" in
            *\"policy linux-modules-nvidia-\"*) [ $3 = yes ] && echo '  Candidate: 1' ;;
            policy*) echo '  Candidate: 1' ;;
        esac"
    GPU_MODEL=$1 DRIVER_BRANCH=$2 run bash -c '
        . "$1"; . "$2"; set -euo pipefail
        os() { printf 24.04; }; apt_update() { :; }; need_space() { :; }; apt_install() { printf "%s\n" "$@"; }
        with_dkms() { printf "dkms %s\n" "$@"; }; uname() { echo 6.8.0-1021-aws; }
        from_ubuntu' _ "$root/lib.sh" "$root/steps/nvidia-driver.sh"
}

@test "the driver's packages fit GPU, kernel and branch" {
    driver A10G 580-server yes
    [[ $status == 0 && ${lines[1]} == linux-modules-nvidia-580-server-6.8.0-1021-aws && ${lines[2]} == nvidia-kernel-common-580-server ]]
    driver 'RTX PRO 6000' 580-server yes
    [[ ${lines[1]} == linux-modules-nvidia-580-server-open-6.8.0-1021-aws && $output == *nvidia-utils-580-server* ]]
    driver A10G 580-server no
    [[ ${lines[1]} == 'dkms nvidia-dkms-580-server' ]]
    driver V100 580-server-open yes
    [[ $status == 1 && $output == *'error driver-branch:'* ]]
    for branch in '580;id' latest '' 58 ../580; do
        driver A10G "$branch" yes
        [[ $status == 1 && $output == *'error driver-branch:'* ]]
    done
}

@test "a Jetson's power mode is chosen by name, its number is the module's own" {
    conf=$BATS_TEST_TMPDIR/nvpmodel.conf
    printf '< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n<POWER_MODEL ID=1 NAME=25W>\n' >"$conf"
    mode() { POWER_MODE=$1 bash -c '. "$1"; . "$2"; nvpmodel_conf=$3; wanted_mode' _ "$root/lib.sh" "$root/steps/jetson-performance.sh" "$conf"; }
    [[ $(mode '') == '2 MAXN_SUPER' && $(mode 25W) == '1 25W' ]]
    refute mode 30W
}

@test "an edge machine that is not what the profile says is refused" {
    for platform in jetson raspberry-pi; do
        PLATFORM=$platform run bash -c '. "$1"; . "$2"; set -euo pipefail; device_model() { echo "a toaster"; }; apply' _ \
            "$root/lib.sh" "$root/steps/edge-check.sh"
        [[ $status == 1 && $output == *'error platform:'* ]]
    done
    PLATFORM=linux run bash -c '. "$1"; . "$2"; set -euo pipefail; nproc() { echo 1; }; apply' _ "$root/lib.sh" "$root/steps/edge-check.sh"
    [[ $status == 1 && $output == *'error hardware:'*'1 CPUs, 2 are needed'* ]]
}

@test "Docker's settings keep those of others" {
    command -v jq >/dev/null || skip "jq is not installed"
    daemon=$BATS_TEST_TMPDIR/daemon.json
    echo '{"runtimes": {"nvidia": {"path": "x"}}, "live-restore": false}' >"$daemon"
    run bash -c '. "$1"; . "$2"; set -euo pipefail; daemon=$3; has_systemd() { false; }; ! daemon_is_right; write_daemon; daemon_is_right; write_daemon' _ \
        "$root/lib.sh" "$root/steps/docker.sh" "$daemon"
    [[ $status == 0 && $(jq -r '.runtimes.nvidia.path, ."live-restore"' "$daemon") == $'x\ntrue' && $(grep -c wrote <<<"$output") == 1 ]]
}
