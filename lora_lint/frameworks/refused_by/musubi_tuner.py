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
_TORCH = (
    "('ASGD', 'Adadelta', 'Adafactor', 'Adagrad', 'Adam', 'AdamW', 'Adamax', 'LBFGS', 'Muon', 'NAdam', 'RAdam',"
    " 'RMSprop', 'Rprop', 'SGD', 'SparseAdam')"
)
_KLEIN = "holds(last(dit), 'klein')"
_FOR_DEV = "(model_version is None or model_version == 'dev')"


def _of_flux_2(key: str, when: str, says: str, instead: str, *others: str) -> Refusal:
    """The names of the weights show that they are those of another FLUX.2."""
    source = "flux_2/flux2_utils.py:118"
    of_flux_2 = "(script_of == 'flux_2' or prepares == 'flux_2')"
    cause = "version of FLUX.2"
    return Refusal(key, f"{of_flux_2} and {when}", says, instead, source, others, likely=True, late=True, cause=cause)


_VERSIONS = (
    _of_flux_2(
        "dit",
        f"model_version is None and {_KLEIN}",
        "these are the weights of FLUX.2 klein, and without `model_version` it is FLUX.2 dev, whose shapes do not fit",
        "Give `model_version`, as klein-base-9b",
    ),
    _of_flux_2(
        "model_version",
        f"model_version == 'dev' and {_KLEIN}",
        "the weights are those of FLUX.2 klein, whose shapes do not fit",
        "Set it to that of the weights, as klein-base-9b",
        "dit",
    ),
    *(
        _of_flux_2(
            "model_version",
            f"model_version in ('klein-{one}', 'klein-base-{one}')"
            f" and (holds(last(dit), 'klein-{other}') or holds(last(dit), 'klein-base-{other}'))",
            f"the weights are those with {other.upper()}, whose shapes do not fit",
            f"Set it to klein-{other} or klein-base-{other}",
            "dit",
        )
        for one, other in (("4b", "9b"), ("9b", "4b"))
    ),
    *(
        _of_flux_2(
            "text_encoder",
            f"{when} and holds(lower(text_encoder), '{wrong}')",
            f"the text encoder of this `model_version` is {right}",
            instead,
            "model_version",
        )
        for when, wrong, right, instead in (
            (_FOR_DEV, "qwen", "Mistral 3", "Give `model_version`, as klein-base-9b"),
            ("starts(model_version, 'klein')", "mistral", "Qwen3", "Name the first file of Qwen3"),
        )
    ),
)
_ATTENTIONS = ("sdpa", "flash_attn", "sage_attn", "xformers", "flash3")
_WAN = "(script_of == 'wan' or script_of is None and network_module == 'networks.lora_wan')"
_DIT = "last(dit)"
_I2V, _T2V = f"holds({_DIT}, 'i2v')", f"(holds({_DIT}, 't2v') or holds({_DIT}, 't2i'))"
_SMALL = f"(holds({_DIT}, '1.3b') or holds({_DIT}, '1_3b'))"
_FP8 = f"(holds({_DIT}, 'fp8') or holds({_DIT}, 'float8'))"
_OTHER_SIZES = "these are the weights of another model, whose shapes do not fit"
_MODEL = "wan/modules/model.py:1068"


def _of_task(key: str, when: str, instead: str, *others: str) -> Refusal:
    """The name of the weights shows that they are those of another task."""
    return Refusal(key, f"{_WAN} and {when}", _OTHER_SIZES, instead, _MODEL, others, likely=True, late=True)


_TASKS = (
    _of_task(
        "task",
        f"(starts(task, 't2v') or starts(task, 't2i')) and not holds(task, '-FC') and {_I2V}",
        "Set `task` to that of the weights, as i2v-14B or i2v-A14B",
        "dit",
    ),
    _of_task("dit", f"task is None and {_I2V}", "Set `task`, which is t2v-14B by default, to i2v-14B or i2v-A14B"),
    _of_task("task", f"starts(task, 'i2v') and {_T2V}", "Set `task` to that of the weights, as t2v-14B", "dit"),
    _of_task("task", f"task is not None and not holds(task, '1.3B') and {_SMALL}", "Set `task` to t2v-1.3B", "dit"),
    _of_task("dit", f"task is None and {_SMALL}", "Set `task`, which is t2v-14B by default, to t2v-1.3B"),
    _of_task(
        "task",
        f"holds(task, '1.3B') and (holds({_DIT}, '14b') or holds({_DIT}, 'a14b'))",
        "Set `task` to t2v-14B or t2v-A14B",
        "dit",
    ),
    _of_task(
        "task",
        f"task == 'i2v-14B' and (holds({_DIT}, 'wan2.2') or holds({_DIT}, 'wan22'))",
        "Set `task` to i2v-A14B, as Wan 2.2 has no CLIP",
        "dit",
    ),
    _of_task(
        "task",
        f"task == 'i2v-A14B' and (holds({_DIT}, 'wan2.1') or holds({_DIT}, 'wan21'))",
        "Set `task` to i2v-14B",
        "dit",
    ),
)
_HIGH, _LOW = f"holds({_DIT}, 'high_noise')", f"holds({_DIT}, 'low_noise')"
_RANGES = (
    Refusal(
        "dit",
        f"{_WAN} and {_HIGH} and holds(last(dit_high_noise), 'low_noise')",
        "it is the model for little noise, and this and `dit_high_noise` are exchanged: each trains on the other's"
        " timesteps",
        "Exchange the two",
        "wan_train_network.py:549",
        ("dit_high_noise",),
        likely=True,
        ignored=True,
    ),
    Refusal(
        "max_timestep",
        f"{_WAN} and dit_high_noise is None and {_HIGH} and max_timestep <= 900",
        "the model for much noise makes timesteps from 875 (t2v) or 900 (i2v) on, so that what it learns below that is"
        " not used",
        "Leave it out, and set `min_timestep` to 875 or 900",
        "wan_train_network.py:549",
        ("dit",),
        likely=True,
        ignored=True,
    ),
    Refusal(
        "min_timestep",
        f"{_WAN} and dit_high_noise is None and {_LOW} and min_timestep >= 875",
        "the model for little noise makes timesteps up to 875 (t2v) or 900 (i2v), so that what it learns beyond that is"
        " not used",
        "Leave it out, and set `max_timestep` to 875 or 900",
        "wan_train_network.py:549",
        ("dit",),
        likely=True,
        ignored=True,
    ),
)
_PRECISIONS = tuple(
    Refusal(
        "mixed_precision",
        f"{_WAN} and mixed_precision == '{one}' and holds({_DIT}, '{other}') and not {_FP8}",
        f"the weights are {other}, as their name says, and have to be computed in that",
        f"Set it to {other}",
        f"wan_train_network.py:{line}",
        ("dit",),
        likely=True,
    )
    for one, other, line in (("bf16", "fp16", 63), ("fp16", "bf16", 65))
)
_WEIGHTS = (
    Refusal(
        "fp8_scaled",
        f"fp8_scaled and {_FP8} and {_WAN}",
        "the weights are in 8 bits already, as their name says, and are not scaled again",
        "Take those in bf16 or fp16, or leave it out",
        "wan_train_network.py:67",
        ("dit",),
        likely=True,
    ),
    Refusal(
        "dit",
        f"{_FP8} and holds({_DIT}, 'scaled') and ({_WAN} or script_of in ('qwen_image', 'flux_kontext', 'zimage'))",
        "these weights in 8 bits come with scales of their own, which are no layers of the model",
        "Take those in bf16 or fp16, with `fp8_base` and `fp8_scaled`",
        _MODEL,
        likely=True,
        late=True,
    ),
    Refusal(
        "dit",
        "ends(lower(dit), '.gguf')",
        "the weights are read as safetensors",
        "Take those in bf16 or fp16",
        "utils/safetensors_utils.py:305",
        late=True,
    ),
    Refusal(
        "t5",
        f"({_WAN} or prepares == 'wan') and holds(last(t5), 'umt5') and holds(last(t5), 'scaled')",
        "the scaled weights of ComfyUI have other keys than those of the original release",
        "Take models_t5_umt5-xxl-enc-bf16.pth",
        "wan/modules/t5.py:486",
        likely=True,
        late=True,
    ),
)
_SWAPPED = tuple(
    Refusal(
        "blocks_to_swap",
        f"blocks_to_swap > {most} and {when}",
        f"the model has fewer blocks to swap: at most {most}",
        f"Set it to {most} at most",
        source,
        others,
        late=True,
    )
    for most, when, source, others in (
        (39, f"{_WAN} and not holds(task, '1.3B')", "wan/modules/model.py:753", ()),
        (29, f"{_WAN} and holds(task, '1.3B')", "wan/modules/model.py:753", ("task",)),
        (38, "script_of in ('hv', 'fpack')", "hunyuan_model/models.py:683", ()),
        (59, "script_of == 'qwen_image'", "qwen_image/qwen_image_model.py:1182", ()),
        (28, "script_of == 'zimage'", "zimage/zimage_model.py:482", ()),
        (34, "script_of == 'flux_kontext'", "flux/flux_models.py:961", ()),
        (33, "script_of == 'ideogram4'", "ideogram4_train_network.py:60", ()),
    )
)
_SAMPLED = tuple(
    Refusal(
        "sample_prompts",
        f"sample_prompts is not None and {key} is None and {when}",
        f"the pictures are made with {what}, which nothing names",
        f"Give `{key}`, or leave it out",
        source,
        likely=True,
        late=True,
        cause="parts for samples",
    )
    for key, when, what, source in (
        ("t5", _WAN, "the text encoder", "wan_train_network.py:141"),
        ("vae", _WAN, "the VAE", "training/trainer_base.py:1489"),
        ("text_encoder", "script_of in ('qwen_image', 'zimage')", "the text encoder", "qwen_image_train_network.py:94"),
        ("vae", "script_of in ('qwen_image', 'zimage', 'flux_2')", "the VAE", "training/trainer_base.py:1489"),
        (
            "text_encoder1",
            "script_of in ('hv', 'fpack', 'flux_kontext')",
            "the text encoder",
            "hv_train_network.py:142",
        ),
        ("vae", "script_of in ('hv', 'fpack', 'flux_kontext')", "the VAE", "training/trainer_base.py:1489"),
    )
)
_MORE = (
    Refusal(
        "sdpa",
        f"script_of is not None and {' and '.join(f'not {key}' for key in _ATTENTIONS)}",
        "how attention is computed has no default",
        "Set `sdpa = true`",
        f"{_BASE}:1512",
        absent=True,
        likely=True,
        late=True,
    ),
    *(
        Refusal(
            key,
            f"script_of is not None and {key} is None and {other} is not None and not show_timesteps",
            f"{what}, and the run fails when it saves for the first time (TypeError)",
            f"Give `{key}`",
            source,
            (other,),
            absent=True,
            likely=True,
            late=True,
        )
        for key, other, what, source in (
            ("output_dir", "output_name", "there is no folder to save in", f"{_BASE}:1939"),
            ("output_name", "output_dir", "what is saved has no name", f"{_BASE}:2174"),
        )
    ),
    Refusal(
        "dataset_config",
        "script_of is not None and dataset_config is None and not show_timesteps",
        "nothing says where the data is",
        "Give the file with `[general]` and `[[datasets]]`",
        f"{_BASE}:1395",
        absent=True,
        likely=True,
    ),
    Refusal(
        "dit_high_noise",
        f"{_WAN} and dit_high_noise is not None and timestep_boundary is None"
        " and (task is None or not holds(task, 'A14B'))",
        "two models are trained up to a `timestep_boundary`, which this `task` has not",
        "Set `task` to t2v-A14B or i2v-A14B, or `timestep_boundary`",
        "wan_train_network.py:96",
        ("task",),
        likely=True,
    ),
    Refusal(
        "optimizer_type",
        "is_text(optimizer_type) and not holds(optimizer_type, '.')"
        " and lower(optimizer_type) not in ('', 'adamw', 'adamw8bit', 'adafactor')"
        f" and optimizer_type not in {_TORCH}",
        "torch has no optimizer of this name (AttributeError), and one of another package is named with its module",
        "Write it as `module.Class`, such as prodigyopt.Prodigy or bitsandbytes.optim.Lion8bit",
        f"{_BASE}:241",
        late=True,
        likely=True,
    ),
    Refusal(
        "resume",
        "ends(lower(resume), '.safetensors')",
        "a training is resumed from the folder that `save_state` writes, not from a file of weights",
        "Name that folder, or give the file as `network_weights`",
        f"{_BASE}:436",
        late=True,
    ),
    Refusal(
        "gradient_checkpointing_cpu_offload",
        "gradient_checkpointing_cpu_offload and not gradient_checkpointing",
        "no checkpoints are made without `gradient_checkpointing`",
        "Set that too",
        f"{_BASE}:1613",
        ignored=True,
        likely=True,
    ),
    Refusal(
        "turbo_dit",
        "turbo_dit is not None and blocks_to_swap > 0",
        "the weights of `turbo_dit` are exchanged, and so are the blocks",
        "Leave one of the two out",
        "krea2_train_network.py:89",
        ("blocks_to_swap",),
    ),
    *(
        Refusal(
            "weighting_scheme",
            f"weighting_scheme is not None and weighting_scheme != 'none' and script_of == '{model}'",
            "this model's loss has no weights",
            "Set it to none",
            f"{model}_train_network.py:{line}",
        )
        for model, line in (("ideogram4", 66), ("hidream_o1", 97))
    ),
    Refusal(
        "fp8_base",
        "script_of == 'hidream_o1' and fp8_base and not fp8_scaled",
        "HiDream-O1 is quantized with scales only",
        "Set `fp8_scaled = true`",
        "hidream_o1_train_network.py:99",
        ("fp8_scaled",),
        sets=(("fp8_scaled", True),),
    ),
    Refusal(
        "edit",
        "script_of == 'qwen_image' and (edit or edit_plus) and model_version is not None",
        "`model_version` says which model it is",
        "Leave it out",
        "qwen_image/qwen_image_utils.py:1567",
        ("model_version",),
        ignored=True,
        drop=True,
    ),
    Refusal(
        "model_version",
        "script_of == 'qwen_image' and is_text(model_version)"
        " and lower(model_version) not in ('original', 'layered', 'edit', 'edit-2509', 'edit-2511')",
        "there are original, layered, edit, edit-2509 and edit-2511",
        "Set it to original",
        "qwen_image/qwen_image_utils.py:1578",
    ),
    *(
        Refusal(
            key,
            f"{key} is None and caches == '{what}' and {when}",
            f"the cache is made with {names}, which nothing names",
            f"Give `--{key}`",
            source,
            absent=True,
        )
        for key, what, when, names, source in (
            ("vae", "latents", "prepares != 'hidream_o1'", "the VAE", "cache_latents.py:353"),
            ("t5", "text_encoder_outputs", "prepares == 'wan'", "T5", "wan_cache_text_encoder_outputs.py:101"),
            (
                *(
                    "text_encoder",
                    "text_encoder_outputs",
                    "prepares in ('qwen_image', 'hv_1_5', 'flux_2', 'ideogram4')",
                ),
                *("the text encoder", "qwen_image_cache_text_encoder_outputs.py:177"),
            ),
        )
    ),
    Refusal(
        "vae",
        "prepares == '' and caches == 'latents' and holds(last(vae), 'wan')",
        "this script is HunyuanVideo's, and the VAE is that of Wan",
        "Start `wan_cache_latents.py`",
        "hunyuan_model/vae.py:105",
        likely=True,
        late=True,
    ),
    Refusal(
        "i2v",
        "prepares == 'hv_1_5' and caches == 'latents' and i2v and image_encoder is None",
        "first frames are encoded with `image_encoder`",
        "Give that too",
        "hv_1_5_cache_latents.py:104",
        ("image_encoder",),
    ),
)
_ROWS = (
    *_TASKS,
    *_RANGES,
    *_VERSIONS,
    *_PRECISIONS,
    *_WEIGHTS,
    *_SWAPPED,
    *_SAMPLED,
    *_MORE,
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
