"""What a Mac says of its settings, where a plausible answer would be wrong."""

from __future__ import annotations

import plistlib

import pytest

from muster_agent.collect.settings import darwin_login, darwin_password, darwin_protection
from muster_agent.machine import CannotRead, NotFound, Output, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording


def mac(files: dict[str, bytes] | None = None, **more: object) -> RecordedMachine:
    """A Mac with these files and answers, and nothing else."""
    return RecordedMachine(
        Recording("darwin", Uname("Darwin", "mac", "24.6.0", "x86_64"), True, files=dict(files or {}), **more),  # type: ignore[arg-type]
        whole=True,
    )


def test_a_condition_on_passwords_nobody_foresaw_is_not_left_out() -> None:
    policies = {"policyCategoryPasswordContent": [{"policyContent": "policyAttributePassword != 'secret'"}]}
    with pytest.raises(CannotRead, match="not_understood"):
        darwin_password.content(policies)
    assert darwin_password.content({}) == (0, 0, 0)
    assert darwin_password.complexity({}) is False
    with pytest.raises(CannotRead, match="not_understood"):
        darwin_password.parse("Error: pwpolicy failed")


LOCK = "policyAttributeFailedAuthentications"
MOST = "policyAttributeMaximumFailedAuthentications"
LATER = "policyAttributeCurrentTime > (policyAttributeLastFailedAuthenticationTime + autoEnableInSeconds)"


def locks(predicate: str, most: object = 5) -> int:
    """The threshold of one condition on logging in."""
    entry = {"policyContent": predicate, "policyParameters": {MOST: most}}
    return darwin_password.threshold({"policyCategoryAuthentication": [entry]})


@pytest.mark.parametrize(
    ("predicate", "number"),
    [
        (f"{LOCK} < 10", 10),
        (f"({LOCK} < {MOST})", 5),
        (f"({LOCK} < {MOST}) OR ({LATER})", 5),
        (f"({LOCK} &lt; 5)".replace("&lt;", "<") + f"  or\n({LATER})", 5),
        ("policyAttributeCurrentTime < 900000", 0),
    ],
)
def test_an_account_is_locked_after_the_number_its_condition_names(predicate: str, number: int) -> None:
    assert locks(predicate) == number


@pytest.mark.parametrize(
    "predicate",
    [
        f"{LOCK} <= 5",
        f"5 > {LOCK}",
        f"{MOST} > {LOCK}",
        f"{LOCK} < 1000",
        f"{LOCK} < 0",
        f"{LOCK} < 5 OR 1 == 1",
        f"NOT {LOCK} < 5",
        f"{LOCK} < somethingElse",
    ],
)
def test_a_lockout_in_another_form_is_not_read_as_never(predicate: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        locks(predicate)


@pytest.mark.parametrize("most", [True, "5", None, 0, -1, 1000])
def test_a_number_of_wrong_passwords_that_is_none_is_not_understood(most: object) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        locks(f"{LOCK} < {MOST}", most if most is not None else [])


def asked(*expressions: str) -> dict[str, object]:
    """Policies that ask for these regular expressions."""
    return {
        "policyCategoryPasswordContent": [
            {"policyContent": f"policyAttributePassword matches '{said}'"} for said in expressions
        ]
    }


@pytest.mark.parametrize(
    ("expressions", "mixed"),
    [
        (("(.*[0-9].*){1,}+", "(.*[a-zA-Z].*){1,}+"), True),
        (("(.*[A-Z].*){1,}+", "(.*[a-z].*){1,}+"), True),
        (("(.*[^a-zA-Z0-9].*){2,}+", ".*[0-9].*", ".{8,}"), True),
        (("(.*[!@#$%&*].*){1,}+", "(.*[0-9].*){1,}+"), True),
        ((".{10,}+",), False),
        (("(.*[0-9].*){0,}+", "(.*[a-zA-Z].*){0,}+"), False),
    ],
)
def test_a_password_is_mixed_when_two_kinds_of_characters_are_asked_for(
    expressions: tuple[str, ...], mixed: bool
) -> None:
    assert darwin_password.complexity(asked(*expressions)) is mixed


@pytest.mark.parametrize(
    "expressions",
    [
        ("^[0-9]{6,}$",),
        ("(.*[0-9].*){1,}+",),
        ("(.*[a-zA-Z].*){1,}+", "(.*[A-Z].*){1,}+"),
        ("(.*[0-9].*){1,}+", "(.*[0-9a-z].*){1,}+"),
        ("(.*[0-9].*){1,}+", "[a-z]|.*"),
        ("(.*[0-9].*){1,}+", "(.*[!-~].*){1,}+"),
    ],
)
def test_one_kind_of_characters_is_not_taken_for_a_mixture(expressions: tuple[str, ...]) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        darwin_password.complexity(asked(*expressions))


def test_what_an_administrator_manages_of_the_login_window_wins() -> None:
    window, mcx = darwin_login.MANAGED + "com.apple.loginwindow.plist", darwin_login.MANAGED + "com.apple.MCX.plist"
    own = {darwin_login.LOGIN_WINDOW: plistlib.dumps({"autoLoginUser": "user-1", "GuestEnabled": True})}
    managed = {
        window: plistlib.dumps({"com.apple.login.mcx.DisableAutoLoginClient": True}),
        mcx: plistlib.dumps({"DisableGuestAccount": True}),
    }
    free = mac(own)
    assert (darwin_login.autologin(free), darwin_login.guest_account(free)) == ((True,), (True,))
    bound = mac({**own, **managed})
    assert (darwin_login.autologin(bound), darwin_login.guest_account(bound)) == ((False,), (False,))


def test_the_log_of_installations_does_not_stand_for_the_log_of_the_system() -> None:
    old, recent = 1_600_000_000, 1_761_955_200
    both = mac(
        folders={darwin_protection.LOGS: ["install.log", "system.log", "system.log.0.gz"]},
        stats={
            "/var/log/install.log": Stat(1, old),
            "/var/log/system.log": Stat(1, recent + 86400 * 9),
            "/var/log/system.log.0.gz": Stat(1, recent),
        },
    )
    assert darwin_protection.oldest_log(both) == ("2025-11-03",)
    with pytest.raises(NotFound):
        darwin_protection.oldest_log(mac(folders={darwin_protection.LOGS: ["install.log"]}))


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "said"),
    [(0, b"assessments enabled\n", b"", True), (1, b"", b"assessments disabled\n", False), (1, b"", b"denied", None)],
)
def test_gatekeeper_is_what_its_program_says(status: int, stdout: bytes, stderr: bytes, said: bool | None) -> None:
    machine = mac(programs={tuple(darwin_protection.SPCTL): Output(status, stdout, stderr)})
    if said is None:
        with pytest.raises(CannotRead, match="program_failed"):
            darwin_protection.gatekeeper(machine)
    else:
        assert darwin_protection.gatekeeper(machine) == (said,)
