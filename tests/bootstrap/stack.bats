#!/usr/bin/env bats
# The step that deploys a stack, with a Docker that only writes down what is asked of it and answers as told.

setup() {
    root=$BATS_TEST_DIRNAME/../../bootstrap
    bin=$BATS_TEST_TMPDIR/bin home=$BATS_TEST_TMPDIR/home run=$BATS_TEST_TMPDIR/run
    mkdir -p "$bin" "$home" "$run"
    export ROBOINFRA_HOME=$home ROBOINFRA_RUN=$run PATH=$bin:$PATH
    export CALLS=$BATS_TEST_TMPDIR/calls UP=$BATS_TEST_TMPDIR/up IMAGES=$BATS_TEST_TMPDIR/images
    : >"$CALLS"
    : >"$IMAGES"
    : >"$UP"
    cat >"$bin/docker" <<'DOCKER'
#!/usr/bin/env bash
printf '%s\n' "docker $*" >>"$CALLS"
dir() { while (($#)); do [[ $1 != --project-directory ]] || { printf '%s' "$2" && return; }; shift; done; }
# The fake's compose file is a list of services: `redis image`.
case "$*" in
    *' config --quiet') grep -q . "$(dir "$@")/compose.yaml" && ! grep -q broken "$(dir "$@")/compose.yaml" ;;
    *' config --images') awk '{ print $2 }' "$(dir "$@")/compose.yaml" ;;
    *' config --services') awk '{ print $1 }' "$(dir "$@")/compose.yaml" ;;
    *' up '*)
        while read -r name _ health; do
            printf '%s|running|Up 2 seconds (%s)\n' "$name" "${health:-healthy}"
        done <"$(dir "$@")/compose.yaml" >"$UP"
        ! grep -q unhealthy "$UP" ;;
    *' down '*) : >"$UP" ;;
    *' logs '*) echo "lines of a service" ;;
    *' build') awk '$2 ~ /^roboinfra/ { print $2 }' "$(dir "$@")/compose.yaml" >>"$IMAGES" ;;
    'ps '*'--quiet'*) if [[ -s $UP ]]; then echo 0123; fi ;;
    'ps '*) cat "$UP" 2>/dev/null ;;
    'image inspect '*) grep -qxF "${*: -1}" "$IMAGES" ;;
    'info '*) echo / ;;
    'login '*)
        cat >"$CALLS.password"
        [[ ! -e $CALLS.login-fails ]] || { echo 'Error response from daemon: Get "https://nvcr.io/v2/": unauthorized: <html>'; exit 1; } ;;
    'pull '*)
        # What it was given to log in with is there while it pulls.
        if [[ -e $DOCKER_CONFIG/config.json ]]; then cp "$DOCKER_CONFIG/config.json" "$CALLS.auth"; fi
        [[ ! -e $CALLS.pull-says ]] || { cat "$CALLS.pull-says"; exit 1; }
        printf '%s\n' "${*: -1}" >>"$IMAGES" ;;
    *) exit 0 ;;
esac
DOCKER
    chmod +x "$bin/docker"
}

refute() { if "$@"; then return 1; fi; }

# step FUNCTION COMPOSE [SECRETS]: as the runner plays it. COMPOSE is the fake's compose file.
step() {
    local files=
    if [[ -n $2 ]]; then files="compose.yaml $(base64 -w0 <<<"$2")"$'\n'"images/ros2/Dockerfile $(base64 -w0 <<<'FROM scratch')"; fi
    STACK=twin STACK_SERVICES=$(awk '{ printf "%s ", $1 }' <<<"$2") STACK_FILES=$files STACK_FOLDERS="$(id -u) redis" \
        STACK_SECRET_NAMES=${names-} STACK_SECRET_MARKS=${marks-} STACK_SECRETS=${3-} STACK_PATIENCE=5 STACK_DISK_MIB=1 \
        run bash -c '. "$1/lib.sh"; . "$1/steps/stack.sh"; set -eEuo pipefail; "$2"' _ "$root" "$1"
}

calls() { grep -c -- "$1" "$CALLS" || true; }

@test "a host without a stack has nothing to do" {
    step check ''
    [[ $status == 0 ]]
    step versions ''
    [[ $status == 0 ]]
}

@test "a stack is deployed, and is then as wanted" {
    step check 'redis redis:7'
    [[ $status == 1 && $output == *'not deployed'* ]]
    step apply 'redis redis:7'
    echo "$output"
    [[ $status == 0 && $output == *'every service is healthy' ]]
    [[ $(calls 'pull --quiet redis:7') == 1 && $(calls ' up ') == 1 && $(calls '--wait-timeout 5') == 1 ]]
    [[ $(cat "$home/stack/current/images/ros2/Dockerfile") == 'FROM scratch' ]]
    [[ $(cat "$home/stack/current/.env") == "ROBOINFRA_DATA=$home/stack/data" && -d $home/stack/data/redis ]]
    step check 'redis redis:7'
    [[ $status == 0 ]]
    # Again: what is there is not pulled again.
    step apply 'redis redis:7'
    [[ $status == 0 && $(calls 'pull --quiet') == 1 ]]
    # Other inputs are another stack.
    step check 'redis redis:8'
    [[ $status == 1 && $output == *'not deployed'* ]]
}

@test "a service that is not well is named" {
    step apply $'redis redis:7\nnav2 roboinfra/ros2:1'
    [[ $status == 0 && $(calls ' build') == 1 && $(calls 'pull') == 2 ]]
    for line in 'nav2|running|Up 1 minute (unhealthy)=nav2 is unhealthy' 'nav2|running|Up 1 second (health: starting)=nav2 is still starting' \
        'nav2|restarting|Restarting (1) 3 seconds ago=nav2 is Restarting (1)' '=nav2 does not exist'; do
        printf 'redis|running|Up 1 hour (healthy)\n%s\n' "${line%%=*}" >"$UP"
        step check $'redis redis:7\nnav2 roboinfra/ros2:1'
        echo "$output"
        [[ $status == 1 && $output == *"${line#*=}"* && $output != *'redis is'* ]]
    done
    # Without a health check it is well while it runs.
    printf 'redis|running|Up 1 hour\nnav2|running|Up 1 hour (healthy)\n' >"$UP"
    step check $'redis redis:7\nnav2 roboinfra/ros2:1'
    [[ $status == 0 ]]
}

@test "a failed update goes back to the stack before, and says so" {
    step apply 'redis redis:7'
    before=$(readlink "$home/stack/current")
    step apply 'redis redis:8 unhealthy'
    echo "$output"
    [[ $status == 1 && $output == *'error stack-unhealthy:'*'redis is unhealthy. The one before runs again'* && $output == *'lines of a service'* ]]
    [[ $(readlink "$home/stack/current") == "$before" && $(cat "$UP") == *'(healthy)'* ]]
    # The one before is well, but is not what is wanted.
    step check 'redis redis:8 unhealthy'
    [[ $status == 1 ]]
    step check 'redis redis:7'
    [[ $status == 0 ]]
    # A good one replaces both, and keeps the one before.
    step apply 'redis redis:9'
    [[ $status == 0 && $(find "$home/stack/releases" -mindepth 1 -maxdepth 1 | wc -l) == 2 ]]
}

@test "a first stack that does not become healthy is left to be looked at" {
    step apply 'redis redis:8 unhealthy'
    [[ $status == 1 && $output == *'error stack-unhealthy:'* && $(calls ' down') == 0 && ! -e $home/stack/current ]]
}

@test "what was cut is begun anew" {
    step apply 'redis redis:7'
    release=$(ls "$home/stack/releases")
    # Unpacked in part, and not accepted yet.
    rm "$home/stack/current" "$home/stack/releases/$release/compose.yaml"
    mkdir -p "$home/stack/releases/$release.new/images/ros2"
    step apply 'redis redis:7'
    [[ $status == 0 && $(readlink "$home/stack/current") == "releases/$release" && ! -e $home/stack/releases/$release.new ]]
}

@test "a stack that is no more wanted is stopped, its data stays" {
    names=K step apply 'redis redis:7' "K=$(base64 -w0 <<<s3cret)"
    touch "$home/stack/data/redis/dump"
    step check ''
    [[ $status == 1 ]]
    step apply ''
    [[ $status == 0 && $(calls ' down ') == 1 && -e $home/stack/data/redis/dump && ! -e $home/stack/secrets ]]
}

@test "a secret is a file that only root reaches, and is nowhere else" {
    secrets="NGC_API_KEY=$(printf nvapi-hunter2 | base64 -w0)"$'\n'"DOCKER_AUTH_CONFIG=$(printf '{"auths":{}}' | base64 -w0)"
    names=NGC_API_KEY step apply 'nim nvcr.io/nim/x:1' "$secrets"
    echo "$output"
    [[ $status == 0 && $output != *hunter2* ]]
    [[ $(cat "$home/stack/secrets/NGC_API_KEY") == nvapi-hunter2 && $(stat -c %a "$home/stack/secrets") == 700 ]]
    # The login gets it on its standard input, and is gone.
    [[ $(cat "$CALLS.password") == nvapi-hunter2 && $(cat "$CALLS.auth") == '{"auths":{}}' && ! -e $run/stack-auth ]]
    refute grep -rq hunter2 "$CALLS" "$home/stack/releases" "$run"
    # What only logs in to registries is kept nowhere.
    [[ ! -e $home/stack/secrets/DOCKER_AUTH_CONFIG ]]
    # Another value makes the services anew.
    names=NGC_API_KEY step apply 'nim nvcr.io/nim/x:1' "NGC_API_KEY=$(printf other | base64 -w0)"
    [[ $status == 0 && $(calls '--force-recreate') == 1 && $(cat "$home/stack/secrets/NGC_API_KEY") == other ]]
    # One that has not come ends the step before anything is stopped.
    names='NGC_API_KEY LOST' step apply 'nim nvcr.io/nim/x:1' ''
    [[ $status == 1 && $output == *'error stack-secret: the secret LOST'* ]]
}

@test "a secret of another value is noticed by its mark, and given back with what does not become healthy" {
    value() { printf 'KEY=%s' "$(printf %s "$1" | base64 -w0)"; }
    names=KEY marks=KEY:1 step apply 'redis redis:7' "$(value first)"
    names=KEY marks=KEY:1 step check 'redis redis:7'
    [[ $status == 0 ]]
    names=KEY marks=KEY:2 step check 'redis redis:7'
    [[ $status == 1 && $output == *'a secret has another value'* ]]
    # With another image that is not well: both are taken back.
    names=KEY marks=KEY:2 step apply 'redis redis:8 unhealthy' "$(value second)"
    [[ $status == 1 && $(cat "$home/stack/secrets/KEY") == first && $(cat "$home/stack/marks") == KEY:1 && ! -e $home/stack/secrets.before ]]
    [[ $(calls '--force-recreate') == 2 ]]
    # Cut before it was proven: the first one is still known.
    names=KEY marks=KEY:2 STACK_SECRETS=$(value second) run bash -c '. "$1/lib.sh"; . "$1/steps/stack.sh"; STACK_SECRET_NAMES=KEY; set -eEuo pipefail; keep_secrets' _ "$root"
    [[ $status == 0 && $(cat "$home/stack/secrets/KEY") == second && $(cat "$home/stack/secrets.before/KEY") == first ]]
    [[ $(stat -c %a "$home/stack/secrets.before") == 700 ]]
    names=KEY marks=KEY:3 step apply 'redis redis:7' "$(value third)"
    [[ $status == 0 && $(cat "$home/stack/marks") == KEY:3 && ! -e $home/stack/secrets.before && $(calls '--force-recreate') == 3 ]]
    # One that is no more asked for goes.
    step apply 'redis redis:9'
    [[ $status == 0 && ! -e $home/stack/secrets/KEY ]]
}

@test "what a registry says is what the step says" {
    while IFS='|' read -r said code text; do
        printf '%s\n' "$said" >"$CALLS.pull-says"
        step apply 'nim nvcr.io/nim/x:1'
        echo "$said -> $status $output"
        [[ $status == "$code" && $output == *"roboinfra: error $text: nvcr.io/nim/x:1 cannot be pulled"* && $(calls ' up ') == 0 ]]
    done <<'TABLE'
Error response from daemon: unauthorized: authentication required|1|registry-auth
Error response from daemon: Head "https://nvcr.io/v2/nim/x/manifests/1": 401 Unauthorized|1|registry-auth
Error response from daemon: pull access denied for x, repository does not exist or may require 'docker login'|1|registry-denied
denied: {"errors":[{"code":"DENIED","message":"Please accept license"}]}|1|registry-denied
Error response from daemon: error parsing HTTP 403 response body: 403 Forbidden|1|registry-denied
toomanyrequests: You have reached your pull rate limit.|75|registry-limit
received unexpected HTTP status: 429 Too Many Requests|75|registry-limit
failed to register layer: write /usr/lib/x: no space left on device|1|no-space
Error response from daemon: manifest for x:1 not found: manifest unknown|1|image-missing
no matching manifest for linux/arm64/v8 in the manifest list entries|1|image-missing
dial tcp: lookup nvcr.io on 10.0.0.2:53: no such host|75|no-network
net/http: TLS handshake timeout|75|no-network
something new|1|docker-pull
TABLE
    rm "$CALLS.pull-says"
    touch "$CALLS.login-fails"
    names=NGC_API_KEY step apply 'nim nvcr.io/nim/x:1' "NGC_API_KEY=$(printf wrong | base64 -w0)"
    [[ $status == 1 && $output == *'error registry-auth: nvcr.io refuses NGC_API_KEY'* && ! -e $run/stack-auth ]]
}

@test "files that Compose refuses stop nothing" {
    step apply 'redis redis:7'
    step apply 'broken x:1'
    [[ $status == 1 && $output == *'error stack-config:'* && $(calls ' up ') == 1 ]]
    for path in ../x /etc/x a/../../x; do
        STACK_FILES="$path eA==" run bash -c '. "$1/lib.sh"; STACK_FOLDERS= STACK_SECRET_NAMES=; . "$1/steps/stack.sh"; set -euo pipefail; unpack 0123' _ "$root"
        echo "$path: $output"
        [[ $status == 1 && $output == *'error stack-config:'* ]]
    done
}

# wait_for FILE TEXT: until it is in there, 15 s at most.
wait_for() {
    local try
    for try in {1..150}; do
        if grep -q "$2" "$1"; then return; fi
        sleep 0.1
    done
    echo "$try times looked for $2"
    return 1
}

# unframed FILE: what was said in frames. Each begins where the one before ended.
unframed() {
    local mark start length text told=''
    while read -r mark start length; do
        [[ $mark == '=' ]] || continue
        [[ $start == "${#told}" ]] || return 1
        IFS= read -r -N "$length" text
        told+=$text
        read -r _
    done <"$1"
    printf '%s' "$told"
}

# runner COMMAND...
runner() { timeout 20 bash "$root/runner.sh" "$@"; }

@test "the runner tells of services, and what they say" {
    printf 'redis|running|Up 1 hour (healthy)\nnav2|exited|Exited (1) 3 seconds ago\nnim|running|Up 1 second (health: starting)\n' >"$UP"
    [[ $(runner services) == $'nav2:exited\nnim:starting\nredis:healthy' ]]
    cat >"$bin/docker" <<'DOCKER'
#!/usr/bin/env bash
case $* in
    *service=redis*) echo 0123 ;;
    'ps '*) ;;
    'logs --tail 2 0123') printf 'one\ntwo\n' ;;
    'logs --follow --tail 2 0123')
        printf 'one\ntw'
        until [[ -e $CALLS.go-on ]]; do sleep 0.1; done
        printf 'o\nthree'
        ;;
esac
DOCKER
    [[ $(runner said redis 2) == $'one\ntwo' ]]
    run runner said nope 2
    [[ $output == 'error unknown nope' ]]
    run runner said '-x;id' 2
    [[ $output == 'error bad-name'* ]]
    runner listen redis 2 >"$CALLS.said" &
    # A line that is not whole yet is shown as far as it is there.
    wait_for "$CALLS.said" tw
    touch "$CALLS.go-on"
    wait $!
    mapfile -t lines <"$CALLS.said"
    cat "$CALLS.said"
    [[ ${lines[0]} == '. '* && ${lines[1]} == '= 0 4' && ${lines[-1]} == '! done rc= seconds=0' ]]
    [[ $(unframed "$CALLS.said") == $'one\ntwo\nthree' ]]
}

@test "what tells of a service goes with whoever listens" {
    cat >"$bin/docker" <<'DOCKER'
#!/usr/bin/env bash
case $* in
    *service=redis*) echo 0123 ;;
    'logs --follow --tail 2 0123') echo $$ >"$CALLS.teller"; exec sleep 300 ;;
esac
DOCKER
    runner listen redis 2 | head -n 2
    teller=$(<"$CALLS.teller")
    for _ in {1..150}; do
        if ! kill -0 "$teller" 2>/dev/null; then return; fi
        sleep 0.1
    done
    kill "$teller"
    return 1
}
