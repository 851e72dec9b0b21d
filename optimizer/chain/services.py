"""What the chain asks of routing, trade rules and shocks; replaceable in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizer.chain.instance import Shock

if TYPE_CHECKING:
    from optimizer.chain.licences import Licence, Movement
    from optimizer.chain.routing import Leg, PlacePoint


@dataclass(frozen=True)
class Services:
    """Look-ups over the tables of one case.

    Attributes:
        leg: (from, to, whether air is wanted) → ways to ship.
        tariff_share: (importer, exporter, form, year) → duty.
        licence: movement → governing row of ``licences``, None where nothing is controlled.
        members: country or group → country codes.
        shocks: (facilities, lanes, origin rules, years, products, markets) → shocks.
    """

    leg: Callable[[PlacePoint, PlacePoint, bool], list[Leg]]
    tariff_share: Callable[[str, str, str, int], float]
    licence: Callable[[Movement], Licence | None]
    members: Callable[[str], frozenset[str]]
    shocks: Callable[..., Mapping[str, Shock]]
    licences: Mapping[tuple[str, str], Sequence[Licence]] = field(default_factory=dict)
    """(exporter, control group) → licences in force."""


def services_of(case: Any) -> Services:
    """Give the look-ups over the tables and settings of a case."""
    from optimizer.chain.phases import PlanRules, phases_of
    from optimizer.chain.routing import Router
    from optimizer.shocks.scenarios import case_shocks

    router = Router(case.tables, case.settings.freight)
    horizon = case.settings.horizon
    rules = PlanRules(case.tables, phases_of(case.tables, case.settings.policy, horizon.first_year, horizon.last_year))

    def shocks(*network: Any) -> Mapping[str, Shock]:
        return case_shocks(case, *network)

    return Services(router.leg, rules.tariff_share, rules.licence, rules.groups.members, shocks, rules.licences)
