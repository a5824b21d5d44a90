"""LL409, LL607, LL704: what PEFT loads of an adapter's tensors into a model, by their names and shapes alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.records import dataclass, replace
from lora_lint.rules.words import plural
from lora_lint.run import events
from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure.course import replayed, verdict
from lora_lint.verify.structure.skeleton import PREFIX, peft_config, skeleton_of, skipping, wrap, wrapped
from lora_lint.verify.weights import in_one_line, out_of_memory, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.finding import Verdict
    from lora_lint.run.events import Event
    from lora_lint.run.run import Run
    from lora_lint.verify.structure.skeleton import Skeleton


@dataclass(frozen=True)
class _Loaded:
    """How many of an adapter's `saved` tensors PEFT finds a place for, or the size mismatch that it raises instead."""

    saved: int
    fit: int
    mismatch: str | None = None

    @property
    def fails(self) -> bool:
        return self.fit == 0 or self.mismatch is not None

    def __str__(self) -> str:
        if self.mismatch is not None:
            return f"PEFT raises {self.mismatch}"
        return f"PEFT loads {self.fit} of the adapter's {plural(self.saved, 'tensor')}"


def wrap_then_load(run: Run, skeleton: Skeleton) -> Verdict:
    """LL409: what is loaded of an adapter that was saved from the plain base model."""
    tensors = _saved(_plain(run))
    found: list[_Loaded] = []

    def watch(model: Any, event: Event) -> None:
        if isinstance(event, events.LoadAdapter) and event.adapters:
            found.append(_load(model, tensors, event.adapters[0]))

    replayed(run, skeleton, watch)
    if not found:
        raise Skip("the file does not show how an adapter is loaded")
    return verdict(skeleton, found[-1].fails, str(found[-1]), saved=found[-1].saved, loaded=found[-1].fit)


def _plain(run: Run) -> Any:
    """The run's base model on the meta device with nothing but the run's adapter on it. Raises Skip."""
    with skipping():
        return wrapped(run, skeleton_of(run))


def load_shape_mismatch(run: Run, skeleton: Skeleton) -> Verdict:  # noqa: ARG001
    """LL607: what is loaded of the adapter that another run has trained."""
    trained = run.trained_by
    if trained is None:
        raise Skip("the file does not show how the adapter is trained")
    source = skeleton_of(trained)
    grown = _grow(source, trained)
    # PEFT saves embeddings whose size differs from that in the base model's config, which it asks the hub for.
    tensors = _saved(replayed(trained, source), save_embedding_layers=grown)
    # The adapter's config, which decides the head where the class leaves it open, is the trained run's.
    target = skeleton_of(replace(trained, model=run.model))
    _grow(target, run)
    with skipping():
        model = wrap(target.model, peft_config(trained.adapter, inference_mode=True))
    found = _load(model, tensors)
    classes = [type(each.model).__name__ for each in (source, target)]
    reason = f"trained on {classes[0]} and loaded onto {classes[1]}: {found}"
    return verdict(target, found.fails, reason, saved=found.saved, loaded=found.fit)


def adapter_base_mismatch(run: Run, skeleton: Skeleton) -> Verdict:
    """LL704: whether all tensors in the adapter's file fit the base model that its config names. A rank that differs is
    no concern of this rule, so the model gets the rank of the file."""
    import torch

    file = run.weights
    if file is None:
        raise Skip("the adapter's weights are not here")
    if file.damage is not None:
        return _opened(skeleton, file.path)
    ranks = Counter(shape[0] for name, shape in file.shapes.items() if name.endswith("lora_A.weight") and shape)
    changes = {"r": ranks.most_common(1)[0][0]} if ranks else {}
    with skipping():
        model = wrap(skeleton.model, peft_config(run.adapter, inference_mode=True, **changes))
    places = {name: tuple(each.shape) for name, each in _saved(model).items()}
    wrong = [
        name
        for name, shape in file.shapes.items()
        if name in places and _of_base(name, shape) != _of_base(name, places[name])
    ]
    found = _load(model, {name: torch.empty(shape, device="meta") for name, shape in file.shapes.items()})
    if wrong:
        first = wrong[0]
        sizes = f"`{first.removeprefix(PREFIX)}` {file.shapes[first]} instead of {places[first]}"
        differ = f"{len(wrong)} of {plural(len(file.shapes), 'tensor')} differ in size from the base model's layers"
        confirmed, reason = found.mismatch is not None, f"{differ} ({sizes}); {found}"
    elif found.mismatch is not None:
        confirmed, reason = False, f"the sizes are those of the base model's layers, although {found}"
    else:
        confirmed, reason = found.fit < found.saved, str(found)
    return verdict(skeleton, confirmed, reason, wrong=len(wrong), saved=found.saved, loaded=found.fit)


def _opened(skeleton: Skeleton, path: str) -> Verdict:
    """Whether safetensors refuses a file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            return verdict(skeleton, False, "safetensors opens the file")
    except (SafetensorError, OSError) as error:
        return verdict(skeleton, True, f"safetensors raises {type(error).__name__}: {in_one_line(error)}")


def _of_base(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of a saved tensor that the base model decides, rather than the rank."""
    if "lora_A" in name or "lora_embedding_A" in name:
        return shape[1:]
    return shape[:1] if "lora_B" in name or "lora_embedding_B" in name else shape


def _grow(skeleton: Skeleton, run: Run) -> bool:
    """Whether the run adds tokens, for which this resizes the embeddings; those that cannot be read count as one."""
    added = sum(max(len(each.tokens), 1) for each in run.events if isinstance(each, events.Resize))
    if added:
        with quiet():
            rows = skeleton.model.get_input_embeddings().num_embeddings
            skeleton.model.resize_token_embeddings(rows + added, mean_resizing=False)
    return bool(added)


def _saved(model: Any, **more: Any) -> dict[str, Any]:
    """What PEFT saves of a model's adapter."""
    from peft import get_peft_model_state_dict

    with quiet():
        return dict(get_peft_model_state_dict(model, **{"save_embedding_layers": False, **more}))


def _load(model: Any, tensors: Mapping[str, Any], adapter: str = "default") -> _Loaded:
    """Loads an adapter's tensors as `PeftModel.from_pretrained` does. Raises Skip."""
    from peft import set_peft_model_state_dict

    try:
        with quiet():
            result = set_peft_model_state_dict(model, dict(tensors), adapter_name=adapter)
    except RuntimeError as error:  # torch's `load_state_dict`, for sizes that differ
        if out_of_memory(error):
            raise Skip("memory ran out") from error
        return _Loaded(len(tensors), 0, f"{type(error).__name__}: {in_one_line(error)}")
    return _Loaded(len(tensors), len(tensors) - len(result.unexpected_keys))
