"""Frontiers under a list of caps: one table over cost, loss and cap, against figures derived by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import UsageProblem
from optimizer.jobs.caps import TABLE, frontier_under_caps
from optimizer.jobs.prepare import Options
from optimizer.report.caps_chart import caps_chart, write_caps_chart

TOY = Path(__file__).parents[1] / "toys" / "environment-cap"
EVENT = "event,name,cause,rate_per_year,story\nstop,Stop,fire,0.1,The dirty plant stands still.\n"
EFFECT = (TOY.parent / "force-majeure" / "event_effects.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Path:
    """The toy with a shock: the dirty plant stands still for a year, and clean goods have to be paid for."""
    folder = tmp_path_factory.mktemp("caps") / "capped"
    shutil.copytree(TOY, folder)
    toml = (folder / "case.toml").read_text(encoding="utf-8")
    more = '[shocks]\nwindow_months = 12\n\n[measure]\nkind = "worst_case"\n\n[contracts]\nsurge_share = 0.0\n\n'
    (folder / "case.toml").write_text(toml.replace("[frontier]", more + "[frontier]"), encoding="utf-8")
    (folder / "events.csv").write_text(EVENT, encoding="utf-8")
    effect = EFFECT.replace("facility,plant", "facility,dirty").replace("0,6,0,1", "0,12,0,1")
    (folder / "event_effects.csv").write_text(effect, encoding="utf-8")
    offers = pd.read_csv(folder / "offers.csv", keep_default_na=False)
    offers["take_or_pay_share"] = 1
    offers.to_csv(folder / "offers.csv", index=False)
    return folder


def test_one_frontier_per_cap(case, tmp_path):
    # d t from dirty (10 USD/kg, 20 m3/t), the rest from clean (11 USD/kg, 2 m3/t): 18 d + 200 m3 of water, 12 d / 100
    # months lost, 1.1 - d / 1000 MUSD. So a cap of 200 leaves d = 0, one of 1100 d = 50, one of 2000 all; 100 nothing.
    done = frontier_under_caps(case, "water", [2000, 200, 100, 1100], tmp_path / "out", Options(points=4))
    table = done.table
    ends = table.groupby("cap").agg(most=("loss_months", "max"), least=("cost_musd", "min"), dear=("cost_musd", "max"))
    assert list(ends.index) == [100.0, 200.0, 1100.0, 2000.0]
    assert table.loc[table["cap"] == 100, "status"].tolist() == ["infeasible"]
    assert ends["most"].tolist()[1:] == pytest.approx([0, 6, 12], abs=1e-5)
    assert ends["least"].tolist()[1:] == pytest.approx([1.1, 1.05, 1.0], abs=1e-6)
    assert ends["dear"].tolist()[1:] == pytest.approx([1.1, 1.1, 1.1], abs=1e-6)
    assert set(table["run"]) == {"", "cap-02", "cap-03", "cap-04"}
    assert (done.path / "cap-04" / "audit.json").exists()
    written = pd.read_csv(done.path / TABLE)
    assert written["cost_musd"].tolist() == pytest.approx(table["cost_musd"].tolist(), nan_ok=True)
    chart = caps_chart(table, "m3").to_dict()
    assert "No plan at all at 100" in str(chart["title"])
    assert write_caps_chart(table, tmp_path / "caps.png", "m3").stat().st_size > 5000


def test_wrong_limits_and_caps_are_refused(case, tmp_path):
    with pytest.raises(UsageProblem, match="water"):
        frontier_under_caps(case, "wind", [1.0], tmp_path / "a")
    for caps in ([], [1.0, 1.0]):
        with pytest.raises(UsageProblem, match="each once"):
            frontier_under_caps(case, "water", caps, tmp_path / "b")
    with pytest.raises(UsageProblem):
        frontier_under_caps(case, "water", [1.0], tmp_path)
    assert not (tmp_path / "a").exists()
