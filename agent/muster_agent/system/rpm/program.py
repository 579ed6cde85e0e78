"""Which of dnf 5, dnf, yum and zypper serves this PC, and how each is asked without the network."""

from __future__ import annotations

from typing import Callable

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.rpm import cache, repositories
from muster_agent.system.rpm.cache import Cached
from muster_agent.system.rpm.repositories import Repositories

IMAGE = "/run/ostree-booted"  # the system is an image, and its packages are replaced with it
TIME_LIMIT = 90.0  # seconds; an ordinary user cannot keep dnf's digest of a cache, and waits for it to be made anew

# -C: from the cache alone, that of root where another user asks. Without plugins: subscription-manager's asks its
# server, and versionlock's would hide what is held back, which is not mended for that.
ZYPPER = ("/usr/bin/zypper", "--non-interactive", "--no-refresh", "--no-cd", "--xmlout")
# Its users have caches of their own, in a home folder that the agent does not give it.
DNF5 = ("/usr/bin/dnf5", "-C", "-q", "--no-plugins", f"--setopt=cachedir={cache.DNF5}", "--setopt=build_cache=0")
# Nothing of the question is worth a line in the log.
DNF = ("/usr/bin/dnf-3", "-C", "-q", "--noplugins", "--setopt=logfilelevel=0")
YUM = ("/usr/bin/yum", "-C", "-q", "--noplugins")


@dataclass(frozen=True)
class Program:
    """A program that knows the pending updates, and what it works on."""

    argv: tuple[str, ...]  # itself, and the options of every question
    check_update: tuple[str, ...]  # the words of the question
    updateinfo: tuple[str, ...]  # likewise; empty: it says both at once
    without_excludes: tuple[str, ...]  # the option that lets it see what is held back by name
    root: str  # of its cache
    cached: dict[str, Cached]
    repositories: Repositories

    @property
    def date(self) -> int:
        """How old its knowledge is: the newest of all repositories in use; 0 when nothing is there."""
        used = [known.date for name, known in self.cached.items() if self.uses(name)]
        return max(used, default=0)

    def uses(self, name: str) -> bool:
        """Whether a repository is enabled. The names of some hold a variable ($releasever), which only dnf knows."""
        return name in self.repositories.enabled or any("$" in enabled for enabled in self.repositories.enabled)

    @property
    def missing(self) -> list[str]:
        """The enabled repositories that were never downloaded."""
        return [name for name in self.repositories.enabled if name not in self.cached and "$" not in name]


def _zypper(machine: Machine, path: str) -> Program:
    words: tuple[str, ...] = ("list-updates", "-t", "package", "-t", "patch")
    cached, used = cache.of_zypper(machine), repositories.of_zypper(machine)
    there = [name for name in used.enabled if name in cached]
    if len(there) < len(used.enabled):
        # What was never downloaded it would fetch in spite of --no-refresh, so it is told which ones were.
        words = (*words, *(word for name in there for word in ("-r", name)))
    return Program(ZYPPER, words, (), (), cache.ZYPPER, cached, used)


def _dnf5(machine: Machine, path: str) -> Program:
    words, advisories = ("check-upgrade",), ("advisory", "list", "--updates")
    cached, used = cache.of_dnf(machine, cache.DNF5), repositories.of_dnf(machine)
    return Program(DNF5, words, advisories, ("--setopt=disable_excludes=*",), cache.DNF5, cached, used)


def _dnf(machine: Machine, path: str) -> Program:
    words, advisories = ("check-update",), ("updateinfo", "list", "--updates")
    cached, used = cache.of_dnf(machine, cache.DNF), repositories.of_dnf(machine)
    return Program((path, *DNF[1:]), words, advisories, ("--disableexcludes=all",), cache.DNF, cached, used)


def _yum(machine: Machine, path: str) -> Program:
    words, advisories = ("check-update",), ("updateinfo", "list", "updates")
    cached, used = cache.of_yum(machine), repositories.of_dnf(machine)
    return Program(YUM, words, advisories, ("--disableexcludes=all",), cache.YUM, cached, used)


# In the order of preference.
KNOWN: tuple[tuple[str, Callable[[Machine, str], Program]], ...] = (
    (ZYPPER[0], _zypper),
    (DNF5[0], _dnf5),
    (DNF[0], _dnf),
    ("/usr/bin/dnf", _dnf),
    (YUM[0], _yum),
)
# Names that are links to one of the others wherever that is there.
LINKS = ("/usr/bin/dnf", YUM[0])


def of(machine: Machine) -> Program:
    """The program of this PC: of those that are there and have repositories, the one whose knowledge is newest.

    Two can be there: dnf 4 and dnf 5 on Fedora, zypper and dnf on openSUSE; the other's cache is then left to age.
    Raises :class:`CannotRead` when there is none, or none has a repository, and for a system that is an image.
    """
    if machine.exists(IMAGE):
        raise CannotRead("system_is_an_image", IMAGE, "unsupported")
    found: list[Program] = []
    for path, of_path in KNOWN:
        if not (found and path in LINKS) and machine.exists(path):
            found.append(of_path(machine, path))
    if not found:
        raise CannotRead("no_update_program", "dnf, yum, zypper", "unsupported")
    usable = [program for program in found if program.repositories.enabled]
    if not usable:
        zypper_alone = all(program.root == cache.ZYPPER for program in found)
        raise CannotRead("no_repositories", repositories.ZYPPER if zypper_alone else repositories.FOLDERS[0])
    return max(usable, key=lambda program: program.date)
