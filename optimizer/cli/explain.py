"""Command that says why: binding limits, break-even offers, the next step, the negotiation sheet."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import Progress, print_story
from optimizer.cli.options import Finite, json_option

if TYPE_CHECKING:
    from optimizer.jobs.explain import Explained


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=int, default=None, help="Frontier point (default: the recommended one).")
@click.option("--deep", is_flag=True, help="Re-solve supplier by supplier and for the nearest offers (minutes).")
@click.option("--time-limit", type=Finite(1.0), default=60.0, show_default=True, help="Seconds per re-solve.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes (default: the cores).")
@json_option
@click.pass_obj
def explain(
    obj: dict[str, Any], run: str, point: int | None, deep: bool, time_limit: float, workers: int | None, as_json: bool
) -> None:
    """Say why a plan is what it is: limits that bind, break-even offers, the next step, walk-away prices.

    \b
    Example:
      sourcing explain runs/today --point 5
    """
    from optimizer.jobs.explain import Depth, explain_run

    count = workers or min(8, os.cpu_count() or 1)
    found = explain_run(run, point, Depth(deep, time_limit), count, Progress(obj["quiet"]))
    if as_json:
        click.echo(json.dumps(_record(found), indent=1, default=str))
        return
    print_story(found.story.title, [(s.title, s.basis, s.lines) for s in found.story.sections])
    click.echo(f"tables: {found.path}")


def _record(found: Explained) -> dict[str, Any]:
    tables = {name: json.loads(frame.to_json(orient="records")) for name, frame in found.part.tables.items()}
    story = {section.title: list(section.lines) for section in found.story.sections}
    return {**dict(found.part.record), "path": str(found.path), "story": story, **tables}
