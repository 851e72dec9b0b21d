"""A frontier that breaks off, in whatever way, is gone on with: what was answered is not asked again."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import optimizer.jobs.frontier as jobs
from optimizer.errors import DataProblem, SolveLimit, StorageFull, UsageProblem
from optimizer.jobs.again import _options as options_of
from optimizer.jobs.prepare import COST, LOSS, Options, prepare
from optimizer.results.folder import RunFolder, read_run
from optimizer.results.kept import kept_journal, program_digest
from optimizer.results.records import read_manifest
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.highs import Termination
from optimizer.solve.journal import ASKED, Entry, Journal
from optimizer.solve.question import Answer, Attained, Question
from optimizer.solve.recourse import Cut
from optimizer.solve.studio import Studio

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "toys"
TOY = TOYS / "no-foresight"
OPTIONS = Options(points=4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same frontier without any interruption."""
    return jobs.frontier_of(TOY, tmp_path_factory.mktemp("whole") / "run", OPTIONS)


@pytest.fixture(scope="module")
def program():
    return prepare(TOY).program


@pytest.fixture
def studied(monkeypatch):
    """Questions put to the solver, in order."""
    asked = []
    answer = Studio.study

    def study(self, task, start, cuts):
        asked.append(task.question)
        return answer(self, task, start, cuts)

    monkeypatch.setattr(Studio, "study", study)
    return asked


def same_frontier(run, whole):
    """Complete, with the same ends, and every point on the other's attained curve, which these toys leave no gap to."""
    assert run.status == "complete"
    ours, theirs = (each.tables["frontier"].sort_values("loss_months") for each in (run, whole))
    assert ours["cost_musd"].min() == pytest.approx(theirs["cost_musd"].min(), rel=1e-5)
    assert ours["loss_months"].min() == pytest.approx(theirs["loss_months"].min(), abs=1e-4)
    on_curve = np.interp(ours["loss_months"], theirs["loss_months"], theirs["cost_musd"])
    assert ours["cost_musd"].tolist() == pytest.approx(on_curve.tolist(), rel=1e-3)


def trace(path, program):
    """The frontier of a program with its journal in a run folder, and nothing else."""
    with RunFolder(path, True) as folder:
        return trace_frontier(program, COST, LOSS, effort=Effort(points=4), journal=kept_journal(folder, program))


def interrupt_after(monkeypatch, count):
    """Ctrl-C as the answer after the first ``count`` comes in."""
    add = Journal.add
    seen = []

    def adding(self, entry):
        if len(seen) >= count:
            raise KeyboardInterrupt
        seen.append(entry)
        add(self, entry)

    monkeypatch.setattr(Journal, "add", adding)
    return seen


def test_an_entry_comes_back_as_it_was_kept(tmp_path):
    program = prepare(TOYS / "one-plant").program
    plan = Attained(np.arange(3.0), 5.0, float("inf"), "abc")
    cuts = (Cut(2, 1.5, np.array([0, 1]), np.array([0.5, -1.0])), Cut(1, 0.0, np.array([], dtype=int), np.array([])))
    answer = Answer(Question(2.0, 3.0), (plan,), -float("inf"), Termination.TIME_LIMIT, "Time", 1.25, cuts)
    entry = Entry(ASKED, 0.5, 15.0, answer, 2.5, np.array([1.0]))
    with RunFolder(tmp_path / "run") as folder:
        kept_journal(folder, program).add(entry)
        (found,) = kept_journal(folder, program).entries
    assert (found.kind, found.gap, found.seconds, found.price) == (ASKED, 0.5, 15.0, 2.5)
    assert found.answer.question == Question(2.0, 3.0)
    assert (found.answer.bound, found.answer.termination) == (-float("inf"), Termination.TIME_LIMIT)
    assert found.answer.attained[0].x.tolist() == [0.0, 1.0, 2.0]
    assert (found.answer.attained[0].second, found.answer.attained[0].integers_hash) == (float("inf"), "abc")
    assert [(c.theta, c.constant, c.indices.tolist(), c.values.tolist()) for c in found.answer.cuts] == [
        (2, 1.5, [0, 1], [0.5, -1.0]),
        (1, 0.0, [], []),
    ]


def test_only_an_answer_at_least_as_good_is_recalled():
    def entry(termination, gap, seconds):
        return Entry(ASKED, gap, seconds, Answer(Question(1.0), (), 0.0, termination, "", 0.0))

    done = Journal([entry(Termination.OPTIMAL, 0.1, 5.0)])
    assert done.recall(ASKED, Question(1.0), 0.1, 100.0) is not None
    assert done.recall(ASKED, Question(1.0), 0.05, 5.0) is None  # a tighter gap was not asked for
    assert done.recall(ASKED, Question(2.0), 0.1, 5.0) is None
    assert done.recall("relaxed", Question(1.0), 0.1, 5.0) is None
    short = Journal([entry(Termination.TIME_LIMIT, 0.1, 5.0)])
    assert short.recall(ASKED, Question(1.0), 0.1, 5.0) is not None
    assert short.recall(ASKED, Question(1.0), 0.1, 12.5) is None  # more time may give more
    cut = Journal([entry(Termination.INTERRUPTED, 0.1, 5.0)])
    assert cut.recall(ASKED, Question(1.0), 0.1, 5.0) is None


def test_entries_of_another_program_are_passed_over(tmp_path):
    program = prepare(TOYS / "one-plant").program
    other = replace(program, upper=program.upper + 1.0)
    assert program_digest(program) == program_digest(prepare(TOYS / "one-plant").program)
    answer = Answer(Question(), (), 0.0, Termination.OPTIMAL, "", 0.0)
    with RunFolder(tmp_path / "run") as folder:
        kept_journal(folder, program).add(Entry(ASKED, 0.0, 1.0, answer))
        assert kept_journal(folder, other).entries == ()
        kept_journal(folder, other).add(Entry(ASKED, 0.0, 1.0, answer))
        assert len(folder.saved_points()) == 2


@pytest.mark.parametrize("count", [1, 4, 14])
def test_ctrl_c_ends_cleanly_and_what_is_open_alone_is_asked_again(tmp_path, monkeypatch, program, studied, count):
    """Stopped before anything is found, in the linear phase, and among the lines."""
    with monkeypatch.context() as patch:
        kept = interrupt_after(patch, count)
        try:
            first = trace(tmp_path / "run", program)
        except SolveLimit:
            assert count < 14
        else:
            assert (first.status, first.is_repeatable) == ("interrupted", False)
    assert len(list((tmp_path / "run.partial" / "points").glob("answer-*.npz"))) == count
    answered = [entry.answer.question for entry in kept if entry.kind == ASKED]
    studied.clear()
    again = trace(tmp_path / "run", program)
    assert (again.status, again.is_repeatable) == ("tolerance", False)
    assert not set(answered) & set(studied)
    assert again.certificate.mean_gap_share <= again.tolerance
    studied.clear()
    assert trace(tmp_path / "run", program).points_table().equals(again.points_table())
    assert studied == []


def test_answers_of_a_crew_are_kept_as_they_come(tmp_path, program):
    with RunFolder(tmp_path / "run", True) as folder:
        found = trace_frontier(
            program, COST, LOSS, effort=Effort(points=4, workers=2), journal=kept_journal(folder, program)
        )
        kept = [entry for entry in kept_journal(folder, program).entries if entry.kind == ASKED]
    assert found.status == "tolerance"
    relaxed = len(folder.saved_points()) - len(kept)
    assert len(kept) + relaxed == found.solves


def test_a_failure_between_tracing_and_writing_loses_no_answer(tmp_path, monkeypatch, whole, studied):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "tables_of", full)
        with pytest.raises(StorageFull, match="what was finished is kept in"):
            jobs.frontier_of(TOY, tmp_path / "run", OPTIONS)
    assert studied
    studied.clear()
    again = jobs.frontier_of(TOY, tmp_path / "run", OPTIONS, resumes=True)
    assert studied == []
    same_frontier(again, whole)


def test_a_run_ended_by_a_limit_goes_on_and_replaces_itself(tmp_path, monkeypatch, whole):
    """Without a folder given: the latest run of exactly this case that can be gone on with is found."""
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 14)
        first = jobs.frontier_of(TOY, None, OPTIONS)
    assert first.status == read_run(first.path).manifest["status"] == "interrupted"
    assert (first.path / "points").is_dir()
    again = jobs.frontier_of(TOY, None, OPTIONS, resumes=True)
    assert again.path == first.path
    assert len(again.manifest["resumed"]) == 1
    assert again.manifest["is_repeatable"] is False
    same_frontier(again, whole)
    assert [path.name for path in (tmp_path / "runs" / "no-foresight").iterdir()] == [first.path.name]
    assert not (again.path / "points").exists()
    # a complete run is returned as it is
    stamp = (again.path / "run.json").stat().st_mtime_ns
    assert jobs.frontier_of(TOY, again.path, OPTIONS, resumes=True).status == "complete"
    assert (again.path / "run.json").stat().st_mtime_ns == stamp
    with pytest.raises(UsageProblem, match="other inputs"):
        jobs.frontier_of(TOYS / "one-plant", again.path, OPTIONS, resumes=True)


def test_a_second_process_on_the_same_run_is_refused(sourcing, tmp_path):
    with RunFolder(tmp_path / "run"):
        for words in (["--resume"], []):
            code, _, err = sourcing("-q", "frontier", TOYS / "one-plant", "-o", "run", "--workers", 1, *words)
            assert code == 2
            assert f"process {os.getpid()} on" in err


def test_equal_inputs_are_not_solved_again_unless_asked(sourcing, tmp_path, monkeypatch):
    words = ["frontier", TOYS / "one-plant", "--workers", 1]
    assert sourcing("-q", *words)[0] == 0

    def solving(*_, **__):
        raise SolveLimit("solving")

    monkeypatch.setattr(jobs, "trace_frontier", solving)
    code, out, err = sourcing(*words)
    assert code == 0
    assert "has the answer to the same inputs" in err
    assert "run folder: runs/one-plant/" in out
    assert len(list((tmp_path / "runs" / "one-plant").iterdir())) == 1
    for other in (["--again"], ["--points", 3], ["--seed", 1], ["-o", "elsewhere"]):
        monkeypatch.setattr("optimizer.jobs.target.run_path", lambda *_: tmp_path / "fresh")
        assert sourcing("-q", *words, *other)[0] == 5, other


def test_a_run_repeated_from_its_manifest_has_the_same_bytes(sourcing, tmp_path):
    case = TOYS / "force-majeure"
    assert sourcing("-q", "frontier", case, "--points", 3, "--workers", 1, "-o", "first")[0] == 0
    assert json.loads((tmp_path / "first" / "run.json").read_text())["is_repeatable"] is True
    code, _, err = sourcing("run", "--from-manifest", tmp_path / "first" / "run.json", "-o", "second")
    assert code == 0
    files = [
        p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*") if p.suffix in (".csv", ".parquet")
    ]
    tables = [name for name in files if name.parts[0] != "case"]
    assert len(tables) > 20
    for name in tables:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    assert f"{len(tables)} of {len(tables)} tables are the same" in err


def test_a_run_that_was_changed_or_cut_short_says_so_when_repeated(sourcing, tmp_path):
    assert sourcing("-q", "solve", TOYS / "one-plant", "--workers", 1, "-o", "first")[0] == 0
    manifest = json.loads((tmp_path / "first" / "run.json").read_text())
    (tmp_path / "first" / "costs.csv").write_text("point\n1\n")
    (tmp_path / "first" / "run.json").write_text(json.dumps(manifest | {"is_repeatable": False}))
    code, _, err = sourcing("-q", "run", "--from-manifest", "first", "-o", "second")
    assert code == 0
    assert "different: costs.csv" in err
    assert "cut short by time" in err
    assert sourcing("run")[0] == 2


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"options": {"flavour": 1}}, "options of another version: flavour"),
        ({"options": {"points": "many"}}, "points: "),
        ({"options": {"workers": None, "seed": [1]}}, "seed: "),
        ({"job": None}, "no job named"),
    ],
)
def test_a_manifest_that_cannot_be_repeated_is_refused(tmp_path, more, found):
    hashes = {"case": "x", "case_hash": "a", "data_hash": "b"}
    manifest = {**hashes, "options": {"seed": 1}, "job": "solve", "versions": {}} | more
    (tmp_path / "run.json").write_text(json.dumps({name: value for name, value in manifest.items() if value}))
    with pytest.raises(DataProblem) as told:
        options_of(tmp_path, read_manifest(tmp_path))
    (problem,) = told.value.problems
    assert problem.code == "R006"
    assert found in problem.found


def command(target, *words):
    return [sys.executable, "-m", "optimizer.cli.main", "-q", "frontier", str(TOY), "-o", str(target), "--points", "4",
            "--workers", "1", *words]  # fmt: skip


def test_kill_at_any_moment_leaves_what_was_answered(tmp_path, whole):
    """A real process, killed as soon as some answers are kept; another goes on from exactly those."""
    target = tmp_path / "run"
    points = tmp_path / "run.partial" / "points"
    process = subprocess.Popen(command(target), cwd=ROOT)
    deadline = time.monotonic() + 60
    while len(list(points.glob("answer-*.npz"))) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    kept = {path.name: path.read_bytes() for path in points.glob("answer-*.npz")}
    assert len(kept) >= 3
    again = jobs.frontier_of(TOY, target, OPTIONS, resumes=True)
    same_frontier(again, whole)


def test_a_full_disk_loses_nothing_finished(tmp_path, whole):
    """The process may write no file beyond a size (as on a full disk the write fails half-way): the journal fits,
    the tables do not. What was answered is whole, and with room again the run is finished from it."""
    target = tmp_path / "run"

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))

    done = subprocess.run(command(target), cwd=ROOT, preexec_fn=small, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert "no room to write" in done.stderr
    assert "--resume" in done.stderr
    assert not target.exists()
    assert len(list((tmp_path / "run.partial" / "points").glob("answer-*.npz"))) > 3
    assert not list((tmp_path / "run.partial" / "points").glob("*.new"))
    same_frontier(jobs.frontier_of(TOY, target, OPTIONS, resumes=True), whole)


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of its own with little room; where the tests may not mount one, the limit above stands for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_file_system_loses_nothing_finished(tiny_disk, program):
    with pytest.raises(StorageFull, match="No space left"):
        trace(tiny_disk / "run", program)
    kept = len(list((tiny_disk / "run.partial" / "points").glob("answer-*.npz")))
    assert kept > 0
    subprocess.run(["mount", "-o", "remount,size=16m", tiny_disk], check=True)
    with RunFolder(tiny_disk / "run", True) as folder:
        assert len(kept_journal(folder, program).entries) == kept
    assert trace(tiny_disk / "run", program).status == "tolerance"
