"""Commands that draw a finished run."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.cli.options import output_option


@click.command("map")
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--point", type=int, default=None, help="Frontier point (default: the recommended one).")
@output_option
def map(run: str, point: int | None, output: str | None) -> None:  # noqa: A001
    """Draw a plan on a world map; the file's ending says how: png, svg, pdf, html, geojson, gpkg.

    \b
    Example:
      sourcing map runs/today --point 3 -o plan.svg
    """
    from optimizer.report.deliver import write_map
    from optimizer.results.folder import read_run

    finished = read_run(Path(run))
    target = Path(output) if output else Path(run) / "map.png"
    write_map(finished, point, target)
    click.echo(str(target))


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False))
def report(run: str) -> None:
    """Write the report page and its charts into the run folder.

    \b
    Example:
      sourcing report runs/today
    """
    from optimizer.report.deliver import write_report
    from optimizer.results.folder import read_run

    for path in write_report(read_run(Path(run))):
        click.echo(str(path))
