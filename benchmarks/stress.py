"""Seconds to put one plan of a finished run to many fresh shocks.

    python benchmarks/stress.py RUN [--point 5] [--samples 10000] [--workers 2]

Prints wall and processor seconds by step, the load of the machine before, and how much of the work was skipped or
shared. The run is left as it was.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from optimizer.jobs import stress
from optimizer.jobs.stress import StressOptions, stress_run
from optimizer.results.folder import read_run


def processor_seconds():
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--point", type=int, default=None)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    point = arguments.point or int(read_run(arguments.run).tables["frontier"]["point"].min())
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        stress.add_part, kept = (lambda _, name, tables, record: Path(folder) / name), stress.add_part
        before, began = processor_seconds(), time.perf_counter()
        options = StressOptions(samples=arguments.samples, point=point, workers=arguments.workers)
        done = stress_run(arguments.run, options)
        wall, spent = time.perf_counter() - began, processor_seconds() - before
        stress.add_part = kept
    record = done.record
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in record["seconds"].items())
    print(f"{arguments.samples} shocks for point {point}: {wall:.1f} s ({spent:.1f} s of processors); {steps}")
    print(
        f"{record['distinct_shocks']} distinct, {record['skipped']} skipped because they touch nothing used, "
        f"{record['templates']} templates, {record['solves']} linear programs"
    )


if __name__ == "__main__":
    main()
