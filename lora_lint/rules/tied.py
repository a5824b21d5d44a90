"""LL603: LoRA on an embedding that is tied to the head."""

from __future__ import annotations

from lora_lint.finding import Finding, Fix, Related
from lora_lint.knowledge import versions
from lora_lint.records import dataclass
from lora_lint.rules.changes import put_targets
from lora_lint.rules.reached import cases_of, leaves, model_label, model_place, place_of_targets, sureness
from lora_lint.rules.words import happening, least, names, resting
from lora_lint.run.events import Load, LoadAdapter, SaveMerged, Unwrap, Wrap
from lora_lint.run.values import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_TYING = "ensure_weight_tying"


@dataclass(frozen=True)
class Tied:
    """LoRA on ends of a model that are one tensor: the paths that have LoRA, and those of all ends. It is *likely* if
    only the family's default says so, not the model's own config."""

    case: Case
    adapted: tuple[str, ...]
    ends: tuple[str, ...]
    confidence: Confidence


def tied_ends(run: Run) -> Tied | None:
    """The adapted embedding of a run that is tied to the head; None if none is known."""
    if run.method != "LoraConfig" or run.model.edited or run.model.loader_adapts:
        return None  # unsloth trains copies of both
    resolved, cases = cases_of(run)
    found = [_of_case(case) for case in cases]
    if not cases or not all(adapted for adapted, _ in found) or any(case.partial for case in cases):
        return None
    sure = all(case.built.certain for case in cases)
    if not sure and any(case.head != "causal-lm" for case in cases):
        return None
    confidence = least(sureness(run, resolved), "certain" if sure else "likely")
    return Tied(cases[0], *found[0], confidence)


def _of_case(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The adapted ones of a model's tied modules, and all of them."""
    ends = _ends_of(case)
    return tuple(record.path for record in case.match.modules if record.path in ends), ends


def _ends_of(case: Case) -> tuple[str, ...]:
    """A model's embedding and head where they are one tensor."""
    own, twins = tied_to_embedding(case)
    return (own, *twins) if twins else ()


def tied_to_embedding(case: Case) -> tuple[str, tuple[str, ...]]:
    """A model's input embedding, and the other modules whose weight is the same tensor."""
    own = case.built.beside.input_embedding or ""
    group = next((group for group in case.built.beside.tied if f"{own}.weight" in group), ())
    return own, tuple(end for name in group if (end := name.rpartition(".")[0]) != own)


def tied_embeddings_adapted(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL603"""
    tied = tied_ends(run)
    if tied is None:
        yield from _copies_tied_again(run)
        yield from _one_copy_kept(run)
        return
    adapter, case = run.adapter, tied.case
    key, merge = adapter.key("target_modules"), _merge(run)
    adapted = names(leaves(tied.adapted))
    one = f"{names(leaves(tied.ends))} of {model_label(case.name, case.model)} are one tensor"
    instead = f"Leave {adapted} out of `{key}`"
    if run.framework.can("modules_to_save"):
        instead += f", or train a copy (`{adapter.key('modules_to_save')}`), which PEFT unties when it merges"
    if merge is not None:
        message = (
            f"`merge_and_unload` adds what LoRA learned for {adapted} to both ends: {one}, so the merged model differs "
            f"from the trained one; PEFT warns and continues. {instead}, or keep the adapter unmerged"
        )
        related = (Related(place_of_targets(run), f"LoRA on {adapted}"),)
        yield Finding("LL603", message, merge.span, least(tied.confidence, happening(merge)), None, related)
        return
    message = (
        f"{adapted} in `{key}`: {one}, and merging the adapter adds what it learned for one end to the other too: the "
        f"merged model differs from the trained one. {instead}"
    )
    targets = adapter.target_modules
    fix = None
    if isinstance(targets, Known) and isinstance(targets.value, tuple):
        left = tuple(entry for entry in targets.value if not names_one(entry, tied.adapted))
        fix = Fix("unsafe", f"Remove {adapted} from {key}", put_targets(adapter, left))
    yield resting(
        *("LL603", message, adapter.target_modules, run.model.name),
        otherwise=adapter.span,
        span=next((at for entry, at in adapter.target_spans if names_one(entry, tied.adapted)), None),
        doubt=tied.confidence,
        level="advice",
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _copies_tied_again(run: Run) -> Iterator[Finding]:
    """Copies of tied ends that a merge of older versions leaves tied in the config."""
    merge, peft = _merge(run), run.before("peft", versions.MERGED_COPIES_UNTIED)
    own = run.before("transformers", versions.SAVED_ENDS_KEPT)
    if merge is None or merge.unties or peft is None or own is None or run.method != "LoraConfig" or run.model.edited:
        return
    resolved, cases = cases_of(run)
    found = [[path for path in case.match.saved if path in _ends_of(case)] for case in cases]
    if not found or not all(found):
        return
    case, copied = cases[0], found[0]
    message = (
        f"{names(leaves(_ends_of(case)))} of {model_label(case.name, case.model)} are one tensor, and PEFT before "
        f"{versions.named(versions.MERGED_COPIES_UNTIED)} ({peft}) leaves them tied in the merged model's config: when "
        f"transformers before 5 ({own}) loads it, what was trained for {names(leaves(copied))} is lost or used for "
        "both. Set `config.tie_word_embeddings = False` on the merged model before you save it, or keep the adapter"
    )
    related = (Related(run.adapter.span, f"{names(leaves(copied))} trained as a copy"),)
    doubt = least("likely", sureness(run, resolved), happening(merge))
    yield Finding("LL603", message, merge.span, doubt, None, related)


def _one_copy_kept(run: Run) -> Iterator[Finding]:
    """Copies of tied ends that a loader's own merge writes as one tensor: the embedding's, else the head's. LL410 is
    about the releases that write neither.

    unsloth_zoo 2025.3.17 to 2026.10.9, saving_utils.py (_merge_and_overwrite_lora: it writes the tensors that the base
    model's files have, which lack a tied head); unsloth 2026.8.20, models/_utils.py (_resolve_ensure_weight_tying),
    which keeps the two copies alike.
    """
    merge = next((event for event in run.events if isinstance(event, SaveMerged)), None)
    if merge is None or not run.model.loader_adapts or run.method != "LoraConfig" or run.model.edited:
        return
    resolved, cases = cases_of(run)
    found = [[path for path in case.match.saved if path in _ends_of(case)] for case in cases]
    if not found or not all(found) or any(case.partial or not case.built.certain for case in cases):
        return
    case, copied = cases[0], found[0]
    pin = run.before(run.framework.name, versions.BOTH_COPIES_ALIKE)
    since, until = versions.MERGES_LORA_ALONE
    neither = run.before(run.framework.name, until) is not None and run.before(run.framework.name, since) is None
    if neither or (len(copied) > 1 and pin is None) or any(each.open or _TYING in each.values for each in run.given):
        return
    kept = next((path for path in copied if path == case.built.beside.input_embedding), copied[0])
    which = f" before {versions.named(versions.BOTH_COPIES_ALIKE)} ({pin})" if len(copied) > 1 else ""
    message = (
        f"{names(leaves(_ends_of(case)))} of {model_label(case.name, case.model)} are one tensor, of which "
        f"{run.framework.title}{which} trains {names(leaves(copied))} as a copy, and the merged model holds one for "
        f"both: that of {names(leaves((kept,)))}. It answers unlike the trained model. Leave both ends out, pass "
        f"`{_TYING}=True` with both, or keep the adapter unmerged"
    )
    related = (Related(run.adapter.span, f"{names(leaves(copied))} trained as a copy"),)
    yield Finding("LL603", message, merge.span, least("likely", sureness(run, resolved)), None, related)


def names_one(entry: str, paths: Iterable[str]) -> bool:
    """Whether an entry of a list of modules names one of some modules: it is the whole path, or its end."""
    return any(f".{path}".endswith(f".{entry}") for path in paths)


def _merge(run: Run) -> Unwrap | None:
    """Where the run's adapter is merged."""
    wrapped = False
    for event in run.events:
        if isinstance(event, Wrap | LoadAdapter | Load):
            wrapped = isinstance(event, Wrap)
        elif isinstance(event, Unwrap) and wrapped and event.merges:
            return event
    return None
