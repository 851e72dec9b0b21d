"""What the chain asks of routing, trade rules and shocks; replaceable in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.chain.instance import Shock

if TYPE_CHECKING:
    from optimizer.chain.routing import Leg, PlacePoint


@dataclass(frozen=True)
class Services:
    """Look-ups over the tables of one case.

    Attributes:
        leg: (from, to, whether air is wanted) → ways to ship.
        tariff_share: (importer, exporter, form, year) → duty.
        approval_share: (exporter, control group, destination, segment, year) → share of volume licensed.
        members: country or group → country codes.
        shocks: (facilities, lanes, origin rules, years, products, markets) → shocks.
    """

    leg: Callable[[PlacePoint, PlacePoint, bool], list[Leg]]
    tariff_share: Callable[[str, str, str, int], float]
    approval_share: Callable[[str, str | None, str, str, int], float]
    members: Callable[[str], frozenset[str]]
    shocks: Callable[..., Mapping[str, Shock]]


def services_of(case: Any) -> Services:
    """Give the look-ups over the tables and settings of a case."""
    from optimizer.chain.routing import Router
    from optimizer.chain.trade import TradeRules
    from optimizer.shocks.expand import expand_shocks

    router = Router(case.tables, case.settings.freight)
    rules = TradeRules(case.tables)

    def shocks(*network: Any) -> Mapping[str, Shock]:
        return expand_shocks(case, *network)

    return Services(router.leg, rules.tariff_share, rules.approval_share, rules.groups.members, shocks)
