#!/bin/sh
# Removes the Muster agent from a Mac with everything it kept:  sudo sh uninstall.sh
# With --keep this Mac's identity, settings and waiting reports stay. DESTDIR as in install.sh.
set -eu

root="${DESTDIR:-}"
home="$root/Library/Application Support/Muster"
daemon="$root/Library/LaunchDaemons/muster.agent.plist"

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    printf '%s\n' "请用管理员权限运行: sudo sh uninstall.sh" "Run it with sudo: sudo sh uninstall.sh" >&2
    exit 5
fi
if [ -z "$root" ]; then
    launchctl bootout system/muster.agent 2>/dev/null || launchctl unload "$daemon" 2>/dev/null || true
fi
rm -f "$daemon" "$root/usr/local/bin/muster-agent"
if [ "${1:-}" = --keep ]; then
    rm -rf "$home/program"
else
    rm -rf "$home"
fi
printf '%s\n' "Muster 已卸载。" "Muster has been removed."
