#!/usr/bin/env bash
# Test hosts: Debian with a systemd, an sshd and an apt of its own in a container of systemd-nspawn, each in a network
# namespace of its own, so that its address and its faults outlive its reboots. Needs root; needs no systemd here.
#
#   prepare [SUITE]        makes the root tree (trixie, bookworm) and its pool of packages, once
#   up NAME [SUITE]        boots a host; prints address=, port=, user=, key= and known_hosts= once its sshd answers
#   reboot NAME            as its own `systemctl reboot`; a host that reboots by itself comes back, too
#   cut NAME               takes its power; `up NAME` gives it back, with the disk as it was
#   disk NAME              prints the folder that is its disk
#   runs NAME              succeeds as long as it is switched on
#   freeze NAME, thaw NAME   stops its sshd, whose kernel goes on answering
#   drop NAME, undrop NAME   drops every packet
#   down NAME, down-all    ends it and removes what it was
#
# A host has no way to the internet: apt has a pool of Debian's own packages on the host's disk.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hosts=${ROBOINFRA_TEST_HOSTS:-$here/../../target/hosts}
mkdir -p "$hosts"
hosts=$(cd "$hosts" && pwd)
readonly bridge=ri-hosts net=10.99.77
# How long a boot may take, in seconds.
readonly patience=60

die() {
    printf 'host.sh: %s\n' "$*" >&2
    exit 1
}

is_name() { [[ ${1:-} =~ ^[a-z][a-z0-9]{0,9}$ ]] || die "not a host's name: ${1:-}"; }

is_suite() { [[ $1 == trixie || $1 == bookworm ]] || die "trixie or bookworm, not $1"; }

# One change of what hosts share at a time.
lock() {
    exec 9>"$hosts/lock"
    flock -w 600 9 || die "another run holds $hosts/lock"
}

unlock() { exec 9>&-; }

# --- The root trees ----------------------------------------------------------------------------------------------

# What the pool has beside what is installed: all that the steps install from Debian.
pool=(curl gnupg jq lsb-release pciutils apparmor systemd-timesyncd docker.io docker-cli docker-compose psmisc)

prepare() {
    local suite=$1 root="$hosts/root-$1" packages=() package
    is_suite "$suite"
    [[ $(cat "$root/.made" 2>/dev/null) != "${pool[*]}" ]] || return 0
    need_tools
    rm -rf "$root"
    for package in "${pool[@]}"; do
        # Debian 12 has the client within docker.io.
        [[ $suite == bookworm && $package == docker-cli ]] || packages+=("$package")
    done
    printf 'making the root tree of %s\n' "$suite" >&2
    # shellcheck disable=SC2016 # The hooks' own variable.
    timeout 900 mmdebstrap --quiet --variant=minbase \
        --include=systemd,systemd-sysv,dbus,openssh-server,sudo,ca-certificates,iproute2,procps,kmod,udev,netbase,apt-utils \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
        --aptopt='APT::Install-Recommends "false"' \
        --customize-hook='mkdir -p "$1/srv/pool/partial"' \
        --customize-hook="chroot \"\$1\" apt-get -y -q --download-only -o Dir::Cache::archives=/srv/pool install ${packages[*]}" \
        --customize-hook='chroot "$1" sh -c "cd /srv/pool && rm -rf partial lock && apt-ftparchive packages . >Packages"' \
        --customize-hook='rm -f "$1"/etc/apt/sources.list.d/*' \
        --customize-hook='echo "deb [trusted=yes] file:/srv/pool ./" >"$1/etc/apt/sources.list"' \
        --customize-hook='chroot "$1" useradd -m -s /bin/bash -G sudo admin' \
        --customize-hook='echo "admin ALL=(ALL) NOPASSWD:ALL" >"$1/etc/sudoers.d/90-admin"' \
        --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf"; : >"$1/etc/machine-id"' \
        "$suite" "$root" "$(mirror)" >&2 || die "the root tree of $suite could not be made"
    rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
    printf '%s\n' "${pool[*]}" >"$root/.made"
}

# The mirror that this machine's own apt uses.
mirror() {
    local found
    # shellcheck disable=SC2016 # apt's own variable.
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -n 1)
    printf '%s' "${found:-http://deb.debian.org/debian}"
}

need_tools() {
    local tool missing=()
    ((EUID == 0)) || die "needs root"
    for tool in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap nft:nftables ip:iproute2 ssh-keygen:openssh-client; do
        command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
    done
    ((${#missing[@]} == 0)) || die "install first: ${missing[*]}"
}

# --- One host ----------------------------------------------------------------------------------------------------

up() {
    local name=$1 suite=${2:-trixie} host="$hosts/host-$1"
    is_name "$name" && is_suite "$suite"
    need_tools
    lock
    [[ -e $hosts/key ]] || ssh-keygen -q -t ed25519 -N '' -C test-hosts -f "$hosts/key"
    prepare "$suite"
    if [[ ! -e $host/octet ]]; then make_disk "$name" "$suite"; fi
    suite=$(cat "$host/suite")
    connect "$name"
    mountpoint -q "$host/root" || mount -t overlay overlay \
        -o "lowerdir=$hosts/root-$suite,upperdir=$host/upper,workdir=$host/work" "$host/root"
    [[ -n $(init "$name") ]] || power "$name"
    unlock
    wait_for_sshd "$name"
    tell "$name"
}

make_disk() {
    local name=$1 host="$hosts/host-$1" octet=10 made
    for made in "$hosts"/host-*/octet; do
        if [[ -e $made ]] && (($(cat "$made") >= octet)); then octet=$(($(cat "$made") + 1)); fi
    done
    ((octet < 250)) || die "too many hosts"
    mkdir -p "$host"/{upper/etc/ssh,upper/home/admin/.ssh,work,root,docker}
    printf '%s\n' "$2" >"$host/suite"
    printf '%s\n' "$name" >"$host/upper/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$host/upper/etc/hosts"
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$host/upper/etc/ssh/ssh_host_ed25519_key"
    cp "$hosts/key.pub" "$host/upper/home/admin/.ssh/authorized_keys"
    chown -R 1000:1000 "$host/upper/home/admin"
    chmod 700 "$host/upper/home/admin/.ssh"
    printf '%s.%s %s\n' "$net" "$octet" "$(cut -d' ' -f1,2 "$host/upper/etc/ssh/ssh_host_ed25519_key.pub")" >"$host/known_hosts"
    printf '%s\n' "$octet" >"$host/octet"
}

# The namespace and its wire: they stay over reboots and power cuts.
connect() {
    local name=$1 address
    address=$net.$(cat "$hosts/host-$1/octet")
    [[ ! -e /run/netns/ri-$name ]] || return 0
    if [[ ! -e /sys/class/net/$bridge ]]; then
        ip link add "$bridge" type bridge
        ip addr add "$net.1/24" dev "$bridge"
        ip link set "$bridge" up
    fi
    ip netns add "ri-$name"
    ip link add "ri-$name" type veth peer name host0 netns "ri-$name"
    ip link set "ri-$name" master "$bridge" up
    ip -n "ri-$name" link set lo up
    ip -n "ri-$name" addr add "$address/24" dev host0
    ip -n "ri-$name" link set host0 up
}

# Switches it on: a loop, because the container ends with 133 when the host wants to reboot.
power() {
    local name=$1 host="$hosts/host-$1"
    rm -f "$host/off"
    # shellcheck disable=SC2016 # For the inner shell.
    setsid bash -c '
        while [[ ! -e $1/off ]]; do
            SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D "$1/root" --boot \
                --keep-unit --register=no --machine="$2" --network-namespace-path="/run/netns/ri-$2" \
                --bind="$1/docker:/var/lib/docker" --capability=all --system-call-filter="@keyring bpf" --link-journal=no \
                --resolv-conf=off --console=read-only </dev/null >>"$1/console" 2>&1 &
            echo $! >"$1/pid"
            code=0
            wait $! || code=$?
            echo "exit $code at $(date +%s.%N)" >>"$1/exits"
            [[ $code == 133 ]] || break
        done
        rm -f "$1/pid"' _ "$host" "$name" </dev/null >/dev/null 2>&1 9>&- &
}

# The process of its container, if it runs.
container() {
    local pid
    pid=$(cat "$hosts/host-$1/pid" 2>/dev/null) || return 0
    if [[ $({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) == *"--machine=$1 "* ]]; then printf '%s' "$pid"; fi
}

# Its PID 1, as it is seen from here.
init() {
    local pid
    pid=$(container "$1")
    [[ -z $pid ]] || pgrep -P "$pid" | head -n 1 || true
}

wait_for_sshd() {
    local turn banner address
    address=$net.$(cat "$hosts/host-$1/octet")
    for ((turn = 0; turn < patience * 20; turn++)); do
        if banner=$(timeout 2 bash -c "exec 3<>/dev/tcp/$address/22 && read -r -t 1 line <&3 && echo \"\$line\"" 2>/dev/null) &&
            [[ $banner == SSH-* ]]; then
            return 0
        fi
        sleep 0.05
    done
    tail -n 20 "$hosts/host-$1/console" >&2
    die "$1 does not answer within $patience s"
}

tell() {
    printf 'address=%s.%s\nport=22\nuser=admin\nkey=%s\nknown_hosts=%s\n' \
        "$net" "$(cat "$hosts/host-$1/octet")" "$hosts/key" "$hosts/host-$1/known_hosts"
}

exists() {
    is_name "$1"
    [[ -e $hosts/host-$1/octet ]] || die "there is no host $1"
}

cut_power() {
    local pid turn
    touch "$hosts/host-$1/off"
    pid=$(container "$1")
    if [[ -n $pid ]]; then
        kill -KILL "$(init "$1")" "$pid" 2>/dev/null || true
        for ((turn = 0; turn < 200; turn++)); do
            [[ -n $(container "$1") ]] || break
            sleep 0.05
        done
    fi
}

# signal_sshd NAME SIGNAL: every process of its sshd; the kernel and the rest of the host go on.
signal_sshd() {
    local pid
    pid=$(init "$1")
    [[ -n $pid ]] || die "$1 does not run"
    pgrep --ns "$pid" --nslist pid '^sshd' | xargs -r kill -s "$2"
}

drop() {
    ip netns exec "ri-$1" nft -f - <<'RULES'
add table inet dropped
add chain inet dropped input { type filter hook input priority 0; policy drop; }
add chain inet dropped output { type filter hook output priority 0; policy drop; }
RULES
}

down() {
    local name=$1 host="$hosts/host-$1"
    is_name "$name"
    [[ -e $host ]] || return 0
    cut_power "$name"
    ip link del "ri-$name" 2>/dev/null || true
    ip netns del "ri-$name" 2>/dev/null || true
    umount "$host/root" 2>/dev/null || umount -l "$host/root" 2>/dev/null || true
    mountpoint -q "$host/root" || rm -rf "$host"
}

down_all() {
    local host
    for host in "$hosts"/host-*; do
        [[ ! -e $host ]] || down "${host##*/host-}"
    done
    ip link del "$bridge" 2>/dev/null || true
}

command=${1:-}
(($# == 0)) || shift
case $command in
    prepare)
        lock
        prepare "${1:-trixie}"
        ;;
    up) up "${1:-}" "${2:-trixie}" ;;
    reboot)
        exists "${1:-}"
        # What systemd takes as the wish to reboot.
        kill -s RTMIN+5 "$(init "$1")"
        ;;
    cut) exists "${1:-}" && cut_power "$1" ;;
    disk) exists "${1:-}" && printf '%s\n' "$hosts/host-$1/root" ;;
    runs) exists "${1:-}" && [[ -n $(container "$1") ]] ;;
    freeze) exists "${1:-}" && signal_sshd "$1" STOP ;;
    thaw) exists "${1:-}" && signal_sshd "$1" CONT ;;
    drop) exists "${1:-}" && drop "$1" ;;
    undrop) exists "${1:-}" && ip netns exec "ri-$1" nft delete table inet dropped ;;
    down) down "${1:-}" ;;
    down-all) down_all ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 1 ;;
esac
