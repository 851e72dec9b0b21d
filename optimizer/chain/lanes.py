"""Lanes: legal ways to ship a product between two places, with freight, duty and licences by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from optimizer.chain.instance import Facility, Lane, Layer, Market, Product
from optimizer.chain.licences import Licence, Movement
from optimizer.chain.records import Row
from optimizer.chain.routing import PlacePoint
from optimizer.chain.services import Services

if TYPE_CHECKING:
    from optimizer.chain.routing import Leg

ANY_SEGMENT = "*"
"""End use of a movement to a facility: only licence rules for all segments apply."""


class LaneBook:
    """Makes lanes on demand and keeps them, also the answer that there is none.

    Args:
        places: facility or market → its point.
        segments: market → segment; places not listed are facilities.
        products: product → product; ``airborne`` names those that may fly to markets.
        years: years for which duty and licences are looked up.
    """

    def __init__(
        self,
        services: Services,
        places: Mapping[str, PlacePoint],
        segments: Mapping[str, str],
        products: Mapping[str, Product],
        airborne: frozenset[str],
        years: Sequence[int],
    ) -> None:
        self._services, self._places, self._segments = services, places, segments
        self._products, self._airborne, self._years = products, airborne, tuple(years)
        self._legs: dict[tuple[str, str, bool], list[Leg]] = {}
        self._lanes: dict[tuple[Layer, str, str, str], tuple[Lane, ...]] = {}

    def lanes(self, layer: Layer, start: str, end: str, product: str) -> tuple[Lane, ...]:
        """Give the lanes for a product between two places; none if licences are refused in all years or no way is open.

        ``classes`` is left empty; duty is charged in the buyer layer only.
        """
        key = (layer, start, end, product)
        if key not in self._lanes:
            self._lanes[key] = self._make(layer, start, end, self._products[product])
        return self._lanes[key]

    def _make(self, layer: Layer, start: str, end: str, product: Product) -> tuple[Lane, ...]:
        licences = self._licences(start, end, product)
        approval = {t: 1.0 if row is None else row.approval_share for t, row in licences.items()}
        if not any(approval.values()):
            return ()
        tariff = self._tariff(start, end, product) if layer == "buyer" else dict.fromkeys(self._years, 0.0)
        return tuple(
            Lane(
                lane=f"{layer[0]}:{start}>{end}:{product.product}" + (":air" if leg.mode == "air" else ""),
                layer=layer,
                from_place=start,
                to_place=end,
                product=product.product,
                mode=leg.mode,
                distance_km=leg.distance_km,
                passages=leg.passages,
                lead_time_days=leg.lead_time_days,
                freight_usd_per_t=leg.freight_usd_per_t,
                customs_value_usd_per_kg=product.reference_price_usd_per_kg,
                tariff_share=tariff,
                approval_share=approval,
                classes=(),
                processing_days={t: row.processing_days for t, row in licences.items() if row and row.processing_days},
                from_port=leg.from_port,
                to_port=leg.to_port,
            )
            for leg in self._ways(start, end, layer == "buyer" and end in self._segments, product.product)
        )

    def _ways(self, start: str, end: str, may_fly: bool, product: str) -> list[Leg]:
        flies = may_fly and product in self._airborne
        key = (start, end, flies)
        if key not in self._legs:
            self._legs[key] = self._services.leg(self._places[start], self._places[end], flies)
        return self._legs[key]

    def _countries(self, start: str, end: str) -> tuple[str, str]:
        return self._places[start].country_iso3, self._places[end].country_iso3

    def _tariff(self, start: str, end: str, product: Product) -> dict[int, float]:
        exporter, importer = self._countries(start, end)
        if exporter == importer:
            return dict.fromkeys(self._years, 0.0)
        return {t: self._services.tariff_share(importer, exporter, product.form, t) for t in self._years}

    def _licences(self, start: str, end: str, product: Product) -> dict[int, Licence | None]:
        exporter, importer = self._countries(start, end)
        if exporter == importer or product.control_group is None:
            return dict.fromkeys(self._years)
        segment = self._segments.get(end, ANY_SEGMENT)
        ask = self._services.licence
        group, form = product.control_group, product.form
        return {t: ask(Movement(exporter, group, importer, segment, t, end, form)) for t in self._years}


def places_of(
    facilities: Mapping[str, Facility], markets: Mapping[str, Market], ports: Mapping[str, Row]
) -> dict[str, PlacePoint]:
    """Give the point of every facility and market; ``ports`` maps a place to the row that may name its port."""
    places: dict[str, Facility | Market] = {**facilities, **markets}
    return {
        name: PlacePoint(name, place.country_iso3, place.latitude, place.longitude, ports.get(name, {}).get("port"))
        for name, place in places.items()
    }
