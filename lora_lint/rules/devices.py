"""LL8xx: how a run is launched, and how its devices share the base model."""

from __future__ import annotations

from lora_lint.finding import Finding, Related
from lora_lint.knowledge import versions
from lora_lint.rules.words import place, resting
from lora_lint.run.launch import SPLITS, Placement, Quantizer, Sharding, Storage
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.run.run import Run


def quantized_base_sharded(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL801"""
    launch = run.launch
    sharding, quantizer = known(launch.sharding), known(launch.quantizer)
    if run.trained is False or sharding not in SPLITS or quantizer is None:
        return
    found = _refused_by_framework(run, sharding, quantizer) or _not_flattened(run, sharding, quantizer)
    if found is None:
        return
    message, doubt = found
    at = place(launch.sharding, otherwise=run.span)
    related = (Related(at, f"{sharding.phrase} is configured here"),) if at != run.span else ()
    yield resting(
        *("LL801", message, launch.quantizer, launch.sharding),
        otherwise=run.span,
        doubt=doubt,
        related=related,
    )


def _refused_by_framework(run: Run, sharding: Sharding, quantizer: Quantizer) -> tuple[str, Confidence] | None:
    """For a framework that shards no quantized base model except bitsandbytes' 4 bits."""
    bits = _bits(run)
    whole = quantizer is Quantizer.BITSANDBYTES
    if not run.framework.refuses_sharded or (whole and bits != "8bit"):
        return None
    base = "an 8-bit base model of bitsandbytes" if whole else f"a base model quantized by {quantizer.phrase}"
    return (
        f"{run.framework.title} does not shard {base}: with {sharding.phrase} it raises a ValueError once it has read "
        "the model's config. Use DeepSpeed ZeRO-2 or plain data parallelism, or load the unquantized model in 4 bits "
        "(`quantization_bit: 4`)",
        "certain",
    )


def _bits(run: Run) -> str | None:
    return known(run.launch.bits) or known(run.model.quantization)


def _not_flattened(run: Run, sharding: Sharding, quantizer: Quantizer) -> tuple[str, Confidence] | None:
    """What FSDP 1 does with weights whose dtype differs from their neighbours' (torch,
    distributed/fsdp/_flat_param.py): which of its two errors depends on the order of the parameters."""
    if sharding is not Sharding.FSDP1 or quantizer is not Quantizer.BITSANDBYTES:
        return None
    bits, storage, compute = _bits(run), run.launch.storage, known(run.launch.compute)
    whole = bits == "8bit" or known(storage) == "uint8"
    text = "Cannot flatten integer dtype tensors" if whole else "Must flatten tensors with uniform dtype"
    because = (
        f'FSDP 1 flattens the parameters of a layer into one tensor, and raises a ValueError ("{text}") once the model '
        "is loaded"
    )
    if bits == "8bit":
        return (
            f"The base model is in 8 bits, and its int8 weights differ in dtype from the rest of a layer: {because}. "
            "Load it in 4 bits with `bnb_4bit_quant_storage` set to the compute dtype, or use FSDP 2 or DDP",
            "likely",
        )
    if bits != "4bit" or not isinstance(storage, Known) or isinstance(storage.value, Storage):
        return None
    if storage.value == compute:
        return None
    if storage.value != "uint8" and compute is None:
        return None
    wanted = f"`{compute}`" if compute is not None else "the compute dtype"
    return (
        f"The 4-bit weights are stored as `{storage.value}` and the rest of a layer as {wanted}: {because}. Set "
        f"`bnb_4bit_quant_storage` to {wanted}, or use FSDP 2 (`version: 2` in `fsdp_config`)",
        "likely",
    )


def _mapped_in_zero(run: Run) -> Iterable[Finding]:
    """What transformers refuses while ZeRO-3 is on (integrations/accelerate.py, check_and_set_device_map)."""
    sharding, mapped = run.launch.sharding, run.launch.mapped
    # Accelerate's own settings have `zero3_init_flag`, which turns this off.
    if not isinstance(sharding, Known) or sharding.value is not Sharding.ZERO3 or sharding.origin == "derived":
        return
    if not isinstance(mapped, Known):
        return
    message = (
        "The training's arguments turn DeepSpeed ZeRO-3 on, and the model is then loaded with a `device_map`: "
        'transformers raises a ValueError ("DeepSpeed Zero-3 is not compatible with passing a `device_map`"). Load it '
        "without one: DeepSpeed places the parts of the model itself"
    )
    at = place(sharding, otherwise=run.span)
    related = (Related(at, "DeepSpeed ZeRO-3 is chosen here"),) if at != run.span else ()
    yield resting("LL802", message, mapped, sharding, otherwise=run.span, doubt="likely", related=related)


def device_map_in_distributed(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL802"""
    placement, processes = run.launch.placement, run.launch.processes
    where = known(placement)
    if run.trained is not True or run.training.by_hand:
        return
    if where is None or not isinstance(processes, Known):
        yield from _mapped_in_zero(run)
        return
    if where is Placement.SPREAD and run.before("accelerate", versions.SPREAD_REFUSED) is not None:
        return
    count = processes.value
    if where is Placement.SPREAD:
        message = (
            f"`device_map` spreads the model over all GPUs that a process sees, and {count} processes are started: "
            "accelerate raises a ValueError when training begins (\"You can't train a model that has been loaded with "
            "`device_map='auto'` in any distributed mode\")"
        )
    else:
        message = (
            f"`device_map` puts the model on the same GPU in each of {count} processes: accelerate rejects a quantized "
            f"model, and any other is loaded into that GPU's memory {count} times"
        )
    message += '. Remove `device_map`, or give each process its own: `device_map={"": PartialState().process_index}`'
    related = (Related(processes.written, f"{count} processes are started here"),) if processes.written else ()
    yield resting("LL802", message, placement, otherwise=run.span, doubt="likely", related=related)
