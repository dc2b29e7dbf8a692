#!/usr/bin/env bash
# The agent as it is shipped: built by cargo-zigbuild for an old glibc, measured, and started in a Debian 11 root tree, whose
# glibc (2.31) is that of Ubuntu 20.04 too. A plain build needs a newer one, and a static build cannot open NVIDIA's library.
#
#   floor.sh [ARCHITECTURE]   x86_64 (the default) or aarch64, which is built and measured but not started
#
# It installs cargo-zigbuild and zig into target/zig; mmdebstrap and root are needed to start it. Prints what it measured;
# SKIPPED lines say what was left out. The binary's path is its last line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly arch=${1:-x86_64}
# What it is built for, and what may be needed at most.
readonly built_for=2.17 floor=2.31
readonly MIB=1048576
# Bytes of the binary and KiB of resident memory at most.
readonly largest=$((10 * MIB)) most_kib=$((20 * 1024))
# Hundredths of a per cent of a core at most, at a sample every five seconds: measured over so many seconds.
readonly most_cpu=50 seconds=${ROBOINFRA_FLOOR_SECONDS:-60}
readonly target=$PWD/target/agent root=$PWD/target/floor
readonly binary=$target/$arch-unknown-linux-gnu/release/roboinfra-agent
agent=

die() {
    printf 'floor.sh: %s\n' "$*" >&2
    exit 1
}

[[ $arch == x86_64 || $arch == aarch64 ]] || die "x86_64 or aarch64, not $arch"

# --- The build ---------------------------------------------------------------------------------------------------

tools() {
    [[ -x target/zig/bin/cargo-zigbuild ]] || python3 -m venv target/zig
    target/zig/bin/python -m pip install --quiet --disable-pip-version-check -r tests/agent/requirements.txt
    if command -v rustup >/dev/null; then rustup target add "$arch-unknown-linux-gnu" >/dev/null 2>&1 || true; fi
}

build() {
    PATH=$PWD/target/zig/bin:$PATH CARGO_TARGET_DIR=$target cargo zigbuild --quiet --release --locked \
        --no-default-features --features agent --bin roboinfra-agent --target "$arch-unknown-linux-gnu.$built_for"
}

# --- What it is --------------------------------------------------------------------------------------------------

size() {
    local bytes
    bytes=$(stat -c %s "$binary")
    printf 'size: %d.%d MB\n' $((bytes / 1000000)) $((bytes / 100000 % 10))
    ((bytes < largest)) || die "it has $bytes bytes, $largest at most"
}

# The newest version that it wants of each library; none may be newer than the floor's.
symbols() {
    local newest libraries
    newest=$(readelf --version-info --wide "$binary" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
    [[ -n $newest ]] || die "it names no version of glibc: is it static?"
    libraries=$(readelf --dynamic --wide "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
    printf 'glibc: %s at the newest, %s allowed; linked to %s\n' "${newest#GLIBC_}" "$floor" "$libraries"
    [[ $(printf '%s\n' "${newest#GLIBC_}" "$floor" | sort -V | tail -n 1) == "$floor" ]] || die "it needs glibc ${newest#GLIBC_}"
    # SDKs and TLS are its own; a machine need not have anything but glibc.
    for library in $libraries; do
        [[ $library =~ ^(libc|libm|libdl|libpthread|librt|libutil|ld-linux-.*)\.so\.[0-9]+$ ]] || die "it wants $library"
    done
}

# --- Where it starts ---------------------------------------------------------------------------------------------

# The mirror that this machine's own apt uses.
mirror() {
    local found
    # shellcheck disable=SC2016 # apt's own variable.
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -n 1)
    printf '%s' "${found:-http://deb.debian.org/debian}"
}

tree() {
    [[ ! -e $root/.made ]] || return 0
    rm -rf "$root"
    timeout 600 mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='Acquire::Check-Date "false"' --include=ca-certificates bullseye "$root" "deb $(mirror) bullseye main"
    touch "$root/.made"
}

# inside COMMAND...: in the tree, with a /proc and a process namespace of its own.
inside() { unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" env -i PATH=/usr/bin:/bin NVML_PLAN=/srv/plan "$@"; }

start() {
    mkdir -p "$root/srv/state" "$root/srv/run"
    cp "$binary" "$root/srv/roboinfra-agent"
    # NVIDIA's library stands in as a small one, built for the same glibc.
    target/zig/bin/python -m ziglang cc -target "x86_64-linux-gnu.$built_for" -shared -fPIC -s \
        -o "$root/srv/libnvidia-ml.so.1" tests/agent/nvml.c
    printf 'gpus=4\n' >"$root/srv/plan"
    cat >"$root/srv/agent.toml" <<'FILE'
version = 1
lab = "twin"
node = "sim.0"
region = "us-east-1"
expected_gpus = 4
sample_s = 5
[prometheus]
listen = ""
[publish]
namespace = "Twin"
interval_s = 60
endpoint = "http://127.0.0.1:9"
[idle]
gpu_below_percent = 5
cpu_below_percent = 10
for_s = 3600
then = "notify"
[spot]
[paths]
state = "/srv/state"
run = "/srv/run"
hold = "/srv/hold"
metadata = "http://127.0.0.1:9"
nvml = "/srv/libnvidia-ml.so.1"
FILE
    inside /srv/roboinfra-agent --config /srv/agent.toml --check | grep -qx 'the file is well' || die "--check fails in Debian 11"
    inside /srv/roboinfra-agent --config /srv/agent.toml --once >"$root/srv/once" || die "--once fails in Debian 11"
    [[ $(grep -c '"name": "NVIDIA Test GPU"' "$root/srv/once") == 4 ]] || { cat "$root/srv/once" && die "--once has not seen four GPUs"; }
    # shellcheck disable=SC2016 # For the tree's shell.
    printf 'started: %s, --check and --once with four GPUs behind a library\n' \
        "$(inside /bin/sh -c '. /etc/os-release; echo "$PRETTY_NAME, $(ldd --version | sed -n "1s/.* /glibc /p")"')"
}

# --- What it takes -----------------------------------------------------------------------------------------------

# ticks PID: the CPU time that it has had, in clock ticks.
ticks() {
    local stat
    read -r stat <"/proc/$1/stat"
    read -r -a stat <<<"${stat##*) }"
    printf '%s' $((stat[11] + stat[12]))
}

load() {
    local before after kib cpu
    rm -f "$root/srv/run/status.json"
    inside /srv/roboinfra-agent --config /srv/agent.toml >"$root/srv/log" 2>&1 &
    local outer=$! turn
    for ((turn = 0; turn < 100; turn++)); do
        [[ ! -s $root/srv/run/status.json ]] || break
        sleep 0.2
    done
    [[ -s $root/srv/run/status.json ]] || { cat "$root/srv/log" && die "the daemon does not start"; }
    # The child of `unshare`, which is that of the shell in the background.
    agent=$(pgrep -P "$(pgrep -P "$outer")")
    [[ $(cat "/proc/$agent/comm") == roboinfra-agent ]] || die "process $agent is not the daemon"
    sleep 5
    before=$(ticks "$agent")
    sleep "$seconds"
    after=$(ticks "$agent")
    kib=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$agent/status")
    # In hundredths of a per cent of a core.
    cpu=$(((after - before) * 1000000 / $(getconf CLK_TCK) / (seconds * 100)))
    printf 'resident: %d.%d MB; CPU: %d.%02d %% of a core over %d s, a sample every 5 s\n' \
        $((kib / 1000)) $((kib / 100 % 10)) $((cpu / 100)) $((cpu % 100)) "$seconds"
    ((kib < most_kib)) || die "it holds $kib KiB, $most_kib at most"
    ((cpu < most_cpu)) || die "it takes more than half a per cent of a core"
    kill "$agent"
    wait "$outer" || true
    agent=
}

finish() { [[ -z $agent ]] || kill -KILL "$agent" 2>/dev/null || true; }
trap finish EXIT

tools
build
size
symbols
if [[ $arch != x86_64 || $(uname -m) != x86_64 ]]; then
    printf 'SKIPPED: a binary for %s is not started here\n' "$arch"
elif ((EUID != 0)) || ! command -v mmdebstrap >/dev/null; then
    printf 'SKIPPED: starting it in Debian 11 needs root and mmdebstrap\n'
else
    tree
    start
    load
fi
printf '%s\n' "$binary"
