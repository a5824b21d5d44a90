"""Programs that are called with LoRA options but not followed: what the names of the options reveal."""

from __future__ import annotations

import re

from lora_lint.frameworks.commands import settled
from lora_lint.frameworks.fields import Fields
from lora_lint.readers.arguments import options
from lora_lint.readers.unparsed import may_tie_alpha
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import Adapter, BaseModel, Run, Training, plain_folder
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.programs.launchers import Call
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile, Span

FRAMEWORK = Framework(
    name="shell",
    title="the program",
    source="the names that options have in public scripts",
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
    },
)
"""A program that is not followed: its options have different names from one program to the next."""
_RANKS = ("lora_r", "lora_rank", "lora_dim", "peft_lora_r", "lora_attn_dim")
_BARE_RANKS = ("rank", "r")
_ALPHAS = ("lora_alpha", "peft_lora_alpha", "lora_scaling_alpha")
_TARGETS = (
    "target_modules",
    "lora_target_modules",
    "lora_target",
    "lora_targets",
    "lora_modules",
    "peft_target_modules",
)
_EVERY = "lora_target_linear"
"""axolotl's key for all linear layers."""
_SWITCHES = (
    "use_lora",
    "lora_enable",
    "use_peft",
    "use_peft_lora",
    "lora",
    "enable_lora",
    "apply_lora",
    "peft",
    "use_qlora",
)
_KINDS = ("adapter_type", "tuning_type", "tuner_type", "peft_type", "peft_method", "finetuning_type")
"""Options that name the kind of adapter; those of the LoRA family have it in their names."""
_FAMILY = ("lora", "dora")
_VARIANT = re.compile(r"(?!(?:q|rs|ada)?lora$)[a-z]+lora(?:_v\d+)?$")
"""The name of a program's own method, as in `--adapter_name svdlora`: nothing is known of its rates and scales."""
_MODELS = ("model_name_or_path", "base_model", "model_name", "base_model_name_or_path", "pretrained_model_name_or_path")
_RATES = ("learning_rate", "lr")
_NAMES = re.compile(r"[\w.]+(?:\s*,\s*[\w.]+)+")
_FINE_TUNES = re.compile(r"(?i)sft|fine_?-?tun|instruct|train(?:_mem)?\.py$")
_ANOTHER_WAY = re.compile(
    r"(?i)dpo|ppo|grpo|rlhf|(?:^|[/_])rl[_/]|kto|orpo|simpo|reward|prefer|distil|teacher|ref_model|beta|unet|diffus|"
    r"dreambooth|text_to_image|img|pretrain_mm|unlearn|forget|galore|full"
)
"""In the path or the options of a program that trains otherwise, or no language model."""
_IDLE = re.compile(r"(?i)eval|infer|generat|merge|export|serve|chat|demo|web|predict|convert|bench|test")
"""Words in the names of programs that train nothing."""


def run_of(call: Call, span: Span, program: SourceFile | None) -> Run | None:
    """The run of a program that is called with a rank; None if it has none, or does not train.

    `program` is its text, if it belongs to the project.
    """
    if _IDLE.search(call.name.rpartition("/")[2]):
        return None
    arguments = options(call.arguments, span)
    fields = Fields(arguments.mapping)
    if any(fields.has(key) and known(fields.flag(key)) is False for key in _SWITCHES):
        return None
    kinds = [str(kind).lower() for key in _KINDS if fields.has(key) and (kind := known(fields.text(key))) is not None]
    if any(not any(name in kind for name in _FAMILY) for kind in kinds):
        return None
    if _VARIANT.match((known(fields.text("adapter_name")) or "").lower()):
        return None
    about_lora = "lora" in call.name.lower() or any("lora" in str(entry.key.value) for entry in fields.mapping.entries)
    rank_key = _first(fields, (*_RANKS, *(_BARE_RANKS if about_lora else ())))
    if rank_key is None:
        return None
    rank = fields.whole(rank_key)
    if isinstance(rank, Known) and rank.value <= 0:
        return None  # how programs switch it off
    alpha_key = _first(fields, (*_ALPHAS, *(("alpha",) if rank_key in _BARE_RANKS else ())))
    rslora: Value[bool] = Known(False, None, "framework-default")
    alpha = fields.number(alpha_key) if alpha_key else ABSENT
    flag = _first(fields, ("use_rslora", "rslora"))
    if flag is not None:
        rslora = fields.flag(flag)
    elif program is not None and may_tie_alpha(program.utf8):
        rslora = Unknown("the program may switch it on, or tie alpha to the rank")
    keys = {"rank": rank_key}
    if alpha_key:
        keys["alpha"] = alpha_key
    if target_key := _first(fields, _TARGETS):
        keys["target_modules"] = target_key
    adapter = Adapter(
        span=fields.span(rank_key),
        rank=rank,
        alpha=alpha,
        dropout=fields.number("lora_dropout"),
        use_rslora=rslora,
        target_modules=_targets(fields, program),
        keys=keys,
    )
    rate_key, model_key = _first(fields, _RATES), _first(fields, _MODELS)
    training = Training(
        method="supervised" if _is_supervised(call, fields) else "unknown",
        learning_rate=fields.number(rate_key) if rate_key else ABSENT,
        optimizer=fields.text("optim"),
        epochs=fields.number("num_train_epochs"),
    )
    model = BaseModel(fields.text(model_key) if model_key else ABSENT)
    events = (Load(span), Wrap(span), Train(span))
    output = known(fields.text("output_dir"))
    saves = (plain_folder(output),) if output else ()
    run = Run(FRAMEWORK, span, adapter, model, training=training, events=events, trained=True, saves=saves)
    return settled(run, arguments, usual=True)


def _is_supervised(call: Call, fields: Fields) -> bool:
    """Whether a program fine-tunes a language model on examples, by its path and the names of its options."""
    names = " ".join((call.name, *(str(entry.key.value) for entry in fields.mapping.entries)))
    return _FINE_TUNES.search(call.name) is not None and _ANOTHER_WAY.search(names) is None


def _targets(fields: Fields, program: SourceFile | None) -> Value[Any]:
    """A list of names, or one comma-separated string. How the program treats a single name is not known, unless it
    reads it by TRL's `ModelConfig`, which takes it as a regular expression (TRL 0.8 to 1.16, model_config.py)."""
    key = _first(fields, _TARGETS)
    if key is None:
        every = fields.flag(_EVERY) if fields.has(_EVERY) else ABSENT
        return Known("all-linear", every.span) if isinstance(every, Known) and every.value else ABSENT
    names = fields.names(key)
    if key == "lora_target_modules" and program is not None and _by_trl(program.utf8):
        return names
    if isinstance(names, Known) and isinstance(names.value, str):
        if names.value == "all-linear":
            return names
        if not _NAMES.fullmatch(names.value):
            return Unknown("the program decides how to use it", names.span)
        return Known(tuple(name.strip() for name in names.value.split(",")), names.span)
    return names


def _by_trl(program: bytes) -> bool:
    """Whether a program leaves the options of the adapter to TRL."""
    return (
        all(name in program for name in (b"TrlParser", b"ModelConfig", b"get_peft_config"))
        and b"lora_target_modules" not in program
    )


def _first(fields: Fields, keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if fields.has(key)), None)
