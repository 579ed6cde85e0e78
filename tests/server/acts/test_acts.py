"""Every act: what it changes, what it refuses, and that each stands in the audit log and no refused one does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import muster_server.acts as acts
from muster_server.acts.act import Refused
from muster_server.acts.performing import ACTS
from muster_server.store import readers, roster, tokens
from muster_server.store.roster import Standing
from muster_server.words import entries


def refused(office: Any, code: str, act: str, **asked: Any) -> None:
    """The act is refused with that code, worded in both languages, and leaves no trace."""
    before = len(office.log())
    with pytest.raises(Refused) as error:
        office.do(act, **asked)
    assert error.value.code == code
    for lang in ("zh", "en"):
        assert entries()[f"act.{code}"][lang].format(**error.value.values)
    assert len(office.log()) == before


def test_every_module_of_an_act_is_known_to_the_runner() -> None:
    there = {path.stem for path in Path(acts.__file__).parent.glob("*.py")}
    frame = {"__init__", "act", "fields", "performing", "which"}
    assert there - frame == set(ACTS.values())


def test_an_act_is_logged_with_who_what_and_to_whom_and_never_with_a_secret(office: Any) -> None:
    token = office.do("tokens.issue", unit="IT", uses=3, by="reader:ann")["token"]
    credential = office.do("readers.add", name="bob", role="auditor")["credential"]
    log = office.log()
    assert [(one.entry.operator, one.entry.act, one.sound) for one in log] == [
        ("reader:ann", "tokens.issue", True),
        ("os:test", "readers.add", True),
    ]
    assert log[0].entry.detail == {"unit": "IT", "uses": 3, "days": 1, "approval": False}
    for secret in (token, credential):
        assert secret not in repr(log)


def test_what_is_asked_is_checked_before_anything_is_done(office: Any) -> None:
    refused(office, "unknown_act", "agents.format", pc="x")
    for asked in ({"unit": 5}, {"unit": "IT", "uses": "3"}, {"unit": "IT", "uses": True}, {"unit": "IT", "more": 1}):
        refused(office, "bad_request", "tokens.issue", **asked)
    for unit in (" ", "a\nb", "x\x00", "\ud800"):
        refused(office, "bad_unit", "tokens.issue", unit=unit)
    refused(office, "unit_or_pc", "tokens.issue")
    refused(office, "unit_or_pc", "tokens.issue", unit="IT", pc="x")


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_a_revoked_token_lets_nobody_in_and_those_it_let_in_stay(office: Any) -> None:
    issued = office.do("tokens.issue", unit="IT", uses=2)
    first = office.enrol("a", issued["token"])
    office.do("tokens.revoke", token=issued["id"][:6])
    assert office.enrol("b", issued["token"]) is None
    assert office.enrol("a", issued["token"]) == first, "the lost answer is given again"
    refused(office, "token_ended", "tokens.revoke", token=issued["id"])
    refused(office, "no_token", "tokens.revoke", token="0" * 64)


def test_a_token_for_a_serial_serves_that_pc_only(office: Any) -> None:
    token = office.do("tokens.issue", unit="IT", serial="pf-12ab", uses=2)["token"]
    assert office.enrol("a", token, serial="PF-12AC") is None
    assert office.enrol("b", token) is None
    assert office.enrol("c", token, serial=" PF-12AB ") is not None
    refused(office, "bad_serial", "tokens.issue", unit="IT", serial="Default string")


def test_a_token_for_a_pc_serves_once_and_takes_no_other_terms(office: Any) -> None:
    agent = office.pc("PC-1", unit="Accounts")
    refused(office, "pc_alone", "tokens.issue", pc="PC-1", uses=2)
    refused(office, "pc_alone", "tokens.issue", pc="PC-1", approval=True)
    issued = office.do("tokens.issue", pc="pc-1")
    assert issued["unit"] == "Accounts"
    made = office.enrol("PC-1", issued["token"], key="another")
    assert made is not None and made.id == agent
    assert office.enrol("PC-1", issued["token"], key="a third") is None
    office.do("agents.revoke", pc="PC-1", reason="gone")
    refused(office, "pc_revoked", "tokens.issue", pc="PC-1")


def test_a_token_never_gives_a_pc_the_key_of_another(office: Any) -> None:
    office.pc("PC-1")
    office.pc("PC-2")
    token = office.do("tokens.issue", pc="PC-1")["token"]
    assert office.enrol("PC-2", token) is None, "its key is PC-2's"


def test_an_expired_token_serves_nobody(office: Any) -> None:
    token = office.do("tokens.issue", unit="IT", days=1)["token"]
    office.now += timedelta(days=1)
    assert office.enrol("a", token) is None


def test_the_list_of_tokens_holds_no_token(office: Any) -> None:
    issued = office.do("tokens.issue", unit="IT")
    listed = office.ask(tokens.every)
    assert [one.id for one in listed] == [issued["id"]]
    assert issued["token"] not in repr(listed)


# -- agents ----------------------------------------------------------------------------------------------------------


def test_revoked_and_restored(office: Any) -> None:
    agent = office.pc("PC-1")
    office.do("agents.revoke", pc=agent[:8], reason="scrapped")
    assert (office.member(agent).standing, office.member(agent).revoked_for) == (Standing.REVOKED, "scrapped")
    refused(office, "already_revoked", "agents.revoke", pc="PC-1", reason="x")
    refused(office, "bad_reason", "agents.revoke", pc="PC-1", reason=" ")
    office.do("agents.restore", pc="PC-1")
    assert office.member(agent).standing is Standing.ACTIVE
    refused(office, "not_revoked", "agents.restore", pc="PC-1")
    assert office.log()[-1].entry.detail["revoked_for"] == "scrapped"


def test_a_name_that_several_bear_is_asked_about_and_the_one_that_fits_is_taken(office: Any) -> None:
    first, second = office.pc("PC-1", key="a"), office.pc("pc-1", key="b")
    refused(office, "many_pcs", "agents.revoke", pc="PC-1", reason="x")
    office.do("agents.revoke", pc=first, reason="old")
    assert office.do("agents.move", pc="PC-1", unit="Accounts")["id"] == second
    assert office.do("agents.restore", pc="PC-1")["id"] == first
    refused(office, "no_pc", "agents.revoke", pc="PC-9", reason="x")
    refused(office, "no_pc", "agents.revoke", pc=" ", reason="x")


def test_who_awaits_approval_is_approved_one_by_one_or_by_token(office: Any) -> None:
    issued = office.do("tokens.issue", unit="IT", uses=3, approval=True)
    made = [office.enrol(name, issued["token"]) for name in ("a", "b", "c")]
    assert [one.approved for one in made] == [False] * 3
    office.do("agents.approve", pc="a")
    refused(office, "not_awaiting", "agents.approve", pc="a")
    office.do("agents.revoke", pc="c", reason="x")
    assert office.do("agents.approve", token=issued["id"])["count"] == 1
    standing = [office.member(one.id).standing for one in made]
    assert standing == [Standing.ACTIVE, Standing.ACTIVE, Standing.REVOKED]
    refused(office, "none_awaits", "agents.approve", token=issued["id"])
    refused(office, "pc_or_token", "agents.approve")


def test_replacing_keeps_what_is_open_and_the_day_it_was_first_seen(office: Any) -> None:
    old, new = office.pc("old"), office.pc("new")
    office.finding(old, "AV-001", 40)
    office.finding(old, "PA-001", 20)
    office.finding(old, "NET-001", 30, closed=office.now - timedelta(days=10))
    office.finding(new, "PA-001", 2)
    office.finding(new, "OS-001", 1)
    done = office.do("agents.replace", old="old", new="new")
    assert done["findings"] == 2
    goes_on = {one.rule: one for one in office.findings(new)}
    assert set(goes_on) == {"AV-001", "PA-001", "OS-001"}
    assert goes_on["AV-001"].first_seen == office.now - timedelta(days=40)
    assert goes_on["AV-001"].due == office.now - timedelta(days=25)
    assert goes_on["PA-001"].first_seen == office.now - timedelta(days=20)
    assert all(one.closed is None for one in goes_on.values())
    assert all(one.closed is not None for one in office.findings(old))
    assert [one.neutral for one in office.findings(old)] == [True, False, True]
    retired = office.member(old)
    assert (retired.standing, retired.replaced_by) == (Standing.REPLACED, new)
    refused(office, "already_replaced", "agents.replace", old=old, new=new)
    refused(office, "pc_revoked", "agents.replace", old=new, new=old)
    refused(office, "same_pc", "agents.replace", old=new, new=new)


def test_a_look_at_the_past_shows_a_replaced_pc_with_its_findings(office: Any) -> None:
    from muster_server.store import findings

    old = office.pc("old")
    office.pc("new")
    office.finding(old, "AV-001", 40)
    office.do("agents.replace", old="old", new="new")
    then = office.now - timedelta(days=1)
    before = office.ask(lambda connection: findings.load(connection, then, [old]))
    assert [one.closed for one in before[old]] == [None]


def test_rekey_asks_one_a_unit_or_all(office: Any) -> None:
    one, two, three = office.pc("a"), office.pc("b", unit="Accounts"), office.pc("c", unit="Accounts")
    office.do("agents.revoke", pc="c", reason="x")
    assert office.do("agents.rekey", pc="a")["count"] == 1
    assert office.do("agents.rekey", unit="Accounts")["count"] == 1
    assert [office.member(each).rekey_at is not None for each in (one, two, three)] == [True, True, False]
    assert office.do("agents.rekey", all=True)["count"] == 2
    refused(office, "pc_unit_or_all", "agents.rekey")
    refused(office, "pc_unit_or_all", "agents.rekey", pc="a", all=True)
    refused(office, "no_pc_there", "agents.rekey", unit="nowhere")


def test_move(office: Any) -> None:
    agent = office.pc("a")
    office.do("agents.move", pc="a", unit=" Accounts ")
    assert office.member(agent).unit == "Accounts"
    assert office.log()[-1].entry.detail["from"] == "IT"
    refused(office, "already_there", "agents.move", pc="a", unit="Accounts")


def test_a_conflict_is_settled_and_the_next_one_shows_again(office: Any) -> None:
    agent = office.pc("a")
    refused(office, "no_conflict", "conflicts.resolve", pc="a", how="looked")
    office.mark(agent, conflict_at=office.now)
    assert [one.id for one in office.ask(roster.conflicts)] == [agent]
    office.do("conflicts.resolve", pc="a", how="the copy enrolled anew")
    assert office.ask(roster.conflicts) == []
    assert office.log()[-1].entry.detail["how"] == "the copy enrolled anew"
    office.mark(agent, conflict_at=office.now)
    assert len(office.ask(roster.conflicts)) == 1


# -- PCs that look alike (L10, L11) ------------------------------------------------------------------------------------

ALIKE = {"uuid": "4c4c4544-0042-3510-8052-b4c04f443332", "serial": "B5RD432"}


def groups(office: Any) -> list[list[str]]:
    """The names in each group."""
    found = office.ask(lambda connection: roster.duplicates(connection, office.now))
    return [sorted(one.name for one in group) for group in found]


def test_L11_fifty_clones_are_fifty_records_and_one_group(office: Any) -> None:
    token = office.do("tokens.issue", unit="IT", uses=60)["token"]
    made = {office.enrol(f"pc{n:02}", token, key=f"key {n}", **ALIKE).id for n in range(50)}
    assert len(made) == 50
    assert [len(group) for group in groups(office)] == [50]
    assert office.ask(lambda connection: roster.count_duplicates(connection, office.now)) == {"IT": 50}


def test_one_hint_alone_or_a_placeholder_makes_no_group(office: Any) -> None:
    for n in range(2):
        office.pc(f"uuid{n}", uuid=ALIKE["uuid"])
        office.pc(f"serial{n}", serial=ALIKE["serial"])
        office.pc(f"oem{n}", uuid="03000200-0400-0500-0006-000700080009", serial="Default string")
        office.pc(f"zero{n}", uuid=ALIKE["uuid"], serial="0000000")
        office.pc(f"hostile{n}", uuid=ALIKE["uuid"], serial="\x1b[2J")
    assert groups(office) == []


def test_a_group_that_was_looked_at_is_gone_until_another_joins_it(office: Any) -> None:
    office.pc("a", **ALIKE)
    office.pc("b", uuid=ALIKE["uuid"].upper(), serial=ALIKE["serial"])
    assert groups(office) == [["a", "b"]]
    assert office.do("conflicts.resolve", pc="a", how="two machines, the maker repeats itself")["apart"] == 2
    assert groups(office) == []
    office.pc("c", **ALIKE)
    assert groups(office) == [["a", "b", "c"]]
    office.do("agents.revoke", pc="c", reason="a copy")
    assert groups(office) == []


# -- readers ---------------------------------------------------------------------------------------------------------


def test_a_revoked_credential_opens_nothing(office: Any) -> None:
    credential = office.do("readers.add", name="ann", role="viewer", unit="IT")["credential"]
    assert office.ask(lambda connection: readers.find(connection, credential, office.now)).unit == "IT"
    refused(office, "name_in_use", "readers.add", name="ann", role="auditor")
    office.do("readers.revoke", name="ann")
    assert office.ask(lambda connection: readers.find(connection, credential, office.now)) is None
    refused(office, "reader_ended", "readers.revoke", name="ann")
    refused(office, "no_reader", "readers.revoke", name="bob")


def test_nobody_takes_away_the_credential_they_act_with(office: Any) -> None:
    office.do("readers.add", name="root", role="administrator")
    refused(office, "own_credential", "readers.revoke", by="reader:root", name="root")
    assert office.do("readers.revoke", name="root")["last"] is True


def test_only_the_server_itself_says_what_was_done_to_its_certificate(office: Any) -> None:
    asked = {"did": "renew", "names": ["muster"], "sha256": "ab:cd", "until": "2027-01-01"}
    refused(office, "local_only", "tls.record", by="reader:root", **asked)
    office.do("tls.record", **asked)
    assert office.log()[-1].entry.subject == "ab:cd"
