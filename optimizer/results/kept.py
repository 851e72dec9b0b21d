"""The journal of a trace in a run folder: every answer a file of its own, written at once and whole.

An entry belongs to one compiled program. Entries of another program (a changed case, another version) are passed over,
so a run never goes on from what was found for other inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optimizer.results.folder import POINTS, RunFolder, SavedPoint, damaged_point, full_disk_told
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.highs import Termination
from optimizer.solve.journal import Entry, Journal
from optimizer.solve.question import Answer, Attained, Question
from optimizer.solve.recourse import Cut

ENTRY = "answer"
FORM = "reduced"
"""Which form of the program the vectors belong to: an entry of another form is not taken up."""


def program_digest(program: CompiledProgram) -> str:
    """SHA-256 of everything that makes a program what it is: names, rows, bounds, objectives, blocks."""
    digest = hashlib.sha256("\n".join((*program.column_names, *program.row_names)).encode())
    parts: list[Any] = [program.row_lower, program.row_upper, program.lower, program.upper, program.is_integer]
    parts += _sparse(program.matrix)
    for name, (coefficients, constant) in sorted(program.objectives.items()):
        digest.update(name.encode())
        parts += [coefficients, np.array([constant])]
    for block in program.blocks:
        digest.update(f"{block.name} {block.theta}".encode())
        parts += [*_sparse(block.linking), *_sparse(block.recourse), block.theta_coefficient]
        parts += [block.row_lower, block.row_upper, block.lower, block.upper]
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _sparse(matrix: Any) -> list[Any]:
    return [matrix.indptr, matrix.indices, matrix.data]


def kept_journal(folder: RunFolder, program: CompiledProgram) -> Journal:
    """Journal that starts from the entries in a folder and keeps every new one there.

    Raises:
        DataProblem: if an entry of this program is not as it was written (R002).
    """
    digest = f"{FORM}:{program_digest(program)}"
    saved = folder.saved_points()
    taken = len(saved)

    def keep(entry: Entry) -> None:
        nonlocal taken
        taken += 1
        arrays, record = _written(entry)
        with full_disk_told(folder.path):
            folder.save_point(f"{ENTRY}-{taken:06d}", arrays, {**record, "program": digest})

    return Journal([_entry(folder, point) for point in saved if point.record.get("program") == digest], keep)


def _written(entry: Entry) -> tuple[dict[str, Any], dict[str, Any]]:
    answer, question = entry.answer, entry.answer.question
    arrays = {
        "question": np.array([question.weight, question.max_second, question.max_first, question.of_first]),
        "figures": np.array([entry.gap, entry.seconds, answer.bound, answer.seconds, entry.price]),
        "plans": np.array([plan.x for plan in answer.attained]),
        "values": np.array([[plan.first, plan.second] for plan in answer.attained]),
        **_written_cuts(answer.cuts),
    }
    if entry.x is not None:
        arrays["x"] = entry.x
    record = {
        "kind": entry.kind,
        "termination": answer.termination.value,
        "word": answer.word,
        "integers": [plan.integers_hash for plan in answer.attained],
    }
    return arrays, record


def _written_cuts(cuts: Sequence[Cut]) -> dict[str, Any]:
    return {
        "cut_theta": np.array([cut.theta for cut in cuts], dtype=np.int64),
        "cut_constant": np.array([cut.constant for cut in cuts], dtype=np.float64),
        "cut_size": np.array([cut.indices.size for cut in cuts], dtype=np.int64),
        "cut_indices": np.concatenate([np.array([], dtype=np.int64), *(cut.indices for cut in cuts)]),
        "cut_values": np.concatenate([np.array([], dtype=np.float64), *(cut.values for cut in cuts)]),
    }


def _entry(folder: RunFolder, saved: SavedPoint) -> Entry:
    try:
        return _read(saved)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise damaged_point(folder.path / POINTS / f"{saved.name}.npz", error) from error


def _read(saved: SavedPoint) -> Entry:
    arrays, record = saved.arrays, saved.record
    weight, max_second, max_first, of_first = (float(figure) for figure in arrays["question"])
    gap, seconds, bound, spent, price = (float(figure) for figure in arrays["figures"])
    plans = tuple(
        Attained(x, float(first), float(second), str(name))
        for x, (first, second), name in zip(arrays["plans"], arrays["values"], record["integers"], strict=True)
    )
    question = Question(weight, max_second, max_first, of_first)
    termination = Termination(record["termination"])
    answer = Answer(question, plans, bound, termination, str(record["word"]), spent, _read_cuts(arrays))
    return Entry(str(record["kind"]), gap, seconds, answer, price, arrays.get("x"))


def _read_cuts(arrays: Mapping[str, Any]) -> tuple[Cut, ...]:
    ends = np.cumsum(arrays["cut_size"])
    indices: list[Any] = np.split(arrays["cut_indices"], ends[:-1])
    values: list[Any] = np.split(arrays["cut_values"], ends[:-1])
    heads = zip(arrays["cut_theta"].tolist(), arrays["cut_constant"].tolist(), strict=True)
    return tuple(Cut(theta, constant, indices[k], values[k]) for k, (theta, constant) in enumerate(heads))
