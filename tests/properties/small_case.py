"""Small random cases: a few suppliers of one part, one market, accidents; written as case folders and solved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.one import solve_at

EFFECT_HEADS = (
    "event,effect,target,facility,country,operator,stage,control_group,form,destination,segment,passage,"
    "origin_rule,is_project_only,from_month,to_month,open_share,price_multiple"
)


@dataclass(frozen=True)
class Supplier:
    """One plant with one offer: price in USD/kg, plant's capacity, offer's least and largest volume in t/yr."""

    name: str
    price: float
    capacity: float
    least: float
    most: float
    take_or_pay: float = 1.0
    surge: float = 0.0


@dataclass(frozen=True)
class Accident:
    """Plants at ``open_share`` for some months, at a rate per year."""

    name: str
    plants: tuple[str, ...]
    rate: float
    months: int
    open_share: float


@dataclass(frozen=True)
class Small:
    """A whole case; ``extra`` is appended to ``case.toml``."""

    suppliers: tuple[Supplier, ...]
    accidents: tuple[Accident, ...]
    demand: float
    years: int = 1
    stock: float = 0.0
    storage: float = 100.0
    kind: str = "cvar_by_start_year"
    alpha: float = 0.5
    extra: str = ""
    more_offers: tuple[Supplier, ...] = ()


def whole(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(float)


@st.composite
def small_cases(draw: st.DrawFn, kinds: tuple[str, ...] = ("cvar_by_start_year", "worst_case", "expected")) -> Small:
    """Two or three suppliers who together cover demand; an accident for each."""
    demand = draw(whole(50, 150))
    suppliers, accidents = [], []
    for number in range(draw(st.integers(2, 3))):
        capacity = draw(whole(int(demand) // 2 + 20, 300))
        least = draw(st.sampled_from((0.0, 0.0, 10.0, 40.0)))
        paid = draw(st.sampled_from((0.0, 0.5, 1.0)))
        suppliers.append(Supplier(f"plant_{number}", draw(whole(5, 40)), capacity, least, capacity, paid))
        months, share = draw(st.integers(1, 12)), draw(st.sampled_from((0.0, 0.25, 0.5)))
        accidents.append(Accident(f"fire_{number}", (f"plant_{number}",), draw(whole(1, 9)) / 10, months, share))
    return Small(
        tuple(suppliers),
        tuple(accidents),
        demand,
        draw(st.integers(1, 2)),
        draw(st.sampled_from((0.0, 0.0, 30.0))),
        kind=draw(st.sampled_from(kinds)),
    )


def write(case: Small, folder: Path) -> Path:
    """Write the case as a folder; returns it."""
    folder.mkdir(parents=True)
    last = 2026 + case.years
    (folder / "case.toml").write_text(
        f'title = "Small"\nbase = "none"\n[horizon]\nfirst_year = 2027\nlast_year = {last}\n'
        f"[finance]\ndiscount_rate_share = 0.05\n[contracts]\nsurge_share = 0.0\n[shocks]\nwindow_months = 12\n"
        f'[measure]\nkind = "{case.kind}"\nalpha = {case.alpha}\n[frontier]\ngap_share = 0.0\ntime_limit_s = 60\n'
        f"{case.extra}"
    )
    offers = [*((s, s.name) for s in case.suppliers), *((s, f"{s.name}_more") for s in case.more_offers)]
    tables = {
        "countries": ("country_iso3,name", ["AAA,Aland", "MMM,Mland"]),
        "markets": ("market,name,country_iso3,latitude,longitude,segment,criticality", ["market,M,MMM,1,1,civil,1"]),
        "products": (
            "product,name,form,basis,tracked_share,reference_price_usd_per_kg,is_storable,is_air_freighted",
            ["part,part,part,gross,1,20,true,false"],
        ),
        "routes": ("route,name,stage,kind", ["make,Making,make,blend"]),
        "route_flows": ("route,direction,item,product,t_per_t", ["make,out,part,part,1"]),
        "market_products": ("market,product,substitution_usd_per_kg,use_kg_per_kg", ["market,part,0,1"]),
        "demand": ("market,year,demand_t_per_year", [f"market,2027,{case.demand!r}"]),
        "facility_routes": ("facility,route", [f"{s.name},make" for s in case.suppliers]),
        "facilities": (
            "facility,name,operator,country_iso3,latitude,longitude,stage,status,start_year,capacity_t_per_year,"
            "capacity_basis,availability_share,sale_ceiling_share,toll_ceiling_share,is_aggregate",
            [
                f"{s.name},{s.name},{s.name},AAA,0,0,make,operating,2000,{s.capacity!r},output,1,1,0,false"
                for s in case.suppliers
            ],
        ),
        "offers": (
            "offer,kind,facility,product,price_usd_per_kg,min_t_per_year,max_t_per_year,term_years,first_start_year,"
            "last_start_year,take_or_pay_share,surge_share,first_stage,last_stage,is_net_of_credit,money_year",
            [
                f"{name}_sale,sale,{s.name},part,{s.price!r},{s.least!r},{s.most!r},1,2027,{last},{s.take_or_pay!r},"
                f"{s.surge!r},make,make,true,2025"
                for s, name in offers
            ],
        ),
        "events": (
            "event,name,cause,rate_per_year,story",
            [f"{a.name},x,accident,{a.rate!r},x" for a in case.accidents],
        ),
        "event_effects": (
            EFFECT_HEADS,
            [
                f"{a.name},{k},facility,{plant},{'*,' * 9}false,0,{a.months},{a.open_share!r},1"
                for a in case.accidents
                for k, plant in enumerate(a.plants)
            ],
        ),
        "stock_policies": (
            "place,product,opening_t,max_t,min_t,carrying_share_per_year,storage_usd_per_t_year",
            [f"market,part,0,{case.stock!r},0,0,{case.storage!r}"] if case.stock else [],
        ),
    }
    for name, (head, rows) in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder


def compiled(case: Small, folder: Path) -> CompiledProgram:
    """The case, written, read, built and compiled."""
    return prepare(write(case, folder)).program


def least_cost(program: CompiledProgram, max_loss_months: float = math.inf) -> tuple[float, float]:
    """Least cost at a loss, and the loss of that plan."""
    cap = None if math.isinf(max_loss_months) else max_loss_months
    point = solve_at(program, COST, LOSS, effort=Effort(gap_share=0.0), max_second=cap)
    return point.first, point.second


def least_loss(program: CompiledProgram) -> float:
    """Least loss that any plan has."""
    return solve_at(program, LOSS, COST, effort=Effort(gap_share=0.0)).first


def scaled(case: Small, mass: float = 1.0, price: float = 1.0) -> Small:
    """All masses times one number, all prices per mass times another."""

    def of(s: Supplier) -> Supplier:
        return replace(s, price=s.price * price, capacity=s.capacity * mass, least=s.least * mass, most=s.most * mass)

    return replace(
        case,
        suppliers=tuple(map(of, case.suppliers)),
        demand=case.demand * mass,
        stock=case.stock * mass,
        storage=case.storage * price,
    )
