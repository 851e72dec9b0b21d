"""Commands on what has been run: a list, one run, SQL over all tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import json_option

root_option = click.option(
    "--root", type=click.Path(), default="runs", show_default=True, help="Folder below which the runs lie."
)


@click.group(invoke_without_command=True)
@click.pass_context
def runs(ctx: click.Context) -> None:
    """Show what has been run, and ask all result tables in SQL.

    \b
    Examples:
      sourcing runs list
      sourcing runs show runs/today
      sourcing runs query "SELECT run, min(cost_musd) FROM frontier GROUP BY run"
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_runs)


@runs.command("list")
@root_option
@json_option
def list_runs(root: str = "runs", as_json: bool = False) -> None:
    """List all finished runs below the root."""
    from optimizer.batch.store import summary

    table = summary(Path(root))
    if as_json:
        click.echo(table.to_json(orient="records", indent=1))
        return
    if table.empty:
        click.echo(f"no finished run below {root}")
        return
    names = ("run", "case", "job", "status", "started", "seconds", "points", "mean_gap_share")
    rows = [[_cell(record[name]) for name in names] for record in table.to_dict("records")]
    heads = [(name.replace("_", " "), "right" if name in names[5:] else "left") for name in names]
    print_table("", heads, rows)


@runs.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> None:
    """Show one run: inputs, how it ended, its frontier."""
    from optimizer.results.folder import read_run

    found = read_run(Path(run))
    points = json.loads(found.tables["frontier"].to_json(orient="records"))
    if as_json:
        click.echo(json.dumps({**found.manifest, "frontier": points}, indent=1))
        return
    manifest = found.manifest
    for name in ("title", "case", "job", "status", "started", "finished", "is_repeatable", "case_hash", "data_hash"):
        click.echo(f"{name.replace('_', ' ')}: {_cell(manifest.get(name))}")
    click.echo(f"options: {_listed(manifest.get('options'))}")
    click.echo(f"seconds: {_listed(manifest.get('seconds'))}")
    click.echo(f"size: {_listed(manifest.get('size'))}")
    click.echo(f"audit: {'passed' if found.audit.get('passed') else 'not passed'}")
    heads = [(name, "right") for name in ("point", "cost_musd", "loss_months", "gap_share")]
    print_table("", heads, [[_cell(point[name]) for name, _ in heads] for point in points])


@runs.command()
@click.argument("sql")
@root_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the result as CSV.")
@json_option
def query(sql: str, root: str, as_csv: bool, as_json: bool) -> None:
    """Ask the tables of all runs: every table is a view with the columns run and case; runs has one row per run.

    \b
    Example:
      sourcing runs query "SELECT case, run, count(*) AS points FROM frontier GROUP BY ALL"
    """
    from optimizer.batch.store import query as answer

    table = answer(Path(root), sql)
    if as_json:
        click.echo(table.to_json(orient="records", indent=1, date_format="iso"))
    elif as_csv:
        from optimizer.results.write import guarded

        text = table.apply(lambda column: column.map(lambda cell: guarded(cell) if isinstance(cell, str) else cell))
        click.echo(text.to_csv(index=False, lineterminator="\n"), nl=False)
    else:
        heads = [(str(name), "left") for name in table.columns]
        print_table("", heads, [[_cell(cell) for cell in row] for row in table.itertuples(index=False)])


def _listed(record: Any) -> str:
    return ", ".join(f"{name} {_cell(value)}" for name, value in (record or {}).items() if value is not None)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
