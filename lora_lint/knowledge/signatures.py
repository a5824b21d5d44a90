"""The keywords and defaults of the classes and functions of PEFT, transformers, TRL and unsloth.

The facts are in `data/signatures.json`, written by scripts/generate_signatures.py from the frameworks themselves. Each
class has a line of its own, so that a look-up parses no other.
"""

from __future__ import annotations

import json
from functools import cache

from lora_lint.knowledge import edition, training_arguments
from lora_lint.run.versions import padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.versions import Version

_OLD_KEYWORDS = {"TrainingArguments": frozenset(training_arguments.GONE)}
"""What only older releases of a class accept."""


@cache
def _text() -> str:
    return edition.read("signatures.json").decode()


@cache
def _entry(name: str) -> dict[str, Any] | None:
    """What is known of a class or function, by its whole name or by the last part."""
    text = _text()
    for key in (name, _short(name)):
        line = f"\n{json.dumps(key)}: "
        start = text.find(line)
        if start >= 0:
            entry: dict[str, Any] = json.loads(text[start + len(line) : text.index("\n", start + 1)].rstrip(","))
            return entry
    return None


@cache
def signature(name: str) -> Mapping[str, tuple[Any, ...]]:
    """Keyword -> (annotation,) or (annotation, default) of a class or function, base classes included; empty if it
    is not known. `name` may be dotted: the last part counts ("trl.SFTConfig"), or the last two."""
    entry = _entry(name)
    if entry is None:
        return {}
    inherited = signature(entry["base"]) if "base" in entry else {}
    return {**inherited, **{keyword: tuple(facts) for keyword, facts in entry["keywords"].items()}}


def version(name: str) -> str | None:
    """Where a signature was read: "peft 0.21.2"."""
    entry = _entry(name)
    return entry["version"] if entry else None


def framework(name: str) -> str | None:
    """The framework that a class or function belongs to: "peft"."""
    found = version(name)
    return found.partition(" ")[0] if found else None


def is_newer(framework: str, than: Version) -> bool:
    """Whether a version of a framework is newer than all whose signatures were read."""
    read = [padded(tuple(map(int, number.split(".")))) for name, number in _versions() if name == framework]
    return bool(read) and padded(than) > max(read)


@cache
def _versions() -> frozenset[tuple[str, str]]:
    """The frameworks whose signatures were read, each with the versions."""
    stated = (entry["version"].partition(" ") for entry in json.loads(_text()).values())
    return frozenset((name, number) for name, _, number in stated)


def keywords(name: str) -> frozenset[str]:
    """The keywords that a class accepts; empty if it is not known or accepts any."""
    entry = _entry(name)
    if entry is None or entry.get("open"):
        return frozenset()
    old = _OLD_KEYWORDS.get(entry.get("base", _short(name)), frozenset())
    return frozenset(signature(name)) | old


@cache
def defaults(name: str) -> Mapping[str, Any]:
    """The defaults of a class or function, if they are plain values, lists as tuples; empty if it is not known."""
    return {keyword: _frozen(facts[1]) for keyword, facts in signature(name).items() if len(facts) > 1}


def defaults_without_targets(own: str | None) -> Mapping[str, Any]:
    """The defaults of LoraConfig as a framework creates it, overridden by those of a function of its `own`. The targets
    are left out: the framework chooses them from the model."""
    found = dict(defaults("LoraConfig"))
    if own is not None:
        found |= {keyword: value for keyword, value in defaults(own).items() if keyword in found}
    del found["target_modules"]
    return found


_CLEARLY = 0.1
"""How much more similar the best name must be for the others not to be suggested."""


def closest(name: str, names: Iterable[str], likeness: float = 0.75) -> tuple[str, ...]:
    """The names most like `name`, at most three, best first. `likeness` runs from 0 (any) to 1 (the same); a name that
    is much less like it than the best is none."""
    import difflib

    low = name.lower().replace("-", "_")
    by_low: dict[str, str] = {}
    for each in sorted(names):
        by_low.setdefault(each.lower(), each)
    close = difflib.get_close_matches(low, by_low, 3, likeness)
    alike = {match: difflib.SequenceMatcher(None, match, low).ratio() for match in close}
    return tuple(by_low[match] for match in close if alike[match] > alike[close[0]] - _CLEARLY)


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
