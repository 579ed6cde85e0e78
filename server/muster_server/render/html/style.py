"""The style sheet of one report, and the policy that lets exactly this sheet apply and nothing else load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

from muster_server.resources import bundled

PLACE = re.compile(r'"\$([a-z-]+)"')
COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


def stylesheet(heads: Mapping[str, str]) -> str:
    """``reports/styles/month.css`` with its places ("$office" and the like, texts of the page margins) filled.

    Raises ``KeyError`` for a place that has no text, and ``OSError`` when the sheet is missing.
    """
    sheet = bundled("reports").joinpath("styles", "month.css").read_text("utf-8")
    return PLACE.sub(lambda place: quoted(heads[place[1]]), COMMENT.sub("", sheet)).strip()


def quoted(text: str) -> str:
    """A CSS string. All but letters, digits and spaces is written as code points: nothing can end the string."""
    return '"' + "".join(one if one.isalnum() or one == " " else f"\\{ord(one):x} " for one in text) + '"'


def content_policy(style: str) -> str:
    """The content security policy of a report that shows ``style``. There is no script, no font and no network."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
