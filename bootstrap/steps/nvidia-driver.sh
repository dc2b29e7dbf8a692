#!/usr/bin/env bash
# roboinfra:step     nvidia-driver
# roboinfra:about    The NVIDIA driver for this GPU and kernel, held so that no background upgrade parts the two
# roboinfra:needs    base
# roboinfra:reboot   may
# roboinfra:timeout  60m
# roboinfra:proof    the loaded driver is the installed one and nvidia-smi names every GPU
# roboinfra:systems  ubuntu-* debian-12 debian-13
# roboinfra:inputs   DRIVER_BRANCH=580-server GPU_COUNT= GPU_MODEL= PLATFORM=ec2

blacklist='# Written by roboinfra: the free driver would take the GPU before NVIDIA'\''s.
blacklist nouveau
options nouveau modeset=0'

# GPUs before Turing have no open kernel modules; from Blackwell on there are no others.
open_kind() {
    case $GPU_MODEL in
        *V100* | *P100* | *P4 | *K80* | *M60*) printf 'proprietary' ;;
        *'RTX PRO'* | *B200* | *B300*) printf 'open' ;;
        # The proprietary flavour of the archive knows all of the others, which the open one does not promise.
        *) printf 'either' ;;
    esac
}

loaded_version() {
    local version=''
    if [[ -r $NVIDIA_MODULE/version ]]; then read -r version <"$NVIDIA_MODULE/version"; fi
    printf '%s' "$version"
}

module_version() { modinfo -F version -k "$(uname -r)" nvidia 2>/dev/null || true; }

smi() { timeout -k 2 60 nvidia-smi "$@"; }

# Empty, or why the driver is not as it must be.
what_is_wrong() {
    local loaded installed answer count
    loaded=$(loaded_version) installed=$(module_version)
    [[ -n $installed ]] || { say "no NVIDIA module for kernel $(uname -r)" && return; }
    [[ -n $loaded ]] || { say "the NVIDIA module $installed is not loaded" && return; }
    [[ $loaded == "$installed" ]] || { say "the NVIDIA module $loaded is loaded, $installed is installed" && return; }
    has nvidia-smi || { say "nvidia-smi is not installed" && return; }
    answer=$(smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1) ||
        { say "nvidia-smi: ${answer//$'\n'/ }" && return; }
    count=$(grep -c . <<<"$answer" || true)
    # Zero stands for a fraction of a GPU: it is one device to the driver.
    if [[ -n $GPU_COUNT && $GPU_COUNT != 0 && $count != "$GPU_COUNT" ]]; then
        say "nvidia-smi names $count GPUs, $GPU_COUNT are expected"
    elif [[ -n $GPU_MODEL ]] && grep -qvF -- "$GPU_MODEL" <<<"$answer"; then
        say "nvidia-smi names another GPU than $GPU_MODEL: ${answer//$'\n'/; }"
    fi
}

check() {
    local wrong
    wrong=$(what_is_wrong)
    [[ -z $wrong ]] || { say "$wrong"; return 1; }
    all_held || { say "the driver's packages are not held"; return 1; }
}

# The driver and the kernel that its module is for. A driver that apt does not know (a .run file) has none.
driver_packages() {
    dpkg-query -W -f='${db:Status-Status} ${Package}\n' '*nvidia*' 'linux-aws*' 'linux-image-aws*' 'linux-headers-aws*' \
        'linux-modules-*-aws' "linux-image-$(uname -r)" "linux-headers-$(uname -r)" 'linux-image-cloud-*' \
        'linux-headers-cloud-*' 'linux-image-amd64' 'linux-headers-amd64' 'linux-image-arm64' 'linux-headers-arm64' \
        'linux-generic*' 'linux-image-generic*' 'linux-headers-generic*' 'linux-virtual*' 'linux-image-virtual*' \
        'linux-headers-virtual*' 2>/dev/null |
        awk '$1 == "installed" && $2 !~ /container|docker/ { print $2 }' | sort -u
}

all_held() { [[ -z $(comm -23 <(driver_packages) <(apt-mark showhold | sort)) ]]; }

hold_all() {
    local packages_now
    mapfile -t packages_now < <(driver_packages)
    hold "${packages_now[@]}"
}

apply() {
    local gpus wrong
    case $PLATFORM in
        jetson) give_up unsupported-system "a Jetson has its driver in its own kernel" "leave nvidia-driver out for Jetson hosts" ;;
        raspberry-pi) give_up no-gpu "a Raspberry Pi has no NVIDIA GPU" "leave nvidia-driver out for this host" ;;
    esac
    gpus=$(count_gpus)
    ((gpus > 0)) || give_up no-gpu "there is no NVIDIA GPU on this machine's bus" \
        "choose an instance type with a GPU, or leave nvidia-driver out of the node's bootstrap"
    heal_packages
    if [[ -n $(module_version) ]]; then
        keep_driver
    else
        install_driver
    fi
    hold_all
    load_driver
    wrong=$(what_is_wrong)
    [[ -z $wrong ]] || explain_driver "$wrong"
}

# Images such as the deep learning AMIs carry a driver: it is theirs to choose, and stays.
keep_driver() {
    say "a driver is there already: $(module_version), $(driver_origin); it is left as it is"
    if ! has nvidia-smi; then install_utilities; fi
}

driver_origin() {
    local file
    file=$(modinfo -n -k "$(uname -r)" nvidia 2>/dev/null || true)
    if dpkg -S "$file" >/dev/null 2>&1; then
        printf 'from the package %s' "$(dpkg -S "$file" | cut -d: -f1)"
    elif [[ $file == */dkms/* ]]; then
        printf 'built by DKMS'
    else
        printf 'not from a package'
    fi
}

install_utilities() {
    local utils
    utils=$(dpkg-query -W -f='${Package}\n' 'libnvidia-compute-*' 2>/dev/null | head -n 1)
    if [[ -n $utils ]]; then
        apt_install "nvidia-utils-${utils#libnvidia-compute-}"
    elif known nvidia-smi; then
        apt_install nvidia-smi
    fi
}

install_driver() {
    # Two origins of one driver on a host replace parts of each other.
    if grep -rqsE 'developer\.download\.nvidia\.com/compute/cuda' /etc/apt/sources.list /etc/apt/sources.list.d; then
        from_nvidia
    elif is_ubuntu; then
        from_ubuntu
    else
        from_debian
    fi
    put_file /etc/modprobe.d/roboinfra-nouveau.conf 644 "$blacklist" || true
    if [[ -d /sys/module/nouveau ]]; then
        ! has update-initramfs || update-initramfs -u
        reboot_needed "nouveau has the GPU: NVIDIA's driver takes it after a reboot"
    fi
}

# Ubuntu's archive: modules built and signed for each kernel first, which move with the kernel; DKMS second.
from_ubuntu() {
    local branch=$DRIVER_BRANCH kernel flavour open modules
    kernel=$(uname -r) flavour=${kernel##*-}
    [[ $branch =~ ^[0-9]{3}(-server)?(-open)?$ ]] ||
        give_up driver-branch "$branch is no driver branch of Ubuntu" "for example: driver = \"580-server\""
    apt_update
    open=$(open_kind)
    [[ $branch == *-open || $open != open ]] || branch=$branch-open
    [[ $branch != *-open || $open != proprietary ]] || give_up driver-branch \
        "$GPU_MODEL has no open kernel modules" "take the branch without -open: driver = \"${branch%-open}\""
    known "nvidia-utils-${branch%-open}" || give_up package-missing "Ubuntu $(os VERSION_ID) has no driver $branch" \
        "choose another branch for the node: $(branches)"
    need_space 4096
    # The package of the very kernel that runs; the meta-package beside it lets both move together.
    modules=linux-modules-nvidia-$branch-$kernel
    if known "$modules"; then
        say "the archive has modules of $branch for the kernel $kernel"
        apt_install "$modules" "nvidia-kernel-common-${branch%-open}" "nvidia-utils-${branch%-open}" \
            "libnvidia-gl-${branch%-open}" "libnvidia-encode-${branch%-open}" "libnvidia-decode-${branch%-open}"
        local meta
        meta=$(meta_package "$branch" "$flavour")
        [[ -z $meta ]] || apt_install "$meta"
    else
        say "the archive has no modules of $branch for the kernel $kernel: DKMS builds them"
        with_dkms "nvidia-dkms-$branch" "nvidia-utils-${branch%-open}" "libnvidia-gl-${branch%-open}" \
            "libnvidia-encode-${branch%-open}" "libnvidia-decode-${branch%-open}"
    fi
}

# The kernel's own meta-package tells which of the driver's belongs to it: linux-aws, linux-aws-lts-22.04, ...
meta_package() {
    local image kernels
    for image in "linux-modules-nvidia-$1-$2" "linux-modules-nvidia-$1-$2-lts-$(os VERSION_ID)"; do
        kernels=$(apt-cache depends "$image" 2>/dev/null | grep -oE "linux-modules-nvidia-$1-[0-9][^ ]*" | head -n 1 || true)
        if [[ $kernels == *"-$(uname -r)" ]]; then printf '%s' "$image" && return; fi
    done
}

branches() { apt-cache pkgnames nvidia-utils- | sed 's/^nvidia-utils-//' | sort -V | tail -n 6 | tr '\n' ' '; }

# Debian: non-free, always with DKMS.
from_debian() {
    local headers
    headers=linux-headers-$(dpkg --print-architecture)
    # The headers' meta-package follows the kernel's: the cloud's kernel has its own.
    [[ $(uname -r) != *cloud* ]] || headers=${headers/headers-/headers-cloud-}
    apt_update
    if ! known nvidia-driver; then
        say "adding Debian's non-free packages"
        put_file /etc/apt/sources.list.d/roboinfra-non-free.list 644 \
            "deb http://deb.debian.org/debian $(os VERSION_CODENAME) contrib non-free non-free-firmware" || true
        apt_update
    fi
    known nvidia-driver || give_up package-missing "Debian's non-free packages have no nvidia-driver" \
        "look at /etc/apt/sources.list.d on the host"
    say "Debian has one driver for each release, $(apt-cache policy nvidia-driver | awk '$1 == "Candidate:" { print $2 }'): the branch $DRIVER_BRANCH is Ubuntu's"
    need_space 4096
    local modules=nvidia-kernel-dkms
    if [[ $(open_kind) == open ]]; then modules=nvidia-open-kernel-dkms; fi
    local firmware=()
    ! known firmware-nvidia-gsp || firmware=(firmware-nvidia-gsp)
    with_dkms "$modules" nvidia-smi nvidia-driver-libs libnvidia-encode1 "$headers" ${firmware[@]+"${firmware[@]}"}
}

# The host's own NVIDIA repository: the owner has chosen it.
from_nvidia() {
    say "this host uses NVIDIA's own repository: the driver comes from there"
    apt_update
    need_space 4096
    if [[ $(open_kind) == proprietary ]]; then
        with_dkms cuda-drivers-"${DRIVER_BRANCH%%-*}"
    elif known nvidia-open-"${DRIVER_BRANCH%%-*}"; then
        with_dkms nvidia-open-"${DRIVER_BRANCH%%-*}"
    else
        with_dkms nvidia-open
    fi
}

# with_dkms PACKAGE...: headers of the running kernel, the kernel's compiler, then what builds.
with_dkms() {
    local kernel compiler
    kernel=$(uname -r)
    if ! known "linux-headers-$kernel" && ! installed "linux-headers-$kernel"; then
        # An image that is older than the archive's kernels: the newest kernel has headers, after a reboot.
        newer_kernel
    fi
    compiler=$(grep -oE 'gcc-[0-9]+' /proc/version | head -n 1 || true)
    apt_install dkms "linux-headers-$kernel" gcc make
    # A module that another compiler builds than the kernel's does not always load.
    if [[ -n $compiler ]] && known "$compiler"; then apt_install "$compiler"; fi
    apt_install "$@"
    if [[ -z $(module_version) ]]; then
        dkms autoinstall -k "$kernel" || true
    fi
    if [[ -z $(module_version) ]]; then
        tail -n 15 /var/lib/dkms/nvidia*/*/build/make.log 2>/dev/null || true
        give_up dkms "the driver's module could not be built for the kernel $kernel" \
            "dkms status on the host; another kernel or driver branch may fit"
    fi
}

newer_kernel() {
    local meta
    for meta in linux-aws linux-image-cloud-"$(dpkg --print-architecture)" linux-generic linux-image-"$(dpkg --print-architecture)"; do
        installed "$meta" || continue
        packages apt-mark unhold "$meta" || true
        apt_get install "$meta" || explain_apt "install the current kernel"
        if newest_is_not_running; then
            reboot_needed "the archive has no headers for the running kernel any more: a newer kernel is installed"
        fi
    done
    give_up package-missing "there are no headers for the kernel $(uname -r)" \
        "boot a kernel of the distribution, or take an image that carries a driver"
}

newest_is_not_running() {
    local newest
    newest=$(find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//' | sort -V | tail -n 1)
    [[ -n $newest && $newest != "$(uname -r)" ]]
}

load_driver() {
    local loaded installed
    loaded=$(loaded_version) installed=$(module_version)
    if [[ -n $loaded && $loaded != "$installed" ]]; then
        reboot_needed "the driver $loaded is loaded, $installed is installed"
    fi
    if [[ -z $loaded ]] && ! modprobe nvidia; then
        explain_driver "the module $installed does not load"
    fi
    # The part that CUDA needs; it is also loaded on demand.
    modprobe nvidia-uvm 2>/dev/null || true
}

# explain_driver WHAT: a GPU that does not answer after all that was done.
explain_driver() {
    case $1 in
        *'version mismatch'*) reboot_needed "$1" ;;
    esac
    if { dmesg 2>/dev/null || true; } | tail -n 400 | grep -q 'NVRM: .*not supported by the.*open'; then
        give_up driver-branch "this GPU has no open kernel modules" "take a branch without -open"
    fi
    if [[ $1 == *'not load'* ]] && newest_is_not_running; then
        reboot_needed "$1: a newer kernel is installed than the one that runs"
    fi
    { dmesg 2>/dev/null || true; } | grep -E 'NVRM|nvidia' | tail -n 5 || true
    case $1 in
        *'GPUs, '* | *'No devices were found'*) give_up no-gpu "$1" \
            "stop and start the machine, so that it moves to other hardware" ;;
        *) give_up driver-mismatch "$1" "reboot the host and run the same command again; dmesg has the driver's own words" ;;
    esac
}

versions() {
    say "nvidia-driver=$(loaded_version)"
    say "nvidia-module=$(modinfo -F license nvidia 2>/dev/null)"
}
