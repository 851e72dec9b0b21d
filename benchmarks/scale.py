"""Time and memory over the size of the chain, speed-up over workers, and what the dispatch of a batch costs.

    python benchmarks/scale.py size      [--base allied-magnets] [--copies 1 2 4] [--time-limit 600] [--workers 2]
    python benchmarks/scale.py workers   [--case CASE] [--variations 16] [--at-once 1 2] [--points N] [--gap X]
    python benchmarks/scale.py overhead  [--case CASE] [--variations 4]
    python benchmarks/scale.py small     [--case CASE] [--variations 50]

Every line of the output is one measurement as JSON, so that curves can be drawn from it; progress goes to stderr.

``workers`` and ``small`` run the command line as a user does, from nothing each time; its start and the index are part
of the time. ``workers`` solves the same variations with every number of jobs at once, one solver process and one core
each, and looks whether all frontiers came out the same: then the work was the same, and no limit of time shortened it.
Measure on a quiet machine. ``overhead`` counts processor time, of this process and of its worker, and so holds on a
busy one too: what is spent beside the jobs themselves, over what the jobs spend.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from chains import write_chain

from optimizer.batch.worker import warm

if TYPE_CHECKING:
    from distributed import Client

    from optimizer.batch.execute import Result

COMMAND = "from optimizer.cli.main import main; main()"
TOY = str(Path(__file__).parents[1] / "tests" / "toys" / "force-majeure")


def main() -> None:
    commands = {"size": sizes, "workers": workers, "overhead": overhead, "small": small}
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=list(commands))
    parser.add_argument("--base", default="allied-magnets")
    parser.add_argument("--case", default=None)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--events", type=int, default=5)
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--variations", type=int, default=None)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=600.0)
    parser.add_argument(
        "--points", type=int, default=None, help="As of the command; less work for every setting alike."
    )
    parser.add_argument("--tolerance", type=float, default=None, help="As of the command.")
    parser.add_argument("--gap", type=float, default=None, help="As of the command.")
    parser.add_argument("--build-only", action="store_true", help="size: stop after building and compiling.")
    arguments = parser.parse_args()
    commands[arguments.what](arguments)


def tell(**measured: object) -> None:
    print(json.dumps(measured), flush=True)


def sizes(arguments: argparse.Namespace) -> None:
    """One process per size, so that each has its own peak of memory."""
    if len(arguments.copies) > 1:
        for copies in arguments.copies:
            words = ["size", *_words(arguments), "--copies", str(copies)]
            subprocess.run([sys.executable, __file__, *words], check=True)
        return
    from optimizer.jobs.prepare import COST, LOSS, prepare
    from optimizer.solve.effort import Effort
    from optimizer.solve.frontier import trace_frontier

    copies = arguments.copies[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "chain"
        write_chain(folder, arguments.base, copies, arguments.years, arguments.events, arguments.starts)
        spent = time.process_time()
        ready = prepare(folder)
        spent = time.process_time() - spent
        program, seconds = ready.program, ready.seconds.table()
        measured = {
            "copies": copies, "facilities": len(ready.instance.facilities), "shocks": len(ready.instance.shocks),
            "rows": program.matrix.shape[0], "columns": program.matrix.shape[1],
            "binaries": int(program.is_integer.sum()),
            "recourse_columns": sum(block.recourse.shape[1] for block in program.blocks),
            "nonzeros": program.matrix.nnz + sum(block.recourse.nnz for block in program.blocks),
            "load_s": seconds["load"], "build_s": seconds["build"], "load_and_build_cpu_s": round(spent, 1),
        }  # fmt: skip
        if not arguments.build_only:
            began, spent = time.perf_counter(), sum(os.times()[:4])
            found = trace_frontier(
                program,
                COST,
                LOSS,
                effort=Effort(
                    points=5,
                    tolerance_share=0.02,
                    gap_share=0.01,
                    workers=arguments.workers,
                    time_limit_s=arguments.time_limit,
                ),
            )
            measured |= {
                "frontier_s": round(time.perf_counter() - began, 1),
                "frontier_cpu_s": round(sum(os.times()[:4]) - spent, 1), "status": found.status,
                "points": len(found.points), "mean_gap_share": found.certificate.mean_gap_share, "solves": found.solves,
            }  # fmt: skip
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        crew = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        tell(**measured, peak_mb=round(own), worker_peak_mb=round(crew))


def _words(arguments: argparse.Namespace) -> list[str]:
    names = ("base", "years", "events", "starts", "workers", "time_limit")
    words = [word for name in names for word in (f"--{name.replace('_', '-')}", str(getattr(arguments, name)))]
    return words + (["--build-only"] if arguments.build_only else [])


def workers(arguments: argparse.Namespace) -> None:
    """The same variations with each number of jobs at once, the speed-up, and whether they gave the same frontiers."""
    content = _content(arguments, arguments.case or arguments.base, arguments.variations or 16)
    measured, frontiers = {}, set()
    for at_once in arguments.at_once:
        print(f"{at_once} at once", file=sys.stderr, flush=True)
        measured[at_once], frontier = _batch(content, at_once)
        frontiers.add(frontier)
        tell(**measured[at_once], is_same_work=len(frontiers) == 1)
    fewest = measured[min(measured)]
    for at_once, own in sorted(measured.items()):
        faster = fewest["wall_s"] / own["wall_s"]
        tell(
            at_once=at_once, compared_with=fewest["at_once"], speed_up=round(faster, 3),
            speed_up_at_equal_processor_s=round(faster * own["job_cpu_s"] / fewest["job_cpu_s"], 3),
        )  # fmt: skip


def small(arguments: argparse.Namespace) -> None:
    """Many small cases: what warm workers, reading and writing cost."""
    tell(**_batch(_content(arguments, arguments.case or TOY, arguments.variations or 50), 2)[0])


def overhead(arguments: argparse.Namespace) -> None:
    """Processor time beside the jobs (planning, sending, news, placing, the index) over that of the jobs."""
    from optimizer.batch import cluster
    from optimizer.batch.execute import Batch
    from optimizer.batch.file import batch_of
    from optimizer.batch.index import write_index
    from optimizer.batch.plan import plan_of

    content = _content(arguments, arguments.case or arguments.base, arguments.variations or 4)
    with tempfile.TemporaryDirectory() as place, cluster.local(1) as client:
        client.run(warm)
        began, worker_began = time.process_time(), _spent(client)
        plan = plan_of(batch_of(content, "benchmark"), "benchmark", Path())
        planned = time.process_time()
        batch = Batch(plan, Path(place), True, Told())
        batch.carry_out(client, batch.settle_known(), 2, 1)
        batch.write_state()
        carried, worker_s = time.process_time(), _spent(client) - worker_began
        write_index(batch)
        client_s, index_s = carried - planned, time.process_time() - carried
        outcomes = [result.outcome for result in batch.results.values()]
    jobs_s = sum(outcome.cpu_seconds for outcome in outcomes)
    beside_s = (planned - began) + client_s + (worker_s - jobs_s) + index_s
    tell(
        jobs=len(outcomes), complete=sum(outcome.status == "complete" for outcome in outcomes),
        job_cpu_s=round(jobs_s / len(outcomes), 2), plan_cpu_s=round((planned - began) / len(outcomes), 3),
        client_cpu_s=round(client_s / len(outcomes), 3), worker_cpu_s=round((worker_s - jobs_s) / len(outcomes), 3),
        index_cpu_s=round(index_s, 2), overhead_share=round(beside_s / jobs_s, 4),
    )  # fmt: skip


class Told:
    """Progress on stderr."""

    def says(self, job: str, text: str) -> None:
        """Passing states are not told."""

    def ended(self, result: Result, done: int, of: int) -> None:
        outcome = result.outcome
        told = f"{outcome.status}, {outcome.seconds:.0f} s, processor {outcome.cpu_seconds:.0f} s"
        print(f"[{done}/{of}] {result.job.name}: {told}", file=sys.stderr, flush=True)


def _spent(client: Client) -> float:
    """Processor time of the workers so far, and of what they started."""
    return sum(sum(times[:4]) for times in client.run(os.times).values())


def _content(arguments: argparse.Namespace, case: str, variations: int) -> dict[str, Any]:
    """A batch of so many discount rates, solved as asked by one process each."""
    where = str(Path(case).resolve()) if Path(case).is_dir() else case
    options = {
        "workers": 1, "time_limit_s": arguments.time_limit, "points": arguments.points,
        "tolerance_share": arguments.tolerance, "gap_share": arguments.gap,
    }  # fmt: skip
    return {
        "cases": [where],
        "options": {name: value for name, value in options.items() if value is not None},
        "vary": {"finance.discount_rate_share": [round(0.05 + 0.0005 * number, 4) for number in range(variations)]},
    }


def _batch(content: dict[str, Any], at_once: int) -> tuple[dict[str, Any], str]:
    """Run a batch, its jobs at once held by a process mask as on a smaller machine; figures, frontiers' digest."""
    with tempfile.TemporaryDirectory() as place:
        path, out = Path(place) / "b.toml", Path(place) / "out"
        path.write_text(tomli_w.dumps(content))
        mask = f"import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{at_once}]); "
        words = ["batch", str(path), "-o", str(out), "--root", str(Path(place) / "none"), "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", mask + COMMAND, *words], stdout=subprocess.PIPE, text=True, check=False
        )
        wall = time.perf_counter() - began
        if done.returncode not in (0, 4):
            raise SystemExit(f"the batch ended with {done.returncode}")
        jobs = json.loads(done.stdout)["jobs"]
        frontier = hashlib.sha256((out / "frontiers.csv").read_bytes().replace(str(out).encode(), b"")).hexdigest()
        busy = sum(job["seconds"] for job in jobs)
        return {
            "jobs": len(jobs), "at_once": at_once, "wall_s": round(wall, 1), "job_s": round(busy / len(jobs), 2),
            "job_cpu_s": round(sum(job["cpu_seconds"] for job in jobs) / len(jobs), 2),
            "complete": sum(job["status"] == "complete" for job in jobs),
            "idle_share": round(1.0 - busy / (at_once * wall), 4),
        }, frontier  # fmt: skip


if __name__ == "__main__":
    main()
