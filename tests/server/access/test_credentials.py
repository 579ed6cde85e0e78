"""Whose credential a header carries: every malformed, ended or foreign one is nobody's, and none is an error."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from muster_server.access.credentials import LIMIT, check
from muster_server.access.roles import GRANTED, Need, Role, may
from muster_server.store import readers
from muster_server.store.database import Database
from muster_server.store.readers import Reader

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def basic(text: str) -> str:
    """A Basic header."""
    return "Basic " + base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Connection, dict[str, str]]]:
    """A connection, and credentials that hold, have been revoked and have expired."""
    path: Path = tmp_path_factory.mktemp("access") / "muster.db"
    database = Database.create(path)
    credentials = {}
    with database.write() as connection:
        for name, days in (("holds", 1), ("revoked", 1), ("expired", 0)):
            made = readers.add(connection, name, "auditor", None, "os:test", NOW, NOW + timedelta(days=days))
            assert made is not None
            credentials[name] = made
        readers.revoke(connection, "revoked", NOW)
    with database.read() as connection:
        yield connection, credentials
    database.close()


def test_bearer_and_basic_carry_the_same_credential(known: tuple[Connection, dict[str, str]]) -> None:
    connection, credentials = known
    good = credentials["holds"]
    for header in (
        f"Bearer {good}",
        f"bearer   {good} ",
        f"\tBEARER {good}",
        basic(f"anybody:{good}"),
        basic(f":{good}"),
        basic(f"科长:{good}"),
    ):
        reader = check(connection, header, NOW)
        assert reader is not None and reader.name == "holds", header


def test_L2_L9_whatever_is_wrong_is_nobody(known: tuple[Connection, dict[str, str]]) -> None:
    connection, credentials = known
    good = credentials["holds"]
    wrong = [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        good,
        f"Token {good}",
        f"Digest {good}",
        f"Negotiate {good}",
        f"Bearer{good}",
        f"Bearer {good[:-1]}",
        f"Bearer {good}x",
        f"Bearer {good},{good}",
        f"Bearer {good} {good}",
        f"Bearer {good.upper()}",
        "Bearer mra_",
        f"Bearer {good}\x00",
        f"Bearer {credentials['revoked']}",
        f"Bearer {credentials['expired']}",
        basic(good),
        basic(f"{good}:"),
        basic(f"x:{credentials['revoked']}"),
        "Basic " + good,
        "Basic !!!",
        "Basic " + base64.b64encode(b"x:\xff\xfe").decode(),
        "Bearer " + "x" * 100_000,
        "Bearer " + " " * LIMIT + good,
    ]
    for header in wrong:
        assert check(connection, header, NOW) is None, header


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=200),
        st.builds(lambda scheme, rest: f"{scheme} {rest}", st.sampled_from(["Bearer", "Basic", "bearer"]), st.text()),
        st.builds(basic, st.text(max_size=60)),
        st.builds(lambda rest: "Bearer mra_" + rest, st.text(max_size=60)),
    )
)
def test_L2_no_header_is_an_error(known: tuple[Connection, dict[str, str]], header: str) -> None:
    assert check(known[0], header, NOW) is None


def test_what_is_wrong_takes_as_long_whatever_it_is(known: tuple[Connection, dict[str, str]]) -> None:
    """Within a factor of three: each is a digest and a look into the database."""
    connection, credentials = known
    headers = {
        "unknown": "Bearer " + credentials["holds"][:-1] + "x",
        "revoked": "Bearer " + credentials["revoked"],
        "scheme": "Digest x",
        "none": None,
    }
    samples: dict[str, list[float]] = {name: [] for name in headers}
    for _ in range(100):
        for name, header in headers.items():
            begun = time.perf_counter()
            check(connection, header, NOW)
            samples[name].append(time.perf_counter() - begun)
    took = {name: median(some) for name, some in samples.items()}
    assert max(took.values()) < 3 * min(took.values()), took


@pytest.mark.parametrize("need", list(Need))
@pytest.mark.parametrize("role", [*Role, "root", "Administrator", ""])
def test_a_role_is_granted_what_stands_in_the_table_and_an_unknown_one_nothing(role: str, need: Need) -> None:
    reader = Reader("x", role, None, NOW, "os:test", NOW, None)
    granted = GRANTED[Role(role)] if role in set(Role) else frozenset()
    assert may(reader, need) is (need in granted)
    if need is Need.ACT:
        assert may(reader, need) is (role == "administrator")
