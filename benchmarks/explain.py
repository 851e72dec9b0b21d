"""Seconds of explaining a finished run and of five alternatives: ``python benchmarks/explain.py RUN``.

Works on a copy of the run, so that the run stays as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from optimizer.jobs.alternatives import Search, alternatives_of
from optimizer.jobs.explain import Depth, explain_run
from optimizer.jobs.reopen import reopen


def main(run: Path) -> None:
    """Print one line per job: wall seconds, processor seconds, what was found."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(run, Path(scratch) / "run"))
        for name, job in (
            ("take up the run", lambda: reopen(copy).ready.program.matrix.shape),
            ("explain", lambda: {k: len(v) for k, v in explain_run(copy, None, Depth()).part.tables.items()}),
            ("5 alternatives", lambda: alternatives_of(copy, None, Search()).part.record["found"]),
        ):
            wall, processor = time.perf_counter(), time.process_time()
            found = job()
            spent = time.perf_counter() - wall, time.process_time() - processor
            print(f"{name}: {spent[0]:.1f} s wall, {spent[1]:.1f} s processor; {found}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
