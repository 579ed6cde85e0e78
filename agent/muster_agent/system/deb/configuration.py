"""apt's settings (apt.conf(5)): "A::B "1";" and "A { B "1"; };" say the same."""

from __future__ import annotations

import contextlib
import re

from muster_agent.machine import Machine, NotFound

FOLDER = "/etc/apt/apt.conf.d"
FILE = "/etc/apt/apt.conf"
INCLUDES = "#include"  # the key under which :func:`read` says that a file includes another one
# A comment that is not inside a text, a text, one of { } ;, a directive, or a word.
# include reads another file, which only apt can follow.
INCLUDE = re.compile(r"^[ \t]*#include\b", re.MULTILINE)
TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*|\#(?!clear\b|include\b)[^\n]*)
      |"(?P<text>(?:[^"\\\n]|\\.)*)"
      |(?P<mark>[{};])
      |(?P<word>[^\s{};"]+)""",
    re.VERBOSE | re.DOTALL,
)


def is_read(name: str, *extensions: str) -> bool:
    """Whether apt reads the file ``name`` of a folder of settings (GetListOfFilesInDir in apt-pkg/contrib/fileutl.cc):
    letters, digits, ``_ - : .`` alone, and one of the ``extensions`` after the last dot, or no dot where "" is one."""
    if re.match(r"^[A-Za-z0-9_:.-]+$", name) is None:
        return False
    return name.rpartition(".")[2] in extensions if "." in name else "" in extensions


def merge(settings: dict[str, str], text: str) -> None:
    """Read one file into ``settings``, by lower-case name; a later file wins. Lists (several values) are not kept."""
    scopes: list[str] = []
    words: list[str] = []
    value: str | None = None
    for token in TOKEN.finditer(text):
        if token.group("comment") is not None:
            continue
        if token.group("text") is not None:
            value = token.group("text")
        elif token.group("word") is not None:
            words.append(token.group("word"))
        elif token.group("mark") == "{":
            scopes.append("::".join(words))
            words, value = [], None
        else:
            _assign(settings, scopes, words, value)
            words, value = [], None
            if token.group("mark") == "}" and scopes:
                scopes.pop()


def _assign(settings: dict[str, str], scopes: list[str], words: list[str], value: str | None) -> None:
    if not words:
        return
    if words[0] == "#clear":
        cleared = "::".join(words[1:]).lower()
        for name in [name for name in settings if name == cleared or name.startswith(cleared + "::")]:
            del settings[name]
        return
    # A value need not be quoted: APT::Periodic::Enable 1;
    said = value if value is not None else words.pop() if len(words) > 1 else None
    if said is not None:
        settings["::".join([*filter(None, scopes), words[0]]).lower()] = said


def read(machine: Machine) -> dict[str, str]:
    """apt's settings in the order apt reads them. Raises :class:`CannotRead` when one of the files is unreadable."""
    settings: dict[str, str] = {}
    for name in machine.names(FOLDER):
        if is_read(name, "conf", ""):
            _merge_file(settings, machine.text(f"{FOLDER}/{name}"))
    with contextlib.suppress(NotFound):
        _merge_file(settings, machine.text(FILE))
    return settings


def _merge_file(settings: dict[str, str], text: str) -> None:
    if INCLUDE.search(text):
        settings[INCLUDES] = "1"
    merge(settings, text)
