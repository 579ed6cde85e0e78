"""What a maker who filled in nothing leaves in the firmware: it would make a hundred PCs look like one."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(
    r"^$|^(to be filled|default string|not (specified|applicable|available|present)|system (serial|product|manufact)|"
    r"none|null|n/?a|invalid|unknown|o\.?e\.?m\.?|empty|undefined|chassis serial|123456789)|"
    r"^[0\-. ]+$|^[fF\-]+$|^03000200-0400-0500-0006-000700080009$",
    re.IGNORECASE,
)
