"""One figure at a time: costs, losses and duals against hands and against solving again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sensed import TOYS, copied, indexed, row, sensed, solved

from optimizer.errors import DataProblem
from optimizer.jobs.sensitivity import SensitivityOptions, sensitivity_of
from optimizer.results.folder import read_run
from optimizer.sensitivity.figures import read_spans
from optimizer.sensitivity.tornado import price_of_month

FACTORS = 1.1**-0.5 + 1.1**-1.5  # two years at 10 %, mid-year


def near(value: float, tolerance: float = 1e-6):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def ends(found: pd.Series, what: str = "cost") -> tuple[float, float]:
    unit = "musd" if what == "cost" else "months"
    return found[f"{what}_low_{unit}"], found[f"{what}_high_{unit}"]


def test_prices_without_a_range_move_by_the_assumed_spans(tmp_path: Path) -> None:
    found = sensed(TOYS / "one-plant", tmp_path)
    spans = read_spans()
    # 100 t a year at 10 USD/kg are 1 MUSD, freight at 250 USD/t is 0.025 MUSD a year
    own = row(found, "own:plant_sale")
    assert ends(own) == near((FACTORS * (spans["own"].low_share - 1), FACTORS * (spans["own"].high_share - 1)))
    assert (own["range_from"], own["how"]) == ("assumed", "costed anew, exact")
    span = spans["freight"]
    assert ends(row(found, "freight:land")) == near(
        (0.025 * FACTORS * (span.low_share - 1), 0.025 * FACTORS * (span.high_share - 1))
    )


def test_discount_rate_is_costed_anew_exactly(tmp_path: Path) -> None:
    low, high = ends(row(sensed(TOYS / "one-plant", tmp_path), "discount"))
    span = read_spans()["discount"]
    for change, share in ((low, span.low_share), (high, span.high_share)):
        rate = 0.1 * share
        assert change == near(1.025 * ((1 + rate) ** -0.5 + (1 + rate) ** -1.5 - FACTORS))


def test_discount_rate_moves_what_is_left_of_a_project(tmp_path: Path) -> None:
    low, _ = ends(row(sensed(TOYS / "sponsored-project", tmp_path), "discount"))
    rate = 0.1 * read_spans()["discount"].low_share
    # 100 t at 100 and 20 USD/kg, a project of 10 MUSD of which half a life of 4 years is left after two
    cost = {r: 20 * (1 + r) ** -0.5 + 2 * (1 + r) ** -1.5 - 5 * (1 + r) ** -2 for r in (0.1, rate)}
    assert low == near(cost[rate] - cost[0.1], 1e-5)


def test_deck_and_own_part_move_within_their_own_rows_and_stop_at_the_floor(tmp_path: Path) -> None:
    found = sensed(indexed(tmp_path), tmp_path)
    # base 4 + 0.5 x 12 = 10 USD/kg; deck low 4 + 0.5 x max(11, 10) = 9.5, high 14; 0.2 MUSD per USD/kg
    assert ends(row(found, "deck:part")) == near((-0.1, 0.8))
    assert ends(row(found, "own:plant_sale")) == near((-0.2, 0.4))
    assert row(found, "own:plant_sale")["range_from"] == "table"


def test_decks_are_costed_as_the_case_would_be_built_on_them(tmp_path: Path) -> None:
    case = indexed(tmp_path)
    decks = sensed(case, tmp_path).tables["sensitivity_decks"].set_index("deck")["cost_musd"]
    # low 3 + 0.5 x 11 = 8.5, base 10, high 6 + 0.5 x 20 = 16 USD/kg for 200 t, and 0.05 MUSD of freight
    assert decks.to_dict() == near({"low": 1.75, "base": 2.05, "high": 3.25})
    for deck in ("low", "high"):
        other = copied(tmp_path / deck, "one-plant")
        for file in case.glob("*.csv"):
            (other / file.name).write_bytes(file.read_bytes())
        text = (case / "case.toml").read_text()
        (other / "case.toml").write_text(text.replace("[finance]\n", f'[finance]\nprice_deck = "{deck}"\n'))
        again = read_run(solved(other, tmp_path / deck))
        assert again.tables["frontier"]["cost_musd"].iloc[0] == near(decks[deck])


def test_demand_by_duals_is_what_solving_again_gives(tmp_path: Path) -> None:
    demand = row(sensed(TOYS / "one-plant", tmp_path), "demand:market")
    share = read_spans()["demand"].high_share
    more = copied(tmp_path / "more", "one-plant", {"demand.csv": ("market,2027,100", f"market,2027,{100 * share}")})
    cost = read_run(solved(more, tmp_path / "more")).tables["frontier"]["cost_musd"].iloc[0]
    assert ends(demand)[1] == near(cost - 1.025 * FACTORS, 1e-5)
    assert demand["how"] == "duals, first order"


@pytest.mark.long
def test_yield_by_duals_is_what_solving_again_gives(tmp_path: Path) -> None:
    found = sensed(TOYS / "joint-production", tmp_path)
    change = row(found, "yield:heavy")["cost_low_musd"]
    share = read_spans()["yield"].low_share
    case = copied(tmp_path / "less", "joint-production")
    flows = pd.read_csv(case / "route_flows.csv", dtype=object)
    stages = pd.read_csv(case / "routes.csv").set_index("route")["stage"]
    made = (flows["direction"] == "out") & (flows["route"].map(stages) == "heavy")
    tiny = 1e-3  # duals say what the next small unit is worth: a thousandth of the span
    flows.loc[made, "t_per_t"] = (flows.loc[made, "t_per_t"].astype(float) * (1 + tiny * (share - 1))).astype(str)
    flows.to_csv(case / "route_flows.csv", index=False)
    before = read_run(solved(TOYS / "joint-production", tmp_path / "less")).tables["frontier"]["cost_musd"].iloc[0]
    (tmp_path / "less" / "again").mkdir()
    after = read_run(solved(case, tmp_path / "less" / "again")).tables["frontier"]["cost_musd"].iloc[0]
    assert change * tiny == near(after - before, 2e-6)
    assert abs(change) > 1e-4


def test_longer_and_deeper_shocks_lose_what_the_hand_says(tmp_path: Path) -> None:
    spans = tmp_path / "spans.csv"
    spans.write_text("kind,low_share,high_share,reason\nduration,0.75,1.5,by hand\ndepth,0.75,1.15,by hand\n")
    found = sensed(TOYS / "stock-cover", tmp_path, 2.0, spans=spans)
    # four months without the plant, two of them from stock; with 3 or 6 months 1 or 4 are lost
    assert ends(row(found, "duration:stop"), "loss") == near((-1.0, 2.0), 1e-5)
    # a quarter of the plant left: 3 months' worth is missing; deeper than all is not possible
    assert ends(row(found, "depth:stop"), "loss") == near((-1.0, 0.0), 1e-5)
    assert "rate:stop" not in set(found.tables["sensitivity_figures"]["figure"])  # the worst case knows no rates


def test_rates_move_the_measure_by_their_weights(tmp_path: Path) -> None:
    case = copied(tmp_path, "stock-cover", {"case.toml": ('kind = "worst_case"', 'kind = "expected"')})
    (case / "events.csv").write_text(
        "event,name,cause,rate_per_year,low,high,story\nstop,Stop,accident,0.1,0.1,0.3,It stops.\n"
        "blip,Blip,accident,0.1,0.1,0.1,It blinks.\n"
    )
    text = (case / "event_effects.csv").read_text()
    line = text.splitlines()[1]
    (case / "event_effects.csv").write_text(
        text + line.replace("stop,0", "blip,0").replace(",0,4,0,1", ",0,1,0,1") + "\n"
    )
    found = sensed(case, tmp_path)
    # no stock: 4 months in half of the shocks, 1 in the other half; at a rate of 0.3 it is three quarters
    assert ends(row(found, "rate:stop"), "loss") == near((0.0, (3 * 4 + 1) / 4 - 2.5), 1e-5)


def test_price_of_a_month_is_the_slope_of_the_hull() -> None:
    costs, losses = [10.0, 11.0, 14.0, 13.5], [4.0, 2.0, 1.0, 1.5]
    # hull: (4, 10), (2, 11), (1, 14): slopes 0.5 and 3; the fourth lies above it, where it falls by 3
    assert price_of_month(costs, losses, 0) == near(0.5)
    assert price_of_month(costs, losses, 1) == near(1.75)
    assert price_of_month(costs, losses, 2) == near(3.0)
    assert price_of_month(costs, losses, 3) == near(3.0)
    assert price_of_month([5.0], [1.0], 0) == 0.0


def test_wrong_spans_are_told_together(tmp_path: Path) -> None:
    spans = tmp_path / "spans.csv"
    spans.write_text("kind,low_share,high_share,reason\nprise,0.5,2,\ndeck,1.2,1.5,\nown,low,1.5,\n")
    with pytest.raises(DataProblem) as told:
        read_spans(spans)
    assert [problem.code for problem in told.value.problems] == ["N001", "N002", "N002"]


def test_unknown_point_leaves_no_part(tmp_path: Path) -> None:
    run = solved(TOYS / "one-plant", tmp_path)
    with pytest.raises(DataProblem):
        sensitivity_of(run, SensitivityOptions(point=9))
    assert not (run / "sensitivity").exists()
