import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import DataProblem, UsageProblem
from optimizer.results.folder import RunFolder, add_part, interrupted_run, read_run, replace_file, run_path
from optimizer.results.manifest import Manifest, Seconds, as_json, versions

MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TABLE = {"costs": pd.DataFrame({"point": [1], "term": ["freight"], "year": [2027], "cost_musd": [1.5]})}


def finished(target):
    with RunFolder(target) as folder:
        folder.write_tables(TABLE)
        folder.write_inputs({"settings": pd.DataFrame({"key": ["case"], "value": ["x"]})})
        folder.write_record("run.json", Manifest("x", "abc", "def", 0).record())
        folder.write_record("audit.json", {"passed": True, "checks": []})
        return folder.complete()


def test_run_is_named_by_time_and_hash(tmp_path):
    assert run_path(tmp_path, "case", "abcdef0123456", MOMENT) == tmp_path / "case" / "20260304T050607Z-abcdef01"
    assert run_path(tmp_path, "../../etc", "x/y", MOMENT) == tmp_path / "_etc" / "20260304T050607Z-x_y"


def test_folder_appears_whole(tmp_path):
    target = tmp_path / "runs" / "case" / "one"
    with RunFolder(target) as folder:
        folder.write_tables(TABLE)
        assert not target.exists()
        assert folder.path.name == "one.partial"
    assert folder.path.exists()
    assert finished(tmp_path / "two") == tmp_path / "two"
    names = sorted(path.name for path in (tmp_path / "two").iterdir())
    assert names == ["audit.json", "costs.csv", "costs.parquet", "inputs", "run.json", "seal.json"]
    run = read_run(tmp_path / "two")
    assert run.tables["costs"]["cost_musd"].tolist() == [1.5]
    assert run.inputs["settings"]["value"].tolist() == ["x"]
    assert run.manifest["case_hash"] == "abc"
    assert run.audit["passed"]


def test_existing_and_unfinished_runs_are_not_overwritten(tmp_path):
    finished(tmp_path / "one")
    with pytest.raises(UsageProblem, match="exists already"):
        RunFolder(tmp_path / "one")
    RunFolder(tmp_path / "two").release()
    with pytest.raises(UsageProblem, match="unfinished run"):
        RunFolder(tmp_path / "two")
    RunFolder(tmp_path / "two", is_resumed=True).release()


def test_a_second_process_is_refused(tmp_path):
    code = "import sys; from pathlib import Path; from optimizer.results.folder import RunFolder\n"
    code += "try: RunFolder(Path(sys.argv[1]), is_resumed=True)\nexcept Exception as error: print(error)"
    with RunFolder(tmp_path / "one"):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "one")], capture_output=True, text=True)
    assert f"process {os.getpid()}" in done.stdout
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "one")], capture_output=True, text=True)
    assert done.stdout == ""
    # that process ended without giving the folder free: its lock does not bind
    RunFolder(tmp_path / "one", is_resumed=True).release()


def test_points_survive_an_interruption(tmp_path):
    with RunFolder(tmp_path / "x" / "20260304T050607Z-abcdef01") as folder:
        folder.save_point("cap-2", {"values": np.array([1.0, 2.5])}, {"cost_musd": 3.0})
        folder.save_point("cap-1", {"values": np.array([0.0])}, {"cost_musd": float("inf")})
    target = interrupted_run(tmp_path, "x", "abcdef0123")
    assert target == tmp_path / "x" / "20260304T050607Z-abcdef01"
    assert interrupted_run(tmp_path, "x", "other") is None
    with RunFolder(target, is_resumed=True) as folder:
        points = folder.saved_points()
        assert [point.name for point in points] == ["cap-1", "cap-2"]
        assert points[1].arrays["values"].tolist() == [1.0, 2.5]
        assert points[1].record == {"cost_musd": 3.0}
        assert points[0].record == {"cost_musd": None}
        assert not (folder.complete() / "points").exists()


def test_later_parts_are_added_in_one_step(tmp_path):
    run = finished(tmp_path / "one")
    add_part(run, "stress", TABLE, {"samples": 10})
    add_part(run, "stress", TABLE, {"samples": 20})
    assert json.loads((run / "stress" / "stress.json").read_text())["samples"] == 20
    assert {path.name for path in run.iterdir() if path.is_dir()} == {"inputs", "stress"}


@pytest.mark.parametrize("place", ["stress", "stress.partial", "stress.old"])
@pytest.mark.parametrize("kind", ["a link to a folder", "a dangling link", "a file"])
def test_links_in_a_foreign_run_folder_are_taken_away_and_not_followed(tmp_path, place, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "costs.csv").write_text("mine")
    run = finished(tmp_path / "one")
    if kind == "a file":
        (run / place).write_text("in the way")
    else:
        (run / place).symlink_to(outside if kind == "a link to a folder" else tmp_path / "nowhere")
    add_part(run, "stress", TABLE, {"samples": 10})
    assert [path.name for path in run.iterdir() if path.name.startswith("stress")] == ["stress"]
    assert not (run / "stress").is_symlink()
    assert json.loads((run / "stress" / "stress.json").read_text())["samples"] == 10
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"costs.csv": "mine"}
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["report.html", "report.html.new"])
def test_a_file_is_written_beside_links_and_not_through_them(tmp_path, name):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / name).symlink_to(tmp_path / "mine")
    replace_file(tmp_path / "report.html", b"page")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "report.html").read_bytes() == b"page"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "report.html"]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "report.html").write_bytes(b"old")
    monkeypatch.setattr("optimizer.results.folder.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "report.html", b"page")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"report.html": b"old"}


@pytest.mark.parametrize("name", ["missing", "one.partial", "empty"])
def test_what_is_no_finished_run_is_refused(tmp_path, name):
    (tmp_path / "one.partial").mkdir()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataProblem, match="R001"):
        read_run(tmp_path / name)


def test_broken_manifest_is_told(tmp_path):
    (finished(tmp_path / "one") / "run.json").write_text("{")
    with pytest.raises(DataProblem, match="R002"):
        read_run(tmp_path / "one")


def test_manifest_has_the_contract_fields():
    record = Manifest(
        "x", "a", "b", 7, certificate={"mean_gap_share": float("nan")}, size={"rows": np.int64(3)}
    ).record()
    contract = {"case", "case_hash", "data_hash", "versions", "seed", "options", "started", "finished", "status"}
    assert contract | {"seconds", "certificate", "measure", "size", "points"} <= set(record)
    assert json.loads(as_json(record))["certificate"] == {"mean_gap_share": None}
    assert record["size"] == {"rows": 3}
    assert {"python", "pandas"} <= set(versions())


def test_seconds_add_up():
    seconds = Seconds()
    with seconds.phase("build"), seconds.phase("solver"):
        pass
    seconds.add("solver", 0.25)
    table = seconds.table()
    assert set(table) == {"total", "load", "build", "solver", "other"}
    assert table["solver"] >= 0.25
    with pytest.raises(ValueError, match="lunch"), seconds.phase("lunch"):
        pass
