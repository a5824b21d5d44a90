"""What can be written at a place: the names of the model's modules, and a framework's keys and values."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks import keys, registry
from lora_lint.knowledge import schemas
from lora_lint.prefilter import frameworks_of
from lora_lint.server.answers import Name
from lora_lint.system.visible import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.knowledge.schemas import Schema
    from lora_lint.server.answers import Analysis
    from lora_lint.source import FileKind

_LISTED = ("target_modules", "exclude_modules", "modules_to_save")
"""The settings that name modules."""
_NAMES = ("target_modules", "exclude_modules", "modules_to_save", "rank_pattern", "alpha_pattern")
"""Their names in Python, where a variable may be called so too."""
_FAR = 2_000
"""How many characters before the place may be the beginning of its list."""
_WORD = re.compile(r"[\w.-]*\Z")
_KEYS = {
    "yaml": re.compile(r"[ \t]*(?:- )?[\w.-]*\Z"),
    "toml": re.compile(r"[ \t]*[\w.-]*\Z"),
    "json": re.compile(r'.*(?:^|[{,])[ \t]*"[\w.-]*\Z'),
}
"""The beginning of a line on which a key is being written."""
_VALUES = {
    "yaml": re.compile(r"[ \t]*(?:- )?([\w.-]+)[ \t]*:[ \t]+[\"']?[\w.-]*\Z"),
    "toml": re.compile(r"[ \t]*([\w.-]+)[ \t]*=[ \t]*[\"']?[\w.-]*\Z"),
    "json": re.compile(r'.*"([\w.-]+)"[ \t]*:[ \t]*"?[\w.-]*\Z'),
}
_JSON = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t\r\n]*(:?)|([{}\[\]])')


def word_before(before: str) -> str:
    """The part of a word that stands before a place."""
    found = _WORD.search(before)
    return found[0] if found is not None else ""


def completions(before: str, kind: FileKind, analysis: Analysis) -> list[Name]:
    """What can follow the text before a place."""
    name = _framework(before, kind, analysis)
    if _in_names(before, kind, name):
        return [*analysis.targets, Name("all-linear", "every linear layer but the head")] if analysis.targets else []
    schema = None if name is None else _schema(name)
    if schema is None or kind not in _KEYS:
        return []
    line = before.rpartition("\n")[2]
    path = _path(before, kind)
    part = keys.part_at(schema, path)
    if (value := _VALUES[kind].match(line)) is not None:
        return list(_values(part.get("properties", {}).get(value[1], {}), schema.get("$defs", {})))
    if _KEYS[kind].match(line) is not None:
        return list(_keys(part, schema))
    return []


@cache
def _schema(name: str) -> Schema | None:
    return keys.schema_of(name)


def _framework(before: str, kind: FileKind, analysis: Analysis) -> str | None:
    """The framework whose file it is, as far as it is written."""
    if analysis.dialects:
        return analysis.dialects[0]
    return next(iter(frameworks_of(before.encode("utf-8", "replace"), kind)), None)


def _in_names(before: str, kind: FileKind, name: str | None) -> bool:
    """Whether names of modules are written at a place."""
    found = set(_NAMES)
    if name is not None:
        record = registry.framework(name)
        found |= {key for setting in _LISTED if (key := record.spelling(setting)) is not None}
    words = "|".join(map(re.escape, sorted(found)))
    near = before[-_FAR:]
    if kind in ("python", "notebook", "yaml", "json", "toml"):
        return re.search(rf"""\b(?:{words})["']?\]?[ \t]*[=:][ \t\r\n]*[\[(]?[^\[\](){{}}=:]*\Z""", near) is not None
    return re.search(rf"""--?(?:\w+\.)*(?:\w*target\w*|{words})[= ]["']?[\w.,-]*\Z""", near) is not None


def _keys(part: Schema, whole: Schema) -> Iterator[Name]:
    """The keys of a part, those that are described first."""
    definitions = whole.get("$defs", {})
    described = sorted(part.get("properties", {}).items(), key=lambda item: "description" not in item[1])
    for key, schema in described:
        yield Name(key, _expected(schema, definitions), _documentation(schema, whole))


def _expected(schema: Schema, definitions: dict[str, Schema]) -> str:
    """The kind of value that a key takes; nothing where any may be right."""
    kinds = [each for each in keys.alternatives_of(schema, definitions) if "type" in each or "enum" in each]
    return schemas.expected(schema, {"$defs": definitions}) if kinds else ""


def _documentation(schema: Schema, whole: Schema) -> str:
    """What a key means, its default, and where that is known from."""
    parts = [schema.get("description", "")]
    if "default" in schema:
        parts.append(f"Default: `{_spelling(schema['default'])}`")
    parts.append(f"Source: {whole['$comment']}" if "$comment" in whole else "")
    return "\n\n".join(filter(None, parts))


def _values(schema: Schema, definitions: dict[str, Schema]) -> Iterator[Name]:
    """The values that a key is known to take."""
    values: dict[str, str] = {}
    for each in keys.alternatives_of(schema, definitions):
        if "enum" in each and 1 not in each["enum"]:  # otherwise it has the many ways to write a flag
            values |= dict.fromkeys((_spelling(value) for value in each["enum"] if value is not None), "")
        kinds = each.get("type", ())
        if "boolean" in ([kinds] if isinstance(kinds, str) else kinds):
            values |= {"true": "", "false": ""}
    if "default" in schema:
        values[_spelling(schema["default"])] = "default"
    for value, detail in values.items():
        yield Name(value, detail, schema.get("description", ""))


def _spelling(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value).strip()


def _path(before: str, kind: FileKind) -> tuple[str, ...]:
    """The keys of the sections around a place."""
    if kind == "toml":
        heads = re.findall(r"(?m)^[ \t]*\[([\w.-]+)\]", before)
        return tuple(heads[-1].split(".")) if heads else ()
    return _json_path(before) if kind == "json" else _yaml_path(before)


def _yaml_path(before: str) -> tuple[str, ...]:
    *lines, last = before.split("\n")
    depth = len(last) - len(last.lstrip(" "))
    path: list[str] = []
    for line in reversed(lines):
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if text.strip() and not text.startswith("#") and indent < depth:
            key = re.match(r"""(?:- )?["']?([\w.-]+)["']?[ \t]*:""", text)
            if key is None:
                break
            path.append(key[1])
            depth = indent
        if depth == 0:
            break
    return tuple(reversed(path))


def _json_path(before: str) -> tuple[str, ...]:
    path: list[str | None] = []
    key: str | None = None
    for text, colon, bracket in _JSON.findall(before):
        if bracket in ("{", "["):
            path.append(key)
            key = None
        elif bracket:
            del path[-1:]
        elif colon:
            key = text
    return tuple(each for each in path[1:] if each is not None)
