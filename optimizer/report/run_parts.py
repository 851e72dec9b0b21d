"""Tables that later commands add to a run, in subfolders of its own (stress, explain, …)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

NOT_PARTS = frozenset({"inputs", "case", "points"})


def read_part(run: Path, part: str, table: str) -> pd.DataFrame | None:
    """A table of a part; None if the run has none."""
    file = run / part / f"{table}.parquet"
    return pd.read_parquet(file) if file.is_file() else None


def part_tables(run: Path) -> dict[str, pd.DataFrame]:
    """All tables of all parts by name, parts in alphabetical order."""
    found: dict[str, pd.DataFrame] = {}
    folders = [folder for folder in sorted(run.iterdir()) if folder.is_dir()] if run.is_dir() else []
    for folder in folders:
        if folder.name in NOT_PARTS or folder.name.endswith((".partial", ".old")):
            continue
        for file in sorted(folder.glob("*.parquet")):
            name = file.stem if file.stem.startswith(folder.name) else f"{folder.name}_{file.stem}"
            found[name] = pd.read_parquet(file)
    return found
