"""Gives the same generated settings to `get_peft_model` on tiny models and to lora-lint, and lists where they disagree.

    python scripts/compare_on_models.py [COUNT [SEED]]

Each model has two layers, and its config is in a folder that lora-lint reads its modules from. What PEFT refuses has to
be an error of lora-lint, and what it takes must be none of LL902 and LL904. What rests on the widths of layers, on
packages or on earlier calls of the program is counted apart. The result is printed as JSON, as by
compare_frameworks.py; the exit status is 1 if there is a disagreement.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.discovery import Found  # noqa: E402
from lora_lint.frameworks import refusals  # noqa: E402
from lora_lint.linting.checker import Checker  # noqa: E402
from lora_lint.settings import Settings  # noqa: E402
from scripts.compare_refusals import ADAPTERS, IMPORTS  # noqa: E402

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from scripts.compare_refusals import Pool


class Tiny(NamedTuple):
    """A model: what loads it, its class, its sizes, and names of modules in it: the first are linear layers."""

    loader: str
    made: str
    sizes: dict[str, Any]
    names: tuple[str, ...]


_NARROW = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_DECODER = {**_NARROW, "num_key_value_heads": 2, "vocab_size": 100}
_CAUSAL = "AutoModelForCausalLM"
MODELS = {
    "llama": Tiny(_CAUSAL, "LlamaForCausalLM", _DECODER, ("q_proj", "down_proj", "embed_tokens", "norm")),
    "mixtral": Tiny(_CAUSAL, "MixtralForCausalLM", _DECODER, ("q_proj", "gate", "w1", "lm_head")),
    "gpt2": Tiny(
        *(_CAUSAL, "GPT2LMHeadModel", {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100}),
        ("c_attn", "c_proj", "wte", "ln_1"),
    ),
    "bert": Tiny(
        *("AutoModelForSequenceClassification", "BertForSequenceClassification"),
        {**_NARROW, "vocab_size": 100},
        ("query", "dense", "word_embeddings", "LayerNorm"),
    ),
    "t5": Tiny(
        *("AutoModelForSeq2SeqLM", "T5ForConditionalGeneration"),
        {"d_model": 64, "d_ff": 128, "num_layers": 2, "num_heads": 4, "d_kv": 16, "vocab_size": 100},
        ("q", "wi", "shared", "SelfAttention"),
    ),
    "vit": Tiny(
        *("AutoModelForImageClassification", "ViTForImageClassification"),
        {**_NARROW, "image_size": 32, "patch_size": 16},
        ("q_proj", "fc1", "projection", "layernorm"),
    ),
    "whisper": Tiny(
        *("AutoModelForSpeechSeq2Seq", "WhisperForConditionalGeneration"),
        dict.fromkeys(("encoder_layers", "decoder_layers"), 2)
        | dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 128)
        | dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4)
        | {"d_model": 64, "vocab_size": 100, "pad_token_id": 0},
        ("q_proj", "fc1", "conv1", "embed_positions"),
    ),
}
OF_LORA_ALONE = "mixtral"
"""Its experts are layers or parameters by the version of transformers, and the latter for LoRA alone."""
TARGETED = [kind for kind in ADAPTERS if kind not in ("PromptTuningConfig", "ShadowConfig")]
"""The methods whose targets are layers of the model; a shadow may be another model, which would be loaded."""
UNDECIDED = (
    *("divisible", "n_frequency", "multiple of", "larger than", "more shira params", "less than or equal"),
    *("must be smaller", "exceeds", "same size", "factor of the"),  # the widths of layers
    *("No module named", "preprocess_corda", "lora_ga_config"),  # packages, and what the program does before
)
"""What errors say that are not decided by the settings and the kinds of layers."""


def generated(random_: random.Random) -> tuple[str, str]:
    """A call of a config class whose targets are those of a model, and the model's type."""
    kind = random_.choice([*TARGETED, *["LoraConfig"] * 10])
    model = random_.choice([each for each in MODELS if kind == "LoraConfig" or each != OF_LORA_ALONE])
    names = MODELS[model].names
    lists = tuple(f"[{', '.join(map(repr, names[:count]))}]" for count in range(1, len(names) + 1))
    strings = (f"'.*{names[0]}'", "'all-linear'", "['absent']", f"'{names[0]}'", "None")
    pool: Pool = {**ADAPTERS[kind], "target_modules": (*lists, *strings)}
    if kind == "LoraConfig":
        pool["modules_to_save"] = ("None", f"['{names[0]}']", "['layers']")
        pool["trainable_token_indices"] = ("None", "[0, 1]")
    if "layers_to_transform" in pool:
        pool["layers_to_transform"] = ("None", "[0, 1]", "1", "[7]")
    others = [key for key in pool if key != "target_modules"]
    keywords = random_.sample(others, min(random_.randint(0, 4), len(others)))
    if kind == "AdaLoraConfig" and "total_step" not in keywords:
        keywords.append("total_step")
    own = [f"{keyword}={random_.choice(pool[keyword])}" for keyword in ("target_modules", *keywords)]
    return f"{kind}({', '.join(own)})", model


@cache
def made(model: str) -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    config = transformers.AutoConfig.for_model(model, **MODELS[model].sizes)
    return getattr(transformers, MODELS[model].loader).from_config(config)


@cache
def folder(model: str) -> Path:
    """A folder with the config of a model."""
    place = Path(tempfile.mkdtemp())
    document = {"model_type": model, "architectures": [MODELS[model].made], **MODELS[model].sizes}
    (place / "config.json").write_text(json.dumps(document), encoding="utf-8")
    return place


def refused_by_peft(call: str, model: str) -> str | None:
    """What PEFT says when it refuses a call; None if it takes it."""
    import peft
    from peft.tuners.lora.config import CordaConfig

    base = copy.deepcopy(made(model))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peft.get_peft_model(base, eval(call, {**vars(peft), "CordaConfig": CordaConfig}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def errors(call: str, model: str, checker: Checker) -> list[Finding]:
    """The errors that lora-lint finds in a program that makes the call."""
    loader = MODELS[model].loader
    program = (
        f"{IMPORTS}from transformers import {loader}\n"
        f"model = {loader}.from_pretrained({folder(model).as_posix()!r})\n"
        f"config = {call}\nmodel = get_peft_model(model, config)\n"
    )
    kind: Any = "python"
    result = checker.check(Found("train.py", kind, program.encode(), True))
    return [each for each in result.findings if each.level == "error"]


def compared(count: int, seed: int) -> dict[str, Any]:
    random_, checker = random.Random(seed), Checker(Settings())
    refused = undecided = 0
    found = []
    for _ in range(count):
        call, model = generated(random_)
        why, told = refused_by_peft(call, model), errors(call, model, checker)
        refused += why is not None
        ours = [each for each in told if each.code in ("LL902", "LL904")]
        if why is not None and not told:
            if any(words in why for words in UNDECIDED):
                undecided += 1
            else:
                found.append(f"{model}, {call}: it is refused ({why[:300]}), and lora-lint says nothing")
        elif ours and why is None:
            found.append(f"{model}, {call}: it is taken, and lora-lint says {ours[0].code}: {ours[0].message}")
    table = refusals.table("peft")
    assert table is not None
    name = f"{table.title} {table.version}, get_peft_model"
    return {"framework": name, "files": count, "refused": refused, "machine": undecided, "disagreements": found}


def main(arguments: list[str]) -> int:
    count, seed = map(int, (*arguments, *("500", "0")[len(arguments) :]))
    result = compared(count, seed)
    print(json.dumps(result, indent=1))
    return int(bool(result["disagreements"]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
