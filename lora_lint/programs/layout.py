"""How a program lays out its run over devices: sharding from the training's arguments, the rest from loading the model.

Sources: transformers 5.23, training_args.py (`fsdp`, `fsdp_config`, `deepspeed`) and utils/quantization_config.py;
accelerate 1.15, utils/dataclasses.py (FSDP's versions).
"""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Const, DictVal, Object
from lora_lint.knowledge.layouts import GATHERS, WHOLE, fsdp_of, quantizer_in_name, under, zero, zero_of
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, to_value
from lora_lint.records import replace
from lora_lint.run.events import Load
from lora_lint.run.launch import Launch, Placement, Quantizer, Sharding, Storage
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import ModelRecord
    from lora_lint.project import Project
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_OF_FSDP1 = ("use_orig_params", "sync_module_states", "forward_prefetch", "backward_prefetch", "fsdp_backward_prefetch")
"""Keys of `fsdp_config` that FSDP 2 does not have."""
_SPREADING = frozenset({"auto", "balanced", "balanced_low_0", "sequential"})
_CONFIGS = {"GPTQConfig": Quantizer.GPTQ, "AwqConfig": Quantizer.AWQ, "HqqConfig": Quantizer.HQQ} | {
    "EetqConfig": Quantizer.EETQ,
    "AqlmConfig": Quantizer.AQLM,
    "TorchAoConfig": Quantizer.TORCHAO,
    "BitsAndBytesConfig": Quantizer.BITSANDBYTES,
}
"""transformers classes that describe a quantization."""


def launch_of(model: ModelRecord, training: Object | None, here: Span, project: Project | None) -> Launch:
    """The launch as the program describes it; `training` is the object of the training's arguments."""
    quantizer, storage, compute = _quantization(model, here)
    return replace(
        _sharded(training, here, project) if training is not None else Launch(),
        quantizer=quantizer,
        storage=storage,
        compute=compute,
        placement=_placement(model, here),
        mapped=_mapped(model, training),
        kept=_skipped_modules(model, here),
    )


def _sharded(training: Object, here: Span, project: Project | None) -> Launch:
    if training.arguments.open:
        return Launch(sharding=Unknown("the command line gives it"))
    fsdp = to_value(argument_of(training, "fsdp"), here, ABSENT, convert.anything)
    if isinstance(fsdp, Known) and fsdp.value and fsdp.value != "no_shard":
        config = argument_of(training, "fsdp_config")
        version = _version_of_fsdp(config)
        return Launch(sharding=Known(version, fsdp.span, fsdp.origin), wraps=_wrapped(training, config, here))
    given = argument_of(training, "deepspeed")
    if isinstance(given, DictVal):
        return _by_zero(given)
    deepspeed = to_value(given, here, ABSENT, convert.is_text)
    if not isinstance(deepspeed, Known):
        return Launch()
    found, sure = zero_of(deepspeed.value, here.path, project)
    return Launch() if found is None else found.launch(deepspeed.span, deepspeed.origin if sure else "cli-default")


def _version_of_fsdp(config: Val | None) -> Sharding:
    """Which FSDP a program means (the default became 2 in the course of transformers 5): the given version, or a key
    that only version 1 has."""
    if not isinstance(config, DictVal):
        return Sharding.FSDP
    version = config.items.get("version") or config.items.get("fsdp_version")
    if isinstance(version, Const):
        return fsdp_of(version.value)
    if version is None and any(key in config.items for key in _OF_FSDP1):
        return Sharding.FSDP1
    return Sharding.FSDP


def _wrapped(training: Object, config: Val | None, here: Span) -> Value[Any]:
    """The classes of layers that `fsdp` wraps."""
    given = argument_of(training, "fsdp_transformer_layer_cls_to_wrap")
    if isinstance(config, DictVal):
        names = ("transformer_layer_cls_to_wrap", "fsdp_transformer_layer_cls_to_wrap")
        given = next((config.items[name] for name in names if name in config.items), given)
    value = to_value(given, here, ABSENT, convert.anything)
    if not isinstance(value, Known) or not isinstance(value.value, str | tuple):
        return ABSENT
    return replace(value, value=(value.value,) if isinstance(value.value, str) else value.value)


def _by_zero(config: DictVal) -> Launch:
    section = config.items.get("zero_optimization")
    stage = section.items.get("stage") if isinstance(section, DictVal) else None
    if not isinstance(section, DictVal) or not isinstance(stage, Const):
        return Launch()
    gathers = under(section.items, GATHERS, None if section.open else Const(False))
    whole = under(section.items, WHOLE, None)
    given = {} if whole is None and not section.open else {"whole": whole.value if isinstance(whole, Const) else None}
    found = zero(stage.value, gathers.value if isinstance(gathers, Const) else None, **given)
    return Launch() if found is None else found.launch(stage.span, stage.origin)


def _quantization(model: ModelRecord, here: Span) -> tuple[Value[Quantizer], Value[str | Storage], Value[str]]:
    """The quantization of the base, the dtype that its 4-bit weights are stored in, and that of its other
    parameters."""
    config = model.loading.keywords.get("quantization_config") if model.loading is not None else None
    compute = to_value(model.dtype, here, ABSENT, convert.is_text)
    if not isinstance(config, Object):
        name = known(to_value(model.name, here, ABSENT, convert.is_text))
        quantizer = quantizer_in_name(name) if name is not None else None
        return (ABSENT if quantizer is None else Known(quantizer, here)), ABSENT, compute
    found = _CONFIGS.get(config.callee.rpartition(".")[2])
    storage: Value[str | Storage] = to_value(
        argument_of(config, "bnb_4bit_quant_storage"), here, Known("uint8", None, "framework-default"), convert.is_text
    )
    if config.arguments.open:
        storage = Unknown("`**` arguments may set it", here)
    if compute is ABSENT:
        compute = to_value(argument_of(config, "bnb_4bit_compute_dtype"), here, ABSENT, convert.is_text)
    return (ABSENT if found is None else Known(found, config.span)), storage, compute


def _skipped_modules(model: ModelRecord, here: Span) -> Value[Any]:
    """The modules that bitsandbytes must not quantize."""
    config = model.loading.keywords.get("quantization_config") if model.loading is not None else None
    if not isinstance(config, Object):
        return ABSENT
    if config.arguments.open:
        return Unknown("`**` arguments may set it", here)
    return to_value(argument_of(config, "llm_int8_skip_modules"), here, ABSENT, convert.anything)


def _placement(model: ModelRecord, here: Span) -> Value[Placement]:
    given = model.loading.keywords.get("device_map") if model.loading is not None else None
    if isinstance(given, DictVal) and list(given.items) == [""]:
        device = given.items[""]
        # What is only an option's default may be each process's own: launchers give `--local_rank`.
        fixed = isinstance(device, Const) and device.origin != "cli-default" and _is_one_device(device.value)
        return Known(Placement.FIXED, given.span or here) if fixed else ABSENT
    name = to_value(given, here, ABSENT, convert.is_text)
    if isinstance(name, Known) and name.value in _SPREADING:
        return Known(Placement.SPREAD, name.span, name.origin, name.written)
    return ABSENT


def _mapped(model: ModelRecord, training: Object | None) -> Value[str]:
    given = model.loading.keywords.get("device_map") if model.loading is not None else None
    text = isinstance(given, Const) and isinstance(given.value, str) and given.origin != "cli-default"
    if training is None or training.span is None or not (text or isinstance(given, DictVal)):
        return ABSENT
    loads = [each.event.span for each in model.events if isinstance(each.event, Load)]
    later = bool(loads) and loads[0].path == training.span.path and loads[0].start > training.span.start
    own = model.loader is not None and model.loader.startswith("AutoModel")
    return Known("device_map", loads[0]) if later and own else ABSENT


def _is_one_device(device: object) -> bool:
    """Whether a device is the same one in every process: `0`, `"cuda:0"`; "cuda" is each process's own."""
    return isinstance(device, int) or (isinstance(device, str) and re.fullmatch(r"cuda:\d+", device) is not None)
