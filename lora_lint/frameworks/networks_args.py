"""`network_args` and `optimizer_args` of the trainers of networks: names that a network ignores, and that an optimizer
does not take.

Source: sd-scripts at 48d368fa (networks/*.py, library/train_util.py, get_optimizer); musubi-tuner 0.3.4
(networks/*.py); LyCORIS 4.1.3 (kohya.py); bitsandbytes 0.49, prodigyopt 1.1.2, dadaptation 3.2, lion-pytorch 0.2.5,
torch 2.13 and transformers 5.23 (the signatures of their optimizers).
"""

from __future__ import annotations

import ast

from lora_lint.knowledge.signatures import closest
from lora_lint.readers.nodes import Scalar, Sequence
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import known
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.fields import Fields
    from lora_lint.run.problems import Problem


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERYWHERE = _names(
    "dropout rank_dropout module_dropout loraplus_lr_ratio loraplus_unet_lr_ratio loraplus_text_encoder_lr_ratio"
)
_OF_SD = {
    "lora": _names(
        "conv_dim conv_alpha block_dims block_alphas conv_block_dims conv_block_alphas block_lr_zero_threshold "
        "down_lr_weight mid_lr_weight up_lr_weight"
    ),
    "lora_flux": _names(
        "conv_dim conv_alpha network_reg_dims network_reg_lrs verbose split_qkv train_blocks train_t5xxl in_dims "
        "ggpo_beta ggpo_sigma train_double_block_indices train_single_block_indices single_dim single_mod_dim "
        "img_attn_dim txt_attn_dim img_mlp_dim txt_mlp_dim img_mod_dim txt_mod_dim"
    ),
    "lora_sd3": _names(
        "conv_dim conv_alpha split_qkv train_t5xxl emb_dims train_block_indices verbose context_attn_dim "
        "context_mlp_dim context_mod_dim x_attn_dim x_mlp_dim x_mod_dim"
    ),
    "lora_lumina": _names(
        "conv_dim conv_alpha split_qkv train_blocks embedder_dims verbose attn_dim mlp_dim mod_dim refiner_dim"
    ),
    "lora_anima": _names(
        "network_reg_dims network_reg_lrs verbose exclude_patterns include_patterns train_llm_adapter"
    ),
    "lora_hunyuan_image": _names(
        "conv_dim conv_alpha network_reg_dims network_reg_lrs verbose split_qkv ggpo_beta ggpo_sigma"
    ),
}
_OF_MUSUBI = _names("conv_dim conv_alpha exclude_patterns include_patterns verbose")
"""What its networks take, all through networks/lora.py."""
_LYCORIS = _EVERYWHERE | _names(
    "conv_dim conv_alpha algo preset factor block_size constraint rescaled dora_wd use_tucker use_cp use_conv_cp "
    "disable_conv_cp use_scalar train_norm decompose_both bypass_mode rs_lora weight_decompose wd_on_output "
    "full_matrix unbalanced_factorization train_t5xxl train_llm_adapter"
)
_EVERY_NETWORK = _LYCORIS.union(*_OF_SD.values(), _OF_MUSUBI)

_IN_8_BITS = _names("betas weight_decay args min_8bit_size percentile_clipping block_wise is_paged")
_ADAMS = _IN_8_BITS | _names("eps amsgrad optim_bits")
_ADAPTED = _names("weight_decay log_every d0 growth_rate fsdp_in_use")
_OPTIMIZERS = {
    "adamw": _names("betas eps weight_decay amsgrad maximize foreach capturable differentiable fused"),
    **dict.fromkeys(("adamw8bit", "pagedadamw8bit", "pagedadamw", "pagedadamw32bit"), _ADAMS),
    **dict.fromkeys(("lion8bit", "pagedlion8bit"), _IN_8_BITS),
    "lion": _names("betas weight_decay use_triton decoupled_weight_decay cautious_factor cautious_wd"),
    "adafactor": _names("eps clip_threshold decay_rate beta1 weight_decay scale_parameter relative_step warmup_init"),
    "prodigy": _names(
        "betas beta3 eps weight_decay decouple use_bias_correction safeguard_warmup d0 d_coef growth_rate fsdp_in_use "
        "slice_p"
    ),
    "dadaptadam": _ADAPTED | _names("betas eps decouple use_bias_correction"),
    "dadaptlion": _ADAPTED | {"betas"},
    "dadaptsgd": _ADAPTED | {"momentum"},
}
_EVERY_OPTIMIZER = frozenset[str]().union(*_OPTIMIZERS.values())
_TUPLES = ("betas", "eps", "etas", "step_sizes")
"""Arguments that are several numbers; those of Adafactor are two."""
_NEAR = 0.85
_HOMES = {
    **dict.fromkeys(_LYCORIS - {"dropout", "constraint", "rescaled", "train_t5xxl"}, "network_args"),
    **dict.fromkeys(
        _names("block_dims block_alphas conv_block_dims conv_block_alphas train_blocks split_qkv"), "network_args"
    ),
    **dict.fromkeys(
        _names("weight_decay betas d_coef decouple use_bias_correction safeguard_warmup")
        | _names("relative_step scale_parameter warmup_init"),
        "optimizer_args",
    ),
}
"""Where arguments belong that are no options of any of the scripts."""


def problems(fields: Fields) -> Iterator[Problem]:
    """Names among the arguments of the network and the optimizer that have no effect or stop it, numbers that a comma
    makes tuples, and arguments that are given as options."""
    yield from _of_network(fields)
    yield from _of_optimizer(fields)
    yield from _as_options(fields)


def _as_options(fields: Fields) -> Iterator[UnknownKey]:
    """Arguments beside those that are given where they belong. A file's are taken for options that the script does not
    ask for; the GUI has settings of these names."""
    if not fields.has("network_module"):
        return
    for entry in fields.mapping.entries:
        key = str(entry.key.value)
        home = _HOMES.get(key)
        if home is None or not isinstance(entry.value, Scalar) or entry.value.value in (None, ""):
            continue
        if not any(name == key for name, _, _ in arguments(fields, home)):
            in_file = entry.key.span.path.endswith(".toml")
            instead = f'Write it as `{home} = ["{key}=…"]`' if in_file else f'Write it as `--{home} "{key}=…"`'
            consequence = "is not read" if in_file else "stops it with an error"
            yield UnknownKey(key, entry.key.span, "the script", (), consequence, instead)


def _of_network(fields: Fields) -> Iterator[Problem]:
    module = known(fields.text("network_module")) or ""
    takes = _names_of(str(module), fields.mapping.entry("dit") is not None)
    for name, text, span in arguments(fields, "network_args"):
        if name in ("exclude_patterns", "include_patterns") and name in takes and not _is_list(text):
            expected = "a Python list of texts, such as ['.*img_mod.*'], and stops"
            yield InvalidValue(name, text, span, str(module), expected)
        if not takes or name in takes:
            continue
        near = closest(name, takes, _NEAR)
        if near or name in _EVERY_NETWORK:
            instead = "It is one of LyCORIS" if name in _LYCORIS else "It is one of another network"
            yield UnknownKey(name, span, f"`{module}`", near if name not in _EVERY_NETWORK else (), instead=instead)


def _names_of(module: str, is_musubi: bool) -> frozenset[str]:
    """The names that a network takes; none if that is not known."""
    library, _, name = module.rpartition(".")
    if library != "networks":
        return frozenset()  # LyCORIS hands further names on to its modules
    found = (_OF_MUSUBI if name.startswith("lora") else None) if is_musubi else _OF_SD.get(name)
    return found | _EVERYWHERE if found else frozenset()


def _of_optimizer(fields: Fields) -> Iterator[Problem]:
    kind = str(known(fields.text("optimizer_type")) or known(fields.text("optimizer")) or "").rpartition(".")[2]
    takes = _OPTIMIZERS.get(kind.lower(), frozenset())
    for name, text, span in arguments(fields, "optimizer_args"):
        if name not in _TUPLES and text.rstrip().endswith(",") and _is_single(text):
            expected = "a number or True or False without a comma, which makes a tuple of it"
            yield InvalidValue(name, text, span, kind or "the optimizer", expected)
        if not takes or name in takes:
            continue
        near = closest(name, takes, _NEAR)
        if near or name in _EVERY_OPTIMIZER:
            meant = near if name not in _EVERY_OPTIMIZER else ()
            yield UnknownKey(name, span, f"`{kind}`", meant, "raises a TypeError", "Leave it out")


def arguments(fields: Fields, key: str) -> Iterator[tuple[str, str, Span]]:
    """The name, the value and the place of each `name=value`; the GUI has all in one text."""
    node = fields.node(key)
    for item in node.items if isinstance(node, Sequence) else (node,):
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            continue
        several = item is node and " " in item.value
        for text in item.value.replace('"', "").split() if several else (item.value,):
            name, sign, value = text.partition("=")
            if sign:
                yield name.strip(), value.strip(), _place(item, name)


def _place(item: Scalar, name: str) -> Span:
    """Where a name is written, if it is written as it is."""
    at = item.raw.find(name)
    start = item.span.start + (1 if item.quoted else 0) + len(item.raw[:at].encode())
    end = start + len(name.encode())
    return Span(item.span.path, start, end) if at >= 0 and end <= item.span.end else item.span


def _is_list(text: str) -> bool:
    try:
        return isinstance(ast.literal_eval(text), list)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False


def _is_single(text: str) -> bool:
    """Whether a text is a tuple of one."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return isinstance(value, tuple) and len(value) == 1
