"""Time and memory over the size of the chain, speed-up over workers, and what the dispatch of a batch costs.

    python benchmarks/scale.py size      [--base allied-magnets] [--copies 1 2 4] [--time-limit 600] [--workers 2]
    python benchmarks/scale.py workers   [--case CASE] [--variations 16] [--at-once 1 2] [--time-limit 600]
    python benchmarks/scale.py small     [--case CASE] [--variations 50]

Every line is one measurement as JSON, so that curves can be drawn from the output. Measure on a quiet machine.
``workers`` and ``small`` run the command line as a user does; its start and the index are part of the time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chains import write_chain

WORKERS_CODE = "from optimizer.cli.main import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["size", "workers", "small"])
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
    parser.add_argument("--build-only", action="store_true", help="size: stop after building and compiling.")
    arguments = parser.parse_args()
    {"size": sizes, "workers": workers, "small": small}[arguments.what](arguments)


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
    from optimizer.solve.frontier import trace_frontier

    copies = arguments.copies[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "chain"
        write_chain(folder, arguments.base, copies, arguments.years, arguments.events, arguments.starts)
        ready = prepare(folder)
        program, seconds = ready.program, ready.seconds.table()
        measured = {
            "copies": copies, "facilities": len(ready.instance.facilities), "shocks": len(ready.instance.shocks),
            "rows": program.matrix.shape[0], "columns": program.matrix.shape[1],
            "binaries": int(program.is_integer.sum()),
            "recourse_columns": sum(block.recourse.shape[1] for block in program.blocks),
            "load_s": seconds["load"], "build_s": seconds["build"],
        }  # fmt: skip
        if not arguments.build_only:
            began = time.perf_counter()
            found = trace_frontier(
                program, COST, LOSS, points=5, tolerance_share=0.02, gap_share=0.01, workers=arguments.workers,
                time_limit_s=arguments.time_limit,
            )  # fmt: skip
            measured |= {
                "frontier_s": round(time.perf_counter() - began, 1), "status": found.status,
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
    """The same variations with more and more workers; overhead is what is left of the wall time beside the jobs."""
    case = arguments.case or arguments.base
    first = 0.0
    for at_once in arguments.at_once:
        measured = _batch(case, arguments.variations or 16, at_once, arguments.time_limit)
        first = first or measured["wall_s"] * at_once
        tell(**measured, speed_up=round(first / measured["wall_s"], 3))


def small(arguments: argparse.Namespace) -> None:
    """Many small cases: what warm workers, reading and writing cost."""
    case = arguments.case or str(Path(__file__).parents[1] / "tests" / "toys" / "force-majeure")
    tell(**_batch(case, arguments.variations or 50, 2, arguments.time_limit))


def _batch(case: str, variations: int, at_once: int, limit: float) -> dict[str, float]:
    """Run a batch of so many discount rates; jobs at once are held by a process mask, as on a smaller machine."""
    rates = [round(0.05 + 0.0005 * number, 4) for number in range(variations)]
    where = str(Path(case).resolve()) if Path(case).is_dir() else case
    with tempfile.TemporaryDirectory() as place:
        path, out = Path(place) / "b.toml", Path(place) / "out"
        path.write_text(
            f"cases = ['{where}']\n[options]\nworkers = 1\ntime_limit_s = {limit}\n"
            f"[vary]\n'finance.discount_rate_share' = {rates}\n"
        )
        mask = f"import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{at_once}]); "
        words = ["-q", "batch", str(path), "-o", str(out), "--root", str(Path(place) / "none"), "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", mask + WORKERS_CODE, *words], capture_output=True, text=True, check=False
        )
        wall = time.perf_counter() - began
        if done.returncode not in (0, 4):
            raise SystemExit(done.stderr)
        jobs = json.loads(done.stdout)["jobs"]
        busy = sum(job["seconds"] for job in jobs)
        return {
            "jobs": len(jobs), "at_once": at_once, "wall_s": round(wall, 1), "job_s": round(busy / len(jobs), 2),
            "complete": sum(job["status"] == "complete" for job in jobs),
            "overhead_share": round(1.0 - busy / (at_once * wall), 4),
        }  # fmt: skip


if __name__ == "__main__":
    main()
