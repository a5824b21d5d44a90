"""LLaMA-Factory's templates: the closed list that `template` names one of.

Source: data/template.py of the releases 0.7.1 to 0.9.5, and of ff6d4d12. An unknown name raises "Template … does not
exist" (get_template_and_fix_tokenizer), once the tokenizer is loaded.
"""

from __future__ import annotations

import re

from lora_lint.frameworks.vocabulary import Vocabulary

_ADDED = {
    "0.7.1": (
        "alpaca breeze chatglm3 chatml chatml_de cohere dbrx deepseek deepseekcoder default empty falcon fewshot gemma "
        "intern2 llama2 llama2_zh llama3 mistral olmo openchat phi qwen solar starchat vicuna xuanyuan yi yi_vl yuan "
        "zephyr"
    ),
    "0.8.0": "glm4 openchat-3.6",
    "0.9.0": "llava paligemma qwen2_vl sailor",
    "0.9.1": (
        "exaone index llava_next llava_next_llama3 llava_next_mistral llava_next_qwen llava_next_video "
        "llava_next_video_mistral llava_next_video_yi llava_next_yi mllama opencoder phi_small pixtral video_llava"
    ),
    "0.9.2": (
        "bailing deepseek3 granite3 minicpm_o minicpm_v ministral mistral_small moonlight paligemma_chat phi4 "
        "qwen2_audio telechat2"
    ),
    "0.9.3": (
        "cpm4 deepseekr1 gemma3 glmz1 granite3_vision hunyuan intern_vl kimi_vl llama4 mimo mimo_vl qwen2_omni qwen3 "
        "seed_coder smollm smollm2"
    ),
    "0.9.4": (
        "bailing_v2 dots_ocr ernie ernie_nothink ernie_vl falcon_h1 gemma2 gemma3n glm4_5v glm4_moe glm4v gpt_oss "
        "granite4 intern_s1 keye_vl mimo_v2 minimax1 minimax2 ministral3 qwen3_nothink qwen3_omni qwen3_omni_nothink "
        "qwen3_vl qwen3_vl_nothink seed_oss"
    ),
    "0.9.5": (
        "aeva gemma4 gemma4n glm4_7 glm_ocr hunyuan_small hy3 lfm2 lfm2_vl minicpm_v_4_6 phi4_mini qwen3_5 "
        "qwen3_5_nothink qwen3_6 youtu youtu_vl"
    ),
    "0.9.6": "hy_dense_1_8b hy_dense_7b moss_vl",  # in the repository, not released yet
}
"""The templates by the first release that has them; 0.7.1 is the oldest that was read."""
_SINCE = {name: tuple(map(int, release.split("."))) for release, names in _ADDED.items() for name in names.split()}
TEMPLATES = Vocabulary(
    "the name of one of its templates (data/template.py), else it stops once the tokenizer is loaded",
    frozenset(_SINCE),
    {
        **dict.fromkeys(("qwen15", "qwen2", "qwen25", "qwen25coder", "qwen25math", "qwen25instruct"), "qwen"),
        **dict.fromkeys(("qwen25vl", "qwen2vl7b"), "qwen2_vl"),
        "qwen25omni": "qwen2_omni",
        **dict.fromkeys(("llama31", "llama32", "llama33", "llama3instruct", "llama3chat"), "llama3"),
        **dict.fromkeys(("llama32vision", "llama3vision", "llama3vl"), "mllama"),
        **dict.fromkeys(("phi3", "phi35", "phi3mini"), "phi"),
        **dict.fromkeys(("deepseekv3", "deepseekv31"), "deepseek3"),
        **dict.fromkeys(("deepseekv2", "deepseekv25"), "deepseek"),
        **dict.fromkeys(("internvl2", "internvl25", "internvl3", "internvl35"), "intern_vl"),
        **dict.fromkeys(("internlm2", "internlm25"), "intern2"),
        **dict.fromkeys(("chatglm4", "glm4chat"), "glm4"),
        "gpt": "gpt_oss",
    },
    gone=dict.fromkeys(
        (
            "aquila atom baichuan baichuan2 belle bluelm chatglm2 codegeex2 codegeex4 cpm cpm3 intern marco orion "
            "skywork_o1 telechat xverse yayi ziya"
        ).split(),
        (0, 9, 5),
    )
    | {"chatglm3_system": (0, 8, 3)},
    since={name: version for name, version in _SINCE.items() if version > (0, 7, 1)},
)
_OF_FAMILY = {
    "qwen": ("qwen", "qwen3", "qwen3_nothink"),
    "llama3": ("llama3",),
    "gemma": ("gemma", "gemma2", "gemma3"),
    "phi": ("phi", "phi_small", "phi4", "phi4_mini"),
}
"""The templates that are made of a family's own tokens."""
_FAMILIES = {
    r"Qwen/Qwen(?:1\.5|2|2\.5|3)-(?:Coder-|Math-)?[\d.]+B(?:-A[\d.]+B)?(?:-(?:Instruct|Chat)(?:-2507)?)?": "qwen",
    r"meta-llama/(?:Meta-)?Llama-3(?:\.[1-3])?-\d+B(?:-Instruct)?": "llama3",
    r"google/gemma-(?:1\.1-|2-|3-)?\d+b-it": "gemma",
    r"mistralai/(?:Mistral-7B|Mixtral-8x\d+B)-Instruct-v0\.\d": "mistral",
    r"meta-llama/Llama-2-\d+b-chat-hf|(?:codellama|meta-llama)/CodeLlama-\d+b-Instruct-hf": "llama2",
}
"""The names that models were published under, and their families."""
_FULL = ("mistral", "llama2")
"""Families whose embeddings have no row beyond their tokenizer's own tokens."""
_UNTRAINED = "it does not learn to stop"
_BASE = r"meta-llama/(?:Meta-)?Llama-3(?:\.[12])?-\d+B"
"""Base models that have a template's tokens, but were never trained with them."""


def unfit(template: str, model: str) -> str | None:
    """What a template should be instead, if it is of tokens that a model lacks or has not been trained with."""
    family = next((family for name, family in _FAMILIES.items() if re.fullmatch(name, model)), None)
    of = next((family for family, names in _OF_FAMILY.items() if template in names), None)
    if family is None or of is None:
        return None
    if of != family:
        own = "qwen3" if model.startswith("Qwen/Qwen3-") else family
        harm = "they are added without embeddings, and training stops at the first" if family in _FULL else _UNTRAINED
        return f"`{own}` for {model}, which has none of the tokens of `{template}`: {harm}"
    if template == "llama3" and re.fullmatch(_BASE, model):
        return (
            f"`default` for {model}, which has never been trained with the tokens of `{template}`, and the adapter "
            f"freezes them: {_UNTRAINED}. Or take the Instruct model"
        )
    return None
