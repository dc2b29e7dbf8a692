#!/usr/bin/env bash
# The program on a host that roboinfra talks to: it stores steps, runs one at a time detached from whoever asked, keeps
# what they write and how they end in files, and tells that to whoever follows. It knows nothing of what steps do.
#
# Everything lies in /var/lib/roboinfra. A record is replaced as a whole, so that a power cut leaves the old or the new
# one. Answers are lines on stdout; refusals are lines `error CODE TEXT`. Secrets are in memory only, never in records.
set -uo pipefail
umask 077
shopt -s nullglob
export LC_ALL=C
# BASH_ENV and friends of whoever asked are not ours.
unset BASH_ENV ENV CDPATH

readonly HOME_DIR=${ROBOINFRA_HOME:-/var/lib/roboinfra}
readonly RUN_DIR=${ROBOINFRA_RUN:-/run/roboinfra}
readonly LONGEST_SCRIPT=1048576
readonly LONGEST_SECRETS=262144
# Seconds that the next secret is waited for; ROBOINFRA_SECRETS_WAIT overrides, for tests.
readonly SECRETS_WAIT=${ROBOINFRA_SECRETS_WAIT:-20}
readonly CHUNK=65536
# A program that a step installs comes in pieces.
readonly LARGEST_FILE=268435456
readonly LARGEST_PIECE=1048576
# What the agent says of itself; ROBOINFRA_AGENT_STATUS overrides, for tests.
readonly AGENT_STATUS=${ROBOINFRA_AGENT_STATUS:-/run/roboinfra-agent/status.json}
# Between TERM and KILL, when a step is ended.
readonly GRACE=10

refuse() {
    printf 'error %s\n' "$*"
    exit 1
}

# unwritable WHAT: why something could not be written.
unwritable() {
    if (($(free_mib "$HOME_DIR") < 8)); then refuse "no-space the disk is full: $*"; fi
    refuse "unwritable $*"
}

homes() {
    if [[ -d $HOME_DIR/steps && -d $RUN_DIR ]]; then return; fi
    if ! { mkdir -p "$HOME_DIR/steps" "$RUN_DIR" && chmod 700 "$HOME_DIR" "$RUN_DIR"; } 2>/dev/null; then
        unwritable "$HOME_DIR or $RUN_DIR cannot be made"
    fi
}

# What goes into a path or a command is checked first.
is_name() { [[ $1 =~ ^[a-z][a-z0-9-]{0,39}$ ]] || refuse "bad-name not a step's name"; }
is_digest() { [[ $1 =~ ^[0-9a-f]{64}$ ]] || refuse "bad-digest not a digest"; }
is_number() { [[ $1 =~ ^(0|[1-9][0-9]{0,14})$ ]] || refuse "bad-number not a number"; }
is_limit() { [[ $1 =~ ^[1-9][0-9]{0,8}$ ]] || refuse "bad-number not a number of seconds"; }
takes() { (($1 == $2)) || refuse "bad-arguments"; }

this_boot=${ROBOINFRA_BOOT_ID:-}
[[ -n $this_boot ]] || read -r this_boot </proc/sys/kernel/random/boot_id || this_boot=unknown
readonly this_boot

under_systemd() { [[ ${ROBOINFRA_SYSTEMD:-yes} != no && -d /run/systemd/system ]]; }

# --- Records -----------------------------------------------------------------------------------------------------
#
# A step is looked at many times a second while it is followed, on small computers too: what is asked then starts no
# process, not even a subshell, and answers in the variable `found`.

# load NAME DIGEST: fills the record's variables with how the step stands now.
load() {
    read_record "$1" "$2"
    if [[ $state == running ]] && ! is_alive; then
        # It writes its end before it ends: what is not there now was never written.
        read_record "$1" "$2"
        [[ $state != running ]] || state=interrupted
    fi
    # In another boot than the one that it asked to leave it is looked at again.
    if [[ $state == reboot && $boot != "$this_boot" ]]; then state=stored; fi
}

# A record that cannot be read counts as one of a run that was cut.
read_record() {
    local file="$HOME_DIR/steps/$1/$2/state" key value
    state='' rc='' started='' ended='' tries=0 boot='' pid='' born=''
    if [[ -e "$RUN_DIR/$1.$2.state" ]]; then file="$RUN_DIR/$1.$2.state"; fi
    if [[ ! -e $file ]]; then
        state=stored
        return
    fi
    while IFS='=' read -r key value; do
        case $key in
            state) [[ ! $value =~ ^(running|done|failed|interrupted|reboot|later|timeout)$ ]] || state=$value ;;
            rc) [[ ! $value =~ ^[0-9]{1,3}$ ]] || rc=$value ;;
            started) [[ ! $value =~ ^[0-9]{1,12}$ ]] || started=$value ;;
            ended) [[ ! $value =~ ^[0-9]{1,12}$ ]] || ended=$value ;;
            tries) [[ ! $value =~ ^[0-9]{1,6}$ ]] || tries=$value ;;
            pid) [[ ! $value =~ ^[1-9][0-9]{0,9}$ ]] || pid=$value ;;
            born) [[ ! $value =~ ^[0-9]{1,18}$ ]] || born=$value ;;
            boot) boot=$value ;;
        esac
    done <"$file" 2>/dev/null
    state=${state:-interrupted}
}

# save NAME DIGEST: writes the record's variables, durably. A full disk does not lose the result: there is a reserve,
# and at the worst the record is kept in memory until the next boot.
save() {
    local dir="$HOME_DIR/steps/$1/$2" text
    printf -v text 'state=%s\nrc=%s\nstarted=%s\nended=%s\ntries=%s\nboot=%s\npid=%s\nborn=%s\n' \
        "$state" "$rc" "$started" "$ended" "$tries" "$boot" "$pid" "$born"
    if replace "$dir" "$text" || { rm -f "$HOME_DIR/reserve" && replace "$dir" "$text"; }; then
        if [[ -e $RUN_DIR/$1.$2.state ]]; then rm -f "$RUN_DIR/$1.$2.state"; fi
    else
        printf '%s' "$text" >"$RUN_DIR/$1.$2.state"
    fi
}

replace() {
    {
        printf '%s' "$2" >"$1/state.new" && sync "$1/state.new" && mv -f "$1/state.new" "$1/state" && sync "$1"
    } 2>/dev/null
}

# Whether the process of the loaded record is still that process, in this boot.
is_alive() {
    [[ -n $pid && $boot == "$this_boot" ]] && birth "$pid" && [[ $found == "$born" ]]
}

# birth PID: finds when a process began, in ticks since the boot; fails for one that is gone or a zombie.
birth() {
    local stat words
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in parentheses may hold anything.
    stat=${stat##*) }
    # Digits and a letter. What is read with <<< needs a disk in old versions of bash.
    # shellcheck disable=SC2206
    words=($stat)
    found=${words[19]}
    [[ ${words[0]} != [ZX] ]]
}

# current NAME: finds the digest of its current script.
current() {
    local dir
    for dir in "$HOME_DIR/steps/$1"/*; do
        found=${dir##*/}
        [[ ! $found =~ ^[0-9a-f]{64}$ || ! $dir -ef $HOME_DIR/steps/$1/current ]] || return 0
    done
    found=
    return 1
}

# others NAME: finds the name of another step that runs, if one does.
others() {
    local link name
    for link in "$HOME_DIR"/steps/*/current; do
        name=${link%/current} name=${name##*/}
        if [[ $name == "$1" ]] || ! current "$name"; then continue; fi
        load "$name" "$found"
        found=$name
        if [[ $state == running ]]; then return 0; fi
    done
    return 1
}

# One command that changes records at a time. The lock is not passed on to what is started.
lock() {
    { exec 9>"$HOME_DIR/lock"; } 2>/dev/null || unwritable "$HOME_DIR/lock"
    flock -w 30 9 || refuse "locked another command of the runner holds its lock"
}

# --- Storing -----------------------------------------------------------------------------------------------------

cmd_put() {
    takes $# 2
    is_name "$1" && is_digest "$2"
    local name=$1 digest=$2 dir="$HOME_DIR/steps/$1/$2" new="$HOME_DIR/steps/$1/new.$$" was left
    # shellcheck disable=SC2064 # The name is wanted as it is now.
    trap "[[ ! -e '$new' ]] || rm -rf '$new'" EXIT
    mkdir -p "$new" 2>/dev/null || unwritable "$HOME_DIR"
    if ! { head -c "$LONGEST_SCRIPT" >"$new/script" && sync "$new/script"; } 2>/dev/null; then
        unwritable "the script"
    fi
    if [[ $(sha256sum <"$new/script") != "$digest  -" ]]; then
        (($(stat -c %s "$new/script") < LONGEST_SCRIPT)) || refuse "too-long a script has at most $LONGEST_SCRIPT bytes"
        refuse "digest what arrived has another digest"
    fi
    lock
    current "$name"
    was=$found
    if [[ -n $was ]]; then
        load "$name" "$was"
        [[ $state != running || $was == "$digest" ]] || refuse "busy $name"
    fi
    if [[ $was != "$digest" || ! -e $dir/script ]]; then
        # What an earlier run of the same script did may have been changed by the one in between.
        if [[ -e $dir || -e $RUN_DIR/$name.$digest.state ]]; then rm -rf "$dir" "$RUN_DIR/$name.$digest.state"; fi
        make_current || unwritable "the script"
    else
        mv -f "$new/script" "$dir/script"
    fi
    forget "$name" "$digest"
    # Uploads that were cut. What is younger may be under way.
    left=("$HOME_DIR/steps/$name"/new.*)
    ((${#left[@]} == 0)) || find "${left[@]}" -maxdepth 0 -mmin +60 -exec rm -rf {} + 2>/dev/null
    printf 'stored %s %s\n' "$name" "$digest"
}

# Of `put`, whose variables it uses.
make_current() {
    local link="$HOME_DIR/steps/$name/current"
    {
        mv "$new" "$dir" && ln -sfn "$digest" "$link.new" && mv -fT "$link.new" "$link" && sync "$HOME_DIR/steps/$name"
    } 2>/dev/null
}

# forget NAME DIGEST: of a step's older scripts the two last ones are kept, with their logs.
forget() {
    local dir kept=0 scripts=("$HOME_DIR/steps/$1"/*/script)
    # Its own, seen as the current one too, and two.
    ((${#scripts[@]} > 4)) || return 0
    while IFS= read -r dir; do
        [[ ${dir##*/} =~ ^[0-9a-f]{64}$ && ${dir##*/} != "$2" ]] || continue
        ((++kept <= 2)) || rm -rf "$dir"
    done < <(stat -c '%Y %n' "$HOME_DIR/steps/$1"/*/script | sort -rn | sed 's/^[0-9]* //; s|/script$||')
}

# --- Files -------------------------------------------------------------------------------------------------------

# How much of a file is there.
cmd_file() {
    takes $# 1
    is_digest "$1"
    local have
    if [[ -e $HOME_DIR/files/$1 ]]; then
        printf 'have %s\n' "$1"
    else
        have=$(stat -c %s "$HOME_DIR/files/$1.part" 2>/dev/null) || have=0
        printf 'part %s %s\n' "$1" "$have"
    fi
}

# take DIGEST SIZE OFFSET LENGTH: the next piece of a file from stdin. A piece that is cut is as if it had not come; a file
# has its name when all of it is there and has its digest, not before.
cmd_take() {
    takes $# 4
    is_digest "$1" && is_number "$2" && is_number "$3" && is_number "$4"
    local digest=$1 size=$2 at=$3 length=$4 folder="$HOME_DIR/files" piece="$HOME_DIR/files/piece.$$" have
    ((size <= LARGEST_FILE && length <= LARGEST_PIECE && at + length <= size)) ||
        refuse "too-long a file has at most $LARGEST_FILE bytes, a piece $LARGEST_PIECE"
    mkdir -p "$folder" 2>/dev/null || unwritable "$folder"
    (($(free_mib "$folder") > (size - at) / 1048576 + 16)) || refuse "no-space there is no room for a file of $size bytes"
    # shellcheck disable=SC2064 # The name is wanted as it is now.
    trap "rm -f '$piece'" EXIT
    { timeout 100 head -c "$length" >"$piece"; } 2>/dev/null || unwritable "a piece of a file"
    (($(stat -c %s "$piece") == length)) || refuse "cut a piece of $length bytes has not come whole"
    lock
    if [[ ! -e $folder/$digest ]]; then
        have=$(stat -c %s "$folder/$digest.part" 2>/dev/null) || have=0
        if ((have == at)); then
            if ! { cat "$piece" >>"$folder/$digest.part" && sync "$folder/$digest.part"; } 2>/dev/null; then
                truncate -s "$at" "$folder/$digest.part" 2>/dev/null
                unwritable "a piece of a file"
            fi
            have=$((at + length))
        fi
        if ((have < size)); then
            printf 'part %s %s\n' "$digest" "$have"
            return
        fi
        if [[ $(sha256sum <"$folder/$digest.part") != "$digest  -" ]]; then
            rm -f "$folder/$digest.part"
            refuse "digest what arrived has another digest"
        fi
        { mv -f "$folder/$digest.part" "$folder/$digest" && sync "$folder"; } 2>/dev/null || unwritable "a file"
    fi
    forget_files "$digest"
    printf 'have %s\n' "$digest"
}

# forget_files DIGEST: beside this one the newest stays; what was cut long ago goes.
forget_files() {
    local file kept=0
    while IFS= read -r file; do
        [[ ${file##*/} =~ ^[0-9a-f]{64}$ && ${file##*/} != "$1" ]] || continue
        ((++kept <= 1)) || rm -f "$file"
    done < <(stat -c '%Y %n' "$HOME_DIR"/files/* 2>/dev/null | sort -rn | sed 's/^[0-9]* //')
    find "$HOME_DIR/files" -maxdepth 1 \( -name '*.part' -mmin +1440 -o -name 'piece.*' -mmin +60 \) -delete 2>/dev/null
}

# --- Running -----------------------------------------------------------------------------------------------------

cmd_start() {
    takes $# 3
    is_name "$1" && is_digest "$2" && is_limit "$3"
    local name=$1 digest=$2 limit=$3 dir="$HOME_DIR/steps/$1/$2" before self
    if [[ ! -e $dir/script ]] || ! current "$name" || [[ $found != "$digest" ]]; then
        refuse "unknown $name $digest"
    fi
    local secrets=''
    read_secrets
    lock
    load "$name" "$digest"
    case $state in
        running | done) printf '%s %s %s\n' "$state" "$name" "$digest" && return ;;
    esac
    ! others "$name" || refuse "busy $found"
    if [[ $(sha256sum <"$dir/script") != "$digest  -" ]]; then
        rm -rf "$dir" "$HOME_DIR/steps/$name/current"
        refuse "damaged the stored script of $name is not what was stored; it must be put again"
    fi
    end_leftovers
    load "$name" "$digest"
    end_leftover
    before=$tries
    self=${BASH_SOURCE[0]}
    [[ $self == /* ]] || self=$PWD/$self
    if [[ ! -s $HOME_DIR/reserve ]]; then head -c 65536 /dev/zero >"$HOME_DIR/reserve" 2>/dev/null; fi
    forget_secrets "$name"
    if [[ -n $secrets ]]; then printf '%s' "$secrets" >"$RUN_DIR/$name.env" || unwritable "$RUN_DIR"; fi
    launch "$name" "$digest" "$limit" "$self" || {
        forget_secrets "$name"
        refuse "not-started the step could not be started"
    }
    # Started means that its record says so.
    local until=$((EPOCHSECONDS + 30))
    while ((EPOCHSECONDS < until)); do
        load "$name" "$digest"
        ((tries == before)) || break
        pause 0.02
    done
    if ((tries == before)); then
        forget_secrets "$name"
        refuse "not-started the step did not begin within 30 s"
    fi
    printf 'started %s %s\n' "$name" "$digest"
}

launch() {
    local variable unit said
    if under_systemd; then
        # The runner keeps the time itself; systemd's limit is for a runner that is gone.
        unit=(systemd-run --quiet --collect --unit="roboinfra-step-$1" --description="roboinfra step $1"
            -p KillMode=control-group -p "RuntimeMaxSec=$(($3 + 60))" -p TimeoutStopSec=15)
        for variable in ROBOINFRA_HOME ROBOINFRA_RUN; do
            [[ -z ${!variable:-} ]] || unit+=("--setenv=$variable=${!variable}")
        done
        unit+=(bash "$4" exec "$1" "$2" "$3")
        said=$("${unit[@]}" 2>&1 9>&-) && return
        # What an earlier run has left may be in the way: "was already loaded", "already exists".
        if [[ $said == *already* ]]; then
            systemctl stop "roboinfra-step-$1.service" >/dev/null 2>&1
            "${unit[@]}" 9>&- >&2
        else
            printf '%s\n' "$said" >&2
            return 1
        fi
    else
        setsid -f bash "$4" exec "$1" "$2" "$3" </dev/null >/dev/null 2>&1 9>&-
    fi
}

# Of `start`: reads `NAME=base64value` lines into its `secrets`, and checks them. Their values are never an argument.
read_secrets() {
    local line value code began=$EPOCHSECONDS
    while :; do
        IFS= read -r -t "$SECRETS_WAIT" line
        code=$?
        ((code == 0)) || break
        ((EPOCHSECONDS - began <= 60)) || refuse "bad-secret the secrets have not arrived within a minute"
        [[ -n $line ]] || continue
        if [[ ! $line =~ ^([A-Z][A-Z0-9_]*)=([A-Za-z0-9+/]*={0,2})$ ]]; then
            refuse "bad-secret a line is not NAME=base64"
        fi
        value=${BASH_REMATCH[2]}
        case ${BASH_REMATCH[1]} in
            PATH | IFS | HOME | ENV | SHELLOPTS | BASH* | LD_* | ROBOINFRA_*) refuse "bad-secret not a secret's name" ;;
        esac
        printf '%s' "$value" | base64 -d >/dev/null 2>&1 || refuse "bad-secret a value is not base64"
        secrets+=$line$'\n'
        ((${#secrets} <= LONGEST_SECRETS)) || refuse "bad-secret they have at most $LONGEST_SECRETS bytes"
    done
    ((code <= 128)) || refuse "bad-secret the secrets have not arrived within $SECRETS_WAIT s"
    [[ -z $line ]] || refuse "bad-secret the last line has not come whole"
}

# Of every step and script: two at once would be in each other's way.
end_leftovers() {
    local file
    for file in "$HOME_DIR"/steps/*/*/state; do
        [[ $file != */current/state ]] || continue
        file=${file#"$HOME_DIR/steps/"} file=${file%/state}
        load "${file%/*}" "${file#*/}"
        [[ $state != interrupted ]] || end_leftover
    done
}

# What a run of the loaded record has left running: its runner was killed, its children were not.
end_leftover() {
    local turn left
    [[ -n $pid && $boot == "$this_boot" ]] || return 0
    # Somebody else's process by now, with the same number.
    if birth "$pid" && [[ $found != "$born" ]]; then return 0; fi
    for ((turn = 0; turn <= GRACE * 5; turn++)); do
        session "$pid"
        ((${#left[@]} > 0)) || return 0
        if ((turn == 0)); then kill -TERM "${left[@]}" 2>/dev/null; fi
        pause 0.2
    done
    kill -KILL "${left[@]}" 2>/dev/null
}

# session ID: the processes of a session, in `left`; a step's own are all in that of its runner.
session() {
    local file stat words
    left=()
    for file in /proc/[0-9]*/stat; do
        { read -r stat <"$file"; } 2>/dev/null || continue
        # shellcheck disable=SC2206 # As above.
        words=(${stat##*) })
        if [[ ${words[3]} == "$1" && ${words[0]} != [ZX] ]]; then left+=("${stat%% *}"); fi
    done
}

# Runs a step and writes down how it ends. This is the detached process.
cmd_exec() {
    takes $# 3
    is_name "$1" && is_digest "$2" && is_number "$3"
    local name=$1 digest=$2 limit=$3 dir="$HOME_DIR/steps/$1/$2" asked='' child code
    # Held as long as this process lives; no child has it.
    { exec 8>"$HOME_DIR/running"; } 2>/dev/null && flock -w 5 8 || exit 1
    load "$name" "$digest"
    birth $$
    tries=$((tries + 1)) state=running rc='' started=$EPOCHSECONDS ended='' boot=$this_boot pid=$$ born=$found
    exec </dev/null >>"$dir/log" 2>&1
    printf '=== try %s at %(%Y-%m-%dT%H:%M:%SZ)T\n' "$tries" -1 2>/dev/null
    save "$name" "$digest"
    env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LC_ALL=C.UTF-8 TZ=UTC \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin \
        ROBOINFRA_HOME="$HOME_DIR" ROBOINFRA_RUN="$RUN_DIR" \
        timeout -k "$GRACE" "$limit" bash -c "$(declare -f roboinfra_play roboinfra_strictly); roboinfra_play \"\$@\"" \
        "roboinfra step $name" "$dir/script" "$RUN_DIR/$name.env" 8>&- &
    child=$!
    # shellcheck disable=SC2317 # Called by the trap.
    ask() {
        asked=yes
        kill -TERM "$child" 2>/dev/null
        (sleep "$GRACE" && kill -KILL -- "-$child" 2>/dev/null) 8>&- &
    }
    trap ask TERM INT HUP
    while :; do
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    # What the step has left behind in its own group goes with it.
    kill -KILL -- "-$child" 2>/dev/null
    forget_secrets "$name"
    ended=$EPOCHSECONDS rc=$code
    outcome "$code" "$asked" "$((ended - started))" "$limit"
    if [[ $state == failed && $(free_mib "$HOME_DIR") -lt 32 ]]; then
        rm -f "$HOME_DIR/reserve"
        printf 'roboinfra: error no-space: %s\nroboinfra: help: %s\n' "the disk is full" \
            "make root_volume larger in the profile and apply, or free space on the host: docker system prune"
    fi
    save "$name" "$digest"
}

# outcome CODE ASKED SECONDS LIMIT: sets the state in which a run ended.
outcome() {
    case $1 in
        0) state="done" ;;
        100) state=reboot ;;
        75) state=later ;;
        *)
            if [[ -n $2 ]]; then
                state=interrupted
            elif (($3 >= $4 && ($1 == 124 || $1 == 137))); then
                state=timeout
            elif (($1 == 129 || $1 == 130 || $1 == 137 || $1 == 143)); then
                state=interrupted
            else
                state=failed
            fi
            ;;
    esac
}

# forget_secrets NAME: those that the step has not taken.
forget_secrets() { [[ ! -e $RUN_DIR/$1.env ]] || rm -f "$RUN_DIR/$1.env"; }

# roboinfra_play SCRIPT SECRETS: the step itself. Of this file a step has these two functions and nothing else: no variable
# here can be in the way of one of its own, and it cannot be in theirs.
# shellcheck disable=SC2317 # They are handed on as text.
roboinfra_play() {
    set -uo pipefail
    if [[ -e $2 ]]; then
        # No secret is called REPLY: that is bash's own.
        while IFS= read -r REPLY; do
            # Not exported: the step passes a secret to the one program that needs it.
            printf -v "${REPLY%%=*}" '%s' "$(printf '%s' "${REPLY#*=}" | base64 -d)"
        done <"$2"
        rm -f "$2"
    fi
    unset REPLY
    umask 022
    # shellcheck disable=SC1090 # The step.
    . "$1" || exit 1
    if ! declare -F check apply >/dev/null; then
        printf 'roboinfra: error bad-step: the script defines no check and apply\n'
        exit 1
    fi
    # Plain subshells: in a condition bash would go on after a failed command.
    (roboinfra_strictly check)
    case $? in 0) exit 0 ;; esac
    (roboinfra_strictly apply)
    case $? in 0) ;; *) exit "$?" ;; esac
    (roboinfra_strictly check)
    case $? in 0) exit 0 ;; esac
    printf 'roboinfra: error not-proven: the step has run, but its check still fails\n'
    exit 1
}

# shellcheck disable=SC2317
roboinfra_strictly() {
    set -eEuo pipefail
    # A check says itself why it fails.
    [[ $1 == check ]] ||
        trap 'printf "roboinfra: exit %s of: %s (%s, line %s)\n" "$?" "$BASH_COMMAND" "${FUNCNAME[0]:-}" "$LINENO"' ERR
    "$1"
}

cmd_stop() {
    takes $# 1
    is_name "$1"
    local digest turn
    current "$1" || refuse "unknown $1"
    digest=$found
    load "$1" "$digest"
    if [[ $state != running ]]; then
        printf '%s %s %s\n' "$state" "$1" "$digest"
        return
    fi
    kill -TERM "$pid" 2>/dev/null
    for ((turn = 0; turn < (GRACE + 5) * 10; turn++)); do
        is_alive || break
        pause 0.1
    done
    if is_alive; then
        kill -KILL "$pid"
        ! under_systemd || systemctl kill -s KILL "roboinfra-step-$1.service" 2>/dev/null
    fi
    lock
    load "$1" "$digest"
    [[ $state == running ]] || end_leftover
    printf '%s %s %s\n' "$state" "$1" "$digest"
}

# --- Telling -----------------------------------------------------------------------------------------------------

cmd_status() {
    takes $# 0
    local link name digest
    for link in "$HOME_DIR"/steps/*/current; do
        name=${link%/current} name=${name##*/}
        current "$name" || continue
        digest=$found
        [[ -e $HOME_DIR/steps/$name/$digest/script ]] || continue
        load "$name" "$digest"
        printf 'step %s %s %s rc=%s started=%s ended=%s tries=%s\n' \
            "$name" "$digest" "$state" "$rc" "$started" "$ended" "$tries"
    done
}

# Waits without a process of its own.
pause() {
    [[ -n ${idle:-} ]] || exec {idle}<> <(:)
    read -r -t "$1" -u "$idle" _ || true
}

beat() {
    printf '. %s\n' "$EPOCHSECONDS" || exit 0
    beaten=$EPOCHSECONDS
}

# Whether it is time for the next one. A clock that was set back does not tell.
due() { ((EPOCHSECONDS - beaten >= 3 || EPOCHSECONDS < beaten)); }

cmd_follow() {
    takes $# 3
    is_name "$1" && is_digest "$2" && is_number "$3"
    local name=$1 digest=$2 at=$3 log="$HOME_DIR/steps/$1/$2/log" beaten size length took turns=0
    [[ -e $HOME_DIR/steps/$name/$digest/script ]] || refuse "unknown $name $digest"
    # A reader that is gone ends this process with its next beat.
    trap - PIPE
    beat
    while :; do
        # The state first: what was logged before the end is there when the end is seen.
        load "$name" "$digest"
        [[ $state != stored || $rc == 100 ]] || refuse "not-started $name $digest"
        size=0
        if [[ $state != running ]] || grown; then size=$(stat -c %s "$log" 2>/dev/null) || size=0; fi
        while ((at < size)); do
            length=$((size - at < CHUNK ? size - at : CHUNK))
            printf '= %s %s\n' "$at" "$length" || exit 0
            raw "$log" "$at" "$length" || exit 0
            printf '\n' || exit 0
            at=$((at + length)) beaten=$EPOCHSECONDS turns=0
        done
        if [[ $state != running ]]; then
            # A step that asked for a reboot which has been made since had ended so.
            [[ $state != stored ]] || state=reboot
            took=$((${ended:-${started:-0}} - ${started:-0}))
            printf '! %s rc=%s seconds=%s\n' "$state" "$rc" "$((took < 0 ? 0 : took))"
            return
        fi
        ! due || beat
        # Short steps are told at once, long ones cost little.
        if ((++turns < 50)); then pause 0.02; else pause 0.2; fi
    done
}

# Of `follow`: whether its log may have grown since this was asked last. It reads on, a piece at a time: a long log is no
# reason to be silent. Zeros are not seen, which the next text or the end makes up for.
grown() {
    local some
    [[ -n ${told:-} ]] || { exec {told}<"$log"; } 2>/dev/null || return
    IFS= read -r -N "$CHUNK" -u "$told" some || [[ -n $some ]]
}

# raw FILE OFFSET LENGTH: its bytes.
raw() { dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none 2>/dev/null; }

cmd_log() {
    (($# == 3 || $# == 4)) || refuse "bad-arguments"
    is_name "$1"
    local name=$1 digest
    shift
    if (($# == 3)); then
        digest=$1
        shift
    else
        current "$name" || refuse "unknown $name"
        digest=$found
    fi
    is_digest "$digest" && is_number "$1" && is_number "$2"
    [[ ! -e $HOME_DIR/steps/$name/$digest/log ]] || raw "$HOME_DIR/steps/$name/$digest/log" "$1" "$2"
}

cmd_versions() {
    takes $# 0
    local link name digest
    system_facts | grep -E '^(kernel|os)=' || true
    for link in "$HOME_DIR"/steps/*/current; do
        name=${link%/current} name=${name##*/}
        current "$name" || continue
        digest=$found
        load "$name" "$digest"
        [[ $state == "done" ]] || continue
        # shellcheck disable=SC2016 # For the inner shell.
        env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin \
            ROBOINFRA_HOME="$HOME_DIR" ROBOINFRA_RUN="$RUN_DIR" timeout -k 1 5 bash -c \
            '. "$1" && ! declare -F versions >/dev/null || versions' _ "$HOME_DIR/steps/$name/$digest/script" \
            </dev/null 2>/dev/null | grep -E '^[a-z0-9_-]+=' || true
    done
}

# measure [container] [vulkan] [proof:STEP]...: what the gate wants to know beyond facts, as lines of key and value. Only
# this may take long, and only this may fetch something: an image of 30 MB, once, to run a container in.
cmd_measure() {
    local word
    for word in "$@"; do
        case $word in
            container) container_sees ;;
            vulkan) vulkan_is ;;
            services) printf 'services=%s\n' "$(services | tr '\n' ' ')" ;;
            proof:*) is_name "${word#proof:}" && proof "${word#proof:}" ;;
            *) refuse "bad-arguments" ;;
        esac
    done
}

# Whether a step that is done still passes its check.
proof() {
    local digest said
    state=
    if current "$1"; then
        digest=$found
        load "$1" "$digest"
    fi
    if [[ $state != "done" ]]; then
        printf 'proof-%s=not-done\n' "$1"
        return
    fi
    # shellcheck disable=SC2016 # For the inner shell.
    if said=$(env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin \
        ROBOINFRA_HOME="$HOME_DIR" ROBOINFRA_RUN="$RUN_DIR" timeout -k 1 60 bash -c \
        'set -eEuo pipefail; . "$1"; check' _ "$HOME_DIR/steps/$1/$digest/script" </dev/null 2>&1); then
        printf 'proof-%s=holds\n' "$1"
    else
        said=${said##*$'\n'}
        printf 'proof-%s=fails: %s\n' "$1" "${said:0:200}"
    fi
}

# AWS's copy first: it does not limit anonymous pulls from its own machines. ROBOINFRA_IMAGE overrides, for tests.
# shellcheck disable=SC2206 # Words.
container_images=(${ROBOINFRA_IMAGE:-public.ecr.aws/docker/library/ubuntu:22.04 docker.io/library/ubuntu:22.04})

container_sees() {
    local image said='' names
    for image in "${container_images[@]}"; do
        if timeout 10 docker image inspect "$image" >/dev/null 2>&1 || said=$(timeout 120 docker pull --quiet "$image" 2>&1); then
            if names=$(timeout -k 1 60 docker run --rm --network none --gpus all "$image" \
                nvidia-smi --query-gpu=name --format=csv,noheader 2>&1); then
                printf 'container_gpus=%s\n' "${names//$'\n'/;}"
            else
                names=${names//$'\n'/ }
                printf 'container_error=%s\n' "${names:0:300}"
            fi
            return
        fi
    done
    said=${said//$'\n'/ }
    printf 'container_error=no image: %s\n' "${said:0:300}"
}

# The driver's library for Vulkan is a package of its own on servers, and the loader needs its description.
vulkan_is() {
    local icd names
    for icd in /usr/share/vulkan/icd.d/nvidia_icd*.json /etc/vulkan/icd.d/nvidia_icd*.json; do
        if [[ -r $icd ]]; then
            if ! PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | grep -q 'libGLX_nvidia\.so\.0'; then
                printf 'vulkan_error=%s names a library that is not there\n' "$icd"
            elif ! type -P vulkaninfo >/dev/null; then
                printf 'vulkan=driver\n'
            elif names=$(timeout -k 1 20 vulkaninfo --summary 2>/dev/null | sed -n 's/^[[:space:]]*deviceName[[:space:]]*= //p') &&
                [[ $names == *NVIDIA* ]]; then
                printf 'vulkan=%s\n' "${names//$'\n'/;}"
            else
                printf 'vulkan_error=vulkaninfo names no NVIDIA device\n'
            fi
            return
        fi
    done
    printf 'vulkan_error=the driver has no description for the Vulkan loader\n'
}

# --- The agent -----------------------------------------------------------------------------------------------------

# What the agent thinks, whether it runs, and the hold, as lines of key and value.
cmd_agent() {
    takes $# 0
    local active=unknown hold=none
    if under_systemd; then active=$(timeout 10 systemctl is-active roboinfra-agent 2>/dev/null); fi
    printf 'epoch=%s\nagent_active=%s\n' "$EPOCHSECONDS" "$active"
    # Not when it does not run: what it thought last is not what it thinks.
    if [[ $active == active || $active == unknown ]]; then
        printf 'agent_status=%s\n' "$(head -c 65536 "$AGENT_STATUS" 2>/dev/null | tr -d '\n\r\0')"
    fi
    if [[ -e $HOME_DIR/hold ]]; then hold=$(head -c 1024 "$HOME_DIR/hold" | base64 -w 0); fi
    printf 'hold=%s\n' "$hold"
}

# The text of a hold, from stdin; as long as it stands the agent leaves the host alone.
cmd_hold() {
    takes $# 0
    local new="$HOME_DIR/hold.$$"
    # shellcheck disable=SC2064 # The name is wanted as it is now.
    trap "rm -f '$new'" EXIT
    { timeout 20 head -c 1024 >"$new" && [[ -s $new ]] && sync "$new" && mv -f "$new" "$HOME_DIR/hold" && sync "$HOME_DIR"; } 2>/dev/null ||
        unwritable "the hold"
    printf 'held\n'
}

cmd_release() {
    takes $# 0
    local was=released
    [[ -e $HOME_DIR/hold ]] || was=free
    { rm -f "$HOME_DIR/hold" && sync "$HOME_DIR"; } 2>/dev/null || unwritable "the hold"
    printf '%s\n' "$was"
}

cmd_reboot() {
    takes $# 0
    ! others ' ' || refuse "busy $found"
    printf 'rebooting %s\n' "$this_boot"
    sync
    # While apt installs, systemd refuses it even to root: it is asked for again for four minutes, less than it is waited for.
    local command="for turn in \$(seq 48); do (${ROBOINFRA_REBOOT:-systemctl reboot || reboot}) && exit; sleep 5; done"
    if under_systemd; then
        systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=100ms sh -c "$command" >/dev/null 2>&1
    else
        setsid -f sh -c "sleep 1; $command" </dev/null >/dev/null 2>&1
    fi
}

# --- What the host is --------------------------------------------------------------------------------------------

free_mib() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

cmd_facts() {
    takes $# 0
    local answer
    printf 'runner=1\n'
    system_facts
    machine_facts
    gpu_facts
    answer=$(timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null) || answer=
    printf 'docker=%s\n' "${answer%%$'\n'*}"
    answer=$(timeout 10 docker compose version --short 2>/dev/null) || answer=
    printf 'compose=%s\n' "${answer#v}"
    answer=$(timeout 10 nvidia-ctk --version 2>/dev/null | awk 'NR == 1 { print $NF }') || answer=
    printf 'toolkit=%s\n' "$answer"
}

# The services of the host's stack, `NAME:STATE`; a service with a health check is healthy, starting or unhealthy.
services() {
    local name state status
    timeout 10 docker ps --all --filter label=com.docker.compose.project=roboinfra \
        --format '{{.Label "com.docker.compose.service"}}|{{.State}}|{{.Status}}' 2>/dev/null | sort |
        while IFS='|' read -r name state status; do
            case $status in
                *'(healthy)') state=healthy ;;
                *'(unhealthy)') state=unhealthy ;;
                *'(health: starting)') state=starting ;;
            esac
            printf '%s:%s\n' "$name" "$state"
        done
}

cmd_services() {
    takes $# 0
    services
}

# container SERVICE: the newest one.
container() {
    local id
    is_name "$1"
    id=$(timeout 10 docker ps --all --latest --quiet --filter label=com.docker.compose.project=roboinfra \
        --filter "label=com.docker.compose.service=$1" 2>/dev/null)
    [[ -n $id ]] || refuse "unknown $1"
    printf '%s' "$id"
}

# What a service has said last, so many lines of it.
cmd_said() {
    takes $# 2
    is_limit "$2"
    local id
    id=$(container "$1") || { printf '%s\n' "$id" && exit 1; }
    timeout 50 docker logs --tail "$2" "$id" 2>&1 </dev/null
}

# The same and what it goes on to say, in the frames of `follow`, until the service ends.
cmd_listen() {
    takes $# 2
    is_limit "$2"
    local id beaten line part='' at=0 said code
    id=$(container "$1") || { printf '%s\n' "$id" && exit 1; }
    export LC_ALL=C
    exec {said}< <(exec docker logs --follow --tail "$2" "$id" 2>&1 </dev/null)
    # It goes with whoever listens: it would stay until the service says something.
    teller=$!
    trap 'kill "$teller" 2>/dev/null' EXIT
    trap 'exit 0' PIPE
    beat
    while :; do
        line=
        IFS= read -r -t 1 -u "$said" line
        code=$?
        part+=$line
        if ((code == 0)); then part+=$'\n'; fi
        # A line that is long in coming is shown as far as it is there.
        if [[ -n $part ]]; then
            printf '= %s %s\n%s\n' "$at" "${#part}" "$part" || exit 0
            at=$((at + ${#part})) part='' beaten=$EPOCHSECONDS
        fi
        ! due || beat
        ((code == 0 || code > 128)) || break
    done
    printf '! done rc= seconds=0\n'
}

system_facts() {
    local ID='' VERSION_ID='' PRETTY_NAME='' up
    # shellcheck disable=SC1091 # The system's own.
    [[ ! -r /etc/os-release ]] || . /etc/os-release
    printf 'os_id=%s\nos_version=%s\nos=%s\n' "$ID" "$VERSION_ID" "$PRETTY_NAME"
    printf 'arch=%s\nkernel=%s\nhostname=%s\n' "$(uname -m)" "$(uname -r)" "$(uname -n)"
    read -r up _ </proc/uptime
    printf 'boot_id=%s\nepoch=%s\nuptime_s=%s\n' "$this_boot" "$EPOCHSECONDS" "${up%.*}"
    if under_systemd; then
        printf 'systemd=yes\nfailed_units=%s\n' "$(timeout 10 systemctl --failed --no-legend --plain 2>/dev/null | wc -l)"
    else
        printf 'systemd=no\n'
    fi
    if [[ -e /run/reboot-required ]]; then printf 'reboot_required=yes\n'; else printf 'reboot_required=no\n'; fi
    printf 'cloud_init=%s\n' "$(cloud_init)"
}

# How far cloud-init is in this boot, without starting Python for it.
cloud_init() {
    if [[ ! -d /etc/cloud || -e /run/cloud-init/disabled || ! -d /run/cloud-init ]]; then
        printf 'none'
    elif [[ ! -e /run/cloud-init/result.json ]]; then
        printf 'running'
    elif tr -d ' \n' </run/cloud-init/result.json | grep -q '"errors":\[\]'; then
        printf '%s' "done"
    else
        printf 'error'
    fi
}

machine_facts() {
    local model='' virtual container=no key value
    printf 'cpus=%s\ndisk_free_mib=%s\n' "$(nproc)" "$(free_mib /)"
    while read -r key value _; do
        if [[ $key == MemTotal: ]]; then printf 'memory_mib=%s\n' "$((value / 1024))"; fi
    done </proc/meminfo
    virtual=$(systemd-detect-virt 2>/dev/null)
    if systemd-detect-virt --container --quiet 2>/dev/null || [[ -e /.dockerenv ]]; then container=yes; fi
    printf 'virtual=%s\ncontainer=%s\n' "${virtual:-none}" "$container"
    if [[ -r /proc/device-tree/model ]]; then
        model=$(tr -d '\0' </proc/device-tree/model)
    elif [[ -r /sys/class/dmi/id/product_name ]]; then
        model="$(cat /sys/class/dmi/id/sys_vendor) $(cat /sys/class/dmi/id/product_name)"
    fi
    printf 'model=%s\n' "$model"
    model=
    if [[ -r /etc/nv_tegra_release ]]; then read -r model </etc/nv_tegra_release; fi
    printf 'jetson=%s\n' "${model#\# }"
}

gpu_facts() {
    local device vendor class gpus=0 names='' loaded=''
    for device in /sys/bus/pci/devices/*; do
        if ! { read -r vendor <"$device/vendor" && read -r class <"$device/class"; }; then continue; fi
        if [[ $vendor == 0x10de && $class == 0x030[02]?? ]]; then gpus=$((gpus + 1)); fi
    done 2>/dev/null
    # A dead GPU lets nvidia-smi hang for minutes.
    if names=$(timeout -k 1 10 nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null); then
        names=${names//$'\n'/;}
    else
        names=
    fi
    if [[ -r /sys/module/nvidia/version ]]; then read -r loaded </sys/module/nvidia/version; fi
    printf 'gpus=%s\ngpu_names=%s\ndriver_loaded=%s\ndriver_installed=%s\n' \
        "$gpus" "$names" "$loaded" "$(PATH=$PATH:/usr/sbin:/sbin modinfo -F version nvidia 2>/dev/null)"
}

main() {
    local command=${1:-}
    (($# == 0)) || shift
    homes
    case $command in
        facts) cmd_facts "$@" ;;
        status) cmd_status "$@" ;;
        put) cmd_put "$@" ;;
        start) cmd_start "$@" ;;
        exec) cmd_exec "$@" ;;
        follow) cmd_follow "$@" ;;
        stop) cmd_stop "$@" ;;
        reboot) cmd_reboot "$@" ;;
        file) cmd_file "$@" ;;
        take) cmd_take "$@" ;;
        agent) cmd_agent "$@" ;;
        hold) cmd_hold "$@" ;;
        release) cmd_release "$@" ;;
        log) cmd_log "$@" ;;
        versions) cmd_versions "$@" ;;
        measure) cmd_measure "$@" ;;
        services) cmd_services "$@" ;;
        said) cmd_said "$@" ;;
        listen) cmd_listen "$@" ;;
        *) refuse "unknown-command facts, status, put, start, follow, stop, reboot, file, take, agent, hold, release, log, versions, measure, services, said or listen" ;;
    esac
}

# On one line, so that the whole file is read before anything runs.
main "$@"; exit
