"""Three axes: cost against resilience under a list of caps on a third thing, one frontier for each.

Every frontier is an ordinary run of its own, certified and audited; a case differs from the next only in the value of
one limit that it names. What comes out besides is one tidy table over all of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import Infeasible, UsageProblem
from optimizer.jobs.frontier import frontier_of
from optimizer.jobs.prepare import Options, refuse_taken
from optimizer.jobs.watch import Silence, Watcher
from optimizer.tables.case import Case, load_case
from optimizer.tables.snapshot import whole_settings, write_whole

CAP_KEYS = {"environment": "max_value", "share_cap": "max_share", "budget": "max_musd", "builds": "max_projects"}
"""Kind of limit in ``case.toml`` → the key that a cap replaces."""

COLUMNS = {
    "limit": "object",
    "cap": "float64",
    "status": "object",
    "point": "Int64",
    "loss_months": "float64",
    "cost_musd": "float64",
    "run": "object",
}
"""Columns of the table: the cap in the limit's unit, cost in MUSD (present value), loss in months."""

TABLE = "caps.csv"


@dataclass(frozen=True)
class Capped:
    """Frontiers under caps: their folder, and one table of all their points.

    A cap under which no plan exists has one row with status ``infeasible`` and no point.
    """

    path: Path
    table: pd.DataFrame


def frontier_under_caps(
    case: str | Path | Case,
    limit_name: str,
    caps: Sequence[float],
    output: Path,
    options: Options | None = None,
    watcher: Watcher | None = None,
) -> Capped:
    """Trace one frontier per cap on a limit that a case names.

    Args:
        case: folder or name of a case, or a case as read.
        limit_name: ``name`` of an entry of ``[[limits.environment]]``, ``share_cap``, ``budget`` or ``builds``.
        caps: values of the limit, in its unit.
        output: new folder; holds one run folder per cap and ``caps.csv``.
        options: how to solve every frontier.
        watcher: told how it goes on.

    Raises:
        UsageProblem: the case has no such limit or several; no caps, or one twice; the folder is taken.
        DataProblem: a cap that the limit cannot have (a share above 1, say).
    """
    loaded = case if isinstance(case, Case) else load_case(case)
    values = sorted({float(cap) for cap in caps})
    if not values or len(values) < len(caps):
        raise UsageProblem("give one cap or more, each once")
    refuse_taken(output)
    settings = whole_settings(loaded)
    entry, key = _limit(settings, limit_name)
    output.mkdir(parents=True)
    parts = []
    for number, value in enumerate(values, start=1):
        entry[key] = int(value) if key == CAP_KEYS["builds"] else value
        run = output / f"cap-{number:02d}"
        with tempfile.TemporaryDirectory(prefix="caps-") as place:
            varied = load_case(write_whole(settings, loaded.tables, Path(place) / loaded.name))
            parts.append(_points(varied, run, options or Options(), watcher or Silence()).assign(cap=value))
    table = pd.concat(parts, ignore_index=True).assign(limit=limit_name)
    table = table[list(COLUMNS)].astype(COLUMNS)
    _write(table, output / TABLE)
    return Capped(output, table)


def _limit(settings: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """Give the entry with this name, and the key a cap replaces."""
    limits = settings["limits"]
    found = [(entry, key) for kind, key in CAP_KEYS.items() for entry in limits.get(kind, ()) if entry["name"] == name]
    if len(found) != 1:
        known = sorted({entry["name"] for kind in CAP_KEYS for entry in limits.get(kind, ())})
        raise UsageProblem(f"{len(found)} limits are called {name!r}; the case has: {', '.join(known) or 'none'}")
    return found[0]


def _points(case: Case, run: Path, options: Options, watcher: Watcher) -> pd.DataFrame:
    """Points of one frontier; one row without a point where no plan exists."""
    try:
        done = frontier_of(case, run, options, watcher)
    except Infeasible:
        return pd.DataFrame([{"status": "infeasible", "point": pd.NA, "run": ""}]).reindex(columns=list(COLUMNS))
    points = done.tables["frontier"][["point", "loss_months", "cost_musd"]]
    return points.assign(status=done.status, run=run.name).reindex(columns=list(COLUMNS))


def _write(table: pd.DataFrame, file: Path) -> None:
    """Write the table whole or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    table.to_csv(partial, index=False, lineterminator="\n", encoding="utf-8")
    os.replace(partial, file)
