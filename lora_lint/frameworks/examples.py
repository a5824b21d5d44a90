"""The first examples of a data file, for what a framework expects of them."""

from __future__ import annotations

from lora_lint.knowledge.sizes import first_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.project import Project

_MOST = 20
_SHOWN = 4


def first_examples(path: str, near: str, project: Project) -> list[dict[str, Any]]:
    """The first rows of a file of the project that are objects; none if it is not there, or of another form."""
    return [row for row in first_rows(path, near, project, _MOST) or () if isinstance(row, dict)]


def columns_of(rows: Iterable[Mapping[str, Any]], owner: str = "the file has") -> str:
    """The columns that the owner of some rows has, for people; many are cut short."""
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    return f"{owner} {', '.join(f'`{name}`' for name in names[:_SHOWN])}" + (" …" if len(names) > _SHOWN else "")
