"""Command that looks for portfolios unlike a plan and nearly as good."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import Progress, print_table
from optimizer.cli.options import Finite, json_option

if TYPE_CHECKING:
    from optimizer.jobs.alternatives import Found


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=int, default=None, help="Frontier point (default: the recommended one).")
@click.option("--slack", type=Finite(0.0, 1.0), default=0.02, show_default=True, help="Share of cost and loss.")
@click.option("-n", "--number", type=click.IntRange(1, 50), default=5, show_default=True, help="How many portfolios.")
@click.option("--time-limit", type=Finite(1.0), default=100.0, show_default=True, help="Seconds for the search.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes (default: the cores).")
@json_option
@click.pass_obj
def alternatives(
    obj: dict[str, Any],
    run: str,
    point: int | None,
    slack: float,
    number: int,
    time_limit: float,
    workers: int | None,
    as_json: bool,
) -> None:
    """Find portfolios as different as possible that cost and lose nearly the same.

    \b
    Example:
      sourcing alternatives runs/today --point 5 --slack 0.02 -n 5
    """
    from optimizer.jobs.alternatives import Search, alternatives_of, summary

    count = workers or min(8, os.cpu_count() or 1)
    found = alternatives_of(run, point, Search(slack, number, time_limit), count, Progress(obj["quiet"]))
    if as_json:
        click.echo(json.dumps(summary(found), indent=1, default=str))
        return
    _tell(found)


_HEADS = [("plan", "right"), ("cost MUSD", "right"), ("%", "right"), ("loss months", "right"), ("worst", "right")]
_HEADS += [("elsewhere %", "right"), ("at most %", "right"), ("suppliers", "right")]


def _tell(found: Found) -> None:
    record, tables = found.part.record, found.part.tables
    rows = [
        (
            "this one" if r["alternative"] == 0 else r["alternative"],
            f"{r['cost_musd']:.1f}",
            f"{100 * r['extra_cost_share']:+.2f}",
            f"{r['loss_months']:.2f}",
            f"{r['worst_loss_months']:.2f}",
            f"{100 * r['distance_share']:.0f}" if r["alternative"] else "",
            f"{100 * r['distance_bound_share']:.0f}" if r["alternative"] else "",
            r["suppliers"],
        )
        for r in tables["alternatives"].to_dict("records")
    ]
    slack = 100 * record["slack_share"]
    print_table(f"Plan {record['point']} and portfolios within {slack:g} % of its cost and loss", _HEADS, rows)
    choices = tables["alternatives_choices"]
    own = choices[choices["kind"].isin(["supplier", "project"])]
    for word, told in (("must", "In all plans"), ("some", "In some plans")):
        part = own[own["verdict"] == word].sort_values(["plans", "choice"], ascending=[False, True])
        names = (f"{r.choice} ({r.plans} of {r.of_plans})" for r in part.itertuples(index=False))
        click.echo(f"{told}: {', '.join(names) or 'nobody'}")
    click.echo(f"In no plan: {int((own['verdict'] == 'none').sum())} others")
    if record["found"] < record["asked_for"]:
        click.echo(f"found {record['found']} of {record['asked_for']}: no other within the slack, or none in time")
    click.echo(f"tables: {found.path}")
