"""Seconds of explaining a finished run and of five alternatives: ``python benchmarks/explain.py RUN``.

Works on a copy of the run, so that the run stays as it is. The libraries are imported where they are needed, and timed:
worker processes import this file too.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path


def timed(name, job):
    """Do a job, print one line: seconds by the clock, of this processor, what was found."""
    wall, processor = time.perf_counter(), time.process_time()
    found = job()
    spent = time.perf_counter() - wall, time.process_time() - processor
    print(f"{name}: {spent[0]:.1f} s, {spent[1]:.1f} s of the main process's processor; {found or 'done'}", flush=True)


def start():
    import optimizer.jobs.alternatives
    import optimizer.jobs.explain  # noqa: F401


def explain(run, workers):
    from optimizer.jobs.explain import Depth, explain_run

    return {name: len(table) for name, table in explain_run(run, None, Depth(), workers).part.tables.items()}


def alternatives(run, workers):
    from optimizer.jobs.alternatives import Search, alternatives_of

    return alternatives_of(run, None, Search(), workers).part.tables["alternatives"]["distance_share"].round(3).tolist()


def main(run):
    workers = min(8, os.cpu_count() or 1)
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {workers} workers")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(run, Path(scratch) / "run"))
        timed("start", start)
        timed("explain", lambda: explain(copy, workers))
        timed("5 alternatives, distances", lambda: alternatives(copy, workers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
