"""muster-agent export: write the waiting reports into one file, for a PC that has no way to the server."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from muster_agent.collect import collect
from muster_agent.commands.failure import Failure
from muster_agent.commands.run import identity, spooled, summary
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home, Unusable
from muster_agent.sending.http import BadAddress, Unreachable
from muster_agent.sending.owners import must_be_ours
from muster_agent.sending.places import default_home
from muster_agent.words import Words


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("target", metavar="FILE|DIR", help=words("export.target"))
    parser.add_argument("--no-collect", action="store_true", help=words("export.no_collect"))
    parser.add_argument("--force", action="store_true", help=words("export.force"))
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))


def target(named: str, agent: str, force: bool) -> Path:
    """The file to write. In a folder it is named by the PC's id and the time, and never by a name a PC gave itself."""
    path = Path(named)
    if path.is_dir():
        path = path / f"muster-{agent[:8]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.reports"
    elif not path.parent.is_dir():
        raise Failure("no_folder", str(path.parent), 2)
    if not force and (path.exists() or path.is_symlink()):
        raise Failure("file_exists", str(path), 2)
    return path


def export(home: Home, arguments: argparse.Namespace, words: Words) -> int:
    """Collect unless told not to, and write what waits; it stays in the spool until its receipts are here."""
    from muster_agent.sending import stick
    from muster_agent.sending.spool import Spool

    enrolment = identity(home, words)
    path = target(arguments.target, enrolment.agent, arguments.force)
    spool = Spool(home)
    dropped = 0
    if not arguments.no_collect:
        tables = collect(LocalMachine())
        _, _, dropped = spooled(home, spool, enrolment, tables)
        for line in summary(tables, words):
            print(line)
    reports = [signed for _, _, signed in spool.waiting()]
    if dropped:
        print(words("run.dropped", count=dropped))
    if spool.damaged:
        print(words("run.damaged", count=len(spool.damaged), folder=home.refused))
    if not reports:
        raise Failure("nothing_waits", str(home.spool), 3)
    data = stick.bundle(enrolment.agent, reports)
    try:
        stick.write_new(path, data, arguments.force)
    except FileExistsError:
        raise Failure("file_exists", str(path), 2) from None
    except OSError as error:
        raise Failure("no_space", f"{path}: {error.strerror}") from None
    print(words("export.done", count=len(reports), path=path, size=f"{len(data):,}"))
    print(words("export.next", name=path.name))
    return 3 if spool.damaged else 0


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    try:
        place = arguments.home or default_home()
        must_be_ours(place)
        home = Home(place)
        with home.lock():
            return export(home, arguments, words)
    except BadAddress as error:
        return Failure(str(error)).show(words)
    except (Unusable, Unreachable) as error:
        return Failure(error.code, error.detail).show(words)
    except ImportError:
        return Failure("no_cryptography").show(words)
    except Failure as failure:
        return failure.show(words)
