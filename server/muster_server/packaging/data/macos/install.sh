#!/bin/sh
# Installs the Muster agent on a Mac, or upgrades it:  sudo sh install.sh
# DESTDIR stages the files below another folder and starts nothing.
set -eu

cd "$(dirname "$0")"
root="${DESTDIR:-}"
home="$root/Library/Application Support/Muster"
daemon="$root/Library/LaunchDaemons/muster.agent.plist"

say() {
    printf '%s\n' "$1" "$2"
}

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    say "请用管理员权限运行: sudo sh install.sh" "Run it with sudo: sudo sh install.sh" >&2
    exit 5
fi

# A Python that root may run: not one whose files a user can change (Homebrew's belong to a user).
python=""
for candidate in ${MUSTER_PYTHON:-} \
    /Library/Frameworks/Python.framework/Versions/Current/bin/python3 \
    /Library/Developer/CommandLineTools/usr/bin/python3 \
    /usr/bin/python3; do
    [ -x "$candidate" ] || continue
    if "$candidate" -IB -c 'import sys, cryptography, psutil; assert sys.version_info >= (3, 7)' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
if [ -z "$python" ]; then
    say "没有找到可用的 Python 3.7 或更新版本（须含 cryptography 和 psutil）。" \
        "No Python 3.7 or newer with cryptography and psutil was found." >&2
    say "请从 python.org 安装 Python，然后运行: sudo python3 -m pip install cryptography psutil" \
        "Install Python from python.org, then run: sudo python3 -m pip install cryptography psutil" >&2
    exit 5
fi

if [ -z "$root" ]; then
    launchctl bootout system/muster.agent 2>/dev/null || launchctl unload "$daemon" 2>/dev/null || true
fi

umask 022
mkdir -p "$home" "$root/Library/LaunchDaemons" "$root/usr/local/bin"
rm -rf "$home/program.new"
cp -R program "$home/program.new"
sed "s|@PYTHON@|$python|" program/muster-agent > "$home/program.new/muster-agent"
chmod 755 "$home/program.new/muster-agent"
# Users may pass through to public/status.json, which muster-agent status shows them, and see nothing of the rest.
chmod 711 "$home"
for name in agent.conf ca.pem; do
    if [ -e "settings/$name" ]; then
        cp "settings/$name" "$home/$name"
        chmod 644 "$home/$name"
    fi
done
(umask 077 && cp settings/token "$home/token" && chmod 600 "$home/token")
# A moment of this Mac's own within the two and a half hours after each time of the daemon.
drawn=$(($(od -An -N2 -tu2 /dev/urandom) % 150))
awk -v drawn="$drawn" '
    # The new hour is known once the minute is: lines in between are held.
    /<key>Hour<\/key>/ { of = "hour" }
    /<key>Minute<\/key>/ { of = "minute" }
    of == "hour" && match($0, /[0-9]+/) { hour = substr($0, RSTART, RLENGTH); held = $0; of = "held"; next }
    of == "minute" && match($0, /[0-9]+/) {
        at = hour * 60 + substr($0, RSTART, RLENGTH) + drawn
        sub(/[0-9]+/, int(at / 60), held)
        sub(/[0-9]+/, at % 60)
        print held
        print "\t\t\t<key>Minute</key>"
        of = ""
    }
    of == "minute" { next }
    { print }
' muster.agent.plist > "$daemon"
chmod 644 "$daemon"
if [ -z "$root" ]; then
    chown -R root:wheel "$home/program.new" "$home/agent.conf" "$home/token" "$daemon"
    chown root:wheel "$home"
    if [ -e "$home/ca.pem" ]; then chown root:wheel "$home/ca.pem"; fi
fi
rm -rf "$home/program"
mv "$home/program.new" "$home/program"
ln -sf "/Library/Application Support/Muster/program/muster-agent" "$root/usr/local/bin/muster-agent"

if [ -z "$root" ]; then
    launchctl bootstrap system "$daemon" 2>/dev/null || launchctl load -w "$daemon"
fi
say "Muster 安装完成，首次上报正在后台进行。查看本机状态: muster-agent status" \
    "Muster is installed; its first report is under way. How this Mac stands: muster-agent status"
