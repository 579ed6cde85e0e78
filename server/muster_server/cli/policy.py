"""muster policy: check the policy files before they judge anybody."""

from __future__ import annotations

from pathlib import Path

import click

from muster_server.cli import Context, Failure
from muster_server.document.mistakes import Mistake, PolicyError
from muster_server.feeds.os_support import FILE as END_OF_SUPPORT
from muster_server.feeds.os_support import load as load_end_of_support
from muster_server.judge.policies import Checked, check_folder, check_policy, folder_in_force, refuse_shared_ids
from muster_server.resources import bundled
from muster_server.words import Words

DIGEST_SHOWN = 12  # hexadecimal digits: enough to tell the versions of one office's policy apart


def command(words: Words) -> click.Group:
    """The group ``policy`` in the language of ``words``."""

    @click.group(
        "policy",
        help=words("policy.description"),
        epilog=words("policy.check.examples"),
        short_help=words("policy.short"),
    )
    def policy() -> None:
        pass

    @policy.command("check", help=words("policy.check.description"), epilog=words("policy.check.examples"))
    @click.argument("paths", nargs=-1, metavar=f"[{words('policy.check.paths')}]...", type=click.Path(path_type=Path))
    @click.pass_obj
    def check(context: Context, paths: tuple[Path, ...]) -> None:
        for path in paths:
            if not path.exists():
                raise Failure(words("policy.check.missing", path=path), words("policy.check.missing_advice"), 2)
        own = context.data / "policies" if context.data is not None else None
        mistakes, files = _check(paths or (folder_in_force(own, bundled("policies")),), words)
        if mistakes:
            said = words("policy.check.failed", mistakes=mistakes, files=files)
            raise Failure(said, words("policy.check.failed_advice"))

    return policy


def _check(paths: tuple[Path, ...], words: Words) -> tuple[int, int]:
    """Print what came of every file. Returns the number of mistakes and of the files they stand in."""
    found: list[Mistake] = []
    checked: list[Checked] = []
    for path in dict.fromkeys(paths):
        dates = path / END_OF_SUPPORT if path.is_dir() else path if path.name == END_OF_SUPPORT else None
        try:
            if path.is_dir():
                checked += check_folder(path)
            elif dates is None:
                checked.append(check_policy(path))
        except PolicyError as error:
            found += error.mistakes
        if dates is not None and dates.exists():
            found += _check_dates(dates, words)
    checked = list({one.path.resolve(): one for one in checked}.values())  # a file can be named twice
    if len(paths) > 1:
        refuse_shared_ids(checked)
    for one in checked:
        found += one.mistakes
        if one.policy is not None:
            said = {"policy": one.policy.id, "version": one.policy.version, "rules": len(one.policy.rules)}
            click.echo(words("policy.check.good", path=one.path, digest=one.policy.digest[:DIGEST_SHOWN], **said))
    for mistake in found:
        click.echo(mistake.text(words))
    wrong = [mistake.path for mistake in found if not mistake.warning]
    return len(wrong), len(set(wrong))


def _check_dates(path: Path, words: Words) -> tuple[Mistake, ...]:
    """Check the dates of end of support: print what they hold, or return the mistakes in them."""
    try:
        dates = load_end_of_support(path)
    except PolicyError as error:
        return error.mistakes
    click.echo(words("policy.check.dates", path=path, products=len(dates.products), as_of=dates.as_of))
    return ()
