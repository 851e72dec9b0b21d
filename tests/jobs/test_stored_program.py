"""A run keeps its compiled program; it is read back exactly, or made again where it cannot be trusted."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from optimizer.jobs import prepare as preparing
from optimizer.jobs.frontier import Run
from optimizer.jobs.prepare import prepare
from optimizer.jobs.reopen import reopen
from optimizer.results import stored
from optimizer.results.kept import program_digest
from optimizer.results.labels import Labels
from optimizer.results.records import read_manifest
from optimizer.results.seal import write_seal
from optimizer.results.stored import PROGRAM, read_program, write_program
from optimizer.solve.compiled import CompiledProgram

TOYS = Path(__file__).parents[1] / "toys"


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.path, tmp_path / "copy"))


def arrays(program: CompiledProgram) -> Iterator[np.ndarray]:
    yield from (program.row_lower, program.row_upper, program.lower, program.upper, program.is_integer)
    yield from (coefficients for coefficients, _ in program.objectives.values())
    matrices = [program.matrix]
    for block in program.blocks:
        yield from (block.theta_coefficient, block.row_lower, block.row_upper, block.lower, block.upper)
        matrices += [block.linking, block.recourse]
        if block.continued is not None:
            yield block.continued.constant
            matrices.append(block.continued.matrix)
    yield from (part for m in matrices for part in (m.indptr, m.indices, m.data, np.array(m.shape)))


def assert_same(one: CompiledProgram, other: CompiledProgram) -> None:
    assert program_digest(one) == program_digest(other)
    for mine, its in zip(arrays(one), arrays(other), strict=True):
        assert mine.dtype == its.dtype
        assert np.array_equal(mine, its)
    assert [constant for _, constant in one.objectives.values()] == [c for _, c in other.objectives.values()]
    assert list(one.objectives) == list(other.objectives)
    assert one.signs == other.signs
    heads = [[(b.name, b.theta, b.continued is None, b.worse) for b in program.blocks] for program in (one, other)]
    assert heads[0] == heads[1]
    for mine, its in zip((one, *one.blocks), (other, *other.blocks), strict=True):
        for labels in ("column_names", "row_names", "column_keys", "row_keys"):
            assert tuple(getattr(mine, labels)) == tuple(getattr(its, labels))


@pytest.mark.parametrize("toy", ["stock-cover", "force-majeure", "no-foresight"])
def test_stored_program_is_the_compiled_one(toy: str, tmp_path: Path) -> None:
    program = prepare(TOYS / toy).program
    (tmp_path / "case").mkdir()
    record = write_program(tmp_path, program)
    again = read_program(tmp_path, {"program": record})
    assert again is not None
    assert_same(program, again)


def test_run_is_taken_up_without_compiling(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuilt = prepare(reopen(run.path).ready.case).program
    monkeypatch.setattr(preparing, "build_model", None)
    assert_same(reopen(run.path).ready.program, rebuilt)


def test_stored_program_holds_no_object(run: Run) -> None:
    with np.load(run.path / PROGRAM, allow_pickle=False) as found:
        assert all(found[name].dtype.kind in "biufU" for name in found.files)


def spoil_file(run: Path) -> None:
    content = bytearray((run / PROGRAM).read_bytes())
    content[len(content) // 2] ^= 1
    (run / PROGRAM).write_bytes(content)


def change_case(run: Path) -> None:
    path = run / "case" / "demand.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    write_seal(run)


def forget_record(run: Path) -> None:
    manifest = read_manifest(run)
    del manifest["program"]
    (run / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_seal(run)


def remove_file(run: Path) -> None:
    (run / PROGRAM).unlink()


@pytest.mark.parametrize("harm", [spoil_file, change_case, forget_record, remove_file])
def test_program_that_cannot_be_trusted_is_made_again(run: Run, copy: Path, harm) -> None:
    assert read_program(copy, read_manifest(copy)) is not None
    harm(copy)
    assert read_program(copy, read_manifest(copy)) is None
    assert_same(reopen(copy).ready.program, reopen(run.path).ready.program)


def test_program_of_other_code_is_made_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "code_digest", lambda: "another version")
    assert read_program(copy, read_manifest(copy)) is None


def test_labels_travel_to_another_process_unread() -> None:
    part = Labels.of([("x[a]", ("x", ("a",)))]).part(0, 1)
    names, keys = pickle.loads(pickle.dumps(part))
    assert (tuple(names), tuple(keys)) == (("x[a]",), (("x", ("a",)),))


def test_labels_come_back_as_they_were() -> None:
    pairs = [
        ("x[a,2027]", ("x", ("a", 2027))),
        ("b[1].x[a,2027]", ("x", ("a", 2027))),
        ("x[2027]", ("x", ("2027",))),
        ("x[1]", ("x", (1,))),
        ("x[True]", ("x", (True,))),
        ("x[1.5]", ("x", (1.5,))),
        ("b[[].n", ("n", ())),
        ("x[a]b,]", ("x", ("a]b", ""))),
        ("n", ("n", ())),
    ]
    labels = Labels.read(**Labels.of(pairs).arrays())
    names, keys = labels.part(0, len(pairs))
    assert list(names) == [name for name, _ in pairs]
    assert repr(list(keys)) == repr([key for _, key in pairs])
    assert labels.part(2, 4)[1] == (("x", ("2027",)), ("x", (1,)))
    with pytest.raises(TypeError, match="index of x"):
        Labels.of([("x[None]", ("x", (None,)))])
