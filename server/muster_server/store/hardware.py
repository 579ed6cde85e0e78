"""What a PC says of its hardware when it enrols: untrusted text, of use only where it can tell one PC from another."""

from __future__ import annotations

import re

LIMIT = 255  # characters

# What makers who filled in nothing leave in the firmware, and what is the same on every machine of a hypervisor. The
# agent leaves such values out itself (muster_agent.system.placeholder); a PC that does not must not be grouped by them.
_PLACEHOLDER = re.compile(
    r"to be filled.*|default string|not (specified|applicable|available|present).*|system (serial|product|manufact).*|"
    r"none|null|n/?a|invalid|unknown|o\.?e\.?m\.?|empty|undefined|chassis serial.*|(0?123456789.*)|x+|"
    r"[0\-. ]+|[f\-]+|03000200-0400-0500-0006-000700080009",
    re.IGNORECASE,
)


def of_use(said: str | None) -> str | None:
    """``said`` without blanks around it; None where it cannot tell one PC from another."""
    text = (said or "").strip()[:LIMIT]
    if not text.isprintable() or not text.isascii() or len(text) < 3 or _PLACEHOLDER.fullmatch(text):
        return None
    return text
