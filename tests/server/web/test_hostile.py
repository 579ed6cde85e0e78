"""What a hostile PC calls itself and its products comes out of every output as text that can do nothing."""

from __future__ import annotations

from typing import Any

import pytest


def test_B30_B31_B32_B33_B34_B36_B37_two_hundred_hostile_texts_are_alive_in_no_output(office: Any) -> None:
    import hostile
    import injections

    assert len(set(hostile.TEXTS)) == 200
    live, tried = injections.injected()
    assert live == []
    assert tried > 5000


@pytest.mark.parametrize(
    "html",
    [
        "<script>mUsTeR</script>",
        "<p onclick='x'>a</p>",
        "<a href='javascript:x'>a</a>",
        "<a href='//evil.example/'>a</a>",
        "<img src=x>",
        "<style></style><style>mUsTeR</style>",
        "<p style='a'>a</p>",
        "<p title='\x1b[2J'>\x1b</p>",
        "<!-- mUsTeR -->",
        "<p class='mUsTeR'></p>",
    ],
)
def test_the_checks_themselves_see_what_is_alive(html: str) -> None:
    import injections

    assert injections.in_html(html.encode())


def test_the_checks_see_what_is_alive_on_a_terminal_and_in_a_log() -> None:
    import injections

    assert injections.in_text(b"\x1b[31mred\x1b[0m")
    assert not injections.in_painted(b"\x1b[31mred\x1b[0m".replace(b"31", b"32"))
    assert injections.in_painted(b"\x1b[2J")
    assert injections.in_json('"\u202e"'.encode())
    assert injections.in_log("a\nb")


def test_B33_no_escape_reaches_a_pipe_and_only_ours_a_screen(office: Any) -> None:
    plain = office.get("/v1/office?form=text").body
    painted = office.get("/v1/office?form=text&colour=1").body
    assert b"\x1b" not in plain
    assert b"\x1b[" in painted


def test_the_command_of_a_page_cannot_be_put_there_by_a_link(office: Any) -> None:
    assert office.get("/v1/office?form=text&command=evil").status == 422
    shown = office.get("/v1/office?form=text", **{"Muster-Command": "muster --server https://a"}).text
    assert "muster --server https://a report" in shown
    assert "evil" not in office.get("/office?form=html", **{"Muster-Command": "evil"}).text
    for command in ("a\x1b[2J", "x" * 301, "é"):
        assert office.get("/v1/office?form=text", **{"Muster-Command": command}).status == 422
