"""The rule catalogue: one Markdown page per rule in `rules/`, with its facts in the front matter.

An installed package contains the catalogue compiled: what a lint needs in `catalogue.json`, what people read in
`pages.json.bz2`. In a checkout it is read from `rules/` each time.
"""

from __future__ import annotations

import json
import os
from functools import cache
from types import MappingProxyType

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from lora_lint.finding import Level

_HERE = os.path.dirname(__file__)
_INDEX = os.path.join(_HERE, "catalogue.json")
_PAGES = os.path.join(_HERE, "pages.json.bz2")
_SOURCE = os.path.join(os.path.dirname(_HERE), "rules")


class CatalogueError(Exception):
    """A page of the catalogue that cannot be read, or a missing catalogue."""


@dataclass(frozen=True)
class Remedy:
    """How to fix a finding: whether the linter can do it, and a sentence."""

    applicability: Literal["none", "safe", "unsafe"]
    text: str


@dataclass(frozen=True)
class Settlement:
    """How `--verify` settles a finding: X exactly (structure), M by measurement; and a sentence."""

    kind: Literal["X", "M", "none"]
    text: str


@dataclass(frozen=True)
class Rule:
    """One rule. `options` maps each option to a JSON Schema with its default; of `contested` advice, on which the
    literature is split, people see only the number unless they ask for the rule."""

    code: str
    name: str
    level: Level
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    contested: bool = False

    @property
    def file(self) -> str:
        """The page's file name."""
        return f"{self.code}-{self.name}.md"

    @property
    def summary(self) -> str:
        """What is wrong, in a line."""
        return str(_page_facts(self.code)["summary"])

    @property
    def fix(self) -> Remedy:
        """How to fix it."""
        return Remedy(**_page_facts(self.code)["fix"])

    @property
    def verify(self) -> Settlement:
        """How `--verify` settles it."""
        return Settlement(**_page_facts(self.code)["verify"])

    @property
    def references(self) -> tuple[str, ...]:
        """Where the facts are from."""
        return tuple(_page_facts(self.code).get("references", ()))

    @property
    def body(self) -> str:
        """The page's text below the front matter, as Markdown."""
        return str(_page_facts(self.code)["body"])


_OF_LINTS = frozenset(Rule.__match_args__)
"""The facts of a rule that a lint needs; the others are on its page."""


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes. Raises CatalogueError if there is no catalogue."""
    return MappingProxyType({entry["code"]: Rule(**entry) for entry in _index()})


def find(code_or_name: str) -> Rule | None:
    """The rule with this code or name, in any case; None if there is none."""
    wanted = code_or_name.strip()
    rule = rules().get(wanted.upper())
    if rule is not None:
        return rule
    name = wanted.lower().replace("_", "-")
    return next((rule for rule in rules().values() if rule.name == name), None)


def page(code: str) -> str:
    """The page of a rule for reading: title, facts and body, as Markdown. Raises KeyError."""
    rule = rules()[code]
    level = f"{rule.level}, contested" if rule.contested else rule.level
    fix = "" if rule.fix.applicability == "none" else f"{rule.fix.applicability}. "
    facts = [f"- Level: {level}", f"- Fix: {fix}{rule.fix.text}"]
    if rule.verify.kind == "none":
        facts.append(f"- `--verify`: {rule.verify.text}")
    else:
        facts.append(f"- `--verify`: {'exact' if rule.verify.kind == 'X' else 'measured'}. {rule.verify.text}")
    parts = [f"# {rule.code} `{rule.name}`", rule.summary + ".", "\n".join(facts)]
    if rule.options:
        parts.append("\n".join(["Options:", "", *(_option(*item) for item in rule.options.items())]))
    parts.append(rule.body.strip())
    if rule.references:
        parts.append("\n".join(["## References", "", *(f"- {reference}" for reference in rule.references)]))
    return "\n\n".join(parts) + "\n"


def _option(name: str, schema: Mapping[str, Any]) -> str:
    default = json.dumps(schema.get("default"))
    return f"- `{name}` (default `{default}`): {schema.get('description', '')}"


@cache
def _compiled() -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    return compile_pages(_SOURCE)


def _index() -> list[dict[str, Any]]:
    if os.path.isfile(_INDEX):
        with open(_INDEX, "rb") as file:
            entries: list[dict[str, Any]] = json.load(file)
        return entries
    return _compiled()[0]


def _page_facts(code: str) -> dict[str, Any]:
    """The page of a rule."""
    return (_unpacked() if os.path.isfile(_PAGES) else _compiled()[1])[code]


@cache
def _unpacked() -> dict[str, dict[str, Any]]:
    import bz2

    with bz2.open(_PAGES) as file:
        pages: dict[str, dict[str, Any]] = json.load(file)
    return pages


def compile_pages(folder: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """What a lint needs of every page in `folder`, in the order of the codes, and the rest of the pages by code.

    Raises CatalogueError for a page without front matter, a front matter that is not a YAML mapping with a code, or a
    code that occurs twice.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith("LL") and name.endswith(".md"))
    except OSError as error:
        raise CatalogueError(f"the rule catalogue is missing: {error}") from error
    entries: list[dict[str, Any]] = []
    pages: dict[str, dict[str, Any]] = {}
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            entry, body = split_page(file.read(), name)
        if entry["code"] in pages:
            raise CatalogueError(f"{name}: {entry['code']} has two pages")
        facts = {**entry, "body": body}
        entries.append({key: value for key, value in facts.items() if key in _OF_LINTS and value})
        pages[entry["code"]] = {key: value for key, value in facts.items() if key not in _OF_LINTS}
    entries.sort(key=lambda entry: str(entry["code"]))
    return entries, pages


def split_page(text: str, name: str) -> tuple[dict[str, Any], str]:
    """The front matter of a page and the text below it; `name` is for error messages. Raises CatalogueError."""
    import yaml

    start, mark, rest = text.partition("---\n")
    front, end, body = rest.partition("\n---\n")
    if start or not mark or not end:
        raise CatalogueError(f"{name}: no front matter between two lines of --- at the start")
    try:
        entry = yaml.load(front, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise CatalogueError(f"{name}: {error}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("code"), str):
        raise CatalogueError(f"{name}: the front matter is not a mapping with a code")
    return entry, body.lstrip("\n")
