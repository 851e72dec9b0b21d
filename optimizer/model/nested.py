r"""Which shocks are never worse than others, whatever the plan.

Two shocks of one start year whose blocks model the same part of the network differ in nothing but the shares that keep
working. Less capacity never loses less:

.. math:: \alpha_{fk}(s) \ge \alpha_{fk}(s'),\ \beta_{lk}(s) \ge \beta_{lk}(s') \quad \forall f, l, k
    \quad \Rightarrow \quad L_s(x) \le L_{s'}(x) \quad \forall x.

Every share stands on the right of a limit, so a recourse of the worse shock is one of the milder; and where their
periods differ both have a common refinement that changes no loss, for shares are constant within a period, all rows are
proportional to time, and stock may follow a straight line. Sampled shocks of one hazard, with their lengths and depths,
are often nested so: of 1,000 of the flagship 467 are milder than another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.chain.instance import Shock
from optimizer.model.reach import Branch

Cuts = Mapping[tuple[Any, ...], npt.NDArray[np.float64]]
"""Facility, or lane and origin bit → share that keeps working in each month or piece of one."""


def worse_shocks(branches: Mapping[str, Branch]) -> dict[str, tuple[str, ...]]:
    """Shock → those that lose at least as much under every plan; of equal ones the earlier counts as the worse."""
    alike: dict[Hashable, list[str]] = defaultdict(list)
    for name, branch in branches.items():
        alike[_modelled(branch)].append(name)
    return {name: found for names in alike.values() for name, found in _within(names, branches).items()}


def _modelled(branch: Branch) -> Hashable:
    """What a block models, but for the shares."""
    shock = branch.shock
    parts = branch.is_classed, branch.pools, branch.sources, branch.surge_share
    return shock.start_year, shock.window_months, frozenset(branch.reached.items()), *parts


def _within(names: list[str], branches: Mapping[str, Branch]) -> dict[str, tuple[str, ...]]:
    shocks = [branches[name].shock for name in names]
    ends = sorted({period.first_month + period.months for shock in shocks for period in shock.periods})
    cuts = [_cuts(shock, np.array(ends)) for shock in shocks]
    return {
        name: tuple(
            other
            for n, other in enumerate(names)
            if n != own and _is_no_worse(cuts[own], cuts[n]) and (n < own or not _is_no_worse(cuts[n], cuts[own]))
        )
        for own, name in enumerate(names)
    }


def _cuts(shock: Shock, ends: npt.NDArray[np.float64]) -> Cuts:
    """Shares over pieces of time that end there, of all that the shock cuts."""
    closing = [period.first_month + period.months for period in shock.periods]
    place = np.minimum(np.searchsorted(closing, ends - 1e-9), len(closing) - 1)
    numbers = [shock.periods[k].period for k in place]
    lanes = {(lane, bit) for lane, _, bit in shock.lane_share}
    found: dict[tuple[Any, ...], npt.NDArray[np.float64]] = {}
    for facility in {facility for facility, _ in shock.facility_share}:
        found[facility,] = np.array([shock.facility_share.get((facility, k), 1.0) for k in numbers])
    for lane, bit in lanes:
        found[lane, bit] = np.array([shock.lane_share.get((lane, k, bit), 1.0) for k in numbers])
    return found


def _is_no_worse(mild: Cuts, other: Cuts) -> bool:
    """Whether another shock cuts all that this one cuts, at every time at least as much."""
    return all(key in other and bool(np.all(other[key] <= shares)) for key, shares in mild.items())
