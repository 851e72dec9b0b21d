"""Runs side by side: nothing changed, one quote changed, and frontiers by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from sensed import TOYS, copied, solved

from optimizer.cli.failures import run_guarded
from optimizer.cli.main import sourcing
from optimizer.errors import UsageProblem
from optimizer.jobs.compare import compare_runs
from optimizer.sensitivity.compare import cost_at, frontier_table, nearest_loss

FACTORS = 1.1**-0.5 + 1.1**-1.5


def near(value: float, tolerance: float = 1e-6):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def test_run_compared_with_itself_shows_no_difference(tmp_path: Path) -> None:
    run = solved(TOYS / "one-plant", tmp_path)
    found = compare_runs([run, run])
    for name in ("settings", "rows", "portfolio"):
        assert found.tables[f"compare_{name}"].empty, name
    assert (found.tables["compare_costs"]["difference_musd"] == 0).all()
    assert (found.tables["compare_shares"]["difference_share"] == 0).all()
    assert not found.tables["compare_frontier"]["is_dominated"].any()
    assert found.path is None
    assert {path.name for path in run.iterdir()} & {"compare", "sensitivity"} == set()


def test_changed_quote_appears_with_its_exact_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = solved(TOYS / "one-plant", tmp_path)
    changes = {"offers.csv": (",part,10,", ",part,11,"), "case.toml": ("time_limit_s = 60", "time_limit_s = 61")}
    dearer = solved(copied(tmp_path / "dearer", "one-plant", changes), tmp_path / "dearer")
    found = compare_runs([run, dearer], output=tmp_path / "told")
    (quote,) = found.tables["compare_rows"].to_dict("records")
    changed = ("offers", "plant_sale", "changed", "price_usd_per_kg", "10", "11")
    assert tuple(quote[c] for c in ("table", "row", "change", "column", "before", "after")) == changed
    (setting,) = found.tables["compare_settings"].to_dict("records")
    assert (setting["key"], setting["before"], setting["after"]) == ("frontier.time_limit_s", "60.0", "61.0")
    costs = found.tables["compare_costs"].set_index("term")["difference_musd"]
    assert costs.to_dict() == near({"purchase": 0.1 * FACTORS, "freight": 0.0})  # 100 t a year, 1 USD/kg more
    frontier = found.tables["compare_frontier"].set_index("of")
    assert frontier.loc["other", "difference_musd"] == near(0.1 * FACTORS)
    assert frontier["is_dominated"].to_dict() == {"base": False, "other": True}
    assert (tmp_path / "told" / "compare.png").stat().st_size > 10_000
    written = pd.read_csv(tmp_path / "told" / "compare_rows.csv", dtype=str)
    assert written["after"].tolist() == ["11"]
    with pytest.raises(UsageProblem):
        compare_runs([run, dearer], output=tmp_path / "told")
    monkeypatch.setenv("COLUMNS", "160")
    words = ["-q", "compare", str(run), str(dearer), "-o", str(tmp_path / "once more")]
    assert run_guarded(lambda: sourcing.main(args=words, standalone_mode=False), words) == 0
    told = capsys.readouterr().out
    assert "run 2: 0 points of run 1 are dominated by it, 1 of its own by run 1" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["offers", "plant_sale", "changed", "price_usd_per_kg", "10", "11"] in lines
    assert ["frontier.time_limit_s", "60.0", "61.0"] in lines
    (purchase,) = (line for line in lines if line[:1] == ["purchase"])
    assert float(purchase[3]) == pytest.approx(0.1 * FACTORS, abs=5e-4)
    assert ["freight"] not in [line[:1] for line in lines]  # terms that do not differ are left out
    assert lines[-1][0] == "tables:"


def test_cost_at_equal_loss_runs_straight_between_attained_points() -> None:
    base = pd.DataFrame({"point": [1, 2, 3], "cost_musd": [10.0, 14.0, 15.0], "loss_months": [4.0, 2.0, 2.5]})
    assert cost_at(base, 3.0) == near(12.0)  # point 3 is dominated and bends nothing
    assert cost_at(base, 9.0) == near(10.0)
    assert pd.isna(cost_at(base, 1.0))
    other = pd.DataFrame({"point": [1, 2], "cost_musd": [11.5, 14.0], "loss_months": [3.0, 2.0]})
    table = frontier_table(base, other).set_index(["of", "point"])
    assert table.loc[("other", 1), "difference_musd"] == near(-0.5)
    assert table.loc[("other", 1), "attained_cost_musd"] == near(14.0)  # the base has no plan between 4 and 2 months
    assert table["is_dominated"].to_dict() == {
        ("base", 1): False, ("base", 2): False, ("base", 3): True, ("other", 1): False, ("other", 2): False,
    }  # fmt: skip
    assert nearest_loss(base, 3.2) == 3


def test_commands_print_and_speak_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(solved(TOYS / "regimes", tmp_path))

    def said(*words: str) -> tuple[int, str]:
        code = run_guarded(lambda: sourcing.main(args=["-q", *words], standalone_mode=False), list(words))
        return code, capsys.readouterr().out

    code, text = said("sensitivity", run, "--samples", "20", "--branch", "storm", "--branch", "calm", "--workers", "1")
    assert (code, "own part of far" in text, "storm" in text) == (0, True, True)
    code, text = said("sensitivity", run, "--samples", "0", "--no-regret", "--json", "--workers", "1")
    assert code == 0
    assert json.loads(text)["sensitivity_figures"][0]["rank"] == 1
    assert (Path(run) / "sensitivity" / "tornado.png").stat().st_size > 10_000
    code, text = said("compare", run, run)
    assert (code, "same inputs, same picks" in text) == (0, True)
    code, text = said("compare", run, run, "--json")
    assert json.loads(text)["differences"][0]["cost_musd"] == 0
    assert said("compare", run)[0] == 2
    assert said("sensitivity", run, "--branch", "thunder")[0] == 1
