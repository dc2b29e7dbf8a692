#!/usr/bin/env bash
# roboinfra:step     edge-check
# roboinfra:about    Whether the machine is what the profile says and large enough for a robot's work
# roboinfra:reboot   never
# roboinfra:timeout  2m
# roboinfra:proof    platform, CPUs, memory and free disk reach the minimum
# roboinfra:systems  any
# roboinfra:inputs   PLATFORM=linux

# Minimum and recommended: CPUs, memory in MiB (a little below the nominal size: the firmware keeps some), disk in GiB.
needs() {
    case $PLATFORM in
        jetson) say "4 3500 10 6 7000 50" ;;
        raspberry-pi) say "4 3500 8 4 7000 32" ;;
        nuc) say "4 7000 20 8 15000 100" ;;
        *) say "2 3500 10 4 7000 50" ;;
    esac
}

device_model() { [[ ! -r /proc/device-tree/model ]] || tr -d '\0' </proc/device-tree/model; }

# What the machine says of itself contradicts the profile: in words, or nothing.
contradiction() {
    local model
    model=$(device_model)
    case $PLATFORM in
        jetson) [[ -r /etc/nv_tegra_release || $model == *Jetson* ]] || say "it does not say that it is a Jetson" ;;
        raspberry-pi) [[ $model == 'Raspberry Pi'* ]] || say "it does not say that it is a Raspberry Pi" ;;
        nuc) [[ $(uname -m) == x86_64 ]] || say "it is no x86-64 machine" ;;
        *) [[ $model != *Jetson* && $model != 'Raspberry Pi'* ]] || say "it says that it is a $model" ;;
    esac
}

# measure FIRST-FIELD: what is below the numbers from there on.
measure() {
    local wanted cpus memory disk
    read -r -a wanted < <(needs)
    cpus=$(nproc) memory=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo) disk=$(($(free_mib /) / 1024))
    ((cpus >= wanted[$1])) || say "$cpus CPUs, ${wanted[$1]} are needed"
    ((memory >= wanted[$1 + 1])) || say "$memory MiB of memory, ${wanted[$1 + 1]} are needed"
    ((disk >= wanted[$1 + 2])) || say "$disk GiB free on /, ${wanted[$1 + 2]} are needed"
}

check() {
    local below
    below=$(contradiction && measure 0)
    [[ -z $below ]] || { say "$below"; return 1; }
    below=$(measure 3)
    [[ -z $below ]] || say "below what is recommended: ${below//$'\n'/; }"
}

apply() {
    local wrong
    wrong=$(contradiction)
    [[ -z $wrong ]] || give_up platform "the profile says $PLATFORM, but $wrong" "correct platform in the host's section"
    wrong=$(measure 0)
    [[ -z $wrong ]] || give_up hardware "too small for a robot's work: ${wrong//$'\n'/; }" \
        "use a larger machine, or free space on its disk"
}

versions() { say "model=$(device_model)"; }
