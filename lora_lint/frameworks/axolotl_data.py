"""What axolotl expects of the data files that a training names.

Source: axolotl 0.19.0, prompt_strategies/{__init__,chat_template,completion,user_defined}.py, prompt_tokenizers.py and
utils/data/wrappers.py; `conversations` as the usual name of the messages: axolotl 0.6.0. Data that is tokenized, or
reached through a function of the user's own (`type` with dots), is left out.
"""

from __future__ import annotations

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.frameworks.fields import Fields
from lora_lint.readers.nodes import Mapping, Sequence
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project

_COLUMNS = {
    "alpaca": ("instruction", "output"),
    "gpteacher": ("instruction", "response"),
    "oasst": ("INSTRUCTION", "RESPONSE"),
    "summarizetldr": ("article", "summary"),
    "input_output": ("segments",),
}
"""The columns that a type takes as they are called, by the part of it before a colon."""
_FIRST = (0, 7)
"""The first release in which these are the usual names."""


def unfit_data(fields: Fields, owner: str, near: str, project: Project) -> Iterator[InvalidValue]:
    """The types of data that the first rows of their files do not have the columns for; `owner` expects them."""
    node, method = fields.node("datasets"), known(fields.text("rl"))
    others = ("reward_model", "process_reward_model", "skip_prepare_dataset")
    if (fields.has("rl") and method != "dpo") or any(fields.has(key) for key in others):
        return
    for item in node.items if isinstance(node, Sequence) else ():
        entry = Fields(item) if isinstance(item, Mapping) else None
        rows = _rows(entry, near, project) if entry is not None else []
        if entry is None or not rows:
            continue
        expected = _of_pairs(entry, rows) if method else _lacking(entry, rows)
        if expected is not None:
            value = known(entry.text("type")) or "a mapping"
            yield InvalidValue("type", value, entry.span("type"), owner, expected, since=_FIRST)


def _rows(entry: Fields, near: str, project: Project) -> list[dict[str, Any]]:
    """The first rows of an entry, if it is a file of the project that is not tokenized yet."""
    path, files = known(entry.text("path")), known(entry.names("data_files"))
    if files is not None:
        path = (files if isinstance(files, str) else files[0] if files else None) if path == "json" else None
    found = first_examples(path, near, project) if isinstance(path, str) else []
    return [] if any("input_ids" in row for row in found) else found


def _lacking(entry: Fields, rows: list[dict[str, Any]]) -> str | None:
    """What a type expects of the rows, and they do not have; None if nothing is known to be missing."""
    section = entry.section("type")
    if section is not None:
        asked, answer = _name(section, "field_instruction", "instruction"), _name(section, "field_output", "output")
        if _misses(rows, asked):
            return f"the column `{asked}` (`field_instruction`), and stops with a KeyError: {columns_of(rows)}"
        if _misses(rows, answer):
            return f"the column `{answer}` (`field_output`), and trains on empty answers: {columns_of(rows)}"
        return None
    kind = (known(entry.text("type")) or "").partition(":")[0]
    if kind == "chat_template":
        return _of_messages(entry, rows, "ValueError")
    columns = (_name(entry, "field", "text"),) if kind == "completion" else _COLUMNS.get(kind, ())
    missing = next((column for column in columns if _misses(rows, column)), None)
    return None if missing is None else f"the column `{missing}`, and stops with a KeyError: {columns_of(rows)}"


def _of_pairs(entry: Fields, rows: list[dict[str, Any]]) -> str | None:
    if known(entry.text("type")) != "chat_template.default":
        return None
    for column in ("chosen", "rejected"):
        name = _name(entry, f"field_{column}", column)
        if _misses(rows, name):
            return f"the column `{name}` (`field_{column}`), and stops with a KeyError: {columns_of(rows)}"
    return _of_messages(entry, rows, "KeyError")


def _of_messages(entry: Fields, rows: list[dict[str, Any]], error: str) -> str | None:
    name = _name(entry, "field_messages", "messages")
    if _misses(rows, name):
        return f"the column `{name}` (`field_messages`), and stops with a {error}: {columns_of(rows)}"
    talks = [row.get(name) for row in rows if name is not None]
    firsts = [talk[0] for talk in talks if isinstance(talk, list) and talk and isinstance(talk[0], dict)]
    mapped = entry.section("message_property_mappings") or entry
    for part in ("role", "content"):
        key = _name(mapped, part, part) if mapped is not entry else _name(entry, f"message_field_{part}", part)
        if firsts and len(firsts) == len(rows) and _misses(firsts, key):
            names = columns_of(firsts, "the messages have")
            return f"`{key}` as the {part} of a message (`message_property_mappings`), and finds none: {names}"
    return None


def _name(fields: Fields, key: str, usual: str) -> str | None:
    """What a column is called; None if that is not known."""
    given: str | None = known(fields.text(key))
    return given if given is not None or fields.has(key) else usual


def _misses(rows: list[dict[str, Any]], column: str | None) -> bool:
    return column is not None and not any(column in row for row in rows)
