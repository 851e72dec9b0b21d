"""Commands on cases: start one, check one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option


@click.command()
@click.argument("name")
@click.option("--from", "from_case", default=None, help="Case to start from (folder or shipped name).")
@click.option("-o", "--output", type=click.Path(), default=".", show_default=True, help="Folder the case is made in.")
def new(name: str, from_case: str | None, output: str) -> None:
    """Make a commented case folder with offer and demand tables to fill in.

    \b
    Example:
      sourcing new my-motors --from allied-magnets
    """
    from optimizer.tables.write_case import new_case

    folder = new_case(name, Path(output), from_case)
    click.echo(str(folder))
    click.echo("next: edit case.toml and the tables, then `sourcing check` it", err=True)


@click.command()
@click.argument("case")
@json_option
@click.option("--full", is_flag=True, help="Print every set of the instance, not only its size.")
def check(case: str, as_json: bool, full: bool) -> None:
    """Read and validate a case; list every problem at once; say what it contains.

    \b
    Example:
      sourcing check allied-magnets
    """
    from optimizer.chain.build import build_instance
    from optimizer.tables.case import load_case

    loaded = load_case(case)
    instance = build_instance(loaded)
    size = instance.summary()
    differences = [
        {"table": d.table, "key": str(d.key), "kind": d.kind, "column": d.column, "old": d.old, "new": d.new}
        for d in loaded.differences
    ]
    if as_json:
        record = {"case": loaded.name, "title": loaded.settings.title, "size": size, "differences": differences}
        click.echo(json.dumps(record | {"warnings": list(loaded.warnings)}, indent=1, default=str))
        return
    print_table(loaded.settings.title, [("contains", "left"), ("number", "right")], list(size.items()))
    if differences:
        rows = [
            (d["kind"], d["table"], d["key"], d["column"] or "", d["old"] or "", d["new"] or "") for d in differences
        ]
        heads = [(name, "left") for name in ("", "table", "row", "column", "was", "is")]
        print_table(f"{len(rows)} differences from the shared tables", heads, rows)
    for warning in loaded.warnings:
        click.echo(f"note: {warning}", err=True)
    if full:
        from optimizer.chain.tables_of import describe

        click.echo(describe(instance))
