"""A case's own rows over the shared tables: removed, patched, added, with every difference listed.

Order: rows named in ``[tables] remove`` go first, together with the shared rows that cannot stand without
them; then own rows with the key of a shared row patch the cells they give (an empty cell keeps the shared
value) and all others are added. To replace a row as a whole, remove it and give it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.errors import Problem
from optimizer.tables.cells import Value
from optimizer.tables.package import PROVENANCE, Package, Resource
from optimizer.tables.read import Key, Row, Table, key_text
from optimizer.tables.text import did_you_mean, shorten

_TYPES = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_FACILITY_OR_STAR = (
    "event_effects",
    "hazard_effects",
    "footprints",
    "standards",
    "activity_rules",
    "restoration_costs",
    "subsidy_terms",
)

OWN_PROVENANCE: Mapping[str, Value] = {"source_id": "case", "confidence": "buyer"}
"""Where a row of a case comes from, unless it says so itself."""


@dataclass(frozen=True)
class Difference:
    """One difference between the case and the shared tables.

    ``kind`` is ``added``, ``patched`` or ``removed``; ``key`` is the row's key, its parts joined by ``|``.
    Only a patch has ``column``, ``old`` and ``new``.
    """

    table: str
    key: str
    kind: str
    column: str = ""
    old: Value = None
    new: Value = None


def without_doubles(table: Table) -> list[Problem]:
    """Take rows whose key was given before out of ``table`` and return them as problems (T024)."""
    seen: dict[Key, Row] = {}
    problems = []
    rows = []
    for row in table.rows:
        key = table.key(row)
        needed = [row[column] for column in table.resource.key if table.resource.field(column).is_required]
        if None not in needed and key in seen:
            found = f"`{shorten(key_text(key))}`, as in row {seen[key].line}"
            column = ", ".join(table.resource.key)
            remedy = "delete one of the rows, or give it another key"
            problems.append(Problem("T024", row.file, str(row.line), column, found, "each key once", remedy))
            continue
        seen[key] = row
        rows.append(row)
    table.rows = rows
    return problems


def remove_rows(
    tables: Mapping[str, Table], package: Package, remove: Mapping[str, Sequence[object]], label: str
) -> tuple[list[Difference], list[Problem]]:
    """Take the listed rows, and the shared rows that cannot stand without them, out of ``tables``.

    A row cannot stand without another if a column that must be filled refers to it. Codes: T040.
    """
    gone: list[Difference] = []
    problems: list[Problem] = []
    lost: dict[str, list[Row]] = {}
    for name, keys in remove.items():
        if name not in tables:
            remedy = did_you_mean(name, tables, "take the table out of `remove`")
            found = f"`{shorten(name)}`"
            problems.append(Problem("T040", label, "", "tables.remove", found, "the name of a table", remedy))
            continue
        wanted = {"|".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in keys}
        known = {key_text(tables[name].key(row)): row for row in tables[name].rows}
        problems += [_nothing_to_remove(name, key, known, tables[name], label) for key in sorted(wanted - set(known))]
        lost[name] = [known[key] for key in known if key in wanted]
    while any(lost.values()):
        gone += _drop(tables, lost)
        lost = _orphans(tables, package, lost)
    return gone, problems


def _nothing_to_remove(name: str, key: str, known: Mapping[str, Row], table: Table, label: str) -> Problem:
    allowed = f"a key of the shared table ({'|'.join(table.resource.key)})"
    remedy = did_you_mean(key, known, "take the key out of `remove`")
    return Problem("T040", label, "", f"tables.remove.{name}", f"`{shorten(key)}`", allowed, remedy)


def _drop(tables: Mapping[str, Table], lost: Mapping[str, list[Row]]) -> list[Difference]:
    """Take rows out of their tables and return them as differences."""
    gone = []
    for name, rows in lost.items():
        identities = {id(row) for row in rows}
        gone += [Difference(name, key_text(tables[name].key(row)), "removed") for row in rows]
        tables[name].rows = [row for row in tables[name].rows if id(row) not in identities]
    return gone


def _orphans(tables: Mapping[str, Table], package: Package, lost: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the rows left that refer, in a column that must be filled, to a value that has just gone."""
    orphans: dict[str, list[Row]] = {}
    for name, table in tables.items():
        links = [
            (link.field, link.resource, link.target)
            for link in table.resource.foreign_keys
            if table.resource.field(link.field).is_required
        ]
        links += [("facility", "facilities", "facility")] if name in _FACILITY_OR_STAR else []
        for column, target, target_column in links:
            left = {row[target_column] for row in tables[target].rows} if target in lost else set()
            missing = {row[target_column] for row in lost.get(target, ())} - left
            rows = [row for row in table.rows if row[column] in missing] if missing else []
            orphans[name] = orphans.get(name, []) + [row for row in rows if row not in orphans.get(name, [])]
    return {name: rows for name, rows in orphans.items() if rows}


def merge(base: Table, own: Table) -> tuple[Table, list[Difference]]:
    """Lay a case's own rows over the shared ones and return the table with the differences, in key order of the files.

    Tables that only a case fills yield no differences: there is nothing they could differ from.
    """
    by_key = {base.key(row): row for row in base.rows}
    differences: list[Difference] = []
    for row in own.rows:
        key = own.key(row)
        if key in by_key:
            by_key[key], changes = _patch(by_key[key], row, base.resource, key_text(key))
            differences += changes
        else:
            by_key[key] = _with_defaults(row, base.resource)
            if not base.resource.is_case_table:
                differences.append(Difference(base.resource.name, key_text(key), "added"))
    table = Table(base.resource, list(by_key.values()), base.is_broken or own.is_broken)
    return table, differences


def _with_defaults(row: Row, resource: Resource) -> Row:
    """Return a new row of a case with its origin filled in."""
    defaults = {name: value for name, value in OWN_PROVENANCE.items() if name in resource.columns}
    if "source_id" in resource.key:
        defaults = {}
    given = {name: value for name, value in row.values.items() if value is not None}
    return Row({**row.values, **defaults, **given}, row.file, row.line, row.is_own, row.faulty)


def _patch(old: Row, new: Row, resource: Resource, key: str) -> tuple[Row, list[Difference]]:
    """Return the shared row with the cells that the case gives, and what that changes.

    A changed row is the buyer's; the note keeps where the shared figures come from.
    """
    given = {name: value for name, value in new.values.items() if value is not None}
    changed = [name for name, value in given.items() if value != old[name] and name not in PROVENANCE]
    differences = [Difference(resource.name, key, "patched", name, old[name], given[name]) for name in changed]
    if not changed:
        return Row({**old.values, **given}, old.file, old.line, old.is_own), []
    values = {**old.values, **given}
    if "confidence" in resource.columns:
        before = f"{', '.join(changed)} set by the case; the rest from {old['source_id']} ({old['confidence']})"
        kept = f"{before}: {old['note']}" if old["note"] else before
        values = {**values, **OWN_PROVENANCE, "note": kept, **{n: v for n, v in given.items() if n in PROVENANCE}}
    return Row(values, new.file, new.line, new.is_own), differences


def missing_values(table: Table) -> list[Problem]:
    """Return required values that are missing from the rows of a table as it finally stands (T019)."""
    problems = []
    for row in table.rows:
        for field in table.resource.fields:
            if field.is_required and row[field.name] is None and field.name not in row.faulty:
                unit = f" ({field.unit})" if field.unit else ""
                allowed = ", ".join(field.enum) or f"{_TYPES[field.type]}{unit}"
                remedy = f"fill the cell: {field.description}"
                if row.is_own and field.name not in row.values:
                    remedy = f"add the column, or give the row the key of a shared row. It is: {field.description}"
                problems.append(Problem("T019", row.file, str(row.line), field.name, "nothing", allowed, remedy))
    return problems
