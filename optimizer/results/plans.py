"""First-stage vectors of a run's plans, so that later commands can take a plan up exactly as it was found."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from optimizer.errors import DataProblem, Problem
from optimizer.results.folder import replace_file
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
    try:
        with np.load(path, allow_pickle=False) as stored:
            digest = str(stored["columns"])
            names = [name for name in stored.files if name.startswith("point_")]
            plans = {int(name.removeprefix("point_")): stored[name].astype(np.float64) for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(path, type(error).__name__) from error
    if digest != columns_digest(program):
        raise _unusable(path, "plans of another model")
    return dict(sorted(plans.items()))


def _unusable(path: Path, found: str) -> DataProblem:
    remedy = "make the run again with this version"
    return DataProblem(
        [Problem("R003", str(path), found=found, allowed="plans written by this version", remedy=remedy)]
    )
