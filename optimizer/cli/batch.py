"""The command that runs many cases and variations and comes back with one report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.console import print_table
from optimizer.cli.options import Finite, json_option

if TYPE_CHECKING:
    from optimizer.batch.execute import Batch, Result
    from optimizer.batch.plan import Plan

RUNS = "runs"


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="FILE.toml|CASE…")
@click.option("-o", "--output", type=click.Path(), default=None, help="Folder of the batch (default: runs/<name>).")
@click.option("--scheduler", default=None, metavar="ADDRESS", help="Dask scheduler to use, tcp://host:8786.")
@click.option("--resume", is_flag=True, help="Go on with a batch that was interrupted.")
@click.option("--dry-run", is_flag=True, help="Say what would run and how long it may take; run nothing.")
@click.option("--again", is_flag=True, help="Solve again what earlier runs of the same inputs have answered.")
@click.option("--root", type=click.Path(), default=RUNS, show_default=True, help="Where earlier runs are looked for.")
@click.option("--points", type=click.IntRange(2, 1000), default=None, help="Least number of points.")
@click.option("--time-limit", type=Finite(1.0), default=None, help="Seconds for the solving of one case.")
@click.option("--gap", type=Finite(0.0, 1.0), default=None, help="Gap per point, share of cost.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Solver processes per case.")
@click.option("--at-once", type=click.IntRange(1, 4096), default=None, help="Jobs at a time, at most.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=None, help="Seed of everything random.")
@json_option
@click.pass_obj
def batch(obj: dict[str, Any], /, what: tuple[str, ...], **options: Any) -> int:
    """Run many cases and variations; one index report and one table of all frontiers at the end.

    \b
    Examples:
      sourcing batch cases/batch-frontiers.toml --dry-run
      sourcing batch cases/batch-frontiers.toml -o runs/tonight
      sourcing batch cases/batch-frontiers.toml -o runs/tonight --resume
      sourcing batch my-case other-case --scheduler tcp://head:8786
    """
    from optimizer.batch import cluster

    if not options["dry_run"] and options["scheduler"] is None:
        cluster.get_ready()
    plan, name = _plan(what, options)
    folder = Path(options["output"] or Path(RUNS) / name)
    if options["dry_run"]:
        return _foretell(plan, Path(options["root"]), options)
    from optimizer.batch.execute import Batch, claimed, run_batch
    from optimizer.batch.index import write_index
    from optimizer.batch.store import known_runs

    known = {} if options["again"] else known_runs(Path(options["root"]))
    with claimed(folder, options["resume"]), _watched(obj["quiet"], len(plan.jobs)) as watch:
        carried = Batch(plan, folder, options["scheduler"] is None, watch, known)
        run_batch(carried, options["scheduler"], options["at_once"])
        with cluster.deaf():
            carried.write_state()
            page = write_index(carried)
    _tell(carried, page, options["as_json"])
    return carried.code


def _plan(what: tuple[str, ...], options: dict[str, Any]) -> tuple[Plan, str]:
    """The plan and a name for the batch's folder."""
    from optimizer.batch.file import BatchFile, read_batch
    from optimizer.batch.plan import limited, plan_of
    from optimizer.errors import UsageProblem

    files = [Path(name) for name in what if name.endswith(".toml") and Path(name).name != "case.toml"]
    if files and len(what) > 1:
        raise UsageProblem("give one batch file, or cases, not both")
    if files:
        plan, name = plan_of(read_batch(files[0]), str(files[0]), files[0].parent), files[0].stem
    else:
        cases = tuple(str(Path(name).parent) if Path(name).name == "case.toml" else name for name in what)
        plan, name = plan_of(BatchFile(cases=cases), "command line", Path()), "batch"
    given = {key: options[key] for key in ("points", "workers", "seed")}
    return limited(plan, **given, time_limit_s=options["time_limit"], gap_share=options["gap"]), name


def _foretell(plan: Plan, root: Path, options: dict[str, Any]) -> int:
    from optimizer.batch.estimate import BASES, expected_times, total_seconds
    from optimizer.batch.execute import shared_out

    expected = expected_times(plan, root)
    slots, each = _slots(plan, options, shared_out)
    total = total_seconds(expected, slots)
    if options["as_json"]:
        jobs = [
            {"case": job.case, "variation": job.variation, "keys": job.keys, "place": job.place,
             "expected_s": round(found.seconds, 1), "basis": found.basis}
            for job, found in zip(plan.jobs, expected, strict=True)
        ]  # fmt: skip
        click.echo(
            json.dumps({"jobs": jobs, "at_once": slots, "workers": each, "expected_s": round(total, 1)}, indent=1)
        )
        return 0
    heads = [("case", "left"), ("variation", "left"), ("expected", "right"), ("from", "left")]
    rows = [
        [job.case, job.variation, _clock(found.seconds), found.basis]
        for job, found in zip(plan.jobs, expected, strict=True)
    ]
    print_table(plan.title, heads, rows)
    for basis in dict.fromkeys(found.basis for found in expected):
        click.echo(f"{basis}: {BASES[basis]}")
    click.echo(
        f"{len(plan.jobs)} jobs, {slots} at a time with {each} solver process{'' if each == 1 else 'es'} each: "
        f"about {_clock(total)}; nothing was run"
    )
    return 0


def _slots(plan: Plan, options: dict[str, Any], shared_out: Any) -> tuple[int, int]:
    from optimizer.batch import cluster

    most = options["at_once"]
    if options["scheduler"] is None:
        found: tuple[int, int] = shared_out(cluster.cores(), len(plan.jobs), plan.workers, most)
        return found
    with cluster.remote(options["scheduler"]) as client:
        slots = cluster.slots(client)
        return slots if most is None else min(slots, most), plan.workers or 1


def _clock(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Lines:
    """Plain lines on stderr: one per finished job."""

    def __init__(self, is_quiet: bool) -> None:
        self.is_quiet = is_quiet

    def says(self, job: str, text: str) -> None:
        """Passing states are not told on a pipe."""

    def ended(self, result: Result, done: int, of: int) -> None:
        """One line per job."""
        if not self.is_quiet:
            click.echo(f"[{done}/{of}] {_ending(result)}", err=True)


class Bars:
    """On a terminal: a bar for the whole, and a line for every job at work."""

    def __init__(self, progress: Any, of: int) -> None:
        self.progress = progress
        self.whole = progress.add_task("all cases", total=of, state="")
        self.lines: dict[str, Any] = {}
        self.over: set[str] = set()

    def says(self, job: str, text: str) -> None:
        """Show what a job does; news that comes after its end is late."""
        if job in self.over:
            return
        if job not in self.lines:
            self.lines[job] = self.progress.add_task(job, total=None, state=text)
        self.progress.update(self.lines[job], state=text)

    def ended(self, result: Result, done: int, of: int) -> None:
        """Leave one line above the bars."""
        self.progress.console.print(f"[{done}/{of}] {_ending(result)}", markup=False, highlight=False)
        self.progress.update(self.whole, completed=done)
        self.over.add(result.job.place)
        if result.job.place in self.lines:
            self.progress.remove_task(self.lines.pop(result.job.place))


def _ending(result: Result) -> str:
    outcome = result.outcome
    if result.is_reused:
        return f"{result.job.name}: taken over from {result.run}, the same inputs"
    told = f"{result.job.name}: {outcome.status}, {outcome.seconds:.1f} s"
    return f"{told}: {outcome.message.splitlines()[0]}" if outcome.message else told


@contextmanager
def _watched(is_quiet: bool, of: int) -> Iterator[Lines | Bars]:
    if is_quiet or not sys.stderr.isatty():
        yield Lines(is_quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("{task.fields[state]}", markup=False),
    ]  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress, of)


def _tell(carried: Batch, page: Path, as_json: bool) -> None:
    if as_json:
        record = carried.record() | {"index": str(page), "exit_code": carried.code}
        click.echo(json.dumps(record, indent=1))
        return
    results = [carried.results[job.place] for job in carried.plan.jobs if job.place in carried.results]
    heads = [("case", "left"), ("variation", "left"), ("ended", "left"), ("seconds", "right")]
    rows = [
        [r.job.case, r.job.variation, "taken over" if r.is_reused else r.outcome.status, f"{r.outcome.seconds:.1f}"]
        for r in results
    ]
    print_table(carried.plan.title, heads, rows)
    for message in dict.fromkeys(result.outcome.message for result in results if result.outcome.message):
        names = [result.job.name for result in results if result.outcome.message == message]
        click.echo(f"{'; '.join(names)}: {message}", err=True)
    left = len(carried.plan.jobs) - len(results)
    if left:
        click.echo(f"interrupted: {left} of {len(carried.plan.jobs)} jobs are left; go on by --resume", err=True)
    click.echo(f"runs and table of all frontiers: {carried.folder}\nindex: {page}")
