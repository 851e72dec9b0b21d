"""The decomposition against the model as one program, and pooled blocks against blocks that model everything."""

from __future__ import annotations

from functools import partial

import pyomo.environ as pyo
import pytest
from pyomo.contrib.appsi.solvers import Highs
from toy import TOYS, cheapest, held, ready, variant

import optimizer.model.build
from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.model.build import build_model, recourse_blocks
from optimizer.model.reach import branch_of
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.one import solve_at
from optimizer.solve.recourse import Recourse


def _as_one_program(name: str, max_loss_months: float | None) -> float:
    """Least cost of the Pyomo model with all its shock blocks inside, by a solver of Pyomo's own."""
    model = build_model(ready(name).instance)
    model.cost_objective.activate()
    if max_loss_months is not None:
        model.loss_limit = pyo.Constraint(expr=model.loss_measure <= max_loss_months)
    solver = Highs()
    solver.config.mip_gap = 0.0
    solver.highs_options = {"mip_abs_gap": 0.0, "primal_feasibility_tolerance": 1e-9}
    solver.solve(model)
    return float(pyo.value(model.cost))


@pytest.mark.parametrize(
    ("name", "caps"),
    [
        ("no-foresight", (None, 9.0, 1.5)),
        ("qualify-first", (None, 9.0, 3.0)),
        ("stock-cover", (3.0, 1.0)),
        ("shadow-flow", (None, 2.0)),
        ("force-majeure", (None,)),
    ],
)
def test_decomposition_finds_the_optimum_of_the_whole_program(name: str, caps: tuple[float | None, ...]) -> None:
    for cap in caps:
        assert cheapest(ready(name).program, cap).first == pytest.approx(_as_one_program(name, cap), abs=1e-6), cap


def _whole(case, monkeypatch) -> tuple[CompiledProgram, CompiledProgram]:
    """The case compiled as it is, and with blocks that model every plant, class by class."""
    pooled = prepare(case)
    monkeypatch.setattr(optimizer.model.build, "branch_of", partial(branch_of, is_whole=True))
    model = build_model(pooled.instance)
    objectives = {COST: model.cost, LOSS: model.loss_measure}
    return pooled.program, compile_model(model, objectives, recourse_blocks(model))


def _losses(program: CompiledProgram, x) -> list[float]:
    with Recourse(program) as recourse:
        return [plan.loss for plan in recourse.plan(x)]


@pytest.mark.parametrize("name", ["no-foresight", "qualify-first", "stock-cover", "shadow-flow"])
def test_pools_lose_what_the_whole_network_loses(name: str, monkeypatch) -> None:
    pooled, whole = _whole(ready(name).case.folder, monkeypatch)
    assert pooled.column_names == whole.column_names
    for cap in (None, 3.0):
        x = cheapest(pooled, cap).x
        assert _losses(pooled, x) == pytest.approx(_losses(whole, x), abs=1e-6), cap
        assert cheapest(whole, cap).first == pytest.approx(cheapest(pooled, cap).first, abs=1e-6)


EVENTS = {
    "half_the_heavy_circuit": ("facility", "heavy_plant", 0, 12, 0.5),
    "no_light_plant": ("facility", "light_plant", 2, 8, 0.0),
    "mine_at_a_quarter": ("facility", "mine", 0, 6, 0.25),
    "slow_lane": ("lane", "light_plant", 0, 12, 0.4),
}


def test_owned_chain_loses_what_the_whole_network_loses(tmp_path, monkeypatch) -> None:
    # Commitments are held at what the plan lifts: without take-or-pay more can be reserved for nothing.
    folder = variant(tmp_path, "joint-production", {"[frontier]": "[contracts]\nsurge_share = 0.0\n\n[frontier]"})
    events = [f"{event},{event},accident,0.1,It happens." for event in EVENTS]
    rows = [
        f"{event},0,{target},{place},{'*,' * 9}false,{first},{last},{share},1"
        for event, (target, place, first, last, share) in EVENTS.items()
    ]
    (folder / "events.csv").write_text("\n".join(["event,name,cause,rate_per_year,story", *events]) + "\n")
    selectors = "country,operator,stage,control_group,form,destination,segment,passage,origin_rule"
    heads = f"event,effect,target,facility,{selectors},is_project_only,from_month,to_month,open_share,price_multiple"
    (folder / "event_effects.csv").write_text("\n".join([heads, *rows]) + "\n")
    pooled, whole = _whole(folder, monkeypatch)
    fixed = {("conc_sale", 2027): 50.0, ("light_toll", 2027): 24.0, ("heavy_toll", 2027): 10.0}
    x = cheapest(held(pooled, "committed", fixed)).x
    spare, window = 1000.0, 24.0
    by_hand = {
        # The heavy circuit has room for 1000 t of feed and needs 20: half of it is no loss.
        "half_the_heavy_circuit": 0.0 if 0.5 * spare > 20 else window,
        "no_light_plant": 6.0,
        # Contracts give what survives of the plant: a quarter of 50 t for half a year.
        "mine_at_a_quarter": 6 * 0.75,
        "slow_lane": 12 * 0.6,
    }
    by_name = dict(zip(EVENTS, _losses(pooled, x), strict=True))
    assert by_name == pytest.approx(dict(zip(EVENTS, _losses(whole, x), strict=True)), abs=1e-6)
    assert {name: by_name[name] for name in list(by_hand)[1:]} == pytest.approx(
        {name: by_hand[name] for name in list(by_hand)[1:]}, abs=1e-5
    )


SUPPLIED = "hot_mine,works,conc,supplier\nclean_mine,works,conc,supplier"
WORKS_SALE = "works_sale,sale,works,part,,8,0,1000,1,2027,2028,0,0,mine,make,true,2025"
HOME_SALE = "home_sale,sale,home,part,,5,0,70,1,2027,2028,0,0,make,make,true,2025"


def _without_dear(folder, mine_t: float, **offers: str):
    """The toy `shadow-flow` with a strike that stops `dear` for a year, another mine and other offers."""
    dear, cheap = (
        "dear_sale,sale,dear,part,15,0,40,1,2027,2027,0,0,",
        "cheap_sale,sale,cheap,part,10,0,1000,1,2027,2027,0,0,",
    )
    folder = variant(
        folder,
        "shadow-flow",
        event_effects=("flood,0,facility,small,", "flood,0,facility,dear,"),
        facilities=("mine,operating,2000,30,", f"mine,operating,2000,{mine_t:g},"),
    )
    terms = folder / "offers.csv"
    text = terms.read_text()
    assert dear in text
    assert cheap in text
    terms.write_text(text.replace(dear, offers.get("dear", dear)).replace(cheap, offers.get("cheap", cheap)))
    effects = folder / "event_effects.csv"
    effects.write_text(effects.read_text().replace(",0.5,", ",0,"))
    return folder


def test_a_contract_gives_no_surge_that_its_upstream_does_not_have(tmp_path, monkeypatch) -> None:
    # The strike stops `dear`. `cheap` is untouched and owes its commitment plus surge, 30 x 1.15 = 34.5 t, but its mine
    # digs 30 t: 20 of 50 t are lost, whether the block follows the mine or not.
    folder = _without_dear(tmp_path, 30, cheap="cheap_sale,sale,cheap,part,10,0,30,1,2027,2027,1,0.15,")
    pooled, whole = _whole(folder, monkeypatch)
    x = cheapest(pooled).x
    assert _losses(pooled, x) == pytest.approx([12 * 20 / 50], abs=1e-5)
    assert _losses(whole, x) == pytest.approx([12 * 20 / 50], abs=1e-5)


@pytest.mark.parametrize(("mine_t", "lost_t"), [(30, 20), (45, 5), (60, 0)])
def test_what_is_reserved_counts_as_far_as_the_supplier_s_own_chain_goes(tmp_path, monkeypatch, mine_t, lost_t) -> None:
    # `dear` is the cheaper one here, at 8 USD/kg for up to 40 t, so the plan takes 10 t from `cheap` and reserves up to
    # 1,000 t there for nothing. When `dear` stops, `cheap` can hand over what its mine digs: of 50 t the rest is lost.
    # Taken at its word `cheap` would lose nothing; held to its normal deliveries it would lose 40 t.
    folder = _without_dear(tmp_path, mine_t, dear="dear_sale,sale,dear,part,8,0,40,1,2027,2027,0,0,")
    pooled, whole = _whole(folder, monkeypatch)
    plan = cheapest(pooled, 12 * lost_t / 50)
    assert plan.first == pytest.approx(0.4 * 0.8 + 0.1 + 0.005, abs=1e-6)
    assert _losses(pooled, plan.x) == pytest.approx([12 * lost_t / 50], abs=1e-5)
    assert _losses(whole, plan.x) == pytest.approx([12 * lost_t / 50], abs=1e-5)
    assert cheapest(whole, 12 * lost_t / 50).first == pytest.approx(plan.first, abs=1e-6)


def test_a_plant_with_a_closed_activity_hands_over_what_it_makes_without_it(tmp_path, monkeypatch) -> None:
    # `works` sells parts of what two mines dig: `hot` as much as is wanted, barred from 2028, `clean` 30 t. `home` is
    # cheaper and sells 70 of the 100 t wanted; either year it may stand still. In 2027 `works` then covers all, in 2028
    # its 30 t. No block need follow `works`: what it keeps ready rests on what it may make.
    folder = variant(
        tmp_path,
        "closed-activity",
        {"restoration = true": "", "[frontier]": '[measure]\nkind = "expected"\n\n[frontier]'},
        facilities=("clean,2000,1000,", "clean,2000,30,"),
        links=("hot_mine,works,conc,buyer\nclean_mine,works,conc,buyer", SUPPLIED),
    )
    effect = (TOYS / "no-foresight" / "event_effects.csv").read_text().splitlines()
    offer = (folder / "offers.csv").read_text().splitlines()[0]
    more = {
        "facilities": (None, ["home,home,home,MMM,0,0,make,operating,,2000,1000,output,1,1,0,false,"]),
        "facility_routes": (None, ["home,make"]),
        "routes": (None, ["make,Making,make,blend,,,"]),
        "route_flows": (None, ["make,out,part,part,1"]),
        "offers": (offer, [WORKS_SALE, HOME_SALE]),
        "events": ("event,name,cause,rate_per_year,story", ["stop,Stop,accident,0.1,Home stands still."]),
        "event_effects": (effect[0], [effect[1].replace("alpha_fails,0,facility,alpha", "stop,0,facility,home")]),
    }
    for table, (head, rows) in more.items():
        path = folder / f"{table}.csv"
        path.write_text("\n".join([head or path.read_text().rstrip("\n"), *rows]) + "\n")
    pooled, whole = _whole(folder, monkeypatch)
    followed = {str(key[1][0]) for block in pooled.blocks for key in block.column_keys if key[0] == "throughput"}
    assert followed == {"home|make|part"}
    for program in (pooled, whole):
        x = solve_at(program, LOSS, COST, effort=Effort(gap_share=0.0)).x
        assert _losses(pooled, x) == pytest.approx([0.0, 12 * 0.7], abs=1e-5)
        assert _losses(whole, x) == pytest.approx([0.0, 12 * 0.7], abs=1e-5)
