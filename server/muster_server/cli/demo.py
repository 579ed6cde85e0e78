"""muster demo: the whole line on this PC, from facts to the month's report."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from muster_agent.commands.failure import Failure as AgentFailure
from muster_agent.sending.home import Unusable
from muster_agent.sending.http import Unreachable
from muster_server import settings
from muster_server.assessment import month
from muster_server.cli import Context, Failure, typed
from muster_server.cli.token import issue
from muster_server.demo import office
from muster_server.demo.office import UNITS
from muster_server.demo.running import NotStarted, server
from muster_server.deployment import Deployment
from muster_server.render import html
from muster_server.render.inert import inert
from muster_server.store import history
from muster_server.tally import Tally
from muster_server.words import Words

MOST = 2000  # simulated PCs; each makes a key and an enrolment of its own
TIME_LIMIT = 120  # seconds for this PC's own agent
FOLDER = Path("demo-data")


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("demo", help=words("demo.help"), epilog=words("demo.examples"), short_help=words("demo.short"))
    @click.option(
        "--office",
        "size",
        metavar="N",
        type=click.IntRange(0, MOST),
        default=0,
        show_default=True,
        help=words("demo.office"),
    )
    @click.pass_obj
    def demo(context: Context, size: int) -> None:
        Demonstration(context.data or FOLDER, words).run(size)

    return demo


class Demonstration:
    """One run. Everything it makes lies in one folder; running again goes on from there."""

    def __init__(self, data: Path, words: Words) -> None:
        self.data = data
        self.say = words
        self.deployment = Deployment(data)
        self.agent_home = data / "agent"

    def run(self, size: int) -> None:
        """Set up, serve, let every PC report, stop, and show what came of it."""
        begun = time.monotonic()
        self.set_up()
        port = self.data / "demo-port"
        self.tell("demo.starting")
        try:
            known = int(port.read_text()) if port.is_file() else 0
            with server(self.data, known) as address:
                port.write_text(str(urlsplit(address).port))
                self.this_pc(address)
                self.the_office(address, size)
        except NotStarted as error:
            said = self.say("demo.not_started", said=inert(str(error)))
            raise Failure(said, self.say("demo.not_started_advice")) from None
        except (AgentFailure, Unusable, Unreachable, ValueError) as error:
            said = self.say("demo.damaged", data=self.data, said=inert(str(error)))
            raise Failure(said, self.say("demo.not_started_advice")) from None
        self.tell("demo.stopped")
        click.echo()
        self.show(begun)

    def tell(self, key: str, **values: object) -> None:
        """One line of what is going on: to stderr, the reports go to stdout."""
        click.echo(self.say(key, **values), err=True)

    def set_up(self) -> None:
        """Make the deployment, once."""
        if (self.data / "muster.db").is_file():
            self.tell("demo.again", data=self.data, **self.history())
            return
        fresh = not (self.data / settings.FILE).exists()
        try:
            Deployment.create(self.data, self.say("demo.name"), self.say)
            if fresh:
                with (self.data / settings.FILE).open("a", encoding="utf-8") as file:
                    for unit, person, _ in UNITS:
                        file.write(f"  {self.say.of(unit)}: {self.say.of(person)}\n")
        except OSError as error:
            raise Failure(self.say("init.failed", data=self.data, error=error.strerror or error)) from None
        self.tell("demo.made", data=self.data)

    def history(self) -> dict[str, object]:
        """What earlier runs left: how many reports, and when the first came."""
        database = self.deployment.database()
        try:
            with database.read() as connection:
                span = history.span(connection)
                first = span[0].astimezone() if span else datetime.now().astimezone()
                return {"reports": history.count(connection), "since": first.strftime("%Y-%m-%d %H:%M")}
        finally:
            database.close()

    def this_pc(self, address: str) -> None:
        """Enrol this PC's agent, once, and run it: the real commands in processes of their own."""
        if not (self.agent_home / "enrolment.json").is_file():
            token = issue(self.deployment, self.say("demo.this_unit"), 1, 1)
            self.agent("enrol", address, given=token)
        self.agent("run")

    def agent(self, *words: str, given: str = "") -> None:
        """Run muster-agent; a secret goes in by standard input, never by an argument."""
        line = [sys.executable, "-m", "muster_agent", "--lang", self.say.lang, *words, "--home", str(self.agent_home)]
        done = subprocess.run(  # noqa: S603  # our own interpreter and our own package
            line, input=given, capture_output=True, text=True, timeout=TIME_LIMIT
        )
        for said in done.stdout.splitlines():
            click.echo("  muster-agent: " + said, err=True)
        if done.returncode != 0:
            said = "\n".join(inert(line) for line in done.stderr.strip().splitlines())
            raise Failure(self.say("demo.agent_failed", said=said))

    def the_office(self, address: str, size: int) -> None:
        """Let the simulated PCs report, through the same door."""
        if size == 0:
            return

        def token(unit: int) -> str:
            return issue(self.deployment, self.say.of(UNITS[unit][0]), 1, 1, (office.TAG,))

        folder = self.data / "office"
        with click.progressbar(office.members(size), size, self.say("demo.office_reports"), file=sys.stderr) as bar:
            reported = sum(office.report(member, folder, address, token) for member in bar)
        self.tell("demo.office_reported", reported=reported, size=size)

    def show(self, begun: float) -> None:
        """The terminal report, as `muster report` prints it; the month's file; and where everything is."""
        this = [sys.executable, "-m", "muster_server"] if sys.argv[0].endswith(".py") else [sys.argv[0]]
        line = [*this, "--data", str(self.data), "--lang", self.say.lang, "report"]
        subprocess.run(line, check=True, timeout=TIME_LIMIT)  # noqa: S603  # as above; it inherits the terminal
        current = month(self.data, f"{datetime.now():%Y-%m}")
        path = self.data / f"month-{current.name}-{self.say.lang}.html"
        html.write(current, path, self.say)
        self.where(current.tally, path, time.monotonic() - begun)

    def where(self, tally: Tally, path: Path, seconds: float) -> None:
        """Where each thing is, and what to type next."""
        click.echo()
        click.echo(self.say("demo.where", html=path, data=self.data, seconds=f"{seconds:.1f}"))
        program = Path(typed())
        for pc in tally.pcs:
            if not pc.pc.tags:
                names = {"muster": program, "agent": program.with_name("muster-agent"), "pc": shlex.quote(pc.pc.name)}
                click.echo(self.say("demo.next", data=self.data, **names))
