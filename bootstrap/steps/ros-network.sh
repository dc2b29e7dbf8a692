#!/usr/bin/env bash
# roboinfra:step     ros-network
# roboinfra:about    Socket buffers and fragment handling for ROS 2 messages as large as images and point clouds
# roboinfra:needs    base
# roboinfra:reboot   never
# roboinfra:timeout  5m
# roboinfra:proof    the kernel's settings are as wanted
# roboinfra:systems  any

ros_file=/etc/sysctl.d/60-roboinfra-ros.conf

# Large messages over UDP come as many fragments: with small buffers or slow clearing one lost fragment stalls all.
ros_text='# Written by roboinfra for the DDS implementations of ROS 2.
net.core.rmem_max = 2147483647
net.core.wmem_max = 67108864
net.core.netdev_max_backlog = 5000
net.ipv4.ipfrag_time = 3
net.ipv4.ipfrag_high_thresh = 134217728'

check() {
    is_file "$ros_file" "$ros_text" || { say "$ros_file is not as wanted"; return 1; }
    local differ
    differ=$(settings_differ "$ros_text")
    [[ -n $differ ]] || return 0
    say "$differ"
    # A container shares its kernel: it is told, and no reason to fail.
    in_container
}

apply() {
    put_file "$ros_file" 644 "$ros_text" || true
    apply_settings "$ros_file"
    local differ
    differ=$(settings_differ "$ros_text")
    [[ -z $differ ]] || in_container ||
        give_up sysctl "the kernel does not take a setting: ${differ%%$'\n'*}" "look for another file in /etc/sysctl.d that sets it"
}

versions() { say "rmem_max=$(setting net.core.rmem_max)"; }
