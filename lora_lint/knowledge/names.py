"""Names of base models that mean the same one."""

from __future__ import annotations

import re

_PACKED = (
    r"(?i)(?:[-_](?:unsloth|bnb|gguf|awq|gptq|hqq|eetq|fp8|bf16|fp16|dynamic|marlin|mlx|hf|w\d+a\d+|int[48]|"
    r"(?:int)?[348][-_]?bits?))+$"
)
"""What the name of a model has at its end if its weights are stored in another form; compiled for the few runs that
compare two names, not for every lint."""


_QUANTIZED = r"(?i)[-_](?:(?:int)?[2-8][-_]?bits?|(?:mx|nv)fp4)(?![a-z0-9])"


def is_packed(name: str) -> bool:
    """Whether a model's name says that its weights are quantized: `Mistral-7B-Instruct-v0.3-4bit`,
    `gpt-oss-20b-MXFP4-Q8`."""
    return re.search(_QUANTIZED, name) is not None


def same_model(name: str, own: str) -> bool:
    """Whether two names are those of one model, by the part that survives downloading, moving, mirroring and
    quantizing."""
    return _plain_name(name) == _plain_name(own)


def same_but_for_tuning(name: str, own: str) -> bool:
    """Whether two names are those of one model or of variants of it, such as its base and what follows
    instructions."""
    return re.sub(_TUNED, "", _plain_name(name)) == re.sub(_TUNED, "", _plain_name(own))


def is_tuned_folder(name: str, published: str) -> bool:
    """Whether a folder's name says that it holds a fine-tuned model, where that of a published one does not."""
    return re.search(_TRAINED, _plain_name(name)) is not None and re.search(_TRAINED, _plain_name(published)) is None


_TRAINED = r"(?:^|[-_.])(?:sft|dpo|merged|finetuned?|fine-tuned|checkpoint-\d+)(?=[-_.]|$)"
_TUNED = r"[-_.](?:base|chat|hf|instruct|it)(?=[-_.]|$)"


def _plain_name(name: str) -> str:
    return re.sub(_PACKED, "", name.replace("\\", "/").rstrip("/").rpartition("/")[2]).lower()


_FAMILY = r"(?<![a-z])(llama|gemma|mistral|mixtral|qwen)[-_]?(\d+(?:\.\d+)?(?![\d.x]*b))?"
_SIZE = r"(?<![\d.])(\d+x\d+|\d+(?:\.\d+)?)b(?![a-z0-9])"


def tag_differs(tag: str, own: str) -> bool:
    """Whether a tag of Ollama's library (`llama3.2:1b`) and a model's name are of different families, versions or
    sizes, by what both say of them."""
    name = _plain_name(own)
    family, other = re.search(_FAMILY, tag.lower()), re.search(_FAMILY, name)
    if family is None or other is None:
        return False
    sizes = re.search(_SIZE, tag.lower()), re.search(_SIZE, name)
    said = [family.groups(), other.groups()]
    if None not in sizes:
        said = [(*each, size[1]) for each, size in zip(said, sizes, strict=True) if size is not None]
    return any(None not in pair and pair[0] != pair[1] for pair in zip(*said, strict=True))


_WITHOUT_PADDING = (
    r"(?i)(?:meta-llama|huggyllama|codellama)/(?:meta-|code)?llama-?[23]?[-.\w]*"
    r"|mistralai/mistral-7b-(?:instruct-)?v0\.[123]"
)


_WITHOUT_PAD_TOKEN = (
    r"(?i)(?:openai-community/)?gpt2(?:-medium|-large|-xl)?|(?:openai-community/|distilbert/)?distilgpt2"
    r"|eleutherai/(?:pythia-[\w.-]+|gpt-neo-[\d.]+[bm]|gpt-neox-20b|gpt-j-6b)|tiiuae/falcon-(?:7|40)b(?:-instruct)?"
    r"|microsoft/phi-(?:1_5|2)"
)


def has_no_pad_token(name: str) -> bool:
    """Whether the tokenizer of a model, as published, names no token for padding."""
    return lacks_padding(name) or re.fullmatch(_WITHOUT_PAD_TOKEN, name) is not None


def has_no_mask_token(name: str) -> bool:
    """Whether the tokenizer of a model, as published, names no token that stands for a masked one."""
    return (
        has_no_pad_token(name) or re.fullmatch(r"(?i)qwen/qwen[123][\w.-]*|microsoft/phi-[34][\w.-]*", name) is not None
    )


_UNTEMPLATED = (
    r"(?i)(?:meta-llama|nousresearch)/(?:llama-2-(?:7|13|70)b-hf|(?:meta-)?llama-3\.1-(?:8|70|405)b|llama-3\.2-[13]b)"
    r"|mistralai/mi(?:stral-7b|xtral-8x7b)-v0\.1|google/gemma-(?:[27]b|2-(?:2|9|27)b|3-(?:1|4|12|27)b-pt)"
    r"|(?:openai-community/)?gpt2(?:-medium|-large|-xl)?|facebook/opt-[\d.]+[mb]|bigscience/bloom(?:-[\w.]+)?"
    r"|eleutherai/(?:pythia-[\w.-]+|gpt-neo-[\d.]+[bm]|gpt-neox-20b|gpt-j-6b)|tiiuae/falcon-(?:7|40)b"
    r"|microsoft/phi-(?:1_5|2)|huggyllama/llama-\d+b|huggingfacetb/smollm2-(?:135m|360m|1\.7b)"
    r"|mlx-community/(?:meta-)?llama-3\.[12]-\d+b-(?:[348]bit|bf16)"
)
"""Base models of which the repositories have no template.

Read: tokenizer_config.json of tiiuae/falcon-7b and EleutherAI/pythia-70m, and what users report and maintainers confirm
of Llama 2 (modelscope/ms-swift#2831), Llama 3.2 (sgl-project/sglang#3385), Mistral 7B (vllm-project/vllm#1425), Gemma 2
(hiyouga/LlamaFactory#5904), Gemma 3 (p-e-w/heretic#281) and OPT (vllm-project/vllm#7978). GPT-2, BLOOM, GPT-Neo, GPT-J,
the first Phi and Llama are from before there were templates. Of Llama 3.1, Mixtral, Gemma 1, Phi-2, SmolLM2 and MLX's
copies no such statement was found: they are like the others of their families. So no finding is certain.
"""


def lacks_template(name: str) -> bool:
    """Whether the tokenizer of a model has no chat template, by the name of the repository: that of a base model
    which has never had one."""
    return re.fullmatch(_UNTEMPLATED, name) is not None


_STARTED_TWICE = (
    r"(?i)(?:(?:meta-llama|nousresearch)/(?:meta-)?llama-3(?:\.[123])?-\d+b(?:-vision)?-instruct"
    r"|(?:meta-llama|nousresearch)/llama-2-(?:7|13|70)b-chat(?:-hf)?"
    r"|google/(?:gemma-(?:1\.1-)?[27]b|gemma-2-(?:2|9|27)b|gemma-3-(?:1|4|12|27)b|medgemma-(?:4|27)b(?:-text)?)-it"
    r"|mistralai/mi(?:stral-7b|xtral-8x7b)-instruct-v0\.[123])"
)
"""Models whose chat templates begin with `bos_token` (unsloth 2026.10.9, chat_templates.py, has the same for Llama 2,
Llama 3, Gemma and Mistral) and whose tokenizers add it to each text (transformers 5.23.0, models/llama and gemma; that
of Llama 3 by its tokenizer.json)."""


def starts_twice(name: str) -> bool:
    """Whether a text that a model's own chat template has written gets a second start token when it is tokenized."""
    return re.fullmatch(_STARTED_TWICE, name) is not None


_UNMARKED = (
    r"Qwen/Qwen(?:1\.5|2|2\.5|3)-[\w.-]+|meta-llama/(?:Meta-)?Llama-3[\w.-]*-Instruct|google/gemma-[\w.-]+-it"
    r"|mistralai/(?:Mistral|Mixtral)-[\w.-]*Instruct[\w.-]*|microsoft/Phi-3[\w.-]*-instruct|microsoft/phi-4"
)


def marks_no_answers(name: str) -> bool:
    """Whether a published model's own chat template has no `{% generation %}` around answers, as hardly any has."""
    return re.fullmatch(_UNMARKED, name) is not None


def lacks_padding(name: str) -> bool:
    """Whether the vocabulary of a model has no token of its own for padding, by the name of the original: that of Llama
    and the first Mistral."""
    return re.fullmatch(_WITHOUT_PADDING, name) is not None
