#!/usr/bin/env bats
# The runner on this machine, with a home of its own, started by setsid: no systemd, no ssh, no root's files.

setup() {
    export ROBOINFRA_HOME=$BATS_TEST_TMPDIR/home ROBOINFRA_RUN=$BATS_TEST_TMPDIR/run ROBOINFRA_SYSTEMD=no
    # The step's environment is clean, so its script has the paths in its text.
    here=$BATS_TEST_TMPDIR
    runner=$BATS_TEST_DIRNAME/../../bootstrap/runner.sh
}

teardown() {
    local name
    for name in "$ROBOINFRA_HOME"/steps/*/; do
        [[ ! -d $name ]] || runner stop "$(basename "$name")" >/dev/null 2>&1 || true
    done
    if mountpoint -q "$here/full"; then umount "$here/full"; fi
}

runner() { bash "$runner" "$@"; }

# put NAME: stores a script from stdin; its digest in `digest`.
put() {
    cat >"$here/script"
    digest=$(sha256sum <"$here/script" | cut -c1-64)
    runner put "$1" "$digest" <"$here/script"
}

start() { runner start "$1" "$digest" "${2:-30}" </dev/null; }

state_of() { runner status | awk -v name="$1" '$2 == name { print $4 }'; }

follow() { timeout 60 bash "$runner" follow "$1" "$digest" "${2:-0}"; }

# A process that is gone, or about to be: one that waits for its parent counts.
gone() {
    for _ in {1..50}; do
        if ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    return 1
}

# Bats goes on after a `!` that fails.
refute() { if "$@"; then return 1; fi; }

# The log out of frames.
unframed() {
    local mark offset length
    while read -r mark offset length; do
        [[ $mark == '=' ]] || continue
        LC_ALL=C IFS= read -r -N "$length" bytes
        printf '%s' "$bytes"
    done
}

@test "a step is put, started, followed, done, and not run again" {
    run put one <<<"check() { [[ -e $here/made ]]; }; apply() { echo works; touch $here/made; }; versions() { echo tool=1.2; }"
    [[ $output == "stored one "* ]]
    digest=${output##* }
    [[ $(runner status) == "step one $digest stored rc= started= ended= tries=0" ]]
    [[ $(start one) == "started one $digest" ]]
    run follow one
    [[ ${lines[0]} == '. '* ]]
    [[ $output == *works* && ${lines[-1]} == '! done rc=0 seconds='* ]]
    [[ $(runner status) == "step one $digest done rc=0 started="*" tries=1" ]]
    [[ $(start one) == "done one $digest" ]]
    [[ $(runner versions) == *tool=1.2* ]]
    # A put of the same script changes nothing.
    runner put one "$digest" <"$here/script"
    [[ $(state_of one) == "done" ]]
}

@test "a log is followed from any offset, whatever bytes it holds" {
    put bytes <<<"check() { [[ -e $here/made ]]; }; apply() { for i in {1..300}; do printf 'line %s \\0 \\377\\n' \$i; done; sleep 1; echo end; touch $here/made; }"
    start bytes
    follow bytes >"$here/frames"
    runner log bytes 0 1000000 >"$here/log"
    [[ $(grep -ac 'line ' "$here/log") == 300 ]]
    runner log bytes "$digest" 100 50 | cmp - <(tail -c +101 "$here/log" | head -c 50)
    size=$(stat -c %s "$here/log")
    run follow bytes $((size - 4))
    [[ ${lines[1]} == "= $((size - 4)) 4" && ${lines[2]} == end ]]
    run follow bytes 99999999
    [[ ${lines[-1]} == '! done '* ]]
}

@test "a long log of zeros keeps nobody waiting, and its end is told" {
    put zeros <<<"check() { [[ -e $here/made ]]; }
        apply() { head -c 6000000 /dev/zero; until [[ -e $here/go ]]; do sleep 0.1; done; head -c 1000 /dev/zero; touch $here/made; }"
    start zeros
    log=$ROBOINFRA_HOME/steps/zeros/$digest/log
    for _ in {1..50}; do (($(stat -c %s "$log") < 6000000)) || break; sleep 0.1; done
    size=$(stat -c %s "$log")
    follow zeros $((size - 10)) >"$here/frames" &
    for _ in {1..50}; do ! grep -aq "^= $((size - 10)) 10$" "$here/frames" || break; sleep 0.1; done
    grep -aq "^= $((size - 10)) 10$" "$here/frames"
    touch "$here/go"
    wait %1
    grep -aq "^= $size 1000$" "$here/frames"
    [[ $(tail -n 1 "$here/frames") == '! done rc=0 '* ]]
}

@test "a follower that is killed takes nothing with it, and the next one goes on where it stood" {
    put long <<<"check() { [[ -e $here/made ]]; }; apply() { for i in {1..20}; do echo line \$i; sleep 0.1; done; touch $here/made; }"
    start long
    timeout -s KILL 1 bash "$runner" follow long "$digest" 0 >"$here/first" || true
    first=$(unframed <"$here/first")
    offset=$(unframed <"$here/first" | wc -c)
    ((offset > 0))
    second=$(follow long "$offset" | unframed)
    [[ "$first"$'\n'"$second" == "$(runner log long 0 100000)" || "$first$second" == "$(runner log long 0 100000)" ]]
}

@test "a follower whose reader is gone ends" {
    put silent <<<"check() { false; }; apply() { sleep 20; }"
    start silent
    bash "$runner" follow silent "$digest" 0 > >(head -n 1 >/dev/null) &
    pid=$!
    for _ in {1..80}; do
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    gone $pid
    [[ $(state_of silent) == running ]]
}

@test "how a step ends is its state" {
    for case in 'exit 3|failed rc=3' 'exit 75|later rc=75' 'exit 100|reboot rc=100' 'true|failed rc=1' 'kill -KILL $$|interrupted rc=137' \
        'false; touch '"$here"'/made|failed rc=1'; do
        put end <<<"check() { [[ -e $here/made ]]; }; apply() { ${case%|*}; }"
        start end
        run follow end
        echo "$case: ${lines[-1]}"
        [[ ${lines[-1]} == "! ${case#*|} seconds="* ]]
    done
    put end <<<"nonsense_without_functions=1"
    start end
    run follow end
    [[ ${lines[-1]} == '! failed rc=1 '* && $output == *bad-step* ]]
}

@test "a step that takes too long is ended with its children" {
    put slow <<<"check() { false; }; apply() { sleep 300 & echo \$! >$here/pid; wait; }"
    start slow 1
    run follow slow
    [[ ${lines[-1]} == '! timeout rc=124 '* ]]
    [[ $(state_of slow) == timeout ]]
    gone "$(cat "$here/pid")"
}

@test "a step is stopped with its children" {
    put slow <<<"check() { false; }; apply() { sleep 300 & echo \$! >$here/pid; wait; }"
    start slow 100
    until [[ -s $here/pid ]]; do sleep 0.05; done
    [[ $(runner stop slow) == "interrupted slow $digest" ]]
    [[ $(state_of slow) == interrupted ]]
    gone "$(cat "$here/pid")"
}

@test "a step whose runner was killed is interrupted, and what it left is ended before the next try" {
    put cut <<<"check() { [[ -e $here/made ]]; }; apply() { [[ -e $here/second ]] && touch $here/made && return; touch $here/second; sleep 300 & echo \$! >$here/pid; wait; }"
    start cut 100
    until [[ -s $here/pid ]]; do sleep 0.05; done
    kill -KILL "$(sed -n 's/^pid=//p' "$ROBOINFRA_HOME/steps/cut/current/state")"
    sleep 0.2
    [[ $(state_of cut) == interrupted ]]
    kill -0 "$(cat "$here/pid")"
    start cut
    gone "$(cat "$here/pid")"
    run follow cut
    [[ ${lines[-1]} == '! done '* ]]
    [[ $(runner status) == *tries=2 ]]
}

@test "another boot: what ran was interrupted, what waited for it is stored, what is done stays done" {
    put runs <<<"check() { false; }; apply() { sleep 100; }"
    start runs
    export ROBOINFRA_BOOT_ID=another
    [[ $(state_of runs) == interrupted ]]
    unset ROBOINFRA_BOOT_ID
    runner stop runs
    put leaps <<<"check() { false; }; apply() { exit 100; }"
    start leaps
    follow leaps
    [[ $(state_of leaps) == reboot ]]
    put fine <<<"check() { true; }; apply() { true; }"
    start fine
    follow fine
    export ROBOINFRA_BOOT_ID=another
    [[ $(state_of leaps) == stored && $(state_of fine) == "done" ]]
}

@test "one step at a time" {
    put one <<<"check() { false; }; apply() { sleep 100; }"
    start one
    [[ $(start one) == "running one $digest" ]]
    one=$digest
    put two <<<"check() { true; }; apply() { true; }"
    [[ $(start two) == "error busy one" ]]
    run put one <<<"check() { true; }; apply() { false; }"
    [[ $status == 1 && $output == "error busy one" ]]
    [[ $(runner reboot) == "error busy one" ]]
    [[ $(runner stop one) == "interrupted one $one" ]]
    [[ $(start two) == "started two "* ]]
}

@test "a changed script is stored, runs, and its forerunner is not taken for done" {
    put step <<<"check() { [[ -e $here/a ]]; }; apply() { touch $here/a; }"
    a=$digest
    start step
    follow step
    put step <<<"check() { [[ -e $here/b ]]; }; apply() { touch $here/b; rm -f $here/a; }"
    [[ $(state_of step) == stored ]]
    start step
    follow step
    put step <<<"check() { [[ -e $here/a ]]; }; apply() { touch $here/a; }"
    [[ $digest == "$a" && $(state_of step) == stored ]]
}

@test "what arrives with another digest is refused, and nothing is left of it" {
    digest=$(printf 'a%.0s' {1..64})
    run runner put step "$digest" <<<"check() { true; }"
    [[ $status == 1 && $output == "error digest "* ]]
    [[ -z $(runner status) && -z $(ls "$ROBOINFRA_HOME/steps/step") ]]
    run runner put step "$digest" < <(head -c 2000000 /dev/zero)
    [[ $output == "error too-long "* ]]
}

@test "hostile words are refused" {
    digest=$(printf 'a%.0s' {1..64})
    for name in '' ../x 'a b' 'A' '-n' 'a;id' "$(printf 'a%.0s' {1..41})" $'a\nb' '$(id)' '*'; do
        [[ $(runner put "$name" "$digest" </dev/null) == "error bad-name "* ]]
        [[ $(runner follow "$name" "$digest" 0) == "error bad-name "* ]]
        [[ $(runner stop "$name") == "error bad-name "* ]]
    done
    for bad in '' . .. ../../etc abc "${digest}a" "${digest:1}/" "A${digest:1}"; do
        [[ $(runner put step "$bad" </dev/null) == "error bad-digest "* ]]
        [[ $(runner follow step "$bad" 0) == "error bad-digest "* ]]
    done
    for bad in '' -1 1e3 08 'a[$(id)]' 99999999999999999999; do
        [[ $(runner follow step "$digest" "$bad") == "error bad-number "* ]]
        [[ $(runner start step "$digest" "$bad" </dev/null) == "error bad-number "* ]]
    done
    [[ $(runner follow step "$digest" 0) == "error unknown "* && $(runner start step "$digest" 1 </dev/null) == "error unknown "* ]]
    [[ $(runner frobnicate) == "error unknown-command "* && $(runner) == "error unknown-command "* && $(runner put) == "error bad-arguments"* ]]
}

@test "secrets reach the step and nothing else" {
    secret='s3cr3t with $(id) and "quotes"'
    put keep <<<"check() { [[ -e $here/made ]]; }; apply() { [[ \$TOKEN == 's3cr3t with \$(id) and \"quotes\"' ]] || exit 9; env | grep -c s3cr3t || true; touch $here/ready; sleep 1; touch $here/made; }"
    printf 'TOKEN=%s\n' "$(printf '%s' "$secret" | base64 -w0)" | bash "$runner" start keep "$digest" 30
    until [[ -e $here/ready ]]; do sleep 0.05; done
    # Neither as it is nor as it was sent; the test's own processes are left out.
    encoded=$(printf '%s' "$secret" | base64 -w0)
    for process in /proc/[0-9]*/cmdline; do
        ! tr '\0' ' ' <"$process" 2>/dev/null | grep -qF -e 's3cr3t' -e "$encoded" || [[ $process == /proc/$$/* ]] || echo "$process" >>"$here/seen"
    done
    [[ ! -e $here/seen ]]
    [[ -z $(ls "$ROBOINFRA_RUN") ]]
    run follow keep
    [[ ${lines[-1]} == '! done '* && $output == *$'\n0\n'* ]]
    refute grep -rqF -e "$encoded" "$ROBOINFRA_HOME" "$ROBOINFRA_RUN"
    refute grep -qF s3cr3t "$ROBOINFRA_HOME"/steps/keep/current/{log,state}
}

@test "secrets that are none are refused, without being repeated" {
    put keep <<<"check() { true; }; apply() { true; }"
    for line in 'PATH=YQ==' 'LD_PRELOAD=YQ==' 'BASH_ENV=YQ==' 'lower=YQ==' 'A B=YQ==' 'TOKEN=c2Vj cmV0' 'TOKEN=c2VjcmV0x===' 'nonsense'; do
        run bash "$runner" start keep "$digest" 30 < <(printf 'GOOD=c2VjcmV0\n%s\n' "$line")
        [[ $status == 1 && $output == "error bad-secret "* && $output != *c2V* ]]
    done
    [[ $(state_of keep) == stored ]]
}

@test "a record that is half written counts as a run that was cut" {
    put step <<<"check() { true; }; apply() { true; }"
    for text in '' 'sta' 'state=' $'state=dan\nrc=0' $'rc=0\n' $'\x00\xff'; do
        printf '%s' "$text" >"$ROBOINFRA_HOME/steps/step/$digest/state"
        [[ $(state_of step) == interrupted ]]
    done
    start step
    run follow step
    [[ ${lines[-1]} == '! done rc=0 '* ]]
}

@test "a stored script that has changed is not run" {
    put step <<<"check() { true; }; apply() { true; }"
    echo 'touch /evil' >>"$ROBOINFRA_HOME/steps/step/$digest/script"
    [[ $(start step) == "error damaged "* ]]
    [[ -z $(runner status) ]]
}

@test "the step's environment is not that of whoever asked" {
    put clean <<<"check() { [[ -e $here/made ]]; }; apply() { env; echo umask \$(umask); touch $here/made; }"
    FOREIGN=1 BASH_ENV=/nowhere start clean
    run follow clean
    [[ $output != *FOREIGN* && $output == *HOME=/root* && $output == *'umask 0022'* && $output != *nowhere* ]]
    [[ $(stat -c %a "$ROBOINFRA_HOME") == 700 && $(stat -c %a "$ROBOINFRA_RUN") == 700 ]]
}

@test "a step's variables and functions may have any name" {
    put any <<<"RUN_DIR=a CHUNK=b GRACE=c this_boot=d state=e code=7 digest=g name=h line=i
        load() { :; }; refuse() { :; }; main() { :; }
        check() { [[ -e $here/any ]]; }
        apply() { echo \$RUN_DIR\$CHUNK\$GRACE\$this_boot\$state\$code\$digest\$name\$line \${HOME_DIR-none}\${found-none} >$here/any; }"
    printf 'HOME_DIR=%s\nREPLY_TO=%s\n' "$(printf secret | base64)" "$(printf you | base64)" | runner start any "$digest" 30
    follow any
    [[ $(state_of any) == "done" && $(cat "$here/any") == "abcde7ghi secretnone" ]]
    put exits <<<"exit() { echo leaving; builtin exit \"\$@\"; }; check() { false; }; apply() { exit 75; }"
    start exits
    run follow exits
    [[ ${lines[-1]} == '! later rc=75 '* ]]
    [[ ! -e $ROBOINFRA_RUN/any.env ]]
}

@test "a full disk: told, no record lost, goes on when there is space" {
    ((EUID == 0)) || skip "mounting a small file system needs root"
    mkdir "$here/full"
    mount -t tmpfs -o size=512k tmpfs "$here/full" || skip "this machine lets nothing be mounted"
    export ROBOINFRA_HOME=$here/full/home
    put fills <<<"check() { [[ -e $here/made ]]; }; apply() { [[ -e $here/again ]] || { touch $here/again; head -c 1M /dev/zero >$here/full/big; }; touch $here/made; }"
    start fills
    run follow fills
    [[ ${lines[-1]} == '! failed rc=1 '* && $output == *'roboinfra: error no-space'* ]]
    [[ $(state_of fills) == failed ]]
    run put other <<<"check() { true; }; $(head -c 100000 /dev/zero | tr '\0' '#')"
    [[ $output == 'error no-space '* ]]
    rm "$here/full/big"
    digest=$(readlink "$ROBOINFRA_HOME/steps/fills/current")
    start fills
    run follow fills
    [[ ${lines[-1]} == '! done '* ]]
}

@test "facts are lines of key and value" {
    run runner facts
    [[ $status == 0 && ${lines[0]} == runner=1 ]]
    for line in "${lines[@]}"; do [[ $line =~ ^[a-z_]+=.*$ ]]; done
    for key in os_id os_version arch kernel boot_id hostname systemd virtual container cpus memory_mib disk_free_mib epoch uptime_s \
        gpus gpu_names driver_loaded driver_installed docker compose toolkit reboot_required jetson cloud_init model; do
        [[ $(grep -c "^$key=" <<<"$output") == 1 ]]
    done
}

@test "a reboot is told first, then made" {
    export ROBOINFRA_REBOOT="touch $here/rebooted"
    [[ $(runner reboot) == "rebooting $(cat /proc/sys/kernel/random/boot_id)" ]]
    for _ in {1..50}; do
        [[ ! -e $here/rebooted ]] || break
        sleep 0.1
    done
    [[ -e $here/rebooted ]]
}

@test "a reboot that is refused is asked for again" {
    export ROBOINFRA_REBOOT="[ -e $here/asked ] || { touch $here/asked; exit 1; }; echo x >>$here/rebooted"
    [[ $(runner reboot) == rebooting* ]]
    for _ in {1..300}; do
        [[ ! -e $here/rebooted ]] || break
        sleep 0.1
    done
    [[ -e $here/asked && $(cat "$here/rebooted") == x ]]
}

@test "measure says whether a step's proof still holds, and why not" {
    run put one <<<"check() { [[ -e $here/made ]] || { echo 'it is gone'; return 1; }; }; apply() { touch $here/made; }"
    digest=${output##* }
    run runner measure proof:one proof:two
    [[ $output == $'proof-one=not-done\nproof-two=not-done' ]]
    start one
    follow one >/dev/null
    [[ $(runner measure proof:one) == proof-one=holds ]]
    rm "$here/made"
    [[ $(runner measure proof:one) == "proof-one=fails: it is gone" ]]
    # It only looks.
    [[ ! -e $here/made && $(state_of one) == "done" ]]
    run runner measure 'proof:../x'
    [[ $output == error* ]]
    run runner measure everything
    [[ $output == "error bad-arguments"* ]]
}

# docker BODY: a docker whose `image inspect`, `pull` and `run` do what the body's functions say.
fake() {
    mkdir -p "$here/bin"
    printf '#!/bin/sh\n%s\n' "$2" >"$here/bin/$1"
    chmod +x "$here/bin/$1"
    PATH=$here/bin:$PATH
}

@test "measure tries a container with all GPUs, and says what stands in the way" {
    fake docker 'case $1 in image) exit 0 ;; run) printf "NVIDIA A10G\nNVIDIA A10G\n" ;; esac'
    [[ $(runner measure container) == "container_gpus=NVIDIA A10G;NVIDIA A10G" ]]
    fake docker 'case $1 in image) exit 1 ;; pull) [ "$3" = second ] || exit 1 ;; run) echo "NVIDIA T4" ;; esac'
    [[ $(ROBOINFRA_IMAGE='first second' runner measure container) == "container_gpus=NVIDIA T4" ]]
    fake docker 'case $1 in image) exit 0 ;; run) echo "could not select device driver" >&2; echo more >&2; exit 125 ;; esac'
    [[ $(runner measure container) == "container_error=could not select device driver more" ]]
    fake docker 'case $1 in image) exit 1 ;; pull) echo "toomanyrequests: slow down" >&2; exit 1 ;; esac'
    [[ $(runner measure container) == "container_error=no image: toomanyrequests: slow down" ]]
}

@test "measure misses Vulkan where the driver does not bring it" {
    [[ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ]] || skip "this machine has NVIDIA's driver for Vulkan"
    [[ $(runner measure vulkan) == "vulkan_error=the driver has no description for the Vulkan loader" ]]
}

# piece DIGEST SIZE FROM LENGTH: of the file `whole`.
piece() { tail -c +$(($3 + 1)) "$here/whole" | head -c "$4" | runner take "$@"; }

@test "a file comes in pieces and has its name when it is whole, not before" {
    head -c 250000 /dev/urandom >"$here/whole"
    sum=$(sha256sum <"$here/whole" | cut -c1-64)
    [[ $(runner file "$sum") == "part $sum 0" ]]
    [[ $(piece "$sum" 250000 0 100000) == "part $sum 100000" ]]
    # The same piece again, and one that leaves a gap: the answer says where to go on.
    [[ $(piece "$sum" 250000 0 100000) == "part $sum 100000" ]]
    [[ $(piece "$sum" 250000 200000 50000) == "part $sum 100000" ]]
    # One that was cut is as if it had not come.
    [[ $(head -c 10 "$here/whole" | runner take "$sum" 250000 100000 100000) == "error cut "* ]]
    [[ $(runner file "$sum") == "part $sum 100000" ]]
    [[ ! -e $ROBOINFRA_HOME/files/$sum ]]
    [[ $(piece "$sum" 250000 100000 100000) == "part $sum 200000" ]]
    [[ $(piece "$sum" 250000 200000 50000) == "have $sum" ]]
    cmp "$here/whole" "$ROBOINFRA_HOME/files/$sum"
    [[ $(runner file "$sum") == "have $sum" && $(stat -c %a "$ROBOINFRA_HOME/files/$sum") == 600 ]]
    # Whoever brings it once more is told that it is there.
    [[ $(piece "$sum" 250000 0 100000) == "have $sum" ]]
    [[ $(ls "$ROBOINFRA_HOME/files") == "$sum" ]]
}

@test "a file with another digest is thrown away, and what is too large is not taken" {
    head -c 1000 /dev/urandom >"$here/whole"
    sum=$(printf x | sha256sum | cut -c1-64)
    [[ $(piece "$sum" 1000 0 1000) == "error digest "* ]]
    [[ $(runner file "$sum") == "part $sum 0" ]]
    [[ $(piece "$sum" 999999999999 0 10) == "error too-long "* ]]
    [[ $(piece "$sum" 2000000 0 1048577) == "error too-long "* ]]
    [[ $(piece "$sum" 100 90 20) == "error too-long "* ]]
    [[ $(runner take ../x 1 0 1 </dev/null) == "error bad-digest "* ]]
    [[ $(runner file x) == "error bad-digest "* ]]
    # More than it is in the end, left by somebody: it is begun anew.
    printf 'far too much' >"$ROBOINFRA_HOME/files/$sum.part"
    [[ $(runner take "$sum" 5 5 0 </dev/null) == "error digest "* ]]
    [[ $(runner file "$sum") == "part $sum 0" ]]
}

@test "of files the newest two are kept" {
    for turn in 1 2 3; do
        printf '%s' "$turn" >"$here/whole"
        sum=$(sha256sum <"$here/whole" | cut -c1-64)
        [[ $(piece "$sum" 1 0 1) == "have $sum" ]]
        touch -d "2026-01-0$turn" "$ROBOINFRA_HOME/files/$sum"
    done
    [[ $(cat "$ROBOINFRA_HOME"/files/* | grep -o . | sort | tr -d '\n') == 23 ]]
}

@test "a hold is left whole, told and taken away" {
    export ROBOINFRA_AGENT_STATUS=$here/status.json
    printf '{"version":1,\n"node":"sim.0"}' >"$ROBOINFRA_AGENT_STATUS"
    run runner agent
    [[ $output == *'agent_status={"version":1,"node":"sim.0"}'* && $output == *hold=none ]]
    [[ $(printf 'until=forever\nby=ada\n' | runner hold) == held ]]
    [[ $(cat "$ROBOINFRA_HOME/hold") == $'until=forever\nby=ada' ]]
    [[ $(runner agent | sed -n 's/^hold=//p' | base64 -d) == $'until=forever\nby=ada' ]]
    # An empty one would hold for ever: what was cut changes nothing.
    [[ $(runner hold </dev/null) == error* ]]
    [[ -s $ROBOINFRA_HOME/hold ]]
    [[ $(runner release) == released && $(runner release) == free && ! -e $ROBOINFRA_HOME/hold ]]
}
