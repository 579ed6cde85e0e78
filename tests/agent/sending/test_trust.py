"""The agent trusts its own authority's servers and nobody else, and no setting can make it (security.md L17)."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import muster_agent
from muster_agent import cli
from muster_agent.commands import run
from muster_agent.facts import Boot, Table
from muster_agent.sending.home import Enrolment, Home, State
from muster_agent.sending.http import Unreachable, post
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.trust import client_context
from muster_agent.words import LANGUAGES, Words

AGENT = Path(muster_agent.__file__).resolve().parent
KINDS = {
    "self-signed": "not_trusted",
    "wrong name": "not_trusted",
    "expired": "not_valid_now",
    "not yet valid": "not_valid_now",
    "another authority": "not_trusted",
    "for clients only": "not_trusted",
    "an authority's own": "not_trusted",
    "TLS 1.1 only": "no_tls",
    "plain HTTP": "no_tls",
    "garbage": "no_tls",
}
TABLES = {"boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),))}


@pytest.fixture(scope="module")
def bench(bad_tls: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The servers."""
    return bad_tls.bench(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=KINDS)
def bad(request: pytest.FixtureRequest, bench: Any) -> Iterator[Any]:
    """A bad server that runs."""
    [found] = [server for server in bench.bad if server.kind == request.param]
    found.requests.clear()
    with found.running() as server:
        yield server


def enrolled(folder: Path, url: str, ca: Path) -> tuple[Home, Enrolment]:
    """A PC that was enrolled when its server was still the right one."""
    home = Home(str(folder / "home"))
    SigningKey.generate().save(str(home.key))
    enrolment = Enrolment(url, "0b7c2f63-5a0d-4a8f-9c1e-6f1d2a3b4c5d", "x", "ab" * 32, str(ca))
    home.enrol(enrolment, State())
    return home, enrolment


def said(kind: str, lang: str, err: str) -> None:
    """What went wrong is one line and one of advice, in that language."""
    line, advice = err.splitlines()
    words = Words(lang)
    assert line.startswith("muster-agent: " + words("failure." + KINDS[kind]))
    assert advice.strip() == words("failure." + KINDS[kind] + ".advice")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_sends_nothing_and_keeps_its_report(
    lang: str, bad: Any, bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, enrolment = enrolled(tmp_path, bad.url, bench.ca)
    assert run.run(home, enrolment, TABLES, Words(lang)) == 3
    said(bad.kind, lang, capsys.readouterr().err)
    assert not bad.requests
    assert len(list(home.spool.glob("*.json"))) == 1
    assert home.state().seq == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_enrolling_gives_no_token_away(
    lang: str, bad: Any, bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("secret-token")
    words = ["--lang", lang, "enrol", bad.url, "--token-file", str(tmp_path / "token"), "--ca", str(bench.ca)]
    assert cli.main([*words, "--home", str(tmp_path / "home")]) == 5
    said(bad.kind, lang, capsys.readouterr().err)
    assert not bad.requests
    assert not (tmp_path / "home" / "enrolment.json").exists()


def test_the_figure_of_the_scorecard(bad_tls: Any) -> None:
    assert bad_tls.trusted_and_tried() == (0, len(KINDS))


def test_a_client_that_checks_nothing_gets_through_to_every_one_that_speaks_tls(bench: Any, bad_tls: Any) -> None:
    """So what the agent refuses it refuses for the one thing that is wrong."""
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        careless.minimum_version = ssl.TLSVersion.TLSv1
    careless.set_ciphers("ALL:@SECLEVEL=0")
    for one in bench.bad:
        if one.context is None:
            continue
        one.requests.clear()
        with one.running() as server:
            host, port = server.url.removeprefix("https://").split(":")
            with socket.create_connection((host, int(port))) as plain, careless.wrap_socket(plain) as connection:
                connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 202")
        assert one.requests, one.kind


def test_no_authority_of_the_system_counts_beside_the_one_it_was_given(bench: Any) -> None:
    context = client_context(str(bench.ca))
    assert len(context.get_ca_certs()) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_environment_neither_adds_an_authority_nor_gets_the_keys(
    bench: Any, bad_tls: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [other] = [server for server in bench.bad if server.kind == "another authority"]
    monkeypatch.setenv("SSL_CERT_FILE", str(bench.ca.with_name("other-ca.pem")))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    with other.running() as server, pytest.raises(Unreachable, match="not_trusted"):
        post(server.url, "/", b"", {}, str(bench.ca))
    with bench.good.running() as server:
        assert post(server.url, "/", b"", {}, str(bench.ca)).status == 202
    assert not (tmp_path / "keys").exists()


def test_a_name_counts_in_its_own_place_only(bench: Any, bad_tls: Any, tmp_path: Path) -> None:
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True)
    named = bad_tls.issued(tmp_path, "localhost", ca, hosts=())
    with bad_tls.Server("by common name", bad_tls.speaking(named)).running() as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(Unreachable, match="not_trusted"):
            post(url, "/", b"", {}, str(ca.pem))
    assert not server.requests


def test_a_server_that_turns_to_garbage_behind_good_tls_is_not_muster(bench: Any, bad_tls: Any, tmp_path: Path) -> None:
    home, enrolment = enrolled(tmp_path, "", bench.ca)
    for answer in (bad_tls.GARBAGE, b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nnot json!"):
        good = bad_tls.Server("good", bench.good.context, answer=answer)
        with good.running() as server, pytest.raises(Unreachable, match="not_muster"):
            post(server.url, "/", b"", {}, enrolment.ca)
    assert home.state().seq == 0


# -- there is no way round -------------------------------------------------------------------------------------------


def test_nothing_in_the_agent_weakens_tls() -> None:
    banned = re.compile(
        r"CERT_NONE|CERT_OPTIONAL|_create_unverified|check_hostname|_create_default_https|SECLEVEL|set_ciphers"
        r"|minimum_version = .*(?:TLSv1\b|TLSv1_1|SSLv3)|verify_mode|verify_flags"
    )
    made = []
    for path in AGENT.rglob("*.py"):
        text = path.read_text("utf-8")
        assert not banned.search(text), path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in ("SSLContext", "create_default_context", "wrap_socket"):
                made.append(path.name)
    assert made == ["trust.py", "trust.py"], "the annotation and the one place where a context is made"


def test_no_option_and_no_setting_is_about_trust_but_the_authoritys_file() -> None:
    options: set[str] = set()
    for name in cli.COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"muster_agent.commands.{name}").add_arguments(parser, Words("en"))
        options.update(option for action in parser._actions for option in action.option_strings)
    assert "--ca" in options
    doubtful = re.compile("insecure|verif|trust|tls|ssl|cert|unsafe|skip|ignore|allow|plain|no-check")
    assert [option for option in options if doubtful.search(option)] == []
    from muster_agent.sending.conf import KEYS

    assert [key for key in KEYS if doubtful.search(key)] == []
    variables = set()
    for path in AGENT.rglob("*.py"):
        variables.update(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text("utf-8")))
    assert [name for name in variables if doubtful.search(name.lower())] == []
    assert any(name.startswith("MUSTER_") for name in variables), "the search finds what it looks for"
