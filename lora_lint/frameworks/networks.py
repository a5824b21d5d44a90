"""The settings of image and video trainers that call their adapter a network: `network_module`, `network_dim`,
`network_alpha`, with sections that are only for people.

Source: kohya-ss/sd-scripts at 48d368f (train_network.py, library/train_util.py, networks/lora.py), from which the
others are derived.
"""

from __future__ import annotations

import ast

from lora_lint.frameworks import networks_args, networks_data, tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import ABSENT, Known, Unknown, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Entry
    from lora_lint.run.framework import Framework
    from lora_lint.run.run import Adapter, Training
    from lora_lint.run.values import Value

KEYS = {"rank": "network_dim", "alpha": "network_alpha", "dropout": "network_dropout"}
OTHER_KEYS = {
    "model": "pretrained_model_name_or_path",
    "optimizer": "optimizer_type",
    "learning_rate": "learning_rate",
    "epochs": "max_train_epochs",
    "max_steps": "max_train_steps",
    "accumulation": "gradient_accumulation_steps",
}
DEFAULTS = {
    "rank": 4,
    "alpha": 1,
    "optimizer": "adamw",
    "learning_rate": 2e-6,
    "max_steps": 1600,
    "accumulation": 1,
}
LISTS = ("network_args", "optimizer_args", "lr_scheduler_args", "base_weights", "base_weights_multiplier")
_OF_THE_GUI = frozenset({"Standard", "LoRA-FA", "LyCORIS/LoCon", "Flux1", "HunyuanImage", "Anima", "Lumina"})
"""`LoRA_type` of the GUI (bmaltais/kohya_ss at 45088f0, kohya_gui/lora_gui.py) whose scale is alpha over rank."""
_LYCORIS = ("lora", "locon")
"""`algo` of LyCORIS whose scale is alpha over rank; the first is its default."""
_BY_BLOCK = ("block_dims", "block_alphas")


def reading(
    framework: Framework,
    document: Mapping,
    project: Project,
    precision: str | None = None,
    fixed_captions: Collection[str] = (),
) -> Reading:
    """The run of a file that trains LoRA. `precision` is the key for that of autocast, where it matters for the models
    that the framework trains; `fixed_captions` are the modules whose cached encodings need captions that stay."""
    fields = Fields(flattened(document))
    if not _trains_lora(fields):
        return Reading()
    model = framework.other_keys["model"]
    span = fields.span("network_dim" if fields.has("network_dim") else "network_module")
    run = Run(
        framework,
        span,
        _adapter(framework, fields),
        BaseModel(fields.text(model)),
        training=_training(framework, fields, half=_half(fields, precision)),
        events=(Load(fields.span(model)), Wrap(span), Train(span)),
        problems=(
            *_unparsed(framework, fields),
            *networks_args.problems(fields),
            *networks_data.problems(fields, project, framework.title, fixed_captions),
        ),
        trained=True,
    )
    return Reading((run,))


def _unparsed(framework: Framework, fields: Fields) -> Iterator[InvalidValue]:
    """The arguments of the optimizer and the schedule that are not `name=value` with a Python literal."""
    for key in ("optimizer_args", "lr_scheduler_args"):
        node = fields.node(key)
        for item in node.items if isinstance(node, Sequence) else (node,):
            if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.value:
                continue
            text = item.value
            several = item is node and " " in text  # of the GUI, which splits it
            if not several and not _is_literal(text):
                expected = "`name=value` with a Python literal such as True, 0.01 or (0.9, 0.99), and raises an error"
                yield InvalidValue(key, text, item.span, framework.title, expected)


def _is_literal(text: str) -> bool:
    """Whether an argument is understood (library/train_util.py, get_optimizer; ast.literal_eval)."""
    _, sign, value = text.partition("=")
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return bool(sign) and "=" not in value


def flattened(document: Mapping) -> Mapping:
    """All settings in one mapping: the sections of a TOML file are only for people (train_util.py,
    read_config_from_file)."""
    entries: list[Entry] = []
    for entry in document.entries:
        entries += entry.value.entries if isinstance(entry.value, Mapping) else (entry,)
    return Mapping(tuple(entries), document.span)


def _trains_lora(fields: Fields) -> bool:
    """Whether the network is LoRA: LyCORIS, OFT, LoHa and LoKr have their own scales."""
    module = known(fields.text("network_module"))
    if module is not None:
        library, _, name = str(module).rpartition(".")
        return name.startswith("lora") or (library == "lycoris" and _arguments(fields).get("algo") in (None, *_LYCORIS))
    return known(fields.text("LoRA_type")) in _OF_THE_GUI


def _arguments(fields: Fields) -> dict[str, str]:
    """`network_args`: a list of strings `key=value`, or a single one."""
    node = fields.node("network_args")
    texts = list(node.items) if isinstance(node, Sequence) else [node]
    found = (str(getattr(text, "value", "")).partition("=") for text in texts)
    return {key.strip(): value.strip(" \"'") for key, _, value in found}


def _adapter(framework: Framework, fields: Fields) -> Adapter:
    rank, alpha = _rank_and_alpha(framework, fields)
    own: dict[str, Any] = {"dtype": _dtype(framework, fields)} if framework.can("dtype") else {}
    return tables.adapter(framework, fields, fields.span("network_module"), rank=rank, alpha=alpha, **own)


def _dtype(framework: Framework, fields: Fields) -> Value[str]:
    """The network is float32, whatever the precision of the training, unless a flag casts it (train_network.py)."""
    key = framework.keys["dtype"]
    return Known("float16", fields.span(key)) if known(fields.flag(key)) is True else ABSENT


def _rank_and_alpha(framework: Framework, fields: Fields) -> tuple[Value[int], Value[float]]:
    """An alpha of 0 stands for the rank (networks/lora.py, LoRAModule)."""
    given = _arguments(fields)
    if any(key in given for key in _BY_BLOCK) or known(fields.flag("dim_from_weights")):
        apart = Unknown("each block has its own", fields.span("network_args"))
        return apart, apart
    rank = fields.whole("network_dim", usual(framework.defaults["rank"]))
    alpha = fields.number("network_alpha", usual(framework.defaults["alpha"]))
    return rank, rank if any(each.value == 0 for each in alternatives(alpha)) else alpha


def _training(framework: Framework, fields: Fields, half: Value[bool | None]) -> Training:
    """The image model's rate is `unet_lr` if it is given; the optimizer is AdamW if its name is empty."""
    key = "unet_lr" if fields.has("unet_lr") else "learning_rate"
    rate = fields.number(key, usual(framework.defaults["learning_rate"]))
    name: Value[Any] = fields.text("optimizer_type", fields.text("optimizer", usual("")))
    epochs = fields.number("max_train_epochs")
    steps = ABSENT if isinstance(epochs, Known) else fields.whole("max_train_steps", usual(1600))
    return tables.training(
        framework,
        fields,
        "unknown",
        learning_rate=rate,
        optimizer=usual("adamw") if known(name) == "" else name,
        epochs=epochs,
        max_steps=steps,
        half=half,
        span=fields.span(key),
    )


def _half(fields: Fields, key: str | None) -> Value[bool | None]:
    """Whether autocast computes in float16."""
    precision = fields.text(key) if key is not None else ABSENT
    return Known(precision.value == "fp16", precision.span) if isinstance(precision, Known) else ABSENT
