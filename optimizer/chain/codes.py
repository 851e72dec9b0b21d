"""Permanent codes of what can be wrong when tables are turned into a network.

A code never changes its meaning and is never given twice; ``docs/howto/errors.md`` has a paragraph on each.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "C001": "Mine whose ore has no product of the form it yields",
    "C002": "Feed of a split without a basket",
    "C003": "Rest of a split has no product to leave in",
    "C004": "Routes to one bundle leave different components",
    "C005": "Index price that the deck does not have",
    "C006": "More suppliers asked for than there can be",
    "C007": "Environmental indicator without footprint",
}
