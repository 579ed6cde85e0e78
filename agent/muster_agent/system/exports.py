"""exports(5): the folders an NFS server offers, and on what terms."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

PATH, FOLDER, SUFFIX = "/etc/exports", "/etc/exports.d", ".exports"
IN_FORCE = "/var/lib/nfs/etab"  # what exportfs has told the kernel
OCTAL = re.compile(r"\\([0-7]{3})")
# Who asks is believed to be who he says he is: nothing is proved (nfs(5), security considerations).
UNPROVED = ("sys", "none", "null", "unix")


@dataclass(frozen=True)
class Export:
    """A folder, offered to one client or group of clients."""

    path: str
    client: str  # * is everyone
    guest: bool  # no Kerberos ticket is asked for
    writable: bool


def parse(text: str, what: str = PATH) -> list[Export]:
    """The exports. Raises :class:`CannotRead` for a line that is none."""
    found = []
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").split("\n"):
        words = _words(line)
        if not words:
            continue
        if not words[0].startswith("/"):
            raise CannotRead("not_understood", f"{what}: {line.strip()[:80]}")
        clients, defaults = 0, ""
        for word in words[1:]:
            if word.startswith("-"):
                defaults = word[1:]
                continue
            host, bracket, options = word.partition("(")
            if bracket and not options.endswith(")"):
                raise CannotRead("not_understood", f"{what}: {line.strip()[:80]}")
            clients += 1
            found.append(_export(words[0], host or "*", f"{defaults},{options[:-1]}"))
        if not clients:  # to everyone
            found.append(_export(words[0], "*", defaults))
    return found


def _words(line: str) -> list[str]:
    """The words of a line: blanks part them outside of double quotes, # begins a comment where a word would begin."""
    words: list[str] = []
    word: list[str] = []
    quoted = begun = False
    for character in line:
        if character == '"':
            quoted, begun = not quoted, True
        elif character.isspace() and not quoted:
            if begun:
                words.append("".join(word))
            word, begun = [], False
        elif character == "#" and not begun:
            break
        else:
            word.append(character)
            begun = True
    if begun:
        words.append("".join(word))
    return [OCTAL.sub(lambda found: chr(int(found.group(1), 8)), word) for word in words]


def _export(path: str, client: str, options: str) -> Export:
    """The terms: the last word counts; those behind a sec= are for its flavours."""
    base = False
    flavours: dict[str, bool] = {}  # flavour -> may write
    current: list[str] = []
    for option in options.split(","):
        name, _, value = option.strip().partition("=")
        if name in ("rw", "ro"):
            if current:
                flavours.update(dict.fromkeys(current, name == "rw"))
            else:
                base = name == "rw"
        elif name == "sec":
            current = [flavour for flavour in value.split(":") if flavour]
            for flavour in current:
                flavours.setdefault(flavour, base)
    if not flavours:
        flavours = {"sys": base}
    return Export(path, client, any(flavour in UNPROVED for flavour in flavours), any(flavours.values()))
