"""What the text of a program reveals before it is parsed: which imports are libraries', and whether it creates
adapters."""

from __future__ import annotations

import re
import sys

LIBRARIES = frozenset(
    "peft transformers trl unsloth unsloth_zoo datasets torch torchvision torchaudio accelerate bitsandbytes "
    "absl diffusers deepspeed wandb optuna ray numpy np pandas sklearn scipy matplotlib seaborn tqdm evaluate "
    "sentence_transformers safetensors huggingface_hub tokenizers fire click typer pydantic omegaconf hydra yaml "
    "requests PIL cv2 rich loguru vllm mlflow tensorboard lightning pytorch_lightning xformers flash_attn google "
    "openai langchain gradio attr attrs absl einops sentencepiece nltk rouge_score sacrebleu jsonlines dotenv "
    "psutil mmengine setfit torchtune triton liger_kernel auto_gptq gptqmodel hqq pytest torchao optimum onnxruntime "
    "IPython ipywidgets google timm flair keras keras_hub keras_nlp loralib open_clip tap tyro simple_parsing draccus "
    "pyrallis toml tomli ruamel easydict addict box munch dotmap ml_collections dacite yacs configargparse "
    "decouple environs tinker training_hub mlx_lm mlx_tune megatron jsonargparse streamlit fastapi celery flask "
    "prefect modal dynaconf chz together tinker_cookbook mmcv".split()
)
_CONFIG_WORDS = (b"LoraConfig", b"get_peft_model", b"LoHaConfig", b"LoKrConfig", b"IA3Config", b"VeraConfig")
_ADAPTER_WORDS = (
    *(*_CONFIG_WORDS, b"PeftModel", b"PeftMixedModel", b"add_adapter", b"inject_adapter_in_model"),
    b"peft_config=",  # of a trainer, which gets the settings from another function
)
_OTHERS = (
    *(b"create_lora_training_client", b"lora_sft", b"enable_lora(", b"enable_lora=", b".load_lora("),
    *(b"fine_tuning.create(", b"tinker_cookbook"),
    *(b"lora.Linear(", b"lora.MergedLinear(", b"lora.Embedding(", b"lora.Conv"),
)
"""Calls of services, of KerasHub, of vLLM, of unsloth, and of loralib, which is imported as `lora`."""
_OF_MEGATRON = b"oRA("
_PREPARE = b"prepare_model_for_"
_SERVED = b"LoRARequest"
_STARTS = (b"os.system", b"os.popen")
_LORA = re.compile(rb"(?i)lora|peft")


def is_library(module: str) -> bool:
    """Whether a dotted module name belongs to the standard library or to a library that is never the user's own."""
    top = module.partition(".")[0]
    return top in LIBRARIES or top in sys.stdlib_module_names


def names_adapter(text: bytes) -> bool:
    """Whether a program names a call that puts an adapter on a model, loads or serves one; other programs have no runs.
    One search per word: an alternation is ten times slower. Most functions contain none of them."""
    if (b"Config" in text or b"eft" in text or b"adapter" in text) and any(word in text for word in _ADAPTER_WORDS):
        return True
    if b"oRA" in text and (_SERVED in text or b"LoRAConfig(" in text or (_OF_MEGATRON in text and b"dim=" in text)):
        return True
    if b"lora" in text and any(word in text for word in _OTHERS):
        return True
    if b"mlx_lm" in text and b"adapter_path" in text:
        return True
    return _PREPARE in text and re.search(rb"prepare_model_for_\w+_training", text) is not None


_PLAIN_TEXT = (
    rb"(?s)#[^\n]*|(\w*)(?:\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    rb"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
)
"""A comment, or a string with its prefix."""
_IMPORTS_UNSLOTH = rb"^[ \t]*(?:import|from)[ \t]+unsloth\b"
_HEAD = rb"\bdef\s+\w+(\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\))(?:\s*->[^:\n]*)?"
"""The head of a function, with the annotations of its parameters."""


def changes_peft(text: bytes) -> bool:
    """Whether a program imports unsloth. PEFT then adapts the linear layer inside a Gemma4ClippableLinear (unsloth_zoo
    2026.10.9, temporary_patches/gemma4.py)."""
    return b"unsloth" in text and re.search(_IMPORTS_UNSLOTH, text, re.MULTILINE) is not None


def uses_adapter(text: bytes) -> bool:
    """Whether a function may put an adapter on a model or load one, and does not only mention one."""
    return names_adapter(text) and names_adapter(_without_mentions(text))


def makes_config(text: bytes) -> bool:
    """Whether a function may make the settings of an adapter. Without them nothing that it does for another file is a
    run there."""
    return names_config(text) and names_config(_without_mentions(text))


def names_config(text: bytes) -> bool:
    """Whether a program names a call that makes the settings of an adapter."""
    return (b"Config" in text or b"get_peft" in text) and any(word in text for word in _CONFIG_WORDS)


def without_plain_text(text: bytes) -> bytes:
    """A program without its comments and its strings, but for those in which code may stand."""
    return re.sub(_PLAIN_TEXT, _plain_text, text)


def _plain_text(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] and b"f" in found[1].lower() else b" "


def _without_mentions(text: bytes) -> bytes:
    """A program without what only mentions adapters: comments, strings and annotations."""
    return re.sub(_HEAD, _defaults, re.sub(_PLAIN_TEXT, b" ", text))


def _defaults(head: re.Match[bytes]) -> bytes:
    """The defaults of a function's parameters, which may be adapters."""
    return b" " + b" ".join(re.findall(rb"=[^,]*", head[1]))


def starts_programs(text: bytes) -> bool:
    """Whether a program may start another with LoRA settings."""
    named = any(word in text for word in _STARTS) or (
        b"subprocess" in text and re.search(rb"\bsubprocess\b", text) is not None
    )
    return named and _LORA.search(text) is not None
