"""Runs compared: finished runs in, tables (and, if asked, a folder with them and a chart) out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import DataProblem, UsageProblem
from optimizer.jobs.prepare import refuse_taken
from optimizer.jobs.reopen import case_of, chosen_point, without_points
from optimizer.report.compare_chart import write_compare_chart
from optimizer.results.folder import RunTables, add_part, read_run
from optimizer.sensitivity.compare import (
    costs_table,
    frontier_table,
    nearest_loss,
    portfolio_table,
    rows_table,
    settings_table,
    shares_table,
)
from optimizer.tables.case import Case
from optimizer.tables.package import load_package

TABLES = ("settings", "rows", "frontier", "portfolio", "costs", "shares")


@dataclass(frozen=True)
class Compared:
    """Runs side by side.

    Attributes:
        record: the runs, the points compared, and in short what differs.
        tables: ``compare_runs`` and one per name in ``TABLES``, with the number of the run compared with the first.
        path: folder written; None if none was asked for.
    """

    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    path: Path | None


def compare_runs(paths: Sequence[str | Path], point: int | None = None, output: Path | None = None) -> Compared:
    """Compare runs with the first of them.

    Args:
        paths: folders of finished runs, at least two.
        point: of the first run; None for the recommended one. Of the others the point of nearest loss is taken.
        output: folder to write to; must not exist.

    Raises:
        UsageProblem: with fewer than two runs, or if the output exists.
        DataProblem: if a folder is no finished run with its case, or a run has no plan.
    """
    if len(paths) < 2:
        raise UsageProblem("name at least two runs to compare")
    refuse_taken(output)
    runs = [read_run(Path(path)) for path in paths]
    empty = [run for run in runs if not len(run.tables["frontier"])]
    if empty:
        raise DataProblem([without_points(run) for run in empty])
    points = _points(runs, point)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    cases = [case_of(run) for run in runs]
    for number in range(1, len(runs)):
        pair, chosen = (runs[0], runs[number]), (points[0], points[number])
        for name, table in _pair((cases[0], cases[number]), pair, chosen).items():
            table.insert(0, "run", number + 1)
            parts[name].append(table)
    tables = {f"compare_{name}": pd.concat(found, ignore_index=True) for name, found in parts.items()}
    tables["compare_runs"] = _runs_table(runs, points)
    record = _record(tables, len(runs))
    folder = _written(output, tables, record, runs) if output else None
    return Compared(record, tables, folder)


def _points(runs: Sequence[RunTables], point: int | None) -> list[int]:
    """Point of the first run, and of the others the nearest in loss."""
    first = chosen_point(runs[0], point)
    frontier = runs[0].tables["frontier"]
    loss = float(frontier.loc[frontier["point"] == first, "loss_months"].iloc[0])
    return [first, *(nearest_loss(run.tables["frontier"], loss) for run in runs[1:])]


def _pair(
    cases: tuple[Case, Case], runs: tuple[RunTables, RunTables], points: tuple[int, int]
) -> dict[str, pd.DataFrame]:
    first, second = (case.settings.model_dump(mode="json", exclude_none=True) for case in cases)
    return {
        "settings": settings_table(first, second),
        "rows": rows_table(cases[0].tables, cases[1].tables, _keys(cases[0])),
        "frontier": frontier_table(runs[0].tables["frontier"], runs[1].tables["frontier"]),
        "portfolio": portfolio_table(*runs, points),
        "costs": costs_table(*runs, points),
        "shares": shares_table(*runs, points),
    }


def _keys(case: Case) -> dict[str, tuple[str, ...]]:
    """Key columns of every input table."""
    from optimizer.tables.locate import data_root

    package = load_package(data_root())
    return {name: package.resources[name].key for name in case.tables if name in package.resources}


def _runs_table(runs: Sequence[RunTables], points: Sequence[int]) -> pd.DataFrame:
    rows = []
    for number, (run, point) in enumerate(zip(runs, points, strict=True), start=1):
        frontier = run.tables["frontier"]
        own = frontier[frontier["point"] == point].iloc[0]
        proven = run.manifest.get("certificate") or {}
        rows.append(
            {
                "run": number,
                "path": str(run.path),
                "case": str(run.manifest["case"]),
                "case_hash": str(run.manifest["case_hash"]),
                "points": len(frontier),
                "point": point,
                "cost_musd": float(own["cost_musd"]),
                "loss_months": float(own["loss_months"]),
                "mean_gap_share": float(proven.get("mean_gap_share", float("nan"))),
                "max_gap_share": float(proven.get("max_gap_share", float("nan"))),
                "passed_audit": bool(run.audit.get("passed", False)),
            }
        )
    return pd.DataFrame(rows)


def _record(tables: Mapping[str, pd.DataFrame], count: int) -> dict[str, Any]:
    """Per run compared with the first: how much differs."""
    runs = tables["compare_runs"]
    differences = []
    for number in range(2, count + 1):
        own = {name: _of_run(tables[f"compare_{name}"], number) for name in TABLES}
        frontier, rows = own["frontier"], own["rows"]
        changed = {change: rows.loc[rows["change"] == change] for change in ("added", "removed", "changed")}
        differences.append(
            {
                "run": number,
                "settings": len(own["settings"]),
                **{f"rows_{name}": len(part[["table", "row"]].drop_duplicates()) for name, part in changed.items()},
                "dominated_of_base": int((frontier["is_dominated"] & (frontier["of"] == "base")).sum()),
                "dominated_of_other": int((frontier["is_dominated"] & (frontier["of"] == "other")).sum()),
                "picks": len(own["portfolio"]),
                "cost_musd": float(runs["cost_musd"].iloc[number - 1] - runs["cost_musd"].iloc[0]),
                "loss_months": float(runs["loss_months"].iloc[number - 1] - runs["loss_months"].iloc[0]),
            }
        )
    return {"points": runs["point"].tolist(), "differences": differences}


def _of_run(table: pd.DataFrame, number: int) -> pd.DataFrame:
    return table[table["run"] == number]


def _written(
    output: Path, tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any], runs: Sequence[RunTables]
) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = add_part(output.parent, output.name, tables, record)
    names = [f"{number} {run.path.name}" for number, run in enumerate(runs, start=1)]
    frontiers = {name: run.tables["frontier"] for name, run in zip(names, runs, strict=True)}
    last = _of_run(tables["compare_costs"], len(runs))
    difference = record["differences"][-1]
    word = "more" if difference["cost_musd"] > 0 else "less"
    title = f"Run {len(runs)} costs {abs(difference['cost_musd']):.2g} MUSD {word} than run 1 at about the same loss"
    points = record["points"]
    subtitle = (
        f"Frontiers as attained; steps from point {points[0]} of run 1 to point {points[-1]} of run {len(runs)}, "
        f"whose loss differs by {difference['loss_months']:+.2f} months."
    )
    write_compare_chart(frontiers, last, title, subtitle, folder)
    return folder
