"""Result tables of rare runs: no room on the disk, no run there, vectors that do not fit, proofs of rare kinds."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from optimizer.audit.frontier import check_frontier, lower_bound, upper_bound
from optimizer.audit.ledger import Ledger
from optimizer.batch.file import RowChange
from optimizer.batch.index import frontiers
from optimizer.batch.store import stored_runs
from optimizer.batch.vary import _plain
from optimizer.errors import DataProblem, UsageProblem
from optimizer.results.columns import Columns, joined
from optimizer.results.folder import RunFolder, add_part, read_manifest, read_part
from optimizer.results.stored import _parts


def test_a_full_disk_is_no_wrong_usage_but_a_closed_folder_is(monkeypatch, tmp_path) -> None:
    def refused(code: int):
        def mkdir(self, *_, **__):
            raise OSError(code, "no")

        return mkdir

    monkeypatch.setattr(Path, "mkdir", refused(errno.ENOSPC))
    with pytest.raises(OSError, match="no"):
        RunFolder(tmp_path / "full").open()
    monkeypatch.setattr(Path, "mkdir", refused(errno.EACCES))
    with pytest.raises(UsageProblem, match="cannot be made"):
        RunFolder(tmp_path / "closed").open()


def test_a_folder_without_a_run_is_told(tmp_path) -> None:
    with pytest.raises(DataProblem) as problem:
        read_manifest(tmp_path)
    assert problem.value.problems[0].code == "R001"


def test_a_part_is_read_as_it_was_added_with_or_without_a_record(tmp_path) -> None:
    table = pd.DataFrame({"point": [1], "x": [2.0]})
    assert read_part(tmp_path, "told") is None
    add_part(tmp_path, "told", {"told_x": table}, {"seed": 3})
    tables, record = read_part(tmp_path, "told")
    assert (tables["told_x"]["x"].tolist(), record["seed"]) == ([2.0], 3)
    add_part(tmp_path, "plain", {"plain_x": table}, None)
    assert not (tmp_path / "plain" / "plain.json").exists()


def test_vectors_and_names_that_do_not_fit_are_told() -> None:
    columns = Columns((("flow", ("a", 2027)), ("flow", ("b", 2027))))
    assert columns.read("flow", np.array([0.0, 2.0]), ("lane", "year")).values.tolist() == [["b", 2027, 2.0]]
    with pytest.raises(ValueError, match="flow has 2 indices, not 1"):
        columns.read("flow", np.zeros(2), ("lane",))
    with pytest.raises(ValueError, match="0 recourse vectors for 1 blocks"):
        joined(SimpleNamespace(blocks=[None]), [])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="3 values where 4 belong"):
        _parts(np.zeros(3), [1, 3])


# --- proofs ---------------------------------------------------------------------------------------------------------


def bounds(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["kind", "max_loss_months", "weight", "bound_musd", "max_cost_musd"])


NONE = float("nan")


def test_a_proof_up_to_some_cost_proves_no_more_than_that_cost() -> None:
    proofs = bounds(("infeasible", 1.0, NONE, NONE, 7.0), ("cap", NONE, NONE, 4.0, NONE))
    # no plan with at most a month is cheaper than 7; riskier ones cost at least 4
    assert lower_bound(np.array([0.5, 1.0, 2.0]), proofs).tolist() == [7.0, 7.0, 4.0]


def test_a_segment_without_width_proves_nothing_but_its_ends() -> None:
    points = pd.DataFrame({"point": [1, 2, 3], "cost_musd": [4.0, 5.0, 8.0], "loss_months": [2.0, 2.0, 1.0]})
    segments = pd.DataFrame({"from_point": [1, 1], "to_point": [2, 3]})
    assert upper_bound(np.array([1.0, 1.5, 2.0, 3.0]), points, segments).tolist() == [8.0, 6.0, 4.0, 4.0]


def test_a_figure_that_the_certificate_leaves_out_is_not_checked() -> None:
    points = pd.DataFrame(
        {"point": [1], "cost_musd": [4.0], "loss_months": [2.0], "cost_bound_musd": [3.0], "gap_share": 0.25}
    )
    tables = {
        "frontier": points,
        "bounds": bounds(("cap", NONE, NONE, 3.0, NONE)).assign(proof=1),
        "segments": pd.DataFrame(columns=["from_point", "to_point"]),
    }
    for told, is_found in (({"mean_gap_share": None, "max_gap_share": 0.25}, False), ({"max_gap_share": 0.0}, True)):
        ledger = Ledger()
        check_frontier(tables, told, ledger)
        assert (ledger.findings["certificate"].largest > 0.1) is is_found


# --- batches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"remove": True}, "give the key of the row"),
        ({"key": "x", "factor": 2.0}, "give the column"),
        ({"key": "x", "column": "y", "value": 1, "remove": True}, "exactly one of"),
    ],
)
def test_a_change_of_a_row_says_which_and_what(change, told) -> None:
    with pytest.raises(ValueError, match=told):
        RowChange(table="offers", **change)


def test_a_frontier_that_tells_its_own_case_keeps_it(tmp_path) -> None:
    pd.DataFrame({"point": [1], "case": ["own"]}).to_parquet(tmp_path / "frontier.parquet")
    job = SimpleNamespace(case="other", variation="dear", keys={"demand": "2"})
    results = [SimpleNamespace(run=tmp_path, job=job), SimpleNamespace(run=None, job=job)]
    (row,) = frontiers(results, "tonight").to_dict("records")  # type: ignore[arg-type]
    assert (row["case"], row["variation"], row["demand"], row["batch"]) == ("own", "dear", "2", "tonight")


def test_files_that_are_no_run_are_passed_over(tmp_path) -> None:
    run = '{"case": "x", "case_hash": "1", "data_hash": "2"}'
    for name, text in {"a": "[]", "b": '{"x": 1}', "c": "{", "d": run}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert [stored.run for stored in stored_runs(tmp_path)] == ["d"]
    assert stored_runs(tmp_path / "none") == []


def test_cells_are_compared_as_they_are_written() -> None:
    assert [_plain(value) for value in (None, pd.NA, NONE, 2.0, 2.5, "x")] == ["", "", "", "2", "2.5", "x"]
