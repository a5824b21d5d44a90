"""musubi-tuner 0.3.4 at 30c658c (2026-06-24): what its `*_train_network.py` refuse before they train.

A config file is read before the options of the command, which may add to it and override it.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_BASE = "training/trainer_base.py"
_FREE = "optimizer_type is not None and ends(lower(optimizer_type), 'schedulefree')"
_BLOCKS = {
    **dict.fromkeys(("hv", "hv_1_5"), ("networks.lora", "networks.lora_hv_1_5")),
    "wan": ("networks.lora_wan",),
    "fpack": ("networks.lora_framepack",),
    **dict.fromkeys(("flux_kontext", "flux_2"), ("networks.lora_flux", "networks.lora_flux_2")),
    "zimage": ("networks.lora_zimage",),
    "qwen_image": ("networks.lora_qwen_image",),
    "ideogram4": ("networks.lora_ideogram4",),
    "kandinsky5": ("networks.lora_kandinsky",),
}
"""The networks for the blocks of each script's model (`script_of`, which the command gives). Those of HiDream and
Krea 2 look for layers that other models have too."""
_NETWORKS = tuple(dict.fromkeys(network for networks in _BLOCKS.values() for network in networks))
_OWN = {"hv_1_5": "networks.lora_hv_1_5", "flux_2": "networks.lora_flux_2"}
"""The one of two that is meant for a script's model, if it is not the first."""
_FOR_ANOTHER = tuple(
    Refusal(
        "network_module",
        f"script_of == '{model}' and network_module in {_NETWORKS} and network_module not in {(*networks, '')}",
        "it adapts blocks that this model does not have, so that no LoRA module is found",
        f"Set `network_module = '{_OWN.get(model, networks[0])}'`",
        "networks/lora.py:740",
        late=True,
        sets=(("network_module", _OWN.get(model, networks[0])),),
    )
    for model, networks in _BLOCKS.items()
)
_ROWS = (
    *_FOR_ANOTHER,
    Refusal(
        "sage_attn",
        "sage_attn",
        "SageAttention cannot train",
        "Set `sdpa = true` in its place",
        f"{_BASE}:1401",
    ),
    Refusal(
        "fp8_scaled",
        "fp8_scaled and fp8_base == False",
        "it needs `fp8_base`",
        "Set `fp8_base = true`",
        f"{_BASE}:1398",
        ("fp8_base",),
        sets=(("fp8_base", True),),
    ),
    Refusal(
        "fp8_scaled",
        "fp8_scaled and fp8_base is None",
        "it needs `fp8_base`",
        "Set `fp8_base = true`",
        f"{_BASE}:1398",
        likely=True,
        sets=(("fp8_base", True),),
    ),
    Refusal(
        "lr_warmup_steps",
        f"lr_warmup_steps > 0 and lr_scheduler == 'constant' and not lr_scheduler_type and not ({_FREE})",
        "a constant rate has no warm-up",
        "Set `lr_scheduler = 'constant_with_warmup'`, or leave it out",
        f"{_BASE}:310",
        ("lr_scheduler",),
        late=True,
    ),
    Refusal(
        "lr_warmup_steps",
        f"lr_warmup_steps > 0 and lr_scheduler is None and not lr_scheduler_type and not ({_FREE})",
        "the rate is constant by default, and has no warm-up",
        "Set `lr_scheduler = 'constant_with_warmup'`, or leave it out",
        f"{_BASE}:310",
        late=True,
        likely=True,
    ),
    Refusal(
        "lr_scheduler",
        "starts(lr_scheduler, 'adafactor') and optimizer_type is not None and lower(optimizer_type) != 'adafactor'"
        f" and not lr_scheduler_type and not ({_FREE})",
        "only Adafactor has this schedule",
        "Set `optimizer_type = 'Adafactor'`, or take another schedule",
        f"{_BASE}:328",
        ("optimizer_type",),
        late=True,
    ),
    Refusal(
        "log_with",
        "log_with in ('tensorboard', 'all') and logging_dir is None",
        "TensorBoard needs `logging_dir`",
        "Set it",
        "training/accelerator_setup.py:68",
        likely=True,
    ),
    Refusal(
        "offload_inactive_dit",
        "offload_inactive_dit and dit_high_noise is not None and blocks_to_swap > 0",
        "blocks are not swapped where the inactive model is offloaded",
        "Leave it out, or `blocks_to_swap`",
        "wan_train_network.py:84",
        ("blocks_to_swap",),
    ),
    Refusal(
        "fp8_base",
        "network_module == 'networks.lora_krea2' and fp8_base and not fp8_scaled",
        "Krea 2 is quantized with scales only",
        "Set `fp8_scaled = true`",
        "krea2_train_network.py:75",
        ("network_module", "fp8_scaled"),
        likely=True,
        sets=(("fp8_scaled", True),),
    ),
    Refusal(
        "turbo_dit_cache",
        "turbo_dit_cache and not turbo_dit",
        "it keeps the weights of `turbo_dit`, which is missing",
        "Name them there, or leave it out",
        "krea2_train_network.py:81",
        likely=True,
    ),
    Refusal(
        "vae_dtype",
        "network_module == 'networks.lora_framepack' and vae_dtype is not None and vae_dtype != 'float16'",
        "FramePack's VAE computes in float16",
        "Leave it out",
        "fpack_train_network.py:627",
        ("network_module",),
        drop=True,
    ),
    Refusal(
        "remove_first_image_from_target",
        "network_module == 'networks.lora_qwen_image' and remove_first_image_from_target and model_version is not None"
        " and model_version != 'layered'",
        "only the layered model has several images as its target",
        "Leave it out",
        "qwen_image_train_network.py:77",
        ("model_version",),
        drop=True,
    ),
)
TABLE = Table(
    "musubi-tuner",
    "0.3.4 of 2026-06-24",
    {"": _ROWS},
    {},
    (
        Undecided(
            "what a file leaves out",
            "the command may give it",
            ("training/trainer_base.py", "training/parser_common.py"),
        ),
        Undecided(
            "weights, and the precision that they are in",
            "they are on the machine",
            (
                "wan_train_network.py",
                "hv_1_5_train_network.py",
                "networks/",
                "utils/",
                "modules/",
                "wan/",
                "hunyuan_model/",
                "frame_pack/",
                "ideogram4/",
                "hidream_o1_train_network.py",
            ),
        ),
        Undecided("data sets", "they have a file of their own, and pictures on the machine", ("dataset/",)),
        Undecided(
            "full fine-tuning", "it trains no adapter", ("hv_train.py", "hidream_o1_train.py", "zimage_train.py")
        ),
        Undecided(
            "sampling, generation and conversion",
            "they train nothing",
            ("training/sampling_prompts.py", "convert_lora.py", "caption_images"),
        ),
    ),
)
