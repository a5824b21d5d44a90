"""What frameworks refuse, or accept and then ignore: conditions over the settings that they receive.

The rows are in `refused_by`, one module with a `TABLE` per framework; a wheel has a pack of documents in place of these
modules, a fifth as large. A row is examined only if its key is written, and its condition is compiled only then.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from importlib import import_module
from itertools import product
from math import prod

from lora_lint.frameworks.conditions import UNKNOWN, condition
from lora_lint.knowledge.edition import bundled
from lora_lint.knowledge.packed import Pack
from lora_lint.records import dataclass, field
from lora_lint.run.values import alternatives
from lora_lint.system.modules import modules_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeAlias

    from lora_lint.finding import Confidence
    from lora_lint.run.given import Given
    from lora_lint.run.values import Value

FOLDER = os.path.join(os.path.dirname(__file__), "refused_by")
MAX_CASES = 64
"""The most combinations of alternatives that a row is evaluated for; with more it reports nothing."""


@dataclass(frozen=True)
class Refusal:
    """A combination of settings that a framework refuses, or one that leaves a setting without effect.

    `key` is the setting that a person would change, `others` those that it collides with. `when` is a condition (see
    `conditions`) over the framework's own settings and the facts of the run. `says` is a clause, in the framework's own
    words if they are short; `source` the file and the line. `since` is the first version that has the row, where it was
    read by hand (see `since` below for the others), `until` the first that no longer has it.
    """

    key: str
    when: str
    says: str
    instead: str
    source: str
    others: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    late: bool = False
    """It is raised once the base model is loaded."""
    likely: bool = False
    """It depends on a name, or on something missing that a command line may add to a file."""
    ignored: bool = False
    """The framework accepts the setting, but it has no effect."""
    absent: bool = False
    """It also applies if the key is not given: the finding is then about the settings as a whole."""

    drop: bool = False
    """Leaving the key out is the only remedy."""
    sets: tuple[tuple[str, Any], ...] = ()
    """Settings and the values that are the only remedy."""
    cause: str = ""
    """Rows that apply for one cause, which has this name in their table, are one finding."""

    @property
    def settings(self) -> tuple[str, ...]:
        """All settings that it goes by."""
        return condition(self.when).names


@dataclass(frozen=True)
class Undecided:
    """A group of refusals without a row: what they are about, why, and where they are. A source is the beginning of a
    path, a line of a file, or a pattern for `file:function`."""

    what: str
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The rows of one framework by the class that takes the settings ("" for its configuration files). `title`
    and `version` name what was read. `defaults` are those of settings whose default is not None and that no
    signature has."""

    title: str
    version: str
    rows: Mapping[str, tuple[Refusal, ...]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    undecided: tuple[Undecided, ...] = ()
    hands_on: tuple[tuple[str, str], ...] = ()
    """The tables and classes that take the settings of its files as they are."""
    others: str = ""
    """The module of `refused_by` that has, as `ROWS`, those of further classes, which few programs use."""
    history: bool = False
    """Whether older releases were read by hand: all of them have the rows without `since`."""

    def of(self, owner: str) -> tuple[Refusal, ...]:
        """The rows of one class."""
        return self.rows[owner] if owner in self.rows else self.every().get(owner, ())

    def every(self) -> Mapping[str, tuple[Refusal, ...]]:
        """The rows of all classes."""
        if not self.others:
            return self.rows
        return {**self.rows, **_other_rows(self.others)}


@dataclass(frozen=True)
class Hit:
    """A row that applies to the given settings, and how certain that is."""

    row: Refusal
    confidence: Confidence


@cache
def _pack() -> Pack | None:
    """The tables as a wheel has them."""
    path = f"{FOLDER}.pack"
    return Pack(path) if os.path.isfile(path) else None


@cache
def tables() -> frozenset[str]:
    """The names of the frameworks that have a table."""
    return frozenset(name for name in _pack() or modules_in([FOLDER]) if name[0] != "_")


@cache
def table(framework: str) -> Table | None:
    """The table of a framework, if it has one."""
    if framework not in tables():
        return None
    packed = _pack()
    if packed is not None:
        return table_in(packed.read(framework))
    found: Table = import_module(f"lora_lint.frameworks.refused_by.{framework}").TABLE
    return found


@cache
def _other_rows(module: str) -> Mapping[str, tuple[Refusal, ...]]:
    """The rows of further classes."""
    packed = _pack()
    if packed is not None:
        return rows_in(packed.read(module))
    found: Mapping[str, tuple[Refusal, ...]] = import_module(f"lora_lint.frameworks.refused_by.{module}").ROWS
    return found


def table_in(document: bytes) -> Table:
    """The table in a document of the pack (`refused_pack`), without its undecided groups."""
    stated: dict[str, Any] = json.loads(document)
    defaults = {key: _value(value) for key, value in stated.pop("defaults", {}).items()}
    hands_on = _value(stated.pop("hands_on", []))
    return Table(rows=_rows(stated.pop("classes"), stated.pop("rows")), defaults=defaults, hands_on=hands_on, **stated)


def rows_in(document: bytes) -> dict[str, tuple[Refusal, ...]]:
    """The rows of further classes in a document of the pack."""
    return _rows(**json.loads(document))


def _rows(classes: Mapping[str, list[int]], rows: list[list[Any]]) -> dict[str, tuple[Refusal, ...]]:
    """The rows of each class by their numbers; a document has the fields of a row in their order."""
    made = [Refusal(*map(_value, row)) for row in rows]
    return {owner: tuple([made[number] for number in numbers]) for owner, numbers in classes.items()}


def _value(stated: Any) -> Any:
    """What a document states, with tuples for lists."""
    return tuple(map(_value, stated)) if stated.__class__ is list else stated


@cache
def _by_key(framework: str, owner: str) -> Mapping[str, tuple[Refusal, ...]]:
    """The rows of one class by their key."""
    found = table(framework)
    by_key: dict[str, list[Refusal]] = {}
    for row in found.of(owner) if found is not None else ():
        by_key.setdefault(row.key, []).append(row)
    return {key: tuple(rows) for key, rows in by_key.items()}


def since(framework: str, row: Refusal) -> str | None:
    """The first release that is known to have a row; "" where all have, None where that is known of no release."""
    if row.since:
        return row.since
    if framework in _versions():
        found, statement = _versions()[framework], row.source
        first: str = found["since"].get(statement, found["oldest"])
        return first
    read = table(framework)
    if read is None or read.history:
        return ""
    released = re.match(r"\d[\d.]*(?= |$)", read.version)
    return released[0] if released else None


@cache
def _versions() -> Mapping[str, Any]:
    """What scripts/generate_refusal_versions.py found in older releases."""
    document: dict[str, Any] = json.loads(bundled("refusal_versions.json"))
    return document


@cache
def defaults(framework: str, owner: str) -> Mapping[str, Any]:
    """The values of settings that are not given; None if nothing is known about one."""
    from lora_lint.knowledge import signatures

    found = table(framework)
    return {**signatures.defaults(owner), **(found.defaults if found is not None else {})}


FACTS = (
    *("bits", "base_model_name", "base_is_adapter", "model_type", "sharding", "gpus_per_process", "engine"),
    *("adapted_kinds", "copies", "peft_errors", "processes", "replicable", "saves_twin", "trained", "unlaunched"),
    "unprepared",
)
"""What conditions may ask of the run: how its base is quantized and called, whether the project saves an adapter in the
folder of that name, its type, how it is sharded (the names of `run.launch.Sharding`), how many GPUs one process sees,
whether its loader starts an engine of vLLM, the kinds of modules that its targets name, how many processes train copies
of a PeftModel, the kinds of errors that PEFT raises for them (`knowledge.matching`), how many processes train at all,
unless another library replaces the trainer (`unlaunched`: whether the program trains so and nothing says how many),
whether the model's layers are where PEFT looks for those that it replicates, whether tokens are trained beside a copy
of the tied head, whether a trainer of the program trains it, and whether no program calls what its initialisation
needs."""
Facts: TypeAlias = "Callable[[str], Value[Any]]"


def matches(given: Given, facts: Facts, holds: Callable[[Refusal], bool]) -> Iterator[Hit]:
    """The rows that apply to a framework's settings; `facts` gives the values of FACTS, and `holds` says whether a row
    belongs to the version in use."""
    by_key = _by_key(given.framework, given.owner)
    for key, rows in by_key.items():
        for row in rows:
            if (
                (key in given.values or row.absent)
                and holds(row)
                and (confidence := _confidence(row, given, facts)) is not None
            ):
                yield Hit(row, confidence)


def _confidence(row: Refusal, given: Given, facts: Facts) -> Confidence | None:
    """How certain a condition is to hold; None if it does not, or that is unknown."""
    when = condition(row.when)
    if given.beside is not None and given.beside.isdisjoint(when.names):
        return None
    values = [_values(name, given, facts) for name in when.names]
    if prod(map(len, values)) > MAX_CASES:
        return None
    truths = [when.holds(dict(zip(when.names, case, strict=True))) for case in product(*values)]
    if not any(truth is True for truth in truths):
        return None
    if not all(truth is True for truth in truths):
        varying = sum(len(each) > 1 for each in values)
        return "likely" if varying == 1 else "possible"  # values of several settings may belong together
    written = [_value_of(name, given, facts) for name in when.names if name in given.values or name in FACTS]
    overridable = any(known.origin == "cli-default" for value in written for known in alternatives(value))
    return "likely" if overridable or row.likely else "certain"


def _values(name: str, given: Given, facts: Facts) -> tuple[Any, ...]:
    """The values that a name in a condition may have."""
    own = table(given.framework)
    is_fact = name in FACTS and (own is None or name not in own.defaults)
    if name in given.values or is_fact:
        return tuple(known.value for known in alternatives(_value_of(name, given, facts))) or (UNKNOWN,)
    return (UNKNOWN,) if given.open else (defaults(given.framework, given.owner).get(name),)


def _value_of(name: str, given: Given, facts: Facts) -> Value[Any]:
    """What the settings, or else the facts, say about a name."""
    return given.values[name] if name in given.values else facts(name)
