"""The command that puts the plans of a run to shocks they were not built for."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import Progress, print_table
from optimizer.cli.options import json_option

if TYPE_CHECKING:
    from optimizer.jobs.stress import Stressed

SHOWN = 8
"""Rows of a ranking on the terminal; the tables hold them all."""
LETTERS = 44
"""Longest name on the terminal."""


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--samples", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Shocks drawn.")
@click.option("--replay", "replays", multiple=True, metavar="all|NAME", help="A disruption of the past; repeatable.")
@click.option("--point", type=int, default=None, help="Only this frontier point (default: all).")
@click.option("--start-year", type=int, default=None, help="Of replays and removals (default: the middle start year).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the draws.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes (default: the cores).")
@json_option
@click.pass_obj
def stress(obj: dict[str, Any], /, run: str, replays: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Put every plan to fresh shocks, to history, and to the loss of every single node.

    \b
    Examples:
      sourcing stress runs/today
      sourcing stress runs/today --samples 10000 --point 5
      sourcing stress runs/today --replay all
    """
    from optimizer.jobs.stress import StressOptions, stress_run

    options["workers"] = options["workers"] or min(8, os.cpu_count() or 1)
    chosen = StressOptions(replays=tuple(name for text in replays for name in text.split(",") if name), **options)
    done = stress_run(Path(run), chosen, Progress(obj["quiet"]))
    if as_json:
        summary = json.loads(done.tables["stress_summary"].to_json(orient="records"))
        click.echo(json.dumps({**dict(done.record), "path": str(done.path), "summary": summary}, indent=1))
        return
    _tell(done)


def _tell(done: Stressed) -> None:
    record = done.record
    kind = "mean" if record["measure"]["kind"] == "expected" else record["measure"]["kind"]
    alpha = f" at {record['measure']['alpha']:g}" if "cvar" in kind else ""
    title = f"{record['samples']} fresh shocks: months lost, {kind.replace('_', ' ')}{alpha}"
    print_table(title, _SUMMARY, [_summary_row(row) for row in done.tables["stress_summary"].to_dict("records")])
    last = max(record["points"])
    offenders = done.tables["stress_offenders"]
    worst = offenders[(offenders["point"] == last) & (offenders["kind"] == "hazard")].head(SHOWN)
    if len(worst):
        rows = [[_short(r["name"]), f"{100 * r['loss_share']:.0f} %", f"{r['worst_loss_months']:.1f}"]
                for r in worst.to_dict("records")]  # fmt: skip
        print_table(f"point {last}: what does the damage", _OFFENDERS, rows)
    removal = done.tables["stress_removal"]
    gone = removal[(removal["point"] == last) & (removal["loss_months"] > 0)].head(SHOWN)
    if len(gone):
        year = record["start_year_of_replays_and_removals"]
        rows = [_gone(row) for row in gone.to_dict("records")]
        print_table(f"point {last}: each node lost alone in {year}", _REMOVAL, rows)
    if "stress_replays" in done.tables:
        _tell_replays(done, last)
    click.echo(f"tables: {done.path}")


def _tell_replays(done: Stressed, point: int) -> None:
    replays = done.tables["stress_replays"]
    rows = [
        [
            row["name"],
            _number(row["least_flow_share"], 100, 0) + " %",
            _number(row["loss_months"], 1, 2),
            _number(row["survive_months"], 1, 1) if row["loss_months"] > 0 else "all",
        ]
        for row in replays[replays["point"] == point].to_dict("records")
    ]
    year = done.record["start_year_of_replays_and_removals"]
    print_table(f"point {point}: history in {year}", _REPLAYS, rows)


_SUMMARY = [
    ("point", "right"),
    ("in plan", "right"),
    ("fresh", "right"),
    ("95 % interval", "right"),
    ("mean", "right"),
    ("worst", "right"),
    ("line stops", "right"),
    ("a year", "right"),
]
_OFFENDERS = [("hazard", "left"), ("of the loss", "right"), ("worst months", "right")]
_REMOVAL = [("", "left"), ("lost", "left"), ("gone", "right"), ("lasts", "right"), ("loss", "right")]
_REPLAYS = [("replay", "left"), ("least flow", "right"), ("loss", "right"), ("lasts", "right")]


def _summary_row(row: Mapping[Any, Any]) -> list[str]:
    return [
        str(row["point"]),
        _number(row["in_sample_months"], 1, 2),
        _number(row["measure_months"], 1, 2),
        f"{_number(row['measure_low_months'], 1, 2)}-{_number(row['measure_high_months'], 1, 2)}",
        _number(row["mean_loss_months"], 1, 2),
        _number(row["worst_loss_months"], 1, 1),
        _number(row["stop_share"], 100, 1) + " %",
        _number(row["stop_in_a_year_share"], 100, 1) + " %",
    ]


def _gone(row: Mapping[Any, Any]) -> list[str]:
    lasts = _number(row["survive_months"], 1, 1)
    return [
        row["kind"],
        _short(row["name"]),
        _number(row["gone_months"], 1, 0),
        lasts,
        _number(row["loss_months"], 1, 2),
    ]


def _short(name: object) -> str:
    told = str(name)
    return told if len(told) <= LETTERS else told[: LETTERS - 1].rstrip() + "…"


def _number(value: float, factor: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{factor * value:.{digits}f}"
