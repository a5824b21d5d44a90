"""unsloth's `get_peft_model`: a wrap with its own settings, which `libraries.unsloth` follows."""

from __future__ import annotations

from lora_lint.frameworks.peft import KEYS
from lora_lint.knowledge import signatures
from lora_lint.knowledge.unsloth import PARTS
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, to_value
from lora_lint.run.framework import Framework
from lora_lint.run.values import Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.run.values import Value
    from lora_lint.source import Span

AUDIO = "audio_layers"
"""The part that is off by default; its layers depend on the model."""
FRAMEWORK = Framework(
    name="unsloth",
    title="Unsloth",
    source="unsloth",
    version=(2026, 10, 9),
    packages=("unsloth",),
    requires=True,
    keys=KEYS,
    regex_targets=True,
    names_tokens=True,
    signature="FastLanguageModel.get_peft_model",
    parts=frozenset({AUDIO}),
    refuses_second_adapter=True,  # models/llama.py, get_peft_model
    merges='Save with `save_pretrained_merged(folder, tokenizer, save_method="merged_16bit")` instead, which adds it '
    "to the weights in 16 bits",  # save.py
    refuses_loftq=True,
)
SENTENCE_TARGETS = ("query", "key", "value", "dense")
"""What `FastSentenceTransformer.get_peft_model` adapts by default (models/sentence_transformer.py)."""


def filled(config: Object, here: Span) -> dict[str, Value[Any]]:
    """The defaults of `get_peft_model` for a call at `here`."""
    made: dict[str, Value[Any]] = {}
    if config.data.made_by == "FastSentenceTransformer" and argument_of(config, "task_type") is None:
        made["task_type"] = Known("FEATURE_EXTRACTION", None, "framework-default")
    if argument_of(config, "target_modules") is None and not config.arguments.open:
        made |= _targets(config, here)
    return made


def _targets(config: Object, here: Span) -> dict[str, Value[Any]]:
    """The default targets: FastLanguageModel's list, or what the others find in the model."""
    if config.data.made_by == "FastLanguageModel":
        usual = signatures.defaults("FastLanguageModel.get_peft_model").get("target_modules")
        return {"target_modules": Known(usual, None, "framework-default")} if usual else {}
    if config.data.made_by == "FastSentenceTransformer":
        return {"target_modules": Known(SENTENCE_TARGETS, None, "framework-default")}
    parts = []
    for part in PARTS:
        given = argument_of(config, f"finetune_{part}")
        flag = to_value(given, here, Known(True, None, "framework-default"), convert.is_flag)
        if not isinstance(flag, Known):
            return {"target_modules": Unknown("which parts of the model are adapted is not known", here)}
        parts += [part] if flag.value else []
    if argument_of(config, "finetune_last_n_layers") is not None:
        return {"target_modules": Unknown("unsloth chooses them by further settings", here)}
    audio = to_value(argument_of(config, f"finetune_{AUDIO}"), here, Known(False, None), convert.is_flag)
    if not isinstance(audio, Known):
        return {"target_modules": Unknown("unsloth chooses them by further settings", here)}
    if audio.value:
        return {"target_modules": Known((*parts, AUDIO), audio.span, "derived")}
    return {
        "target_modules": Known(None, None, "framework-default"),
        "parts": Known(tuple(parts), None, "derived"),
    }
