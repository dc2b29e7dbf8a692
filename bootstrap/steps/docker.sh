#!/usr/bin/env bash
# roboinfra:step     docker
# roboinfra:about    Docker Engine with Compose, whose containers outlive its restarts
# roboinfra:needs    base
# roboinfra:reboot   never
# roboinfra:timeout  30m
# roboinfra:proof    docker info answers, docker compose is there, live-restore is on
# roboinfra:systems  ubuntu-* debian-*
# roboinfra:inputs   DOCKER_SOURCE=auto

# DOCKER_SOURCE: docker (its own repository), distribution, or auto: the first if it can be reached, else the second.
repository=https://download.docker.com/linux
daemon=/etc/docker/daemon.json

# Live-restore: configuring the daemon must not kill what runs. Logs are bounded: robots are chatty, disks are not.
daemon_wanted='{"live-restore": true, "log-driver": "json-file", "log-opts": {"max-size": "50m", "max-file": "3"}}'

check() {
    has docker || { say "docker is not installed"; return 1; }
    daemon_is_right || { say "$daemon is not as wanted"; return 1; }
    timeout 20 docker info >/dev/null 2>&1 || { say "the Docker engine does not answer"; return 1; }
    timeout 20 docker compose version >/dev/null 2>&1 || { say "docker compose is missing"; return 1; }
    [[ $(timeout 20 docker info --format '{{.LiveRestoreEnabled}}') == true ]] || { say "live-restore is off"; return 1; }
    ! has_systemd || systemctl is-enabled --quiet docker || { say "docker does not start at boot"; return 1; }
}

apply() {
    need_space 2048
    heal_packages
    if ! has docker || ! timeout 20 docker compose version >/dev/null 2>&1; then install_docker; fi
    write_daemon
    start_docker
}

# What is there already is completed from where it came: two Docker engines on one host shadow each other.
install_docker() {
    if installed docker.io || [[ $DOCKER_SOURCE == distribution ]]; then
        from_distribution
    elif installed docker-ce || [[ $DOCKER_SOURCE == docker ]]; then
        from_docker
    elif reachable "$repository/$(os ID)/dists/$(codename)/Release"; then
        say "Docker's own repository answers: Docker comes from there"
        from_docker
    else
        say "Docker's own repository cannot be reached or does not know $(os ID) $(codename): Docker comes from the distribution"
        from_distribution
    fi
}

codename() { os VERSION_CODENAME; }

from_docker() {
    add_source docker "$repository/$(os ID)/gpg" \
        "deb [arch=$(dpkg --print-architecture) signed-by=@KEY@] $repository/$(os ID) $(codename) stable"
    apt_install docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin
}

from_distribution() {
    apt_update
    # Compose 2 has another name in each: Ubuntu has docker-compose-v2, Debian 13 ships it as docker-compose.
    local compose
    for compose in docker-compose-v2 docker-compose-plugin docker-compose; do
        if [[ $compose == docker-compose && $(candidate docker-compose) == 1.* ]]; then continue; fi
        known "$compose" || continue
        apt_install docker.io "$compose"
        # From Debian 13 on the client is a package of its own, only recommended by the engine.
        if ! has docker && known docker-cli; then apt_install docker-cli; fi
        return
    done
    give_up package-missing "the distribution has no Docker Compose 2" \
        "let the host reach $repository, or use Debian 13 or Ubuntu 22.04 and later"
}

candidate() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }'; }

# Other settings in the file, such as those of the NVIDIA toolkit, stay.
daemon_is_right() {
    [[ -s $daemon ]] && has jq && jq -e --argjson wanted "$daemon_wanted" '. == (. * $wanted)' "$daemon" >/dev/null 2>&1
}

write_daemon() {
    local text=$daemon_wanted
    ! daemon_is_right || return 0
    if [[ -s $daemon ]]; then
        jq -e . "$daemon" >/dev/null 2>&1 || give_up docker-config "$daemon is not JSON" "repair or remove it"
        text=$(jq --argjson wanted "$daemon_wanted" '. * $wanted' "$daemon")
    else
        text=$(jq . <<<"$text")
    fi
    put_file "$daemon" 644 "$text" || true
    if has_systemd && systemctl is-active --quiet docker; then
        # Where containers run, the daemon takes live-restore without a restart; the log's limits hold from its next one.
        if [[ -n $(timeout 20 docker ps -q || true) ]]; then systemctl reload docker; else systemctl restart docker; fi
    fi
}

start_docker() {
    local turn
    if has_systemd; then
        systemctl enable --quiet docker
        # After several failed starts systemd refuses the next one.
        systemctl reset-failed docker.service docker.socket 2>/dev/null || true
        systemctl start docker || {
            journalctl -u docker -n 20 --no-pager -o cat || true
            give_up docker "the Docker engine does not start" "journalctl -u docker on the host says why"
        }
    fi
    for turn in {1..30}; do
        if timeout 20 docker info >/dev/null 2>&1; then return 0; fi
        ((turn < 30)) || give_up docker "the Docker engine does not answer" "journalctl -u docker on the host says why"
        sleep 1
    done
}

versions() {
    say "docker=$(docker version --format '{{.Server.Version}}')"
    say "compose=$(docker compose version --short)"
    say "containerd=$(containerd --version | awk '{ print $3 }')"
}
