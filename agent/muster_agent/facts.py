"""The contract: every fact table, its row type, and what a PC says when it could not fill one.

Agent and server share this module and nothing else by accident: the agent fills these rows, the server decodes
reports into them, the policy loader checks rules against them, and docs/tables.md is written from them. Names are
osquery's wherever osquery has the fact.

Rules that hold for every table:

* ``None`` in a column means "not read", never "no". What ``None`` means for a column stands in its description.
* A table holds nothing that changes by itself between two runs of an unchanged PC (no pids, no counters, no ages).
* Rows stand in canonical order (:func:`muster_agent.canonical.canonical_rows`), so that equal tables are equal bytes.
"""

from __future__ import annotations

from typing import Any, Dict

from muster_agent.columns import ADDRESS, BOOLEAN, INTEGER, MOMENT, TEXT, VERSION, column
from muster_agent.dataclass import dataclass
from muster_agent.settings import Settings

# -- the tables, in the order a reader asks for them -----------------------------------------------------------------


@dataclass(frozen=True)
class OsVersion:
    """The operating system (one row)."""

    name: str | None = column(TEXT, "Its name as it calls itself, e.g. Debian GNU/Linux.")
    version: str | None = column(TEXT, "Its version as it calls itself, e.g. 12 (bookworm).")
    major: int | None = column(INTEGER, "First number of the version; null for a rolling release.")
    minor: int | None = column(INTEGER, "Second number; null when the system does not state one.")
    patch: int | None = column(INTEGER, "Third number; null when the system does not state one.")
    build: str | None = column(TEXT, "Build, e.g. 26100.8655 on Windows, 1070 on UOS; null where there is none.")
    platform: str | None = column(TEXT, "windows, darwin, or the os-release ID on Linux, e.g. debian, kylin, uos.")
    platform_like: str | None = column(TEXT, "os-release ID_LIKE; null when not stated.")
    codename: str | None = column(TEXT, "Codename of the release, e.g. bookworm; null when not stated.")
    arch: str | None = column(TEXT, "Machine architecture as uname says it, e.g. x86_64, aarch64, loongarch64.")
    edition: str | None = column(TEXT, "Edition, e.g. Professional, Desktop; null where the system has none.")


@dataclass(frozen=True)
class SystemInfo:
    """The machine (one row)."""

    hostname: str | None = column(TEXT, "Name the machine gives itself on the network.")
    uuid: str | None = column(TEXT, "Firmware UUID; null without administrator rights or when it is a placeholder.")
    cpu_brand: str | None = column(TEXT, "Processor model; null when the kernel does not name it.")
    cpu_physical_cores: int | None = column(INTEGER, "Physical cores; null when the kernel does not say.")
    cpu_logical_cores: int | None = column(INTEGER, "Logical processors online.")
    physical_memory: int | None = column(INTEGER, "Memory in bytes.")
    hardware_vendor: str | None = column(TEXT, "Maker; null in most containers and virtual machines.")
    hardware_model: str | None = column(TEXT, "Model; null in most containers and virtual machines.")
    hardware_serial: str | None = column(
        TEXT, "Serial number; null without administrator rights or when a placeholder."
    )


@dataclass(frozen=True)
class Boot:
    """The last start (one row). The time it started, not how long ago: an unchanged PC must say the same twice."""

    boot_id: str | None = column(TEXT, "Identifier of this start; null where the system has none.")
    boot_time: str | None = column(MOMENT, "When the system started.")


@dataclass(frozen=True)
class Antivirus:
    """A protection product: installed, running and fresh are three separate facts."""

    id: str | None = column(TEXT, "Id in the product catalogue; null for a product it does not know.")
    name: str | None = column(TEXT, "Product name.")
    vendor: str | None = column(TEXT, "Maker.")
    type: str | None = column(
        TEXT,
        "What it is; only av and edr count as antivirus.",
        ("av", "edr", "mgmt", "nac", "dlp", "zt", "server", "hids", "os"),
    )
    registered: bool | None = column(BOOLEAN, "Registered with the system's security centre; null where there is none.")
    running: bool | None = column(BOOLEAN, "Its service runs now; null when the processes could not be seen.")
    realtime: bool | None = column(BOOLEAN, "It checks files as they are opened; null when the product does not tell.")
    version: str | None = column(VERSION, "Product version; null when not readable.")
    signatures_version: str | None = column(TEXT, "Version of the signatures; null when not readable.")
    signatures_date: str | None = column(MOMENT, "When the signatures were built; null when not readable.")
    signatures_current: bool | None = column(
        BOOLEAN, "The product, or the security centre, calls its signatures current; null when neither says."
    )
    basis: str | None = column(TEXT, "What this row rests on, e.g. package:clamav-daemon process:clamd.")


@dataclass(frozen=True)
class Update:
    """A pending update: something newer than what is installed is on offer."""

    name: str | None = column(TEXT, "Package, or title of the update on Windows.")
    arch: str | None = column(TEXT, "Architecture of the package; null on Windows.")
    source: str | None = column(TEXT, "Source package it is built from; null where there is none.")
    installed: str | None = column(VERSION, "Installed version; null on Windows.")
    available: str | None = column(VERSION, "Version on offer.")
    security: bool | None = column(BOOLEAN, "It mends a security fault, by the publisher's word; null when unknowable.")
    origin: str | None = column(TEXT, "Who offers it, e.g. Debian-Security:12/oldstable-security.")
    kb: str | None = column(TEXT, "Microsoft knowledge-base number, e.g. KB5031356; null elsewhere.")
    severity: str | None = column(TEXT, "The publisher's word for how bad it is, e.g. Critical; null when it has none.")
    advisory: str | None = column(TEXT, "The publisher's advisory, e.g. RHSA-2023:1335; null when it names none.")


@dataclass(frozen=True)
class UpdateStatus:
    """The patch state of the whole PC (one row)."""

    metadata_date: str | None = column(
        MOMENT, "How old the knowledge of pending updates is: the newest date its publishers or the last refresh state."
    )
    last_installed: str | None = column(MOMENT, "Day an update was last installed; null when no log tells.")
    automatic: bool | None = column(
        BOOLEAN, "Security updates install themselves; null when the setting cannot be read."
    )
    reboot_required: bool | None = column(
        BOOLEAN, "A restart is needed to finish an update; null when nothing can tell."
    )
    reboot_reason: str | None = column(TEXT, "Why, e.g. the package names; null when no restart is needed.")
    running_kernel: str | None = column(TEXT, "Kernel release that runs.")
    installed_kernel: str | None = column(
        TEXT, "Newest installed kernel of the same flavour; null when none is installed."
    )


@dataclass(frozen=True)
class Patch:
    """An installed Windows hotfix, from the servicing store. osquery's table without who installed it and where."""

    hotfix_id: str | None = column(
        TEXT, "Knowledge-base number, e.g. KB5031356; null for a cumulative update's package."
    )
    description: str | None = column(TEXT, "What it is, e.g. cumulative, servicing stack, or the package's own name.")
    version: str | None = column(VERSION, "Version of its package; a cumulative update's is the build it brings.")
    installed_on: str | None = column(MOMENT, "When it was installed; null when the store does not say.")


# Programs are Windows's uninstall entries, apps are macOS's bundles, brew is what Homebrew poured.
PACKAGE_SYSTEMS = ("deb", "rpm", "pacman", "apk", "snap", "flatpak", "program", "app", "brew")


@dataclass(frozen=True)
class Package:
    """An installed package or program."""

    name: str | None = column(TEXT, "Package name.")
    version: str | None = column(VERSION, "Installed version.")
    type: str | None = column(TEXT, "Package system, which also orders its versions.", PACKAGE_SYSTEMS)
    arch: str | None = column(TEXT, "Architecture; null where the package system has none.")
    source: str | None = column(TEXT, "Source package it is built from; advisories speak of these.")
    source_version: str | None = column(VERSION, "Version of the source package.")


@dataclass(frozen=True)
class ListeningPort:
    """A listening socket. osquery's table without pid, fd and socket, which change by themselves."""

    protocol: str | None = column(TEXT, "tcp or udp (osquery's 6 and 17, spelt out).", ("tcp", "udp"))
    family: str | None = column(TEXT, "ipv4 or ipv6 (osquery's 2 and 10, spelt out).", ("ipv4", "ipv6"))
    address: str | None = column(ADDRESS, "Address it listens on; 0.0.0.0 and :: are every address.")
    port: int | None = column(INTEGER, "Port number.")
    scope: str | None = column(
        TEXT,
        "Who can reach it by its address: loopback is this PC only, link is the local segment, network is everyone. "
        "A socket bound to a device (SO_BINDTODEVICE) may be reached by fewer: /proc does not tell.",
        ("loopback", "link", "network"),
    )
    process: str | None = column(TEXT, "Name of the listening program; null when it belongs to another user.")
    path: str | None = column(TEXT, "Its file; null when it belongs to another user, or to the kernel.")


@dataclass(frozen=True)
class Firewall:
    """A host firewall, one row for each of its profiles or zones that is in force."""

    name: str | None = column(TEXT, "The firewall, e.g. Windows Defender Firewall, ufw, firewalld, nftables.")
    profile: str | None = column(TEXT, "Profile or zone, e.g. domain, private, public; null where it has none.")
    enabled: bool | None = column(BOOLEAN, "It filters now; null when that could not be read.")
    inbound: str | None = column(
        TEXT, "What happens to a connection no rule speaks of; null when not readable.", ("allow", "block")
    )
    basis: str | None = column(TEXT, "What this row rests on, e.g. registry policy, service, rules.")


@dataclass(frozen=True)
class DiskEncryption:
    """A volume of a fixed disk, and whether what it holds is encrypted."""

    name: str | None = column(TEXT, "Device or volume, e.g. /dev/sda2, C:, disk1s1.")
    mount: str | None = column(TEXT, "Where it is mounted, e.g. /; null when it is not.")
    system: bool | None = column(BOOLEAN, "It holds the operating system.")
    encrypted: bool | None = column(BOOLEAN, "All of it is encrypted and locked by a key; null when not readable.")
    type: str | None = column(TEXT, "By what, e.g. LUKS2, BitLocker, FileVault; null when not encrypted.")
    encryption_status: str | None = column(
        TEXT,
        "Where it stands; undefined when not readable.",
        ("encrypted", "encrypting", "decrypting", "suspended", "not encrypted", "undefined"),
    )


@dataclass(frozen=True)
class User:
    """A local account. Accounts of a domain or directory are not listed."""

    uid: int | None = column(
        INTEGER, "User number; on Windows the last part of the SID (500 Administrator, 501 Guest)."
    )
    username: str | None = column(TEXT, "Login name.")
    type: str | None = column(TEXT, "For people, or made for a service or the system.", ("person", "system"))
    shell: str | None = column(TEXT, "Login shell; null on Windows.")
    enabled: bool | None = column(BOOLEAN, "It can be logged in to; null when that could not be read.")
    administrator: bool | None = column(
        BOOLEAN, "Has, or may take, administrator rights: uid 0, or a local group that grants them."
    )
    password_status: str | None = column(
        TEXT,
        "active: set. empty: none needed. locked: none fits. optional: may be an empty one. Null when not readable.",
        ("active", "empty", "locked", "optional"),
    )
    password_expires: bool | None = column(BOOLEAN, "Its password has to be changed one day; null when not readable.")
    password_changed: str | None = column(MOMENT, "Day its password was last changed; null when not readable.")
    last_login: str | None = column(MOMENT, "Day it was last logged in to; null when never, or not readable.")


@dataclass(frozen=True)
class Service:
    """A service the system can start. osquery's table without the pid, which changes by itself."""

    name: str | None = column(TEXT, "Service or unit name without .service, e.g. sshd, TermService.")
    display_name: str | None = column(TEXT, "What it calls itself to people; null when it has no other name.")
    start_type: str | None = column(
        TEXT,
        "How it starts, in Windows's words. On Linux an enabled unit is AUTO_START, a masked one DISABLED, any other "
        "DEMAND_START.",
        ("BOOT_START", "SYSTEM_START", "AUTO_START", "DEMAND_START", "DISABLED"),
    )
    status: str | None = column(
        TEXT,
        "Of a service that starts by itself: whether it runs. Null for those started on demand, which come and go, and "
        "when not readable.",
        ("RUNNING", "STOPPED", "PAUSED"),
    )
    path: str | None = column(TEXT, "Program it runs; null when not readable.")
    user_account: str | None = column(TEXT, "Account it runs as; null when not stated.")


@dataclass(frozen=True)
class InterfaceAddress:
    """A network interface and one of its addresses; a row without address when it has none."""

    interface: str | None = column(TEXT, "Interface, e.g. eth0, Ethernet 2.")
    mac: str | None = column(TEXT, "Address of the card, lower case with colons; null where it has none.")
    type: str | None = column(
        TEXT,
        "What it is; mobile is a 4G stick or a telephone that shares its network. Null when the system does not tell.",
        ("ethernet", "wireless", "mobile", "virtual", "tunnel", "loopback"),
    )
    address: str | None = column(
        ADDRESS, "One of its addresses, without temporary IPv6 ones, which change by themselves."
    )
    mask: str | None = column(TEXT, "Prefix length of the address, e.g. 24 or 64; null without address.")


@dataclass(frozen=True)
class Route:
    """A way out of this PC: every default route and every route over a gateway. Those to its own networks and what a
    router announces with a lifetime are left out."""

    destination: str | None = column(ADDRESS, "Where it leads; 0.0.0.0 or :: with netmask 0 is everywhere.")
    netmask: int | None = column(INTEGER, "Prefix length of the destination.")
    gateway: str | None = column(ADDRESS, "Next hop; null when it has none.")
    interface: str | None = column(TEXT, "Interface it leaves by.")
    metric: int | None = column(INTEGER, "Cost; the smaller is taken. Null where the system has none.")


@dataclass(frozen=True)
class SharedResource:
    """A folder or printer this PC offers to others."""

    name: str | None = column(TEXT, "Name of the share; the exported path for NFS.")
    path: str | None = column(TEXT, "Folder it opens; null for a printer or a pipe.")
    protocol: str | None = column(TEXT, "Protocol it is offered by.", ("smb", "nfs", "afp", "webdav"))
    type_name: str | None = column(TEXT, "What it is.", ("Disk", "Printer", "Device", "IPC"))
    administrative: bool | None = column(BOOLEAN, "The system made it for administrators, e.g. C$, ADMIN$.")
    guest: bool | None = column(BOOLEAN, "It can be opened without a password; null when not readable.")
    writable: bool | None = column(BOOLEAN, "It may be written to by those it is open to; null when not readable.")


@dataclass(frozen=True)
class RemoteAccess:
    """A program by which somebody elsewhere can see or steer this PC."""

    id: str | None = column(TEXT, "Id in the catalogue of remote-access programs.")
    name: str | None = column(TEXT, "Program name.")
    vendor: str | None = column(TEXT, "Maker; null where there are many.")
    running: bool | None = column(BOOLEAN, "It runs now; null when the processes could not be seen.")
    version: str | None = column(VERSION, "Its version; null when not readable.")
    basis: str | None = column(TEXT, "What this row rests on, e.g. package:anydesk process:anydesk.")


# One name in every place: this key = the folder of the collector = the folder of its recordings = the table of a
# policy = the table in the store.
TABLES: dict[str, type[Any]] = {
    "os_version": OsVersion,
    "system_info": SystemInfo,
    "boot": Boot,
    "antivirus": Antivirus,
    "updates": Update,
    "update_status": UpdateStatus,
    "patches": Patch,
    "packages": Package,
    "listening_ports": ListeningPort,
    "firewall": Firewall,
    "disk_encryption": DiskEncryption,
    "users": User,
    "services": Service,
    "interface_addresses": InterfaceAddress,
    "routes": Route,
    "shared_resources": SharedResource,
    "remote_access": RemoteAccess,
    "settings": Settings,
}

# Tables of something that only these systems have. Elsewhere nothing is missing, and the table says so.
ONLY_ON = {"patches": ("windows",)}

# -- what stands where a table could not be filled -------------------------------------------------------------------

STATUSES = ("ok", "error", "denied", "unsupported", "stale")


@dataclass(frozen=True)
class Problem:
    """Why something could not be read. ``code`` is a key of words.json, so that every language can say it."""

    status: str  # one of STATUSES, never "ok"
    code: str  # what happened, e.g. "not_found"
    detail: str = ""  # the file, program or line it happened to; untrusted text once it has left the PC
    column: str | None = None  # the column it concerns; None: the whole table


@dataclass(frozen=True)
class Table:
    """One collected table: rows, or the problem that stands in their place; and what is missing inside the rows."""

    rows: tuple[Any, ...] | None = None
    problem: Problem | None = None
    notes: tuple[Problem, ...] = ()

    @property
    def status(self) -> str:
        """``ok``, or the status of the problem."""
        return "ok" if self.problem is None else self.problem.status


Tables = Dict[str, Table]
