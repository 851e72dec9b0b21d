"""Regimes, licences, waivers and public money, each against figures made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from optimizer.chain.instance import Product, Project, Recipe
from optimizer.chain.licences import Movement, licences_in_force
from optimizer.chain.phases import regimes_in_force
from optimizer.chain.regimes import with_regime_shocks
from optimizer.chain.subsidies import loan_relief, supported, without_floors
from optimizer.chain.trade import TradeRules
from optimizer.chain.waivers import below
from optimizer.tables.case import load_case

LICENCE = ["exporter_iso3", "control_group", "destination", "segment", "policy", "approval_share", "processing_days"]
LICENCE += ["valid_from_year", "regime", "is_extraterritorial", "spill_over_share"]
TABLES = {
    "countries": pd.DataFrame({"country_iso3": ["AAA", "BBB", "CCC"]}),
    "regimes": pd.DataFrame(
        [
            ("calm", "Calm", None, True, 0.0, 12.0, 1.0),
            ("tense", "Tense", "calm", False, 0.1, 6.0, 2.0),
            ("shut", "Shut", "tense", False, 0.02, 9.0, 5.0),
        ],
        columns=["regime", "name", "based_on", "is_plan_default", "rate_per_year", "shock_months", "price_multiple"],
    ),
    "licences": pd.DataFrame(
        [
            ("AAA", "named", "*", "*", "free", 1.0, 0.0, 2000, "calm", False, 0.0),
            ("AAA", "named", "*", "*", "case_by_case", 0.5, 60.0, 2000, "tense", False, 0.3),
            ("AAA", "named", "*", "defence", "banned", 0.0, 0.0, 2000, "tense", False, 0.3),
            ("AAA", "named", "BBB", "*", "banned", 0.0, 0.0, 2000, "shut", True, 0.0),
            ("AAA", "named", "CCC", "*", "free", 0.9, 0.0, 2000, None, False, 0.0),
            ("AAA", "other", "*", "*", "case_by_case", 0.8, 0.0, 2000, None, False, 0.0),
        ],
        columns=LICENCE,
    ),
    "tariffs": pd.DataFrame(
        [
            ("BBB", "AAA", "part", "general", "duty", 0.05, "2000-01-01", None, None),
            ("BBB", "AAA", "part", "general", "duty", 0.15, "2000-01-01", None, "tense"),
            ("BBB", "AAA", "part", "extra", "duty", 1.0, "2000-01-01", None, "shut"),
        ],
        columns=[
            "importer", "exporter", "form", "legal_basis", "kind", "rate_share", "valid_from", "valid_to", "regime",
        ],
    ),
}  # fmt: skip


def rules(regime: str | None) -> TradeRules:
    return TradeRules(TABLES, regimes_in_force(TABLES, regime))


def test_a_regime_stands_on_the_one_it_is_based_on() -> None:
    assert regimes_in_force(TABLES, "shut") == ("shut", "tense", "calm")
    assert regimes_in_force(TABLES, None) == ("calm",)
    assert regimes_in_force({}, None) == ()


@pytest.mark.parametrize(
    ("regime", "destination", "segment", "share"),
    [
        (None, "BBB", "civil", 1.0),
        ("tense", "BBB", "civil", 0.5),
        ("tense", "BBB", "defence", 0.0),
        ("shut", "BBB", "civil", 0.0),  # what it says of a group replaces all that its base says of it
        ("shut", "CCC", "civil", 0.9),  # a row without a regime holds in every one
        ("shut", "CCC", "defence", 0.9),
    ],
)
def test_licences_of_a_regime(regime: str | None, destination: str, segment: str, share: float) -> None:
    assert rules(regime).approval_share(Movement("AAA", "named", destination, segment, 2027)) == share
    assert rules(regime).approval_share(Movement("AAA", "other", destination, segment, 2027)) == 0.8


@pytest.mark.parametrize(("regime", "share"), [(None, 0.05), ("tense", 0.15), ("shut", 1.15)])
def test_duties_of_a_regime(regime: str | None, share: float) -> None:
    assert rules(regime).tariff_share("BBB", "AAA", "part", 2027) == pytest.approx(share, abs=1e-12)


def shocked(*regimes: str, **tables: pd.DataFrame) -> pd.DataFrame:
    """Effects of regimes as events, of a case with one market per country and end use and plants in all three."""
    from dataclasses import dataclass
    from typing import Any

    from optimizer.tables.settings import CaseSettings

    @dataclass(frozen=True)
    class Given:
        tables: Any
        settings: Any

    text = ["event", "target", "facility", "country", "control_group", "destination", "segment", "origin_rule"]
    numbers = ["effect", "from_month", "to_month", "open_share", "price_multiple"]
    empty = pd.DataFrame(
        {c: pd.Series([], dtype=object) for c in text} | {c: pd.Series([], dtype=float) for c in numbers}
    )
    given = TABLES | {
        "events": pd.DataFrame(
            {c: pd.Series([], dtype=object) for c in ("event", "name", "cause", "rate_per_year", "story")}
        ),
        "event_effects": empty.assign(is_project_only=pd.Series([], dtype=bool)),
        "products": pd.DataFrame({"product": ["p", "q"], "control_group": ["named", "other"]}),
        "facilities": pd.DataFrame({"facility": ["a", "b", "c"], "country_iso3": ["AAA", "BBB", "CCC"]}),
        "markets": pd.DataFrame(
            {"market": ["m", "n"], "country_iso3": ["BBB", "BBB"], "segment": ["civil", "defence"]}
        ),
    }
    settings = CaseSettings.model_validate(
        {
            "title": "t",
            "horizon": {"first_year": 2027, "last_year": 2027},
            "policy": {"shock_regimes": regimes},
            "origin_rules": [{"rule": "marked", "countries": ["AAA"]}],
            "shocks": {"events": ("fire",)},
        }
    )
    case = with_regime_shocks(Given(given | tables, settings))
    assert case.settings.shocks.events == ("fire", *(f"regime-{name}" for name in regimes))
    assert case.tables["events"]["event"].tolist() == [f"regime-{name}" for name in regimes]
    return case.tables["event_effects"]


def cuts(effects: pd.DataFrame, *columns: str) -> dict[object, float]:
    keys = effects[list(columns)].itertuples(index=False, name=None)
    return dict(zip(keys, effects["open_share"].tolist(), strict=True))


def test_a_change_of_regime_cuts_to_what_is_still_licensed_and_spills_over() -> None:
    found = shocked("tense")
    assert cuts(found, "country", "control_group", "destination", "segment", "origin_rule") == {
        # 0.5 of 1 is left for civil use in BBB, nothing for defence; CCC keeps its row; neighbours lose 0.3
        ("AAA", "named", "BBB", "*", "*"): 0.5,
        ("AAA", "named", "BBB", "defence", "*"): 0.0,
        ("AAA", "other", "BBB", "*", "*"): 0.7,
    }
    assert set(found["to_month"]) == {6.0}
    assert set(found["price_multiple"]) == {2.0}
    assert set(found["target"]) == {"lane"}


def test_a_rule_that_reaches_abroad_cuts_marked_foreign_goods() -> None:
    found = shocked("shut")
    abroad = found[found["origin_rule"] != "*"]
    assert cuts(abroad, "country", "destination") == {("BBB", "BBB"): 0.0, ("CCC", "BBB"): 0.0}
    assert set(abroad["origin_rule"]) == {"marked"}


def test_a_case_without_such_regimes_is_left_alone() -> None:
    case = SimpleNamespace(settings=SimpleNamespace(policy=SimpleNamespace(shock_regimes=())))
    assert with_regime_shocks(case) is case


def product(name: str, price: float) -> Product:
    return Product(name, name, "form", None, "gross", 1.0, price, None, True)


@pytest.mark.parametrize(
    ("threshold", "found"),
    [
        (0.0, set()),
        (0.02, set()),
        (0.021, {"x"}),
        (0.05, {"x"}),
        (0.06, {"x", "y"}),
        (0.9, {"x", "y"}),
        (1.1, {"x", "y", "z"}),
    ],
)
def test_inputs_below_a_threshold_are_taken_together(threshold: float, found: set[str]) -> None:
    # of a product worth 100: x 2, y 3, z 85 (0.02, 0.03, 0.85 of its value); x and y together 0.05
    products = {"x": product("x", 2.0), "y": product("y", 3.0), "z": product("z", 85.0), "out": product("out", 100.0)}
    recipe = Recipe("r", "f", "route", dict.fromkeys("xyz", 1.0), {"out": 1.0}, 1.0, ("buyer",), {})
    assert below(recipe, products, threshold) == found


def test_a_cheap_loan_is_worth_what_its_interest_saves() -> None:
    # half is lent for two years at nothing; at 10 % two payments of a half are worth 0.5/1.1 + 0.5/1.21 = 0.867769
    term = {"kind": "loan", "value": 0.5, "term_years": 2, "rate_share": 0.0, "project": "*", "facility": "*"}
    assert loan_relief(term, 0.10) == pytest.approx(0.5 * (1 - (0.5 / 1.1 + 0.5 / 1.21)))
    assert loan_relief(term | {"rate_share": 0.2}, 0.10) == 0.0
    project = Project("e", "f", "E", 50.0, 100.0, 10.0, (2027,), (0.0, 1.0))
    assert supported(project, [term], 0.10).cost_musd == pytest.approx(100 * (1 - loan_relief(term, 0.10)))


def test_a_floor_that_the_state_pays_binds_the_buyer_no_more() -> None:
    row = {"facility": "f", "product": "p", "floor_usd_per_kg": 110.0}
    index = [{"product": "oxide", "floor_usd_per_kg": 100.0}, {"product": "other", "floor_usd_per_kg": 5.0}]
    term = {"kind": "floor", "facility": "f", "product": "oxide"}
    lifted, terms = without_floors(row, index, [term])
    assert (lifted["floor_usd_per_kg"], [t["floor_usd_per_kg"] for t in terms]) == (110.0, [None, 5.0])
    lifted, terms = without_floors(row, index, [term | {"product": "*"}])
    assert (lifted["floor_usd_per_kg"], [t["floor_usd_per_kg"] for t in terms]) == (None, [None, None])


def test_shipped_regimes_are_whole() -> None:
    tables = load_case("allied-magnets").tables
    regimes = tables["regimes"].set_index("regime")
    assert regimes["is_plan_default"].sum() == 1
    branches = regimes[regimes["branch_of"].notna()].groupby("branch_of")["branch_share"].sum()
    assert branches.to_dict() == pytest.approx(dict.fromkeys(branches.index, 1.0))
    spoken = set(tables["licences"]["regime"].dropna())
    assert all(set(regimes_in_force(tables, name)) & spoken for name in regimes.index)
    assert set(licences_in_force(tables, regimes_in_force(tables, None))) >= {("CHN", "magnet_heavy")}
