"""First-stage vectors of a run's plans, so that later commands can take a plan up exactly as it was found."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from optimizer.errors import DataProblem, Problem
from optimizer.results.folder import replace_file
from optimizer.results.records import read_arrays
from optimizer.solve.compiled import CompiledProgram, Floats

PLANS = "plans.npz"


def columns_digest(program: CompiledProgram) -> str:
    """SHA-256 of the names of all first-stage columns in order: says whether a vector belongs to a program."""
    return hashlib.sha256("\n".join(program.column_names).encode()).hexdigest()


def write_plans(run: Path, program: CompiledProgram, plans: Mapping[int, Floats]) -> None:
    """Write the vectors, by point, with the digest of the columns they belong to; atomically."""
    buffer = io.BytesIO()
    arrays = {f"point_{number}": x for number, x in plans.items()}
    np.savez_compressed(buffer, columns=np.array(columns_digest(program)), **arrays)  # type: ignore[arg-type]
    replace_file(run / PLANS, buffer.getvalue())


def read_plans(run: Path, program: CompiledProgram) -> dict[int, Floats]:
    """Vectors by point, in the order of the program's columns; no code is ever loaded.

    Raises:
        DataProblem: if the file is missing, broken, or was made for another program (R003).
    """
    path = run / PLANS
    remedy, allowed = "make the run again with this version", "plans written by this version"
    stored = read_arrays(path, "R003", remedy)
    if str(stored.pop("columns", None)) != columns_digest(program):
        problem = Problem("R003", str(path), found="plans of another model", allowed=allowed, remedy=remedy)
        raise DataProblem([problem])
    try:
        plans = {int(name.removeprefix("point_")): x.astype(np.float64) for name, x in stored.items()}
        if any(x.shape != (len(program.column_names),) for x in plans.values()):
            raise ValueError("plans of another length")
    except ValueError as error:
        raise DataProblem([Problem("R003", str(path), found=str(error), allowed=allowed, remedy=remedy)]) from error
    return dict(sorted(plans.items()))
