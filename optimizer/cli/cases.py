"""Commands on cases: start one, check one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option

if TYPE_CHECKING:
    from optimizer.chain.instance import Instance


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
    from optimizer.chain.left_out import left_out
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
    if loaded.settings.question:
        click.echo(loaded.settings.question)
    print_table(loaded.settings.title, [("contains", "left"), ("number", "right")], list(size.items()))
    print_table("By stage", _STAGE_HEADS, _stages(instance))
    dropped = left_out(loaded, instance)
    if len(dropped):
        counts = dropped["table"].value_counts().sort_index()
        told = ", ".join(f"{count} of {table}" for table, count in counts.items())
        click.echo(f"left out by the candidate filter, or because nothing can reach or use them: {told}")
    if differences:
        rows = [
            (d["kind"], d["table"], d["key"], d["column"] or "", d["old"] or "", d["new"] or "") for d in differences
        ]
        heads = [(name, "left") for name in ("", "table", "row", "column", "was", "is")]
        print_table(f"{len(rows)} differences from the shared tables", heads, rows)
    for warning in loaded.warnings:
        click.echo(f"note: {warning}", err=True)
    if full:
        from optimizer.chain.describe import describe

        click.echo(describe(instance))


_STAGE_HEADS = [("stage", "left"), ("plants", "right"), ("countries", "right"), ("sales", "right"), ("tolls", "right")]


def _stages(instance: Instance) -> list[list[str]]:
    """One row per stage: plants, countries, offers of each kind."""
    rows = []
    for stage in instance.stages:
        plants = {f.facility: f.country_iso3 for f in instance.facilities.values() if f.stage == stage}
        kinds = [offer.kind for offer in instance.offers.values() if offer.facility in plants]
        counts = [len(plants), len(set(plants.values())), kinds.count("sale"), kinds.count("toll")]
        rows.append([stage, *(str(count) for count in counts)])
    return rows
