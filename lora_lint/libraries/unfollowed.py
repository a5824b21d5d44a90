"""What code that is not followed may change: models and configs that it is given, and libraries that it patches."""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Const, DictVal, Member, Object
from lora_lint.libraries.effects import ConfigRecord, Fact, ModelView, Part
from lora_lint.libraries.marks import is_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.libraries.effects import ModelRecord, Records

_READING = (
    *("print", "count", "get_", "num", "log", "show", "report", "summar", "calc", "comput", "check", "find", "is_"),
    *("eval", "test", "generat", "predict", "infer", "upload", "plot", "visual", "benchmark", "measure", "chat"),
)
"""Starts of the names of functions that look at a model, and leave it as it is."""
_SETTING = ("merge", "updat", "overrid", "overwrit", "appl", "inject", "fill", "patch", "resolv", "set_")
"""Parts of the names of functions that change the settings they are given."""
_PATCHES = (
    r"(?<!dis)(?<!un)patch(?!ed|es|_size|ify|_embed)|hijack"
    r"|replace_\w*(?:attn|attention|linear|layer|mlp|norm|llama|qwen|mistral)"
)
"""Names of functions and modules that change classes of a library: `replace_llama_attn()`, `my_patch.apply()`."""
_FILLING = ("torch.nn.init.", "torch.nn.utils.vector_to_parameters")
"""Functions of libraries that give parameters other values."""
_PATCHED = frozenset("accelerate bitsandbytes diffusers peft torch transformers trl unsloth".split())
"""The libraries of which a replaced class matters."""
_BEHAVIOUR = frozenset(
    "forward generate compute_loss log _save save_model _get_train_sampler get_train_dataloader".split()
)
"""Methods that say nothing of a model's parts or of a config's values."""


def hand(context: Context, name: str, arguments: Arguments) -> None:
    """Notes the models, the configs and the settings that a call which is not followed may change."""
    records = context.records
    if is_library(name):
        if name.startswith(_FILLING):
            _note(records, arguments)
        elif name.endswith(".register") and ".Auto" in name:
            records.patch()
        return
    called = name.rpartition(".")[2].lstrip("_").lower()
    if not called.startswith(_READING):
        _note(records, arguments)
    if any(word in called for word in _SETTING):
        for value in (*arguments.positional, *arguments.keywords.values()):
            if isinstance(value, DictVal):
                value.unsettle(context.machine)
    if re.search(_PATCHES, name.lower()):
        records.patch()


def _note(records: Records, arguments: Arguments) -> None:
    """Notes that the models and the configs among some arguments may be changed."""
    for value in (*arguments.positional, *arguments.keywords.values()):
        for option in value.alternatives():
            record = _record_of(option)
            if record is not None:
                records.note(record, Fact.HANDED)


def _record_of(value: Val) -> ModelRecord | ConfigRecord | None:
    """The model or the config that a value leads to."""
    root = value.path()[0] if isinstance(value, Member) else value
    data = root.data if isinstance(root, Object) else None
    if isinstance(data, ConfigRecord):
        return data
    return data.record if isinstance(data, ModelView | Part) else None


def is_patch(name: str, value: Val) -> bool:
    """Whether an assignment replaces a class of a library or a method of one: `LoraConfig.__post_init__ = …`."""
    top, _, rest = name.partition(".")
    if top not in _PATCHED or isinstance(value, Const):
        return False
    parts = rest.split(".")
    return parts[-1] not in _BEHAVIOUR and (top == "peft" or any(part[:1].isupper() for part in parts))
