"""The password policy of macOS: ``pwpolicy -getaccountpolicies`` prints it as a property list behind one line.

Its conditions are predicates in text. Those Apple's own tools write are understood, any other is not guessed at.
"""

from __future__ import annotations

import re
from typing import Any

from muster_agent import plist
from muster_agent.machine import CannotRead, Machine, program_failed

PWPOLICY = ["/usr/bin/pwpolicy", "-getaccountpolicies"]
HEADING = "Getting global account policies"
LENGTH = re.compile(r"^policyAttributePassword matches '\^?\.\{([0-9]{1,3}),[0-9]{0,3}\}\+?\$?'$")
CHARACTERS = re.compile(r"^policyAttributePassword matches '\(?[.^]?.{0,40}\[[^\]]{1,40}\].{0,40}'$")
FAILED = re.compile(
    r"policyAttributeFailedAuthentications\s*<\s*(?:policyAttributeMaximumFailedAuthentications|([0-9]{1,3}))"
)
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


def content(policies: plist.Dictionary) -> tuple[int, bool, int, int]:
    """(shortest password, whether it must mix characters, days it is valid, how many former ones are remembered).

    A predicate that asks neither for a length nor for a kind of characters nor for a history is not understood: it may
    be the very rule an inspection asks for.
    """
    shortest, mixed, age, history = 0, False, 0, 0
    for entry in _of(policies, "policyCategoryPasswordContent"):
        predicate = str(entry.get("policyContent", ""))
        length, depth = LENGTH.match(predicate), _parameter(entry, HISTORY)
        if length:
            shortest = max(shortest, int(length.group(1)))
        elif depth is not None:
            history = max(history, depth)
        elif CHARACTERS.match(predicate):
            mixed = True
        else:
            raise CannotRead("not_understood", predicate[:200])
    for entry in _of(policies, "policyCategoryPasswordChange"):
        days = _parameter(entry, AGE)
        if days is None:
            raise CannotRead("not_understood", str(entry.get("policyContent", ""))[:200])
        age = days if age == 0 else min(age, days)
    return shortest, mixed, age, history


def threshold(policies: plist.Dictionary) -> int:
    """Wrong passwords after which an account is locked; 0 is never. Raises ``not_understood``."""
    found = 0
    for entry in _of(policies, "policyCategoryAuthentication"):
        predicate = str(entry.get("policyContent", ""))
        match = FAILED.search(predicate)
        if match is None:
            continue  # when an account may log in, not how often it may fail
        number = int(match.group(1)) if match.group(1) else _parameter(entry, MOST_FAILED)
        if number is None:
            raise CannotRead("not_understood", predicate[:200])
        found = number if found == 0 else min(found, number)
    return found


def policy(machine: Machine) -> tuple[int, bool, int, int]:
    """What passwords must be, as :func:`content` says."""
    return content(machine.once(_policies))


def lockout(machine: Machine) -> tuple[int]:
    """Wrong passwords after which an account is locked."""
    return (threshold(machine.once(_policies)),)
