"""Re-export: an exporter's refusals follow its goods, or its content, through third countries.

What a state refuses to send somewhere directly may not get there through others: material it let go to a third country
carries a mark, and no lane from there takes marked goods where a direct licence would be refused. The mark is lost by
substantial transformation, which here is a change of form; under a content rule it is kept as long as the controlled
content reaches the threshold. No price buys a way round: such lanes carry nothing of the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optimizer.chain.instance import Facility, Lane, Market, OriginClass, Product, Recipe
from optimizer.chain.licences import FREE, Licence, Movement
from optimizer.chain.rows import ALL
from optimizer.chain.services import Services


@dataclass(frozen=True)
class ReexportRule:
    """Origin rule of one exporter whose refusals reach abroad; it marks what passes a facility in that country.

    ``reaches_content`` says that the mark survives transformation, ``content_threshold_share`` from which value share;
    ``controlled`` are the control groups that count as content.
    """

    rule: str
    countries: tuple[str, ...]
    reaches_content: bool
    content_threshold_share: float
    controlled: frozenset[str]
    stages: tuple[str, ...] = ()
    ownership_threshold_share: float | None = None

    def loses(
        self,
        recipe: Recipe,
        product: str,
        facility: Facility,
        products: Mapping[str, Product],
        below: frozenset[str],
    ) -> bool:
        """Say whether an input loses the mark in a recipe; ``below`` are the inputs under the content threshold."""
        if facility.country_iso3 in self.countries:
            return False
        if self.reaches_content:
            return products[product].control_group not in self.controlled or product in below
        return all(products[p].form != products[product].form for p in recipe.outputs)


def reexport_rules(licences: Mapping[tuple[str, str], Sequence[Licence]], mode: str) -> list[ReexportRule]:
    """Give one rule per exporter with a row that bars transshipment (or, in mode content, reaches abroad)."""
    if mode not in ("transshipment", "content"):
        return []
    rules = []
    for exporter in sorted({exporter for exporter, _ in licences}):
        rows = [row for (of, _), found in licences.items() if of == exporter for row in found]
        reaching = [row for row in rows if row.is_extraterritorial and mode == "content"]
        if reaching or any(row.is_transshipment_barred for row in rows):
            named = reaching or [row for row in rows if row.is_transshipment_barred]
            rules.append(
                ReexportRule(
                    rule=f"re-export from {exporter}",
                    countries=(exporter,),
                    reaches_content=bool(reaching),
                    content_threshold_share=min((row.content_threshold_share for row in reaching), default=0.0),
                    controlled=frozenset(row.control_group for row in named if row.policy != FREE),
                )
            )
    return rules


def barred_lanes(
    lanes: Mapping[str, Lane],
    rules: Sequence[Any],
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    products: Mapping[str, Product],
    services: Services,
) -> dict[str, Lane]:
    """Give the lanes with the marks they may not carry by year: those an exporter would refuse to send to the end."""
    numbered = [(1 << i, rule) for i, rule in enumerate(rules) if isinstance(rule, ReexportRule)]
    found = {}
    for name, lane in lanes.items():
        product = products[lane.product]
        bits: dict[int, OriginClass] = {}
        for bit, rule in numbered:
            if product.control_group in rule.controlled:
                for t in _refused_years(rule, lane, product, facilities, markets, services):
                    bits[t] = bits.get(t, 0) | bit
        found[name] = replace(lane, barred_bits=bits) if bits else lane
    return found


def _refused_years(
    rule: ReexportRule,
    lane: Lane,
    product: Product,
    facilities: Mapping[str, Facility],
    markets: Mapping[str, Market],
    services: Services,
) -> list[int]:
    exporter = rule.countries[0]
    market = markets.get(lane.to_place)
    end = market.country_iso3 if market else facilities[lane.to_place].country_iso3
    if exporter in (facilities[lane.from_place].country_iso3, end):
        return []
    segment, customer = market.segment if market else ALL, lane.to_place
    group, form = product.control_group, product.form
    asked = {t: Movement(exporter, group, end, segment, t, customer, form) for t in lane.approval_share}
    rows = {t: services.licence(movement) for t, movement in asked.items()}
    return [t for t, row in rows.items() if row is not None and row.approval_share <= 0.0]
