"""Every parser of a file or of a program's output, fed what it was made for, damaged and swollen: only CannotRead may
come out of it, and soon."""

from __future__ import annotations

import base64
import functools
import json
import re
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from damage import damaged_bytes, swollen
from hypothesis import given
from hypothesis import strategies as st
from recorded import FOLDERS, GROUPS, MANY, answer_to, questions, thorough

from muster_agent.collect.antivirus import clamav, desktop_entries, signature_registry
from muster_agent.collect.antivirus.vendors import (
    avast,
    bitdefender,
    cortex,
    crowdstrike,
    drweb,
    escan,
    eset,
    eset_darwin,
    fprot,
    kaspersky,
    mdatp,
    sangfor,
    sentinelone,
    sentinelone_darwin,
    sophos,
    withsecure,
    zoner,
)
from muster_agent.collect.boot.linux import boot_time
from muster_agent.collect.disk_encryption import darwin as filevault
from muster_agent.collect.disk_encryption import linux_mounts
from muster_agent.collect.firewall import darwin as application_firewall
from muster_agent.collect.firewall import linux_units
from muster_agent.collect.interface_addresses import linux_addresses
from muster_agent.collect.os_version.linux import ini
from muster_agent.collect.packages import beside
from muster_agent.collect.routes import darwin as routes_darwin
from muster_agent.collect.routes import linux as routes_linux
from muster_agent.collect.settings import darwin_password, linux_kysec, linux_log_oldest, linux_protection
from muster_agent.collect.shared_resources import darwin as sharing
from muster_agent.collect.system_info.linux import cores
from muster_agent.collect.update_status.darwin import history as apple_history
from muster_agent.local.windows import powershell_answer, smbios
from muster_agent.machine import CannotRead, Output
from muster_agent.recording.file import NotARecording, from_json
from muster_agent.system import (
    directory_service,
    exports,
    filetime,
    journald,
    keyfile,
    logrotate,
    luks,
    openrc,
    osrelease,
    pam,
    plist,
    procfs,
    smb_conf,
    sshd,
    sysv,
)
from muster_agent.system.accounts import logins, passwd, shadow, sudoers
from muster_agent.system.cbs import identity
from muster_agent.system.deb import (
    configuration,
    history,
    kernels,
    paragraphs,
    preferences,
    release,
    simulation,
    sources,
    status,
)
from muster_agent.system.firewall import firewalld, iptables, ksc_defender, nftables, ufw
from muster_agent.system.launchd import launchctl
from muster_agent.system.rpm import cache, check_update, installed, nevra, updateinfo, zypper
from muster_agent.system.rpm import history as rpm_history
from muster_agent.system.sockets import lsof, netstat, ss
from muster_agent.system.systemd import systemctl, unit
from muster_agent.system.wua import automatic

Reader = Callable[[bytes], Any]
PLIST = b'<plist version="1.0"><dict><key>a</key><array><integer>1</integer></array></dict></plist>'
RECORDING = (FOLDERS[0] / "recording.json").read_bytes()
TCP6 = b"sl local_address\n0: 00000000000000000000000001000000:0016 0:0 0A 0:0 0:0 0 0 0 5\n"
ZYPPER = b"S | Repository | Name | Current Version | Available Version | Arch\n-+-+-\nv | a | b | 1-1 | 2-1 | c\n"
UPDATES = b'{"part": "updates", "answer": {"error": "x"}}'
POWERSHELL = b"MUSTER-BEGIN " + base64.b64encode(UPDATES) + b" MUSTER-END\n"
AREA = bytes([1, 27, 0, 0, 1, 2, 3, 4, *range(16), 6, 0, 0]) + b"a\0b\0c\0d\0\0"
SMBIOS = bytes([0, 3, 2, 0]) + len(AREA).to_bytes(4, "little") + AREA
LSOF = b"COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsshd 1 root 3u IPv4 2 0t0 TCP *:22 (LISTEN)\n"
SS = b"Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"
DRWEB = b"Core engine version: 7.00\nVirus database timestamp: 2026-Jan-01 10:00:00\n"
FILETIME = (133415541070000000).to_bytes(8, "little")


def text(parse: Callable[..., Any], *more: Any) -> Reader:
    """A parser of text, as the machine hands it on."""
    return lambda data: parse(data.decode("utf-8", "replace"), *more)


def nothing(*_: Any) -> Any:
    """No file is included."""
    return []


def numbers(data: bytes) -> Any:
    """Every version and every name in a text, as rpm and dpkg put them together."""
    return [
        (nevra.split(word), nevra.normal(word), kernels.flavour(word))
        for word in data.decode("utf-8", "replace").split()
    ]


# What reads it, and the questions of the recordings whose answers it is made for (or one answer itself).
READERS: dict[str, tuple[Reader, str | bytes]] = {
    "passwd": (text(passwd.parse), "/etc/passwd"),
    "group": (text(passwd.parse_groups), "/etc/group"),
    "login.defs": (text(passwd.login_defs), "/etc/login.defs"),
    "shadow": (text(shadow.parse), "/etc/shadow"),
    "sudoers": (text(sudoers.parse, lambda path: "", nothing), "/etc/sudoers"),
    "lastlog": (lambda data: logins.lastlog(data, [0, 1000], len(data), "x86_64", "lastlog"), "/var/log/lastlog"),
    "wtmp": (lambda data: logins.wtmp(data, "aarch64", "wtmp"), "/var/log/wtmp"),
    "component": (text(identity.parse), b"Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3570.1.5"),
    "main.cvd": (lambda data: clamav.parse(data, "main.cvd"), r"\.c[vl]d"),
    "clamscan": (text(clamav.parse_version), b"ClamAV 1.4.3/28046/Mon Jun 29 03:27:20 2026"),
    "desktop entry": (lambda data: desktop_entries.parse(data, "a.desktop"), r"\.desktop"),
    "definfo.dat": (signature_registry.definitions, b"[DefDates]\nCurDefs=20260101.001\n"),
    "avast": (text(avast.parse_version), b"4.5.0\n"),
    "avast vps": (text(avast.parse_vps), b"24010104\n"),
    "bduitool": (
        text(bitdefender.parse),
        b"Product version: 7.0\nEngines version: 1.2\nLast security content update: x\n",
    ),
    "cortex info": (text(cortex.parse_info), b"Cortex XDR (R) supervisor tool 8.2.1.120305\n"),
    "cortex content": (text(cortex.parse_content), b"Content Type: 1\nContent Version: 1-2\n"),
    "cortex runtime": (text(cortex.parse_runtime), b"Name PID User Status Command\npmd 1 root Running pmd\n"),
    "falconctl": (text(crowdstrike.parse), b'aid="1", version = 7.10.0, rfm-state=false, cid is not set.'),
    "drweb-ctl": (text(drweb.parse_version), b"drweb-ctl 11.1.5\n"),
    "drweb baseinfo": (
        text(drweb.parse_bases),
        b"Core engine version: 7.00\nVirus database timestamp: 2026-Jan-01 10:00:00\n",
    ),
    "escan": (text(escan.parse), b"MicroWorld eScan For Linux Version : 7.0-5\n"),
    "upd": (text(eset.parse_modules), b"EM002 28000 (20260101) Detection engine\n"),
    "upd version": (text(eset.parse_version), b"/opt/eset/upd (eea) 8.1.8.0\n"),
    "eset settings": (eset_darwin.parse_settings, r"confd/settings\.json"),
    "fpscan": (text(fprot.parse), b"Virus signatures: 202601011200\n"),
    "kesl-control": (text(kaspersky.parse), "kesl-control"),
    "mdatp": (text(mdatp.parse), "mdatp"),
    "agent_cfg.json": (sangfor.parse, b'{"version": "3.5.12"}'),
    "sentinelctl": (text(sentinelone.parse), b"Agent version: 24.1\nAgent state  Enabled\nDFI engine   Enabled\n"),
    "sentinelctl (macOS)": (text(sentinelone_darwin.parse_status), b"Protection: enabled\nVersion: 24.1\n"),
    "sentinelctl version": (text(sentinelone_darwin.parse_version), b"SentinelOne 24.1.2.7444\n"),
    "savscan": (text(sophos.parse), b"Product version : 9.1\nVirus data version : 5.2\n"),
    "fsav": (
        text(withsecure.parse),
        b"F-Secure Linux Security version 11.10 build 68\nDatabase version: 2026-01-01_01\n",
    ),
    "zavcli": (text(zoner.parse), b"ZAVd version: 1.4\nZAVDB version: 202601\n"),
    "/proc/stat": (text(boot_time), "/proc/stat"),
    "fdesetup": (text(filevault.parse), "fdesetup|diskutil"),
    "mountinfo": (text(linux_mounts.parse), "/mountinfo"),
    "socketfilterfw": (text(application_firewall.parse), "socketfilterfw"),
    "systemctl status": (text(linux_units.status), "systemctl status"),
    "ip": (text(linux_addresses.printed), "ip -4 -o addr"),
    "if_inet6": (text(linux_addresses.inet6), "if_inet6"),
    "fib_trie": (lambda data: linux_addresses.of_trie(*[data.decode("utf-8", "replace")] * 2), "fib_trie|/net/route"),
    "ini": (text(ini), "os-version|kyinfo"),
    "pacman": (text(beside.of_pacman, "desc"), b"%NAME%\na\n\n%VERSION%\n1-1\n\n%ARCH%\nany\n"),
    "apk": (text(beside.of_apk), b"P:a\nV:1.0-r0\nA:x86_64\no:a\n\n"),
    "snap": (text(beside.of_snap, "snap.yaml"), b"name: a\nversion: '1'\narchitectures: [amd64]\n"),
    "netstat -rn": (text(routes_darwin.parse), "netstat -rn"),
    "/proc/net/route": (text(routes_linux.ipv4), "/proc/net/route"),
    "ipv6_route": (text(routes_linux.ipv6), "ipv6_route"),
    "pwpolicy": (
        lambda data: darwin_password.content(darwin_password.parse(data.decode("utf-8", "replace"))),
        "pwpolicy",
    ),
    "getstatus": (text(linux_kysec.parse_getstatus), "getstatus"),
    "sestatus": (text(linux_protection.parse_sestatus), b"SELinux status: enabled\nCurrent mode: enforcing\n"),
    "syslog": (lambda data: linux_log_oldest.first_line(data, 1_800_000_000), "/var/log/(?:syslog|messages|auth)"),
    "sharing": (text(sharing.parse), "sharing -l"),
    "cpuinfo": (text(cores), "/proc/cpuinfo"),
    "InstallHistory": (apple_history, "InstallHistory"),
    "apt.conf": (text(lambda said: configuration.merge({}, said)), "apt.conf"),
    "history.log": (text(history.last_in_apt_history), "/var/log/apt"),
    "dpkg.log": (text(history.last_in_dpkg_log), "dpkg.log"),
    "/proc/version": (text(lambda said: kernels.BUILT_AS.search(said)), "/proc/version"),
    "paragraphs": (lambda data: [paragraphs.fields(one) for one in paragraphs.split([data], "x")], "status|_Packages"),
    "preferences": (text(preferences.reaches, {"a"}, {"site"}), "preferences"),
    "Release": (release.parse, "Release"),
    "apt-get -s": (text(simulation.parse), "apt-get"),
    "apt-cache policy": (text(simulation.candidates), b"a:\n  Installed: 1\n  Candidate: 2\n"),
    "sources.list": (text(lambda said: list(sources.one_line(said, "amd64"))), r"sources\.list"),
    "deb822": (text(lambda said: list(sources.deb822(said, "amd64"))), b"Types: deb\nURIs: http://a/b\nSuites: x y/\n"),
    "dpkg status": (lambda data: status.parse(data, "status"), "dpkg.*/status"),
    "dscl": (text(directory_service.parse), "dscl"),
    "exports": (text(exports.parse), "exports|etab"),
    "filetime": (
        lambda data: filetime.moment(filetime.of_bytes(data, "x"), "x"),
        (133415541070000000).to_bytes(8, "little"),
    ),
    "firewalld.conf": (text(firewalld.default_zone), r"firewalld\.conf"),
    "zone": (text(firewalld.zone, "public.xml"), r"zones/.*\.xml"),
    "firewall-cmd": (text(firewalld.list_all_zones), "list-all-zones"),
    "iptables": (text(iptables.parse), "tables.*-save"),
    "nft": (text(lambda said: nftables.Ruleset(said).tables("ipv4")), "nft -j"),
    "ksc-defender": (text(ksc_defender.status), "ksc-defender"),
    "ufw.conf": (text(ufw.enabled), r"ufw\.conf"),
    "ufw defaults": (text(ufw.inbound), "default/ufw"),
    "ufw status": (text(ufw.status), b"Status: active\nDefault: deny (incoming), allow (outgoing)\n"),
    "journald size": (text(journald.size), b"500M"),
    "journald span": (text(journald.span), b"1month 2weeks 3d"),
    "keyfile": (text(keyfile.parse), r"\.conf|\.repo"),
    "launchctl list": (text(launchctl.listed), "launchctl list"),
    "launchctl print-disabled": (text(launchctl.overrides), "print-disabled"),
    "logrotate": (text(logrotate.parse, nothing), "logrotate"),
    "luksDump": (text(luks.parse), "luksDump"),
    "rc-update": (text(openrc.rc_update), "rc-update"),
    "rc-status": (text(openrc.rc_status), "rc-status"),
    "os-release": (lambda data: osrelease.parse(data[: osrelease.LIMIT].decode("utf-8", "replace")), "os-release"),
    "lsb-release": (text(osrelease.parse_lsb), b"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\n"),
    "SuSE-release": (text(osrelease.parse_release), b"openSUSE 13.1 (x86_64)\nVERSION = 13.1\nCODENAME = Bottle\n"),
    "pam": (text(pam.parse, "/etc/pam.d/x"), r"pam\.d"),
    "plist": (lambda data: plist.parse(data, "x.plist"), r"\.plist"),
    "plist (XML)": (lambda data: plist.parse(data, "x.plist"), PLIST),
    "/proc/net/tcp6": (text(lambda said: procfs.listening("tcp6", said)), TCP6),
    "/proc/1/status": (text(procfs.status), b"Name:\tinit\nState:\tS (sleeping)\n"),
    "recording": (
        lambda data: _refused(from_json, NotARecording, data.decode("utf-8", "replace")),
        RECORDING,
    ),
    "repomd.xml": (lambda data: cache.names_advisories(data, ["updateinfo.xml.gz"]), "repomd"),
    "check-update": (text(check_update.parse), "check-up"),
    "rpm -qa": (text(installed.parse), "rpm -qa"),
    "updateinfo": (text(updateinfo.parse), "updateinfo|advisory"),
    "zypper": (zypper.parse, "zypper"),
    "zypper table": (text(zypper.of_table), ZYPPER),
    "versions": (numbers, "rpm -qa"),
    "dnf.rpm.log": (text(rpm_history.last_in_dnf_log, 0), "dnf.rpm.log"),
    "yum.log": (text(rpm_history.last_in_yum_log, 1_700_000_000), "yum.log"),
    "zypp history": (text(rpm_history.last_in_zypper_history, 0), "zypp/history"),
    "smb.conf": (text(smb_conf.parse, lambda path: None), r"smb\.conf"),
    "usershare": (text(smb_conf.usershare, "a", True), "usershares"),
    "lsof": (
        text(lsof.parse),
        b"COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsshd 1 root 3u IPv4 2 0t0 TCP *:22 (LISTEN)\n",
    ),
    "netstat": (text(netstat.parse), "netstat -an"),
    "ss": (
        text(ss.parse),
        b"Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n",
    ),
    "sshd_config": (text(sshd.parse, nothing), "sshd_config"),
    "sshd -T": (text(sshd.parse_effective), b"permitrootlogin no\nusepam yes\n"),
    "list-unit-files": (
        text(systemctl.list_unit_files),
        b"UNIT FILE STATE\nssh.service enabled\n\n1 unit files listed.\n",
    ),
    "list-units": (
        text(systemctl.list_units),
        b"UNIT LOAD ACTIVE SUB DESCRIPTION\nssh.service loaded active running SSH\n",
    ),
    "systemctl show": (text(systemctl.show), "systemctl show"),
    "unit": (text(unit.parse), r"\.service"),
    "chkconfig": (text(sysv.chkconfig), "chkconfig"),
    "initctl": (text(sysv.initctl), "initctl"),
    "inittab": (text(sysv.default_runlevel), "inittab"),
    "PowerShell": (lambda data: powershell_answer.parse(data, data), POWERSHELL),
    "SMBIOS": (
        smbios.system_information,
        SMBIOS,
    ),
    "WUServer": (text(automatic.NOWHERE.match), b"http://127.0.0.1:8530"),
}
by_reader = pytest.mark.parametrize("name", READERS)


def _refused(parse: Callable[[Any], Any], error: type[Exception], data: Any) -> None:
    """A parser that refuses in its own words."""
    try:
        parse(data)
    except error as refusal:
        raise CannotRead("not_understood", str(refusal)[:80]) from None


@functools.cache
def answers() -> dict[str, bytes]:
    """Every file and every output of the recordings, by its question."""
    found = {}
    for group in GROUPS:
        for name, recording, question in questions(*group):
            answer = answer_to(recording, question)
            if question[0] in ("files", "starts", "programs") and not isinstance(answer, CannotRead):
                key = question[1] if isinstance(question[1], str) else " ".join(question[1])
                found[f"{key} {name}"] = answer.stdout if isinstance(answer, Output) else answer
    return found


@functools.cache
def samples(name: str) -> tuple[bytes, ...]:
    """Answers a parser is made for."""
    wanted = READERS[name][1]
    if isinstance(wanted, bytes):
        return (wanted,)
    return tuple(answer for key, answer in sorted(answers().items()) if re.search(wanted, key) and answer)


def fed(name: str, data: bytes) -> None:
    """Let a parser read."""
    try:
        READERS[name][0](data)
    except CannotRead as error:
        json.dumps([error.code, error.detail])


@by_reader
def test_a_parser_reads_what_it_is_made_for(name: str) -> None:
    """At least one sample is understood: the damage begins with something that means something."""
    assert samples(name), "no recording has it any more"
    understood = 0
    for sample in samples(name):
        try:
            READERS[name][0](sample)
            understood += 1
        except CannotRead:
            continue
    assert understood, samples(name)[0][:200]


@by_reader
@thorough(max_examples=2000 if MANY else 30)
@given(random=st.randoms(use_true_random=False, note_method_calls=False))
def test_a_damaged_text_is_read_or_refused(name: str, random: Random) -> None:
    data = random.choice(samples(name))
    for _ in range(random.choice([1, 1, 2, 4])):
        data = damaged_bytes(random, data)
    fed(name, data)


@by_reader
def test_a_swollen_text_takes_little_time(name: str) -> None:
    number = list(READERS).index(name)
    ways = swollen(samples(name)[number % len(samples(name))], 200_000)
    for way in ways if MANY else ways[number % 4 :: 4]:
        begun = time.process_time()
        fed(name, way)
        assert time.process_time() - begun < 1, way[:80]
