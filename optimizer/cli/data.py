"""Commands on the tables: what there is, where a figure comes from, whether the tables hold."""

from __future__ import annotations

import json

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option

WHOLE_ROWS = 12
"""Up to this many rows are shown whole, one below the other; more than that as a table."""


@click.group()
def data() -> None:
    """Show the shared tables and their provenance.

    \b
    Examples:
      sourcing data list
      sourcing data show facilities --where country_iso3=USA
      sourcing data source e-mp10x
      sourcing data check
    """


@data.command("list")
@json_option
def list_tables(as_json: bool) -> None:
    """List all tables with their rows and the share of assumed figures.

    \b
    Example:
      sourcing data list
    """
    from optimizer.tables.browse import table_summaries

    rows = table_summaries()
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    cells = [(r["table"], r["rows"], _percent(r["assumed_share"]), r["description"]) for r in rows]
    print_table("Shared tables", [("table", "left"), ("rows", "right"), ("assumed", "right"), ("what", "left")], cells)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


@data.command()
@click.argument("table")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only rows with this value; may be repeated.")
@click.option("--columns", default=None, help="Columns to show as a table, separated by commas.")
@json_option
def show(table: str, where: tuple[str, ...], columns: str | None, as_json: bool) -> None:
    """Show rows of a table with units, range, confidence, source and note, and what uses each row.

    \b
    Examples:
      sourcing data show facilities --where facility=mp-10x-magnet
      sourcing data show price_history --where market=outside_china --columns item,date,price_usd_per_kg
    """
    from optimizer.cli.data_text import cell_text, compact_columns, heading, print_record
    from optimizer.tables.browse import table_view

    named = [name.strip() for name in columns.split(",")] if columns else []
    view = table_view(table, [part.partition("=")[::2] for part in where], columns=named)
    if as_json:
        click.echo(json.dumps(view, indent=1, default=str))
        return
    if columns is None and len(view["rows"]) <= WHOLE_ROWS:
        for row in view["rows"]:
            print_record(view, row)
        click.echo(f"{len(view['rows'])} rows of {table}: {view['description']}", err=True)
        return
    chosen = named or compact_columns(view)
    heads = [(heading(view, name), "left") for name in chosen]
    print_table(table, heads, [[cell_text(row.get(name)) for name in chosen] for row in view["rows"]])
    if columns is None:
        click.echo("narrow down with --where to see whole rows and what uses them", err=True)


@data.command()
@click.argument("source_id")
@json_option
def source(source_id: str, as_json: bool) -> None:
    """Show one source and every row that rests on it, in model tables and record tables.

    \b
    Example:
      sourcing data source e-mp10x
    """
    from optimizer.cli.data_text import cell_text
    from optimizer.tables.browse import source_record

    record = source_record(source_id)
    if as_json:
        click.echo(json.dumps(record, indent=1, default=str))
        return
    for key in ("source_id", "title", "publisher", "date", "url"):
        click.echo(f"{key}: {cell_text(record.get(key))}")
    cells = [(use["kind"], use["table"], use["row"], use["confidence"]) for use in record["used_by"]]
    heads = [("", "left"), ("table", "left"), ("row", "left"), ("confidence", "left")]
    print_table(f"{len(cells)} rows rest on it", heads, cells)


@data.command("check")
@json_option
def check_tables(as_json: bool) -> None:
    """Check the tables, compare them with the world, and tell age and share of assumed figures.

    Schema, units, ranges, keys, references, sources, sums, doubled rows; recipes and prices against stoichiometry; the
    world balance of the base year; shares of countries against reported ones. A gap needs an explanation in the tables.

    \b
    Example:
      sourcing data check
    """
    from optimizer.cli.data_text import examination_record, print_examination
    from optimizer.tables.quality import examine

    found = examine()
    if as_json:
        click.echo(json.dumps(examination_record(found), indent=1))
        return
    print_examination(found)
