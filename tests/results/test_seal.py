"""A run folder that is damaged, taken, locked or in the way is told with words, and nothing in it is lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from pathlib import Path

import pandas as pd
import pytest

import optimizer.results.lock as lock_module
from optimizer.errors import DataProblem, StorageFull, UsageProblem
from optimizer.results.folder import RunFolder, full_disk_told, read_part
from optimizer.results.lock import LOCK, lock, refuse_if_locked, unlock
from optimizer.results.manifest import Manifest
from optimizer.results.records import read_manifest
from optimizer.results.seal import SEAL, check_seal, write_seal
from optimizer.results.write import read_tables, write_tables

TABLE = {"costs": pd.DataFrame({"point": [1], "term": ["freight"], "year": [2027], "cost_musd": [1.5]})}


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A folder of one table, sealed."""
    write_tables(tmp_path / "run", TABLE)
    write_seal(tmp_path / "run")
    return tmp_path / "run"


def told(folder: Path) -> list[tuple[str, str]]:
    """File and finding of every problem of a seal."""
    with pytest.raises(DataProblem) as raised:
        check_seal(folder)
    assert {problem.code for problem in raised.value.problems} == {"R009"}
    return [(Path(problem.file).name, problem.found) for problem in raised.value.problems]


def test_everything_that_was_changed_lost_or_added_is_told_at_once(sealed: Path) -> None:
    check_seal(sealed)
    write_tables(sealed, {"flows": TABLE["costs"], "stock": TABLE["costs"]})
    write_seal(sealed)
    content = bytearray((sealed / "costs.parquet").read_bytes())
    content[100] ^= 1
    (sealed / "costs.parquet").write_bytes(content)
    (sealed / "flows.parquet").write_bytes(b"")
    (sealed / "stock.parquet").unlink()
    shutil.copy(sealed / "costs.parquet", sealed / "later.parquet")
    assert told(sealed) == [
        ("later.parquet", "a file that the run did not write"),
        ("costs.parquet", "other content than the run wrote"),
        ("flows.parquet", "other content than the run wrote"),
        ("stock.parquet", "no such file"),
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"x": ' + "[" * 5000 + "]" * 5000 + "}"])
def test_a_seal_that_is_none_is_told(sealed: Path, content: str) -> None:
    (sealed / SEAL).write_text(content)
    ((name, found),) = told(sealed)
    assert name == SEAL
    assert found.startswith("no seal: ")


def test_without_a_seal_a_table_that_is_none_is_told(sealed: Path) -> None:
    (sealed / SEAL).unlink()
    assert read_tables(sealed)["costs"]["cost_musd"].tolist() == [1.5]
    (sealed / "costs.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataProblem, match=r"R002.*costs\.parquet"):
        read_tables(sealed)


@pytest.mark.parametrize(("content", "words"), [("[1]", r"found `\[1\]`"), ('{"case": 3}', "case; found `3`")])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DataProblem, match=f"R002.*{words}"):
        read_manifest(tmp_path)


def test_a_part_that_was_never_made_is_none(tmp_path: Path) -> None:
    assert read_part(tmp_path, "stress") is None


def test_a_name_taken_meanwhile_is_not_overwritten_and_the_run_is_kept(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "one") as folder:
        folder.write_record("run.json", Manifest("x", "a", "b", 0).record())
        (tmp_path / "one").mkdir()
        with pytest.raises(UsageProblem, match=r"exists already; the run is kept in .*one\.partial"):
            folder.complete()
    assert (tmp_path / "one.partial" / "run.json").is_file()
    assert list((tmp_path / "one").iterdir()) == []


def test_a_run_given_up_takes_only_its_own_empty_folders_with_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "b" / "one")
    (tmp_path / "a" / "mine.txt").write_text("mine")
    folder.discard()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["a", "a/mine.txt"]


def test_a_full_disk_is_told_as_one_and_other_errors_are_left(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match=f"kept in {tmp_path}"), full_disk_told(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), full_disk_told(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_lock_of_another_machine_binds_and_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    with pytest.raises(UsageProblem, match=r"process 1 on elsewhere is at work.*remove .*lock\.json"):
        lock(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "x", "host": "y"}'])
def test_a_lock_nobody_can_read_does_not_bind(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK).write_text(content)
    lock(tmp_path)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    unlock(tmp_path)
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize(("error", "binds"), [(PermissionError, True), (ProcessLookupError, False)])
def test_a_process_of_somebody_else_is_alive(
    tmp_path: Path, error: type[OSError], binds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(pid: int, number: int) -> None:
        raise error

    (tmp_path / LOCK).write_text(json.dumps({"pid": 4_000_000, "host": socket.gethostname()}))
    monkeypatch.setattr(lock_module.os, "kill", kill)
    if binds:
        with pytest.raises(UsageProblem, match="process 4000000"):
            refuse_if_locked(tmp_path)
    else:
        refuse_if_locked(tmp_path)


def test_two_who_claim_a_folder_in_turn_do_not_both_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the lock left behind is taken away, another process makes a new one before this one can."""
    (tmp_path / LOCK).write_text("")
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: path.write_text(""))
    with pytest.raises(UsageProblem, match="is being claimed by another process"):
        lock(tmp_path)
