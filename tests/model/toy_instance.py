"""Small instances built by hand, for tests of the model: the optimum is mental arithmetic."""

from dataclasses import replace

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
from optimizer.chain.limit_kinds import Budget, BuildLimit, EnvironmentCap, ShareCap, SupplierCount

YEARS = (2027, 2028)


def every(value, years=YEARS):
    return dict.fromkeys(years, value)


def facility(name, country="AAA", stage="magnet", capacity=1000.0, **changes):
    base = Facility(
        name,
        name,
        f"{name} Ltd",
        country,
        0.0,
        0.0,
        stage,
        "operating",
        False,
        2000,
        0,
        every(capacity),
        every(capacity),
        every(capacity),
    )
    return replace(base, **changes)


def product(name="magnet", **changes):
    return replace(Product(name, name, "magnet", None, "magnet", 1.0, 50.0, None, True), **changes)


def sale(name, at, price, product="magnet", **changes):
    base = Offer(
        name, "sale", at, product, None, every(price), 0.0, 1000.0, 2, (2027,), {}, 0.0, 0.0, "mine", "magnet", None
    )
    return replace(base, **changes)


def lane(layer, start, end, product="magnet", freight=0.0, **changes):
    base = Lane(
        f"{layer[0]}:{start}>{end}:{product}",
        layer,
        start,
        end,
        product,
        "sea",
        1000.0,
        (),
        30.0,
        freight,
        50.0,
        every(0.0),
        every(1.0),
        (0,),
    )
    return replace(base, **changes)


def market(name="plant", demand=100.0, **changes):
    base = Market(name, name, "MKT", 0.0, 0.0, "civil", 1.0, {"magnet": (1.0, 0.0)}, every(demand), every(0))
    return replace(base, **changes)


def source(at, product="magnet", **changes):
    return replace(Recipe(f"{at}|make|{product}", at, "make", {}, {product: 1.0}, 1.0, ("supplier",), {}), **changes)


def shock(name, start_year=2027, facility_share=None, lane_share=None, probability=1.0, months=24.0, rate=1.0):
    """Two periods per year: the first month and the rest, so that a one-month cut is exact."""
    periods = (
        Period(1, 2027 if start_year == 2027 else 2028, 0.0, 1.0),
        Period(2, 2027 if start_year == 2027 else 2028, 1.0, 11.0),
        Period(3, 2028, 12.0, 12.0),
    )
    return Shock(
        name,
        name,
        name,
        start_year,
        rate,
        probability,
        months,
        periods,
        facility_share or {},
        lane_share or {},
        1.0,
        name,
    )


def instance(facilities, offers, lanes, recipes, markets=None, products=None, **changes):
    markets = markets or [market()]
    products = products or [product()]
    places = {}
    for item in recipes:
        for layer in item.layers:
            for name in item.outputs:
                places[layer, item.facility, name] = (0,)
            for name in item.inputs:
                places[layer, item.facility, name] = (0,)
    for item in offers:
        if item.kind == "sale":
            places["buyer", item.facility, item.product] = (0,)
    for item in lanes:
        places[item.layer, item.to_place, item.product] = (0,)
    base = Instance(
        case="toy",
        title="toy",
        years=YEARS,
        discount_factor=every(1.0),
        discount_rate_share=0.0,
        stages=("mine", "magnet"),
        origin_rules=("covered",),
        facilities={x.facility: x for x in facilities},
        products={x.product: x for x in products},
        recipes={x.recipe: x for x in recipes},
        lanes={x.lane: x for x in lanes},
        markets={x.market: x for x in markets},
        offers={x.offer: x for x in offers},
        qualifications={},
        projects={},
        storages={},
        byproducts={},
        shocks={},
        place_classes=places,
        upstream_spot_t={},
        measure=Measure("expected", 0.8, {}),
    )
    return replace(base, **changes)


def two_suppliers(**changes):
    """Cheap supplier at 10 USD/kg, safe one at 20 USD/kg, one market of 100 t/yr for two years."""
    return instance(
        [facility("cheap", "AAA"), facility("safe", "BBB")],
        [sale("cheap-sale", "cheap", 10.0), sale("safe-sale", "safe", 20.0)],
        [lane("buyer", "cheap", "plant"), lane("buyer", "safe", "plant")],
        [source("cheap"), source("safe")],
        **changes,
    )


def everything():
    """One of each: two ores, a joint separation, a toll smelter, a stockpile, a project, all limits, one shock."""
    ore, rest, metal = product("ore", form="ore"), product("rest", form="oxide"), product("metal", form="metal")
    dig = [source("mine", "ore"), source("pit", "ore")]
    split = Recipe(
        "works|split|ore",
        "works",
        "split",
        {"ore": 1.0},
        {"oxide": 0.4, "rest": 0.5},
        1.0,
        ("supplier",),
        {"waste": 2.0},
    )
    smelt = Recipe(
        "smelter|melt|metal",
        "smelter",
        "melt",
        {"oxide": 1.25},
        {"metal": 1.0, "rest": 0.1},
        1.0,
        ("buyer",),
        {"waste": 1.0},
    )
    offers = [
        sale(
            "oxide-sale",
            "works",
            20.0,
            "oxide",
            take_or_pay_share=0.8,
            min_t=10.0,
            qualification="works|oxide|*",
            start_years=YEARS,
            term_years=2,
        ),
        replace(
            sale("toll", "smelter", 5.0, "metal", min_t=5.0, surge_share=0.1), kind="toll", recipe="smelter|melt|metal"
        ),
        sale("metal-sale", "rival", 60.0, "metal", running_t={2027: 20.0}, start_years=(2028,)),
    ]
    lanes = [
        lane("supplier", "mine", "works", "ore", classes=(0,)),
        lane("supplier", "pit", "works", "ore", classes=(1,)),
        lane("buyer", "works", "smelter", "oxide", freight=100.0, classes=(0, 1)),
        lane("buyer", "smelter", "plant", "metal", freight=50.0, classes=(0, 1), tariff_share=every(0.1)),
        lane("buyer", "rival", "plant", "metal", classes=(0,), approval_share=every(0.5)),
    ]
    held = Qualification("works|oxide|*", "works", "oxide", "*", False, (2028,), 1.0, 0.5, every(12.0), 30.0)
    base = instance(
        [
            facility("mine", stage="mine"),
            facility("pit", "CCC", stage="mine", origin_bits=1),
            facility("works", stage="mine"),
            facility("smelter", "BBB"),
            facility("rival", "CCC"),
        ],
        offers,
        lanes,
        [*dig, split, smelt, source("rival", "metal")],
        markets=[market(accepts={"metal": (1.0, 2.0)}, forbidden_bits={2027: 0, 2028: 1})],
        products=[ore, product("oxide", form="oxide"), rest, metal],
        qualifications={held.qualification: held},
        projects={"expand": Project("expand", "smelter", "expansion", 50.0, 4.0, 10.0, (2027,), (0.0, 1.0))},
        storages={("plant", "metal"): Storage("plant", "metal", {0: 15.0}, 5.0, 60.0, 4000.0)},
        byproducts={"rest": Byproduct("rest", 1.0, 1000.0, 0.5)},
        upstream_spot_t={("mine", "ore", t): 6.0 for t in YEARS},
        share_caps=(ShareCap("one", "magnet", frozenset({"rival"}), 0.6, YEARS),),
        supplier_counts=(SupplierCount("two", "magnet", frozenset({"rival", "smelter"}), 1, 2, (2028,)),),
        budgets=(Budget("purse", ("purchase",), YEARS, 50.0),),
        environment_caps=(EnvironmentCap("waste", "waste", frozenset({"works", "smelter"}), YEARS, 5000.0),),
        measure=Measure("cvar_by_start_year", 0.5, {}),
        is_shortfall_allowed=True,
        line_stop_usd_per_kg=500.0,
    )
    places = dict(base.place_classes) | {
        ("supplier", "works", "ore"): (0, 1),
        ("supplier", "works", "oxide"): (0, 1),
        ("supplier", "works", "rest"): (0, 1),
        ("buyer", "works", "oxide"): (0, 1),
        ("buyer", "smelter", "oxide"): (0, 1),
        ("buyer", "smelter", "metal"): (0, 1),
        ("buyer", "smelter", "rest"): (0, 1),
        ("buyer", "plant", "metal"): (0, 1),
        ("supplier", "pit", "ore"): (1,),
        ("supplier", "smelter", "oxide"): (),
        ("supplier", "smelter", "metal"): (),
    }
    cuts = shock(
        "strike@2028", 2028, {("works", 1): 0.5}, {("b:rival>plant:metal", 1, 0): 0.3, ("s:pit>works:ore", 2, 1): 0.0}
    )
    return replace(base, place_classes={k: v for k, v in places.items() if v}, shocks={"strike@2028": cuts})


def under_rules():
    """The rich toy with licences that take time, a closed activity, a benchmark, traded co-products, few builders."""
    rich = everything()
    slow = replace(rich.lanes["b:rival>plant:metal"], processing_days=every(73.0))
    other = lane("buyer", "rival", "shop", "metal", classes=(0,), processing_days=every(146.0))
    bought = lane("supplier", "pit", "works", "oxide", classes=(1,))
    shadow = next(x for x in rich.lanes.values() if x.layer == "supplier")
    shadow = replace(shadow, approval_share={2027: 0.5, 2028: 1.0})
    pit = replace(rich.recipes["pit|make|ore"], closed_years=frozenset({2028}), restoration_usd_per_t=300.0)
    cap = replace(rich.share_caps[0], penalty_usd_per_kg=3.0)
    per_kg = EnvironmentCap("waste per kg", "waste", frozenset({"works", "smelter"}), (2028,), 0.002, is_per_kg=True)
    shop = market("shop", 50.0, accepts={"metal": (1.0, 0.0)}, forbidden_bits=every(0))
    return replace(
        rich,
        lanes={**rich.lanes, slow.lane: slow, other.lane: other, shadow.lane: shadow, bought.lane: bought},
        recipes={**rich.recipes, pit.recipe: pit},
        markets={**rich.markets, "shop": shop},
        place_classes={**rich.place_classes, ("buyer", "shop", "metal"): (0,)},
        share_caps=(cap,),
        environment_caps=(per_kg,),
        build_limits=(BuildLimit("crews", frozenset({"expand"}), 1),),
        projects={"expand": replace(rich.projects["expand"], build_years=1, years=YEARS)},
        waived_bits={("supplier", "works", "ore"): 1},
        licence_time="stock",
        limits_intermediates=True,
    )
