#!/usr/bin/env bash
# roboinfra:step     stack
# roboinfra:about    The services of the host's stack, where it has one
# roboinfra:needs    docker
# roboinfra:reboot   never
# roboinfra:timeout  2h
# roboinfra:proof    every service of the stack runs and is healthy
# roboinfra:systems  any
# roboinfra:inputs   STACK= STACK_SERVICES= STACK_FILES= STACK_FOLDERS= STACK_SECRET_NAMES= STACK_SECRET_MARKS= STACK_PATIENCE=600 STACK_DISK_MIB=0
# roboinfra:secrets  STACK_SECRETS

# STACK_FILES: a line `PATH BASE64` for each file. STACK_FOLDERS: a line `OWNER PATH` for each folder of its data.
# STACK_PATIENCE: seconds until it must be healthy. STACK_DISK_MIB: what its images take, checked where one is missing.
# STACK_SECRETS: a line `NAME=BASE64` for each secret. STACK_SECRET_MARKS: words `NAME:MARK`; another value has another mark.
#
# releases/DIGEST has the files of one rendered stack, `current` points at the one that last became healthy; `marks` are those of
# its secrets. `secrets.before` has its secrets while others are tried.
stack=${ROBOINFRA_HOME:-/var/lib/roboinfra}/stack
project=roboinfra
auth=${ROBOINFRA_RUN:-/run/roboinfra}/stack-auth

check() {
    local wanted bad name
    if [[ -z $STACK_FILES ]]; then
        if [[ -z $(containers 2>/dev/null) ]]; then say "this host has no stack" && return; fi
        say "services of an earlier stack are left"
        return 1
    fi
    wanted=$(release)
    if [[ $(current) != "$wanted" ]]; then say "the wanted stack is not deployed" && return 1; fi
    if [[ $(marks) != "$STACK_SECRET_MARKS" ]]; then say "a secret has another value than the services have" && return 1; fi
    for name in $STACK_SECRET_NAMES; do
        if [[ ! -e $stack/secrets/$name ]]; then say "the secret $name is not on this host" && return 1; fi
    done
    bad=$(unwell)
    if [[ -n $bad ]]; then say "$bad" && return 1; fi
}

apply() {
    local wanted before
    if [[ -z $STACK_FILES ]]; then
        take_down
        return
    fi
    wanted=$(release) before=$(current)
    say "the stack is ${STACK:-unnamed}, release $wanted"
    unpack "$wanted"
    compose "$wanted" config --quiet || give_up stack-config "Docker Compose refuses the stack's files" "the log has why"
    keep_secrets
    make_folders
    fetch "$wanted"
    if bring_up "$wanted"; then
        accept "$wanted" "$before"
    else
        take_back "$wanted" "$before"
    fi
}

# --- Files -------------------------------------------------------------------------------------------------------

# The name of what is wanted: the same inputs are the same release.
release() { printf '%s\n' "$STACK_FILES" "$STACK_FOLDERS" "$STACK_SECRET_NAMES" | sha256sum | cut -c1-16; }

# The release that last became healthy, if there is one.
current() {
    local link
    link=$(readlink "$stack/current" 2>/dev/null) || return 0
    link=${link##*/}
    if [[ -s $stack/releases/$link/compose.yaml ]]; then printf '%s' "$link"; fi
}

# The marks of the secrets with which it became healthy.
marks() { cat "$stack/marks" 2>/dev/null || true; }

compose() {
    local dir=$stack/releases/$1
    shift
    docker compose --project-name "$project" --project-directory "$dir" --env-file "$dir/.env" --file "$dir/compose.yaml" \
        --ansi never --progress plain "$@"
}

# Whole or not at all: what was cut is begun anew.
unpack() {
    local dir=$stack/releases/$1 path text
    if [[ -s $dir/compose.yaml ]]; then return; fi
    rm -rf "$dir" "$dir.new"
    mkdir -p "$stack"
    while read -r path text; do
        case /$path/ in
            */../* | */./* | //*) give_up stack-config "a file of the stack has the path $path" "this is a fault of roboinfra" ;;
        esac
        mkdir -p "$dir.new/$(dirname "$path")"
        base64 -d <<<"$text" >"$dir.new/$path"
    done <<<"$STACK_FILES"
    printf 'ROBOINFRA_DATA=%s\n' "$stack/data" >"$dir.new/.env"
    sync -f "$dir.new"
    mv -T "$dir.new" "$dir"
}

# Only root may enter the folder; in a container, any user may read what is mounted there for it. What the registries want is
# for no service, and kept nowhere.
keep_secrets() {
    local line name new
    (umask 077 && mkdir -p "$stack/secrets")
    while IFS= read -r line; do
        name=${line%%=*}
        [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && " $STACK_SECRET_NAMES " == *" $name "* ]] || continue
        new=$stack/secrets/.new
        (umask 077 && base64 -d <<<"${line#*=}" >"$new")
        if cmp -s "$new" "$stack/secrets/$name"; then
            rm -f "$new"
            continue
        fi
        if [[ -e $stack/secrets/$name ]]; then put_by; fi
        chmod 444 "$new"
        sync "$new"
        mv -f "$new" "$stack/secrets/$name"
    done <<<"${STACK_SECRETS:-}"
    for name in $STACK_SECRET_NAMES; do
        [[ -e $stack/secrets/$name ]] ||
            give_up stack-secret "the secret $name has not reached this host" "run roboinfra bootstrap where the secret can be read"
    done
}

# The secrets with which the stack became healthy stay until others have proven to be as good.
put_by() {
    if [[ -d $stack/secrets.before ]]; then return; fi
    rm -rf "$stack/secrets.new"
    cp -a "$stack/secrets" "$stack/secrets.new"
    rm -f "$stack/secrets.new/.new"
    sync -f "$stack"
    mv -T "$stack/secrets.new" "$stack/secrets.before"
}

make_folders() {
    local owner path
    mkdir -p "$stack/data"
    while read -r owner path; do
        [[ -n $path ]] || continue
        mkdir -p "$stack/data/$path"
        # Where it is the right one already, what is below is as the service left it.
        [[ $(stat -c %u "$stack/data/$path") == "$owner" ]] || chown "$owner:$owner" "$stack/data/$path"
    done <<<"$STACK_FOLDERS"
}

# --- Images ------------------------------------------------------------------------------------------------------

# While the stack before runs on.
fetch() {
    local image images built='' missing=()
    images=$(compose "$1" config --images | sort -u)
    for image in $images; do
        docker image inspect "$image" >/dev/null 2>&1 || missing+=("$image")
    done
    ((${#missing[@]} > 0)) || return 0
    need_space "$STACK_DISK_MIB" "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || printf /)"
    log_in "${missing[*]}"
    for image in "${missing[@]}"; do
        if [[ $image == roboinfra/* ]]; then
            built=yes
            continue
        fi
        say "pulling $image"
        told env DOCKER_CONFIG="$auth" docker pull --quiet "$image" || explain_docker "$image cannot be pulled"
    done
    if [[ -n $built ]]; then
        say "building images"
        told env DOCKER_CONFIG="$auth" docker compose --project-name "$project" --project-directory "$stack/releases/$1" \
            --env-file "$stack/releases/$1/.env" --file "$stack/releases/$1/compose.yaml" --ansi never --progress plain build ||
            explain_docker "an image cannot be built" build
    fi
    rm -rf "$auth"
}

# What logs in is in memory only, and gone when the images are here.
log_in() {
    rm -rf "$auth"
    mkdir -m 700 "$auth"
    trap 'rm -rf "$auth"' EXIT
    local code=0
    secret DOCKER_AUTH_CONFIG >"$auth/config.json" || rm -f "$auth/config.json"
    [[ " $1" == *' nvcr.io/'* ]] || return 0
    [[ -n $(secret NGC_API_KEY | head -c 1) ]] || return 0
    # shellcheck disable=SC2016 # The name of the user that NVIDIA's registry wants, as it is.
    told env DOCKER_CONFIG="$auth" docker login nvcr.io --username '$oauthtoken' --password-stdin < <(secret NGC_API_KEY) || code=$?
    ((code == 0)) || explain_docker "nvcr.io refuses NGC_API_KEY" login
}

# secret NAME: one of those that came; fails (1) if it did not.
secret() {
    local line
    while IFS= read -r line; do
        if [[ ${line%%=*} == "$1" ]]; then base64 -d <<<"${line#*=}" && return; fi
    done <<<"${STACK_SECRETS:-}"
    return 1
}

# told COMMAND...: runs it; what it says is shown and kept in SAID.
told() {
    local out code=0
    out=$(mktemp "${ROBOINFRA_RUN:-/run}/stack.XXXXXX")
    "$@" 2>&1 | tee "$out" || code=$?
    SAID=$(tail -c 20000 "$out")
    rm -f "$out"
    return "$code"
}

# explain_docker WHAT [build|login]: ends the step with what Docker's output means.
explain_docker() {
    case ${SAID,,} in
        *'no space left on device'*)
            give_up no-space "$1: the disk is full" \
                "make root_volume larger in the profile and apply, or free space on the host: docker system prune" ;;
        *toomanyrequests* | *'429 too many'* | *'rate limit'*)
            try_later "$1: the registry allows no more pulls for now" registry-limit \
                "log in with DOCKER_AUTH_CONFIG as a secret of the stack, or wait: limits are counted for hours" ;;
        *unauthorized* | *'authentication required'* | *'401 '* | *'no basic auth'*)
            give_up registry-auth "$1: the registry wants a login, and takes none that it was given" \
                "check the secret NGC_API_KEY (for nvcr.io) or DOCKER_AUTH_CONFIG: it may be missing, wrong or expired" ;;
        *denied* | *'403 '* | *forbidden* | *'accept license'* | *'accept the license'*)
            give_up registry-denied "$1: the key may not have this image" \
                "accept the image's terms on the registry's page with the account of the key, and check the image's name" ;;
        *'no such host'* | *'i/o timeout'* | *'connection refused'* | *'connection reset'* | *'network is unreachable'* | \
            *'tls handshake timeout'* | *'server misbehaving'* | *'temporary failure'* | *'502 bad'* | *'503 service'* | *'504 gateway'* | \
            *'unexpected eof'* | *'context deadline exceeded'* | *'could not resolve'*)
            try_later "$1: the registry does not answer as it should" no-network \
                "check the host's way to the internet; a registry may also be down for a while" ;;
        *'manifest unknown'* | *'not found'* | *'no such image'* | *'no matching manifest'*)
            [[ ${2:-} == build ]] || give_up image-missing "$1: the registry has no such image for this machine" \
                "check the stack's \`images\` in the profile" ;;
    esac
    [[ ${2:-} == build ]] || give_up docker-pull "$1" "the log has Docker's own words"
    give_up image-build "$1" "the log has the lines of the build; a program of yours is built from the repository that env names"
}

# --- Services ----------------------------------------------------------------------------------------------------

containers() { docker ps --all --quiet --filter "label=com.docker.compose.project=$project"; }

# What is wrong with the services that are wanted, in words; nothing where all is well.
unwell() {
    local found service line bad=()
    found=$(timeout 30 docker ps --all --filter "label=com.docker.compose.project=$project" \
        --format '{{.Label "com.docker.compose.service"}}|{{.State}}|{{.Status}}') || { say "the Docker engine does not answer" && return; }
    for service in $STACK_SERVICES; do
        line=$(grep "^$service|" <<<"$found" | head -n 1 || true)
        case $line in
            '') bad+=("$service does not exist") ;;
            *'(unhealthy)') bad+=("$service is unhealthy") ;;
            *'(health: starting)') bad+=("$service is still starting") ;;
            "$service|running|"*) ;;
            *) bad+=("$service is ${line##*|}") ;;
        esac
    done
    ((${#bad[@]} == 0)) || (IFS=';' && say "${bad[*]}")
}

# bring_up RELEASE: waits until all its services are healthy.
bring_up() {
    local limit=$STACK_PATIENCE options=(--detach --remove-orphans --pull never --no-build)
    # Compose does not see that a secret has changed.
    if [[ -d $stack/secrets.before ]]; then options+=(--force-recreate); fi
    say "starting; at most $limit s until every service is healthy"
    compose "$1" up "${options[@]}" --wait --wait-timeout "$limit" </dev/null || return 1
}

accept() {
    local release name
    printf '%s' "$STACK_SECRET_MARKS" >"$stack/marks.new"
    mv -f "$stack/marks.new" "$stack/marks"
    ln -sfn "releases/$1" "$stack/current.new"
    mv -fT "$stack/current.new" "$stack/current"
    # The one before stays, to go back to by hand.
    for release in "$stack"/releases/*; do
        release=${release##*/}
        if [[ $release != "$1" && $release != "$2" ]]; then rm -rf "$stack/releases/$release"; fi
    done
    rm -rf "$stack/secrets.before"
    for name in "$stack"/secrets/*; do
        name=${name##*/}
        if [[ " $STACK_SECRET_NAMES " != *" $name "* ]]; then rm -f "$stack/secrets/$name"; fi
    done
    say "every service is healthy"
}

take_back() {
    local bad name
    bad=$(unwell)
    bad=${bad:-a service has ended}
    for name in $STACK_SERVICES; do
        if [[ $bad == *"$name"* ]]; then
            say "--- the last lines of $name"
            compose "$1" logs --no-color --no-log-prefix --tail 10 "$name" </dev/null || true
        fi
    done
    if [[ -z $2 || ($2 == "$1" && ! -d $stack/secrets.before) ]]; then
        give_up stack-unhealthy "the stack has not become healthy: $bad" \
            "its services are left as they are: roboinfra logs HOST SERVICE shows what they say"
    fi
    say "going back to release $2, and to the secrets that it had"
    STACK_SERVICES=$(compose "$2" config --services | tr '\n' ' ')
    restore_secrets
    if bring_up "$2"; then
        rm -rf "$stack/secrets.before"
        give_up stack-unhealthy "the changed stack has not become healthy: $bad. The one before runs again" \
            "mend the stack and run roboinfra bootstrap again"
    fi
    give_up stack-unhealthy "the changed stack has not become healthy: $bad. The one before does not become healthy any more either: $(unwell)" \
        "roboinfra logs HOST SERVICE shows what a service says"
}

# Copied, not moved: until the services run with them again they are still those of before.
restore_secrets() {
    local name
    for name in "$stack"/secrets.before/*; do
        if [[ -e $name ]]; then cp -a "$name" "$stack/secrets/.new" && mv -f "$stack/secrets/.new" "$stack/secrets/${name##*/}"; fi
    done
}

# The data stays.
take_down() {
    local before ids
    before=$(current)
    say "stopping the services of the stack that is no more wanted"
    if [[ -n $before ]]; then compose "$before" down --remove-orphans --timeout 30 </dev/null || true; fi
    ids=$(containers)
    # shellcheck disable=SC2086 # One word for each container.
    if [[ -n $ids ]]; then docker rm --force $ids >/dev/null; fi
    rm -rf "$stack/current" "$stack/releases" "$stack/secrets" "$stack/secrets.before" "$stack/secrets.new" "$stack/marks"
}

versions() {
    local service image digest
    docker ps --filter "label=com.docker.compose.project=$project" \
        --format '{{.Label "com.docker.compose.service"}} {{.Image}}' | sort -u | while read -r service image; do
        digest=$(docker image inspect --format '{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}' "$image" </dev/null) || continue
        say "image-$service=${image%@*}@${digest##*@}"
    done
}
