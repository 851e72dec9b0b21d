"""The hand-made run as an instance and a solved point: what extraction starts from."""

from types import SimpleNamespace

import numpy as np
from hand_made_run import COST, DIG, DISCOUNT, MELT, METAL, ORE_OWNED, ORE_SHADOW, STANDBY, YEARS, operation
from scipy import sparse

from optimizer.chain.instance import (
    Byproduct,
    Facility,
    Instance,
    Lane,
    Market,
    Measure,
    Offer,
    Period,
    Product,
    Project,
    Qualification,
    Recipe,
    Shock,
    Storage,
)
from optimizer.results.extract import SolvedPoint
from optimizer.solve.compiled import CompiledProgram, RecourseBlock

PLACE_CLASSES = {
    **{(layer, place, "ore"): (0,) for layer in ("supplier", "buyer") for place in ("mine", "smelter")},
    **{(layer, "smelter", product): (1,) for layer in ("supplier", "buyer") for product in ("metal", "slag")},
    ("buyer", "market", "metal"): (1,),
}


def every(value):
    return dict.fromkeys(YEARS, value)


def facility(name, country, stage, bits, sale, toll):
    capacities = (every(400.0), every(sale), every(toll))
    return Facility(name, name, name[0].upper(), country, 0.0, 0.0, stage, "operating", False, None, bits, *capacities)


def lane(name, layer, start, end, product, freight, customs, duty, mark):
    return Lane(
        name, layer, start, end, product, "sea", 1e3, (), 9.0, freight, customs, every(duty), every(1.0), (mark,)
    )


def offer(name, kind, plant, product, recipe, price, least, most, needs):
    stages = ("mining", "mining" if plant == "mine" else "smelting")
    return Offer(
        name, kind, plant, product, recipe, every(price), least, most, 2, (2027,), {}, 0.5, 0.2, *stages, needs
    )


def hand_made_instance():
    periods = (Period(1, 2028, 0.0, 3.0), Period(2, 2028, 3.0, 3.0))
    story = "Half the smelter stops."
    lane_share = {(METAL, 1, 1): 0.4}
    shock = Shock(
        "fire@2028", "fire", "Fire", 2028, 0.02, 1.0, 6.0, periods, {("smelter", 1): 0.5}, lane_share, 1.0, story
    )

    def by_name(*items):
        return {next(iter(getattr(item, field) for field in item.__slots__)): item for item in items}

    return Instance(
        case="hand_made", title="Hand made", years=YEARS, discount_factor=DISCOUNT, discount_rate_share=0.1,
        stages=("mining", "smelting"), origin_rules=("marked",),
        facilities=by_name(
            facility("mine", "AAA", "mining", 0, 200.0, 0.0), facility("smelter", "BBB", "smelting", 1, 80.0, 60.0)
        ),
        products=by_name(
            Product("ore", "Ore", "ore", None, "t", 0.5, 5.0, None, True),
            Product("metal", "Metal", "metal", None, "t", 1.0, 50.0, None, True),
            Product("slag", "Slag", "slag", None, "t", 0.0, 0.0, None, True),
        ),
        recipes=by_name(
            Recipe(DIG, "mine", "dig", {}, {"ore": 1.0}, 1.0, ("supplier",), {"ghg_kgco2e": 10.0}),
            Recipe(MELT, "smelter", "melt", {"ore": 2.0}, {"metal": 1.0, "slag": 0.5}, 1.0, ("supplier", "buyer"), {}),
        ),
        lanes=by_name(
            lane(ORE_SHADOW, "supplier", "mine", "smelter", "ore", 100.0, 5.0, 0.0, 0),
            lane(ORE_OWNED, "buyer", "mine", "smelter", "ore", 100.0, 5.0, 0.0, 0),
            lane(METAL, "buyer", "smelter", "market", "metal", 1000.0, 40.0, 0.1, 1),
        ),
        markets=by_name(
            Market("market", "Market", "CCC", 2.0, 2.0, "civil", 1.0, {"metal": (1.0, 1.0)}, every(100.0), {})
        ),
        offers=by_name(
            offer("S", "sale", "smelter", "metal", None, 50.0, 10.0, 70.0, "Q"),
            offer("O", "sale", "mine", "ore", None, 5.0, 10.0, 90.0, "QO"),
            offer("T", "toll", "smelter", "metal", MELT, 10.0, 10.0, 50.0, None),
        ),
        qualifications=by_name(
            Qualification("Q", "smelter", "metal", "*", True, (), 1.0, 3.0, every(40.0), 80.0),
            Qualification("QO", "mine", "ore", "*", False, YEARS, 0.5, 1.0, {}, 8.0),
        ),
        projects=by_name(Project("E", "mine", "E", 50.0, 10.0, 10.0, YEARS, (0.0, 1.0))),
        storages={("market", "metal"): Storage("market", "metal", {1: 10.0}, 0.0, 20.0, 1000.0)},
        byproducts=by_name(Byproduct("slag", 2.0, 15.0, 1.0)),
        shocks=by_name(shock), place_classes=PLACE_CLASSES, upstream_spot_t={},
        carbon_price_usd_per_t=100.0, carbon_indicator="ghg_kgco2e",
        measure=Measure("cvar_by_start_year", 0.8, {}), surge_share=0.2,
    )  # fmt: skip


def _standby(plan):
    """The same for what suppliers keep ready."""
    components = {"hand_over": "standby", "lane": "standby_flow", "recipe": "standby_throughput"}
    for _, kind, place, item, year, amount in STANDBY:
        index = (place, item) if kind == "hand_over" else (item,)
        yield SimpleNamespace(**plan, year=year, period=0), components[kind], index, amount


def _values():
    """(shock, component, index, value) of every column, zeros and noise among them."""
    tables = operation()
    for row in tables["flows"].itertuples():
        yield row, "flow", (row.lane, row.origin_class), row.flow_t
    for row in tables["throughput"].itertuples():
        yield row, "throughput", (row.recipe, row.layer, row.origin_class), row.throughput_t
    for row in tables["deliveries"].itertuples():
        yield row, "delivered" if row.kind == "sale" else "spot", (row.offer, row.origin_class), row.delivered_t
    for row in tables["outlets"].itertuples():
        yield row, row.outlet, (row.place, row.product, row.origin_class), row.amount_t
    for row in tables["reclassified"].itertuples():
        yield row, "reclassified", (row.layer, row.place, row.product, row.from_class, row.to_class), row.amount_t
    for row in tables["stock"].itertuples():
        yield row, "stock", (row.place, row.product, row.origin_class), row.stock_t
    for row in tables["shortfalls"].itertuples():
        yield row, "shortfall", (row.market,), row.shortfall_t
    plan = {"shock": "nominal"}
    yield from _standby(plan)
    for year in YEARS:
        when = SimpleNamespace(**plan, year=year, period=0)
        for name, volume in (("S", 60.0), ("O", 80.0), ("T", 40.0)):
            yield when, "committed", (name,), volume
            yield when, "lifted_extra", (name,), volume / 2
            yield when, "is_signed", (name,), 1.0 - 1e-9 if year == 2027 else 1e-9
        yield when, "is_qualified", ("QO",), 1.0
        yield when, "is_sponsored", ("E",), 1.0 if year == 2027 else 0.0
        yield when, "flow", (METAL, 3), 1e-8


def hand_made_point():
    """(compiled program with keys and cost only, solved point)."""
    first = [("loss", ("fire@2028",), 0.36)]
    block = []
    for row, component, index, value in _values():
        nominal = row.shock == "nominal"
        (first if nominal else block).append((component, (*index, row.year if nominal else row.period), value))
    none = np.zeros(0)
    empty = sparse.csr_matrix((0, 0))
    recourse = RecourseBlock(
        "any name", 0, empty, empty, none, none, none, none, none, (), (), tuple((c, i) for c, i, _ in block)
    )
    program = CompiledProgram(
        {"cost": (np.zeros(len(first)), COST)}, {"cost": 1}, empty, none, none, none, none, np.zeros(0, dtype=bool),
        (), (), (recourse,), tuple((c, i) for c, i, _ in first),
    )  # fmt: skip
    values = np.array([value for _, _, value in first])
    point = SolvedPoint(1, values, [np.array([value for _, _, value in block])], cost_bound_musd=0.995 * COST)
    return program, point
