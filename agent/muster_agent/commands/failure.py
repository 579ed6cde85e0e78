"""How a command that cannot go on says so: one line what, one line what next, and the exit code."""

from __future__ import annotations

import sys

from muster_agent.words import Words


class Failure(Exception):
    """``code`` is a key of words/send.json (failure.CODE, and failure.CODE.advice where there is advice)."""

    def __init__(self, code: str, detail: str = "", exit_code: int = 5) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.exit_code = exit_code

    def show(self, words: Words) -> int:
        """Print it to stderr; returns the exit code."""
        said = words("failure." + self.code)
        print("muster-agent: " + said + (f" ({self.detail})" if self.detail else ""), file=sys.stderr)
        if words.has("failure." + self.code + ".advice"):
            print("  " + words("failure." + self.code + ".advice"), file=sys.stderr)
        return self.exit_code
