#!/usr/bin/env bash
# roboinfra:step     gpu-metrics
# roboinfra:about    The agent that measures GPUs, stops idle machines, keeps the lease and heeds spot notices
# roboinfra:reboot   never
# roboinfra:timeout  5m
# roboinfra:proof    the agent of the wanted digest runs with the wanted settings, and says so
# roboinfra:systems  any
# roboinfra:inputs   AGENT_CONFIG= AGENT_SHA256= AGENT_ON_INTERRUPTION= AGENT_ON_REBALANCE=

# AGENT_CONFIG: the agent's file. AGENT_SHA256: words `MACHINE:DIGEST`, one for each kind of processor that there is a program
# for. The runner has put the one for this host into `files`, whole and verified.
agent=/usr/local/bin/roboinfra-agent
agent_file=/etc/roboinfra/agent.toml
agent_hooks=/etc/roboinfra
agent_unit=/etc/systemd/system/roboinfra-agent.service
agent_status=/run/roboinfra-agent/status.json
agent_files=${ROBOINFRA_HOME:-/var/lib/roboinfra}/files
# There while what runs may be older than what is installed.
agent_due=${ROBOINFRA_HOME:-/var/lib/roboinfra}/agent-restart-due
# How long it may take to say something.
AGENT_WAIT=${AGENT_WAIT:-60}

# It has to read other users' processes and the kernel's log, write to terminals and ask for a shutdown; it writes nowhere else
# than in its own folders. ProtectClock and PrivateDevices would take the GPU away from it.
agent_unit_text='# Written by roboinfra.
[Unit]
Description=Agent of roboinfra: GPU metrics, idle stop, spot notices
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/roboinfra-agent
Restart=always
RestartSec=5
TimeoutStopSec=20
StateDirectory=roboinfra-agent
StateDirectoryMode=0700
RuntimeDirectory=roboinfra-agent
UMask=0022
OOMScoreAdjust=-500
MemoryMax=512M
TasksMax=128
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_SYSLOG CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_CHOWN CAP_MKNOD CAP_KILL
ProtectSystem=strict
ProtectHome=read-only
ProtectControlGroups=yes
ProtectKernelTunables=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target'

check() {
    local wanted pid
    has_systemd || { say "there is no systemd here"; return 1; }
    wanted=$(agent_digest)
    [[ -n $wanted ]] || { say "there is no agent for $(uname -m)"; return 1; }
    is_program "$agent" "$wanted" || { say "$agent is not the wanted one"; return 1; }
    is_file "$agent_file" "$AGENT_CONFIG" || { say "$agent_file is not as wanted"; return 1; }
    if ! is_hook on-interruption "$AGENT_ON_INTERRUPTION" || ! is_hook on-rebalance "$AGENT_ON_REBALANCE"; then
        say "a hook for the spot market is not as wanted"
        return 1
    fi
    is_file "$agent_unit" "$agent_unit_text" || { say "$agent_unit is not as wanted"; return 1; }
    [[ ! -e $agent_due ]] || { say "the agent has not been restarted since it was changed"; return 1; }
    systemctl is-enabled --quiet roboinfra-agent || { say "roboinfra-agent does not run at boot"; return 1; }
    systemctl is-active --quiet roboinfra-agent || { say "roboinfra-agent does not run"; return 1; }
    pid=$(systemctl show --property=MainPID --value roboinfra-agent)
    [[ $(program_of "$pid") == "$agent" ]] || { say "what runs is another agent than $agent"; return 1; }
    [[ -n $(find "$agent_status" -mmin -3 2>/dev/null) ]] || { say "the agent has said nothing for three minutes"; return 1; }
}

apply() {
    local wanted
    has_systemd || give_up no-systemd "the agent needs a systemd that starts it, and starts it again" \
        "leave gpu-metrics out of this host's bootstrap; what is idle there is then nobody's business"
    wanted=$(agent_digest)
    [[ -n $wanted ]] || give_up agent-missing "there is no agent for a $(uname -m) machine" \
        "build one and name it with --agent-binary, or put it beside roboinfra as roboinfra-agent-$(uname -m)"
    touch "$agent_due"
    sync "$agent_due"
    is_program "$agent" "$wanted" || install_agent "$wanted"
    # The hooks first: the settings name them.
    put_hook on-interruption "$AGENT_ON_INTERRUPTION"
    put_hook on-rebalance "$AGENT_ON_REBALANCE"
    is_file "$agent_file" "$AGENT_CONFIG" || write_settings
    put_file "$agent_unit" 644 "$agent_unit_text" || true
    systemctl daemon-reload
    systemctl enable --quiet roboinfra-agent
    restart_agent
    rm -f "$agent_due"
}

# The digest of the agent for this machine; nothing where there is none.
agent_digest() {
    local word
    for word in $AGENT_SHA256; do
        if [[ ${word%%:*} == "$(uname -m)" ]]; then printf '%s' "${word#*:}"; fi
    done
}

# is_program FILE DIGEST
is_program() { [[ -f $1 && -x $1 && $(sha256sum <"$1") == "$2  -" ]]; }

# The file of a process; another one in its place makes it `... (deleted)`.
program_of() { readlink "/proc/$1/exe" 2>/dev/null || true; }

# The old one is replaced by one that has proven to run here, at once or not at all.
install_agent() {
    local new="$agent.roboinfra-new" said
    [[ -f $agent_files/$1 ]] || try_later "the agent's program has not reached this host"
    mkdir -p "${agent%/*}"
    cp --reflink=auto "$agent_files/$1" "$new" || give_up no-space "$new cannot be written" \
        "make root_volume larger in the profile and apply, or free space on the host: docker system prune"
    chmod 755 "$new"
    if ! is_program "$new" "$1"; then
        rm -f "$new" "$agent_files/$1"
        try_later "the agent's program was damaged on this host; it is sent again"
    fi
    if ! said=$(timeout 20 "$new" --version 2>&1); then
        rm -f "$new"
        give_up agent-unusable "this agent does not run here: ${said:-it says nothing}" \
            "take one that was built for older systems: docs/agent.md says how"
    fi
    sync "$new"
    mv -f "$new" "$agent"
    sync "${agent%/*}"
    say "installed $said, $1"
}

hook_text() { printf '#!/bin/bash\n# Written by roboinfra.\n%s' "$1"; }

# is_hook NAME TEXT: whether the lab's program is as wanted; without a text there is none.
is_hook() {
    if [[ -z $2 ]]; then [[ ! -e $agent_hooks/$1 ]]; else [[ -x $agent_hooks/$1 ]] && is_file "$agent_hooks/$1" "$(hook_text "$2")"; fi
}

put_hook() {
    if [[ -z $2 ]]; then rm -f "$agent_hooks/$1"; else put_file "$agent_hooks/$1" 700 "$(hook_text "$2")" || chmod 700 "$agent_hooks/$1"; fi
}

write_settings() {
    local new="$agent_file.roboinfra-new" said
    mkdir -p "${agent_file%/*}"
    printf '%s\n' "$AGENT_CONFIG" >"$new"
    if ! said=$("$agent" --config "$new" --check 2>&1); then
        rm -f "$new"
        give_up agent-settings "the agent refuses its settings: $said" \
            "the agent and roboinfra are of different versions: build both from the same source"
    fi
    chmod 644 "$new"
    sync "$new"
    mv -f "$new" "$agent_file"
    say "wrote $agent_file"
}

restart_agent() {
    local until=$((SECONDS + AGENT_WAIT))
    # What it says from now on it says as what it is now.
    systemctl stop roboinfra-agent 2>/dev/null || true
    rm -f "$agent_status"
    systemctl reset-failed roboinfra-agent 2>/dev/null || true
    systemctl restart roboinfra-agent || true
    while ((SECONDS < until)); do
        if systemctl is-active --quiet roboinfra-agent && [[ -e $agent_status ]]; then
            say "the agent runs"
            return
        fi
        sleep 0.3
    done
    journalctl -u roboinfra-agent -n 10 --no-pager -o cat || true
    give_up agent-silent "the agent does not come up within $AGENT_WAIT s" "journalctl -u roboinfra-agent on the host says why"
}

versions() { say "agent=$("$agent" --version | cut -d' ' -f2)+$(sha256sum <"$agent" | cut -c1-8)"; }
