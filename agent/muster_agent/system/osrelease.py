"""What a Linux distribution says of itself: os-release(5), and where that is missing the release file of its family.

CentOS 6, Red Hat 5 and 6, SLES 11 and 中标麒麟 have no os-release; they say in one line of a file of their own what
they are. It is put in the words of os-release, so that nobody else has to know.
"""

from __future__ import annotations

import re
import shlex

from muster_agent.machine import CannotRead, Machine, NotFound

PLACES = ("/etc/os-release", "/usr/lib/os-release")
NAMED = ("ID", "NAME", "PRETTY_NAME")  # what an os-release that says anything has at least one of
FOLDER = "/etc"
FILE = re.compile(r"([A-Za-z]{2,20})[-_](release|version)\Z")
# Links to the distribution's own file, or what it is built from: asked last.
GENERIC = ("lsb", "redhat", "system", "fedora", "mandrakelinux", "debian")
# "CentOS release 6.9 (Final)", "NeoKylin Linux release V7Update6 (Chromium)", "Slackware 14.1"
LINE = re.compile(r"(.*?\S)\s+(?:release\s+)?([vV]?[0-9][0-9A-Za-z.+-]*)\s*(Alpha|Beta)?\s*(?:\(([^()]*)\))?")
# What a name begins with, and the ID its os-release has since it has one.
IDS = (
    ("Red Hat Enterprise", "rhel"),
    ("Oracle Linux", "ol"),
    ("Enterprise Linux Enterprise", "ol"),
    ("SUSE Linux Enterprise Server", "sles"),
    ("SUSE Linux Enterprise Desktop", "sled"),
    ("Amazon Linux", "amzn"),
    ("Arch Linux", "arch"),
    ("openEuler", "openEuler"),
    ("ALT ", "altlinux"),
)
LIMIT = 64 * 1024  # bytes; real ones have less than one thousand, and shlex takes its time with a megabyte
ROLLING = ("manjaro", "arch", "artix", "void", "endeavouros")  # distributions without versions
DEBIAN = {"debian": "Debian GNU/Linux", "devuan": "Devuan GNU/Linux"}


def parse(text: str) -> dict[str, str]:
    """The assignments of an os-release file, unquoted as a shell would; a line a shell would refuse stays as it is, but
    one that ends within its quotes was cut off and says nothing."""
    found = {}
    for line in text.lstrip("\ufeff").splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            found[name] = "".join(shlex.split(value))
        except ValueError:
            if value[:1] not in "\"'":
                found[name] = value
    return found


def parse_lsb(text: str) -> dict[str, str]:
    """An lsb-release file in the words of os-release; empty when it names no distribution."""
    said = parse(text)
    if not said.get("DISTRIB_ID"):
        return {}
    found = {"NAME": said["DISTRIB_ID"], "ID": _identifier(said["DISTRIB_ID"])}
    for name, own in (("VERSION_ID", "RELEASE"), ("VERSION_CODENAME", "CODENAME"), ("PRETTY_NAME", "DESCRIPTION")):
        if said.get("DISTRIB_" + own):
            found[name] = said["DISTRIB_" + own]
    return found


def parse_release(text: str) -> dict[str, str]:
    """A release file of one line in the words of os-release; empty when it is none. SuSE-release has more lines."""
    first = text.lstrip("\ufeff").strip().split("\n")[0].strip()
    said = LINE.match(first)
    if not said:
        # Of any other a line without version was cut off, or is the name of a file this one should have led to.
        rolling = first.split(" ")[0].lower() in ROLLING
        return {"NAME": first, "ID": _identifier(first), "PRETTY_NAME": first} if rolling else {}
    name, version, _, codename = said.groups()
    found = {"NAME": name, "ID": _identifier(name), "PRETTY_NAME": first, "VERSION_ID": version.lstrip("vV")}
    found["VERSION"] = first[len(name) :].replace("release", "", 1).strip()
    level = re.search(r"^PATCHLEVEL\s*=\s*([0-9]{1,3})\s*$", text, re.MULTILINE)
    if re.search(r"^VERSION\s*=", text, re.MULTILINE):  # SuSE-release: in brackets stands the machine
        named = re.search(r"^CODENAME\s*=\s*(\S.*)$", text, re.MULTILINE)
        codename = named.group(1).rstrip() if named else None
        found["VERSION_ID"] += "." + level.group(1) if level else ""
    if codename and codename != "Official":  # Mandriva's word for a release that is out
        found["VERSION_CODENAME"] = codename
    return found


def parse_version(text: str, who: str) -> dict[str, str]:
    """debian_version and the like: a number, or the codename of a release in the making."""
    said = text.strip().split("\n")[0].strip()
    if not said:
        return {}
    return {
        "ID": who,
        "NAME": DEBIAN.get(who, who.capitalize()),
        "VERSION_ID" if said[0].isdigit() else "VERSION_CODENAME": said,
    }


def _identifier(name: str) -> str:
    known = next((identifier for start, identifier in IDS if name.startswith(start)), None)
    return known or re.sub(r"[^A-Za-z0-9_.-]", "", name.split()[0]).lower()


def _older(machine: Machine) -> dict[str, str]:
    """What the release files of ``machine`` say, the distribution's own first."""
    files = [found for found in map(FILE.match, machine.names(FOLDER)) if found and found.group(1).lower() != "os"]
    order = {name: number for number, name in enumerate(GENERIC)}
    for file in sorted(files, key=lambda file: order.get(file.group(1).lower(), -1)):
        who, kind = file.group(1).lower(), file.group(2)
        try:
            text = machine.text(f"{FOLDER}/{file.group()}", LIMIT)
        except CannotRead:  # a folder (mint's upstream-release), or a link that leads nowhere
            continue
        if kind == "release":
            said = parse_lsb(text) if who == "lsb" else parse_release(text)
        else:
            said = parse_version(text, who) if who in DEBIAN else parse_release(text)
        if said:
            return said
    return {}


def read(machine: Machine) -> dict[str, str]:
    """The os-release of ``machine``, or what its release file says in its words. Raises :class:`NotFound` where there
    is neither."""
    found: dict[str, str] = {}
    for path in PLACES:
        try:
            found = parse(machine.text(path, LIMIT))
        except NotFound:
            continue
        if any(found.get(name) for name in NAMED):
            return found
    older = _older(machine)
    if not older:
        raise NotFound(PLACES[0])
    return {**found, **older}


def family(machine: Machine) -> tuple[str, ...]:
    """The distribution's ID and those it says it is like, e.g. ("linuxmint", "ubuntu", "debian"); lower case."""
    found = read(machine)
    return tuple(f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".lower().split())
