"""Whether what a training has saved is what it has trained: keys, shapes, values, settings, and the logits of one
batch."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Finding
from lora_lint.guarding.findings import some
from lora_lint.guarding.quiet import in_evaluation
from lora_lint.guarding.record import runs_of
from lora_lint.records import dataclass, field, replace
from lora_lint.rules.trainability import unfrozen_not_saved
from lora_lint.rules.words import names, plural
from lora_lint.run.events import Save

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lora_lint.guarding.adapters import LiveAdapter
    from lora_lint.guarding.places import Places
    from lora_lint.guarding.state import State
    from lora_lint.guarding.subject import Subject
    from lora_lint.settings import Settings

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_COMPILED = "_orig_mod."
_CLOSE = 1e-4
"""The largest difference of two logits, relative to the largest of them, that counts as none."""
_OF_THE_SCALE = ("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern")


@dataclass(frozen=True)
class Comparison:
    """What differs between a saved adapter and the trained one."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def compare(
    folder: str,
    subject: Subject,
    state: State,
    places: Places,
    batch: Mapping[str, Any] | None,
    settings: Settings,
) -> Comparison:
    """Compares the adapters in a folder with those that were trained. A batch, the keywords of the model, also shows
    whether both compute the same."""
    findings: list[Finding] = []
    notes: list[str] = []
    facts: dict[str, Any] = {"folder": folder, "adapters": {}}
    for adapter in state.trainees:
        if not adapter.active or not hasattr(subject.model, "get_base_model"):
            continue
        place = _folder_of(folder, adapter)
        if place is None:
            notes.append(f"{folder} has no {CONFIG} and {WEIGHTS} for `{adapter.name}`: nothing to compare")
            continue
        by_rules = tuple(_of_rules(place, settings))
        tensors = _tensors(os.path.join(place, WEIGHTS))
        live = _live_tensors(subject.model, adapter.name)
        # LL704 compares with the base what is compared here with the trained tensors, from which the cause follows
        others = tuple(each for each in by_rules if each.code != "LL704")
        found = others or tuple(_differences(tensors, live, adapter, places)) or by_rules
        findings += found
        stored = _config(place)
        notes += _of_config(stored, adapter, place)
        same = None if batch is None or found else _same_logits(subject.model, tensors, live, batch)
        if same is False:
            findings.append(_other_logits(adapter, places))
        facts["adapters"][adapter.name] = {"tensors": len(tensors), "expected": len(live), "same_logits": same}
    findings += _left_out(subject, state, places)
    return Comparison(tuple(findings), tuple(notes), facts)


def _folder_of(folder: str, adapter: LiveAdapter) -> str | None:
    """Where an adapter lies: PEFT gives those that are not called "default" a folder of their own."""
    for place in (os.path.join(folder, adapter.name), folder):
        if all(os.path.isfile(os.path.join(place, name)) for name in (CONFIG, WEIGHTS)):
            return place
    return None


def _of_rules(place: str, settings: Settings) -> Iterator[Finding]:
    """The findings of the rules on saved adapters, as for the folder."""
    from lora_lint.linting import engine

    outcome = engine.lint([os.path.join(place, CONFIG)], settings, jobs=1)
    return (replace(each, fix=None) for each in outcome.findings if each.code.startswith("LL7"))


def _tensors(path: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(path))


def _live_tensors(model: Any, name: str) -> dict[str, Any]:
    """The tensors of an adapter on a model, by the names that PEFT saves them under."""
    from peft import get_peft_model_state_dict

    return dict(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))


def _config(place: str) -> dict[str, Any]:
    try:
        with open(os.path.join(place, CONFIG), encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _differences(
    tensors: Mapping[str, Any], live: Mapping[str, Any], adapter: LiveAdapter, places: Places
) -> Iterator[Finding]:
    """LL605, LL607, LL702: tensors that are not there under their name, have another shape, or other values."""
    missing = [key for key in live if key not in tensors]
    if missing and any(_COMPILED in key for key in (*tensors, *live)):
        message = (
            f"The saved adapter's tensors are called `{_COMPILED}…`, as in a compiled model: no name fits when it is "
            "loaded onto the model itself, and nothing is loaded, with a warning at most. Compile the model after "
            "adding the adapter"
        )
        yield Finding("LL605", message, places.train)
    elif missing:
        message = (
            f"{len(missing)} of {plural(len(live), 'tensor')} of `{adapter.name}` are not in the saved file "
            f"({some(missing)}): they are lost, and start from new values when the adapter is loaded. Save with "
            "`model.save_pretrained(folder)` on the PeftModel"
        )
        yield Finding("LL607", message, places.train)
    other = [key for key in live if key in tensors and tensors[key].shape != live[key].shape]
    if other and all(tensors[key].numel() for key in other):
        key = other[0]
        message = (
            f"{plural(len(other), 'tensor')} of `{adapter.name}` {'was' if len(other) == 1 else 'were'} saved in "
            f"another shape than trained: `{key}` is {tuple(tensors[key].shape)}, and {tuple(live[key].shape)} on the "
            "model. Loading fails with a size mismatch"
        )
        yield Finding("LL607", message, places.train)
    stale = [key for key in live if key in tensors and key not in other and not _same(tensors[key], live[key])]
    if stale:
        has = "has" if len(stale) == 1 else "have"
        message = (
            f"{plural(len(stale), 'tensor')} of `{adapter.name}` in the saved file {has} other values than the trained "
            f"ones ({some(stale)}): what is loaded is not what was trained. Save after "
            "the last step, from the model that was trained"
        )
        yield Finding("LL607", message, places.train)


def _same(saved: Any, trained: Any) -> bool:
    import torch

    return bool(torch.equal(saved, trained.detach().to(device="cpu", dtype=saved.dtype)))


def _of_config(stored: Mapping[str, Any], adapter: LiveAdapter, place: str) -> Iterator[str]:
    """What the saved config says differently, or not at all."""
    if not stored.get("base_model_name_or_path"):
        yield f"{os.path.join(place, CONFIG)} names no base model: loading the adapter needs it from elsewhere"
    differing = [key for key in _OF_THE_SCALE if key in stored and stored[key] != getattr(adapter.config, key, None)]
    if differing:
        yield f"{names(differing)} in {os.path.join(place, CONFIG)} differ from the trained adapter's"


def _same_logits(
    model: Any, tensors: Mapping[str, Any], live: Mapping[str, Any], batch: Mapping[str, Any]
) -> bool | None:
    """Whether the model computes the same for a batch with the saved tensors; None where it cannot be tried."""
    import torch

    places = {each.data_ptr(): name for name, each in model.named_parameters() if each.numel()}
    swapped = {
        places[each.data_ptr()]: tensors[key].to(each) for key, each in live.items() if each.data_ptr() in places
    }
    try:
        with in_evaluation(model):
            own = model(**batch).logits
            other = torch.func.functional_call(model, swapped, args=(), kwargs=dict(batch)).logits
    except Exception:  # a batch that is not for the model alone; each model fails in its own way
        return None
    return bool((own - other).abs().max() <= _CLOSE * own.abs().max())


def _other_logits(adapter: LiveAdapter, places: Places) -> Finding:
    message = (
        f"With the saved tensors of `{adapter.name}` the model gives other logits than with the trained ones, for the "
        "same batch. Save from the model that was trained"
    )
    return Finding("LL607", message, places.train)


def _left_out(subject: Subject, state: State, places: Places) -> Iterator[Finding]:
    """LL410: parts of the base model that were trained and are not in what is saved."""
    for run in runs_of(subject, state, places)[:1]:
        saved = Save(places.train, adapter_alone=True, wrapped=True)
        yield from unfrozen_not_saved(replace(run, events=(*run.events, saved)), {})
