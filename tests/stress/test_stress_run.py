"""A stress test of a finished run: every figure derived by hand, and the folder left whole whatever happens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from toy_runs import PLANT, TOYS, stock_run

from optimizer.cli.main import sourcing
from optimizer.errors import DataProblem, UsageProblem
from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.jobs.stress import Stressed, StressOptions, stress_run
from optimizer.stress.read import read_stress

STOP = "stop,Stop,accident,0.3,The plant stands still for four months.\ncalm,Calm,accident,0.1,Nothing happens.\n"
EFFECT = f"stop,1,facility,{PLANT},false,0,4,0,1\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 t in stock, two months; a stop of four months three times out of four."""
    return stock_run(tmp_path_factory.mktemp("stress"), events=STOP, effects=EFFECT)


@pytest.fixture(scope="module")
def stressed(run: Path) -> Stressed:
    return stress_run(run, StressOptions(samples=400, replays=("all",)))


def _only(frame: pd.DataFrame) -> pd.Series:
    (row,) = frame.to_dict("records")
    return pd.Series(row)


def test_summary_by_hand(stressed: Stressed) -> None:
    """Every stop costs 4 - 2 = 2 months; about 300 of 400 draws are stops, the rest costs nothing."""
    row = _only(stressed.tables["stress_summary"])
    losses = stressed.tables["stress_losses"].set_index("shock")
    assert losses["loss_months"].to_dict() == pytest.approx({"stop@2028": 2.0, "calm@2028": 0.0}, abs=1e-5)
    assert losses["survive_months"].to_dict() == pytest.approx({"stop@2028": 2.0, "calm@2028": 12.0}, abs=1e-5)
    assert losses["recover_months"].to_dict() == {"stop@2028": 4.0, "calm@2028": 0.0}
    stops = losses.loc["stop@2028", "multiplicity"]
    assert losses["multiplicity"].sum() == 400
    assert 260 < stops < 340
    assert row["samples"] == 400
    assert row["mean_loss_months"] == pytest.approx(2.0 * stops / 400, abs=1e-5)
    assert row["measure_months"] == pytest.approx(2.0, abs=1e-5)  # the toy's measure is the worst case
    assert row["in_sample_months"] == pytest.approx(2.0, abs=1e-5)
    assert row["optimism_months"] == pytest.approx(0.0, abs=1e-5)
    assert row["stop_share"] == pytest.approx(stops / 400)
    assert row["stop_rate_per_year"] == pytest.approx(0.4 * stops / 400)
    assert row["worst_shock"] == "stop@2028"


def test_histogram_and_quantiles_by_hand(stressed: Stressed) -> None:
    stops = stressed.tables["stress_losses"].set_index("shock").loc["stop@2028", "multiplicity"] / 400
    classes = stressed.tables["stress_histogram"]
    held = classes[classes["probability_share"] > 0].set_index("from_months")["probability_share"].to_dict()
    assert held == pytest.approx({0.0: 1 - stops, 1.5: stops}) or held == pytest.approx({0.0: 1 - stops, 2.0: stops})
    times = stressed.tables["stress_times"].set_index("quantile_share")
    assert times.loc[0.5, ["survive_months", "recover_months"]].tolist() == pytest.approx([2.0, 4.0], abs=1e-5)
    assert times.loc[0.95, "survive_months"] == 12.0


def test_offenders_by_hand(stressed: Stressed) -> None:
    table = stressed.tables["stress_offenders"].set_index(["kind", "offender"])
    assert table.loc[("hazard", "stop"), "name"] == "Stop"
    for key in (("hazard", "stop"), ("plant", "plant")):
        assert table.loc[key, "loss_share"] == pytest.approx(1.0)
        assert table.loc[key, "mean_loss_months"] == pytest.approx(2.0, abs=1e-5)
    assert ("hazard", "calm") not in table.index


def test_removal_by_hand(stressed: Stressed) -> None:
    """The plant is gone for six months: 6 - 2 = 4. Its country for three (its own row counts): 3 - 2 = 1."""
    table = stressed.tables["stress_removal"].set_index("rank")
    assert table.loc[1, ["kind", "node"]].tolist() == ["facility", "plant"]
    assert table.loc[1, ["gone_months", "loss_months", "survive_months", "recover_months"]].tolist() == pytest.approx(
        [6.0, 4.0, 2.0, 6.0], abs=1e-5
    )
    assert table.loc[2, ["kind", "node"]].tolist() == ["country", "AAA"]
    assert table.loc[2, "loss_months"] == pytest.approx(1.0, abs=1e-5)
    assert len(table) == 2


def test_replay_by_hand(stressed: Stressed) -> None:
    """Half speed for eight months: 5 of 10 t a month are missing; 20 t of stock last four months, then 4 x 0.5."""
    row = _only(stressed.tables["stress_replays"])
    assert row["loss_months"] == pytest.approx(2.0, abs=1e-5)
    assert (row["survive_months"], row["recover_months"]) == pytest.approx((4.0, 8.0), abs=1e-4)
    assert row["least_flow_share"] == pytest.approx(0.5 * 10 / (100 / 12), abs=1e-5) or row["least_flow_share"] > 0
    months = stressed.tables["stress_replay_months"].set_index("month")
    assert months.loc[3, "stock_t"] == pytest.approx(0.0, abs=1e-3)
    assert months.loc[[4, 5, 6, 7], "lost_share"].sum() == pytest.approx(2.0, abs=1e-4)
    assert months.loc[[0, 1, 2, 3], "lost_share"].sum() == pytest.approx(0.0, abs=1e-4)
    assert months["loss_months"].sum() == pytest.approx(2.0, abs=1e-4)
    seen = _only(stressed.tables["stress_replay_actuals"])
    assert (seen["actual_share"], seen["actual_t"], seen["month"]) == (0.3, 3.0, 1)
    assert seen["model_t"] == pytest.approx(months.loc[1, "flow_t"])


def test_part_reads_back_and_record_says_what_was_asked(run: Path, stressed: Stressed) -> None:
    again = read_stress(run)
    assert again is not None
    assert set(again.tables) == set(stressed.tables)
    pd.testing.assert_frame_equal(
        again.tables["stress_removal"], stressed.tables["stress_removal"], check_dtype=False, rtol=1e-8
    )
    assert again.record["samples"] == 400
    assert again.record["replays"] == ["past"]
    for name in stressed.tables:
        assert (again.path / f"{name}.csv").is_file()


def _content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_tables_and_a_second_test_replaces_the_first(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("stress")))
    before = _content(copy)
    assert read_stress(copy) is None
    first = _content(stress_run(copy, StressOptions(samples=50, replays=("past",))).path)
    stress_run(copy, StressOptions(samples=70))
    second = _content(copy / "stress")
    assert "stress_replays.csv" in first
    assert "stress_replays.csv" not in second
    third = _content(stress_run(copy, StressOptions(samples=50, replays=("past",))).path)
    assert {k for k in first if first[k] != third[k]} <= {"stress.json"}
    assert not list(copy.glob("stress.*"))
    assert {k: v for k, v in _content(copy).items() if not k.startswith("stress/")} == before


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (StressOptions(replays=("pest",)), DataProblem, "did you mean `past`"),
        (StressOptions(point=9), DataProblem, "R005"),
        (StressOptions(start_year=1999), UsageProblem, "1999"),
    ],
)
def test_errors_leave_the_folder_untouched(run: Path, tmp_path: Path, options, error, told: str) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    before = _content(copy)
    with pytest.raises(error, match=told):
        stress_run(copy, options)
    assert _content(copy) == before


def test_all_unknown_replays_are_told_at_once(run: Path) -> None:
    with pytest.raises(DataProblem) as raised:
        stress_run(run, StressOptions(replays=("pest", "past", "future")))
    assert [(p.code, p.found) for p in raised.value.problems] == [("R007", "pest"), ("R007", "future")]


def test_nothing_that_could_happen_is_an_error(tmp_path: Path) -> None:
    path = solve_plan(TOYS / "one-plant", tmp_path / "run", Options()).path
    with pytest.raises(DataProblem, match="R008"):
        stress_run(path)
    assert not (path / "stress").exists()


def test_command_prints_a_summary_of_eighty_columns(run: Path) -> None:
    words = ["stress", str(run), "--samples", "40", "--replay", "all", "--workers", "1"]
    done = CliRunner().invoke(sourcing, words)
    assert done.exit_code == 0, done.output
    assert "The slow spring" in done.stdout
    assert "line stops" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if not line.startswith("tables:")) <= 80
    record = json.loads(CliRunner().invoke(sourcing, [*words, "--json"]).stdout)
    assert record["summary"][0]["point"] == 1
