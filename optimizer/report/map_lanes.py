"""Flows that share a way, drawn side by side: each line is moved across its way by its place in the stack.

Lines are sampled every few pixels. Where lines of other flows run close by and the same or the opposite way, all of
them are stacked across their common middle in a fixed order, with their widths and a gap between; the displacement is
then smoothed along each line, so that lines join and leave a stack gently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STEP = 5.0
"""Distance of samples in pixels."""
NEAR = 7.0
"""Lines nearer than this share a way."""
PARALLEL = 0.8
"""Least cosine of the angle between lines that share a way."""
GAP = 1.0
"""Pixels left free between neighbours."""
REACH = 7
"""Samples on either side over which displacements are smoothed."""

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Strand:
    """One line to draw: corners in pixels and width."""

    points: Sequence[tuple[float, float]]
    width: float


def side_by_side(strands: Sequence[Strand]) -> list[list[tuple[float, float]]]:
    """Lines of the strands in their order, moved so that none lies on another where they share a way."""
    if not strands:
        return []
    samples = [_sampled(np.asarray(strand.points, dtype=float)) for strand in strands]
    owner = np.repeat(np.arange(len(samples)), [len(s) for s in samples]).astype(np.int64)
    places = np.concatenate(samples)
    ways = np.concatenate([_tangents(s) for s in samples])
    shift = _shifts(places, ways, owner, np.array([strand.width + GAP for strand in strands]))
    drawn = []
    for number, line in enumerate(samples):
        moved = line + _smooth(shift[owner == number])
        drawn.append([(float(x), float(y)) for x, y in moved])
    return drawn


def _sampled(line: Array) -> Array:
    """Points on a line at equal distances of about ``STEP``, ends included."""
    lengths = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(2, round(along[-1] / STEP) + 1)
    at = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])


def _tangents(line: Array) -> Array:
    """Unit directions along a sampled line, over two samples to either side."""
    ahead = line[np.minimum(np.arange(len(line)) + 2, len(line) - 1)]
    behind = line[np.maximum(np.arange(len(line)) - 2, 0)]
    way = ahead - behind
    return np.asarray(way / np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)[:, None])


def _shifts(places: Array, ways: Array, owner: Whole, widths: Array) -> Array:
    """Displacement of every sample from its own place to its place in the stack."""
    mine, other = _neighbours(places, ways, owner)
    rank, theirs = owner[mine], owner[other]
    total, before = widths[owner].copy(), np.zeros(len(places))
    np.add.at(total, mine, widths[theirs])
    np.add.at(before, mine, np.where(theirs < rank, widths[theirs], 0.0))
    middle, members = places.copy(), np.ones(len(places))
    np.add.at(middle, mine, places[other])
    np.add.at(members, mine, 1.0)
    guide = ways.copy()  # direction of the first line of the stack, which tells left from right for all
    first = owner.copy()
    for position, sample, line in zip(mine.tolist(), other.tolist(), theirs.tolist(), strict=True):
        if line < first[position]:
            first[position], guide[position] = line, ways[sample]
    offset = before + widths[owner] / 2 - total / 2
    normal = np.column_stack([-guide[:, 1], guide[:, 0]])
    shift = middle / members[:, None] - places + normal * offset[:, None]
    shift[members == 1] = 0.0
    return np.asarray(shift)


def _neighbours(places: Array, ways: Array, owner: Whole) -> tuple[Whole, Whole]:
    """Pairs (sample, nearest sample of another line that shares its way), one per sample and other line."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(places).query_pairs(NEAR, output_type="ndarray").astype(np.int64)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    mine, other = both[:, 0], both[:, 1]
    along = np.abs((ways[mine] * ways[other]).sum(axis=1))
    fits = (owner[mine] != owner[other]) & (along >= PARALLEL)
    mine, other = mine[fits], other[fits]
    distance = np.hypot(*(places[mine] - places[other]).T)
    order = np.lexsort((other, distance, owner[other], mine))
    mine, other = mine[order], other[order]
    keeps = np.ones(len(mine), dtype=bool)
    keeps[1:] = (mine[1:] != mine[:-1]) | (owner[other[1:]] != owner[other[:-1]])
    return mine[keeps], other[keeps]


def _smooth(shift: Array) -> Array:
    """Moving mean along a line, falling to nothing at both ends, where the line meets its places."""
    count = len(shift)
    kernel = np.ones(2 * REACH + 1) / (2 * REACH + 1)
    padded = np.concatenate([np.repeat(shift[:1], REACH, axis=0), shift, np.repeat(shift[-1:], REACH, axis=0)])
    mean = np.column_stack([np.convolve(padded[:, k], kernel, mode="valid") for k in (0, 1)])
    ends = np.minimum(np.arange(count), np.arange(count)[::-1]) / 4
    return np.asarray(mean * np.minimum(1.0, ends)[:, None])
