"""Values of a solved point by component and index, read through column keys and never by parsing names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from optimizer.solve.compiled import CompiledProgram

Floats = npt.NDArray[np.float64]
Key = tuple[str, tuple[object, ...]]

SMALLEST_T = 1e-6
"""Amounts below this (t) are not written."""


@dataclass(frozen=True)
class _Component:
    positions: npt.NDArray[np.int64]
    index: tuple[npt.NDArray[np.object_], ...]


class Columns:
    """Where each component's columns stand in a vector of values.

    Args:
        keys: per column, (component, index tuple).
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        positions: dict[str, list[int]] = {}
        indices: dict[str, list[tuple[object, ...]]] = {}
        for position, (component, index) in enumerate(keys):
            positions.setdefault(component, []).append(position)
            indices.setdefault(component, []).append(index)
        self._components = {
            component: _Component(np.array(places, dtype=np.int64), _transposed(indices[component]))
            for component, places in positions.items()
        }

    def read(self, component: str, values: Floats, names: Sequence[str], smallest: float = SMALLEST_T) -> pd.DataFrame:
        """Return the non-zero values of a component: one column per index name, and ``value``.

        A component that the program lacks gives no rows.

        Raises:
            ValueError: if ``names`` does not fit the component's index.
        """
        found = self._components.get(component)
        if found is None:
            return pd.DataFrame({**{name: pd.Series(dtype=object) for name in names}, "value": pd.Series(dtype=float)})
        if len(found.index) != len(names):
            raise ValueError(f"{component} has {len(found.index)} indices, not {len(names)}")
        amounts = values[found.positions]
        kept = np.flatnonzero(np.abs(amounts) >= smallest)
        data: dict[str, npt.NDArray[np.object_] | Floats] = {
            name: column[kept] for name, column in zip(names, found.index, strict=True)
        }
        return pd.DataFrame({**data, "value": amounts[kept]})


def _transposed(indices: list[tuple[object, ...]]) -> tuple[npt.NDArray[np.object_], ...]:
    columns = []
    for entries in zip(*indices, strict=True):
        column = np.empty(len(entries), dtype=object)
        column[:] = entries
        columns.append(column)
    return tuple(columns)


def loss_blocks(program: CompiledProgram) -> list[tuple[int, str]]:
    """(position, shock) of the recourse blocks that minimise a loss.

    The shock is the index of the first-stage column that carries the block's value. Blocks that only price a shock
    (another column than ``loss``) hold no plan to report.
    """
    found = []
    for position, block in enumerate(program.blocks):
        component, index = program.column_keys[block.theta]
        if component == "loss":
            found.append((position, str(index[0])))
    return found


def block_columns(program: CompiledProgram) -> Columns:
    """Columns of the blocks of ``loss_blocks`` one after another; the shock is put before each index."""
    return Columns(
        (component, (shock, *index))
        for position, shock in loss_blocks(program)
        for component, index in program.blocks[position].column_keys
    )


def joined(program: CompiledProgram, recourse: Sequence[Floats]) -> Floats:
    """Recourse vectors of the blocks of ``loss_blocks``, one after another.

    Raises:
        ValueError: if there is not one vector per block of the program.
    """
    if len(recourse) != len(program.blocks):
        raise ValueError(f"{len(recourse)} recourse vectors for {len(program.blocks)} blocks")
    parts = [np.asarray(recourse[position], dtype=float) for position, _ in loss_blocks(program)]
    return np.concatenate(parts) if parts else np.zeros(0)
