"""Reading the stress test of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.results.folder import read_part

PART = "stress"
"""Subfolder of a run that holds its stress test."""


@dataclass(frozen=True)
class StressTables:
    """A stress test as read from its folder.

    Attributes:
        path: the folder.
        tables: by name: ``stress_summary``, ``stress_losses``, ``stress_shocks``, ``stress_offenders``,
            ``stress_histogram``, ``stress_times``, ``stress_removal`` and, after a replay, ``stress_replays``,
            ``stress_replay_months`` and ``stress_replay_actuals``.
        record: content of ``stress.json``.
    """

    path: Path
    tables: Mapping[str, pd.DataFrame]
    record: Mapping[str, Any]


def read_stress(run: str | Path) -> StressTables | None:
    """The stress test of a finished run, or None if it has none."""
    found = read_part(Path(run), PART)
    return None if found is None else StressTables(Path(run) / PART, *found)
