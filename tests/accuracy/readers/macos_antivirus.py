"""What protection products on macOS print of themselves: glpi-agent and Microsoft's documentation recorded them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from antivirus_facts import Facts, Parser, by_kind, scored, told
from cases import Entry, Result

from muster_agent import catalogue
from muster_agent.collect.antivirus.vendors import (
    cortex,
    eset,
    eset_darwin,
    mdatp,
    sentinelone_darwin,
    withsecure,
)
from muster_agent.system.launchd import launchctl

READS = {("macos", "antivirus")}


def of_launchctl(text: str) -> Facts:
    """``launchctl list``: whether a job runs that the catalogue names."""
    running = launchctl.listed(text)
    labels = {
        label for product in catalogue.products().on("darwin") if product.darwin for label in product.darwin.launchd
    }
    return {"enabled": any(running[label] for label in labels & set(running))} if labels & set(running) else {}


KINDS: tuple[tuple[str, str, Parser | str], ...] = (
    ("cortex", r"runtime", told(cortex.parse_runtime)),
    ("cortex", r"query|Content Version", told(cortex.parse_content)),
    ("cortex", r"", told(cortex.parse_info)),
    ("eset", r"-lic|License Validity", "a licence, for which there is no column"),
    ("eset", r"\bps-|^USER\s+PID", "the agent takes processes from the system and not from ps"),
    ("eset", r"launchctl|^PID\s+Status\s+Label", of_launchctl),
    ("eset", r"modules|EM00[0-9]", told(eset.parse_modules)),
    ("eset", r"settings", told(lambda text: eset_darwin.parse_settings(text.encode("utf-8")))),
    ("eset", r"", told(eset.parse_version)),
    ("mdatp", r"", told(mdatp.parse)),
    ("sentinelone", r"status|^Agent$", told(sentinelone_darwin.parse_status)),
    ("sentinelone", r"", told(sentinelone_darwin.parse_version)),
    ("withsecure", r"", told(withsecure.parse)),
)


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    return scored(entries, by_kind(KINDS))
