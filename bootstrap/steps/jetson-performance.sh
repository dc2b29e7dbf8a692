#!/usr/bin/env bash
# roboinfra:step     jetson-performance
# roboinfra:about    A Jetson in its fastest power mode, with its clocks locked there at every boot
# roboinfra:needs    base
# roboinfra:reboot   may
# roboinfra:timeout  10m
# roboinfra:proof    nvpmodel names the mode, jetson_clocks has run in this boot
# roboinfra:systems  ubuntu-*
# roboinfra:inputs   POWER_MODE=

nvpmodel_conf=/etc/nvpmodel.conf
clocks_unit=/etc/systemd/system/roboinfra-jetson-clocks.service
clocks='# Written by roboinfra.
[Unit]
Description=Clocks of the Jetson at their limit
After=nvpmodel.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/jetson_clocks

[Install]
WantedBy=multi-user.target'

# Modes as `ID NAME` lines. Their numbers differ from module to module, so only names are meant.
modes() { sed -nE 's/^<[[:space:]]*POWER_MODEL[[:space:]]+ID=([0-9]+)[[:space:]]+NAME=([A-Za-z0-9_]+).*/\1 \2/p' "$nvpmodel_conf"; }

wanted_mode() {
    local name
    for name in ${POWER_MODE:-MAXN_SUPER MAXN MODE_MAXN}; do
        modes | awk -v name="$name" '$2 == name { print; found = 1 } END { exit !found }' && return
    done
    return 1
}

current_mode() { nvpmodel -q 2>/dev/null | sed -n 's/^NV Power Mode: *\(MODE_\)\{0,1\}//p'; }

check() {
    local mode
    is_jetson || { say "this is no Jetson"; return 1; }
    mode=$(wanted_mode) || { say "there is no such power mode"; return 1; }
    mode=${mode#* }
    [[ $(current_mode) == "${mode#MODE_}" ]] || { say "the power mode is $(current_mode), not $mode"; return 1; }
    is_file "$clocks_unit" "$clocks" || { say "$clocks_unit is not as wanted"; return 1; }
    systemctl is-active --quiet roboinfra-jetson-clocks || { say "the clocks are not locked"; return 1; }
}

is_jetson() { [[ -r /etc/nv_tegra_release ]] && has nvpmodel; }

apply() {
    local mode name
    is_jetson || give_up unsupported-system "this is no Jetson, or not NVIDIA's own image of it" \
        "leave jetson-performance out for this host"
    mode=$(wanted_mode) || give_up bad-input "this module has no power mode ${POWER_MODE:-MAXN}" \
        "it has: $(modes | cut -d' ' -f2 | tr '\n' ' ')"
    name=${mode#* }
    if [[ $(current_mode) != "${name#MODE_}" ]]; then
        say "power mode $name"
        # Some changes need a reboot, which the program makes at once when it is allowed to: the step then goes on
        # in the next boot, as after any other cut.
        printf 'YES\nYES\n' | timeout 120 nvpmodel -m "${mode%% *}" || true
        sleep 2
        [[ $(current_mode) == "${name#MODE_}" ]] || reboot_needed "the power mode $name begins with the next boot"
    fi
    put_file "$clocks_unit" 644 "$clocks" || true
    systemctl daemon-reload
    systemctl enable --quiet roboinfra-jetson-clocks
    systemctl restart roboinfra-jetson-clocks
}

versions() {
    say "l4t=$(version_of nvidia-l4t-core)"
    say "power-mode=$(current_mode)"
}
