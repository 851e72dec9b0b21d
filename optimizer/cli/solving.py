"""Commands that solve: one plan, the frontier, the main job."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import Progress, print_table
from optimizer.cli.failures import DONE, LIMIT_WITH_PLAN
from optimizer.cli.options import Finite, json_option, output_option, solving_options, taking_up_options

if TYPE_CHECKING:
    from optimizer.jobs.frontier import Run


@click.command()
@click.argument("case")
@click.option("--max-loss", type=Finite(0.0), default=None, help="Least cost at this loss (months).")
@click.option("--budget-musd", type=Finite(0.0), default=None, help="Least loss within this cost (MUSD).")
@output_option
@solving_options
@json_option
@click.pass_obj
def solve(obj: dict[str, Any], /, case: str, max_loss: float | None, budget_musd: float | None, **options: Any) -> int:
    """Find one plan: least cost, least cost at a loss, or least loss within a budget.

    \b
    Example:
      sourcing solve allied-magnets --max-loss 0.5
    """
    from optimizer.jobs.frontier import solve_plan

    chosen = _options(options, max_loss_months=max_loss, budget_musd=budget_musd)
    run = solve_plan(case, _folder(options), chosen, Progress(obj["quiet"]))
    return _tell(run, options["as_json"])


@click.command()
@click.argument("case")
@click.option("--points", type=click.IntRange(2, 1000), default=None, help="Least number of points.")
@click.option("--tolerance", type=Finite(0.0, 1.0), default=None, help="Mean gap to stop at, share of cost.")
@click.option("--exact", is_flag=True, help="The complete set of nondominated plans, where practical.")
@taking_up_options
@output_option
@solving_options
@json_option
@click.pass_obj
def frontier(
    obj: dict[str, Any], /, case: str, points: int | None, tolerance: float | None, exact: bool, **options: Any
) -> int:
    """Trace the certified frontier of cost against loss.

    \b
    Examples:
      sourcing frontier allied-magnets --points 12 -o runs/frontier
      sourcing frontier allied-magnets -o runs/frontier --resume
      sourcing frontier allied-magnets --scheduler tcp://head:8786
    """
    chosen = _options(options, points=points, tolerance_share=tolerance, is_exact=exact)
    return _traced(case, chosen, options, obj["quiet"], "frontier")


@click.command()
@click.argument("case", required=False)
@click.option("--from-manifest", type=click.Path(exists=True), default=None, help="Repeat the run of this run.json.")
@click.option("--points", type=click.IntRange(2, 1000), default=None, help="Least number of points.")
@click.option("--tolerance", type=Finite(0.0, 1.0), default=None, help="Mean gap to stop at, share of cost.")
@taking_up_options
@output_option
@solving_options
@json_option
@click.pass_obj
def run(
    obj: dict[str, Any],
    /,
    case: str | None,
    from_manifest: str | None,
    points: int | None,
    tolerance: float | None,
    **options: Any,
) -> int:
    """Do the main job: check, frontier, audit, stress test, reasons, charts, map and page.

    \b
    Examples:
      sourcing run allied-magnets -o runs/today
      sourcing run allied-magnets -o runs/today --resume
      sourcing run --from-manifest runs/today/run.json -o runs/again
    """
    if (case is None) == (from_manifest is None):
        raise click.UsageError("give a case, or --from-manifest and the run.json of a run")
    if from_manifest is not None:
        return _repeated(Path(from_manifest), options, obj["quiet"])
    chosen = _options(options, points=points, tolerance_share=tolerance)
    return _traced(str(case), chosen, options, obj["quiet"], "run")


def _traced(case: str, chosen: Any, options: dict[str, Any], is_quiet: bool, job: str) -> int:
    """Make the run, unless an earlier one of the same inputs has the answer and no folder was asked for."""
    from optimizer.jobs.frontier import frontier_of
    from optimizer.jobs.target import answered

    folder, progress = _folder(options), Progress(is_quiet)
    earlier = None if folder or options["again"] or options["resume"] else answered(case, chosen, job)
    if earlier is not None:
        progress.line(f"{earlier.path} has the answer to the same inputs; --again solves anew")
        return _tell(earlier, options["as_json"])
    draws, resumes = job == "run", options["resume"]
    if options["scheduler"] is None:
        found = frontier_of(case, folder, chosen, progress, draws, probes=draws, resumes=resumes)
        return _tell(found, options["as_json"])
    from optimizer.batch.cluster import hired

    with hired(options["scheduler"]) as (hire, workers):
        spread = replace(chosen, workers=options["workers"] or workers)
        found = frontier_of(case, folder, spread, progress, draws, probes=draws, resumes=resumes, hire=hire)
    return _tell(found, options["as_json"])


def _repeated(manifest: Path, options: dict[str, Any], is_quiet: bool) -> int:
    from optimizer.jobs.again import run_again

    repeated = run_again(manifest, _folder(options), Progress(is_quiet))
    count = len(repeated.same) + len(repeated.different)
    click.echo(f"{len(repeated.same)} of {count} tables are the same byte for byte", err=True)
    for name in repeated.different:
        click.echo(f"different: {name}", err=True)
    if repeated.different:
        reasons = repeated.reasons or ("no reason is known: please report this",)
        click.echo(
            f"a difference was to be expected: {'; '.join(reasons)}" if repeated.reasons else reasons[0], err=True
        )
    return _tell(repeated.run, options["as_json"])


def _options(options: dict[str, Any], **more: Any) -> Any:
    from optimizer.jobs.prepare import Options

    return Options(
        gap_share=options["gap"],
        time_limit_s=options["time_limit"],
        workers=options["workers"] or min(8, os.cpu_count() or 1),
        seed=options["seed"],
        solver=options["solver"],
        **more,
    )


def _folder(options: dict[str, Any]) -> Path | None:
    return Path(options["output"]) if options["output"] else None


def _tell(run: Run, as_json: bool) -> int:
    """Print the frontier and where the run is; the exit code says whether a limit was hit."""
    if as_json:
        points = json.loads(run.tables["frontier"].to_json(orient="records"))
        click.echo(json.dumps({**dict(run.manifest), "run": str(run.path), "points": points}, indent=1, default=str))
    else:
        rows = [_row(record) for record in run.tables["frontier"].to_dict("records")]
        print_table(str(run.manifest.get("title", run.path.name)), _HEADS, rows)
        certificate = run.manifest.get("certificate") or {}
        if certificate:
            click.echo(certificate_sentence(certificate))
        click.echo(f"run folder: {run.path}")
    return DONE if run.status == "complete" else LIMIT_WITH_PLAN


_HEADS = [
    ("point", "right"),
    ("cost MUSD", "right"),
    ("USD/kg", "right"),
    ("loss months", "right"),
    ("worst months", "right"),
    ("bound MUSD", "right"),
    ("gap %", "right"),
]


def _row(record: Mapping[Any, Any]) -> list[str]:
    return [
        str(record["point"]),
        f"{record['cost_musd']:.1f}",
        f"{record['cost_usd_per_kg']:.1f}",
        f"{record['loss_months']:.2f}",
        f"{record['worst_loss_months']:.2f}",
        f"{record['cost_bound_musd']:.1f}",
        f"{100 * record['gap_share']:.2f}",
    ]


def certificate_sentence(certificate: Mapping[str, Any]) -> str:
    """The certificate in a buyer's words."""
    mean, worst = 100 * certificate["mean_gap_share"], 100 * certificate["max_gap_share"]
    return (
        f"proof: at the same loss no plan is cheaper by more than {mean:.2f} % on average, "
        f"{worst:.2f} % at worst along the curve ({certificate['solves']} solves)"
    )
