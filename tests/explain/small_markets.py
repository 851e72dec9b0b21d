"""Small markets for the explanations: plants `one`, `two` and `three` in three countries that sell the same part."""

from __future__ import annotations

import shutil
from pathlib import Path

TOYS = Path(__file__).parents[1] / "toys"
FACILITY = "facility,name,operator,country_iso3,latitude,longitude,stage,status,start_year,capacity_t_per_year,"
FACILITY += "capacity_basis,availability_share,sale_ceiling_share,toll_ceiling_share,is_aggregate\n"
OFFER = "offer,kind,facility,product,price_usd_per_kg,min_t_per_year,max_t_per_year,term_years,first_start_year,"
OFFER += "last_start_year,take_or_pay_share,surge_share,first_stage,last_stage,is_net_of_credit,money_year\n"
TOML = """title = "Market"
question = "From whom?"
base = "none"

[horizon]
first_year = 2027
last_year = 2027

[finance]
discount_rate_share = 0.0
{extra}
[frontier]
gap_share = 0.0
time_limit_s = 60
"""
COUNTRIES = {"one": "AAA", "two": "BBB", "three": "CCC"}
SHOCK = """
[contracts]
surge_share = 0.0

[shocks]
window_months = 12

[measure]
kind = "worst_case"
"""


def market(
    folder: Path,
    name: str,
    offers: dict[str, tuple[float, float, float, float, float]],
    demand: float = 100.0,
    capacity: dict[str, float] | None = None,
    extra: str = "",
    shares: dict[str, float] | None = None,
) -> Path:
    """A case of one year.

    Args:
        folder: where to make it.
        name: name of its folder.
        offers: plant to (price USD/kg, least t, largest t, take-or-pay share, surge share).
        demand: t per year.
        capacity: plant to t per year (default 1000).
        extra: further text of ``case.toml``.
        shares: plant to the share that an event with a rate of 0.1 leaves of it for the whole year.
    """
    case = shutil.copytree(TOYS / "caps-and-counts", folder / name)
    (case / "case.toml").write_text(TOML.format(extra=extra))
    plants = [
        f"{p},{p},{p},{c},0,0,make,operating,2000,{(capacity or {}).get(p, 1000)},output,1,1,0,false\n"
        for p, c in COUNTRIES.items()
    ]
    (case / "facilities.csv").write_text(FACILITY + "".join(plants))
    rows = [
        f"{p}_sale,sale,{p},part,{price},{least},{most},1,2027,2027,{pay},{surge},make,make,true,2025\n"
        for p, (price, least, most, pay, surge) in offers.items()
    ]
    (case / "offers.csv").write_text(OFFER + "".join(rows))
    (case / "demand.csv").write_text(f"market,year,demand_t_per_year\nmarket,2027,{demand}\n")
    if shares:
        _event(case, shares)
    return case


def _event(case: Path, shares: dict[str, float]) -> None:
    head = (TOYS / "shadow-flow" / "event_effects.csv").read_text().splitlines()[0]
    (case / "events.csv").write_text("event,name,cause,rate_per_year,story\nstop,Stop,accident,0.1,Plants stop.\n")
    lines = [head]
    for number, (plant, left) in enumerate(shares.items()):
        lines.append(f"stop,{number},facility,{plant},*,*,*,*,*,*,*,*,*,false,0,12,{left},1")
    (case / "event_effects.csv").write_text("\n".join(lines) + "\n")
