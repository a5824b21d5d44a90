"""The tables of `refused_by` as documents: a build packs them, and `refusals` reads the pack in a wheel.

They lack the groups without a row, which `scripts/list_refusals.py` alone reads.
"""

from __future__ import annotations

import json
from importlib import import_module

from lora_lint.frameworks import refusals
from lora_lint.system.modules import modules_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FIELDS = refusals.Refusal.__match_args__


def documents() -> dict[str, bytes]:
    """The document of each table by its framework, and those of further rows by their module."""
    found: dict[str, Any] = {}
    for name in modules_in([refusals.FOLDER]):
        table: refusals.Table = import_module(f"lora_lint.frameworks.refused_by.{name}").TABLE
        stated = {key: value for key, value in vars(table).items() if value and key not in ("rows", "undecided")}
        found[name] = {**stated, **_rows(table.rows)}
        if table.others:
            found[table.others] = _rows(import_module(f"lora_lint.frameworks.refused_by.{table.others}").ROWS)
    return {name: json.dumps(each, separators=(",", ":")).encode() for name, each in found.items()}


def _rows(rows: Mapping[str, tuple[refusals.Refusal, ...]]) -> dict[str, Any]:
    """The fields of each row, and the numbers of each class's rows: classes share most of them."""
    numbers = {row: number for number, row in enumerate(dict.fromkeys(row for those in rows.values() for row in those))}
    return {
        "classes": {owner: [numbers[row] for row in those] for owner, those in rows.items()},
        "rows": [_fields(row) for row in numbers],
    }


def _fields(row: refusals.Refusal) -> list[Any]:
    """The fields of a row in their order, up to the last that is not empty, which is the default of those behind it."""
    fields = [getattr(row, name) for name in _FIELDS]
    while not fields[-1]:
        fields.pop()
    return fields
