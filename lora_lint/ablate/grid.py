"""From what is to be varied to the arms of a study."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.recipes import DEFAULT_INIT, Recipe
from lora_lint.knowledge.resolve import resolve
from lora_lint.run.values import alternatives, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lora_lint.ablate.recipes import Targets
    from lora_lint.run.run import Run

GROUPS = ("query-value", "attention", "mlp", "all")
"""Groups of layers, in the model's own names."""
_ALSO_CALLED = {"qv": "query-value", "all-linear": "all"}
INITS = (DEFAULT_INIT, "gaussian", "orthogonal", "olora", "pissa", "pissa_niter_4", "pissa_niter_16")
"""Initialisations of PEFT 0.21.2 that need no data: tuners/lora/config.py, `init_lora_weights`."""
MOST = 48
"""Arms of one study."""
_RATES = (1 / 3, 3.0)
_RATIO = 16.0  # LoRA+ (2402.12354) finds 2^4 best
_USUAL_RANK, _USUAL_RATIO = 8, 2.0
_YES, _NO = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "no", "0"})


@dataclass(frozen=True)
class Factor:
    """What `--vary` names, and its values; without values, the baseline is tried with the usual ones, one change at a
    time."""

    name: str
    values: tuple[str, ...] = ()


def factors(texts: Iterable[str]) -> tuple[Factor, ...]:
    """The factors of some `--vary`: `rank=8,16`, or names alone: `rslora,dora`. Raises StudyError."""
    found: list[Factor] = []
    for text in texts:
        name, equals, values = text.partition("=")
        words = tuple(word.strip() for word in (values if equals else name).split(",") if word.strip())
        if not words or (equals and not name.strip()):
            raise StudyError(f"--vary {text}: give NAME=VALUES or names, e.g. rank=8,16 or rslora,dora")
        found += [Factor(name.strip(), words)] if equals else [Factor(word) for word in words]
    for each in found:
        if each.name not in _FIELDS:
            raise StudyError(f"--vary {each.name}: only {', '.join(_FIELDS)} can be varied")
        if not each.values and each.name not in _USUAL:
            raise StudyError(f"--vary {each.name}: give its values, e.g. {each.name}={_EXAMPLES[each.name]}")
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise StudyError(f"--vary {twice} is given twice: put all its values into one")
    return tuple(found)


@dataclass(frozen=True)
class Names:
    """The model's own names for groups of layers; raises StudyError for a group that it does not have."""

    of_group: Callable[[str], Targets]
    known: dict[str, Targets]

    def targets(self, text: str) -> Targets:
        """The targets that `--vary targets=` means: a group, or names joined by `+`."""
        group = _ALSO_CALLED.get(text, text)
        if group not in GROUPS:
            return tuple(text.split("+"))
        if group not in self.known:
            self.known[group] = self.of_group(group)
        return self.known[group]

    def label(self, targets: Targets) -> str:
        """What to call some targets: the name of the group that they are, or all of them."""
        for group, names in self.known.items():
            if targets == names or (isinstance(targets, tuple) and set(targets) == set(names)):
                return group
        if isinstance(targets, str):
            return "all" if targets == "all-linear" else "regex"
        return "+".join(targets) if len(targets) < 4 else f"{'+'.join(targets[:2])}+{len(targets) - 2} more"


def baseline(run: Run, rate: float, names: Names) -> tuple[Recipe, list[str]]:
    """The run's own settings, and notes on what had to be assumed."""
    notes: list[str] = []
    adapter = run.adapter
    rank = _first(adapter.rank)
    if rank is None or int(rank) < 1:
        rank = _USUAL_RANK
        notes.append(f"the run's rank is not known; {rank} is assumed")
    alpha = _first(adapter.alpha)
    if alpha is None or alpha <= 0:
        alpha = _USUAL_RATIO * rank
        notes.append(f"the run's alpha is not known; {alpha:g} is assumed")
    targets = next((each.value for each in alternatives(adapter.target_modules) if each.value), None)
    if targets is None:
        targets = names.targets("query-value")
        notes.append(f"the run's targets are not known; {', '.join(targets)} are assumed")
    elif isinstance(targets, tuple):
        missing = unmatched(run)
        targets = tuple(each for each in targets if each not in missing) or targets
    init = next((each.value for each in alternatives(adapter.init_lora_weights)), True)
    start = init if isinstance(init, str) and init in INITS else DEFAULT_INIT
    if isinstance(init, str) and init not in INITS:
        notes.append(f"init_lora_weights={init!r} needs data or another library; PEFT's default is used instead")
    made = Recipe(
        "",
        targets,
        int(rank),
        float(alpha),
        _is_on(adapter.use_rslora),
        _is_on(adapter.use_dora),
        start,
        None,
        rate,
    )
    return replace(made, name=_name(made, made, names)), notes


def unmatched(run: Run) -> tuple[str, ...]:
    """The targets that name no module of the model, which the baseline does without, as PEFT does."""
    matches = resolve(run).matches
    every = dict.fromkeys(entry for match in matches for entry in match.unmatched)
    return tuple(entry for entry in every if all(entry in match.unmatched for match in matches))


def arms_of_sweep(runs: Sequence[Run], rate_of: Callable[[Run], float], names: Names) -> list[Recipe]:
    """The arms of a sweep that a program makes; the first is the baseline. Raises StudyError where a setting of a run
    is not known."""
    made: list[Recipe] = []
    for run in runs:
        recipe, notes = baseline(run, rate_of(run), names)
        if notes:
            raise StudyError(f"the sweep in {run.path} cannot be tried: {notes[0]}. Give the arms with --vary")
        made.append(recipe)
    return _named(made, names)


def grid(base: Recipe, varied: Sequence[Factor], names: Names) -> list[Recipe]:
    """The arms, the baseline first: every combination of the factors with values, and the baseline with one change for
    each factor without. Raises StudyError."""
    crossed = [each for each in varied if each.values]
    made = [base]
    for choice in itertools.product(*(each.values for each in crossed)):
        changes = {each.name: value for each, value in zip(crossed, choice, strict=True)}
        made.append(_changed(base, changes, names))
    for each in varied:
        if not each.values:
            made += [_changed(base, {each.name: value}, names) for value in _USUAL[each.name](base)]
    return _named(made, names)


def default_study(base: Recipe, names: Names) -> list[Recipe]:
    """The study of the field: queries and values at rank 8, attention at 8 and 16, all linear layers at 16 and 32, with
    rsLoRA and with DoRA."""
    plain = replace(base, rslora=False, dora=False)
    rows: tuple[Mapping[str, str], ...] = (
        {"targets": "query-value", "rank": "8"},
        {"targets": "attention", "rank": "8"},
        {"targets": "attention", "rank": "16"},
        {"targets": "all", "rank": "16"},
        {"targets": "all", "rank": "32"},
        {"targets": "all", "rank": "16", "rslora": "on"},
        {"targets": "all", "rank": "16", "dora": "on"},
    )
    return _named([base, *(_changed(plain, row, names) for row in rows)], names)


def _changed(base: Recipe, changes: Mapping[str, str], names: Names) -> Recipe:
    fields: dict[str, Any] = {}
    for name, text in changes.items():
        field, read = _FIELDS[name]
        fields[field] = names.targets(text) if name == "targets" else read(name, text)
    return replace(base, **fields)


def _named(arms: Sequence[Recipe], names: Names) -> list[Recipe]:
    """The arms without repetitions, each with a name of its own; the first is the baseline. Raises StudyError for too
    many."""
    different = list(dict.fromkeys(replace(each, name="") for each in arms))
    if len(different) > MOST:
        raise StudyError(f"{len(different)} arms are more than {MOST}: vary fewer settings at once")
    base = different[0]
    called = [_name(each, base, names) for each in different]
    alike = {name for name in called if called.count(name) > 1}
    return [
        replace(each, name=f"{name} alpha {each.alpha:g}" if name in alike else name)
        for each, name in zip(different, called, strict=True)
    ]


def _name(recipe: Recipe, base: Recipe, names: Names) -> str:
    """What to call an arm: its targets and rank, and what else is not usual or differs from the baseline."""
    words = [f"{names.label(recipe.targets)} r={recipe.rank}"]
    if recipe.rslora:
        words.append("rsLoRA")
    if recipe.dora:
        words.append("DoRA")
    if recipe.init != DEFAULT_INIT:
        words.append(f"init {recipe.init}")
    if recipe.lora_plus is not None:
        words.append(f"LoRA+ {recipe.lora_plus:g}")
    if recipe.rate != base.rate:
        words.append(f"lr {recipe.rate:.3g}")
    return " ".join(words)


def _first(value: Any) -> float | None:
    return next((float(each.value) for each in alternatives(value) if is_number(each.value)), None)


def _is_on(value: Any) -> bool:
    return any(each.value is True for each in alternatives(value)[:1])


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise StudyError(f"--vary {name}={text}: give whole numbers above 0")
    return int(text)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise StudyError(f"--vary {name}={text}: give numbers above 0")
    return value


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise StudyError(f"--vary {name}={text}: give on or off")
    return text.lower() in _YES


def _ratio(name: str, text: str) -> float | None:
    return None if text.lower() in _NO else _number(name, text)


def _init(name: str, text: str) -> str:
    if text not in INITS:
        raise StudyError(f"--vary {name}={text}: the initialisations are {', '.join(INITS)}")
    return text


_FIELDS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "rank": ("rank", _whole),
    "alpha": ("alpha", _number),
    "targets": ("targets", lambda _, text: text),
    "rslora": ("rslora", _flag),
    "dora": ("dora", _flag),
    "init": ("init", _init),
    "lora+": ("lora_plus", _ratio),
    "learning-rate": ("rate", _number),
}
"""What can be varied: the field of `Recipe`, and how a value is read."""
_EXAMPLES = {"rank": "8,16,32", "alpha": "16,32", "targets": "attention,mlp,all"}
_USUAL: dict[str, Callable[[Recipe], tuple[str, ...]]] = {
    "rslora": lambda base: ("off" if base.rslora else "on",),
    "dora": lambda base: ("off" if base.dora else "on",),
    "init": lambda base: tuple(each for each in ("gaussian", "pissa_niter_4") if each != base.init),
    "lora+": lambda _: (f"{_RATIO:g}",),
    "learning-rate": lambda base: tuple(f"{factor * base.rate:.3g}" for factor in _RATES),
}
"""The values of a factor that is named alone."""
