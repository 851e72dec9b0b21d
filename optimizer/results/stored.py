"""The compiled program of a run in its folder, so that later commands need not write and compile the model again.

``program.npz`` holds arrays of plain numbers and text, never an object of Python. ``run.json`` says, under ``program``,
what it is: the digests of the file, of the run's copy of its case and of the code that made it. Whatever does not
agree (another version, a changed case, a damaged file) is passed over, and the program is made again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.results.folder import CASE, replace_file
from optimizer.results.labels import Key, Labels
from optimizer.solve.compiled import Affine, CompiledProgram, RecourseBlock

PROGRAM = "program.npz"
MAKERS = ("tables", "chain", "shocks", "model", "solve", "results")
"""Parts of the package whose code shapes a program or its file."""

Array = npt.NDArray[Any]
_VECTORS = {"row_lower": 0, "row_upper": 0, "lower": 1, "upper": 1}
"""Bounds, and whether they go by rows (0) or columns (1)."""
_LABELS = ("names", "keys")


def write_program(run: Path, program: CompiledProgram) -> dict[str, str]:
    """Write a program into a run folder that holds its copy of the case already, atomically.

    Returns:
        What ``run.json`` must say of it, for ``read_program``.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **_arrays(program))  # type: ignore[arg-type]
    content = buffer.getvalue()
    replace_file(run / PROGRAM, content)
    return {"file": _sha256(content), "case": folder_digest(run / CASE), "code": code_digest()}


def read_program(run: Path, manifest: Mapping[str, Any]) -> CompiledProgram | None:
    """The program of a run as it was compiled; None if there is none that this version can take as it is.

    Args:
        run: the run's folder.
        manifest: content of its ``run.json``.
    """
    record = manifest.get("program")
    if not isinstance(record, Mapping) or not (run / PROGRAM).is_file():
        return None
    if record.get("code") != code_digest() or record.get("case") != folder_digest(run / CASE):
        return None
    content = (run / PROGRAM).read_bytes()
    if record.get("file") != _sha256(content):
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return _program({name: stored[name] for name in stored.files})


@cache
def code_digest() -> str:
    """SHA-256 of the code that makes programs and writes them, so that no other version's program is taken."""
    package = Path(__file__).parents[1]
    return _digest((path for part in MAKERS for path in (package / part).rglob("*.py")), package)


def folder_digest(folder: Path) -> str:
    """SHA-256 of all files of a folder and their names."""
    return _digest((path for path in folder.rglob("*") if path.is_file()), folder)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


# --- to arrays and back ---------------------------------------------------------------------------------------------


def _arrays(program: CompiledProgram) -> dict[str, Array]:
    blocks = program.blocks
    sizes = [(block.theta, *block.recourse.shape) for block in blocks]
    names = list(program.objectives)
    found: dict[str, Array] = {
        "objectives": np.array(names, dtype=np.str_),
        "coefficients": np.array([program.objectives[name][0] for name in names]),
        "constants": np.array([program.objectives[name][1] for name in names], dtype=np.float64),
        "signs": np.array([program.signs[name] for name in names], dtype=np.int64),
        "is_integer": program.is_integer,
        "blocks": np.array([block.name for block in blocks], dtype=np.str_),
        "sizes": np.array(sizes, dtype=np.int64).reshape(-1, 3),
        "theta_coefficient": np.concatenate([np.zeros(0), *(block.theta_coefficient for block in blocks)]),
        "is_continued": np.array([block.continued is not None for block in blocks], dtype=np.bool_),
    }
    found["worse"] = np.array([other for block in blocks for other in block.worse], dtype=np.int64)
    found["worse_counts"] = np.array([len(block.worse) for block in blocks], dtype=np.int64)
    forms = [block.continued for block in blocks if block.continued is not None]
    found["continued_constant"] = np.concatenate([np.zeros(0), *(form.constant for form in forms)])
    found |= _joined("continued", [form.matrix for form in forms])
    for name in _VECTORS:
        found[name] = np.concatenate([getattr(program, name), *(getattr(block, name) for block in blocks)])
    found |= _joined("matrix", [program.matrix])
    for name in ("linking", "recourse"):
        found |= _joined(name, [getattr(block, name) for block in blocks])
    return found | {f"label_{name}": part for name, part in Labels.of(_pairs(program)).arrays().items()}


def _pairs(program: CompiledProgram) -> Iterator[tuple[str, Key]]:
    pieces: list[CompiledProgram | RecourseBlock] = [program, *program.blocks]
    for piece in pieces:
        yield from zip(piece.column_names, piece.column_keys, strict=True)
        yield from zip(piece.row_names, piece.row_keys, strict=True)


def _joined(name: str, matrices: list[Any]) -> dict[str, Array]:
    """Sparse matrices one after another: entries, their columns, and how many each row has."""
    return {
        f"{name}_data": np.concatenate([np.zeros(0), *(m.data for m in matrices)]),
        f"{name}_indices": np.concatenate([np.zeros(0, dtype=np.int32), *(m.indices for m in matrices)]),
        f"{name}_counts": np.concatenate([np.zeros(0, dtype=np.int32), *(np.diff(m.indptr) for m in matrices)]),
    }


def _program(arrays: Mapping[str, Array]) -> CompiledProgram:
    sizes = [(rows, columns) for _, rows, columns in arrays["sizes"].tolist()]
    shapes = [(arrays["matrix_counts"].size, arrays["is_integer"].size), *sizes]
    pieces = _pieces(arrays, shapes)
    own: dict[str, Any] = {name: tuple(part) if name.endswith(_LABELS) else part for name, part in pieces[0].items()}
    names = arrays["objectives"].tolist()
    costs = zip(names, arrays["coefficients"], arrays["constants"].tolist(), strict=True)
    return CompiledProgram(
        objectives={name: (coefficients, constant) for name, coefficients, constant in costs},
        signs=dict(zip(names, arrays["signs"].tolist(), strict=True)),
        matrix=_split(arrays, "matrix", shapes[:1])[0],
        is_integer=arrays["is_integer"],
        blocks=_blocks(arrays, sizes, pieces[1:]),
        **own,
    )


def _blocks(
    arrays: Mapping[str, Array], sizes: list[tuple[int, int]], pieces: list[dict[str, Any]]
) -> tuple[RecourseBlock, ...]:
    width = arrays["is_integer"].size
    linking = _split(arrays, "linking", [(rows, width) for rows, _ in sizes])
    recourse = _split(arrays, "recourse", sizes)
    coefficients = _parts(arrays["theta_coefficient"], [rows for rows, _ in sizes])
    forms = _forms(arrays, [columns for _, columns in sizes], width)
    worse = _parts(arrays["worse"], arrays["worse_counts"].tolist())
    heads = zip(arrays["blocks"].tolist(), arrays["sizes"][:, 0].tolist(), strict=True)
    return tuple(
        RecourseBlock(
            name=name,
            theta=theta,
            linking=linking[s],
            recourse=recourse[s],
            theta_coefficient=coefficients[s],
            continued=next(forms) if is_continued else None,
            worse=tuple(worse[s].tolist()),
            **pieces[s],
        )
        for s, ((name, theta), is_continued) in enumerate(zip(heads, arrays["is_continued"], strict=True))
    )


def _forms(arrays: Mapping[str, Array], columns: Iterable[int], width: int) -> Iterator[Affine]:
    """What the columns of the blocks that say so are if the plan goes on."""
    sizes = [size for size, is_continued in zip(columns, arrays["is_continued"], strict=True) if is_continued]
    matrices = _split(arrays, "continued", [(size, width) for size in sizes])
    constants = _parts(arrays["continued_constant"], sizes)
    yield from (Affine(matrix, constant) for matrix, constant in zip(matrices, constants, strict=True))


def _pieces(arrays: Mapping[str, Array], shapes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Bounds and labels of the first stage and of every block."""
    vectors = {name: _parts(arrays[name], [shape[axis] for shape in shapes]) for name, axis in _VECTORS.items()}
    labels = Labels.read(*(arrays[f"label_{name}"] for name in ("words", "numbers", "ends")))
    pieces, start = [], 0
    for number, (rows, columns) in enumerate(shapes):
        middle, stop = start + columns, start + columns + rows
        column_names, column_keys = labels.part(start, middle)
        row_names, row_keys = labels.part(middle, stop)
        bounds = {name: parts[number] for name, parts in vectors.items()}
        pieces.append(
            {
                **bounds,
                "column_names": column_names,
                "column_keys": column_keys,
                "row_names": row_names,
                "row_keys": row_keys,
            }
        )
        start = stop
    return pieces


def _parts(values: Array, counts: list[int]) -> list[Array]:
    """Values cut into parts of these lengths."""
    if sum(counts) != values.size:
        raise ValueError(f"{values.size} values where {sum(counts)} belong")
    return np.split(values, np.cumsum(counts)[:-1]) if counts else []


def _split(arrays: Mapping[str, Array], name: str, shapes: list[tuple[int, int]]) -> list[sparse.csr_matrix]:
    """Sparse matrices of these shapes from what ``_joined`` made of them."""
    counts, indices, data = (arrays[f"{name}_{part}"] for part in ("counts", "indices", "data"))
    per_matrix = _parts(counts, [rows for rows, _ in shapes])
    entries = [int(own.sum()) for own in per_matrix]
    found = []
    for shape, own, at, values in zip(shapes, per_matrix, _parts(indices, entries), _parts(data, entries), strict=True):
        pointers = np.concatenate([[0], np.cumsum(own)]).astype(indices.dtype)
        matrix = sparse.csr_matrix((values, at, pointers), shape=shape)
        matrix.check_format(full_check=True)
        found.append(matrix)
    return found
