"""Templates: one recourse program for all strikes of a start year that cut the same plants and lanes.

The model's own block is written for a shock in which everything the strikes cut keeps ``MARK`` of its work in every
period. Shares enter a block only as factors of right-hand sides (plants) and as limits of cut lanes, so any other
strike of the group is the same program with these rows set anew; a lane that a period leaves whole has no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.chain.instance import Instance, Period, Shock
from optimizer.model import recourse, recourse_calls
from optimizer.model.build import build_recourse, recourse_blocks
from optimizer.model.reach import Branch, branch_of
from optimizer.model.sets import Sets
from optimizer.shocks.periods import merged_periods
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram, Floats, Integers, RecourseBlock
from optimizer.stress.strikes import Key, Strike, Window

MARK = 0.5
"""Share at which a template is written; a power of two, so that scaling is exact."""

_CAPACITY, _DELIVERY, _CONTRACT, _SPOT, _LANE = (
    rule.__name__
    for rule in (
        recourse.recourse_capacity,
        recourse.recourse_delivery,
        recourse_calls.recourse_contract,
        recourse_calls.recourse_spot,
        recourse.recourse_lane,
    )
)


@dataclass(frozen=True)
class Group:
    """Strikes of one start year that cut the same plants and lanes.

    Attributes:
        start_year: of all of them.
        keys: what they cut, sorted.
        positions: of the strikes in the list they come from.
        periods: of the window, equal neighbours merged.
        shares: strike x key x period, share that keeps working.
    """

    start_year: int
    keys: tuple[Key, ...]
    positions: Integers
    periods: tuple[Period, ...]
    shares: Floats

    @property
    def name(self) -> str:
        """Name of the template's shock."""
        return f"group {int(self.positions[0]) if self.positions.size else 0}"


def groups_of(strikes: Sequence[Strike], window: Window, chosen: Iterable[int] | None = None) -> list[Group]:
    """Gather strikes into groups; ``chosen`` names positions (all by default). In the order of first appearance."""
    found: dict[tuple[int, frozenset[Key]], list[int]] = {}
    for position in range(len(strikes)) if chosen is None else chosen:
        found.setdefault(strikes[position].group, []).append(position)
    return [_group(strikes, window, year, sorted(keys), members) for (year, keys), members in found.items()]


def _group(strikes: Sequence[Strike], window: Window, year: int, keys: list[Key], members: list[int]) -> Group:
    base = window.periods(year)
    raw = np.array([[strikes[m].shares[key] for key in keys] for m in members], dtype=np.float64)
    raw = raw.reshape(len(members), len(keys), len(base))
    periods, sources = merged_periods(base, year, {tuple(row) for row in raw.reshape(-1, len(base)).tolist()})
    return Group(year, tuple(keys), np.array(members, dtype=np.int64), periods, raw[:, :, list(sources)])


def template_shock(group: Group, instance: Instance, window: Window) -> Shock:
    """The shock a template is written for: everything in the group at ``MARK``, in every period."""
    plants = [key[0] for key in group.keys if key[0] in instance.facilities]
    lanes = [key for key in group.keys if key[0] in instance.lanes]
    return Shock(
        shock=group.name,
        event=group.name,
        name=group.name,
        start_year=group.start_year,
        rate_per_year=1.0,
        probability=1.0,
        window_months=window.months,
        periods=group.periods,
        facility_share={(name, period.period): MARK for name in plants for period in group.periods},
        lane_share={(lane, period.period, bit): MARK for lane, bit in lanes for period in group.periods},
        price_multiple=1.0,
        story="",
    )


def compiled_templates(
    groups: Sequence[Group], whole: Instance, sets: Sets, part: Instance, window: Window
) -> CompiledProgram:
    """Templates of some groups, in their order (see ``compiled_blocks``)."""
    return compiled_blocks([template_shock(group, whole, window) for group in groups], whole, sets, part)


def compiled_blocks(shocks: Iterable[Shock], whole: Instance, sets: Sets, part: Instance) -> CompiledProgram:
    """Recourse blocks of some shocks, in their order, without objectives.

    Args:
        shocks: one block each.
        whole: the case; how far a shock reaches is worked out on it.
        sets: its index sets.
        part: the same, or only what the plans in question can use.
    """
    known = {shock.shock: shock for shock in shocks}
    branches = {name: _within(branch_of(whole, sets, shock), part) for name, shock in known.items()}
    model = build_recourse(replace(part, shocks=known), branches)
    return compile_model(model, {}, recourse_blocks(model))


def _within(branch: Branch, part: Instance) -> Branch:
    """The same reach, without the cut lanes that the part does not have."""
    kept = {key: share for key, share in branch.shock.lane_share.items() if key[0] in part.lanes}
    return replace(branch, shock=replace(branch.shock, lane_share=kept))


@dataclass(frozen=True)
class Plans:
    """First-stage vectors by point, in the order of ``keys``, within their bounds."""

    keys: tuple[tuple[str, tuple[object, ...]], ...]
    vectors: Mapping[int, Floats]

    @classmethod
    def of(cls, program: CompiledProgram, vectors: Mapping[int, Floats]) -> Plans:
        """Vectors of a program, clipped to its bounds."""
        return cls(
            program.column_keys, {point: np.clip(x, program.lower, program.upper) for point, x in vectors.items()}
        )

    def in_order_of(self, program: CompiledProgram) -> dict[int, Floats]:
        """The vectors in the order of another program of the same case; what that one adds is 0."""
        known = {key: position for position, key in enumerate(self.keys)}
        positions = np.array([known.get(key, -1) for key in program.column_keys], dtype=np.int64)
        return {point: np.where(positions >= 0, x[positions], 0.0) for point, x in self.vectors.items()}


@dataclass(frozen=True)
class Limits:
    """How shares set the rows of a template.

    Attributes:
        plant_rows: rows whose upper side is proportional to a share; ``plant_cells`` the (key, period) of it, flat.
        lane_rows, lane_cells: rows that limit a cut lane, likewise; without effect where the share is 1.
    """

    plant_rows: Integers
    plant_cells: Integers
    lane_rows: Integers
    lane_cells: Integers


def limits_of(block: RecourseBlock, group: Group, instance: Instance) -> Limits:
    """Find the rows of a template that shares set."""
    where = {key: position for position, key in enumerate(group.keys)}
    order = {period.period: position for position, period in enumerate(group.periods)}
    count = len(group.periods)
    plants: list[tuple[int, int]] = []
    lanes: list[tuple[int, int]] = []
    for row, (component, index) in enumerate(block.row_keys):
        if component == _LANE:
            lane, period, bit = index
            lanes.append((row, where[str(lane), int(str(bit))] * count + order[int(str(period))]))
            continue
        plant = _plant(component, index, instance)
        if plant is not None and (plant, 0) in where:
            plants.append((row, where[plant, 0] * count + order[int(str(index[-1]))]))
    return Limits(*_columns(plants), *_columns(lanes))


def _plant(component: str, index: tuple[object, ...], instance: Instance) -> str | None:
    """Plant whose share scales a row, or None."""
    if component == _CAPACITY:
        return str(index[1])
    if component == _DELIVERY:
        return str(index[0])
    if component == _CONTRACT:
        return instance.offers[str(index[0])].facility
    if component == _SPOT:
        return instance.qualifications[str(index[0])].facility
    return None


def _columns(pairs: list[tuple[int, int]]) -> tuple[Integers, Integers]:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return array[:, 0].copy(), array[:, 1].copy()
