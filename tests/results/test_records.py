"""Records and arrays of a run are read if they are what a run writes, and told with their place if they are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.batch.store import query, stored_runs, summary
from optimizer.errors import DataProblem, UsageProblem
from optimizer.report.run_parts import part_tables, read_part
from optimizer.results.folder import RunFolder, add_part, read_run
from optimizer.results.lock import refuse_if_locked
from optimizer.results.manifest import Manifest
from optimizer.results.records import read_arrays, read_audit, read_manifest
from optimizer.results.seal import SEAL

WHOLE = Manifest(
    "x",
    "abc",
    "def",
    0,
    options={"seed": 0},
    seconds={"total": 1.5},
    certificate={"mean_gap_share": 0.01, "max_gap_share": float("inf"), "solves": 9},
    measure={"kind": "cvar", "alpha": 0.9, "year_weights": {}},
    size={"rows": 3},
    points=[{"point": 1, "status": "optimal"}],
).record()
NEEDED = {"costs", "frontier", "losses", "portfolio", "prices", "shares", "shocks", "stock"}
TABLE = pd.DataFrame({"point": [1], "cost_musd": [1.5]})

WRONG: list[tuple[tuple[str, ...], Any, str]] = [
    (("case",), 3, "case; found `3`; allowed: a valid string"),
    (("case_hash",), None, "case_hash; found no such entry; allowed: an entry"),
    (("certificate",), [], "certificate; found `[]`"),
    (("certificate", "max_gap_share"), None, "certificate.max_gap_share; found no such entry"),
    (("certificate", "mean_gap_share"), "1 %", "certificate.mean_gap_share; found `1 %`; allowed: a valid number"),
    (("measure", "alpha"), True, "measure.alpha; found `True`"),
    (("measure", "kind"), {}, "measure.kind; found `{}`"),
    (("seconds", "total"), [1], "seconds.total; found `[1]`"),
    (("size", "rows"), "3", "size.rows; found `3`"),
    (("points",), 5, "points; found `5`"),
    (("versions", "pandas"), 3, "versions.pandas; found `3`"),
]


def made(folder: Path, manifest: dict[str, Any] | None = None) -> Path:
    with RunFolder(folder) as run:
        run.write_tables({"frontier": TABLE})
        run.write_record("run.json", manifest or WHOLE)
        return run.complete()


def changed(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The whole record with one entry changed; without it for None."""
    record: dict[str, Any] = json.loads(json.dumps(WHOLE))
    *way, last = place
    within = record
    for step in way:
        within = within[step]
    within.pop(last)
    if value is not None:
        within[last] = value
    return record


def told(run: Path) -> str:
    with pytest.raises(DataProblem) as caught:
        read_manifest(run)
    return str(caught.value)


def test_what_a_run_writes_is_read_as_it_stands(tmp_path: Path) -> None:
    record = read_manifest(made(tmp_path / "run"))
    assert record == WHOLE
    assert record["certificate"]["max_gap_share"] is None  # JSON has no infinity
    single = {**WHOLE, "certificate": {}, "note": "mine"}  # a single plan, and a word somebody added
    assert read_manifest(made(tmp_path / "single", single)) == single


@pytest.mark.parametrize(("place", "value", "words"), WRONG)
def test_an_entry_that_a_command_uses_and_that_is_of_the_wrong_kind_is_told(
    place: tuple[str, ...], value: Any, words: str, tmp_path: Path
) -> None:
    run = made(tmp_path / "run", changed(place, value))
    assert told(run).startswith(f"[R002] {run / 'run.json'}, {words}")


def test_all_wrong_entries_are_told_together(tmp_path: Path) -> None:
    said = told(made(tmp_path / "run", {**WHOLE, "case": 1, "size": 2, "seconds": {"total": "x", "load": None}}))
    assert [line.split(", ")[1].split(";")[0] for line in said.splitlines()] == ["case", "seconds.total", "size"]


def test_the_store_passes_over_damaged_runs(tmp_path: Path) -> None:
    """One damaged record anywhere below the root must not keep the other runs from being listed and asked."""
    made(tmp_path / "good")
    for number, (place, value, _) in enumerate(WRONG):
        made(tmp_path / f"bad-{number}", changed(place, value))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "run.json").write_text('{"case_hash": ' + "[" * 5000 + "]" * 5000 + "}")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "run.json")
    assert [stored.run for stored in stored_runs(tmp_path)] == ["good"]
    assert summary(tmp_path)["seconds"].tolist() == [1.5]


def test_a_query_of_a_damaged_table_is_refused_with_words(tmp_path: Path) -> None:
    (made(tmp_path / "run") / "frontier.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataProblem, match=r"B010.*frontier"):
        query(tmp_path, "SELECT * FROM frontier")
    assert query(tmp_path, "SELECT run FROM runs")["run"].tolist() == ["run"]


AUDITS = [
    ({"passed": "yes", "checks": []}, "passed; found `yes`"),
    ({"passed": True, "checks": {}}, "checks; found `{}`"),
    ({"passed": True, "checks": [3]}, "checks.0; found `3`"),
    ({"passed": True, "checks": [{"name": "x", "passed": False}]}, "no check that failed"),
]


@pytest.mark.parametrize(("record", "words"), AUDITS)
def test_an_audit_that_is_none_is_told(record: dict[str, Any], words: str, tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert read_audit(run) == {}
    (run / "audit.json").write_text(json.dumps(record))
    with pytest.raises(DataProblem) as caught:
        read_run(run)
    assert words in str(caught.value)


def test_damaged_tables_of_a_part_are_told(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert read_part(run, "stress", "stress_summary") is None
    table = add_part(run, "stress", {"stress_summary": TABLE}, {}) / "stress_summary.parquet"
    assert part_tables(run)["stress_summary"].equals(TABLE)
    table.write_bytes(table.read_bytes()[:-1])
    for read in (lambda: read_part(run, "stress", "stress_summary"), lambda: part_tables(run)):
        with pytest.raises(DataProblem, match="R009"):
            read()


@pytest.mark.parametrize("name", [SEAL, "audit.json", "frontier.parquet"])
def test_a_pipe_in_a_run_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    if name != SEAL:
        (run / SEAL).unlink()
        for needed in NEEDED - {"frontier"}:
            TABLE.to_parquet(run / f"{needed}.parquet")
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with pytest.raises(DataProblem, match=f"{name}; found .*no ordinary file"):
        read_run(run)


def test_tables_lost_from_a_run_without_a_seal_are_told_together(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert set(read_run(run).tables) == {"frontier"}
    (run / SEAL).unlink()
    with pytest.raises(DataProblem) as caught:
        read_run(run)
    assert {Path(problem.file).stem for problem in caught.value.problems} == NEEDED - {"frontier"}


def test_a_lock_that_is_a_pipe_binds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock.json")
    refuse_if_locked(tmp_path)


def test_arrays_damaged_anywhere_are_told_or_whole(tmp_path: Path) -> None:
    """Every bit of every tenth byte changed: what is read is the same, or lacks a whole array, or is refused."""
    path = tmp_path / "arrays.npz"
    whole = {"x": np.arange(20) / 7, "record": np.array('{"a": 1}')}
    np.savez_compressed(path, **whole)  # type: ignore[arg-type]
    content = path.read_bytes()
    refused = 0
    for place in range(0, len(content), 10):
        for bit in range(8):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            try:
                found = read_arrays(path)
            except DataProblem:
                refused += 1
                continue
            assert all(np.array_equal(found[name], whole[name]) for name in found if name in whole)
    assert refused > len(content) // 10 * 4


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"\x80\x04K\x01."])
def test_what_is_no_archive_of_arrays_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "plans.npz").write_bytes(content)
    with pytest.raises(DataProblem, match=r"\[R003\] .*plans\.npz; found .*; remedy: again"):
        read_arrays(tmp_path / "plans.npz", "R003", "again")


def test_nothing_is_taken_up_or_written_where_a_point_is_damaged(tmp_path: Path) -> None:
    """Neither of a run that broke off nor of one that a limit ended; afterwards the folder is free."""
    target = tmp_path / "run"
    with RunFolder(target) as folder:
        folder.save_point("a", {"x": np.zeros(3)}, {"k": 1})
        folder.write_record("run.json", WHOLE)
    point = tmp_path / "run.partial" / "points" / "a.npz"
    content = point.read_bytes()
    point.write_bytes(content[:-9])
    with pytest.raises(DataProblem, match=r"R002.*a\.npz.*remedy: take the file away"):
        RunFolder(target, is_resumed=True)
    assert sorted(path.name for path in (tmp_path / "run.partial").rglob("*")) == ["a.npz", "points", "run.json"]
    point.write_bytes(content)
    with RunFolder(target, is_resumed=True) as folder:
        assert len(folder.saved_points()) == len(folder.resumed()) == 1
        folder.complete(keeps_points=True)
    (target / "points" / "a.npz").write_bytes(content[:-9])
    with pytest.raises(DataProblem, match="R002"):
        RunFolder(target, is_resumed=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    with pytest.raises(UsageProblem, match="exists already"):
        RunFolder(target)
