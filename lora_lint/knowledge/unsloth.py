"""How unsloth changes target modules before PEFT sees them."""

from __future__ import annotations

import re
from collections import Counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lora_lint.knowledge.modules import Module, Parameter

PARTS = ("vision_layers", "language_layers", "attention_modules", "mlp_modules")
"""What `FastModel.get_peft_model` adapts, each with a flag `finetune_…` that is on by default."""
_TAGS = {
    "vision_layers": ("vision", "image", "visual", "patch"),
    "language_layers": ("language", "text"),
    "attention_modules": ("self_attn", "attention", "attn", "mixer"),
    "mlp_modules": ("mlp", "feed_forward", "ffn", "dense", "mixer"),
}
"""Part -> words of which one must be in a module's path."""
_CODECS = "codec_model|audio_tokenizer|acoustic_tokenizer|semantic_tokenizer"
_EMBEDDERS = (
    r"\bembed_vision\.embedding_projection",
    r"\bvision_embedder\.patch_dense",
    r"\bvision_tower\.patch_embedder\.input_proj",
)
"""Flat layers in Gemma's vision towers, adapted with the vision layers and the MLPs."""
_OTHERWISE = re.compile(r"mamba|falcon_h1|nemotron_h|omni|zamba|bamba")
"""Model types whose layers it chooses by further rules."""

_EMBEDDINGS = ("embed_tokens", "lm_head")
_PARTS = {
    "gate_proj": ("gate_up_proj", "gate_proj"),
    "up_proj": ("gate_up_proj", "up_proj"),
    "gate_up_proj": ("gate_up_proj",),
    "down_proj": ("down_proj",),
}
"""Target names -> the expert parameters that they reach, the first that exists."""


def expert_parameters(entries: Sequence[str], parameters: Sequence[Parameter]) -> Mapping[str, str]:
    """The entries that reach the fused experts, each with the `target_parameters` name that unsloth makes of it.

    Source: unsloth 2026.10.9, models/_utils.py, `get_moe_target_parameters`.
    """
    experts = {
        f"{'mlp.' if record.owner.endswith('mlp.experts') else ''}experts.{record.name}"
        for record in parameters
        if record.owner.rpartition(".")[2] == "experts"
    }
    found: dict[str, str] = {}
    for entry in entries:
        names = [f"{owner}.{name}" for name in _PARTS.get(entry, ()) for owner in ("mlp.experts", "experts")]
        reached = next((name for name in names if name in experts), None)
        if reached is not None:
            found[entry] = reached
    return found


def redirected(entries: Sequence[str], saved: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left of a list of targets, and the modules to save with those that it moves there: it trains the input
    embedding and the head whole, never as LoRA.

    Source: unsloth 2026.10.9, models/_utils.py, `_redirect_embedding_targets`.
    """
    moved = [entry for entry in dict.fromkeys(entries) if entry.rpartition(".")[2] in _EMBEDDINGS]
    return tuple(entry for entry in entries if entry not in moved), tuple(dict.fromkeys((*saved, *moved)))


def chosen(parts: Collection[str], modules: Sequence[Module], model_type: str) -> str | None:
    """The regex by which unsloth's FastModel and FastVisionModel choose the targets where none are given: every linear
    layer in the parts of the model that are asked for; None where it is not known.

    Source: unsloth 2026.10.9, models/vision.py, and unsloth_zoo 2026.10.9, peft_utils.py (get_peft_regex).
    """
    if _OTHERWISE.search(model_type):
        return None
    linear = [module.path for module in modules if module.kind == "Linear"]
    regions = [word for part in PARTS[:2] if part in parts for word in _TAGS[part]]
    blocks = "|".join(word for part in PARTS[2:] if part in parts for word in _TAGS[part])
    names = "|".join(map(re.escape, _repeated(linear)))
    if not regions or not blocks or not names:
        return None
    regex = rf".*?(?:{'|'.join(regions)}).*?(?:{blocks}).*?\.(?:{names})"
    if "language_layers" in parts:
        regex = rf"(?:{regex})|(?:\bmodel\.layers\.[\d]{{1,}}(?!.*\.experts\.\d)\..*?(?:{blocks}).*?\.(?:{names}))"
    if model_type.startswith(("gemma4", "gemma3n")) and {"vision_layers", "mlp_modules"} <= set(parts):
        ends = [rf".*?{embedder}{end}" for embedder in _EMBEDDERS for end in (r"\.linear", "")]
        regex = "|".join([f"(?:{regex})", *(f"(?:{each})" for each in ends if _any(each, linear))])
    if not _any(regex, linear):
        regex = rf"(?!(?:.*\.)?(?:{_CODECS})\.).*?(?:{blocks}).*?\.(?:{names})"
    experts = {path.rpartition(".experts")[0] for path in (module.path for module in modules) if ".experts" in path}
    routers = [path for path in linear if path.endswith(".gate") and path.removesuffix(".gate") in experts]
    return rf"(?!(?:{'|'.join(map(re.escape, routers))})$)(?:{regex})" if routers else regex


def _repeated(linear: Sequence[str]) -> list[str]:
    """The last names of linear layers without those that a model has once (heads), and without routers."""
    counts = Counter(path.rpartition(".")[2] for path in linear)
    stacked = {path.rpartition(".")[2] for path in linear if re.search(r"\.\d+\.", path)}
    return [name for name, count in counts.items() if name != "router" and (count != 1 or name in stacked)]


def _any(regex: str, paths: Sequence[str]) -> bool:
    compiled = re.compile(regex)
    return any(compiled.fullmatch(path) for path in paths)
