"""Parts of a run that explanation and alternatives add: names of their tables, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.results.folder import read_part

EXPLAIN, ALTERNATIVES = "explain", "alternatives"


@dataclass(frozen=True)
class Part:
    """Tables and record of a part of a run; both empty if the run has none.

    ``explain`` has the tables ``explain_limits``, ``explain_offers``, ``explain_steps``, ``explain_suppliers``;
    ``alternatives`` has ``alternatives`` (like ``frontier``), ``alternatives_portfolio`` (like ``portfolio``),
    ``alternatives_choices`` and ``alternatives_losses``.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether the run has the part."""
        return bool(self.record)


def read_explain(run: str | Path) -> Part:
    """What ``sourcing explain`` wrote into a run; an empty part if nothing."""
    return _read(Path(run), EXPLAIN)


def read_alternatives(run: str | Path) -> Part:
    """What ``sourcing alternatives`` wrote into a run; an empty part if nothing."""
    return _read(Path(run), ALTERNATIVES)


def _read(run: Path, name: str) -> Part:
    found = read_part(run, name)
    return Part() if found is None else Part(*found)
