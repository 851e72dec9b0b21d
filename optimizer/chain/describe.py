"""The instance as a text to read."""

from __future__ import annotations

from collections import Counter

from optimizer.chain.instance import Instance


def describe(instance: Instance) -> str:
    """Say in plain lines what an instance contains: sizes, stages, demand, and offers by stage."""
    x = instance
    lines = [f"{x.title} ({x.case}), {x.years[0]}-{x.years[-1]}"]
    lines += [f"  {count:>6}  {name}" for name, count in x.summary().items()]
    lines.append("Stages: facilities, of them aggregates; capacity and open to the buyer in the last year, t")
    lines += [_stage_line(x, stage) for stage in x.stages]
    lines.append("Demand by market, t in the first and last year; criticality; products accepted")
    for d in x.markets.values():
        span = f"{d.demand_t[x.years[0]]:,.0f} > {d.demand_t[x.years[-1]]:,.0f}"
        lines.append(f"  {d.market}: {span}; {d.criticality:.2f}; {', '.join(sorted(d.accepts))}")
    lines.append("Offers: kind, product, volume t/yr, price in the first and last year USD/kg, starts")
    for o in x.offers.values():
        price = f"{o.price_usd_per_kg[x.years[0]]:,.2f} > {o.price_usd_per_kg[x.years[-1]]:,.2f}"
        starts = f"{o.start_years[0]}-{o.start_years[-1]}" if o.start_years else "none"
        lines.append(f"  {o.offer}: {o.kind} of {o.product}, {o.min_t:,.0f}-{o.max_t:,.0f}, {price}, {starts}")
    return "\n".join(lines)


def _stage_line(x: Instance, stage: str) -> str:
    at_stage = [f for f in x.facilities.values() if f.stage == stage]
    last = x.years[-1]
    capacity = sum(f.capacity_t[last] for f in at_stage)
    opened = sum(f.open_sale_t[last] + f.open_toll_t[last] for f in at_stage)
    countries = Counter(f.country_iso3 for f in at_stage)
    named = ", ".join(f"{country} {number}" for country, number in sorted(countries.items()))
    aggregates = sum(f.is_aggregate for f in at_stage)
    return f"  {stage}: {len(at_stage)}, {aggregates}; {capacity:,.0f}, {opened:,.0f}; {named or 'none'}"
