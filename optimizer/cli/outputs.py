"""Commands that draw a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("map")
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=click.IntRange(1), default=None, help="Frontier point (default: the recommended one).")
@click.option("--shock", default="", help="Mark what a shock closes: its id, or an event (its worst start year).")
@click.option("--before-after", default="", metavar="SHOCK", help="The plan before a shock and in its first months.")
@click.option("--years", "is_yearly", is_flag=True, help="One small map per year.")
@click.option("--region", default="", help="auto, ISO codes, a group of countries, or west,south,east,north.")
@click.option("--colour", type=click.Choice(["product", "origin"]), default="product", show_default=True,
              help="What the colour of a flow tells.")  # fmt: skip
@click.option("--dpi", type=click.IntRange(36, 600), default=144, show_default=True,
              help="Dots per inch of a png; a page is 13.3 by 7.5 inches.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(), default=None, help="File to write (default: map.png in the run).")
def map(run: str, point: int | None, dpi: int, output: str | None, **asked: Any) -> None:  # noqa: A001
    """Draw a plan on a map; the file's ending says how: png, svg, pdf, html, geojson, gpkg.

    \b
    Examples:
      sourcing map runs/today --point 3 -o plan.svg
      sourcing map runs/today --before-after suez-closed -o suez.png
      sourcing map runs/today --region auto --dpi 300 -o detail.png
    """
    from optimizer.report.deliver import write_map
    from optimizer.report.world_map import MapRequest
    from optimizer.results.folder import read_run

    finished = read_run(Path(run))
    target = Path(output) if output else Path(run) / "map.png"
    write_map(finished, MapRequest(point or 0, **asked), target, dpi)
    click.echo(str(target))


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--format", "formats", default="html", show_default=True, help="html, pptx, xlsx or several of them.")
def report(run: str, formats: str) -> None:
    """Write report.html, deck.pptx or workbook.xlsx into the run folder.

    \b
    Examples:
      sourcing report runs/today
      sourcing report runs/today --format html,pptx,xlsx
    """
    from optimizer.report.deliver import checked_formats, write_report
    from optimizer.results.folder import read_run

    chosen = checked_formats(formats)
    for path in write_report(read_run(Path(run)), chosen):
        click.echo(str(path))
