"""Releases of libraries that a program imports and that do not run with each other, among those which its project asks
for."""

from __future__ import annotations

import ast
import re

from lora_lint.knowledge.clashes import NEEDS
from lora_lint.linting.older_pins import lowest_asked
from lora_lint.linting.requirements import installed_together
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import parse
from lora_lint.records import dataclass
from lora_lint.run.problems import Clash
from lora_lint.run.versions import PACKAGES, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lora_lint.knowledge.clashes import Need
    from lora_lint.linting.required import Demand
    from lora_lint.linting.requirements import Allowed, Together
    from lora_lint.project import Project
    from lora_lint.run.versions import Version
    from lora_lint.source import SourceFile, Span

_ROOTS = {"transformers": ("transformers", "trl")}
"""The modules whose import leads to a package, where others than its own do."""
_CAPPING = (
    *("vllm", "sglang", "lmdeploy", "sentence-transformers", "setfit", "optimum", "flair", "adapters"),
    *("simpletransformers", "flagembedding", "mteb", "gliner", "tokenizers", "colpali-engine", "lightning"),
    *("auto-gptq", "autoawq", "gptqmodel"),
)
"""Packages that may keep pip from installing the newest of those in the table, as frameworks do."""
_CORE = frozenset(("peft", "trl", "transformers", "accelerate", "diffusers", "huggingface_hub"))
_UNNAMED = ("accelerate", "huggingface_hub")
"""Packages that come with the others, so that people leave them to pip; a list without transformers is no whole one."""
_BROUGHT = (("vllm", "transformers"),)
"""Packages with another that each brings along, in its newest release."""
_OLD_HUB: tuple[Version, Version] = ((4, 34, 0), (4, 35, 0))
"""The releases of transformers whose tokenizers need a huggingface_hub before 0.18."""


_FOR_PEFT: Version = (0, 21, 0)
"""The oldest accelerate that PEFT 0.14 and newer allow."""


@dataclass(frozen=True)
class _Range:
    """Releases from `least` (None: the first) to before `below` (None: the newest is one). `text`: as it is written."""

    least: Version | None
    below: Version | None
    text: str = ""


def clashes(source: SourceFile, project: Project, allowed: Mapping[str, Allowed]) -> list[Clash]:
    """The first clash of a program's libraries, at the import that stops."""
    likely = [need for need in NEEDS if _may_clash(need, allowed)]
    if not likely:
        return []
    try:
        imports = list(_imports(parse(source).body, source))
    except Unreadable:
        return []
    for need in likely:
        place = _imported(need, imports, source)
        found = _in_groups(need, source, project, allowed) if place is not None else None
        if place is not None and found is not None:
            return [Clash(need, place, *found)]
    return []


def _may_clash(need: Need, allowed: Mapping[str, Allowed]) -> bool:
    """Whether the widest that a project allows clashes."""
    first, second = allowed.get(need.package), allowed.get(need.other)
    if (first is not None and first.own) or (second is not None and second.own) or first is None:
        return False
    return _newest_clash(need, _widest(first), _widest(second) if second is not None else _Range(None, None))


def _widest(allowed: Allowed) -> _Range:
    return _Range(allowed.oldest, allowed.pin.below if allowed.pin is not None else None)


def _newest_clash(need: Need, mine: _Range, other: _Range) -> bool:
    """Whether the newest releases of both do not run together."""
    if mine.below is None:
        inside = need.until is None
    else:
        inside = padded(mine.below) > padded(need.since)
        inside = inside and (need.until is None or padded(mine.below) <= padded(need.until))
    if need.least is not None:
        return inside and other.below is not None and padded(other.below) <= padded(need.least)
    return inside and need.below is not None and (other.below is None or padded(other.below) > padded(need.below))


def _all_clash(need: Need, mine: _Range, other: _Range) -> bool:
    """Whether no two releases run together, given that the newest do not."""
    old = mine.least is not None and padded(mine.least) >= padded(need.since)
    old = old and (need.until is None or mine.below is not None)
    if need.below is None:
        return old
    return old and other.least is not None and padded(other.least) >= padded(need.below)


# the program


def _imports(body: Sequence[ast.stmt], source: SourceFile) -> Iterator[tuple[str, str, Span]]:
    """The packages that a program imports whatever happens, the name that it takes of each, and where."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            package, names = statement.module.partition(".")[0], [alias.name for alias in statement.names]
        elif isinstance(statement, ast.Import):
            package, names = statement.names[0].name.partition(".")[0], [""]
        else:
            continue
        for name in names:
            yield package, name, source.span_of(statement)


def _imported(need: Need, imports: Sequence[tuple[str, str, Span]], source: SourceFile) -> Span | None:
    """Where a program imports what needs another release."""
    if need.asks not in source.utf8:
        return None
    roots = need.roots or _ROOTS.get(need.package, (need.package,))
    for package, name, span in imports:
        if package not in roots:
            continue
        if not need.names or name in need.names:
            return span
        if not name and any(f"{package}.{each}(".encode() in source.utf8 for each in need.names):
            return span
    return None


# what is installed


def _in_groups(
    need: Need, source: SourceFile, project: Project, allowed: Mapping[str, Allowed]
) -> tuple[bool, str, str] | None:
    """Whether a clash is certain, and how both are asked for; None if any way to install them may have none."""
    groups = installed_together(project, source, need.package)
    found = []
    for group in groups:
        mine, other = _range(need.package, group.demands), _range(need.other, group.demands)
        if other is not None and not other.text and (group.whole or not _is_left_out(need)):
            return None
        if mine is None or other is None or not _newest_clash(need, mine, other):
            return None
        if need.package == "peft" and mine.below is None and _accelerate_is_old(group.demands):
            return None  # pip finds no releases that go together
        if need.below is not None and other.below is None and not other.text and _has_pin(need.other, allowed):
            return None
        certain = _all_clash(need, mine, other)
        if not certain and not _newest_is_taken(need, mine, other, group, source, project):
            return None
        found.append((certain, mine.text, other.text))
    return min(found) if found else None


def _is_left_out(need: Need) -> bool:
    """Whether people leave it to pip to install what is needed."""
    return need.other in _UNNAMED or (need.package, need.other) in _BROUGHT


def _accelerate_is_old(demands: Sequence[Demand]) -> bool:
    """Whether accelerate is asked for in a release that PEFT has not allowed since 0.5 (setup.py)."""
    pins = [each.pin for each in demands if each.framework == "accelerate" and each.pin is not None]
    return any(padded(pin.below) <= padded(_FOR_PEFT) for pin in pins)


def _has_pin(package: str, allowed: Mapping[str, Allowed]) -> bool:
    return package in allowed and (allowed[package].pin is not None or allowed[package].oldest is not None)


def _range(package: str, demands: Sequence[Demand]) -> _Range | None:
    """The releases of a package that are asked for; None if that is not known."""
    asked = [each for each in demands if each.framework == package]
    if not asked:
        return _Range(None, None)
    (first, *others) = asked
    if others or first.commit or first.unread or not first.everywhere:
        return None
    below = first.pin.below if first.pin is not None else None
    return _Range(
        first.least, below, str(first.pin) if first.pin is not None else f"`{package}` without an upper bound"
    )


def _newest_is_taken(
    need: Need, mine: _Range, other: _Range, group: Together, source: SourceFile, project: Project
) -> bool:
    """Whether pip installs the newest releases that are asked for, as far as anything in the project tells."""
    python = lowest_asked("python", source, project)
    if python is not None and padded(python) < padded(need.python):
        return False
    if mine.below is None:
        asked = lowest_asked(need.package, source, project)
        if asked is not None and padded(asked) < padded(need.since):
            return False
    if need.below is not None and other.below is None:
        if _names_capping(group.text, need.package) or _keeps_hub_old(need, group.demands):
            return False
        asked = lowest_asked(need.other.replace("_", "-"), source, project)
        named = lowest_asked(need.other, source, project)
        return all(each is None or padded(each) >= padded(need.below) for each in (asked, named))
    return True


def _names_capping(text: bytes, package: str) -> bool:
    free = _CORE | {need.package for need in NEEDS}
    frameworks = (name for name, framework in PACKAGES.items() if framework not in free)
    names = "|".join(re.escape(name) for name in (*_CAPPING, *frameworks) if name != package)
    return re.search(rf"(?i)(?<![\w-])(?:{names})(?![\w-])".encode(), text) is not None


def _keeps_hub_old(need: Need, demands: Sequence[Demand]) -> bool:
    since, until = map(padded, _OLD_HUB)
    below = [each.pin.below for each in demands if each.framework == "transformers" and each.pin is not None]
    return need.other == "huggingface_hub" and any(since < padded(each) <= until for each in below)
