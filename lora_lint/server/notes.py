"""What an editor shows about the values of runs: on hovering, beside them, and above each run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from lora_lint.inspection.facts import facts
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.knowledge.resolve import resolve
from lora_lint.report.inspect import sections
from lora_lint.rules.projections import own_names
from lora_lint.rules.reached import leaves, linears, model_label
from lora_lint.run.values import alternatives
from lora_lint.server.answers import Analysis, Lens, Name, Note
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lora_lint.knowledge.matching import Matched
    from lora_lint.knowledge.modules import Module
    from lora_lint.knowledge.resolve import Case
    from lora_lint.project import Project
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.server.positions import Place
    from lora_lint.source import SourceFile, Span

M = TypeVar("M", "Module", "Matched")
_KEY = re.compile(rb"""(?:[\w.-]+["']?[ \t]*[=:][ \t]*|--[\w.-]+[ =])\Z""")
"""The key in front of a value, in any of the languages."""
_LONGEST_KEY = 100
_MOST_TEXTS = 3
"""The most runs that one place shows in full."""
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
_SIZES = ("scale", "trainable", "on disk", "memory")


def notes_of(runs: Iterable[Run], source: SourceFile, project: Project, place_of: Callable[[Span], Place]) -> Analysis:
    """What is shown about the runs in a text."""
    texts: dict[Span, dict[str, None]] = {}
    scales: dict[Span, dict[str, None]] = {}
    shares: dict[Span, dict[str, None]] = {}
    lenses: dict[Span, list[dict[str, Any]]] = {}
    targets: dict[str, Name] = {}
    for run in runs:
        known = facts(run, source, project)
        cases = resolve(run.judged() if run.own_names else run).cases
        case = next(iter(cases), None)
        for span, text in _texts(run, known, cases, source):
            texts.setdefault(span, {})[text] = None
        rank, alpha = (next(iter(_spans(value, source)), None) for value in (run.adapter.rank, run.adapter.alpha))
        if rank is not None and (share := _share(known)):
            shares.setdefault(rank, {})[share] = None
        if (beside := alpha or rank) is not None and (scale := _scale(known)):
            scales.setdefault(beside, {})[scale] = None
        if run.span.path == source.path:
            lenses.setdefault(run.span, []).append(known)
        if case is not None:
            targets |= {name.text: name for name in _names(case)}
    hints: dict[Span, list[str]] = {}
    for kind in (scales, shares):
        for span, found in kind.items():
            if len(found) == 1:  # several runs of different sizes have no hint: hovering shows them
                hints.setdefault(span, []).extend(found)
    return Analysis(
        notes=tuple(Note(place_of(_with_key(span, source)), _joined([*found])) for span, found in texts.items()),
        hints=tuple(Note(place_of(span), ", ".join(found)) for span, found in hints.items()),
        lenses=tuple(Lens(place_of(span), _title(found)) for span, found in lenses.items()),
        targets=tuple(targets.values()),
    )


def _texts(run: Run, known: dict[str, Any], cases: Sequence[Case], source: SourceFile) -> Iterator[tuple[Span, str]]:
    """The places of a run's values and what is shown there, in Markdown."""
    case = next(iter(cases), None)
    adapter, shown = run.adapter, sections(known)
    sizes = _listing(shown, ("adapter", *_SIZES, "not known"))
    for value in (adapter.rank, adapter.alpha, adapter.scale, adapter.use_rslora):
        for span in _spans(value, source):
            yield span, sizes
    for span in _spans(run.model.name, source):
        yield span, _listing(shown, ("model",)) + _whole(known) + _linear_layers(case)
    if case is None:
        return
    reached = _reached(case)
    heading = f"Targets in {visible(model_label(case.name, case.model))}\n\n"
    for entry, span in adapter.target_spans:
        if span.path == source.path and entry in case.match.entries:
            yield span, heading + (reached.get(entry) or _missing(entry, cases))
    lines = [reached.get(entry) or _missing(entry, cases) for entry in case.match.entries]
    for span in _spans(adapter.target_modules, source):
        yield span, heading + "".join(lines) + "\n" + _listing(shown, ("trainable", "unmatched"))


def _spans(value: Value[Any], source: SourceFile) -> Iterator[Span]:
    """Where the alternatives of a value are written in a text."""
    for each in alternatives(value):
        here = next((span for span in (each.written, each.span) if span is not None and span.path == source.path), None)
        if here is not None:
            yield here


def _with_key(span: Span, source: SourceFile) -> Span:
    """The place of a value with the key in front of it."""
    before = source.utf8[max(0, span.start - _LONGEST_KEY) : span.start]
    key = _KEY.search(before)
    return span if key is None else span._replace(start=span.start - len(key[0]))


def _listing(shown: dict[str, list[str]], titles: Iterable[str]) -> str:
    """Some of the facts as a list in Markdown."""
    lines = [f"- {title}: {visible('; '.join(shown[title]))}\n" for title in titles if title in shown]
    return "".join(lines)


def _joined(texts: list[str]) -> str:
    more = f"\n\n… and {len(texts) - _MOST_TEXTS} more" if len(texts) > _MOST_TEXTS else ""
    return "\n\n---\n\n".join(texts[:_MOST_TEXTS]) + more


def _whole(known: dict[str, Any]) -> str:
    count = known["parameters"].get("model")
    return f"- parameters: {count:,}\n" if count is not None else ""


def _linear_layers(case: Case | None) -> str:
    names = "".join(f"  - `{name.text}` {name.detail}\n" for name in _names(case)) if case is not None else ""
    return f"- linear layers:\n{names}" if names else ""


def _names(case: Case) -> list[Name]:
    """The names of the linear layers of a model."""
    found = (module for module in case.modules if module.kind in LINEAR_KINDS)
    return [Name(leaf, _group(case, group)) for leaf, group in _by_leaf(found).items()]


def _by_leaf(modules: Iterable[M]) -> dict[str, list[M]]:
    groups: dict[str, list[M]] = {}
    for module in modules:
        for leaf in leaves([module.path]):
            groups.setdefault(leaf, []).append(module)
    return groups


def _group(case: Case, modules: Sequence[Module | Matched]) -> str:
    """How often modules occur, their shape where it is certain, and the layers that have them."""
    shapes = {(module.inputs, module.outputs) for module in modules}
    shape = ""
    if case.exact and len(shapes) == 1:
        [(inputs, outputs)] = shapes
        shape = f" {inputs}→{outputs}" if inputs and outputs else ""
    layers = sorted({int(number) for module in modules for number in _NUMBER.findall(module.path)[:1]})
    return f"×{len(modules)}{shape}{_ranges(layers)}"


def _ranges(numbers: list[int]) -> str:
    """Numbers in order as ranges: `, layers 0–3, 7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    text = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in parts)
    return f", layer{'s' if len(numbers) > 1 else ''} {text}" if text else ""


def _reached(case: Case) -> dict[str, str]:
    """The modules that each entry of the targets matches, in Markdown."""
    groups: dict[str, list[Matched]] = {}
    for module in case.match.modules:
        groups.setdefault(module.entry, []).append(module)
    lines = {}
    for entry, found in groups.items():
        by_leaf = _by_leaf(found)
        lines[entry] = f"- `{visible(entry)}` {_group(case, found)}\n"
        if len(by_leaf) > 1:
            lines[entry] += "".join(f"  - `{leaf}` {_group(case, group)}\n" for leaf, group in by_leaf.items())
    return lines


def _missing(entry: str, cases: Sequence[Case]) -> str:
    """What is to be said of an entry that matches nothing in the first case. Names differ between major versions of
    transformers."""
    case = cases[0]
    called = " and ".join(f"`{name}`" for name in own_names((entry,), (entry,), linears(case)))
    others = [each.version for each in cases if any(module.entry == entry for module in each.match.modules)]
    if others:
        now = f"under {case.version} it is {called}" if called else f"not under {case.version}"
        return f"- `{visible(entry)}` is in this model under transformers {others[0]}; {now}\n"
    return f"- `{visible(entry)}` is not in this model{f': it is {called} there' if called else ''}\n"


def _scale(known: dict[str, Any]) -> str:
    return f"scale {known['scale']['value']:.3g}" if "value" in known["scale"] else ""


def _share(known: dict[str, Any]) -> str:
    share = known["parameters"].get("share")
    return f"{100 * share:.3g}% trained" if share is not None else ""


def _title(runs: list[dict[str, Any]]) -> str:
    """What stands above the runs of one place."""
    if len(runs) > 1:
        counts = {run["parameters"]["trainable"] for run in runs if "trainable" in run["parameters"]}
        return f"{len(runs)} runs{_between(', {} trained parameters', counts)}"
    [run] = runs
    parameters = run["parameters"]
    trained = f"{parameters['trainable']:,} trained parameters" if "trainable" in parameters else ""
    share = f"({_share(run)})" if trained and "share" in parameters else ""
    rank = run["adapter"]["rank"].get("value")
    parts = [f"r {rank}" if rank is not None else "", _scale(run), f"{trained} {share}".strip()]
    return visible(", ".join(filter(None, parts))) or "LoRA: what was read"


def _between(text: str, numbers: set[int]) -> str:
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    return text.format(f"{low:,}" if low == high else f"{low:,} to {high:,}")
