#!/usr/bin/env bash
# roboinfra:step     gpu-tuning
# roboinfra:about    The GPU stays awake between programs and keeps a power limit that its card allows
# roboinfra:needs    nvidia-driver
# roboinfra:reboot   never
# roboinfra:timeout  5m
# roboinfra:proof    every GPU has persistence mode and the power limit, and gets them again at every boot
# roboinfra:systems  any
# roboinfra:inputs   POWER_LIMIT_W=

tuning_program=/usr/local/sbin/roboinfra-gpu-tuning
tuning_unit=/etc/systemd/system/roboinfra-gpu-tuning.service

# Neither setting outlives a boot, so the program that makes them is kept on the host. POWER_LIMIT_W is put in front.
# shellcheck disable=SC2016 # For the program.
tuning_text='# What a card allows differs by model; outside of it nvidia-smi refuses. "[N/A]" is no number: such a card is left alone.
smi() { timeout -k 2 60 nvidia-smi "$@"; }
smi --persistence-mode=1 >/dev/null || exit 1
[ -n "$limit" ] || exit 0
smi --query-gpu=index,power.min_limit,power.max_limit --format=csv,noheader,nounits |
    while IFS=", " read -r gpu least most; do
        case "${least%.*}${most%.*}" in *[!0-9]*|"") echo "GPU $gpu: its power cannot be limited"; continue ;; esac
        wanted=$limit
        if [ "$wanted" -lt "${least%.*}" ]; then wanted=${least%.*}; fi
        if [ "$wanted" -gt "${most%.*}" ]; then wanted=${most%.*}; fi
        [ "$wanted" = "$limit" ] || echo "GPU $gpu: $limit W is outside of $least to $most W, taking $wanted W"
        smi --id="$gpu" --power-limit="$wanted" >/dev/null || exit 1
    done'

program() { printf '#!/bin/sh\n# Written by roboinfra.\nlimit=%s\n%s' "$POWER_LIMIT_W" "$tuning_text"; }

unit='# Written by roboinfra.
[Unit]
Description=Persistence and power limit of the GPUs
After=nvidia-persistenced.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/roboinfra-gpu-tuning

[Install]
WantedBy=multi-user.target'

check() {
    local modes
    is_file "$tuning_program" "$(program)" || { say "$tuning_program is not as wanted"; return 1; }
    modes=$(timeout -k 2 60 nvidia-smi --query-gpu=persistence_mode --format=csv,noheader) ||
        { say "nvidia-smi does not answer"; return 1; }
    ! grep -qv Enabled <<<"$modes" || { say "persistence mode is off"; return 1; }
    has_systemd || return 0
    is_file "$tuning_unit" "$unit" || { say "$tuning_unit is not as wanted"; return 1; }
    systemctl is-enabled --quiet roboinfra-gpu-tuning || { say "roboinfra-gpu-tuning does not run at boot"; return 1; }
    systemctl is-active --quiet roboinfra-gpu-tuning || { say "roboinfra-gpu-tuning has not run"; return 1; }
}

apply() {
    [[ $POWER_LIMIT_W =~ ^[0-9]{0,4}$ ]] || give_up bad-input "POWER_LIMIT_W is no number of watts" "give it in whole watts"
    has nvidia-smi || give_up driver-mismatch "there is no nvidia-smi" "put nvidia-driver before gpu-tuning"
    put_file "$tuning_program" 755 "$(program)" || true
    if has_systemd; then
        # The daemon keeps the driver's state without the older mode's side effects, where the driver brings it.
        if systemctl cat nvidia-persistenced >/dev/null 2>&1; then systemctl enable --now --quiet nvidia-persistenced || true; fi
        put_file "$tuning_unit" 644 "$unit" || true
        systemctl daemon-reload
        systemctl enable --quiet roboinfra-gpu-tuning
        systemctl restart roboinfra-gpu-tuning || {
            journalctl -u roboinfra-gpu-tuning -n 10 --no-pager -o cat || true
            give_up gpu-tuning "the GPU does not take the settings" "nvidia-smi on the host says why"
        }
        journalctl -u roboinfra-gpu-tuning -n 10 --no-pager -o cat | grep '^GPU ' || true
    else
        "$tuning_program"
    fi
}

versions() { say "power-limit=$(timeout 20 nvidia-smi --query-gpu=power.limit --format=csv,noheader | tr '\n' ' ')"; }
