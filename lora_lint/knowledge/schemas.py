"""What the configuration files of each framework may hold: JSON Schemas, and what is wrong with a mapping by them.

The schemas are in `data/schemas/`, one a dialect, written by scripts/generate_schemas.py from the frameworks' sources;
`$comment` has the version. Most files are right, so the few kinds of schema that the script writes are tested here,
and `jsonschema` is imported only to confirm that a value is wrong.
"""

from __future__ import annotations

import collections.abc
import json
import os.path
from functools import cache

from lora_lint.knowledge import key_versions
from lora_lint.knowledge.packed import Pack
from lora_lint.knowledge.versions import named
from lora_lint.readers.nodes import Mapping, Placeholder, Scalar, Sequence
from lora_lint.records import dataclass, field, replace
from lora_lint.run.problems import InvalidValue, NewKey, Number, UnknownKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import Any

    from lora_lint.readers.nodes import Entry, Node

    Schema = dict[str, Any]

Names = collections.abc.Mapping[str, str]

_FOLDER = os.path.join(os.path.dirname(__file__), "data", "schemas")
_KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) or (isinstance(value, float) and value.is_integer())) and not isinstance(value, bool)
    ),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}
_NEAR = 0.8
"""How similar an unknown key must be to a known one to count as a misspelling of it."""
_ABBREVIATION = 4
"""The fewest letters of an option that are taken for the beginning of another."""
_TYPO = 0.9
"""The same if the known one is present too: a letter or two, because options of other versions resemble their
siblings."""


@cache
def load(name: str) -> Schema:
    """The schema of a dialect."""
    packed = _pack()
    if packed is not None:
        content = packed.read(name)
    else:
        with open(os.path.join(_FOLDER, f"{name}.json"), "rb") as file:
            content = file.read()
    document: Schema = json.loads(content)
    return document


@cache
def _pack() -> Pack | None:
    """The schemas as a wheel has them."""
    path = f"{_FOLDER}.pack"
    return Pack(path) if os.path.isfile(path) else None


def has(name: str) -> bool:
    """Whether there is a schema of a dialect."""
    packed = _pack()
    return name in packed if packed is not None else os.path.exists(os.path.join(_FOLDER, f"{name}.json"))


def part(name: str, definition: str | None = None) -> Schema | None:
    """The schema of a dialect's files, or one of the definitions in it; None if there is no such definition."""
    whole = load(name)
    if definition is None:
        return whole
    found = whole["$defs"].get(definition)
    return None if found is None else _followed(found, whole)


@cache
def keys(name: str, definition: str | None = None) -> frozenset[str]:
    """The keys that a dialect's files, or one part of them, may have; empty if that is not known."""
    found = part(name, definition)
    return frozenset() if found is None else frozenset(found.get("properties", ()))


def default(name: str, definition: str, key: str) -> Any:
    """The default of a key of a part; None if it has none."""
    found = part(name, definition)
    return None if found is None else found["properties"].get(key, {}).get("default")


def invalid_values(
    name: str,
    mapping: Mapping,
    owner: str,
    definition: str | None = None,
    *,
    unconverted: Iterable[str] = (),
    asks_for_truth: bool = False,
) -> list[InvalidValue]:
    """The values of a mapping that the framework does not take. Values that a template fills in are passed over.

    `unconverted` are keys of whole numbers that are taken as they are written, so that 16.0 is none: a parser refuses
    it, or torch does, to which PEFT hands a rank (a TypeError; PEFT 0.21.2 with torch 2.13). `asks_for_truth`: nothing
    checks the types of switches, so that 0 and 1 serve as well.
    """
    found = part(name, definition)
    if found is None:
        return []
    whole, properties = load(name), found["properties"]
    problems = []
    for entry in mapping.entries:
        key = entry.key.value
        schema = properties.get(key) if isinstance(key, str) else None
        if not schema or mapping.entry(str(key)) is not entry:
            continue
        try:
            value = plain(entry.value)
        except FilledIn:
            continue
        if asks_for_truth and type(value) is int and value in (0, 1) and _holds(schema, bool(value), whole):
            continue
        unfit = str(key) in unconverted and isinstance(value, float)
        if unfit or (not _holds(schema, value, whole) and not _valid(schema, value, whole)):
            problems.append(
                InvalidValue(str(key), value, entry.value.span, owner, expected(schema, whole), number(schema, whole))
            )
    return problems


_STRANGE = 5
"""How many keys that no release of a framework knows are too many for a file of its own. Of 830 public files of axolotl
and LLaMA-Factory with at least as many, only those of another program have more than one such key in eight."""


def is_borrowed(name: str, mapping: Mapping, definition: str | None = None, least: int = _STRANGE) -> bool:
    """Whether another program reads a mapping, which shares keys with a framework: three of its keys and more than
    half of them, or `least` and more than one in eight, are known to no release, be it of the definition or, without
    one, of any kind of its files."""
    if definition is None:
        parts = load(name).get("$defs", {}).values() if keys(name) else ()
        known = keys(name).union(*(each.get("properties", ()) for each in parts))
    else:
        known = keys(name) | keys(name, definition)
    own = [str(entry.key.value) for entry in mapping.entries if entry.key.span.start >= mapping.span.start]
    strange = [key for key in own if key not in known and key_versions.until(name, key) is None and key[:1] not in "_."]
    most = len(strange) >= 3 and len(strange) * 2 > len(own)
    return bool(known) and (most or (len(strange) >= least and len(strange) * 8 > len(own)))


@dataclass(frozen=True)
class Unlisted:
    """What a framework does with keys that its schema does not list.

    `owner` is what does not know them, and `consequence` what comes of one. `also` are further keys that it takes.
    `synonyms` maps spellings of other frameworks to this one's. With `only_near` a key counts only if it is one of
    those keys misspelt, or a synonym, and that key is not there: for frameworks whose users add keys of their own, and
    whose other versions have other keys. One that has refused (`refused`) every key that it does not know in all
    versions has no keys of users, so that a typo counts beside the right key too.
    """

    owner: str
    consequence: str
    also: Collection[str] = ()
    synonyms: Names = field(default_factory=dict)
    only_near: Collection[str] | None = None
    refused: bool = False


def unknown_keys(name: str, mapping: Mapping, unlisted: Unlisted, definition: str | None = None) -> list[UnknownKey]:
    """The keys of a mapping that the framework does not know. Those that start with `_`, `.` or `x-` are the user's own
    anywhere."""
    names = keys(name, definition)
    if not names:
        return []
    near = names if unlisted.only_near is None else frozenset(unlisted.only_near)
    problems = []
    for entry in mapping.entries:
        key = entry.key.value
        if not isinstance(key, str) or key in names or key in unlisted.also or key.startswith(("_", ".", "x-")):
            continue
        if not key or entry.key.span.start < mapping.span.start:  # merged from elsewhere, and reported there
            continue
        missing = tuple(each for each in _alike(key, near, unlisted.synonyms, _NEAR) if mapping.entry(each) is None)
        fitting = tuple(each for each in missing if _fits(name, definition, each, entry.value))
        typo = unlisted.refused and (_alike(key, near, unlisted.synonyms, _TYPO) or _swapped(key, near))
        gone = key_versions.until(name, key) if definition is None else None
        if unlisted.only_near is None or missing or typo or gone is not None:
            owner = unlisted.owner if gone is None else f"{unlisted.owner} {named(gone)} and newer"
            problems.append(UnknownKey(key, entry.key.span, owner, fitting, unlisted.consequence, until=gone))
    return problems


def new_keys(name: str, mapping: Mapping, consequence: str) -> list[NewKey]:
    """The keys of a mapping that older releases of the framework do not know."""
    return [
        NewKey(str(entry.key.value), entry.key.span, came, consequence)
        for entry in mapping.entries
        if (came := key_versions.since(name, str(entry.key.value))) is not None
        and entry.key.span.start >= mapping.span.start
        and not entry.key.raw.startswith("+")
    ]


def gone_overrides(name: str, title: str, mapping: Mapping, consequence: str) -> list[UnknownKey]:
    """The dotted keys of a command that its framework had, and that no longer are there to be overridden; with a `+`
    they are added."""
    found = []
    for entry in mapping.entries:
        key = str(entry.key.value)
        gone = key_versions.until(name, key) if "." in key and not entry.key.raw.startswith("+") else None
        if gone is not None and entry.key.span.start >= mapping.span.start:
            owner = f"{title} {named(gone)} and newer"
            found.append(UnknownKey(key, entry.key.span, owner, (), consequence, until=gone))
    return found


def unabbreviated(name: str, mapping: Mapping, script: str) -> Mapping:
    """The options of a command by their whole names: argparse accepts the beginning of one, `--max_step 100`."""
    names = keys(name) | keys(name, script) if has(name) else frozenset()
    entries = tuple(_in_full(entry, names) for entry in mapping.entries)
    return mapping if entries == mapping.entries else replace(mapping, entries=entries)


def _in_full(entry: Entry, names: frozenset[str]) -> Entry:
    key = entry.key.value
    if not names or not isinstance(key, str) or key in names or len(key) < _ABBREVIATION:
        return entry
    meant = [each for each in names if each.startswith(key)]
    return replace(entry, key=replace(entry.key, value=meant[0])) if len(meant) == 1 else entry


def unknown_options(name: str, script: str, mapping: Mapping) -> list[UnknownKey]:
    """The options of a command that the script does not have: misspelt ones, and those of other scripts of the
    framework. Newer versions may have others; argparse accepts the beginning of an option too."""
    if not has(name) or part(name, script) is None:
        return []
    own = keys(name) | keys(name, script)
    problems = []
    for entry in mapping.entries:
        key = str(entry.key.value)
        if key in own or entry.key.span.start < mapping.span.start or any(each.startswith(key) for each in own):
            continue
        near = tuple(each for each in _alike(key, own, {}, _NEAR) if mapping.entry(each) is None)
        others = [each for each in load(name)["$defs"] if key in keys(name, each)]
        if near or others:
            sibling = next((each for each in others if each.partition("_")[0] == script.partition("_")[0]), "")
            instead = f"It is an option of {sibling or others[0]}" if others else "Remove it"
            meant = () if others else near
            problems.append(UnknownKey(key, entry.key.span, script, meant, "stops it with an error", instead))
    return problems


def misused_options(name: str, script: str, mapping: Mapping) -> Iterator[InvalidValue | UnknownKey]:
    """The options of a command whose values argparse refuses: a value after a flag, none or several where there is one,
    no number, none of the choices."""
    if not has(name) or part(name, script) is None:
        return
    known = {**load(name)["properties"], **load(name)["$defs"][script]["properties"]}
    for entry in mapping.entries:
        key, node = str(entry.key.value), entry.value
        schema = known.get(key, {})
        if not schema or entry.key.span.start < mapping.span.start:
            continue
        if isinstance(node, Sequence) and node.span.start > entry.key.span.start:
            stray = node.items[0 if "const" in schema else 1] if len(node.items) > 1 else node
            if isinstance(stray, Scalar) and not isinstance(stray.value, Placeholder):
                instead = "Quote a value that has blanks, and write none around `=` and commas"
                yield UnknownKey(stray.raw, stray.span, script, (), "stops it with an error", instead)
        elif isinstance(node, Scalar) and not isinstance(node.value, Placeholder):
            expected = _refused_by_argparse(schema, node)
            if expected:
                yield InvalidValue(key, node.value, node.span, script, f"{expected}, and stops with an error")


def _refused_by_argparse(schema: Schema, node: Scalar) -> str:
    """What an option takes, in words, if a text is none of that."""
    alone, text = node.value is True and not node.raw, node.raw
    if "const" in schema:
        return "" if alone else "no value: the option alone is true"
    if alone:
        return "a value after the option"
    choices = [str(each) for each in schema.get("enum", ()) if each is not None]
    if choices:
        return "" if text in choices else f"one of {', '.join(choices[:-1])} and {choices[-1]}"
    kind = schema.get("type")
    if kind in ("integer", "number") and not _reads_as(int if kind == "integer" else float, text):
        return _WORDS[kind] + (" in plain digits" if kind == "integer" else "")
    return ""


def _reads_as(kind: Callable[[str], Any], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _fits(name: str, definition: str | None, key: str, value: Node) -> bool:
    """Whether a framework accepts a value under another of its keys; a template's value may fit any."""
    found = part(name, definition)
    schema = None if found is None else found["properties"].get(key)
    if schema is None:
        return False
    try:
        given = plain(value)
    except FilledIn:
        return True
    whole = load(name)
    return _holds(schema, given, whole) or _valid(schema, given, whole)


def _alike(key: str, names: frozenset[str], synonyms: Names, likeness: float) -> tuple[str, ...]:
    """The keys that a key may have been meant to be, best first: `tokenizer_use_fast` for `use_fast`."""
    from lora_lint.knowledge.signatures import closest

    meant, close = [synonyms[key]] if key in synonyms else [], closest(key, names, likeness)
    longer = [each for each in names if each.endswith(f"_{key}")] if close and "_" in key else []
    return tuple(dict.fromkeys([*meant, *(longer if len(longer) == 1 else close)]))


def _swapped(key: str, names: frozenset[str]) -> bool:
    """Whether a key has the letters of another in a different order."""
    return any(len(name) == len(key) and sorted(name) == sorted(key) for name in names)


class FilledIn(Exception):
    """A value is not known before a template engine has run."""


def plain(node: Node) -> Any:
    """A node as Python values. Raises FilledIn."""
    if isinstance(node, Scalar):
        if isinstance(node.value, Placeholder):
            raise FilledIn
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {str(entry.key.value): plain(entry.value) for entry in node.entries}


def _followed(schema: Schema, whole: Schema) -> Schema:
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _holds(schema: Schema, value: Any, whole: Schema) -> bool:
    """Whether a value is certainly right; False if it is wrong or that needs a real validator."""
    schema = _followed(schema, whole)
    if "anyOf" in schema:
        return any(_holds(each, value, whole) for each in schema["anyOf"])
    if not schema.keys() <= {"type", "enum", "minimum", "default"}:
        return False
    if "enum" in schema:
        return any(value == each and type(value) is type(each) for each in schema["enum"])
    kinds = schema.get("type", ())
    if not any(_KINDS[kind](value) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return not kinds
    return "minimum" not in schema or value >= schema["minimum"]


def _valid(schema: Schema, value: Any, whole: Schema) -> bool:
    try:
        from jsonschema import Draft202012Validator
    except ModuleNotFoundError:  # in a browser, for which a part of it is not compiled: silence rather than a guess
        return True
    validator = Draft202012Validator({**schema, "$defs": whole.get("$defs", {})})
    return bool(validator.is_valid(value))


def expected(schema: Schema, whole: Schema) -> str:
    """What a schema requires, in words."""
    words = list(dict.fromkeys(_expected(schema, whole)))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def number(schema: Schema, whole: Schema) -> Number | None:
    """The number that a schema requires, if it accepts one; a whole one if one of its kinds is."""
    numbers = list(_numbers(schema, whole))
    if not numbers:
        return None
    least = [each.least for each in numbers if each.least is not None]
    return Number(any(each.whole for each in numbers), min(least) if len(least) == len(numbers) else None)


def _numbers(schema: Schema, whole: Schema) -> Iterator[Number]:
    schema = _followed(schema, whole)
    if "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _numbers(each, whole)
    elif "pattern" not in schema and "enum" not in schema and not schema.get("items", {}).get("enum"):
        kinds = schema.get("type", [])
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if kind in ("integer", "number"):
                yield Number(kind == "integer", schema.get("minimum"))


def _expected(schema: Schema, whole: Schema) -> list[str]:
    schema = _followed(schema, whole)
    if "pattern" in schema:  # text that is converted: another branch describes the result
        return []
    if "const" in schema:  # an option without a value, which a file sets so
        return [_WORDS["boolean"]]
    if "anyOf" in schema:
        return [word for each in schema["anyOf"] for word in _expected(each, whole)]
    if "enum" in schema:
        if 1 in schema["enum"] and "true" in schema["enum"]:
            return []  # ways to write a flag
        words = [json.dumps(each) for each in schema["enum"] if each is not None]
        return ["one of " + (f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0])]
    kinds = schema.get("type", [])
    names = [kinds] if isinstance(kinds, str) else kinds
    if schema.get("items", {}).get("enum"):
        return [f"a list of {', '.join(schema['items']['enum'])}"]
    least = f" of at least {schema['minimum']}" if "minimum" in schema else ""
    return [_WORDS[kind] + least for kind in names if kind != "null"]
