#!/usr/bin/env bash
# roboinfra:step     nvidia-container-toolkit
# roboinfra:about    NVIDIA's container toolkit, with CDI devices, so that containers see the GPU and keep it
# roboinfra:needs    docker
# roboinfra:reboot   never
# roboinfra:timeout  20m
# roboinfra:proof    Docker has the nvidia runtime and CDI, nvidia-ctk lists the GPUs as devices
# roboinfra:systems  ubuntu-* debian-*
# roboinfra:inputs   GPU_COUNT= PLATFORM=ec2 TOOLKIT_SOURCE=https://nvidia.github.io/libnvidia-container

toolkit_daemon=/etc/docker/daemon.json
toolkit_packages=(nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools libnvidia-container1)

check() {
    local package
    has nvidia-ctk || { say "the toolkit is not installed"; return 1; }
    for package in "${toolkit_packages[@]}"; do
        ! installed "$package" || grep -qxF "$package" <(apt-mark showhold) || { say "$package is not held"; return 1; }
    done
    runtime_is_set || { say "Docker has no nvidia runtime"; return 1; }
    # shellcheck disable=SC2016 # Docker's variables.
    timeout 20 docker info --format '{{range $name, $_ := .Runtimes}}{{$name}} {{end}}' | grep -qw nvidia ||
        { say "the Docker engine has not taken the nvidia runtime"; return 1; }
    expects_gpu || return 0
    devices_listed || { say "CDI lists no GPU"; return 1; }
}

expects_gpu() { [[ -n $GPU_COUNT && $GPU_COUNT != 0 ]] || [[ -d $NVIDIA_MODULE ]]; }

devices_listed() { timeout 20 nvidia-ctk cdi list 2>/dev/null | grep -q '^nvidia.com/gpu='; }

runtime_is_set() {
    jq -e '.runtimes.nvidia.path != null and (.features.cdi == true or .features == null)' "$toolkit_daemon" >/dev/null 2>&1
}

apply() {
    # The order matters: the toolkit describes the driver that it finds.
    if expects_gpu && ! has nvidia-smi && [[ $PLATFORM != jetson ]]; then
        give_up driver-mismatch "there is no NVIDIA driver for the toolkit to describe" \
            "put nvidia-driver before nvidia-container-toolkit in the node's bootstrap"
    fi
    need_space 512
    heal_packages
    has nvidia-ctk || install_toolkit
    hold "${toolkit_packages[@]}"
    configure_docker
    ! expects_gpu || refresh_devices
}

install_toolkit() {
    apt_update
    # Images that know the package already, such as JetPack's, keep their own source: two entries for one repository
    # with different keys stop apt altogether.
    if ! known nvidia-container-toolkit; then
        remove_old_sources
        add_source nvidia-container-toolkit "$TOOLKIT_SOURCE/gpgkey" \
            "deb [signed-by=@KEY@] $TOOLKIT_SOURCE/stable/deb/$(dpkg --print-architecture) /"
    fi
    apt_install nvidia-container-toolkit
}

remove_old_sources() {
    local file
    for file in /etc/apt/sources.list.d/*; do
        if ! grep -qs 'nvidia.github.io' "$file" || [[ $file == */nvidia-container-toolkit.list ]]; then continue; fi
        say "removing the older source $file"
        rm -f "$file"
    done
}

# Live-restore is on by the step docker: the restart does not end containers.
configure_docker() {
    runtime_is_set && timeout 20 docker info --format '{{json .Runtimes}}' | grep -q nvidia && return 0
    nvidia-ctk runtime configure --runtime=docker --cdi.enabled >/dev/null 2>&1 || nvidia-ctk runtime configure --runtime=docker
    jq -e . "$toolkit_daemon" >/dev/null || give_up docker-config "$toolkit_daemon is not JSON" "repair or remove it"
    if has_systemd; then
        systemctl reset-failed docker.service 2>/dev/null || true
        systemctl restart docker || give_up docker "the Docker engine does not start with the nvidia runtime" \
            "journalctl -u docker on the host says why"
    fi
}

# Since 1.18 a unit writes the description at every boot; older toolkits have it written here.
refresh_devices() {
    ! devices_listed || return 0
    if has_systemd && systemctl cat nvidia-cdi-refresh.service >/dev/null 2>&1; then
        systemctl enable --quiet nvidia-cdi-refresh.path nvidia-cdi-refresh.service 2>/dev/null || true
        systemctl restart nvidia-cdi-refresh.service || true
    fi
    if ! devices_listed; then
        mkdir -p /etc/cdi
        timeout 60 nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml ||
            give_up driver-mismatch "the toolkit cannot describe the GPUs" "nvidia-smi on the host says whether the driver works"
    fi
}

versions() {
    say "toolkit=$(nvidia-ctk --version | awk 'NR == 1 { print $NF }')"
    say "libnvidia-container=$(version_of libnvidia-container1)"
}
