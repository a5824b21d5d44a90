"""LL806: adapters whose own weights are float16, and models that overflow in it."""

from __future__ import annotations

from lora_lint.finding import Drop, Finding, Fix, Related
from lora_lint.rules.reached import model_label, resolved_of
from lora_lint.rules.words import happening, least, place, resting
from lora_lint.run.events import Cast, Halve, Load, PrepareKbit, PutOn, TakeOff, Train
from lora_lint.run.values import ABSENT, Known, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.run.values import Value

_HALF = frozenset({"float16", "half", "fp16"})
_LOST = "float16 has 11 significant bits, so small steps are lost"
_BY_HAND = "Adam's epsilon of 1e-8 is 0 in float16, and the weights may be inf after the first step"
_BY_TRAINER = "with `fp16=True` the GradScaler raises a ValueError (Attempting to unscale FP16 gradients)"


def adapter_in_half_precision(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL806"""
    if run.trained is not True or run.method != "LoraConfig":
        return
    yield from _overflow(run)
    if run.launch.sharding is not ABSENT:
        return
    if run.framework.direct:
        yield from _of_program(run)
    elif run.framework.casts_by and run.adapter.dtype is ABSENT and _is_half(run.launch.precision):
        option = run.framework.casts_by
        message = (
            f"`{option}` is given to the launcher alone: the script then trains the adapter in float16, which only its "
            "own option prevents, and the GradScaler raises a ValueError (Attempting to unscale FP16 gradients). Give "
            f"the script `--{option}` too"
        )
        yield resting("LL806", message, run.launch.precision, otherwise=run.span)
    elif _is_half(run.adapter.dtype):
        message = (
            f"`{run.adapter.key('dtype')}` keeps the adapter's own weights in float16: {_LOST}. Train them in float32 "
            "or bfloat16"
        )
        yield resting("LL806", message, run.adapter.dtype, otherwise=run.adapter.span)


def _overflow(run: Run) -> Iterator[Finding]:
    """A model whose values exceed the range of float16 while it trains, computed in float16."""
    half, dtype = run.training.half, run.model.dtype
    # A cast, and the preparation for training in bits, which does not ask for bits, leave no weights in float16
    # (PEFT 0.9.0 and 0.21.2, utils/other.py).
    cast = any(isinstance(event, Cast | PrepareKbit) for event in run.events)
    in_autocast, loaded_half = always(half, True), _is_half(dtype) and not cast
    name = known(run.model.name)
    if name is None or not (in_autocast or loaded_half) or run.model.loader_adapts:
        return  # unsloth, whose own loader it is, computes these models in float32
    from lora_lint.knowledge.overflows import overflows_in_autocast, overflows_when_half

    model = resolved_of(run).model
    kind = model.model_type if model is not None else None
    if in_autocast and overflows_in_autocast(kind, name):
        value: Value[Any] = half
    elif loaded_half and overflows_when_half(kind):
        value = dtype
    else:
        return
    message = (
        f"{name if model is None else model_label(Known(name), model)} overflows in float16, whose largest number is "
        "65,504: the loss becomes NaN or 0, and the adapter learns nothing. Train it in bfloat16, or in float32 on a "
        "GPU without bfloat16"
    )
    yield resting("LL806", message, value, run.model.name, otherwise=run.span, doubt="likely")


def _of_program(run: Run) -> Iterator[Finding]:
    """Calls that leave an adapter in float16, or convert it to float16, before it is trained."""
    bits = run.model.quantization
    loaded_half = _is_half(run.model.dtype) and isinstance(bits, Known) and bits.value is None
    base_half = loaded_half
    put_on: PutOn | None = None
    cause: PutOn | Halve | None = None
    for event in run.events:
        if isinstance(event, PutOn):
            stays = event.integrated or always(event.autocast, False)
            put_on, cause = event, event if base_half and stays else None
        elif isinstance(event, Halve):
            base_half, cause = True, event if put_on is not None else None
        elif isinstance(event, Load):
            base_half, put_on, cause = loaded_half, None, None
        elif isinstance(event, Cast | PrepareKbit):
            base_half, cause = False, None
        elif isinstance(event, TakeOff):
            put_on, cause = None, None
        elif isinstance(event, Train) and cause is not None and put_on is not None:
            yield _finding(run, cause, put_on, event)
            return


def _finding(run: Run, cause: PutOn | Halve, put_on: PutOn, train: Train) -> Finding:
    harm = f"{_LOST}, and {_BY_HAND if run.training.by_hand else _BY_TRAINER}"
    related = [Related(train.span, "it is trained here")]
    changes: tuple[Drop, ...] = ()
    if isinstance(cause, Halve):
        what = "This converts the adapter's own weights to float16, which PEFT keeps in float32"
        remedy = "Load the base model in that dtype instead, before the adapter is added"
        related.insert(0, Related(put_on.span, "the adapter is added here"))
    else:
        at = place(run.model.dtype, otherwise=cause.span)
        related.insert(0, Related(at, "the base model is loaded in float16 here"))
        if cause.integrated:
            what = "transformers' own method gives the adapter the base model's float16"
            remedy = "Use PEFT's `get_peft_model`, which creates it in float32, or load the model in bfloat16"
        else:
            what = "`autocast_adapter_dtype=False` leaves the adapter's own weights in the base model's float16"
            remedy = "Remove it, so that PEFT keeps them in float32"
            changes = (Drop(cause.span, "autocast_adapter_dtype"),)
    fix = Fix("unsafe", "Let PEFT keep the adapter in float32", changes) if changes else None
    confidence = least("likely", happening(cause, put_on, train))
    return Finding("LL806", f"{what}: {harm}. {remedy}", cause.span, confidence, None, tuple(related), fix)


def _is_half(dtype: Value[str | None]) -> bool:
    """Whether a dtype is float16 in every case."""
    given = [str(each.value).rpartition(".")[2] for each in alternatives(dtype)]
    return bool(given) and all(each in _HALF for each in given)
