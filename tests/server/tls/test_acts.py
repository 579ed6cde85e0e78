"""Make, renew, use: what changes, what stays, and what is refused before anything does."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_server.tls import Refused, acts, authority, certificate, folder, trial
from muster_server.tls.acts import Change
from muster_server.tls.condition import condition


def snapshot(data: Path) -> dict[str, bytes]:
    """Every file of the deployment."""
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def refused(data: Path, code: str, do: Any, *given: Any, **named: Any) -> None:
    """The act is refused, and nothing has changed."""
    before = snapshot(data)
    with pytest.raises(Refused) as error:
        do(data, *given, **named)
    assert error.value.code == code
    assert snapshot(data) == before


def test_made_again_the_authority_stays(made: Change, data: Path, now: datetime) -> None:
    ca, key = (data / "tls" / "ca.pem").read_bytes(), (data / "tls" / "server-key.pem").read_bytes()
    again = acts.make(data, "another name", ("10.9.9.9",), now)
    assert again.after.server is not None
    assert again.after.server.names == ("10.9.9.9",)
    assert (data / "tls" / "ca.pem").read_bytes() == ca
    assert (data / "tls" / "server-key.pem").read_bytes() != key


def test_renewed_pcs_notice_nothing(made: Change, data: Path, now: datetime) -> None:
    packaged = data / "on-the-pc.pem"
    packaged.write_bytes((data / "tls" / "ca.pem").read_bytes())
    change = acts.renew(data, now, add=("new.lan",), drop=("localhost",))
    assert change.before.server is not None and change.after.server is not None
    assert change.after.server.sha256 != change.before.server.sha256
    assert change.after.server.public != change.before.server.public, "the key is a new one"
    assert set(change.after.server.names) == {"muster.office.lan", "new.lan", "10.0.0.5", "127.0.0.1", "::1"}
    assert (change.names_lost, change.other_authority, change.former) == (("localhost",), False, None)
    files = change.after.files
    assert trial.refusal(packaged, files.server, files.server_key, "new.lan") is None


def test_one_that_has_ended_is_renewed_too(data: Path, now: datetime) -> None:
    folder.replace(data, _files(now - timedelta(days=400)), lambda new: None)
    assert [fault.code for fault in condition(data, now).faults] == ["tls.fault.expired"]
    change = acts.renew(data, now)
    assert change.after.sound and not change.names_lost


def _files(then: datetime) -> dict[str, bytes]:
    """What a deployment made at an earlier time has."""
    key, server_key = authority.new_key(), authority.new_key()
    ca = authority.new_authority("x", key, then)
    server = authority.issue(ca, key, server_key.public_key(), ("muster.lan",), then)
    return {
        folder.CA: certificate.pem_of((ca,)),
        folder.CA_KEY: authority.key_pem(key),
        folder.SERVER: certificate.pem_of((server, ca)),
        folder.SERVER_KEY: authority.key_pem(server_key),
    }


def test_what_cannot_be_renewed(made: Change, data: Path, now: datetime, tmp_path: Path) -> None:
    refused(data, "tls.not_a_name", acts.renew, now, drop=("other.lan",))
    refused(data, "tls.no_hosts", acts.renew, now, drop=made.after.server.names if made.after.server else ())
    refused(data, "tls.ca_expired", acts.renew, now + timedelta(days=3652))
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "tls.none", acts.renew, now)
    (data / "tls" / "ca-key.pem").unlink()
    refused(data, "tls.not_own", acts.renew, now)
    refused(data, "tls.there_already", acts.make, "x", ("a",), now)


def test_a_damaged_server_certificate_is_renewed_by_naming_its_hosts(made: Change, data: Path, now: datetime) -> None:
    (data / "tls" / "server.pem").write_text("gone")
    refused(data, "tls.no_hosts", acts.renew, now)
    assert acts.renew(data, now, add=("muster.office.lan",)).after.sound


def test_both_authorities_in_the_file_stay_when_it_is_renewed(
    made: Change, data: Path, now: datetime, organisation: Any
) -> None:
    path = data / "tls" / "ca.pem"
    both = organisation.root.pem.read_bytes() + path.read_bytes()
    path.write_bytes(both)
    assert acts.renew(data, now).after.sound
    assert path.read_bytes() == both


def test_the_organisations_own_is_taken(data: Path, now: datetime, organisation: Any) -> None:
    given = organisation.server()
    given.authority.write_bytes(b"a comment\n" + given.authority.read_bytes() + organisation.root.key_pem.read_bytes())
    change = acts.use(data, given, ("10.0.0.5", "muster.office.lan"), now)
    assert change.after.sound and not change.after.own
    assert (change.former, change.other_authority) == (None, False)
    assert {path.name for path in (data / "tls").iterdir()} == {"ca.pem", "server.pem", "server-key.pem"}
    ca = (data / "tls" / "ca.pem").read_bytes()
    assert b"PRIVATE" not in ca and b"comment" not in ca, "this file goes to every PC"
    assert (data / "tls" / "server.pem").read_bytes().count(b"BEGIN CERTIFICATE") == 2


def test_pcs_that_would_lose_the_server_are_asked_about_first(
    made: Change, data: Path, now: datetime, organisation: Any
) -> None:
    given = organisation.server()
    refused(data, "tls.other_authority", acts.use, given, (), now)
    key = (data / "tls" / "ca-key.pem").read_bytes()
    change = acts.use(data, given, (), now, other_authority=True)
    assert change.other_authority and change.after.sound
    assert change.former is not None
    assert (change.former / "ca-key.pem").read_bytes() == key, "the way back stays open"
    assert set(change.names_lost) == {"localhost", "127.0.0.1", "::1"}
    # The next certificate of the same root is one that PCs trust already.
    again = acts.use(data, organisation.server("next"), (), now)
    assert not again.other_authority
    assert acts.use(data, organisation.server("under-root", by=organisation.root), (), now).after.sound


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"hosts": ()}, "tls.fault.no_names"),
        ({"days": (-9, -1)}, "tls.fault.expired"),
        ({"days": (1, 9)}, "tls.fault.not_yet"),
        ({"by": None}, "tls.fault.untrusted"),
        ({"purpose": "client"}, "tls.fault.not_for_servers"),
    ],
)
def test_what_pcs_would_refuse_is_not_taken(
    how: dict[str, Any], code: str, data: Path, now: datetime, organisation: Any, bad_tls: Any
) -> None:
    if how.get("purpose") == "client":
        how = {**how, "purpose": bad_tls.CLIENT}
    refused(data, code, acts.use, organisation.server(**how), (), now)
    assert not (data / "tls").exists()


def test_what_was_mixed_up_is_not_taken(data: Path, now: datetime, organisation: Any) -> None:
    given, other = organisation.server(), organisation.server("other")
    refused(data, "tls.fault.other_key", acts.use, dataclasses.replace(given, key=other.key), (), now)
    refused(data, "tls.bad_certificate", acts.use, dataclasses.replace(given, certificate=given.key), (), now)
    refused(data, "tls.bad_key", acts.use, dataclasses.replace(given, key=given.certificate), (), now)
    refused(data, "tls.fault.no_file", acts.use, dataclasses.replace(given, key=data / "none"), (), now)
    refused(data, "tls.not_for", acts.use, given, ("elsewhere.lan",), now)
