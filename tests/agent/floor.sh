#!/usr/bin/env bash
# The agent as it is shipped: built by cargo-zigbuild for an old glibc, measured, and started in a Debian 11 root tree, whose
# glibc (2.31) is that of Ubuntu 20.04 too. A plain build needs a newer one, and a static build cannot open NVIDIA's library.
#
#   floor.sh [ARCHITECTURE]   x86_64 (the default) or aarch64
#
# It installs cargo-zigbuild and zig into target/zig; mmdebstrap and root are needed to start it, and QEMU's user emulation
# where this machine is of another architecture: then what it takes is not measured. Prints what it measured; SKIPPED lines
# say what was left out. The binary's path is its last line, if one was built.
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
readonly target=$PWD/target/agent root=$PWD/target/floor-$arch
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
    if command -v rustup >/dev/null; then timeout 120 rustup target add "$arch-unknown-linux-gnu" >/dev/null 2>&1 || true; fi
}

# Whether the compiler has a standard library for it.
std() { [[ -d $(rustc --print target-libdir --target "$arch-unknown-linux-gnu") ]]; }

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
    local what=(--variant=minbase --include=ca-certificates)
    [[ ! -e $root/.made ]] || return 0
    rm -rf "$root"
    # Of another architecture the libraries will do, unpacked: nothing of the tree itself is run.
    if foreign; then what=(--variant=extract --architectures="${arch/aarch64/arm64}" --include=libc6); fi
    timeout 600 mmdebstrap --quiet "${what[@]}" --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='Acquire::Check-Date "false"' bullseye "$root" "deb $(mirror) bullseye main"
    touch "$root/.made"
}

foreign() { [[ $arch != "$(uname -m)" ]]; }

# The emulator, if there is one.
emulator() { command -v "qemu-$arch-static" || command -v "qemu-$arch"; }

# inside COMMAND...: in the tree, with a /proc and a process namespace of its own.
inside() { unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" env -i PATH=/usr/bin:/bin NVML_PLAN=/srv/plan "$@"; }

# settings PLACE KEYS: what it is told; PLACE is the tree's srv as the agent sees it.
settings() {
    cat <<FILE
version = 1
lab = "twin"
node = "sim.0"
region = "us-east-1"
sample_s = 5
$2
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
state = "$1/state"
run = "$1/run"
hold = "$1/hold"
metadata = "http://127.0.0.1:9"
nvml = "$1/libnvidia-ml.so.1"
programs = "$1/programs"
FILE
}

# NVIDIA's library stands in as a small one, built for the same glibc.
library() {
    target/zig/bin/python -m ziglang cc -target "$arch-linux-gnu.$built_for" -shared -fPIC -s \
        -o "$root/srv/libnvidia-ml.so.1" tests/agent/nvml.c
    printf 'gpus=4\n' >"$root/srv/plan"
}

start() {
    mkdir -p "$root/srv/state" "$root/srv/run" "$root/srv/programs"
    cp "$binary" "$root/srv/roboinfra-agent"
    library
    settings /srv 'expected_gpus = 4' >"$root/srv/agent.toml"
    inside /srv/roboinfra-agent --config /srv/agent.toml --check | grep -qx 'the file is well' || die "--check fails in Debian 11"
    inside /srv/roboinfra-agent --config /srv/agent.toml --once >"$root/srv/once" || die "--once fails in Debian 11"
    [[ $(grep -c '"name": "NVIDIA Test GPU"' "$root/srv/once") == 4 ]] || { cat "$root/srv/once" && die "--once has not seen four GPUs"; }
    # shellcheck disable=SC2016 # For the tree's shell.
    printf 'started: %s, --check and --once with four GPUs behind a library\n' \
        "$(inside /bin/sh -c '. /etc/os-release; echo "$PRETTY_NAME, $(ldd --version | sed -n "1s/.* /glibc /p")"')"
}

# --- Where it is emulated ----------------------------------------------------------------------------------------

# The agent with the tree's libraries, for a minute at most.
emulated=()

# once WHAT PATTERN...: one measurement has a line like each.
once() {
    local machine=$1 pattern
    shift
    "${emulated[@]}" --once >"$root/srv/once" || { cat "$root/srv/once"; die "--once fails on $machine"; }
    for pattern in "$@"; do
        grep -qE "$pattern" "$root/srv/once" || { cat "$root/srv/once"; die "--once on $machine does not say $pattern"; }
    done
}

emulate() {
    local srv=$root/srv turn
    emulated=(env -i PATH=/usr/bin:/bin NVML_PLAN="$srv/plan"
        timeout 60 "$(emulator)" -L "$root" "$binary" --config "$srv/agent.toml")
    rm -rf "$srv"
    mkdir -p "$srv/state" "$srv/run" "$srv/programs"
    "${emulated[@]}" --version | grep -qx 'roboinfra-agent [0-9.]*' || die "--version fails"
    settings "$srv" '' >"$srv/agent.toml"
    "${emulated[@]}" --check | grep -qx 'the file is well' || die "--check fails"
    once 'a machine without a GPU' '"gpus": \[\]' '"source": "none"' '"memory_total": [1-9]'
    settings "$srv" 'expected_gpus = 1' >"$srv/agent.toml"
    once 'a machine whose GPU is not seen' '"gpus": \[\]' '"no-library"'
    # A Jetson has this program and no library.
    cat >"$srv/programs/tegrastats" <<'FILE'
#!/bin/sh
while :; do
    echo 'RAM 3105/7620MB (lfb 2x4MB) SWAP 0/3810MB (cached 0MB) CPU [5%@729,0%@729] EMC_FREQ 0% GR3D_FREQ 42%@624 gpu@47.5C'
    sleep 1
done
FILE
    chmod +x "$srv/programs/tegrastats"
    once 'a Jetson' '"source": "tegrastats"' '"utilization": 42' '"temperature": 47.5' '"memory_total_mib": 7620'
    rm "$srv/programs/tegrastats"
    settings "$srv" 'expected_gpus = 4' >"$srv/agent.toml"
    library
    once 'a machine with four GPUs' '"source": "nvml"'
    [[ $(grep -c '"name": "NVIDIA Test GPU"' "$srv/once") == 4 ]] || { cat "$srv/once"; die "--once has not seen four GPUs"; }
    "${emulated[@]}" >"$srv/log" 2>&1 &
    agent=$!
    for ((turn = 0; turn < 200; turn++)); do
        [[ ! -s $srv/run/status.json ]] || break
        sleep 0.2
    done
    [[ -s $srv/run/status.json ]] || { cat "$srv/log"; die "the daemon does not start"; }
    # `timeout` hands it on, and ends as the daemon does.
    kill "$agent"
    wait "$agent" || { cat "$srv/log"; die "the daemon does not end well"; }
    agent=
    printf 'started: %s, glibc 2.31 of Debian 11: --version, --check, --once without a GPU, as a Jetson and with four GPUs, the daemon\n' \
        "$("$(emulator)" --version | sed -n '1s/ (.*//p')"
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
if ! std; then
    printf 'SKIPPED: the compiler has no standard library for %s\n' "$arch"
    exit
fi
build
size
symbols
if ((EUID != 0)) || ! command -v mmdebstrap >/dev/null; then
    printf 'SKIPPED: starting the agent for %s in Debian 11 needs root and mmdebstrap\n' "$arch"
elif ! foreign; then
    tree
    start
    load
elif emulator >/dev/null; then
    tree
    emulate
else
    printf 'SKIPPED: a binary for %s is not started here: there is no qemu-%s\n' "$arch" "$arch"
fi
printf '%s\n' "$binary"
