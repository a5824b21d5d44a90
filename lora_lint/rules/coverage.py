"""LL208, LL209, LL213, LL214: which parts of a model the targets reach: tower, embeddings, MLPs, all of its layers."""

from __future__ import annotations

from functools import lru_cache

from lora_lint.finding import Finding, Fix
from lora_lint.knowledge import versions
from lora_lint.knowledge.kept import Kept
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.records import dataclass
from lora_lint.rules.changes import put, put_targets, settable
from lora_lint.rules.projections import OF_ATTENTION, OF_MLPS, ROLES
from lora_lint.rules.reached import (
    ROUTERS,
    cases_of,
    code_known,
    leaves,
    linears,
    model_label,
    model_place,
    names_or_shorthand,
    refused,
    resolved_of,
    shorthand_of,
    sureness,
)
from lora_lint.rules.tied import tied_ends
from lora_lint.rules.words import least, listed, names, plural, resting
from lora_lint.run.events import Freeze, Resize, Wrap
from lora_lint.run.values import Known, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Change, Confidence, Level
    from lora_lint.knowledge.matching import Match, Matched
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_TOWERS = frozenset({"vision_tower", "visual", "vision_model", "vision_encoder", "vision_backbone", "image_encoder"})
_KNOWLEDGE = ("domain", "code", "complex-domain", "multi-task")
"""Tasks that need new knowledge, not only behaviour."""
VOCABULARY = ("embed_tokens", "wte", "word_embeddings", "embed_in", "tok_embeddings", "lm_head", "embed_out")
_SAVED_ALONG = ("embed_tokens", "lm_head")
"""Targets whose base weights PEFT 0.21.2 saves too (utils/constants.py, EMBEDDING_LAYER_NAMES)."""
_gaps: Kept[_Gap | None] = Kept(512)
_towers: Kept[list[Matched]] = Kept(512)
_GENERATIVE = ("causal-lm", "image-text-to-text", "seq2seq-lm")


def vision_tower_adapted(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL208"""
    if run.trained is False:
        return  # a saved adapter, which is too late to change
    resolved, cases = cases_of(run)
    if not cases or not names_or_shorthand(run) or run.model.loader_adapts:
        return
    wrapped = False
    for event in run.events:
        wrapped = wrapped or isinstance(event, Wrap)
        if wrapped and isinstance(event, Freeze):
            return  # what is adapted may be frozen again
    towers = [_in_tower(case) for case in cases]
    if not all(towers) or any(case.partial for case in cases):
        return
    if run.framework.passes_on and any(refused(case, "unsupported-kind") for case in cases):
        return  # PEFT raises: LL216's
    case, adapter, (tower, inside, share) = cases[0], run.adapter, towers[0]  # type: ignore[misc]
    if share is not None and share < options["min-share"]:
        return
    key = adapter.key("target_modules")
    adapted = f", {share:.0%} of the adapter" if share is not None else ""
    label = model_label(case.name, case.model)
    count = f"{plural(len(inside), 'layer')} " if case.built.certain else ""
    message = (
        f"`{key}` also matches the vision tower of {label}: {count}{names(leaves(inside))} of `{tower}`{adapted}. "
    )
    how, changes = _leaving_out(run, case, tower)
    message += (
        f"Usually only the language model is meant: leave the tower out{how}, or add an ignore comment if you want to "
        "train it"
    )
    fix = Fix("unsafe", "Leave the vision tower out", changes)
    yield resting(
        *("LL208", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=sureness(run, resolved),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _leaving_out(run: Run, case: Case, tower: str) -> tuple[str, tuple[Change, ...]]:
    """How to leave a vision tower out in the run's framework, and the change that does so."""
    adapter = run.adapter
    if settable(run, "exclude_modules"):
        current = adapter.exclude_modules
        changes = put(adapter, "exclude_modules", _excluding(tower)) if known(current) is None else ()
        return f' (`{adapter.key("exclude_modules")}=r"{_excluding(tower)}"`)', changes
    targets = adapter.target_modules
    stack = next((part for part in ("language_model", "text_model") if _has_stack(case, part)), None)
    if run.framework.can("exclude_modules") or not run.framework.regex_targets or stack is None:
        return "", ()
    if not isinstance(targets, Known) or not isinstance(targets.value, tuple) or targets.span is None:
        return "", ()
    regex = rf".*\.{stack}\..*\.({'|'.join(targets.value)})"
    changes = put(adapter, "target_modules", regex)
    return f" by a regex for whole paths (`{adapter.key('target_modules')}: '{regex}'`)", changes


def _has_stack(case: Case, name: str) -> bool:
    return any(f".{name}." in f".{record.path}." for record in case.match.modules)


def _excluding(tower: str) -> str:
    return rf".*{tower}\..*"


def _in_tower(case: Case) -> tuple[str, list[str], float | None] | None:
    """The vision tower that plain names match along with the language model: its name, the layers, their share of the
    adapter. None if there is none, or an entry names it."""
    wanted = case.targets.value
    if case.head not in _GENERATIVE or (
        not isinstance(wanted, str) and any(tower_of(f"{each}.") for each in wanted or ())
    ):
        return None
    inside = _towers.get(lambda: _of_towers(case.match), case.match)
    if not inside or len(inside) == len(case.match.modules):
        return None
    tower = tower_of(inside[0].path)
    assert tower is not None
    sizes = [record.trainable for record in case.match.modules]
    total = sum(size or 0 for size in sizes)
    share = sum(record.trainable or 0 for record in inside) / total if all(sizes) and total and case.exact else None
    return tower, [record.path for record in inside], share


def tower_of(path: str) -> str | None:
    """The name of the vision tower that a module is in."""
    return next((part for part in path.split(".")[:-1] if part in _TOWERS), None)


def _of_towers(match: Match) -> list[Matched]:
    """The adapted modules that are in a vision tower."""
    stacks = {record.path.partition(".layers.")[0] for record in match.modules}
    if not any(tower_of(f"{stack}.") for stack in stacks):
        return []
    return [record for record in match.modules if tower_of(record.path)]


def embedding_or_head_targeted(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL209"""
    adapter = run.adapter
    targets, saved = known(adapter.target_modules), known(adapter.modules_to_save)
    if not isinstance(targets, tuple) or run.trained is False or run.framework.adapts != "PEFT":
        return
    if run.method != "LoraConfig":
        return
    if run.model.loader_adapts or run.model.edited:
        return  # unsloth trains them in full; an edited vocabulary may have grown
    if any(isinstance(event, Resize) for event in run.events):
        return
    found = [entry for entry in targets if entry.rpartition(".")[2] in VOCABULARY and entry not in (saved or ())]
    if run.training.trainer == "SFTTrainer" and run.trained:
        found = [entry for entry in found if entry != "lm_head"]  # LL412: TRL rejects it
    cases = resolved_of(run).cases
    if not found or len(found) == len(targets) or any(set(found) & set(case.match.unmatched) for case in cases):
        return
    if tied_ends(run) is not None:
        return  # LL603's
    key, many = adapter.key("target_modules"), len(found) > 1
    kept = [entry for entry in found if entry.rpartition(".")[2] in _SAVED_ALONG]
    if run.before("peft", versions.EMBEDDINGS_SAVED) is not None:
        kept = []
    cost = f", and PEFT saves the base weights of {names(kept)} with every checkpoint" if kept else ""
    instead = ""
    if settable(run, "trainable_token_indices"):
        instead = f", or, for a few new tokens, use `{adapter.key('trainable_token_indices')}`"
    message = (
        f"{names(found)} in `{key}`, but nothing here adds tokens: LoRA on {'them' if many else 'it'} is for new "
        f"vocabulary or another language{cost}. Leave {'them' if many else 'it'} out{instead}"
    )
    rest = tuple(entry for entry in targets if entry not in found)
    fix = Fix("unsafe", f"Remove {names(found)} from {key}", put_targets(adapter, rest))
    yield resting(
        *("LL209", message, adapter.target_modules),
        otherwise=adapter.span,
        span=dict(adapter.target_spans).get(found[0]),
        doubt="likely",  # tokens may be added out of sight: in another file, or by a launcher
        fix=fix,
    )


def attention_only_targets(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL213"""
    if (
        run.method != "LoraConfig"
        or run.trained is False
        or run.training.method in ("classification", "preference", "rl")
    ):
        return
    adapter = run.adapter
    targets = [each.value for each in alternatives(adapter.target_modules)]
    if run.task in _KNOWLEDGE and targets and all(_attention_alone(each) for each in targets):
        yield _for_knowledge(run)
    elif targets == [None] and run.task in (None, *_KNOWLEDGE) and known(adapter.parts) is None:
        yield from _by_default(run)


def _for_knowledge(run: Run) -> Finding:
    adapter = run.adapter
    message = (
        f"`{adapter.key('target_modules')}` names only attention, but the task is {run.task}, which is learned mostly "
        "in the MLP layers (QLoRA, LoRA Without Regret: attention alone is worse even at equal parameters). Add the "
        "MLP layers, or name all linear layers"
    )
    cases = resolved_of(run).cases
    changes: tuple[Change, ...] = ()
    targets = adapter.target_modules
    if len({id(case.model) for case in cases}) == 1 and isinstance(targets, Known) and isinstance(targets.value, tuple):
        mlp = [leaf for leaf in linears(cases[0]) if ROLES.get(leaf) in OF_MLPS and leaf not in targets.value]
        if mlp and targets.span is not None:
            message += f": {names(mlp)}"
            changes = put(adapter, "target_modules", (*targets.value, *mlp))
    fix = Fix("unsafe", "Adapt the MLP layers too", changes)
    named = (run.model.name,)
    return resting("LL213", message, adapter.target_modules, otherwise=adapter.span, also=named, fix=fix)


def _attention_alone(targets: tuple[str, ...] | str | None) -> bool:
    if not isinstance(targets, tuple) or not targets:
        return False
    return all(ROLES.get(entry.rpartition(".")[2]) in OF_ATTENTION for entry in targets)


def _by_default(run: Run) -> Iterable[Finding]:
    resolved, cases = cases_of(run)
    adapter = run.adapter
    if not cases or not all(case.match.used_defaults and case.match.modules for case in cases):
        return
    reached = [leaves(record.path for record in case.match.modules) for case in cases]
    if any(case.head not in _GENERATIVE for case in cases) or known(adapter.task_type) in ("SEQ_CLS", "TOKEN_CLS"):
        return
    if not all(ROLES.get(leaf) in OF_ATTENTION for found in reached for leaf in found):
        return
    case, key = cases[0], adapter.key("target_modules")
    rest = [leaf for leaf in linears(case) if leaf not in reached[0] and leaf not in ROUTERS]
    sizes = [record.trainable for record in case.match.modules]
    count = f" ({sum(map(int, filter(None, sizes))):,} parameters)" if all(sizes) and case.exact else ""
    short = shorthand_of(run)
    how = f"name them in `{key}`" if short is None else f'write `{key}="{short}"`'
    message = (
        f"`{key}` is not set: PEFT's default for {case.model.model_type} is only {names(reached[0])}{count}. Most "
        f"later work (QLoRA, LoRA Without Regret) adapts all linear layers, here {names(rest)} as well: {how}, or name "
        "the default to show that it is intended"
    )
    fix = Fix(
        "unsafe", "Adapt every linear layer", put(adapter, "target_modules", linears(case) if short is None else short)
    )
    yield resting(
        *("LL213", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=sureness(run, resolved),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


@dataclass(frozen=True)
class _Gap:
    """Layers in which a block, or the one that replaces it, is not adapted, although it is in others."""

    block: str
    adapted_in: int
    layers: tuple[int, ...]
    left: tuple[str, ...]
    instead: str
    entries: tuple[str, ...]
    bare: bool
    """Whether nothing at all is adapted in these layers."""


def uneven_layer_coverage(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL214"""
    adapter = run.adapter
    if known(adapter.layers_to_transform) is not None or not names_or_shorthand(run):
        return
    resolved, cases = cases_of(run)
    gaps = [_gap(case) for case in cases]
    if not cases or not all(gaps) or any(case.partial or case.match.errors for case in cases):
        return
    case, gap = cases[0], gaps[0]
    assert gap is not None
    if gap.instead == gap.block and run.model.loader_adapts:
        return  # unsloth chooses by its own regex
    key, every = adapter.key("target_modules"), gap.adapted_in + len(gap.layers)
    label = model_label(case.name, case.model)
    if gap.instead != gap.block:
        here, rest = f"{gap.adapted_in} of the {every} layers", f"the other {len(gap.layers)}"
        if not case.built.certain:
            here, rest = f"one layer in {round(every / gap.adapted_in)}", "the others"
        message = (
            f"{names(gap.entries)} match in {here} of {label}: {rest} have `{gap.instead}` instead of `{gap.block}`, "
            f"which is not adapted. Add {names(gap.left)} to `{key}`, unless you want to keep these layers frozen"
        )
    else:
        here = f"{len(gap.layers)} of the {every} layers of {label} ({_span_of(gap.layers)})"
        if not case.built.certain:
            here = f"some layers of {label}"
        why = f"are not in `{key}`. Add them, unless you want to keep these layers frozen"
        if case.match.converted:
            why = "are left out: PEFT maps the names only to parameters of the experts, so no entry matches them"
        message = (
            f"In {here}, `{gap.block}` is not adapted, although it is in the others: {names(gap.left)} of these layers "
            f"{why}"
        )
    targets = adapter.target_modules
    changes: tuple[Change, ...] = ()
    if gap.instead != gap.block and isinstance(targets, Known) and isinstance(targets.value, tuple) and targets.span:
        changes = put(adapter, "target_modules", (*targets.value, *gap.left))
    fix = Fix("unsafe", "Name the layers of the other kind too", changes) if changes else None
    doubt: Confidence = least(sureness(run, resolved), "certain" if case.built.certain else "likely")
    if case.match.converted:
        doubt = least(doubt, code_known(run, resolved))
    # Layers that have an adapter elsewhere, or are few, are only a blemish.
    level: Level | None = None if gap.bare and 10 * len(gap.layers) > every else "advice"
    yield resting(
        *("LL214", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=doubt,
        level=level,
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _gap(case: Case) -> _Gap | None:
    """The widest gap in what is adapted from layer to layer. It is cached for the last few hundred matches, which the
    runs of a project share."""
    return _gaps.get(lambda: _widest_gap(case), case.match, case.modules)


def _widest_gap(case: Case) -> _Gap | None:
    wanted = case.targets.value
    if isinstance(wanted, tuple) and any(part.isdecimal() for entry in wanted for part in entry.split(".")[:-1]):
        return None  # layers are named one by one
    there: dict[tuple[str, str], dict[int, list[str]]] = {}
    for module in case.modules:
        if module.kind not in LINEAR_KINDS or ".experts." in module.path:
            continue  # of experts there are tens of thousands, in blocks that have other layers too
        parent, _, leaf = module.path.rpartition(".")
        place_of = _in_layer(parent) if leaf not in ROUTERS else None
        if place_of:
            stack, layer, block = place_of
            block = block or leaf
            there.setdefault((stack, block), {}).setdefault(layer, []).append(leaf)
    adapted: dict[tuple[str, str], dict[int, list[str]]] = {}
    touched: set[tuple[str, int]] = set()
    seen: set[str] = set()
    for record in case.match.modules:
        whole, _, expert = record.path.partition(".experts.")
        if expert and whole in seen:
            continue
        seen.add(whole)
        parent, _, leaf = record.path.rpartition(".")
        place_of = _in_layer(parent) if leaf not in ROUTERS else None
        if place_of:
            stack, layer, block = place_of
            block = block or leaf
            adapted.setdefault((stack, block), {}).setdefault(layer, []).append(record.entry)
            touched.add((stack, layer))
    found: list[_Gap] = []
    for (stack, block), layers in adapted.items():
        entries = tuple(dict.fromkeys(entry for each in layers.values() for entry in each))
        same = {layer: names_ for layer, names_ in there.get((stack, block), {}).items() if layer not in layers}
        if same:
            bare = all((stack, layer) not in touched for layer in same)
            found.append(_Gap(block, len(layers), *_layers_and_leaves(same), block, entries, bare))
        for (other_stack, other), where in there.items():
            apart = other_stack == stack and other != block and where.keys().isdisjoint(layers)
            if apart and (stack, other) not in adapted and where.keys().isdisjoint(there.get((stack, block), {})):
                bare = all((stack, layer) not in touched for layer in where)
                found.append(_Gap(block, len(layers), *_layers_and_leaves(where), other, entries, bare))
    refused = _refused_leaves(case)
    return max((gap for gap in found if refused.isdisjoint(gap.left)), key=lambda gap: len(gap.layers), default=None)


def _refused_leaves(case: Case) -> frozenset[str]:
    """The layers of a Mamba model that PEFT rejects: leaving those out is intended."""
    from lora_lint.knowledge.peft_facts import facts

    mamba = facts()["mamba"]
    return frozenset(mamba["modules"] if case.model.model_type in mamba["model_types"] else ())


@lru_cache(maxsize=8_192)
def _in_layer(parent: str) -> tuple[str, int, str] | None:
    """The stack, the number and the part of the layer that the modules below a path are in: "model.layers", 3, "mlp";
    the part is empty for the layer itself. It is cached because every run of a project asks for the same paths."""
    parts = parent.split(".")
    for place, part in enumerate(parts[1:], start=1):
        if part.isdecimal():
            return ".".join(parts[:place]), int(part), parts[place + 1] if place + 1 < len(parts) else ""
    return None


def _layers_and_leaves(where: Mapping[int, list[str]]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Layers, and the linear layers in them."""
    return tuple(sorted(where)), tuple(dict.fromkeys(leaf for each in where.values() for leaf in each))


def _span_of(layers: Sequence[int]) -> str:
    if len(layers) > 2 and layers[-1] - layers[0] == len(layers) - 1:
        return f"{layers[0]} to {layers[-1]}"
    return listed(map(str, layers))
