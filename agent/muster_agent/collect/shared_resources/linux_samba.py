"""The shares Samba offers: those of smb.conf, of its registry, and of the users themselves."""

from __future__ import annotations

from muster_agent.facts import Problem, SharedResource
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import programs, smb_conf
from muster_agent.system.smb_conf import Share

USERSHARES = "/var/lib/samba/usershares"
ADMINISTRATIVE = ("print$", "ipc$", "admin$")


def row_of(share: Share) -> SharedResource:
    """The row of a share of Samba."""
    return SharedResource(
        name=share.name,
        path=share.path,
        protocol="smb",
        type_name="Printer" if share.printable else "Disk",
        administrative=share.name.lower() in ADMINISTRATIVE,
        guest=share.guest,
        writable=share.writable,
    )


def shares(machine: Machine, notes: list[Problem]) -> list[SharedResource]:
    """The shares of smb.conf, of Samba's registry, and of the users themselves. Raises :class:`CannotRead`."""

    def included(path: str) -> str | None:
        try:
            return machine.text(path)
        except NotFound:
            return None

    text = included(smb_conf.PATH)
    if text is None:
        return []
    conf = smb_conf.parse(text, included)
    notes += [Problem("unsupported", "include_depends", path) for path in conf.unread]
    if conf.registry and not machine.privileged():
        notes.append(Problem("denied", "registry_shares_hidden", "net conf list"))
    elif conf.registry:
        try:
            smb_conf.parse(programs.text(machine, "net", "conf", "list"), included, conf)
        except CannotRead as error:
            notes.append(error.problem())
    found = smb_conf.shares(conf)
    if conf.defaults.get("usersharemaxshares", "") != "0":
        found += of_users(machine, conf, notes)
    notes += [Problem("unsupported", "guest_depends", share.name, "guest") for share in found if share.guest is None]
    return [row_of(share) for share in found]


def of_users(machine: Machine, conf: smb_conf.Conf, notes: list[Problem]) -> list[Share]:
    """The shares users made themselves, as the file managers of Kylin, UOS and GNOME do."""
    folder = conf.defaults.get("usersharepath") or USERSHARES
    guests = conf.boolean(None, "usershareallowguests", False)
    found = []
    try:
        for name in machine.names(folder):
            share = smb_conf.usershare(machine.text(f"{folder}/{name}", 64 * 1024), name, guests)
            found += [share] if share else []
    except CannotRead as error:
        notes.append(error.problem())
    return found
