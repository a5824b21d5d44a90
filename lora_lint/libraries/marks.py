"""What the text of a program reveals before it is parsed: which imports are libraries', and whether it creates
adapters."""

from __future__ import annotations

import re
import sys

LIBRARIES = frozenset(
    "peft transformers trl unsloth unsloth_zoo datasets torch torchvision torchaudio accelerate bitsandbytes "
    "diffusers deepspeed wandb optuna ray numpy np pandas sklearn scipy matplotlib seaborn tqdm evaluate "
    "sentence_transformers safetensors huggingface_hub tokenizers fire click typer pydantic omegaconf hydra yaml "
    "requests PIL cv2 rich loguru vllm mlflow tensorboard lightning pytorch_lightning xformers flash_attn google "
    "openai langchain gradio attr attrs absl einops sentencepiece nltk rouge_score sacrebleu jsonlines dotenv "
    "psutil mmengine setfit torchtune triton liger_kernel auto_gptq gptqmodel hqq pytest torchao optimum onnxruntime "
    "IPython ipywidgets google timm tap tyro simple_parsing draccus pyrallis toml tomli "
    "ruamel easydict addict box munch dotmap ml_collections dacite".split()
)
ADAPTER_LIBRARIES = frozenset({"peft", "unsloth", "xtuner"})
"""Libraries that put adapters on models."""
_ADAPTER_WORDS = (
    *(b"LoraConfig", b"get_peft_model", b"PeftModel", b"PeftMixedModel", b"add_adapter", b"inject_adapter_in_model"),
    *(b"LoHaConfig", b"LoKrConfig", b"IA3Config", b"VeraConfig"),
)
_PREPARE = b"prepare_model_for_"
_STARTS = (b"subprocess", b"os.system", b"os.popen")
_LORA = re.compile(rb"(?i)lora|peft")


def is_library(module: str) -> bool:
    """Whether a dotted module name belongs to the standard library or to a library that is never the user's own."""
    top = module.partition(".")[0]
    return top in LIBRARIES or top in sys.stdlib_module_names


def names_adapter(text: bytes) -> bool:
    """Whether a program names a call that puts an adapter on a model or loads one; other programs have no runs. One
    search per word: an alternation is ten times slower. Most functions contain none of them."""
    if (b"Config" in text or b"eft" in text or b"adapter" in text) and any(word in text for word in _ADAPTER_WORDS):
        return True
    return _PREPARE in text and re.search(rb"prepare_model_for_\w+_training", text) is not None


def starts_programs(text: bytes) -> bool:
    """Whether a program may start another with LoRA settings."""
    return any(word in text for word in _STARTS) and _LORA.search(text) is not None
