"""Read policy files and folders of them. What is wrong comes as a ``PolicyError`` with every mistake in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from muster_server.document.mistakes import Mistake, Place, PolicyError
from muster_server.document.nodes import compose, open_source, refuse_untrusted
from muster_server.feeds.os_support import FILE as END_OF_SUPPORT
from muster_server.judge.loading import Loader
from muster_server.judge.policy import Policy


@dataclass
class Checked:
    """What came of a file: the policy unless something is wrong, and everything that was found."""

    path: Path
    policy: Policy | None
    mistakes: list[Mistake] = field(default_factory=list)
    places: dict[str, tuple[Place, str]] = field(default_factory=dict)  # rule id -> where it stands, and that line


def load_policy(path: Path) -> Policy:
    """Read one file. Raises ``PolicyError`` with every mistake in it."""
    checked = check_policy(path)
    if checked.policy is None:
        raise PolicyError(checked.mistakes)
    return checked.policy


def load_policies(folder: Path) -> list[Policy]:
    """Read every policy of a folder, by file name. Raises ``PolicyError`` with every mistake in all of them.

    A folder without a policy is an error too: nothing to judge by must not look like nothing to mend. So is a folder
    or file that anybody may write, a symbolic link, and a rule id that two policies use.
    """
    found = check_folder(folder, trusted_only=True)
    if any(checked.policy is None for checked in found):
        raise PolicyError(mistake for checked in found for mistake in checked.mistakes)
    return [checked.policy for checked in found if checked.policy is not None]


def policy_files(folder: Path) -> list[Path]:
    """The files of a folder that must be policies: all YAML in it but the dates of end of support."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name != END_OF_SUPPORT)


def folder_in_force(own: Path | None, shipped: Path) -> Path:
    """The folder whose policies judge: a deployment's ``own`` when it holds any, else the ``shipped`` one."""
    return own if own is not None and own.is_dir() and policy_files(own) else shipped


def check_folder(folder: Path, trusted_only: bool = False) -> list[Checked]:
    """Check every policy of a folder, each and together. Raises ``PolicyError`` when the folder holds none."""
    start = Place(1, 1)
    try:
        if trusted_only:
            refuse_untrusted(folder, folder.stat())
        paths = policy_files(folder)
    except OSError as error:
        raise PolicyError([Mistake(str(folder), start, "cannot_read", {"error": error.strerror or error})]) from error
    if not paths:
        raise PolicyError([Mistake(str(folder), start, "no_policies")])
    found = [check_policy(path, trusted_only) for path in paths]
    refuse_shared_ids(found)
    return found


def refuse_shared_ids(found: list[Checked]) -> None:
    """Two policies cannot use one rule id or one policy id: a verdict names its rule by the id alone."""
    rules: dict[str, str] = {}
    policies: dict[str, str] = {}
    for checked in found:
        for rule, (place, line) in checked.places.items():
            if rule in rules:
                args = {"rule": rule, "other": rules[rule]}
                checked.mistakes.append(Mistake(str(checked.path), place, "rule_in_two_policies", args, line))
                checked.policy = None
            rules.setdefault(rule, str(checked.path))
        if checked.policy is not None:
            if checked.policy.id in policies:
                args = {"policy": checked.policy.id, "other": policies[checked.policy.id]}
                checked.mistakes.append(Mistake(str(checked.path), Place(1, 1), "policy_id_used_twice", args))
                checked.policy = None
            else:
                policies[checked.policy.id] = str(checked.path)


def check_policy(path: Path, trusted_only: bool = False) -> Checked:
    """Check one file. Never raises for what is in it, or for a file that cannot be read: all that is in the answer."""
    try:
        source = open_source(path, trusted_only)
    except PolicyError as error:
        return Checked(path, None, list(error.mistakes))
    loader = Loader(source)
    policy = loader.load(compose(source))
    source.mistakes.sort(key=lambda mistake: (mistake.place.line, mistake.place.column))
    return Checked(path, None if source.wrong else policy, source.mistakes, loader.places)
