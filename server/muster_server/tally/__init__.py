"""Every number of every report, computed here and nowhere else (reports.md §3.6).

Views format what stands in a :class:`Tally`; they never count, divide or compare dates themselves.

Until an asset register is imported, the registered PCs are the enrolled ones. Moments are shown in the time zone of
``as_of``, which is the office's.
"""

from muster_server.tally.counting import flow, tally
from muster_server.tally.numbers import (
    MIN_RANKED,
    RATED,
    SILENCE_BANDS,
    UNDETERMINED,
    Flow,
    Item,
    Month,
    PCTally,
    Point,
    Rate,
    RuleTally,
    RuleUnit,
    State,
    Tally,
    UnitTally,
)

__all__ = [
    "MIN_RANKED",
    "RATED",
    "SILENCE_BANDS",
    "UNDETERMINED",
    "Flow",
    "Item",
    "Month",
    "PCTally",
    "Point",
    "Rate",
    "RuleTally",
    "RuleUnit",
    "State",
    "Tally",
    "UnitTally",
    "flow",
    "tally",
]
