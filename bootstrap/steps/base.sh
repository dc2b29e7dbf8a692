#!/usr/bin/env bash
# roboinfra:step     base
# roboinfra:about    The packages that every other step builds on, apt in order, a clock that is right
# roboinfra:reboot   never
# roboinfra:timeout  40m
# roboinfra:proof    the packages are installed, dpkg has nothing left to do, the clock is kept in time
# roboinfra:systems  ubuntu-* debian-*

# gnupg and curl fetch the keys of other repositories; apparmor is what Docker needs beside the kernel's part.
base_packages=(ca-certificates curl gnupg jq lsb-release pciutils kmod procps iproute2 apparmor)

# The background runs of apt would replace a driver under a loaded module, and hold the lock when a step needs it.
# Security updates remain a command away; `doctor` names what waits.
apt_timers=(apt-daily.timer apt-daily-upgrade.timer)
periodic='// Written by roboinfra: a lab host is updated when its owner says so, not in the middle of an experiment.
APT::Periodic::Update-Package-Lists "0";
APT::Periodic::Unattended-Upgrade "0";'

# shellcheck disable=SC2016 # Perl's variables.
needrestart='# Written by roboinfra: no questions on a host that nobody watches.
$nrconf{restart} = "a";
$nrconf{kernelhints} = -1;'

check() {
    local package timer
    for package in "${base_packages[@]}"; do
        installed "$package" || { say "$package is not installed"; return 1; }
    done
    [[ -z $(dpkg --audit 2>/dev/null) ]] || { say "dpkg was interrupted"; return 1; }
    is_file /etc/apt/apt.conf.d/99roboinfra "$periodic" || { say "apt's background runs are not off"; return 1; }
    if [[ -d /etc/needrestart ]]; then
        is_file /etc/needrestart/conf.d/roboinfra.conf "$needrestart" || { say "needrestart would ask"; return 1; }
    fi
    has_systemd || return 0
    for timer in "${apt_timers[@]}"; do
        ! systemctl is-enabled --quiet "$timer" 2>/dev/null || { say "$timer is enabled"; return 1; }
    done
    in_container || has_clock || { say "nothing keeps the clock in time"; return 1; }
}

apply() {
    local timer
    wait_cloud_init
    need_space 1024
    put_file /etc/apt/apt.conf.d/99roboinfra 644 "$periodic" || true
    if has_systemd; then
        for timer in "${apt_timers[@]}"; do
            # A run that has begun already is left to end: apt's lock is waited for.
            ! systemctl is-enabled --quiet "$timer" 2>/dev/null || systemctl disable --now --quiet "$timer"
        done
    fi
    heal_packages
    apt_install "${base_packages[@]}"
    if [[ -d /etc/needrestart ]]; then
        put_file /etc/needrestart/conf.d/roboinfra.conf 644 "$needrestart" || true
    fi
    if has_systemd && ! in_container && ! has_clock; then
        apt_install systemd-timesyncd
        systemctl enable --now --quiet systemd-timesyncd
    fi
}

# The EC2 images of Ubuntu come with chrony, those of Debian with either.
has_clock() {
    local unit
    for unit in chrony chronyd systemd-timesyncd ntpsec ntp; do
        if systemctl is-active --quiet "$unit" 2>/dev/null; then return 0; fi
    done
    return 1
}

versions() {
    say "systemd=$(version_of systemd)"
    say "libc=$(version_of libc6)"
    say "openssh=$(version_of openssh-server)"
}
