#!/usr/bin/env bash
# roboinfra:step     realtime
# roboinfra:about    Real-time priorities and locked memory for control loops, less swapping, the CPU at full clock
# roboinfra:needs    base
# roboinfra:reboot   may
# roboinfra:timeout  10m
# roboinfra:proof    limits, group, settings and the kernel's command line are as wanted
# roboinfra:systems  ubuntu-* debian-*
# roboinfra:inputs   ISOLATED_CPUS=

limits_file=/etc/security/limits.d/99-roboinfra-realtime.conf
limits='# Written by roboinfra: members of the group realtime may run control loops.
@realtime - rtprio 98
@realtime - memlock unlimited
@realtime - nice -20'

# The kernel keeps 5% for everybody else (sched_rt_runtime_us): a control loop that spins must not lock the host.
sysctl_file=/etc/sysctl.d/60-roboinfra-realtime.conf
sysctls='# Written by roboinfra.
vm.swappiness = 10
kernel.sched_rt_runtime_us = 950000'

governor_unit=/etc/systemd/system/roboinfra-governor.service
# shellcheck disable=SC2016 # For the unit's shell.
governor='# Written by roboinfra.
[Unit]
Description=The CPU at full clock

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c "for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do echo performance > $$f; done"

[Install]
WantedBy=multi-user.target'

grub_file=/etc/default/grub.d/60-roboinfra-realtime.cfg
grub_text() {
    # shellcheck disable=SC2016 # For grub's shell.
    printf '# Written by roboinfra: these CPUs are for control loops alone.\n%s' \
        "GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX isolcpus=$ISOLATED_CPUS nohz_full=$ISOLATED_CPUS rcu_nocbs=$ISOLATED_CPUS\""
}

has_governor() { has_systemd && ! in_container && compgen -G '/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor' >/dev/null; }

check() {
    local differ user
    is_file "$limits_file" "$limits" || { say "$limits_file is not as wanted"; return 1; }
    is_file "$sysctl_file" "$sysctls" || { say "$sysctl_file is not as wanted"; return 1; }
    getent group realtime >/dev/null || { say "there is no group realtime"; return 1; }
    user=$(login_user)
    [[ -z $user ]] || id -nG "$user" | grep -qw realtime || { say "$user is not in the group realtime"; return 1; }
    if has_governor; then
        systemctl is-active --quiet roboinfra-governor || { say "the CPU's governor is not set"; return 1; }
    fi
    are_isolated || { say "the isolated CPUs are not as wanted: ${ISOLATED_CPUS:-none}"; return 1; }
    differ=$(settings_differ "$sysctls")
    [[ -n $differ ]] || return 0
    say "$differ"
    in_container
}

# Who logs in to the host; services run as root or in containers.
login_user() { getent passwd 1000 | cut -d: -f1 || true; }

apply() {
    local user differ
    [[ $ISOLATED_CPUS =~ ^[0-9,-]*$ ]] || give_up bad-input "ISOLATED_CPUS is no list of CPUs" "for example 2,3 or 2-5"
    getent group realtime >/dev/null || groupadd --system realtime
    user=$(login_user)
    if [[ -n $user ]]; then usermod --append --groups realtime "$user"; fi
    put_file "$limits_file" 644 "$limits" || true
    put_file "$sysctl_file" 644 "$sysctls" || true
    apply_settings "$sysctl_file"
    if has_governor; then
        put_file "$governor_unit" 644 "$governor" || true
        systemctl daemon-reload
        systemctl enable --quiet roboinfra-governor
        systemctl restart roboinfra-governor
    fi
    [[ $(uname -v) == *PREEMPT_RT* ]] ||
        say "this kernel is not PREEMPT_RT: latencies of a millisecond and more are to be expected under load"
    if [[ $(uname -v) == *PREEMPT_RT* && -d /sys/module/nvidia ]]; then
        say "NVIDIA's driver is not supported on PREEMPT_RT kernels"
    fi
    are_isolated || isolate
    differ=$(settings_differ "$sysctls")
    [[ -z $differ ]] || in_container ||
        give_up sysctl "the kernel does not take a setting: ${differ%%$'\n'*}" "look for another file in /etc/sysctl.d that sets it"
}

# Where none are wanted, those that somebody else has isolated stay.
are_isolated() {
    if [[ -z $ISOLATED_CPUS ]]; then
        [[ ! -e $grub_file ]]
        return
    fi
    grep -qE "(^| )isolcpus=$ISOLATED_CPUS( |\$)" /proc/cmdline
}

isolate() {
    if [[ -z $ISOLATED_CPUS ]]; then
        # Removed last: a cut before leaves it to be done again.
        : >"$grub_file"
        update-grub
        rm -f "$grub_file"
        reboot_needed "no CPUs are isolated from the next boot on"
    fi
    if ! has update-grub; then
        give_up unsupported-system "the kernel's command line is not grub's on this host" \
            "put isolcpus=$ISOLATED_CPUS on the kernel's command line yourself"
    fi
    put_file "$grub_file" 644 "$(grub_text)" || true
    update-grub
    reboot_needed "the CPUs $ISOLATED_CPUS are isolated from the next boot on"
}

versions() { say "preempt=$(uname -v | grep -oE 'PREEMPT[A-Z_]*' | head -n 1)"; }
