"""Every charge of a case that has one of each: its line in the bill, its price moved, its year discounted anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_instance import everything, under_rules

from optimizer.model.build import build_model, recourse_blocks
from optimizer.sensitivity.bill import KINDS, Bill, price_list
from optimizer.sensitivity.figures import Figure
from optimizer.sensitivity.pricing import Plans, Pricer, at_rate, moved_prices
from optimizer.solve.compile import compile_model

SUBJECTS = {"freight": "sea", "tariff": "MKT", "qualification": "mine", "project": "expand"}
"""What the instance has of kinds that are told apart: mode, country of arrival, stage, project."""


def compiled(instance):
    model = build_model(instance)
    return compile_model(model, {"cost": model.cost}, recourse_blocks(model))


def figure(kind: str) -> Figure:
    return Figure(kind, kind, SUBJECTS.get(kind, ""), 0.5, 1.5, 1, "assumed", "", "price")


def rich():
    return at_rate(replace(under_rules(), includes_shock_cost=True), 0.1)


def dearer(kind: str):
    """The instance with everything of a kind half as dear again, written into it by hand."""
    base, more = rich(), 1.5
    if kind == "freight":
        return replace(
            base, lanes={k: replace(x, freight_usd_per_t=more * x.freight_usd_per_t) for k, x in base.lanes.items()}
        )
    if kind == "tariff":
        shares = {k: {t: more * share for t, share in x.tariff_share.items()} for k, x in base.lanes.items()}
        return replace(base, lanes={k: replace(x, tariff_share=shares[k]) for k, x in base.lanes.items()})
    if kind == "qualification":
        paid = {k: replace(q, cost_musd=more * q.cost_musd) for k, q in base.qualifications.items()}
        return replace(base, qualifications=paid)
    if kind == "project":
        return replace(base, projects={k: replace(x, cost_musd=more * x.cost_musd) for k, x in base.projects.items()})
    if kind == "stock":
        held = {
            k: replace(x, carrying_usd_per_t_year=more * x.carrying_usd_per_t_year) for k, x in base.storages.items()
        }
        return replace(base, storages=held)
    if kind == "disposal":
        left = {k: replace(x, disposal_usd_per_kg=more * x.disposal_usd_per_kg) for k, x in base.byproducts.items()}
        return replace(base, byproducts=left)
    if kind == "outlet":
        sold = {k: replace(x, sale_price_usd_per_kg=more * x.sale_price_usd_per_kg) for k, x in base.byproducts.items()}
        return replace(base, byproducts=sold)
    return replace(base, line_stop_usd_per_kg=more * base.line_stop_usd_per_kg)


@pytest.fixture(scope="module")
def billed():
    program = compiled(rich())
    return program, Bill.of(rich(), program, "cost")


def pricer(billed, figures) -> Pricer:
    program, bill = billed
    return Pricer(None, rich(), program, bill, {x.figure: x for x in figures}, frozenset())


def test_only_charges_that_no_figure_moves_have_no_line(billed) -> None:
    program, bill = billed
    without = {program.column_keys[n][0] for n in np.flatnonzero(np.abs(bill.rest) > 1e-12)}
    # material above a benchmark, restored land, substitution on flows to a market, and what shocks cost
    assert without == {"over_cap", "throughput", "flow", "shock_cost"}
    places = [n for n, (c, _) in enumerate(program.column_keys) if c == "flow" and abs(bill.rest[n]) > 1e-12]
    # metal replaces what the market wants at 2 USD/kg more: that alone is no line of freight or duty
    assert {round(float(bill.rest[n]) * 1e3, 9) for n in places} == {
        round(2 * f, 9) for f in rich().discount_factor.values()
    }
    assert bill.rest_given == pytest.approx(0.0, abs=1e-12)  # opening stock has its line
    assert {item[0] for item in bill.items} == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "offer"])
def test_a_dearer_thing_costs_what_the_model_says_when_written_with_it(billed, kind: str) -> None:
    book = pricer(billed, [figure(kind)])
    expected = compiled(dearer(kind)).objectives["cost"]
    found = book.coefficients({kind: 1.0})
    known = [n for n, (c, _) in enumerate(billed[0].column_keys) if c != "shock_cost"]
    assert found[known] == pytest.approx(expected[0][known], abs=1e-12)
    assert not np.allclose(found, book.coefficients({}))
    assert float(billed[1].given @ book.prices({kind: 1.0})) == pytest.approx(expected[1], abs=1e-12)


def test_another_discount_rate_moves_every_charge_that_of_shocks_too(billed) -> None:
    book = pricer(billed, [Figure("discount", "discount", "", 0.5, 2.0, 1, "assumed", "", "price")])
    expected, constant = compiled(at_rate(rich(), 0.2)).objectives["cost"]
    assert book.coefficients({"discount": 1.0}) == pytest.approx(expected, abs=1e-12)
    x = np.linspace(1.0, 2.0, len(expected))
    costs = Plans.of(book, [x]).costs({"discount": 1.0})
    assert costs == pytest.approx([float(expected @ x) + constant])


def test_what_the_other_instance_lacks_keeps_the_price_given_for_it(billed) -> None:
    items = (("freight", "b:gone", 2027), ("offer", "gone", 2027), ("freight", "b:rival>plant:metal", 2027))
    found = price_list(items, everything(), {items[0]: 7.0})
    assert found.tolist() == [7.0, 0.0, 0.0]  # rival's lane is free of charge


def test_a_deck_without_a_range_moves_all_its_rows_by_the_assumed_share() -> None:
    prices = pd.DataFrame(
        {
            "product": ["part", "part", "ore"],
            "low_usd_per_kg": [None, None, 1.0],
            "base_usd_per_kg": [10.0, 20.0, 2.0],
            "high_usd_per_kg": [None, None, 3.0],
        }
    )
    assumed = Figure("deck:part", "deck", "part", 0.7, 1.5, 2, "assumed", "", "price")
    moved = moved_prices({"prices": prices}, "base", {"deck:part": assumed}, {"deck:part": 1.0, "deck:ore": 1.0})
    # half as dear again; ore has a range of its own, up to 3
    assert moved["prices"]["base_usd_per_kg"].tolist() == [15.0, 30.0, 3.0]
