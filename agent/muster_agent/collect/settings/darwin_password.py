"""The password policy of macOS: ``pwpolicy -getaccountpolicies`` prints it as a property list behind one line.

Its conditions are predicates in text. Those Apple's own tools write are understood, any other is not guessed at.
"""

from __future__ import annotations

import re
from typing import Any

from muster_agent.collect.settings import darwin_characters
from muster_agent.machine import CannotRead, Machine, program_failed
from muster_agent.system import plist

PWPOLICY = ["/usr/bin/pwpolicy", "-getaccountpolicies"]
HEADING = "Getting global account policies"
LENGTH = re.compile(r"^policyAttributePassword matches '\^?\.\{([0-9]{1,3}),[0-9]{0,3}\}\+?\$?'$")
# May log in while fewer wrong passwords were typed than a number, or once enough time has passed since.
FAILED = re.compile(
    r"\(?policyAttributeFailedAuthentications ?< ?(?:policyAttributeMaximumFailedAuthentications|([0-9]{1,3}))\)?"
    r"(?: (?:OR|or|\|\|) \(?policyAttributeCurrentTime ?> ?"
    r"\(?policyAttributeLastFailedAuthenticationTime ?\+ ?(?:[A-Za-z]{1,60}|[0-9]{1,9})\)?\)?)?"
)
FAILURES, LARGEST = "FailedAuthentications", 999
MOST_FAILED, HISTORY = "policyAttributeMaximumFailedAuthentications", "policyAttributePasswordHistoryDepth"
AGE = "policyAttributeExpiresEveryNDays"


def parse(said: str) -> plist.Dictionary:
    """The policies. A Mac where nobody set any has an empty dictionary. Raises ``not_understood``."""
    start = said.find("<?xml")
    if start < 0:
        if HEADING in said:
            return {}
        raise CannotRead("not_understood", " ".join(PWPOLICY))
    return plist.parse(said[start:].encode("utf-8"), " ".join(PWPOLICY))


def _policies(machine: Machine) -> plist.Dictionary:
    output = machine.run(PWPOLICY)
    if output.status != 0:
        raise program_failed(PWPOLICY, output.status, output.stderr)
    return parse(output.stdout.decode("utf-8", "replace"))


def _of(policies: plist.Dictionary, category: str) -> list[dict[str, Any]]:
    found = policies.get(category, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise CannotRead("not_understood", category)
    return found


def _parameter(entry: dict[str, Any], name: str) -> int | None:
    parameters = entry.get("policyParameters")
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def content(policies: plist.Dictionary) -> tuple[int, int, int]:
    """(shortest password, days it is valid, how many former ones are remembered).

    A predicate that asks neither for a length nor for a kind of characters nor for a history is not understood: it may
    be the very rule an inspection asks for.
    """
    shortest, age, history = 0, 0, 0
    for entry in _of(policies, "policyCategoryPasswordContent"):
        predicate = str(entry.get("policyContent", ""))
        length, depth = LENGTH.match(predicate), _parameter(entry, HISTORY)
        if length:
            shortest = max(shortest, int(length.group(1)))
        elif depth is not None:
            history = max(history, depth)
        else:
            darwin_characters.kinds(predicate)
    for entry in _of(policies, "policyCategoryPasswordChange"):
        days = _parameter(entry, AGE)
        if days is None:
            raise CannotRead("not_understood", str(entry.get("policyContent", ""))[:200])
        age = days if age == 0 else min(age, days)
    return shortest, age, history


def complexity(policies: plist.Dictionary) -> bool:
    """Whether a password must mix characters: at least two kinds are asked for. No kind is no mixture; one alone, or a
    condition that may ask for more than is understood, is not called either way. Raises ``not_understood``."""
    asked: set[str] = set()
    for entry in _of(policies, "policyCategoryPasswordContent"):
        predicate = str(entry.get("policyContent", ""))
        if not LENGTH.match(predicate) and _parameter(entry, HISTORY) is None:
            asked |= darwin_characters.kinds(predicate)
    count = darwin_characters.count(asked)
    if count == 1:
        raise CannotRead("not_understood", f"{' '.join(PWPOLICY)}: {', '.join(sorted(asked))}")
    return count > 1


def threshold(policies: plist.Dictionary) -> int:
    """Wrong passwords after which an account is locked; 0 is never. Raises ``not_understood``."""
    found = 0
    for entry in _of(policies, "policyCategoryAuthentication"):
        predicate = " ".join(str(entry.get("policyContent", "")).split())
        if FAILURES not in predicate:
            continue  # when an account may log in, not how often it may fail
        match = FAILED.fullmatch(predicate)
        if match is None:
            raise CannotRead("not_understood", predicate[:200])
        number = int(match.group(1)) if match.group(1) else _parameter(entry, MOST_FAILED)
        if number is None or not 1 <= number <= LARGEST:
            raise CannotRead("not_understood", predicate[:200])
        found = number if found == 0 else min(found, number)
    return found


def policy(machine: Machine) -> tuple[int, int, int]:
    """What passwords must be, as :func:`content` says."""
    return content(machine.once(_policies))


def mixed(machine: Machine) -> tuple[bool]:
    """Whether passwords must mix characters, as :func:`complexity` says."""
    return (complexity(machine.once(_policies)),)


def lockout(machine: Machine) -> tuple[int]:
    """Wrong passwords after which an account is locked."""
    return (threshold(machine.once(_policies)),)
