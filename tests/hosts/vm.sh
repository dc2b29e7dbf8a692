#!/usr/bin/env bash
# What containers cannot show, on a real virtual machine: Debian 13 with a kernel of its own, booted by QEMU. Where
# /dev/kvm serves a stock kernel it takes seconds, with emulation (the default) half a minute; VM_ACCEL='-enable-kvm -cpu host'
# chooses.
#
#   vm.sh [CASE...]    all cases, or those named; ROBOINFRA is the program (target/debug/roboinfra)
#   vm.sh image        only makes the disk (target/vm), once
#
# The machine is booted once, until cloud-init is done, and a snapshot is taken; each case begins by restoring it. Needs
# root, qemu-system-x86, mmdebstrap, genisoimage and e2fsprogs. Prints one line for each case, then `N passed, N failed`.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
roboinfra=$(realpath "${ROBOINFRA:-$here/../../target/debug/roboinfra}")
vm=${ROBOINFRA_TEST_VM:-$here/../../target/vm}
mkdir -p "$vm"
vm=$(cd "$vm" && pwd)
work=$(mktemp -d)
passed=0 failed=0 qemu='' client='' lab=''
# On the loopback an address of its own, so that its port is SSH's and stays so.
readonly address=127.0.78.$((RANDOM % 200 + 20))
read -ra accel <<<"${VM_ACCEL:--accel tcg,thread=multi,tb-size=512 -cpu max}"
# How long a boot may take, in seconds; emulation on a busy machine is slow. Its kernel speaks long before that, if it runs at all.
readonly patience=400 mute=120

die() {
    printf 'vm.sh: %s\n' "$*" >&2
    exit 1
}

finish() {
    [[ -z $client ]] || kill "$client" 2>/dev/null
    off
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- The disk ----------------------------------------------------------------------------------------------------

readonly packages=systemd,systemd-sysv,dbus,openssh-server,sudo,ca-certificates,iproute2,procps,kmod,udev,netbase,apt-utils,systemd-resolved,cloud-init,linux-image-cloud-amd64,initramfs-tools,e2fsprogs,apparmor,systemd-timesyncd,curl,gnupg,jq,lsb-release,pciutils,psmisc

# The mirror that this machine's own apt uses.
mirror() {
    local found
    # shellcheck disable=SC2016 # apt's own variable.
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -n 1)
    printf '%s' "${found:-http://deb.debian.org/debian}"
}

# A file system without a partition table; the kernel is given to QEMU. The pool has what the steps install.
image() {
    local tool root=$vm/root
    [[ $(cat "$vm/.made" 2>/dev/null) != "$packages" ]] || return 0
    ((EUID == 0)) || die "needs root"
    for tool in qemu-system-x86_64 qemu-img mmdebstrap genisoimage mkfs.ext4 ssh-keygen; do
        command -v "$tool" >/dev/null || die "install $tool first"
    done
    printf 'making the disk\n' >&2
    rm -rf "$root" "$vm"/disk.* "$vm"/base.raw
    # shellcheck disable=SC2016 # The hooks' own variable.
    timeout 1200 mmdebstrap --quiet --variant=minbase --include="$packages" \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
        --aptopt='APT::Install-Recommends "false"' \
        --customize-hook='cp --remove-destination /etc/resolv.conf "$1/etc/resolv.conf"; mkdir -p "$1/srv/pool/partial"' \
        --customize-hook='chroot "$1" apt-get -y -qq --download-only -o Dir::Cache::archives=/srv/pool install docker.io docker-cli docker-compose' \
        --customize-hook='chroot "$1" sh -c "cd /srv/pool && rm -rf partial lock && apt-ftparchive packages . >Packages"' \
        --customize-hook='rm -f "$1"/etc/apt/sources.list.d/*' \
        --customize-hook='echo "deb [trusted=yes] file:/srv/pool ./" >"$1/etc/apt/sources.list"' \
        --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*; : >"$1/etc/machine-id"' \
        --customize-hook='echo "LABEL=rootfs / ext4 errors=remount-ro,discard 0 1" >"$1/etc/fstab"' \
        --customize-hook='echo "datasource_list: [ NoCloud, None ]" >"$1/etc/cloud/cloud.cfg.d/90_dpkg.cfg"' \
        --customize-hook='echo "network: {config: disabled}" >"$1/etc/cloud/cloud.cfg.d/99-net.cfg"' \
        --customize-hook='printf "[Match]\nName=e*\n[Network]\nDHCP=yes\n" >"$1/etc/systemd/network/10-dhcp.network"' \
        --customize-hook='systemctl --root="$1" enable -q systemd-networkd systemd-resolved' \
        --customize-hook='ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"' \
        trixie "$root" "$(mirror)" >&2 || die "the root tree could not be made"
    rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
    cp "$root"/boot/vmlinuz-* "$vm/vmlinuz"
    cp "$root"/boot/initrd.img-* "$vm/initrd"
    truncate -s 8G "$vm/base.raw"
    mkfs.ext4 -q -F -L rootfs -d "$root" "$vm/base.raw" || die "the disk could not be made"
    rm -rf "$root"
    printf '%s\n' "$packages" >"$vm/.made"
}

# What cloud-init is told at the first boot. The host key is planted, which nobody should do with a machine whose user
# data others can read: here it shows that the pinned key is the one that is met.
seed() {
    local line
    ssh-keygen -q -t ed25519 -N '' -C planted -f "$vm/planted" <<<y >/dev/null
    [[ -e $vm/key ]] || ssh-keygen -q -t ed25519 -N '' -C test-vm -f "$vm/key"
    {
        printf '#cloud-config\nhostname: vm\nssh_deletekeys: false\nssh_keys:\n  ed25519_private: |\n'
        while IFS= read -r line; do printf '    %s\n' "$line"; done <"$vm/planted"
        printf '  ed25519_public: %s\n' "$(<"$vm/planted.pub")"
        printf 'users:\n - name: admin\n   shell: /bin/bash\n   sudo: "ALL=(ALL) NOPASSWD:ALL"\n   ssh_authorized_keys:\n    - %s\n' "$(<"$vm/key.pub")"
        printf 'locale: C.UTF-8\napt_preserve_sources_list: true\n'
    } >"$work/user-data"
    printf 'instance-id: i-vm\nlocal-hostname: vm\n' >"$work/meta-data"
    genisoimage -quiet -output "$vm/seed.iso" -volid cidata -joliet -rock "$work/user-data" "$work/meta-data"
}

# --- The machine -------------------------------------------------------------------------------------------------

# power [ARGUMENT...]: switches it on; its own reboots do not end QEMU, its shutdown does.
power() {
    qemu-system-x86_64 "${accel[@]}" -m 2048 -smp 2 -display none -nodefaults -serial "file:$vm/console" \
        -monitor "unix:$vm/monitor,server,nowait" -kernel "$vm/vmlinuz" -initrd "$vm/initrd" \
        -append "root=LABEL=rootfs rw console=ttyS0 net.ifnames=0 apparmor=1 security=apparmor" \
        -drive "file=$vm/disk.qcow2,if=virtio,format=qcow2,cache=unsafe,discard=unmap" \
        -drive "file=$vm/seed.iso,if=virtio,format=raw,readonly=on" \
        -netdev "user,id=n0,hostfwd=tcp:$address:22-:22" -device virtio-net-pci,netdev=n0,romfile= -device virtio-rng-pci \
        "$@" </dev/null >"$vm/qemu.log" 2>&1 &
    qemu=$!
}

# runs: whether it is switched on. A QEMU that has ended is a child that nobody has waited for yet.
runs() { [[ -n $qemu && $(ps -o stat= -p "$qemu") == [!Z]* ]]; }

# off: takes its power. QEMU itself may end in order, so that its disk's tables are whole.
off() {
    local turn
    [[ -n $qemu ]] || return 0
    kill -TERM "$qemu" 2>/dev/null
    for ((turn = 0; turn < 100; turn++)); do
        runs || break
        sleep 0.1
    done
    kill -KILL "$qemu" 2>/dev/null
    wait "$qemu" 2>/dev/null
    qemu=
}

# gone: until it has switched itself off; fails where it does not, or QEMU did not end well.
gone() {
    local end=$((SECONDS + 180)) rc=0
    while runs; do
        ((SECONDS < end)) || { wants "the machine" "on after 180 s" off; return 1; }
        sleep 0.5
    done
    wait "$qemu" || rc=$?
    qemu=
    wants "QEMU's end" "$rc" 0 || return 1
    wants "the kernel's last word" "$(tail -n 1 "$vm/console" | tr -d '\r')" '*Power down' || return 1
}

# useless WHAT: QEMU does not bring it to life; where not the default was asked for, that is why.
useless() {
    cat "$vm/qemu.log" >&2
    if [[ -n ${VM_ACCEL:-} ]]; then
        die "$1 with VM_ACCEL='$VM_ACCEL': this machine's acceleration does not serve here; without VM_ACCEL the processor is emulated"
    fi
    die "$1"
}

# awake: until its kernel has said something.
awake() {
    local end=$((SECONDS + mute))
    until [[ -s $vm/console ]]; do
        runs || useless "QEMU has ended"
        ((SECONDS < end)) || useless "the kernel has said nothing within $mute s"
        sleep 0.5
    done
}

# monitor COMMAND: to QEMU itself; returns when it is done.
monitor() {
    python3 - "$vm/monitor" "$1" <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
prompt = b"(qemu) "
def until_prompt():
    got = b""
    while not got.endswith(prompt):
        got += s.recv(65536)
until_prompt()
s.sendall(sys.argv[2].encode() + b"\n")
until_prompt()
PYTHON
}

# on COMMAND...: on the machine, against the planted key from the first contact on.
on() {
    printf '%s %s\n' "$address" "$(cut -d' ' -f1,2 "$vm/planted.pub")" >"$work/known_hosts"
    timeout 120 ssh -F none -i "$vm/key" -o UserKnownHostsFile="$work/known_hosts" -o StrictHostKeyChecking=yes \
        -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=5 -o ServerAliveCountMax=6 -o LogLevel=ERROR "admin@$address" "$@"
}

# until_up [COMMAND]: until it lets users in, and the command succeeds there.
until_up() {
    local end=$((SECONDS + patience))
    while ((SECONDS < end)); do
        runs || useless "QEMU has ended"
        if on "${1:-true}" >/dev/null 2>&1; then return 0; fi
        sleep 1
    done
    tail -n 5 "$vm/console" >&2
    useless "the machine does not come up within $patience s"
}

first_boot() {
    local began=$SECONDS
    rm -f "$vm/disk.qcow2"
    qemu-img create -q -f qcow2 -b base.raw -F raw "$vm/disk.qcow2"
    seed
    power
    awake
    until_up
    printf 'booted: the planted key answers after %d s\n' $((SECONDS - began))
    until_up 'test -e /run/cloud-init/result.json'
    printf 'cloud-init is done after %d s\n' $((SECONDS - began))
    monitor 'savevm ready'
    off
}

# restored: as it was when cloud-init was done; only its clock is put right.
restored() {
    [[ -z $client ]] || { kill "$client" 2>/dev/null; ended; }
    off
    power -loadvm ready
    until_up "sudo -n date -s @$(date +%s)"
}

# --- Cases -------------------------------------------------------------------------------------------------------

# wants WHAT FOUND PATTERN
wants() {
    # shellcheck disable=SC2053 # A pattern.
    if [[ $2 == $3 ]]; then return 0; fi
    printf '  %s: %s instead of %s\n' "$1" "$2" "$3"
    return 1
}

# profile STEPS: a lab of this one edge host.
profile() {
    lab=$(mktemp -d "$work/lab.XXXX")
    printf 'version = 1\n[lab]\nname = "vm"\nregion = "us-east-1"\n[access]\nkeys = ["%s.pub"]\n[edge.vm]\nhost = "%s"\nuser = "admin"\nplatform = "linux"\nbootstrap = %s\n' \
        "$vm/key" "$address" "$1" >"$lab/lab.toml"
}

# bootstrap: the screen in $work/log, the exit code in `code`.
bootstrap() {
    code=0
    (cd "$lab" && CI=1 timeout 900 "$roboinfra" bootstrap) </dev/null >"$work/log" 2>&1 || code=$?
}

# launch [ARGUMENT...]: the same in the background: `client`.
launch() {
    (cd "$lab" && CI=1 exec timeout 900 "$roboinfra" bootstrap "$@") </dev/null >"$work/log" 2>&1 &
    client=$!
}

# ended: the exit code of what was launched, in `code`.
ended() {
    code=0
    wait "$client" || code=$?
    client=
}

# until_log STEP PATTERN: until the step's log on the machine has the line.
until_log() {
    local end=$((SECONDS + 300))
    until on "sudo -n grep -qa '$2' /var/lib/roboinfra/steps/$1/current/log" 2>/dev/null; do
        ((SECONDS < end)) || { wants "the log of $1" "without a line like it after 300 s" "$2"; return 1; }
        kill -0 "$client" 2>/dev/null || { wants "the client" gone "to follow $1"; return 1; }
        sleep 0.3
    done
}

# said PATTERN: what the client has shown.
said() { wants "what was said" "$(<"$work/log")" "*$1*"; }

# once STEP TRIES: it is done, in so many tries.
once() {
    # shellcheck disable=SC2016 # For the machine's shell.
    wants "$1" "$(on 'sudo -n sh -c "for r in /var/lib/roboinfra/bin/runner*; do \$r status; break; done"' | grep "^step $1 ")" \
        "step $1 * done rc=0 * tries=$2"
}

# sound: nothing half-installed, and Docker runs.
sound() {
    wants "dpkg's audit" "$(on 'sudo -n dpkg --audit')" '' || return 1
    wants "Docker" "$(on 'sudo -n docker version --format "{{.Server.Version}}"')" '[0-9]*'
}

# What cloud-init planted is what is met and pinned; another key is refused for good.
case_first_contact() {
    profile '[]'
    bootstrap
    wants "the first contact" "$code" 0 || return 1
    wants "the pinned key" "$(grep -c "$(cut -d' ' -f2 "$vm/planted.pub")" "$lab/.roboinfra/known_hosts")" 1 || return 1
    wants "cloud-init" "$(on cloud-init status)" '*done*' || return 1
    on 'sudo -n sh -c "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh"' || return 1
    bootstrap
    wants "with another key" "$code" 4
}

# Every setting of both steps is the kernel's own, and still there after a reboot.
case_settings() {
    profile '["base", "ros-network", "realtime"]'
    bootstrap
    wants "the bootstrap" "$code" 0 || return 1
    settings || return 1
    wants "the limits of a login" "$(on 'sudo -n su -l -c "ulimit -r; ulimit -l" admin' | tr '\n' ' ')" '98 unlimited ' || return 1
    again
    settings
}

# Each line of the steps' files against what the kernel says.
settings() {
    local line name found
    while IFS= read -r line; do
        name=${line%% =*}
        found=$(on sudo -n sysctl -n "$name" </dev/null)
        wants "$name" "${found//$'\t'/ }" "${line#*= }" || return 1
    done < <(on 'cat /etc/sysctl.d/60-roboinfra-*.conf' | grep -v '^#')
    wants "settings" "$(on 'cat /etc/sysctl.d/60-roboinfra-*.conf' | grep -vc '^#')" '[7-9]'
}

# Docker where AppArmor is enforced: its profile is loaded, and containers have it. Modules are the kernel's own.
case_apparmor() {
    wants "AppArmor" "$(on cat /sys/module/apparmor/parameters/enabled)" Y || return 1
    wants "modules before" "$(on 'lsmod | grep -c "^overlay"')" 0 || return 1
    profile '["base", "docker"]'
    bootstrap
    wants "the bootstrap" "$code" 0 || return 1
    wants "the profile" "$(on 'sudo -n grep docker-default /sys/kernel/security/apparmor/profiles')" 'docker-default (enforce)' || return 1
    wants "overlay" "$(on 'lsmod | grep -c "^overlay"')" 1 || return 1
    on 'mkdir -p image && cp -L /bin/cat image/ && ldd /bin/cat | grep -o "/[^ ]*" | xargs -I{} cp -L --parents {} image/ &&
        sudo -n tar -C image -c . | sudo -n docker import - self >/dev/null' || return 1
    wants "a container" "$(on 'sudo -n docker run --rm --network none self /cat /proc/self/attr/current')" 'docker-default (enforce)*'
}

# Where no module can be loaded any more, as hardened hosts have it, Docker's engine does not start: that is said, and after a
# reboot the rest is done.
case_modules() {
    profile '["base", "docker"]'
    on sudo -n sysctl -q kernel.modules_disabled=1 || return 1
    bootstrap
    wants "without modules" "$code" 6 && said 'docker failed' && said 'Docker engine' && said 'Next: roboinfra bootstrap' || return 1
    again
    bootstrap
    wants "with modules" "$code" 0 && once base 1 && once docker 2 && sound
}

# again: a reboot in order.
again() {
    local before
    before=$(on cat /proc/sys/kernel/random/boot_id)
    on 'sudo -n systemctl reboot' >/dev/null 2>&1
    until_up "! grep -q $before /proc/sys/kernel/random/boot_id"
}

# The machine shuts down while dpkg unpacks. Apt keeps others from doing so: neither the power button nor a shutdown by the
# system's manager, which is the agent's way, gets through. Past that, the client says what it sees and gives up when its
# patience ends; switched on again, the rerun does what was left.
case_shutdown() {
    profile '["base", "docker"]'
    launch --patience 40
    until_log docker '^Unpacking docker' || return 1
    monitor system_powerdown
    wants "the agent's way" "$(on 'sudo -n systemctl --no-block poweroff' 2>&1)" '*Access denied*' || return 1
    wants "the power button" "$(on sudo -n journalctl -q -u systemd-logind -o cat)" '*Power key*shutdown is inhibited by*apt-get*' || return 1
    on 'sudo -n systemctl start --no-block --job-mode=replace-irreversibly poweroff.target' || return 1
    gone || return 1
    ended
    wants "switched off" "$code" 6 && said 'waiting: nothing answers' && said 'out of reach: nothing answers' &&
        said 'Next: roboinfra bootstrap' || return 1
    power
    until_up
    wants "what dpkg was in" "$(on 'sudo -n dpkg --audit')" '*docker.io*' || return 1
    bootstrap
    wants "switched on again" "$code" 0 && said '1 step to do, 1 done already' && once base 1 && once docker 2 && sound
}

# The power button, as EC2 presses it for a stop, in a step that waits for apt's lock. The client waits, says so, and
# goes on by itself when the machine is switched on again.
case_button() {
    local turn
    profile '["base", "docker"]'
    on "sudo -n setsid -f perl -MFcntl -e 'open F, q(>>), q(/var/lib/dpkg/lock-frontend);
        my \$lock = pack(q(s s x4 q q i x4), F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, \$lock or die; sleep 900' </dev/null >/dev/null 2>&1" || return 1
    launch
    until_log docker 'waiting for apt' || return 1
    monitor system_powerdown
    gone || return 1
    for ((turn = 0; turn < 600; turn++)); do
        ! grep -qa 'waiting: nothing answers' "$work/log" || break
        sleep 0.1
    done
    said 'waiting: nothing answers' || return 1
    power
    until_up
    ended
    wants "the same client" "$code" 0 && once base 1 && once docker 2 && sound
}

# A step asks for a reboot while something keeps the machine from that, as apt does: the client says so. When that has ended
# the reboot is made, and what comes after it.
case_inhibited() {
    profile '["last-boot"]'
    printf '[step.last-boot]\nscript = "last-boot.sh"\n' >>"$lab/lab.toml"
    cat >"$lab/last-boot.sh" <<'STEP'
#!/usr/bin/env bash
# roboinfra:step     last-boot
# roboinfra:about    Wants another boot than the one that it begins in
# roboinfra:reboot   may
# roboinfra:timeout  5m
# roboinfra:proof    this is another boot
# roboinfra:systems  any
check() { [[ -e /srv/boot && $(</srv/boot) != "$(</proc/sys/kernel/random/boot_id)" ]]; }
apply() {
    cat /proc/sys/kernel/random/boot_id >/srv/boot
    reboot_needed "this is the boot that it began in"
}
STEP
    on sudo -n systemd-run --quiet --collect --unit=held systemd-inhibit --what=shutdown --mode=block sleep infinity || return 1
    launch --patience 60
    ended
    wants "while it is held" "$code" 6 && said 'it has not rebooted*systemd-inhibit*' && said 'Next: roboinfra bootstrap' || return 1
    on sudo -n systemctl stop held
    bootstrap
    wants "when it is not" "$code" 0 && once last-boot 2
}

# A clock that stands where a snapshot left it an hour ago: the gate says so and what to look at, and so does `doctor`.
case_clock() {
    profile '["base"]'
    on "sudo -n systemctl stop systemd-timesyncd && sudo -n date -s @$(($(date +%s) - 3600))" >/dev/null || return 1
    bootstrap
    wants "an hour behind" "$code" 6 && said 'not ready: clock' && said '3[56]?? s off' && said 'timedatectl' || return 1
    (cd "$lab" && CI=1 timeout 120 "$roboinfra" doctor) </dev/null >"$work/log" 2>&1
    said '3[56]?? s off' || return 1
    on "sudo -n date -s @$(date +%s)" >/dev/null || return 1
    bootstrap
    wants "with the clock put right" "$code" 0
}

# --- All of them -------------------------------------------------------------------------------------------------

image
[[ ${1:-} != image ]] || exit 0
[[ -x $roboinfra ]] || die "build the program first"
first_boot
cases=(first_contact clock settings inhibited apparmor modules shutdown button)
(($# == 0)) || cases=("$@")
for name in "${cases[@]}"; do
    began=$SECONDS
    restored
    if "case_$name"; then
        passed=$((passed + 1))
        printf 'ok      %s (%d s)\n' "$name" $((SECONDS - began))
    else
        failed=$((failed + 1))
        printf 'FAILED  %s (%d s)\n' "$name" $((SECONDS - began))
        tail -n 30 "$work/log" | sed 's/^/    /'
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
