"""muster --server: a real server over TLS says what the command at the server itself would print for that role."""

from __future__ import annotations

import http.server
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muster_server.cli import options_first, report

SCORECARD = str(Path(__file__).resolve().parents[2] / "scorecard")
if SCORECARD not in sys.path:
    sys.path.insert(0, SCORECARD)

AS_OF = re.compile(rb'"as_of": "[^"]*"')


@dataclass
class Served:
    """A server, its authority's file, and the files of its readers' credentials."""

    office: Any
    url: str
    ca: Path
    files: dict[str, Path]


@pytest.fixture(scope="module")
def served(bad_tls: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application behind the listener, as `muster serve` has it."""
    import small_office

    from muster_server.receive.encryption import Certificate
    from muster_server.receive.listener import Listener

    folder = tmp_path_factory.mktemp("served")
    office = small_office.make(folder / "data", names=("PC-0001", "Twin", "a/b"), other=("PC-9001", "twin"))
    ca = bad_tls.issued(folder, "ca", ca=True, purpose=None, hosts=())
    pair = bad_tls.issued(folder, "server", by=ca)
    listening = socket.create_server(("127.0.0.1", 0))
    certificate = Certificate(pair.pem, pair.key_pem)
    listener = Listener(office.application, [listening], office.receiver.metrics, certificate=certificate)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    while not listener.started:
        time.sleep(0.01)
    files = {}
    for name, credential in office.credentials.items():
        files[name] = folder / f"{name}.txt"
        files[name].touch(mode=0o600)
        files[name].write_text(credential + "\n")
    yield Served(office, f"https://127.0.0.1:{listening.getsockname()[1]}", ca.pem, files)
    listener.should_exit = True
    thread.join(20)
    office.close()


@pytest.fixture
def remote(served: Served, in_process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command against the server as somebody."""
    for name in ("MUSTER_SERVER", "MUSTER_ACCESS", "MUSTER_CA"):
        monkeypatch.delenv(name, raising=False)

    def run(who: str, *words: str | Path) -> Any:
        return in_process("--server", served.url, "--access", served.files[who], "--ca", served.ca, *words)

    return run


@pytest.mark.parametrize("who", ["administrator", "auditor", "viewer", "other viewer"])
def test_the_server_prints_byte_for_byte_what_the_command_prints_there(
    served: Served,
    remote: Callable[..., Any],
    in_process: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    tmp_path: Path,
) -> None:
    import small_office

    # What follows "next" names the way the server was addressed, which differs on purpose.
    monkeypatch.setattr(report, "_address", lambda ctx: "muster")
    month = small_office.this_month()
    pc = "PC-9001" if who == "other viewer" else "PC-0001"
    for words in (
        (),
        ("--all",),
        ("--limit", "1", "--color", "always"),
        ("--json",),
        ("--pc", pc),
        ("--pc", pc, "--all", "--json"),
        ("--rule", "av-001"),
        ("--rule", "NET-001", "--json"),
        ("--month", month),
        ("--month", month, "--json"),
        ("--pc", pc, "--month", month),
        ("--pc", "nobody"),
        ("--pc", "PC-9001" if who == "viewer" else "twin"),
        ("--rule", "AV-9"),
        ("--month", "1999-01"),
        ("--lang", "zh"),
        ("--pc", "a/b", "--lang", "zh"),
    ):
        for attempt in range(3):  # a minute, or the second of --json, may pass between the two
            there = remote(who, "report", *words)
            here = in_process("--data", served.office.path, "--access", served.files[who], "report", *words)
            if comparable(there) == comparable(here) or attempt == 2:
                break
        assert comparable(there) == comparable(here), words
    there, here = tmp_path / "there.html", tmp_path / "here.html"
    told = remote(who, "report", "--html", there)
    assert told.code == 0, told.err
    assert "a draft, the month still runs" in told.out
    in_process("--data", served.office.path, "--access", served.files[who], "report", "--html", here)
    assert plain(there) == plain(here)
    assert there.stat().st_mode & 0o777 == 0o644


def comparable(ran: Any) -> Any:
    """How a command ended, without the second at which a document was made."""
    return ran.code, AS_OF.sub(b"", ran.out.encode("utf-8", "surrogateescape")), ran.err


def plain(file: Path) -> str:
    """A report without the moment it was made at and what is made from that."""
    return re.sub(r"[0-9:]{5,8}|sha256-[^']*|[0-9A-F]{4}-[0-9A-F-]+|\\[0-9a-f]+ ", "", file.read_text("utf-8"))


def test_the_next_command_is_one_that_works(served: Served, remote: Callable[..., Any]) -> None:
    said = " ".join(remote("auditor", "report").out.split())
    assert f"--server {served.url} --access {served.files['auditor']} --ca {served.ca} report --rule" in said


def test_a_viewer_gets_the_unit_alone(remote: Callable[..., Any]) -> None:
    mine = remote("viewer", "report", "--all")
    assert mine.code == 0
    assert "PC-0001" in mine.out
    assert "PC-9001" not in mine.out
    theirs = remote("viewer", "report", "--pc", "PC-9001")
    nobody = remote("viewer", "report", "--pc", "PC-9002")
    assert theirs.code == nobody.code == 5
    assert theirs.err.replace("PC-9001", "X") == nobody.err.replace("PC-9002", "X")


def test_acts_are_done_by_the_server_and_logged_under_the_readers_name(
    served: Served, remote: Callable[..., Any], tmp_path: Path
) -> None:
    made = remote("administrator", "token", "--unit", "财务科")
    assert made.code == 0, made.err
    last = served.office.get("/v1/audit?limit=5000").json["entries"][-1]
    assert (last["operator"], last["act"]) == ("reader:administrator", "tokens.issue")
    for who in ("auditor", "viewer", "monitor"):
        refused = remote(who, "token", "--unit", "财务科")
        assert refused.code == 5
        assert "does not allow this" in refused.err
        assert refused.out == ""
    wrong = remote("administrator", "token", "--unit", "x\ty")
    assert wrong.code == 2
    assert len(wrong.err.strip().splitlines()) <= 2
    assert served.office.get("/v1/audit?limit=5000").json["entries"][-1] == last


@pytest.mark.parametrize("who", ["expired", "revoked"])
def test_a_credential_that_does_not_hold_is_a_clear_line(remote: Callable[..., Any], who: str) -> None:
    ran = remote(who, "report")
    assert (ran.code, ran.out) == (5, "")
    assert "does not take the credential" in ran.err
    assert "Traceback" not in ran.err


def test_a_monitor_reads_no_report(remote: Callable[..., Any]) -> None:
    ran = remote("monitor", "report")
    assert (ran.code, ran.out) == (5, "")
    assert "does not allow this" in ran.err


def test_a_file_that_others_can_read_is_not_used(
    served: Served, in_process: Callable[..., Any], tmp_path: Path
) -> None:
    open_file = tmp_path / "open.txt"
    open_file.write_text(served.office.credentials["auditor"])
    open_file.chmod(0o640)
    for place in (["--server", served.url, "--ca", served.ca], ["--data", served.office.path]):
        ran = in_process(*place, "--access", open_file, "report")
        assert (ran.code, ran.out) == (5, "")
        assert "others can read" in ran.err


class Portal(http.server.BaseHTTPRequestHandler):
    """Says one thing to everybody."""

    answer: tuple[int, bytes] = (200, b"<html>sign in</html>")

    def do_GET(self) -> None:
        """Answer."""
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("answer", "said", "code"),
    [
        ((404, b'{"error": "no_such_route", "detail": ""}'), "another version", 5),
        ((404, b"not found"), "not a Muster server", 5),
        ((302, b""), "not a Muster server", 5),
        ((500, b'{"error": "failed", "detail": "\\u001b[2J"}'), "500 failed \\x1b[2J", 5),
        ((401, b'{"error": "unauthorised", "detail": ""}'), "does not take the credential", 5),
        ((404, b'{"error": "no_pc", "names": ["\\u001b[2J"], "detail": ""}'), "no PC called 'x'", 5),
    ],
)
def test_what_is_no_server_of_this_version_is_a_clear_line(
    served: Served, in_process: Callable[..., Any], answer: tuple[int, bytes], said: str, code: int
) -> None:
    handler = type("Handler", (Portal,), {"answer": answer})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as portal:
        thread = threading.Thread(target=portal.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{portal.server_address[1]}"
        ran = in_process("--server", address, "--access", served.files["auditor"], "report", "--pc", "x")
        portal.shutdown()
        thread.join(10)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "\x1b" not in ran.err


def test_servers_that_cannot_be_reached_or_trusted_are_a_clear_line(
    served: Served, in_process: Callable[..., Any], tmp_path: Path
) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    plain = served.url.replace("https", "http")
    with_ca = ["--ca", served.ca]
    for server, more, code, said in (
        (f"https://127.0.0.1:{port}", with_ca, 5, "cannot be reached"),
        ("https://nobody.invalid", with_ca, 5, "no such server"),
        (served.url, [], 5, "not trusted"),
        (served.url, ["--ca", garbage], 5, "the CA cannot be used"),
        (served.url, ["--ca", tmp_path / "none.pem"], 5, "the CA cannot be used"),
        (served.url.replace("127.0.0.1", "localhost"), with_ca, 5, "not trusted"),
        (plain, [], 5, ""),
        ("http://muster.example", [], 2, "without https"),
        ("muster.example", [], 2, "not the address"),
        ("https://muster.example/a?b", [], 2, "not the address"),
        ("file:///etc/passwd", [], 2, "not the address"),
    ):
        ran = in_process("--server", server, *more, "--access", served.files["auditor"], "report")
        assert (ran.code, ran.out) == (code, ""), (server, ran.err)
        assert said in ran.err
        assert "Traceback" not in ran.err
        assert served.office.credentials["auditor"] not in ran.err


def test_what_does_not_go_together_is_a_usage_error(
    served: Served, in_process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, access, server = served.office.path, served.files["auditor"], served.url
    for words, said in (
        (("--data", data, "--server", server, "--access", access, "report"), "not both"),
        (("--server", server, "report"), "credential"),
        (("--data", data, "--ca", served.ca, "report"), "--ca goes with --server"),
        (("--data", data, "--access", access, "policy", "check"), "cannot be run as a role"),
        (("--server", server, "--access", access, "serve"), "at the server itself"),
        (("--server", server, "--access", access, "agents", "list"), "at the server itself"),
    ):
        ran = in_process(*words)
        assert ran.code == 2, (words, ran.err)
        assert said in ran.err, words
    monkeypatch.setenv("MUSTER_SERVER", server)
    monkeypatch.setenv("MUSTER_ACCESS", str(access))
    monkeypatch.setenv("MUSTER_CA", str(served.ca))
    assert in_process("report").code == 0
    assert in_process("--data", data, "report").code == 0  # what is typed comes first
    assert in_process("policy", "list").code in (0, 2)


def test_a_server_that_works_something_out_is_asked_again(
    served: Served, remote: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from muster_server.receive.refusal import Refusal
    from muster_server.web.looks import Looks

    calls = []
    right = Looks.tally

    async def first_later(self: Looks, unit: str | None) -> Any:
        calls.append(unit)
        if len(calls) < 3:
            raise Refusal(503, "being_judged", "", retry_after=0)
        return await right(self, unit)

    monkeypatch.setattr(Looks, "tally", first_later)
    ran = remote("viewer", "report")
    assert ran.code == 0
    assert ran.err.count("working it out") == 1
    assert len(calls) == 3


def test_options_of_the_group_may_stand_anywhere_but_for_those_of_the_agents_package() -> None:
    assert options_first(["report", "--server", "u", "--access=f", "--pc", "x"]) == [
        "--server",
        "u",
        "--access=f",
        "report",
        "--pc",
        "x",
    ]
    package = ["agent", "package", "--server", "https://a", "--ca", "c", "--data", "d"]
    assert options_first(package) == ["--data", "d", "agent", "package", "--server", "https://a", "--ca", "c"]
