"""Tables that later commands add to a run, in subfolders of its own (stress, explain, …)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from optimizer.results.write import read_tables

NOT_PARTS = frozenset({"inputs", "case", "points"})


def read_part(run: Path, part: str, table: str) -> pd.DataFrame | None:
    """A table of a part; None if the run has none."""
    return read_tables(run / part).get(table)


def part_tables(run: Path) -> dict[str, pd.DataFrame]:
    """All tables of all parts by name, parts in alphabetical order."""
    found: dict[str, pd.DataFrame] = {}
    folders = [folder for folder in sorted(run.iterdir()) if folder.is_dir()] if run.is_dir() else []
    for folder in folders:
        if folder.name in NOT_PARTS or folder.name.endswith((".partial", ".old")):
            continue
        for stem, table in read_tables(folder).items():
            found[stem if stem.startswith(folder.name) else f"{folder.name}_{stem}"] = table
    return found
