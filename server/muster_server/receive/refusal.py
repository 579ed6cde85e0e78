"""Why something was not taken in, in the one shape every endpoint answers with: {"error": CODE, "detail": TEXT}."""

from __future__ import annotations


class Refusal(Exception):
    """An HTTP status and a code. ``detail`` never repeats more than a few characters of what was sent."""

    def __init__(self, status: int, code: str, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after  # seconds


def unauthorised() -> Refusal:
    """One answer for every credential that does not hold, so that it teaches nothing."""
    return Refusal(401, "unauthorised", "the credential does not hold")
