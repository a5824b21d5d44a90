"""What the names of models and of DeepSpeed configs reveal about the layout of a run."""

from __future__ import annotations

import json
import re

from lora_lint.records import dataclass, replace
from lora_lint.run.launch import Launch, Quantizer, Sharding
from lora_lint.run.values import ABSENT, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.values import Origin, Value
    from lora_lint.source import Span

# Not compiled here: few runs name such a config, and a class of letters that ignores case takes 3 ms to compile.
_STAGE = r"(?:^|[^a-z0-9])(?:z|zero|stage)[-_]?(?:stage[-_]?)?([0123])(?![0-9])"
_QUANTIZED = {"gptq", "awq", "aqlm", "hqq", "eetq"}
LAYERS = {
    "bloom": "BloomBlock",
    "cohere": "CohereDecoderLayer",
    "deepseek_v3": "DeepseekV3DecoderLayer",
    "falcon": "FalconDecoderLayer",
    "gemma": "GemmaDecoderLayer",
    "gemma2": "Gemma2DecoderLayer",
    "glm4": "Glm4DecoderLayer",
    "gpt2": "GPT2Block",
    "gpt_neox": "GPTNeoXLayer",
    "gpt_oss": "GptOssDecoderLayer",
    "granite": "GraniteDecoderLayer",
    "llama": "LlamaDecoderLayer",
    "mistral": "MistralDecoderLayer",
    "mixtral": "MixtralDecoderLayer",
    "olmo2": "Olmo2DecoderLayer",
    "opt": "OPTDecoderLayer",
    "phi": "PhiDecoderLayer",
    "phi3": "Phi3DecoderLayer",
    "qwen2": "Qwen2DecoderLayer",
    "qwen2_moe": "Qwen2MoeDecoderLayer",
    "qwen3": "Qwen3DecoderLayer",
    "qwen3_moe": "Qwen3MoeDecoderLayer",
    "smollm3": "SmolLM3DecoderLayer",
    "starcoder2": "Starcoder2DecoderLayer",
    "t5": "T5Block",
}
"""The class of the layers of each type of model (transformers 5.23.0, models/*/modeling_*.py)."""


def other_layer(model_type: str, named: Iterable[str]) -> tuple[str, str] | None:
    """The class of another type's layers among some names, which a model of a type does not have, and that of its
    own."""
    own = LAYERS.get(model_type)
    others = set(LAYERS.values()) - {own}
    wrong = next((name for name in named if name in others), None)
    return (wrong, own) if own is not None and wrong is not None else None


GATHERS = (
    "stage3_gather_16bit_weights_on_model_save",
    "gather_16bit_weights_on_model_save",
    "stage3_gather_fp16_weights_on_model_save",
)
WHOLE = ("stage3_param_persistence_threshold", "param_persistence_threshold")
"""The keys of two settings of ZeRO-3: DeepSpeed takes the names of its fields for their aliases too, and an old name
(0.17.5 and 0.19.8, runtime/zero/config.py; `populate_by_name` in runtime/config_utils.py)."""
_WHOLE = 100_000
"""DeepSpeed's default (0.19.8, runtime/zero/config.py)."""
_FSDPS: dict[object, Sharding] = {1: Sharding.FSDP1, 2: Sharding.FSDP2}
_SEPARATORS = str.maketrans("_./", "---")


@dataclass(frozen=True)
class Zero:
    """A stage of DeepSpeed's ZeRO, whether it gathers parameters to save them, and the most elements of those that it
    leaves whole; None if that is not known."""

    sharding: Sharding
    gathers: bool | None = None
    whole: int | str | None = None
    fixed: tuple[tuple[str, float], ...] = ()
    """See run.Launch."""

    def launch(self, span: Span | None, origin: Origin, written: Span | None = None) -> Launch:
        """The launch of a run with it, and where that is decided."""

        def decided(value: Any) -> Value[Any]:
            return ABSENT if value is None else Known(value, span, origin, written)

        gathers, whole = decided(self.gathers), decided(self.whole)
        fixed = self.fixed if origin != "cli-default" else ()
        return Launch(sharding=decided(self.sharding), gathers=gathers, whole=whole, fixed=fixed)


def quantizer_in_name(name: str) -> Quantizer | None:
    """The quantization in a model's name: `Qwen2.5-14B-Instruct-GPTQ-Int4`."""
    words = name.lower().translate(_SEPARATORS).split("-")
    return next((Quantizer[word.upper()] for word in words if word in _QUANTIZED), None)


def zero_in_name(path: str) -> Zero | None:
    """The ZeRO stage in the name of a DeepSpeed config: `ds_z3_config.json`, `zero2.json`."""
    match = re.search(_STAGE, path.replace("\\", "/").rpartition("/")[2].lower())
    return Zero(sharding_of(int(match[1]))) if match is not None else None


def zero_of(path: str, near: str, project: Project | None) -> tuple[Zero | None, bool]:
    """What a DeepSpeed config that the file `near` names says, and whether the config itself states it. The config is
    searched from that file's folder upwards; without it, its name decides."""
    place = project.nearest(near, path) if project is not None else None
    source = project.load(place) if project is not None and place is not None else None
    return (zero_in_name(path), False) if source is None else (zero_of_text(source.utf8), True)


def zero_of_text(text: bytes) -> Zero | None:
    """What a DeepSpeed config says; None if no stage is written there."""
    try:
        config = json.loads(text)
        section = config["zero_optimization"]
        stage, gathers, whole = section["stage"], under(section, GATHERS, False), under(section, WHOLE, _WHOLE)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    found = zero(stage, gathers, whole)
    return None if found is None else replace(found, fixed=tuple(_fixed(config)))


_OF_ARGUMENTS = (
    ("train_micro_batch_size_per_gpu", "per_device_train_batch_size"),
    ("gradient_accumulation_steps", "gradient_accumulation_steps"),
    ("optimizer.params.lr", "learning_rate"),
    ("fp16.enabled", "fp16"),
    ("bf16.enabled", "bf16"),
)
"""The keys that transformers compares with its arguments (5.23.0, integrations/deepspeed.py, trainer_config_process),
unless they are "auto"."""


def _fixed(config: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for path, argument in _OF_ARGUMENTS:
        value: Any = config
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            yield argument, value


def under(section: Mapping[str, Any], keys: Sequence[str], default: Any) -> Any:
    """What a section has under the first of some keys that it has."""
    return next((section[key] for key in keys if key in section), default)


def zero(stage: Any, gathers: Any = None, whole: Any = _WHOLE) -> Zero | None:
    """The ZeRO of a config's stage, its GATHERS, of which "auto" leaves open whether it gathers, and its WHOLE, which
    "auto" leaves to transformers."""
    if not isinstance(stage, int) or isinstance(stage, bool):
        return None
    most = whole if whole == "auto" else int(whole) if isinstance(whole, int | float) else None
    return Zero(sharding_of(stage), gathers if isinstance(gathers, bool) else None, most)


def fsdp_of(version: object) -> Sharding:
    """The sharding of a version of FSDP, which may not be known."""
    return _FSDPS.get(version, Sharding.FSDP)


def sharding_of(stage: int) -> Sharding:
    """The sharding of a ZeRO stage."""
    return Sharding.ZERO3 if stage == 3 else Sharding.ZERO
