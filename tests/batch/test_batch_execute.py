"""A batch is carried out: every job once, finished runs in place at once, failures told, the rest left for later."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from distributed import Client

import optimizer.batch.cluster
import optimizer.batch.execute as execute
import optimizer.batch.index
from optimizer.batch.parcel import packed, unpack
from optimizer.batch.store import known_runs, query, stored_runs, summary
from optimizer.batch.worker import Outcome, do
from optimizer.errors import AuditFailure, DataProblem, StorageFull
from optimizer.jobs.target import finished_run
from optimizer.results.folder import read_run
from optimizer.tables.case import load_case

TOYS = Path(__file__).parents[1] / "toys"


@pytest.fixture(scope="module")
def near():
    """Dask in this process: the scheduler and workers are real, no process is started."""
    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=0
    ) as client:
        yield client


@pytest.fixture
def at_hand(near, monkeypatch):
    """Batches use the client in this process."""

    @contextmanager
    def cluster(*_):
        yield near

    monkeypatch.setattr(optimizer.batch.cluster, "local", cluster)
    monkeypatch.setattr(optimizer.batch.cluster, "remote", cluster)


def batch_file(folder, cases, more=""):
    path = folder / "mine.toml"
    listed = ", ".join(f"'{TOYS / name}'" for name in cases)
    path.write_text(f"title = 'A <b>title</b>'\ncases = [{listed}]\n{more}")
    return path


DONE: list[str] = []
"""Jobs done, by place; workers are threads of this process and functions of a module travel by name."""


def noted(task):
    DONE.append(task.name)
    return quick(task)


def broken_once(task):
    if "0.03" in task.name:
        raise RuntimeError("the pencil broke")
    return noted(task)


def away(task):
    DONE.append(task.target)
    return Outcome(0, "complete", parcel=packed(quick.template))


def counted(task):
    with ONE_AT_A_TIME:
        AT_WORK.append(AT_WORK[-1] + 1)
    time.sleep(0.05)
    with ONE_AT_A_TIME:
        AT_WORK.append(AT_WORK[-1] - 1)
    return away(task)


AT_WORK = [0]
"""Jobs under way, after every beginning and end of one."""

ONE_AT_A_TIME = threading.Lock()


def quick(task):
    """Stands for the solving where only the handling is meant: a run folder with one point, or a failure.

    As in a real run, the folder has its name only once it is whole, and one that is there already stands: a batch
    that was interrupted looks at the folders while its workers, threads here, are still at work.
    """
    if task.case == "cannot-be":
        return Outcome(3, "infeasible", "no plan satisfies the limits given")
    target = Path(task.target)
    fresh = target.with_name(f"{target.name}.partial")
    with ONE_AT_A_TIME:
        if not target.exists():
            shutil.copytree(quick.template, fresh)
            manifest = json.loads((fresh / "run.json").read_text())
            case = load_case(unpack(task.parcel, target.parent / f".{target.name}"))
            shutil.rmtree(target.parent / f".{target.name}")
            manifest |= {"case": task.case, "case_hash": case.case_hash, "data_hash": case.data_hash}
            (fresh / "run.json").write_text(json.dumps(manifest | {"options": task.options.record()}))
            fresh.rename(target)
    return Outcome(0, "complete", seconds=1.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """One real run, made as a worker makes it."""
    from optimizer.jobs.frontier import frontier_of
    from optimizer.jobs.prepare import Options

    return frontier_of(TOYS / "force-majeure", tmp_path_factory.mktemp("runs") / "one", Options(points=2)).path


@pytest.fixture
def quickly(monkeypatch, template, at_hand):
    quick.template = template
    DONE.clear()
    monkeypatch.setattr(execute, "do", noted)
    return DONE


def test_a_batch_from_file_to_index(sourcing, tmp_path, at_hand):
    """Two real jobs: one solved on its worker, one proven infeasible; the exit code is the worse."""
    path = batch_file(tmp_path, ["force-majeure", "cannot-be"], "[options]\npoints = 2\nworkers = 1\n")
    code, out, err = sourcing("batch", path, "-o", "out")
    assert code == 3
    assert "[2/2]" in err
    assert err.count("no plan satisfies the limits given") == 2
    assert "index: out/index.html" in out
    run = read_run(tmp_path / "out" / "force-majeure" / "as_it_is")
    assert run.audit["passed"]
    assert run.manifest["case"] == "force-majeure"
    table = pd.read_parquet(tmp_path / "out" / "frontiers.parquet")
    assert list(table.columns[:4]) == ["batch", "case", "variation", "run"]
    assert table["cost_musd"].tolist() == run.tables["frontier"]["cost_musd"].tolist()
    assert (tmp_path / "out" / "frontiers.csv").read_text().startswith("batch,case,variation,run,point,")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "A &lt;b&gt;title" in page
    assert "<b>title" not in page
    assert "infeasible" in page
    assert "http" not in page.split("<script", 1)[0]
    state = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert [job["code"] for job in state["jobs"]] == [0, 3]
    assert not (tmp_path / "out" / "lock.json").exists()


MANY = "[vary]\n'finance.discount_rate_share' = [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]\n"


def test_every_job_runs_once_and_resume_runs_only_what_is_left(sourcing, tmp_path, quickly):
    path = batch_file(tmp_path, ["force-majeure"], MANY)
    code, _, err = sourcing("batch", path, "-o", "out", "--workers", 1)
    assert (code, len(quickly), len(set(quickly))) == (0, 9, 9), err
    code, _, err = sourcing("batch", path, "-o", "out", "--workers", 1)
    assert code == 2
    assert "go on with it by --resume" in err
    shutil.rmtree(tmp_path / "out" / "force-majeure" / "discount_rate_share=0.03")
    quickly.clear()
    assert sourcing("batch", path, "-o", "out", "--resume", "--workers", 1, "--root", "none")[0] == 0
    assert quickly == ["force-majeure/discount_rate_share=0.03"]
    assert len(pd.read_parquet(tmp_path / "out" / "frontiers.parquet")["variation"].unique()) == 9


def test_damaged_runs_are_refused_before_anything_is_done(sourcing, tmp_path, quickly):
    """Two finished runs of three are damaged, one of them from before there were seals, and one job is open.

    Both are told at once; taken away, they are done anew.
    """
    path, out = batch_file(tmp_path, ["force-majeure"], MANY.replace(", 0.03", "]\n#")), tmp_path / "out"
    words = ("batch", path, "-o", "out", "--workers", 1, "--root", "none")
    assert sourcing("-q", *words)[0] == 0
    runs = [out / "force-majeure" / f"discount_rate_share={rate}" for rate in ("0.0", "0.01", "0.02")]
    for run in runs[:2]:
        (run / "frontier.parquet").write_bytes(b"x")
    (runs[1] / "seal.json").unlink()
    shutil.rmtree(runs[2])
    quickly.clear()
    before = (out / "batch.json").read_bytes()
    code, _, err = sourcing(*words, "--resume")
    assert (code, quickly) == (1, [])
    for run in runs[:2]:
        assert f"{run.relative_to(tmp_path) / 'frontier.parquet'}" in err
        assert f"take {run.relative_to(tmp_path)} away and go on" in err
    assert (out / "batch.json").read_bytes() == before
    assert not (out / "lock.json").exists()
    for run in runs[:2]:
        shutil.rmtree(run)
    assert sourcing("-q", *words, "--resume")[0] == 0
    assert len(quickly) == 3


def test_a_damaged_run_from_elsewhere_stands_for_nothing(sourcing, tmp_path, quickly):
    path = batch_file(tmp_path, ["force-majeure"])
    assert sourcing("-q", "batch", path, "-o", "runs/one", "--workers", 1)[0] == 0
    (tmp_path / "runs" / "one" / "force-majeure" / "as_it_is" / "costs.parquet").write_bytes(b"x")
    assert sourcing("-q", "batch", path, "-o", "runs/two", "--workers", 1)[0] == 0
    assert len(quickly) == 2
    assert read_run(tmp_path / "runs" / "two" / "force-majeure" / "as_it_is").audit["passed"]


def test_equal_inputs_are_solved_once_and_known_ones_not_at_all(sourcing, tmp_path, quickly):
    """The fourth variation is what the case says anyway, as the first; later another batch asks the same."""
    more = "[[variation]]\nname='a'\n[[variation]]\nname='b'\nset.contracts.surge_share=0.5\n"
    path = batch_file(tmp_path, ["force-majeure"], more + "[[variation]]\nname='c'\nset.contracts.surge_share=0.0\n")
    assert sourcing("-q", "batch", path, "-o", "runs/one", "--workers", 1)[0] == 0
    assert sorted(quickly) == ["force-majeure/a", "force-majeure/b"]
    state = json.loads((tmp_path / "runs" / "one" / "batch.json").read_text())
    assert [job["run"] for job in state["jobs"]] == ["force-majeure/a", "force-majeure/b", "force-majeure/a"]
    quickly.clear()
    assert sourcing("-q", "batch", path, "-o", "runs/two", "--workers", 1)[0] == 0
    assert quickly == []
    state = json.loads((tmp_path / "runs" / "two" / "batch.json").read_text())
    assert {job["run"] for job in state["jobs"]} == {"../one/force-majeure/a", "../one/force-majeure/b"}
    assert sourcing("-q", "batch", path, "-o", "runs/three", "--workers", 1, "--again")[0] == 0
    assert len(quickly) == 2


def test_a_run_of_other_inputs_in_the_way_is_refused(sourcing, tmp_path, quickly):
    path = batch_file(tmp_path, ["force-majeure"])
    assert sourcing("-q", "batch", path, "-o", "out", "--workers", 1)[0] == 0
    code, _, err = sourcing("batch", path, "-o", "out", "--workers", 1, "--resume", "--points", 7)
    assert code == 2
    assert "other inputs or options" in err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x.txt").write_text("x")
    assert sourcing("batch", path, "-o", "mine", "--resume")[0] == 2


def test_a_second_process_on_the_same_batch_is_refused(sourcing, tmp_path, quickly):
    path = batch_file(tmp_path, ["force-majeure"])
    with execute.claimed(tmp_path / "out", False):
        (tmp_path / "out" / "batch.json").write_text("{}")
        code, _, err = sourcing("batch", path, "-o", "out", "--resume")
    assert code == 2
    assert f"process {os.getpid()} on" in err
    assert quickly == []


def test_a_job_that_crashes_is_told_and_does_not_stop_the_others(sourcing, tmp_path, quickly, monkeypatch):
    monkeypatch.setattr(execute, "do", broken_once)
    path = batch_file(tmp_path, ["force-majeure"], MANY)
    code, _, err = sourcing("batch", path, "-o", "out", "--workers", 1)
    assert code == 6
    assert "RuntimeError: the pencil broke" in err
    assert len(quickly) == 8
    assert len(stored_runs(tmp_path / "out")) == 8


def test_ctrl_c_leaves_what_is_finished_and_the_rest_for_later(sourcing, tmp_path, quickly, monkeypatch):
    take = execute.Batch._take

    def third_time(self, job, outcome):
        take(self, job, outcome)
        if len(self.results) == 3:
            raise KeyboardInterrupt

    path = batch_file(tmp_path, ["force-majeure"], MANY)
    with monkeypatch.context() as patch:
        patch.setattr(execute.Batch, "_take", third_time)
        code, _, err = sourcing("batch", path, "-o", "out", "--workers", 1)
    assert code == 4, err
    left = int(re.search(r"(\d) of 9 jobs are left; go on by --resume", err).group(1))
    # three were taken; of the jobs at work then, some may have been put into place before they could say so
    assert left <= 6
    state = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert sum(job["status"] == "open" for job in state["jobs"]) == left
    assert all((tmp_path / "out" / job["run"]).is_dir() for job in state["jobs"] if job["status"] == "complete")
    assert (tmp_path / "out" / "index.html").is_file()
    assert sourcing("-q", "batch", path, "-o", "out", "--workers", 1, "--resume", "--root", "none")[0] == 0
    assert len(stored_runs(tmp_path / "out")) == 9


@pytest.mark.parametrize(("moment", "ends"), [("workers", 5), ("closing", 0), ("index", 0)])
def test_ctrl_c_before_and_after_the_jobs_is_an_end_too(sourcing, tmp_path, quickly, near, monkeypatch, moment, ends):
    """While workers start no job has a run yet; while they are let go, and while the index is written, all have."""
    write_index = optimizer.batch.index.write_index

    def ctrl_c(now):
        if now == moment:
            signal.raise_signal(signal.SIGINT)

    @contextmanager
    def cluster(*_):
        ctrl_c("workers")
        yield near
        ctrl_c("closing")

    def index(carried):
        ctrl_c("index")
        return write_index(carried)

    monkeypatch.setattr(optimizer.batch.cluster, "local", cluster)
    monkeypatch.setattr(optimizer.batch.index, "write_index", index)
    code, _, err = sourcing("batch", batch_file(tmp_path, ["force-majeure"], MANY), "-o", "out", "--workers", 1)
    assert code == ends, err
    assert ("9 of 9 jobs are left; go on by --resume" in err) == bool(ends)
    assert (tmp_path / "out" / "index.html").is_file()
    assert not (tmp_path / "out" / "lock.json").exists()


def test_a_run_that_travels_is_put_into_place_whole(sourcing, tmp_path, quickly, template, monkeypatch):
    """As from a scheduler elsewhere: the task names no folder here, the run comes back as bytes."""
    monkeypatch.setattr(execute, "do", away)
    path = batch_file(tmp_path, ["force-majeure"])
    assert sourcing("-q", "batch", path, "-o", "out", "--scheduler", "tcp://elsewhere:8786")[0] == 0
    assert quickly == [None]
    placed = tmp_path / "out" / "force-majeure" / "as_it_is"
    assert {p.name for p in placed.iterdir()} == {p.name for p in template.iterdir()}


def test_a_full_disk_keeps_what_is_there(tmp_path, template, monkeypatch):
    parcel, target = packed(template), tmp_path / "case" / "one"
    execute.place_run(parcel, target)
    before = sorted(path.name for path in target.iterdir())
    unpack = execute.unpack

    def half(content, folder):
        unpack(content, folder)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(execute, "unpack", half)
    with pytest.raises(StorageFull, match="No space left"):
        execute.place_run(parcel, target)
    assert sorted(path.name for path in target.iterdir()) == before
    assert [path.name for path in target.parent.iterdir()] == ["one"]


def test_dry_run_says_what_would_run_and_runs_nothing(sourcing, tmp_path, quickly, template):
    path = batch_file(tmp_path, ["force-majeure", "stock-cover"])
    shutil.copytree(template, tmp_path / "runs" / "x" / "one")
    code, out, _ = sourcing("batch", path, "--dry-run")
    assert code == 0
    assert "2 jobs" in out
    assert "nothing was run" in out
    code, out, _ = sourcing("batch", path, "--dry-run", "--json")
    assert [job["basis"] for job in json.loads(out)["jobs"]] == ["nearest in size", "nearest in size"]
    assert quickly == []
    assert not (tmp_path / "runs" / "mine").exists()


def test_no_more_jobs_at_once_than_asked(sourcing, tmp_path, quickly, monkeypatch):
    """A cluster of two workers does what it is sent, so it is sent one job at a time."""
    vary = "[vary]\n'finance.discount_rate_share' = [0.01, 0.02, 0.03, 0.04]\n"
    path = batch_file(tmp_path, ["force-majeure"], vary)
    _, out, _ = sourcing("batch", path, "--dry-run", "--json", "--at-once", "1")
    assert json.loads(out)["at_once"] == 1
    monkeypatch.setattr(execute, "do", counted)
    code, _, _ = sourcing("batch", path, "-o", "out", "--scheduler", "tcp://head:8786", "--at-once", "1")
    assert code == 0
    assert AT_WORK == [0, 1, 0, 1, 0, 1, 0, 1, 0]


@pytest.fixture
def store(tmp_path, template):
    for case, name in (("x", "one"), ("x", "two"), ("y", "one")):
        shutil.copytree(template, tmp_path / "runs" / case / name)
        path = tmp_path / "runs" / case / name / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"case": case, "case_hash": case + name}))
    shutil.copytree(template, tmp_path / "runs" / "y" / "two.partial")
    (tmp_path / "runs" / "y" / "broken").mkdir()
    (tmp_path / "runs" / "y" / "broken" / "run.json").write_text("{")
    return tmp_path / "runs"


def test_sql_reads_every_run_where_it_lies(store, template):
    points = len(pd.read_parquet(template / "frontier.parquet"))
    found = query(store, 'SELECT run, "case", count(*) AS points FROM frontier GROUP BY ALL ORDER BY run')
    assert found.to_dict("list") == {
        "run": ["x/one", "x/two", "y/one"],
        "case": ["x", "x", "y"],
        "points": [points] * 3,
    }
    joined = query(store, "SELECT r.status FROM runs r JOIN costs c USING (run) WHERE r.run = 'y/one' LIMIT 1")
    assert joined["status"].tolist() == ["complete"]
    views = query(store, "SELECT view_name FROM duckdb_views() WHERE NOT internal")["view_name"].tolist()
    assert {"frontier", "flows", "portfolio", "inputs_facilities"} <= set(views)
    assert list(summary(store)["case"]) == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nothing", "B010"),
        ("SELEC 1", "B010"),
        ("SELECT 1; SELECT 2", "B009"),
        ("COPY frontier TO 'out.csv'", "B009"),
        ("CREATE TABLE t AS SELECT 1", "B009"),
        ("SET enable_external_access = true", "B009"),
        ("SELECT * FROM read_text('/etc/hostname')", "B010"),
    ],
)
def test_sql_only_reads_and_only_the_runs(store, sql, code):
    with pytest.raises(DataProblem, match=code):
        query(store, sql)


def test_runs_on_the_command_line(sourcing, store):
    code, out, _ = sourcing("runs")
    assert code == 0
    assert all(name in out for name in ("x/one", "x/two", "y/one"))
    assert "two.partial" not in out
    code, out, _ = sourcing("runs", "list", "--json")
    assert len(json.loads(out)) == 3
    code, out, _ = sourcing("runs", "show", store / "x" / "one", "--json")
    assert json.loads(out)["frontier"][0]["point"] == 1
    assert "audit: passed" in sourcing("runs", "show", store / "x" / "one")[1]
    code, out, _ = sourcing("runs", "query", "SELECT '=1+1' AS text, count(*) AS n FROM frontier", "--csv")
    assert out.splitlines()[0] == "text,n"
    assert out.splitlines()[1].startswith("'=1+1,")
    assert sourcing("runs", "query", "SELECT 1 AS one", "--json")[0] == 0
    assert sourcing("runs", "query", "DROP VIEW frontier")[0] == 1
    assert "no finished run below nowhere" in sourcing("runs", "list", "--root", "nowhere")[1]


def test_known_runs_are_complete_ones(store):
    assert len(known_runs(store)) == 3
    path = store / "x" / "one" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "limit"}))
    assert len(known_runs(store)) == 2


def test_a_run_that_failed_its_audit_is_no_answer(store):
    """Nor is one whose record of the audit cannot be read; a run that was never audited is as before."""
    audit = store / "x" / "two" / "audit.json"
    record = json.loads(audit.read_text())
    record["checks"][0]["passed"] = record["passed"] = False
    audit.write_text(json.dumps(record))
    assert len(known_runs(store)) == 2
    with pytest.raises(AuditFailure, match=record["checks"][0]["name"]):
        finished_run(audit.parent, replace(load_case(audit.parent / "case"), case_hash="xtwo"))
    audit.write_text("{")
    assert len(known_runs(store)) == 2
    audit.unlink()
    assert len(known_runs(store)) == 3


def test_a_worker_turns_every_ending_into_an_outcome(near, tmp_path):
    from optimizer.batch.file import batch_of
    from optimizer.batch.plan import plan_of
    from optimizer.batch.worker import Task

    plan = plan_of(batch_of({"cases": ["cannot-be"]}, ""), "", TOYS)
    (job,) = plan.jobs
    task = Task(job.place, job.case, job.parcel, plan.options, False)
    outcome = near.submit(do, task, pure=False).result()
    assert (outcome.code, outcome.status) == (3, "infeasible")
    outcome = near.submit(do, replace(task, parcel=b"rubbish"), pure=False).result()
    assert (outcome.code, outcome.status) == (6, "failed")
