"""Offers, limits, steps and alternatives of plans on the bench: tolls, qualifications, running volumes."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_instance import everything, facility, instance, lane, market, product, sale, source

from optimizer.chain.instance import Project, Qualification, Recipe
from optimizer.explain import alternatives
from optimizer.explain.alternatives import distance, next_alternative, slack_of, spent, widened
from optimizer.explain.bench import Bench, Rigour
from optimizer.explain.limits import Worth, limits_table
from optimizer.explain.offers import batches, check, offers_table, qualifying, standings
from optimizer.explain.steps import step_sentences, steps_table
from optimizer.explain.suppliers import OUT_OF_TIME, deep_sheet
from optimizer.explain.tell import story_of
from optimizer.explain.words import Words
from optimizer.jobs.prepare import COST, LOSS
from optimizer.model.build import build_model, recourse_blocks
from optimizer.solve.compile import compile_model
from optimizer.solve.master import Master
from optimizer.solve.question import Question
from optimizer.solve.recourse import Recourse


def near(value, tolerance: float = 1e-4):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def signed(name, at, price, made="metal", **changes):
    """An offer over both years from the first on, paid whether lifted or not."""
    return sale(name, at, price, made, start_years=(2027,), take_or_pay_share=1.0, **changes)


def tolled(name, at, price, **changes):
    return replace(signed(name, at, price, **changes), kind="toll", recipe=f"{at}|melt|metal")


def melt(at):
    return Recipe(f"{at}|melt|metal", at, "melt", {"oxide": 1.25}, {"metal": 1.0}, 1.0, ("buyer",), {})


def owned_chain(offers=(), qualifications=(), **changes):
    """100 t of metal a year: oxide from `works` at 10 or `pit` at 12, melted at `near` for 5 or `far` for 7.

    `rival` sells metal at 30; `cheap` could make 150 t of it a year, if it has an offer.
    """
    sellers = {"rival"} | {x.facility for x in offers if x.product == "metal"}
    plants = [facility(name, stage="mine") for name in ("works", "pit")]
    plants += [facility(name) for name in ("near", "far", "rival")] + [facility("cheap", capacity=150.0)]
    return instance(
        plants,
        [
            signed("works-sale", "works", 10.0, "oxide"),
            signed("pit-sale", "pit", 12.0, "oxide"),
            tolled("near-toll", "near", 5.0),
            tolled("far-toll", "far", 7.0, min_t=10.0),
            signed("rival-sale", "rival", 30.0),
            *offers,
        ],
        [lane("buyer", start, end, "oxide") for start in ("works", "pit") for end in ("near", "far")]
        + [lane("buyer", name, "plant", "metal") for name in sorted({"near", "far"} | sellers)],
        [
            *(source(x, "oxide") for x in ("works", "pit")),
            *(source(x, "metal") for x in sellers),
            melt("near"),
            melt("far"),
        ],
        markets=[market(accepts={"metal": (1.0, 0.0)})],
        products=[product("oxide", form="oxide"), product("metal", form="metal")],
        qualifications={q.qualification: q for q in qualifications},
        **changes,
    )


@contextmanager
def bench_of(own):
    """The cheapest plan of an instance."""
    model = build_model(own)
    program = compile_model(model, {COST: model.cost, LOSS: model.loss_measure}, recourse_blocks(model))
    with Recourse(program) as recourse:
        best = Master(program, COST, LOSS, recourse).answer(Question(), 1e-9).attained[0]
        yield Bench(own, program, without_idle(program, best.x), COST, LOSS, recourse)


def without_idle(program, x):
    """The plan without signatures under which nothing is committed: they are free, so the solver sets them at will."""
    places, x = {key: place for place, key in enumerate(program.column_keys)}, x.copy()
    for (component, index), place in places.items():
        if component == "is_signed":
            volumes = [x[p] for (c, i), p in places.items() if c == "committed" and i[0] == index[0]]
            x[place] = float(max(volumes) > 1e-6)
    return x


def needs(at, made, cost):
    return Qualification(f"{at}|{made}|*", at, made, "*", False, (2027, 2028), 0.0, cost, {}, 0.0)


NEW, KEPT = needs("cheap", "metal", 0.9), needs("works", "oxide", 0.01)
OFFERS = (
    signed("cheap-sale", "cheap", 12.0, min_t=200.0, qualification=NEW.qualification),
    signed("works-dear", "works", 11.0, "oxide", qualification=KEPT.qualification),
)


def test_tolls_and_feed_enter_at_the_price_of_what_they_replace() -> None:
    own = owned_chain(OFFERS, (NEW, KEPT))
    first = replace(own.offers["works-sale"], qualification=KEPT.qualification)
    own = replace(own, offers={**own.offers, "works-sale": first})
    with bench_of(own) as bench:
        assert bench.cost_musd == near(2 * 0.1 * (1.25 * 10 + 5) + 0.01)
        final = {"far-toll", "rival-sale", "cheap-sale"}
        assert batches(bench, True) == [final, {"pit-sale", "works-dear"}]
        assert batches(bench, False) == [final]
        found = {s.offer: s for s in standings(bench, Rigour(), every_stage=True)}
        even = {name: s.break_even_usd_per_kg for name, s in found.items()}
        # 1.25 kg of oxide at 10 and 5 for melting are 17.5 a kg of metal; what `cheap` needs, 0.9 MUSD on 200 t, is 4.5
        assert even == near(
            {"far-toll": 5, "works-dear": 10, "rival-sale": 17.5, "cheap-sale": 13, "pit-sale": 10}, 1e-3
        )
        assert found["works-dear"].qualification_musd == 0.0  # in force already, for the first contract there
        cheap = found["cheap-sale"]
        assert (cheap.qualification_musd, cheap.earliest_year, found["rival-sale"].earliest_year) == (0.9, 2027, None)
        assert cheap.break_even_t_per_year == near(900 / (2 * 5.5), 1e-3)
        assert qualifying(bench, own.offers["far-toll"], 2027) == 0.0  # asks for none
        table = offers_table(bench, 1, list(found.values()), {})
        assert check(bench, "far-toll", 2027, 30.0, 1e-6).break_even_usd_per_kg == near(5.0)
        assert check(bench, "cheap-sale", 2027, 30.0, 1e-6) is None  # 200 t at least, of which it can make 150
    lines = told(own, table)
    assert (
        "metal from cheap (from 2027): asked 12.0 USD/kg, would pay up to 13.0; kept out by its least volume" in lines
    )
    assert "pays for its qualification from 82 t/yr" in lines
    assert "metal tolled at far (from 2027): asked 7.0 USD/kg, enters below 5.0 (-28.6 %)." in lines


def test_an_offer_that_is_signed_and_never_used_has_no_price_by_solving() -> None:
    own = owned_chain()
    own = replace(own, offers={**own.offers, "rival-sale": replace(own.offers["rival-sale"], take_or_pay_share=0.0)})
    with bench_of(own) as bench:
        assert check(bench, "rival-sale", 2027, 30.0, 1e-6) is None


def test_no_time_for_a_supplier_leaves_its_walk_away_price_open() -> None:
    with bench_of(owned_chain()) as bench:
        sheet = deep_sheet(bench, "near", 0.0, 1e-6, 2.5)
    assert (sheet.method, sheet.without, math.isnan(sheet.extra_musd)) == (OUT_OF_TIME, None, True)


class Told:
    def __init__(self, **tables):
        self.tables = tables


def told(own, offers) -> str:
    """The story of a frontier of one point with these offers."""
    run = Told(
        frontier=pd.DataFrame({"point": [1], "cost_musd": [3.5], "loss_months": [0.0]}),
        shocks=pd.DataFrame(columns=["shock", "name", "start_year"]),
    )
    limits = pd.DataFrame(columns=["scope", "usd_per_year", "worth_musd", "subject", "sentence"])
    limits["usd_per_year"] = limits["usd_per_year"].astype(float)
    steps = pd.DataFrame(columns=["point", "to_point"])
    part = Told(
        explain_limits=limits,
        explain_offers=offers,
        explain_steps=steps,
        explain_suppliers=pd.DataFrame({"method": []}),
    )
    story = story_of(own, run, part, 1)
    assert ("This is the safest plan.",) in [section.lines for section in story.sections]
    return " ".join(line for section in story.sections for line in section.lines)


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_largest_volume_and_a_load_are_told_in_their_units() -> None:
    rows = [
        Worth("commitment_limit", "oxide-sale", ("oxide-sale", "2027"), 2027, -0.002, 0.0),
        Worth("environment_limit", "0", ("0", "2027"), 2027, -0.003, 0.0),
    ]
    own = everything()
    table = limits_table(own, 1, rows, 0.0)
    sentences = dict(zip(table["constraint"], table["sentence"], strict=True))
    whole = table[table["scope"] == "all"].set_index("constraint")["sentence"]
    assert whole["commitment_limit"] == "a tonne a year more of oxide from works on offer is worth USD 2,000 (2027)"
    assert whole["environment_limit"].startswith("one unit more of room for waste is worth USD 3,000")
    assert set(sentences) == {"commitment_limit", "environment_limit"}


def test_an_offer_that_is_gone_keeps_its_id() -> None:
    assert Words(everything()).offer("gone") == "gone"
    assert Words(everything()).offer("toll") == "metal tolled at smelter"


# --- steps ----------------------------------------------------------------------------------------------------------


def test_a_step_tells_qualifications_projects_and_stock() -> None:
    tables = {
        "frontier": pd.DataFrame({"point": [1, 2], "cost_musd": [10.0, 12.0], "loss_months": [3.0, 1.0]}),
        "portfolio": pd.DataFrame(
            {
                "point": [2, 1, 1, 2],
                "kind": ["qualification", "project", "sale", "sale"],
                "offer": ["works|oxide|*", "expand", "oxide-sale", "oxide-sale"],
                "committed_t_per_year": [0.0, 0.0, 50.0, 50.2],
            }
        ),
        "stock": pd.DataFrame(
            {"point": 2, "product": "metal", "year": [2027, 2028], "stock_t": [10.0, 20.0], "shock": "nominal"}
        ),
        "costs": pd.DataFrame({"point": [1, 2], "term": ["purchase"] * 2, "cost_musd": [10.0, 10.001]}),
        "losses": pd.DataFrame({"point": [1, 2], "shock": ["strike@2028"] * 2, "loss_months": [3.0, 1.0]}),
    }  # fmt: skip
    own = everything()
    steps = steps_table(own, tables)
    kinds = steps.groupby("kind")["change"].sum().to_dict()
    # half a tonne of a contract and a thousandth of a million are too little to tell; the mean stock is 15 t
    assert kinds == near({"total": 0.0, "qualification": 1.0, "project": -1.0, "stock": 15.0, "shock": -2.0})
    shocks = pd.DataFrame({"shock": ["strike@2028"], "name": ["Strike"], "start_year": [2028]})
    assert step_sentences(own, steps, shocks, 1) == [
        "Plan 2 costs USD 2 million more and takes away 2 months of loss, USD 1 million a month.",
        "Qualifies: works",
        "No longer sponsors: smelter",
        "Stock at year's end, mean: metal 0 to 15 t",
        "Milder in 1 shocks: Strike 2028 3.00 to 1.00 months",
    ]


# --- alternatives ---------------------------------------------------------------------------------------------------


def test_running_volumes_are_no_money_of_a_plan() -> None:
    own = owned_chain((signed("rival-old", "rival", 30.0, running_t={2027: 20.0}),))
    with bench_of(own) as bench:
        # 80 t of 2027 and 100 t of 2028 are new; 20 t run already and are nobody's merit
        assert spent(bench, bench.x) == near({"works": 1.25 * 0.01 * 180, "near": 0.005 * 180})
        idle = np.zeros_like(bench.x)
        idle[bench.columns("committed")["rival-old", 2027]] = 20.0
        assert spent(bench, idle) == {}
        assert distance(bench, idle, bench.x) == 1.0
        slack = slack_of(bench, 0.1)
        with_one, with_none = (widened(bench, [x], slack).row_names for x in (bench.x, idle))
        # a plan without spending has no distance to keep, only another portfolio
        assert (len(with_one) - len(bench.program.row_names), len(with_none) - len(bench.program.row_names)) == (3, 2)


def test_known_plans_and_plans_without_one_supplier_are_tried_first(monkeypatch) -> None:
    monkeypatch.setattr(alternatives, "FEW", 0)
    plan = Project("expand", "far", "expansion", 50.0, 0.1, 10.0, (2027,), (0.0, 1.0))
    own = owned_chain(projects={"expand": plan})
    with bench_of(own) as bench:
        other = bench.x.copy()  # everything melted at `far`, whose expansion is paid for without need
        for component, old, new in (("is_signed", "near-toll", "far-toll"),):
            columns = bench.columns(component)
            other[columns[old, 2027]], other[columns[new, 2027]] = 0.0, 1.0
        for t in (2027, 2028):
            columns = bench.columns("committed")
            other[columns["near-toll", t]], other[columns["far-toll", t]] = 0.0, 100.0
        other[bench.columns("is_sponsored")["expand", 2027]] = 1.0
        found = next_alternative(bench, [bench.x], slack_of(bench, 0.2), 30.0, 1e-6, known=[bench.x, other])
        assert found is not None
        # works is paid 2.5 of 3.5 MUSD; with `pit` for all of it at 3.0 and `near` kept, five sevenths are elsewhere
        assert found.distance > 0.25
        assert found.plan.first <= 1.2 * bench.cost_musd + 1e-5
