"""A case written whole: every table it uses, overrides applied, so that it needs nothing beside itself.

A run keeps such a copy. It is an ordinary case (``base = "none"``), so it can be checked, changed, sent to another
machine and run again there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w

from optimizer.tables.case import Case
from optimizer.tables.settings import CaseSettings


def whole_settings(case: Case) -> dict[str, object]:
    """Settings of the copy: as in the case, on no shared tables, nothing removed, the money year spelt out."""
    settings = case.settings
    finance = settings.finance.model_copy(update={"money_year": case.money_year})
    fields: dict[str, object] = {"base": "none", "finance": finance}
    fields["tables"] = CaseSettings.model_fields["tables"].get_default(call_default_factory=True)
    whole: dict[str, object] = settings.model_copy(update=fields).model_dump(mode="json", exclude_none=True)
    return whole


def write_snapshot(case: Case, folder: Path) -> Path:
    """Write ``case.toml`` and every table that has rows into a new folder, and return it."""
    return write_whole(whole_settings(case), case.tables, folder)


def _felt(settings: Mapping[str, object], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Effects of events without those that name an origin rule or segment the case lacks.

    Shared effects may name what a case does not have, and reach nothing then; a case's own may not.
    """
    effects = tables["event_effects"]
    rules = settings.get("origin_rules")
    names = [rule["rule"] for rule in rules] if isinstance(rules, list | tuple) else []
    known = {"origin_rule": names, "segment": list(tables["markets"]["segment"])}
    for column, values in known.items():
        effects = effects[effects[column].isna() | effects[column].isin(["*", *values])]
    return effects.reset_index(drop=True)


def _truth_as_text(column: pd.Series) -> pd.Series:
    """Write truth values as tables do; numbers stay numbers, though 1 equals true and 0 false."""
    kind = str(column.dtype)
    if kind in ("bool", "boolean"):
        return column.astype(object).map({True: "true", False: "false"})
    if kind != "object":
        return column
    return column.map(lambda cell: str(cell).lower() if isinstance(cell, bool | np.bool_) else cell)


def write_whole(settings: Mapping[str, object], tables: Mapping[str, pd.DataFrame], folder: Path) -> Path:
    """Write settings and tables as a case folder that needs nothing beside itself; tables without rows are left out."""
    folder.mkdir(parents=True)
    (folder / "case.toml").write_bytes(tomli_w.dumps(settings).encode())
    for name, frame in {**tables, "event_effects": _felt(settings, tables)}.items():
        if len(frame):
            text = frame.apply(_truth_as_text)
            text.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    return folder
