"""The data dictionary: ``docs/data-dictionary.md``, written from the data package.

``python -m optimizer.tables.dictionary docs/data-dictionary.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from optimizer.tables.locate import data_root
from optimizer.tables.package import PROVENANCE, Field, Package, Resource, load_package
from optimizer.tables.uses import feeds

_HEAD = """# Data dictionary

Written from `data/datapackage.json` by `python -m optimizer.tables.dictionary docs/data-dictionary.md`; do not edit.
All money is of {money_year} unless a column says otherwise. Text is UTF-8, cells are separated by commas, decimals by a
point; an empty cell is a missing value. Every figure carries where it comes from:

{provenance}
"""

_GROUPS = (
    ("Model tables", "What cases stand on; a case may patch them row by row."),
    ("Case tables", "What only a case fills; the files here hold the header alone."),
    ("Record tables", "History, totals and everything found, kept to check and estimate; no case reads them."),
)


def _group(resource: Resource) -> int:
    return 2 if resource.is_record_table else 1 if resource.is_case_table else 0


def data_dictionary(package: Package) -> str:
    """Return the dictionary of a package (read with its record tables) as Markdown."""
    whole = next(r for r in package.resources.values() if set(PROVENANCE) <= set(r.columns))
    told = [whole.field(name) for name in PROVENANCE]
    provenance = "\n".join(f"- `{field.name}`: {_allowed(field)}{field.description}" for field in told)
    parts = [_HEAD.format(money_year=package.money_year, provenance=provenance)]
    for number, (title, what) in enumerate(_GROUPS):
        resources = [resource for resource in package.resources.values() if _group(resource) == number]
        parts.append(f"## {title}\n\n{what}\n\n{_contents(resources)}\n")
        parts += ["\n".join(_table(resource)) for resource in resources]
    return "\n".join(parts)


def _contents(resources: Iterable[Resource]) -> str:
    return " · ".join(f"[{resource.name}](#{resource.name})" for resource in resources)


def _table(resource: Resource) -> Iterator[str]:
    yield f"### {resource.name}\n"
    yield f"{_plain(resource.description)} Key: {', '.join(f'`{name}`' for name in resource.key)}."
    if feeds(resource):
        yield f"Feeds {', '.join(f'`{part}`' for part in feeds(resource))} of the instance."
    yield "\n| column | type | unit | meaning |\n|---|---|---|---|"
    links = {link.field: link for link in resource.foreign_keys}
    for field in resource.fields:
        if field.name not in PROVENANCE or resource.name == "sources":
            told = _allowed(field) + _plain(field.description)
            if field.name in links:
                told += f" Stands in `{links[field.name].resource}`."
            kind = field.type if field.is_required else f"{field.type}, optional"
            yield f"| `{field.name}` | {kind} | {field.unit} | {told} |"
    yield ""


def _plain(text: str) -> str:
    """Return a description without the mark of its group, safe inside a Markdown table."""
    for mark in ("Record: ", "Case: "):
        text = text.removeprefix(mark)
    return (text[:1].upper() + text[1:]).replace("|", "\\|")


def _allowed(field: Field) -> str:
    """Return the words or range a column allows, as a clause before its meaning."""
    if field.enum:
        return f"{', '.join(f'`{word}`' for word in field.enum)}. "
    if field.minimum is None and field.maximum is None:
        return ""
    if field.maximum is None:
        return f"At least {field.minimum:g}. "
    return f"At most {field.maximum:g}. " if field.minimum is None else f"{field.minimum:g} to {field.maximum:g}. "


def main(arguments: list[str]) -> None:
    """Write the dictionary of the shared tables to the file named."""
    text = data_dictionary(load_package(data_root(), with_records=True))
    Path(arguments[0]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
