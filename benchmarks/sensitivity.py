"""Seconds that the sensitivity of a finished run takes: ``python benchmarks/sensitivity.py RUN [WORKERS]``.

The run is copied first, so nothing is added to it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from optimizer.jobs.sensitivity import SensitivityOptions, sensitivity_of


def main(run: str, workers: int) -> None:
    """Print the seconds of every part; the aim for the flagship is 60 in all on two quiet cores."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(run, Path(folder) / "run")
        done = sensitivity_of(copy, SensitivityOptions(workers=workers))
    for name, seconds in done.record["seconds"].items():
        print(f"{name:10} {seconds:8.1f} s")
    print(f"{done.record['figures']} figures, {len(done.record['points'])} points, {done.record['samples']} draws")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2)
