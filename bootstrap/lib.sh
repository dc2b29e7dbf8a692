# shellcheck shell=bash
# What steps have in common: how a step ends, apt that waits, heals and says what is wrong, files and settings that are
# written only where they differ. Only definitions; it knows nothing of any one step.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none

# How long apt's lock is waited for, in seconds: on a first boot unattended-upgrades may hold it for minutes.
APT_WAIT=${APT_WAIT:-600}

# --- How a step ends ---------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }

reboot_needed() {
    say "roboinfra: reboot: $1"
    exit 100
}

# try_later WHY [CODE HELP]: it may pass by itself.
try_later() {
    if (($# == 3)); then
        say "roboinfra: error $2: $1"
        say "roboinfra: help: $3"
    fi
    say "roboinfra: later: $1"
    exit 75
}

# give_up CODE WHAT HELP: it will not pass by itself.
give_up() {
    say "roboinfra: error $1: $2"
    say "roboinfra: help: $3"
    exit 1
}

# --- What the host is --------------------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

# os KEY: one value of /etc/os-release.
# shellcheck disable=SC1091 # The system's own.
os() { (. /etc/os-release && eval "printf '%s' \"\${$1:-}\""); }

is_ubuntu() { [[ $(os ID) == ubuntu ]]; }

has_systemd() { [[ -d /run/systemd/system ]]; }

# In a container the kernel is somebody else's: what cannot be set there is no fault of the host.
in_container() { has systemd-detect-virt && systemd-detect-virt --container --quiet; }

# Where the kernel tells of PCI devices and of NVIDIA's module.
PCI_DEVICES=${PCI_DEVICES:-/sys/bus/pci/devices}
NVIDIA_MODULE=${NVIDIA_MODULE:-/sys/module/nvidia}

# NVIDIA display and 3D controllers on PCI.
count_gpus() {
    local device vendor class gpus=0
    for device in "$PCI_DEVICES"/*; do
        [[ -r $device/vendor && -r $device/class ]] || continue
        read -r vendor <"$device/vendor"
        read -r class <"$device/class"
        if [[ $vendor == 0x10de && $class == 0x030[02]?? ]]; then gpus=$((gpus + 1)); fi
    done
    printf '%s' "$gpus"
}

free_mib() { df -Pm "$1" | awk 'NR == 2 { print $4 }'; }

# need_space MIB [PATH]: checked before what is big, so that a disk is not filled in the middle of it.
need_space() {
    local free
    free=$(free_mib "${2:-/}")
    ((free >= $1)) || give_up no-space "${2:-/} has $free MiB free, $1 MiB are needed" \
        "make root_volume larger in the profile and apply, or free space on the host: docker system prune"
}

# The first boot's own set-up comes first: it installs packages and writes apt's sources.
wait_cloud_init() {
    local code=0
    has cloud-init && [[ -d /run/cloud-init && ! -e /run/cloud-init/disabled ]] || return 0
    [[ ! -e /run/cloud-init/result.json ]] || return 0
    say "waiting for cloud-init"
    timeout 900 cloud-init status --wait >/dev/null 2>&1 || code=$?
    ((code != 124)) || try_later "cloud-init has not finished within 15 minutes"
    say "cloud-init has ended"
}

# --- Files and settings ------------------------------------------------------------------------------------------

# is_file PATH TEXT: whether the file holds just that.
is_file() { [[ -f $1 && $(cat "$1" && printf x) == "$2"$'\n'x ]]; }

# put_file PATH MODE TEXT: as a whole, and only where it differs; fails (1) where nothing had to be written.
put_file() {
    if is_file "$1" "$3"; then return 1; fi
    mkdir -p "${1%/*}"
    printf '%s\n' "$3" >"$1.roboinfra-new"
    chmod "$2" "$1.roboinfra-new"
    sync "$1.roboinfra-new"
    mv -f "$1.roboinfra-new" "$1"
    say "wrote $1"
}

# setting KEY: a sysctl's value with single spaces; fails where the kernel has none.
setting() {
    local file="/proc/sys/${1//./\/}" value
    [[ -r $file ]] && value=$(cat "$file") && printf '%s' "${value//$'\t'/ }"
}

# settings_differ TEXT: the lines `KEY = VALUE` of TEXT that are not so, in words.
settings_differ() {
    local key value now
    while IFS=' =' read -r key value; do
        [[ -n $key && $key != '#'* ]] || continue
        if ! now=$(setting "$key"); then
            say "$key: this kernel does not have it, or does not show it"
        elif [[ $now != "$value" ]]; then
            say "$key is $now, not $value"
        fi
    done <<<"$1"
}

# apply_settings FILE: sysctls for now and for every boot. In a container what cannot be set is told, not a failure.
apply_settings() {
    local key value
    while IFS=' =' read -r key value; do
        [[ -n $key && $key != '#'* ]] || continue
        [[ $(setting "$key" || true) != "$value" ]] || continue
        if { printf '%s' "$value" >"/proc/sys/${key//./\/}"; } 2>/dev/null; then
            say "$key = $value"
        elif in_container; then
            say "$key cannot be set in a container: it is the kernel's own, set it on the machine below"
        else
            say "$key cannot be set"
        fi
    done <"$1"
}

# --- apt ---------------------------------------------------------------------------------------------------------

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

version_of() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null; }

# known PACKAGE: whether the package sources have it.
known() { [[ $(apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }') == [0-9a-z]* ]]; }

# packages COMMAND...: runs a program of dpkg or apt, waiting for their lock, and says what is wrong when it fails.
# The way it failed is in the output: their exit codes do not tell.
packages() {
    local out until=$((SECONDS + APT_WAIT)) code told=0
    out=$(mktemp "${ROBOINFRA_RUN:-/run}/apt.XXXXXX")
    while :; do
        code=0
        "$@" </dev/null 2>&1 | tee "$out" || code=$?
        ((code != 0)) || break
        grep -qE 'Could not get lock|Unable to (acquire|lock)|frontend lock (was|is) locked|locked by another' "$out" || break
        if ((SECONDS >= until)); then
            local holder
            holder=$(grep -oE 'held by process [0-9]+ \([^)]*\)' "$out" | tail -n 1 || true)
            rm -f "$out"
            try_later "apt's lock is ${holder:-held by another program} for ${APT_WAIT} s" apt-lock \
                "it usually ends by itself; look for unattended-upgrades on the host"
        fi
        ((told++ > 0)) || say "waiting for apt's lock, $APT_WAIT s at most"
        sleep 3
    done
    APT_SAID=$(tail -c 20000 "$out")
    rm -f "$out"
    return "$code"
}

apt_get() {
    packages apt-get -y -o DPkg::Lock::Timeout=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        -o APT::Color=0 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
        -o Acquire::https::Timeout=30 -o APT::Install-Recommends=false -q "$@"
}

# What a power cut or a killed installation has left half done.
heal_packages() {
    local left
    left=$(dpkg --audit 2>/dev/null || true)
    if [[ -z $left ]] && ! compgen -G '/var/lib/dpkg/updates/[0-9]*' >/dev/null; then return 0; fi
    say "an installation was cut before: repairing it"
    packages dpkg --configure -a --force-confdef --force-confold || say "dpkg --configure -a has failed; apt tries to repair"
    apt_get -f install || explain_apt "repair what was cut"
}

# The lists are fetched once an hour at most, and after every change of the sources.
apt_update() {
    local mark="${ROBOINFRA_RUN:-/run}/apt-updated"
    heal_packages
    if [[ -e $mark && -z $(find "$mark" -mmin +60) && -z $(find /etc/apt -newer "$mark" -type f) ]]; then return 0; fi
    APT_LISTS=
    apt_get update || explain_apt "fetch the lists of packages"
    # It succeeds also when a source did not answer.
    if grep -qE 'Failed to fetch|Some index files failed' <<<"$APT_SAID"; then
        say "some package sources did not answer"
        APT_LISTS=stale
    else
        touch "$mark"
    fi
}

# apt_install PACKAGE...: those that are missing.
apt_install() {
    local package missing=()
    for package in "$@"; do
        installed "${package%%=*}" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0
    apt_update
    say "installing ${missing[*]}"
    apt_get install "${missing[@]}" || explain_apt "install ${missing[*]}"
}

# explain_apt WHAT: ends the step with what apt's output means.
explain_apt() {
    local said=$APT_SAID lost
    lost=$(grep -oE 'Unable to locate package [^ ]+|Package .* has no installation candidate' <<<"$said" | head -n 1 || true)
    case $said in
        *'No space left on device'* | *"don't have enough free space"*)
            give_up no-space "the disk is full: apt could not $1" \
                "make root_volume larger in the profile and apply, or free space on the host: docker system prune" ;;
        *'is not valid yet'*)
            try_later "apt could not $1: the host's clock is behind" clock "look at timedatectl on the host" ;;
        *'Temporary failure resolving'* | *'Could not resolve'* | *'Name or service not known'*)
            try_later "apt could not $1: the host cannot resolve names" no-network \
                "check its DNS servers and its way to the internet" ;;
        *'NO_PUBKEY'* | *'is not signed'* | *'EXPKEYSIG'*)
            give_up apt-key "apt could not $1: a package source's signature is not trusted" \
                "look at the sources under /etc/apt on the host" ;;
    esac
    if grep -qE 'Could not connect|Connection (timed out|refused|failed)|Network is unreachable|Unable to connect|Hash Sum|unexpected size|Undetermined Error|^[EW]: Failed to fetch .* (5[0-9][0-9]|429) ' <<<"$said"; then
        try_later "apt could not $1: a package source does not answer as it should" no-network \
            "check the host's way to the internet; a mirror may also be down for a while"
    fi
    if [[ -n $lost && ${APT_LISTS:-} == stale ]]; then
        try_later "apt could not $1: the lists of packages could not be fetched" no-network \
            "check the host's DNS and its way to the internet"
    elif [[ -n $lost ]]; then
        give_up package-missing "${lost,}" "check that the step supports this system, and the sources under /etc/apt"
    fi
    give_up apt "apt could not $1" "the log has apt's own words"
}

# hold PACKAGE...: not upgraded behind our back; those that are not installed are left out.
hold() {
    local package held wanted=()
    held=$(apt-mark showhold)
    for package in "$@"; do
        if installed "$package" && ! grep -qxF "$package" <<<"$held"; then wanted+=("$package"); fi
    done
    ((${#wanted[@]} == 0)) || packages apt-mark hold "${wanted[@]}"
}

# --- The network -------------------------------------------------------------------------------------------------

# download URL FILE: bounded; ends the step where the network is at fault, fails (1) where the server refuses.
download() {
    local code=0
    curl -fsSL --connect-timeout 15 --max-time 300 --retry 3 --retry-delay 2 -o "$2.roboinfra-new" "$1" || code=$?
    case $code in
        0) mv -f "$2.roboinfra-new" "$2" ;;
        22) return 1 ;;
        6) try_later "$1: the host cannot resolve names" no-network "check its DNS servers and its way to the internet" ;;
        23) give_up no-space "$2 cannot be written" "free space on the host: docker system prune" ;;
        *) try_later "$1 does not answer (curl $code)" no-network "check the host's way to the internet" ;;
    esac
}

# reachable URL: whether a server answers, within seconds.
reachable() { has curl && curl -fsSL --connect-timeout 10 --max-time 20 -o /dev/null "$1" 2>/dev/null; }

# The lines of /etc/apt's sources for a repository of somebody else, with its key.
# add_source NAME KEY_URL LINE: LINE has @KEY@ where the key's path goes.
add_source() {
    local key="/etc/apt/keyrings/$1.gpg" new
    if [[ ! -s $key ]]; then
        new=$(mktemp)
        download "$2" "$new" || give_up package-missing "$2 is not there" "the repository may have moved"
        mkdir -p /etc/apt/keyrings
        # Armoured or not; --yes, for a file of a run that was cut is no reason to ask.
        if grep -q 'BEGIN PGP' "$new"; then
            gpg --dearmor --yes --output "$key.new" "$new"
        else
            cp "$new" "$key.new"
        fi
        chmod 644 "$key.new"
        mv -f "$key.new" "$key"
        rm -f "$new"
    fi
    put_file "/etc/apt/sources.list.d/$1.list" 644 "${3//@KEY@/$key}" || true
}
