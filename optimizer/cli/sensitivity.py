"""Command that says which figures move the answer."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import Progress, print_table
from optimizer.cli.options import Finite, json_option

if TYPE_CHECKING:
    from optimizer.jobs.sensitivity import Sensed

SHOWN = 10
"""Rows of a ranking on the terminal; the tables hold them all."""
LETTERS = 46


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=int, default=None, help="Frontier point (default: the recommended one).")
@click.option("--samples", type=click.IntRange(0, 100_000), default=500, show_default=True, help="Joint draws.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the draws.")
@click.option("--month-musd", type=Finite(0.0), default=None, help="Worth of a month (default: the slope).")
@click.option("--spans", type=click.Path(exists=True, dir_okay=False), default=None, help="CSV of assumed spans.")
@click.option("--supply", is_flag=True, help="Move spot depth and surge too (every shock four times more).")
@click.option("--regret/--no-regret", default=True, show_default=True, help="Run the plans under policy branches.")
@click.option("--branch", "branches", multiple=True, metavar="REGIME", help="A regime to run them under; repeatable.")
@click.option("--resolve", type=click.IntRange(0, 1000), default=0, show_default=True, help="Draws solved again.")
@click.option("--time-limit", type=Finite(1.0), default=120.0, show_default=True, help="Seconds for these.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes (default: the cores).")
@json_option
@click.pass_obj
def sensitivity(
    obj: dict[str, Any], /, run: str, spans: str | None, as_json: bool, workers: int | None, **asked: Any
) -> None:
    """Say which figures move a plan, which picks stay, what is worth finding out, and what policy makes one regret.

    \b
    Examples:
      sourcing sensitivity runs/today
      sourcing sensitivity runs/today --point 5 --samples 2000
      sourcing sensitivity runs/today --branch embargo --branch truce-extended
      sourcing sensitivity runs/today --resolve 5 --time-limit 300
    """
    from optimizer.jobs.sensitivity import SensitivityOptions, sensitivity_of

    chosen = SensitivityOptions(
        point=asked["point"],
        samples=asked["samples"],
        seed=asked["seed"],
        month_musd=asked["month_musd"],
        spans=Path(spans) if spans else None,
        branches=tuple(asked["branches"]),
        has_supply=asked["supply"],
        has_regret=asked["regret"],
        resolves=asked["resolve"],
        seconds=asked["time_limit"],
        workers=workers or min(8, os.cpu_count() or 1),
    )
    done = sensitivity_of(Path(run), chosen, Progress(obj["quiet"]))
    if as_json:
        tables = {name: json.loads(frame.to_json(orient="records")) for name, frame in done.tables.items()}
        click.echo(json.dumps({**dict(done.record), "path": str(done.path), **tables}, indent=1))
        return
    _tell(done)


def _tell(done: Sensed) -> None:
    record, tables = done.record, done.tables
    figures = tables["sensitivity_figures"].head(SHOWN).to_dict("records")
    title = f"plan {record['point']}: widest figures (a month of loss counts {record['month_musd']:.3g} MUSD)"
    print_table(title, _FIGURES, [_figure(row) for row in figures])
    _tell_decks(done)
    if "sensitivity_worth" in tables:
        _tell_draws(done)
    regrets = tables.get("sensitivity_regret")
    if regrets is not None and len(regrets):
        _tell_regret(done)
    elif regrets is not None:
        click.echo("no branch of the regime in force in this case: name regimes with --branch for regrets")
    click.echo(f"tables: {done.path}")


def _tell_decks(done: Sensed) -> None:
    wide = done.tables["sensitivity_decks"].pivot_table(index="point", columns="deck", values="cost_musd")
    rows = [[str(point), *(_number(row[deck], 1) for deck in _DECKS)] for point, row in wide.iterrows()]
    print_table("plans on the price decks, MUSD", [("point", "right"), *((d, "right") for d in _DECKS)], rows)


def _tell_draws(done: Sensed) -> None:
    tables, record = done.tables, done.record
    points = [
        [
            str(row["point"]),
            f"{_number(row['cost_p05_musd'], 0)}-{_number(row['cost_p95_musd'], 0)}",
            f"{_number(row['loss_p05_months'], 2)}-{_number(row['loss_p95_months'], 2)}",
            _percent(row["best_share"]),
        ]
        for row in tables["sensitivity_points"].to_dict("records")
    ]
    print_table(f"{record['samples']} joint draws, 90 % ranges", _POINTS, points)
    worth = [
        [
            _short(row["label"]),
            _number(row["cost_rank_correlation"], 2),
            _number(row["loss_rank_correlation"], 2),
            _number(row["worth_knowing_musd"], 3),
        ]
        for row in tables["sensitivity_worth"].head(SHOWN).to_dict("records")
    ]
    title = f"worth knowing before choosing (all together {record['perfect_information_musd']:.3g} MUSD)"
    print_table(title, _WORTH, worth)
    picks = tables["sensitivity_picks"]
    stable = picks[picks["is_stable"] & (picks["kind"] == "supplier")]
    names = ", ".join(stable["facility"]) or "none"
    click.echo(f"suppliers of the best plan in at least 90 % of the draws: {names}")


def _tell_regret(done: Sensed) -> None:
    regrets = done.tables["sensitivity_regret"]
    choice = {row["point"]: row for row in done.tables["sensitivity_choice"].to_dict("records")}
    names = list(dict.fromkeys(regrets["branch"]))
    wide = regrets.pivot_table(index="point", columns="branch", values="regret_musd", dropna=False)
    rows = []
    for point, row in wide.iterrows():
        own = choice[point]
        mark = " *" if own["is_minimax"] else ""
        regret = [_number(row[name], 2) if name in row else "-" for name in names]
        rows.append([str(point), *regret, _number(own["worst_regret_musd"], 2) + mark,
                     _number(own["expected_total_musd"], 1) + (" *" if own["is_expected_best"] else "")])  # fmt: skip
    head = [("point", "right"), *((name, "right") for name in names), ("worst", "right"), ("expected", "right")]
    print_table("regret under branches of policy, MUSD (line stops and months of loss counted; * least)", head, rows)


_DECKS = ("low", "base", "high")
_FIGURES = [("figure", "left"), ("range", "right"), ("cost, MUSD", "right"), ("loss, months", "right"), ("how", "left")]
_POINTS = [("point", "right"), ("cost, MUSD", "right"), ("loss, months", "right"), ("best in", "right")]
_WORTH = [("figure", "left"), ("with cost", "right"), ("with loss", "right"), ("worth, MUSD", "right")]


def _figure(row: Mapping[Any, Any]) -> list[str]:
    return [
        _short(row["label"]),
        f"x {row['low_share']:.2f}-{row['high_share']:.2f}" + ("" if row["range_from"] == "table" else " assumed"),
        f"{row['cost_low_musd']:+.1f} {row['cost_high_musd']:+.1f}"
        if row["cost_low_musd"] or row["cost_high_musd"]
        else "",
        f"{row['loss_low_months']:+.2f} {row['loss_high_months']:+.2f}"
        if row["loss_low_months"] or row["loss_high_months"]
        else "",
        str(row["how"]).split(",")[0],
    ]


def _short(text: object) -> str:
    told = str(text)
    return told if len(told) <= LETTERS else told[: LETTERS - 1].rstrip() + "…"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
