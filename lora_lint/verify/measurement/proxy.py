"""A sized-down model of the same family with random weights, for when the real one does not fit or is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.verify.configs import config_of
from lora_lint.verify.experiment import Skip
from lora_lint.verify.weights import automatic, completed, in_one_line, quiet

if TYPE_CHECKING:
    from lora_lint.run.run import Run

_LAYERS, _HIDDEN, _HEADS, _PAIRS, _INNER, _VOCABULARY, _EXPERTS = 3, 128, 4, 2, 352, 512, 4
_SIZES: dict[str, int] = {
    "num_hidden_layers": _LAYERS,
    "num_layers": _LAYERS,
    "num_decoder_layers": _LAYERS,
    "encoder_layers": _LAYERS,
    "decoder_layers": _LAYERS,
    "n_layer": _LAYERS,
    "n_layers": _LAYERS,
    "depth": _LAYERS,
    "hidden_size": _HIDDEN,
    "d_model": _HIDDEN,
    "n_embd": _HIDDEN,
    "dim": _HIDDEN,
    "word_embed_proj_dim": _HIDDEN,
    "hidden_size_per_layer_input": 32,
    "num_attention_heads": _HEADS,
    "num_heads": _HEADS,
    "n_head": _HEADS,
    "n_heads": _HEADS,
    "encoder_attention_heads": _HEADS,
    "decoder_attention_heads": _HEADS,
    "num_key_value_heads": _PAIRS,
    "num_kv_heads": _PAIRS,
    "head_dim": _HIDDEN // _HEADS,
    "d_kv": _HIDDEN // _HEADS,
    "global_head_dim": _HIDDEN // _HEADS,
    "query_pre_attn_scalar": _HIDDEN // _HEADS,
    "intermediate_size": _INNER,
    "d_ff": _INNER,
    "n_inner": _INNER,
    "ffn_dim": _INNER,
    "ffn_hidden_size": _INNER,
    "pooler_hidden_size": _HIDDEN,
    "rotary_dim": _HIDDEN // _HEADS,
    "hidden_dim": _INNER,
    "encoder_ffn_dim": _INNER,
    "decoder_ffn_dim": _INNER,
    "moe_intermediate_size": _INNER // 2,
    "shared_expert_intermediate_size": _INNER // 2,
    "num_experts": _EXPERTS,
    "num_local_experts": _EXPERTS,
    "n_routed_experts": _EXPERTS,
    "vocab_size": _VOCABULARY,
    "vocab_size_per_layer_input": _VOCABULARY,
    "embedding_size": _HIDDEN,
    "q_lora_rank": 64,
    "kv_lora_rank": 64,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 32,
    "qk_head_dim": 64,
    "v_head_dim": 32,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_kv_shared_layers": 0,
    "attention_hidden_size": _HIDDEN,
    "state_size": 16,
}
"""The names of sizes, and what they shrink to; a smaller size stays."""
_EXPERTS_A_TOKEN = ("num_experts_per_tok", "top_k_experts", "moe_topk")
_PARTS = ("text_config", "vision_config", "audio_config", "encoder", "decoder")
_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "decoder_start_token_id", "image_token_id")


def sized_down(run: Run, name: str) -> Any:
    """The config of the family's small model. Raises Skip where the family is not known."""
    return shrink(config_of(run, name).config)


def shrink(config: Any) -> Any:
    """A copy of a config with few layers, narrow and with a small vocabulary; everything else stays, and with it the
    names of the modules."""
    fields = _shrunk(config.to_dict())
    fields.pop("quantization_config", None)
    try:
        return type(config).from_dict(fields)
    except Exception as error:  # each family validates its fields in its own way
        raise Skip(f"a sized-down {config.model_type} cannot be made: {in_one_line(error)}") from error


def _shrunk(fields: dict[str, Any]) -> dict[str, Any]:
    small = dict(fields)
    for key, value in fields.items():
        if key in _PARTS and isinstance(value, dict):
            small[key] = _shrunk(value)
        elif key in _SIZES and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            small[key] = min(value, _SIZES[key])
        elif key in _EXPERTS_A_TOKEN and isinstance(value, int):
            small[key] = min(value, 2)
        elif key in _TOKENS:
            small[key] = 0 if isinstance(value, int) else [0] if isinstance(value, list) else value
        elif key == "layer_types" and isinstance(value, list):
            small[key] = _kinds(value)
        elif key in ("mlp_layer_types", "block_types", "layers_block_type", "attention_layers") and isinstance(
            value, list
        ):
            small[key] = value[:_LAYERS]
        elif key == "attention_types" and isinstance(value, list):
            small[key] = [[["global"], _LAYERS]]
    # As many key-value heads as query heads where the model has as many (no grouped queries).
    if fields.get("num_key_value_heads") == fields.get("num_attention_heads") and "num_key_value_heads" in fields:
        small["num_key_value_heads"] = small["num_attention_heads"]
    for key in ("rope_scaling", "rope_parameters"):
        rope = fields.get(key)
        if isinstance(rope, dict):
            small[key] = _rope(rope)
    return small


def _rope(rope: dict[str, Any]) -> dict[str, Any]:
    """Position settings for the small heads: sections that add up to half a head; factors made for one head size are
    dropped."""
    sections = rope.get("mrope_section")
    if isinstance(sections, list) and sections:
        half, whole = _HIDDEN // _HEADS // 2, sum(sections)
        scaled = [each * half // whole for each in sections]
        return {**rope, "mrope_section": [half - sum(scaled[1:]), *scaled[1:]]}
    if "long_factor" in rope or "short_factor" in rope:
        return {"rope_type": "default", "rope_theta": rope.get("rope_theta", 10_000.0)}
    return rope


def _kinds(kinds: list[Any]) -> list[Any]:
    """A few layers, with every kind of layer among them."""
    different = list(dict.fromkeys(kinds))[:_LAYERS]
    return [*kinds[: _LAYERS - len(different)], *different] if len(different) > 1 else kinds[:_LAYERS]


def build(config: Any, head: str, device: str) -> Any:
    """The small model with random weights, the same every time. Raises Skip."""
    import torch

    torch.manual_seed(0)
    try:
        with quiet():
            model = automatic(head).from_config(config, trust_remote_code=False)
    except Exception as error:  # a size that does not fit another one
        raise Skip(f"a sized-down {config.model_type} cannot be made: {in_one_line(error)}") from error
    return completed(model.float().to(device), head)
