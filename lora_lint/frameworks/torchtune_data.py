"""What torchtune's builders of data sets expect of a file that a config names.

Source: torchtune 0.6.1, datasets/_{chat,instruct,alpaca,preference,text_completion}.py and data/_messages.py.
"""

from __future__ import annotations

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project

_FIRST = (0, 4)
"""The first release whose builders take `column_map`."""
_COLUMNS: dict[str, tuple[str | None, ...]] = {
    "instruct_dataset": ("input", "output"),
    "alpaca_dataset": ("instruction", "output"),
    "alpaca_cleaned_dataset": ("instruction", "output"),
    "preference_dataset": ("chosen", "rejected"),
}
_STYLES = {"sharegpt": ("from", "value"), "openai": ("role", "content")}


def unfit_data(part: Fields, owner: str, near: str, project: Project) -> Iterator[InvalidValue]:
    """A data set of a config, whose file lacks what its builder reads."""
    path, builder = known(part.text("data_files")), str(known(part.text("_component_"))).rpartition(".")[2]
    rows = first_examples(path, near, project) if path is not None and known(part.text("source")) == "json" else []
    expected = _lacking(part, builder, rows) if rows else None
    if expected is not None:
        yield InvalidValue("data_files", path, part.span("data_files"), owner, expected, since=_FIRST)


def _lacking(part: Fields, builder: str, rows: list[dict[str, Any]]) -> str | None:
    if builder == "chat_dataset":
        return _of_chats(part, rows)
    mapped, columns = part.section("column_map"), _COLUMNS.get(builder, ())
    if part.has("column_map") and mapped is None:
        return None
    if builder == "text_completion_dataset":
        columns = (known(part.text("column", usual("text"))),)
    elif mapped is not None:
        columns = tuple(known(mapped.text(name)) for name in columns if name is not None)
    missing = next((name for name in columns if name is not None and not any(name in row for row in rows)), None)
    return f"the column `{missing}`, and stops with a KeyError: {columns_of(rows)}" if missing is not None else None


def _of_chats(part: Fields, rows: list[dict[str, Any]]) -> str | None:
    name, style = known(part.text("conversation_column")), known(part.text("conversation_style"))
    if name is None:
        return None
    if not any(name in row for row in rows):
        return f"the column `{name}` (`conversation_column`), and stops with a KeyError: {columns_of(rows)}"
    talks = [row.get(name) for row in rows]
    firsts = [talk[0] for talk in talks if isinstance(talk, list) and talk and isinstance(talk[0], dict)]
    for key in _STYLES.get(style, ()) if style is not None and len(firsts) == len(rows) else ():
        if not any(key in first for first in firsts):
            had = columns_of(firsts, "the messages have")
            return f"`{key}` in each message (`conversation_style: {style}`), and stops with a KeyError: {had}"
    return None
