"""Command that lays runs side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option, output_option

if TYPE_CHECKING:
    from optimizer.jobs.compare import Compared

SHOWN = 12
"""Rows of a table on the terminal; ``-o`` writes them all."""


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=int, default=None, help="Point of the first run (default: the recommended one).")
@output_option
@json_option
def compare(runs: tuple[str, ...], point: int | None, output: str | None, as_json: bool) -> None:
    """Say what changed between runs: inputs, frontier, portfolio, cost term by term, shares of countries.

    The first run is the base; of the others the plan of nearest loss is taken.

    \b
    Examples:
      sourcing compare runs/before runs/after
      sourcing compare runs/before runs/after --point 5 -o comparison
    """
    from optimizer.jobs.compare import compare_runs

    done = compare_runs(runs, point, Path(output) if output else None)
    if as_json:
        tables = {name: json.loads(frame.to_json(orient="records")) for name, frame in done.tables.items()}
        click.echo(json.dumps({**dict(done.record), "path": str(done.path or ""), **tables}, indent=1))
        return
    _tell(done)


def _tell(done: Compared) -> None:
    rows = [
        [
            str(row["run"]),
            str(Path(row["path"]).name),
            str(row["points"]),
            str(row["point"]),
            _number(row["cost_musd"], 2),
            _number(row["loss_months"], 3),
            _number(100 * row["mean_gap_share"], 2),
        ]
        for row in done.tables["compare_runs"].to_dict("records")
    ]
    print_table("runs, and the plans compared", _RUNS, rows)
    for difference in done.record["differences"]:
        _tell_one(done, difference)
    if done.path:
        click.echo(f"tables: {done.path}")


def _tell_one(done: Compared, difference: Mapping[str, Any]) -> None:
    number = difference["run"]
    own = {name: frame[frame["run"] == number] for name, frame in done.tables.items() if name != "compare_runs"}
    if not any(difference[key] for key in ("settings", "rows_added", "rows_removed", "rows_changed", "picks")):
        click.echo(f"run {number} against run 1: same inputs, same picks, {difference['cost_musd']:+.2f} MUSD")
        return
    _list(f"run {number}: settings", _SETTINGS, own["compare_settings"])
    _list(f"run {number}: rows of the input tables", _ROWS, own["compare_rows"])
    click.echo(
        f"run {number}: {difference['dominated_of_base']} points of run 1 are dominated by it, "
        f"{difference['dominated_of_other']} of its own by run 1"
    )
    frontier = own["compare_frontier"]
    _list(f"run {number}: its cost less that of run 1 at the same loss", _FRONTIER, frontier[frontier["of"] == "other"])
    _list(f"run {number}: picks that differ", _PICKS, own["compare_portfolio"])
    costs = own["compare_costs"]
    _list(f"run {number}: cost term by term, MUSD", _COSTS, costs[costs["difference_musd"].abs() > _LEAST])
    shares = own["compare_shares"].assign(size=lambda table: -table["difference_share"].abs()).sort_values("size")
    _list(f"run {number}: shares of countries", _SHARES, shares[shares["difference_share"].abs() > _LEAST])


_LEAST = 5e-4
_RUNS = [("run", "right"), ("folder", "left"), ("points", "right"), ("point", "right"), ("cost, MUSD", "right"),
         ("loss, months", "right"), ("mean gap, %", "right")]  # fmt: skip
_SETTINGS = ("key", "before", "after")
_ROWS = ("table", "row", "change", "column", "before", "after")
_FRONTIER = ("point", "loss_months", "cost_musd", "straight_cost_musd", "difference_musd", "is_dominated")
_PICKS = ("kind", "offer", "change", "committed_before_t", "committed_after_t")
_COSTS = ("term", "before_musd", "after_musd", "difference_musd")
_SHARES = ("stage", "country_iso3", "before_share", "after_share", "difference_share")


def _list(title: str, columns: tuple[str, ...], frame: Any) -> None:
    if not len(frame):
        return
    more = f" ({SHOWN} of {len(frame)})" if len(frame) > SHOWN else ""
    cells = [[_cell(row[column]) for column in columns] for row in frame.head(SHOWN).to_dict("records")]
    numeric = {column for column in columns if frame[column].dtype.kind in "fi"}
    print_table(title + more, [(c.replace("_", " "), "right" if c in numeric else "left") for c in columns], cells)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return _number(value, 3) if isinstance(value, float) else str(value)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
