"""Commands on the tables: what there is, where a figure comes from, whether the tables hold."""

from __future__ import annotations

import json
from typing import Any

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option


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
    """List all tables with their rows and the share of assumed figures."""
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
@click.option("--columns", default=None, help="Columns to show, separated by commas.")
@json_option
def show(table: str, where: tuple[str, ...], columns: str | None, as_json: bool) -> None:
    """Show rows of a table with units, confidence, source and note."""
    from optimizer.tables.browse import table_rows, table_units

    rows = table_rows(table, [part.partition("=")[::2] for part in where])
    if as_json:
        click.echo(json.dumps(rows, indent=1, default=str))
        return
    units = table_units(table)
    names = [name.strip() for name in columns.split(",")] if columns else list(units)
    heads = [(f"{name} [{units[name]}]" if units.get(name) else name, "left") for name in names]
    print_table(table, heads, [[_cell(row.get(name)) for name in names] for row in rows])


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)


@data.command()
@click.argument("source_id")
@json_option
def source(source_id: str, as_json: bool) -> None:
    """Show one source and every row that rests on it."""
    from optimizer.tables.browse import source_record

    record = source_record(source_id)
    if as_json:
        click.echo(json.dumps(record, indent=1, default=str))
        return
    for key in ("source_id", "title", "publisher", "date", "url"):
        click.echo(f"{key}: {_cell(record.get(key))}")
    cells = [(use["table"], use["row"], use["confidence"]) for use in record["used_by"]]
    print_table("used by", [("table", "left"), ("row", "left"), ("confidence", "left")], cells)


@data.command("check")
@json_option
def check_tables(as_json: bool) -> None:
    """Check schema, ranges, keys, references and sums of the shared tables."""
    from optimizer.tables.browse import check_shared_tables, table_summaries

    check_shared_tables()
    rows = table_summaries()
    if as_json:
        click.echo(json.dumps({"passed": True, "tables": rows}, indent=1))
        return
    click.echo(f"{len(rows)} tables, {sum(r['rows'] for r in rows)} rows: schema, keys, references and sums hold")
