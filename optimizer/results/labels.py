"""Names and keys of a program's columns and rows as two arrays, read back one label at a time.

A label is ``(name, key)`` as a compiled program has them: ``shock[a].flow[x,2027]`` and ``("flow", ("x", 2027))``. Its
words (what stands before the index, the component's own name, the parts of the index) are kept once each; a label is
the list of their numbers. Hundreds of thousands of labels take a few bytes each that way, and none is made until it is
asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

Key = tuple[str, tuple[object, ...]]
Numbers = npt.NDArray[np.int32]
T = TypeVar("T")


class Late(Sequence[T]):
    """A tuple that is made when something of it is first read; equal to any sequence of the same items."""

    def __init__(self, size: int, make: Callable[[], tuple[T, ...]]) -> None:
        self._size = size
        self._make = make
        self._made: tuple[T, ...] | None = None

    def _items(self) -> tuple[T, ...]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._items()[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._items() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._items())


@dataclass(frozen=True)
class Labels:
    """Labels of a program, one after another.

    Attributes:
        words: every word once.
        numbers: numbers of the words of all labels, one label after another: what stands before the index (ends in
            ``[`` if there is one), the component's own name, the parts of the index.
        ends: per label, where it ends in ``numbers``.
    """

    words: list[Any]
    numbers: Numbers
    ends: Numbers

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, Key]]) -> Labels:
        """Labels of (name, key) pairs.

        Raises:
            TypeError: if a part of an index is neither a text nor a number.
        """
        words: dict[tuple[type, Any], int] = {}
        numbers: list[int] = []
        ends: list[int] = []
        for name, (own, index) in pairs:
            inside = f"[{','.join(map(str, index))}]"
            head = name[: len(name) - len(inside) + 1] if name.endswith(inside) else name
            for word in (head, own, *index):
                plain = word.item() if isinstance(word, np.generic) else word
                if not isinstance(plain, str | int | float):
                    raise TypeError(f"an index of {name} is a {type(word).__name__}")
                numbers.append(words.setdefault((type(plain), plain), len(words)))
            ends.append(len(numbers))
        known = [word for _, word in words]
        return cls(known, np.array(numbers, dtype=np.int32), np.array(ends, dtype=np.int32))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The labels as arrays of plain numbers."""
        text = np.frombuffer(json.dumps(self.words, ensure_ascii=False).encode(), dtype=np.uint8)
        return {"words": text, "numbers": self.numbers, "ends": self.ends}

    @classmethod
    def read(cls, words: npt.NDArray[Any], numbers: npt.NDArray[Any], ends: npt.NDArray[Any]) -> Labels:
        """Labels from their arrays."""
        return cls(json.loads(words.tobytes().decode()), numbers, ends)

    def lists(self, start: int, stop: int) -> Iterator[list[Any]]:
        """Words of the labels from ``start`` up to ``stop``."""
        ends = [int(self.ends[start - 1]) if start else 0, *self.ends[start:stop].tolist()]
        found = [self.words[number] for number in self.numbers[ends[0] : ends[-1]].tolist()]
        for low, high in pairwise(ends):
            yield found[low - ends[0] : high - ends[0]]

    @staticmethod
    def name(words: Sequence[Any]) -> str:
        """Full name of a label."""
        head, _, *index = words
        return f"{head}{','.join(map(str, index))}]" if head.endswith("[") else str(head)

    def part(self, start: int, stop: int) -> tuple[Sequence[str], Sequence[Key]]:
        """Names and keys of the labels from ``start`` up to ``stop``, made when they are first read."""
        size = stop - start
        return Late(size, partial(self._names, start, stop)), Late(size, partial(self._keys, start, stop))

    def _names(self, start: int, stop: int) -> tuple[str, ...]:
        return tuple(self.name(words) for words in self.lists(start, stop))

    def _keys(self, start: int, stop: int) -> tuple[Key, ...]:
        return tuple((str(own), tuple(index)) for _, own, *index in self.lists(start, stop))
