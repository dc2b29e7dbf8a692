#!/usr/bin/env bash
# roboinfra:step     stack
# roboinfra:about    The services of the lab, where it has any
# roboinfra:needs    docker
# roboinfra:reboot   never
# roboinfra:timeout  2h
# roboinfra:proof    every service of the stack runs and is healthy
# roboinfra:systems  any

stack=${ROBOINFRA_HOME:-/var/lib/roboinfra}/stack

check() {
    local services running
    compose_file >/dev/null || { say "this host has no stack"; return 0; }
    services=$(compose config --services | sort)
    running=$(compose ps --status running --services 2>/dev/null | sort)
    [[ $services == "$running" ]] || { say "not all services run"; return 1; }
    ! compose ps 2>/dev/null | grep -qE '\((unhealthy|health: starting)\)' || { say "a service is not healthy"; return 1; }
}

apply() {
    if ! compose up --detach --wait --remove-orphans; then
        compose ps --all || true
        compose logs --tail 5 --no-color || true
        give_up stack "the stack has not become healthy" "look at the services' last lines in the log"
    fi
}

compose_file() {
    local name
    for name in compose.yaml compose.yml; do
        if [[ -s $stack/$name ]]; then printf '%s' "$stack/$name" && return; fi
    done
    return 1
}

compose() { docker compose --project-name roboinfra --project-directory "$stack" --file "$(compose_file)" "$@"; }

versions() {
    compose_file >/dev/null || return 0
    compose images --format json 2>/dev/null | jq -r '.[]? | "image-\(.ContainerName)=\(.Repository):\(.Tag)@\(.ID)"' || true
}
