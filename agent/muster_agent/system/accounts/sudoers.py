"""sudoers(5): who may do everything as root.

Read are the rules that a person writes: users, groups and their aliases, for all commands or for some. What says who
by more than names (negations, netgroups, rules for several hosts) is handed back as not simple, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Callable

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)\Z", re.DOTALL)
ALIAS_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")
INCLUDE = re.compile(r"[@#](include|includedir)\s+(\S.*)\Z")
RUN_AS = re.compile(r"\(([^()]*)\)\s*")
# What may stand before a command: NOPASSWD:, and options such as TIMEOUT=5m.
PREFIX = re.compile(r"(?:[A-Z_]+\s*:|[A-Z_]+=\S+)\s*")
# Whoever may start one of these as root may do everything.
SHELLS = {"su", "sh", "bash", "dash", "zsh", "ksh", "csh", "tcsh", "fish"}
ANOTHERS = ("targetpw", "rootpw", "runaspw")  # Defaults: the password asked for is root's, not one's own
DEPTH = 20  # include files within include files
MOST = 500  # files altogether: some that include each other twice would be read for ever


@dataclass
class Rules:
    """Who may do everything as root: names, %groups and #numbers; ALL is everybody."""

    administrators: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)  # those of whom a rule speaks that is not simple
    strange: list[str] = field(default_factory=list)  # the rules that are not simple
    asks_for_root: bool = False


@dataclass
class _Reading:
    read: Callable[[str], str]  # the text of a file; raises CannotRead
    listdir: Callable[[str], list[str]]
    folder: str
    aliases: dict[str, list[str]] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    asks_for_root: bool = False
    files: int = 0

    def file(self, text: str, depth: int = 0) -> None:
        """Take in the lines of a file and of those it includes. Raises :class:`CannotRead` when they are too many."""
        self.files += 1
        if self.files > MOST:
            raise CannotRead("not_understood", "sudoers: include")
        for line in _joined(text):
            include = INCLUDE.match(line)
            if include and depth < DEPTH:
                self._include(include.group(1), include.group(2).strip().strip('"'), depth)
            elif line.startswith("#") and not re.match(r"#[0-9]", line):
                continue
            else:
                self._line(line)

    def _include(self, kind: str, path: str, depth: int) -> None:
        path = path if path.startswith("/") else f"{self.folder}/{path}"
        if kind == "include":
            self.file(self.read(path), depth + 1)
            return
        for name in self.listdir(path):
            if "." not in name and not name.endswith("~"):  # sudoers(5): such files are skipped
                self.file(self.read(f"{path}/{name}"), depth + 1)

    def _line(self, line: str) -> None:
        alias = ALIAS.match(line)
        if line.startswith("Defaults"):
            words = re.split(r"[\s,]+", line)[1:]
            if line[8:9].isspace():
                for word in words:
                    self.asks_for_root |= word in ANOTHERS
        elif alias and alias.group(1) in ("User", "Cmnd", "Cmd"):
            for definition in alias.group(2).split(":"):
                name, equals, members = definition.partition("=")
                if equals:
                    self.aliases[name.strip()] = [member.strip() for member in members.split(",")]
        elif not alias:
            self.rules.append(line)


def _joined(text: str) -> list[str]:
    """The lines, those that end in a backslash with the next, without comments at their end."""
    lines = re.sub(r"\\\n", " ", text.replace("\r\n", "\n")).split("\n")
    said = (line.strip() for line in lines)
    return [re.sub(r"\s#(?![0-9]).*", "", line).strip() for line in said if line]


def _everything(commands: str, aliases: dict[str, list[str]]) -> bool | None:
    """Whether a list of commands is everything as root; None when it is not simple."""
    as_root = True
    found: bool | None = False
    for command in (part.strip() for part in commands.split(",")):
        run_as = RUN_AS.match(command)
        if run_as:
            users = [user.strip() for user in run_as.group(1).partition(":")[0].split(",")]
            as_root = bool({"ALL", "root", "#0"} & set(users))
        begins = run_as.end() if run_as else 0
        prefix = PREFIX.match(command, begins)
        while prefix:
            begins = prefix.end()
            prefix = PREFIX.match(command, begins)
        command = command[begins:]
        for part in aliases.get(command, [command]):
            if part.startswith("!"):
                return None
            if ALIAS_NAME.match(part) and part != "ALL":
                found = found or None
            elif as_root and (part == "ALL" or part.rpartition("/")[2] in SHELLS):
                found = True
    return found


def _subjects(text: str, aliases: dict[str, list[str]]) -> tuple[set[str], bool]:
    """The users a list names, and whether it is simple."""
    found: set[str] = set()
    simple = True
    names = [part.strip().strip('"') for part in text.split(",")]
    seen: set[str] = set()
    for name in names:  # grows while it is walked, by the members of each alias once
        if name in aliases:
            names += () if name in seen else (member.strip('"') for member in aliases[name])
            seen.add(name)
        elif not name or name[0] in "!+" or name.startswith("%:") or (re.search(r"\s", name) and name[0] != "%"):
            simple = False
        else:  # a group of a domain may have blanks in its name
            found.add(name.replace("\\", ""))
    return found, simple


def _rule(line: str, aliases: dict[str, list[str]], rules: Rules) -> None:
    left, equals, commands = line.partition("=")
    names = ",".join(part.strip() for part in left.split(",")).rsplit(None, 1)  # users and hosts
    if not equals or len(names) != 2:
        rules.strange.append(line)
        rules.doubtful.add("ALL")
        return
    who, simple = _subjects(names[0], aliases)
    # A second "host = commands" behind a colon; a tag is a word before its colon.
    several = re.search(r":\s*[^\s:=,()]+\s*=\s*[(/A-Z]", commands) is not None
    everything = None if several else _everything(commands, aliases)
    if everything and simple:
        rules.administrators |= who
    elif everything is None or (everything and not simple):
        rules.strange.append(line)
        rules.doubtful |= who if simple else {"ALL"}


def parse(text: str, read: Callable[[str], str], listdir: Callable[[str], list[str]], folder: str = "/etc") -> Rules:
    """The rules in the text of a sudoers file and the files it includes, which ``read`` and ``listdir`` fetch: what
    they raise comes through."""
    reading = _Reading(read, listdir, folder)
    reading.file(text)
    rules = Rules(asks_for_root=reading.asks_for_root)
    for line in reading.rules:
        _rule(line, reading.aliases, rules)
    if rules.asks_for_root:  # who must know root's password may be anybody: openSUSE's "ALL ALL=(ALL) ALL"
        rules.administrators.discard("ALL")
    return rules
