"""sd-scripts at 48d368f (2026-02-16): what `train_network.py` and its derivatives refuse before they train.

A config file is read before the options of the command, which may add to it and override it. The GUI's own files are
rewritten when it starts the script.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_SCRIPT = "train_network.py"
_UTIL = "library/train_util.py"
_SDXL = "sdxl_train_network.py"
_FREE = "optimizer_type is not None and ends(lower(optimizer_type), 'schedulefree')"


def _in_precision(key: str, when: str, says: str, instead: str, line: int) -> tuple[Refusal, ...]:
    """A setting that needs a precision: certain where another is written, likely where none is."""
    source, others = f"{_SCRIPT}:{line}", ("mixed_precision",)
    return (
        Refusal(key, f"{key} and mixed_precision is not None and {when}", says, instead, source, others),
        Refusal(key, f"{key} and mixed_precision is None", says, instead, source, likely=True),
    )


def _instead_of(one: str, other: str, line: int) -> Refusal:
    """Two ways to name the optimizer."""
    return Refusal(
        one,
        f"{one} and {other}",
        f"it names an optimizer, and so does `{other}`",
        "Leave it out" if other == "optimizer_type" else "Leave one of the two out",
        f"{_UTIL}:{line}",
        (other,),
        drop=other == "optimizer_type",
    )


_FIXED = ("networks.lora", "networks.lora_flux", "networks.lora_sd3", "networks.lora_hunyuan_image")
"""The modules of the scripts that ask for it."""


def _cached(key: str, when: str) -> Refusal:
    """A change of the captions that cached outputs of the text encoder would not have."""
    return Refusal(
        key,
        f"network_module in {_FIXED!r} and cache_text_encoder_outputs and {when}",
        "the outputs of the text encoder are cached, so that captions cannot change",
        "Leave it out, or `cache_text_encoder_outputs`",
        f"{_SDXL}:35",
        ("cache_text_encoder_outputs",),
        likely=True,
        cause="captions that change",
    )


_NAME = "last(pretrained_model_name_or_path)"


def _named(*parts: str) -> str:
    """Whether the name of the weights has one of some parts."""
    return "(" + " or ".join(f"holds({_NAME}, '{part}')" for part in parts) + ")"


_XL = _named("sdxl", "sd_xl", "stable-diffusion-xl")
_V1 = _named("stable-diffusion-v1", "sd-v1", "v1-5", "v1-4", "v1.5", "sd15", "sd1.5")
_MODEL = "library/model_util.py:1010"


def _other_weights(key: str, when: str, instead: str, source: str, *others: str) -> Refusal:
    """The name of the weights shows that they are another model's."""
    says = "these are the weights of another model, whose shapes do not fit"
    return Refusal(key, when, says, instead, source, others, likely=True, late=True)


_WEIGHTS = (
    _other_weights(
        "pretrained_model_name_or_path", f"script_of == 'sd' and {_XL}", "Start `sdxl_train_network.py`", _MODEL
    ),
    _other_weights(
        "pretrained_model_name_or_path",
        f"script_of == 'sdxl' and {_V1} and not {_XL}",
        "Start `train_network.py`",
        "library/sdxl_model_util.py:207",
    ),
    _other_weights(
        "v2",
        f"script_of == 'sd' and v2 and {_V1} and not {_XL}",
        "Leave it out: they are those of Stable Diffusion 1",
        _MODEL,
        "pretrained_model_name_or_path",
    ),
)
_WITH_PICTURES = _named("flux1-fill", "flux1-canny", "flux1-depth")
_PARENT = (
    Refusal(
        "train_data_dir",
        "numbered(train_data_dir) and in_json is None and dataset_config is None and dataset_class is None",
        "it is searched for folders such as `10_woman`, and this seems to be one of them (No data found)",
        "Name the folder above it",
        f"{_SCRIPT}:576",
        likely=True,
    ),
)
_OF_FLUX = tuple(
    _other_weights(
        "pretrained_model_name_or_path",
        f"{of_flux} and {_WITH_PICTURES}",
        "Take those of FLUX.1-dev",
        "library/flux_utils.py:142",
    )
    for of_flux in ("script_of == 'flux'", "script_of is None and network_module == 'networks.lora_flux'")
)
_BLOCKS = {"flux": ("networks.lora_flux", "networks.oft_flux"), "sd3": ("networks.lora_sd3",)}
"""The networks of scripts that ask them whether T5 is trained; LyCORIS has its own answer."""
_FOR_ANOTHER = tuple(
    Refusal(
        "network_module",
        f"script_of == '{model}' and starts(network_module, 'networks.') and network_module not in {(*networks, '')}",
        "it is the network of another model, and ends in an AttributeError (train_t5xxl)",
        f"Set `network_module = '{networks[0]}'`",
        f"{model}_train_network.py:{line}",
        late=True,
        sets=(("network_module", networks[0]),),
    )
    for (model, networks), line in zip(_BLOCKS.items(), (194, 170), strict=True)
)
_MODELS = {
    **dict.fromkeys(("sd", "sdxl"), ("flux", "sd3", "lumina", "anima", "hunyuan_image")),
    "lumina": ("", "flux", "sd3", "anima", "hunyuan_image"),
    "anima": ("", "flux", "sd3", "lumina", "hunyuan_image"),
    "hunyuan_image": ("", "flux", "sd3", "lumina", "anima"),
}
_FOR_OTHERS = tuple(
    Refusal(
        "network_module",
        f"script_of == '{model}' and network_module in "
        f"{tuple(f'networks.lora_{other}' if other else 'networks.lora' for other in others)}",
        "it is the network of another model, and finds none of its blocks in this one",
        f"Set `network_module = 'networks.lora{'' if model[:2] == 'sd' else f'_{model}'}'`",
        "networks/lora.py:1020",
        late=True,
        sets=(("network_module", f"networks.lora{'' if model[:2] == 'sd' else f'_{model}'}"),),
    )
    for model, others in _MODELS.items()
)
_STILL = "no part of the network has a learning rate, so that the optimizer gets no parameters"
_RATE = "Set the rate of what is to be trained"
_RATES = (
    Refusal(
        "unet_lr",
        "unet_lr is not None and unet_lr == 0 and (network_train_unet_only or text_encoder_lr is not None and "
        "text_encoder_lr == 0 or text_encoder_lr is None and learning_rate is not None and learning_rate == 0)",
        _STILL,
        _RATE,
        "networks/lora.py:1188",
        ("network_train_unet_only", "text_encoder_lr", "learning_rate"),
        late=True,
    ),
    Refusal(
        "learning_rate",
        "learning_rate is not None and learning_rate == 0 and unet_lr is None and "
        "(network_train_unet_only or text_encoder_lr is None or text_encoder_lr == 0)",
        _STILL,
        _RATE,
        "networks/lora.py:1188",
        ("network_train_unet_only", "text_encoder_lr"),
        late=True,
    ),
)
_TORCH = (
    "('ASGD', 'Adadelta', 'Adafactor', 'Adagrad', 'Adam', 'AdamW', 'Adamax', 'LBFGS', 'Muon', 'NAdam', 'RAdam',"
    " 'RMSprop', 'Rprop', 'SGD', 'SparseAdam')"
)
_OPTIMIZERS = (
    "('', 'lion', 'adamw8bit', 'sgdnesterov8bit', 'lion8bit', 'pagedadamw8bit', 'pagedlion8bit', 'pagedadamw',"
    " 'pagedadamw32bit', 'sgdnesterov', 'dadaptation', 'dadaptadampreprint', 'dadaptadagrad', 'dadaptadam',"
    " 'dadaptadan', 'dadaptadanip', 'dadaptlion', 'dadaptsgd', 'prodigy', 'adafactor', 'adamw', 'radamschedulefree',"
    " 'adamwschedulefree', 'sgdschedulefree')"
)
_SCHEDULES = (
    "('linear', 'cosine', 'cosine_with_restarts', 'polynomial', 'constant', 'constant_with_warmup', 'inverse_sqrt',"
    " 'reduce_lr_on_plateau', 'cosine_with_min_lr', 'cosine_warmup_with_min_lr', 'warmup_stable_decay', 'greedy',"
    " 'piecewise_constant')"
)


def _of(model: str, *networks: str) -> str:
    """Whether one of the scripts is meant: by the command, or by the network where a file does not say."""
    return f"(script_of == '{model}' or script_of is None and network_module in {(*networks, '')})"


_FLUX, _SD3 = _of("flux", "networks.lora_flux", "networks.oft_flux"), _of("sd3", "networks.lora_sd3")
_ANIMA, _LUMINA = _of("anima", "networks.lora_anima"), _of("lumina", "networks.lora_lumina")
_HUNYUAN = _of("hunyuan_image", "networks.lora_hunyuan_image")
_COMPANIONS = tuple(
    Refusal(
        key,
        f"{key} is None and script_of == '{model}'{when}",
        f"{what} is a file of its own, which nothing names",
        f"Give `{key}`",
        f"{model}_train_network.py:{line}",
        absent=True,
        likely=True,
        late=True,
        cause="parts of the model",
    )
    for model, when, key, what, line in (
        ("flux", " and model_type != 'chroma'", "clip_l", "CLIP-L", 136),
        ("flux", "", "t5xxl", "the text encoder T5", 148),
        ("flux", "", "ae", "the autoencoder", 157),
        ("lumina", "", "gemma2", "the text encoder", 82),
        ("lumina", "", "ae", "the autoencoder", 84),
        ("hunyuan_image", "", "text_encoder", "the text encoder", 362),
        ("hunyuan_image", "", "byt5", "the second text encoder", 365),
        ("hunyuan_image", "", "vae", "the autoencoder", 369),
        ("anima", "", "qwen3", "the text encoder", 87),
        ("anima", "", "vae", "the autoencoder", 93),
    )
)
_SWAPS = (
    *(
        Refusal(
            "blocks_to_swap",
            f"blocks_to_swap > 0 and cpu_offload_checkpointing and {when}",
            "blocks are not swapped where checkpoints are offloaded",
            "Leave one of the two out",
            f"{model}_train_network.py:{line}",
            ("cpu_offload_checkpointing",),
        )
        for model, when, line in (("flux", _FLUX, 77), ("sd3", _SD3, 60), ("anima", _ANIMA, 63))
    ),
    Refusal(
        "unsloth_offload_checkpointing",
        f"unsloth_offload_checkpointing and (blocks_to_swap > 0 or cpu_offload_checkpointing) and {_ANIMA}",
        "checkpoints are offloaded in one way, and no blocks are swapped beside it",
        "Leave it out, or `blocks_to_swap` and `cpu_offload_checkpointing`",
        "anima_train_network.py:71",
        ("blocks_to_swap", "cpu_offload_checkpointing"),
    ),
    *(
        Refusal(
            "blocks_to_swap",
            f"blocks_to_swap > {most} and {when}",
            f"the model has fewer blocks to swap: at most {most}",
            f"Set it to {most} at most",
            source,
            late=True,
        )
        for most, when, source in (
            (35, f"{_FLUX} and model_type != 'chroma'", "library/flux_models.py:977"),
            (26, _ANIMA, "library/anima_models.py:1244"),
        )
    ),
)
_TRAINED_WITH_CACHE = (
    Refusal(
        "cache_text_encoder_outputs",
        f"cache_text_encoder_outputs and not network_train_unet_only and {_ANIMA}",
        "text encoders whose outputs are cached cannot be trained",
        "Set `network_train_unet_only = true`",
        "anima_train_network.py:59",
        ("network_train_unet_only",),
        likely=True,
        sets=(("network_train_unet_only", True),),
    ),
    *(
        Refusal(
            "network_args",
            f"option(network_args, 'train_t5xxl') in ('True', 'true') and cache_text_encoder_outputs and {when}",
            "T5 is trained, and its outputs are cached",
            "Leave `train_t5xxl` or `cache_text_encoder_outputs` out",
            f"{model}_train_network.py:{line}",
            ("cache_text_encoder_outputs",),
            late=True,
        )
        for model, when, line in (("flux", _FLUX, 197), ("sd3", _SD3, 173))
    ),
    Refusal(
        "network_args",
        "network_module == 'networks.lora_flux' and option(network_args, 'train_blocks') is not None"
        " and option(network_args, 'train_blocks') not in ('all', 'single', 'double')",
        "the blocks of FLUX are all, single or double",
        "Write one of them for `train_blocks`",
        "networks/lora_flux.py:558",
        late=True,
    ),
)
_NOWHERE = Refusal(
    "output_dir",
    "script_of is not None and output_dir is None and output_name is not None",
    "there is no folder to save in, and the run fails when it saves for the first time (TypeError)",
    "Give `output_dir`",
    f"{_SCRIPT}:1297",
    ("output_name",),
    absent=True,
    likely=True,
    late=True,
)
_REFINER = Refusal(
    "pretrained_model_name_or_path",
    f"(script_of in ('sd', 'sdxl') or script_of is None and network_module == 'networks.lora')"
    f" and holds({_NAME}, 'refiner')",
    "this is the refiner of SDXL, which is another model and cannot be trained",
    "Name the base model",
    "library/sdxl_model_util.py:207",
    likely=True,
    late=True,
)
_NANS = Refusal(
    "cache_latents",
    "script_of == 'sdxl' and cache_latents and mixed_precision == 'fp16' and not no_half_vae and vae is None"
    f" and {_named('stable-diffusion-xl-base-1.0', 'sd_xl_base_1.0')} and not holds({_NAME}, '0.9vae')",
    "the autoencoder of SDXL overflows in half precision (NaN detected in latents)",
    "Set `no_half_vae = true`, or `vae` to madebyollin/sdxl-vae-fp16-fix",
    f"{_UTIL}:3097",
    ("mixed_precision",),
    late=True,
    likely=True,
)
_OF_FLOWS = tuple(
    Refusal(
        key,
        f"{key} and ({' or '.join((_FLUX, _SD3, _ANIMA, _LUMINA, _HUNYUAN))})",
        "the loss of models that match flows has no such weights",
        "Leave it out",
        "flux_train_network.py:436",
        drop=True,
        ignored=True,
    )
    for key in ("min_snr_gamma", "debiased_estimation_loss", "scale_v_pred_loss_like_noise_pred", "v_pred_like_loss")
)
_OF_BUCKETS = "enable_bucket and dataset_config is None and dataset_class is None"
_SIZES = (
    Refusal(
        "resolution",
        "script_of is None and (is_whole(resolution) or is_list(resolution))",
        "it is split at its comma, and a number or a list has none (AttributeError)",
        'Write it as `"1024,1024"`',
        f"{_UTIL}:5410",
    ),
    Refusal(
        "resolution",
        "is_text(resolution) and dataset_config is None and len(sizes(resolution)) not in (1, 2)",
        "it is one size, or width and height with a comma between them",
        "Write it as `1024,1024`",
        f"{_UTIL}:5410",
    ),
    Refusal(
        "resolution",
        f"{_OF_BUCKETS} and max_bucket_reso is not None and bucket_reso_steps is None"
        " and largest(resolution) > max_bucket_reso + 63",
        "a side is longer than `max_bucket_reso`",
        "Raise that",
        f"{_UTIL}:769",
        ("max_bucket_reso",),
    ),
    Refusal(
        "resolution",
        f"{_OF_BUCKETS} and max_bucket_reso is None and bucket_reso_steps is None and largest(resolution) > 1024",
        "a side is longer than `max_bucket_reso`, which is 1024 by default",
        "Set `max_bucket_reso`",
        f"{_UTIL}:769",
        likely=True,
    ),
    Refusal(
        "resolution",
        f"{_OF_BUCKETS} and smallest(resolution) < 256 and min_bucket_reso is None and bucket_reso_steps is None",
        "a side is shorter than `min_bucket_reso`, which is 256 by default",
        "Set `min_bucket_reso`",
        f"{_UTIL}:766",
        likely=True,
    ),
    *(
        Refusal(
            "bucket_reso_steps",
            f"enable_bucket and bucket_reso_steps % {steps} != 0 and dataset_config is None and {when}",
            f"the sizes of this model's pictures go in steps of {steps}",
            "Set it to 64",
            f"{_UTIL}:1094",
            likely=steps == 64,  # older releases take any
        )
        for steps, when in (
            (64, "script_of == 'sd'"),
            (32, f"({_FLUX} or {_SD3} or {_HUNYUAN} or script_of == 'sdxl')"),
            (16, f"({_ANIMA} or {_LUMINA})"),
        )
    ),
)
_OF_TRAINING = (
    Refusal(
        "optimizer_type",
        f"is_text(optimizer_type) and not holds(optimizer_type, '.') and lower(optimizer_type) not in {_OPTIMIZERS}"
        f" and optimizer_type not in {_TORCH}",
        "torch has no optimizer of this name (AttributeError), and one of another package is named with its module",
        "Write it as `module.Class`, or set AdamW8bit",
        f"{_UTIL}:5133",
        late=True,
        likely=True,
    ),
    Refusal(
        "lr_scheduler",
        f"is_text(lr_scheduler) and lr_scheduler not in {_SCHEDULES} and not starts(lr_scheduler, 'adafactor')"
        f" and not lr_scheduler_type and not ({_FREE})",
        "there is no such schedule",
        "Set it to cosine, or name the class of another package as `lr_scheduler_type`",
        f"{_UTIL}:5326",
        late=True,
        likely=True,
    ),
    Refusal(
        "network_train_unet_only",
        "network_train_unet_only and network_train_text_encoder_only",
        "each leaves out what the other trains, so that nothing is trained",
        "Leave one of the two out",
        f"{_SCRIPT}:707",
        ("network_train_text_encoder_only",),
        late=True,
    ),
    Refusal(
        "v2",
        "v2 and script_of == 'sdxl'",
        "it is for Stable Diffusion 2",
        "Leave it out",
        "library/sdxl_train_util.py:349",
        drop=True,
    ),
    Refusal(
        "log_with",
        "log_with in ('tensorboard', 'all') and logging_dir is None",
        "TensorBoard needs `logging_dir`",
        "Set it",
        f"{_UTIL}:5452",
        likely=True,
    ),
    Refusal(
        "resume",
        "ends(lower(resume), '.safetensors')",
        "a training is resumed from the folder that `save_state` writes, not from a file of weights",
        "Name that folder, or give the file as `network_weights`",
        f"{_UTIL}:4777",
        late=True,
    ),
    Refusal(
        "apply_t5_attn_mask",
        f"model_type == 'chroma' and not apply_t5_attn_mask and {_FLUX}",
        "Chroma masks the attention of T5",
        "Set `apply_t5_attn_mask = true`",
        "flux_train_network.py:54",
        ("model_type",),
        absent=True,
        likely=True,
        sets=(("apply_t5_attn_mask", True),),
    ),
    Refusal(
        "train_data_dir",
        "train_data_dir is not None and dataset_config is not None",
        "`dataset_config` says where the data is",
        "Leave it out",
        f"{_SCRIPT}:523",
        ("dataset_config",),
        ignored=True,
        drop=True,
    ),
)
_ROWS = (
    *_COMPANIONS,
    *_SWAPS,
    *_TRAINED_WITH_CACHE,
    *_SIZES,
    *_OF_TRAINING,
    *_WEIGHTS,
    *_PARENT,
    *_OF_FLUX,
    _NOWHERE,
    _REFINER,
    _NANS,
    *_OF_FLOWS,
    *_RATES,
    *_FOR_ANOTHER,
    *_FOR_OTHERS,
    *_in_precision(
        "full_fp16",
        "mixed_precision != 'fp16'",
        "it needs `mixed_precision = 'fp16'`",
        "Set it, or leave `full_fp16` out",
        815,
    ),
    *_in_precision(
        "full_bf16",
        "mixed_precision != 'bf16' and not full_fp16",
        "it needs `mixed_precision = 'bf16'`",
        "Set it, or leave `full_bf16` out",
        821,
    ),
    *(
        row
        for key in ("fp8_base", "fp8_base_unet")
        for row in _in_precision(
            key,
            "mixed_precision == 'no'",
            "weights in 8 bits need a precision to compute in, and the default is none",
            "Set `mixed_precision = 'bf16'`",
            831,
        )
    ),
    Refusal(
        "lr_warmup_steps",
        f"lr_warmup_steps > 0 and lr_scheduler == 'constant' and not ({_FREE})",
        "a constant rate has no warm-up",
        "Set `lr_scheduler = 'constant_with_warmup'`, or leave it out",
        f"{_UTIL}:5296",
        ("lr_scheduler",),
        late=True,
    ),
    Refusal(
        "lr_warmup_steps",
        f"lr_warmup_steps > 0 and lr_scheduler is None and not ({_FREE})",
        "the rate is constant by default, and has no warm-up",
        "Set `lr_scheduler = 'constant_with_warmup'`, or leave it out",
        f"{_UTIL}:5296",
        late=True,
        likely=True,
    ),
    *(
        Refusal(
            "lr_warmup_steps",
            f"lr_warmup_steps > 0 and lower(optimizer_type) == 'adafactor' and not lr_scheduler_type and {when}",
            "Adafactor with `relative_step` makes its own schedule, which has no warm-up (does not require"
            " `num_warmup_steps`)",
            "Add `relative_step=False`, with `scale_parameter=False` and `warmup_init=False`, to `optimizer_args`, or"
            " leave it out",
            f"{_UTIL}:5079",
            ("optimizer_type", "optimizer_args"),
            late=True,
            likely=likely,
            cause="warm-up",
        )
        for when, likely in (
            ("option(optimizer_args, 'relative_step') == 'True'", False),
            ("option(optimizer_args, 'relative_step') is None", True),
        )
    ),
    Refusal(
        "lr_scheduler",
        f"starts(lr_scheduler, 'adafactor') and optimizer_type is not None and lower(optimizer_type) != 'adafactor'"
        f" and not lr_scheduler_type and not ({_FREE})",
        "only Adafactor has this schedule",
        "Set `optimizer_type = 'Adafactor'`, or take another schedule",
        f"{_UTIL}:5314",
        ("optimizer_type",),
        late=True,
    ),
    Refusal(
        "adaptive_noise_scale",
        "adaptive_noise_scale is not None and noise_offset is None",
        "it scales `noise_offset`, which is missing",
        "Set `noise_offset`, or leave it out",
        f"{_UTIL}:4444",
        likely=True,
    ),
    Refusal(
        "scale_v_pred_loss_like_noise_pred",
        "scale_v_pred_loss_like_noise_pred and not v_parameterization",
        "it is for models that predict velocities",
        "Set `v_parameterization = true`, or leave it out",
        f"{_UTIL}:4447",
        ("v_parameterization",),
        likely=True,
    ),
    Refusal(
        "v_pred_like_loss",
        "v_pred_like_loss and v_parameterization",
        "with `v_parameterization` the loss is that already",
        "Leave it out",
        f"{_UTIL}:4452",
        ("v_parameterization",),
        drop=True,
    ),
    _instead_of("use_8bit_adam", "use_lion_optimizer", 4830),
    _instead_of("use_8bit_adam", "optimizer_type", 4833),
    _instead_of("use_lion_optimizer", "optimizer_type", 4839),
    Refusal(
        "fused_backward_pass",
        "fused_backward_pass and optimizer_type is not None and lower(optimizer_type) != 'adafactor'",
        "only Adafactor is fused with the backward pass",
        "Set `optimizer_type = 'Adafactor'`, or leave it out",
        f"{_UTIL}:4849",
        ("optimizer_type",),
    ),
    Refusal(
        "fused_backward_pass",
        "fused_backward_pass and gradient_accumulation_steps > 1",
        "gradients that are fused are not accumulated",
        "Leave it out, or set `gradient_accumulation_steps = 1`",
        f"{_UTIL}:4852",
        ("gradient_accumulation_steps",),
    ),
    Refusal(
        "cache_text_encoder_outputs",
        "network_module == 'networks.lora' and cache_text_encoder_outputs and not network_train_unet_only",
        "text encoders whose outputs are cached cannot be trained",
        "Set `network_train_unet_only = true`",
        f"{_SDXL}:39",
        ("network_train_unet_only",),
        likely=True,
        sets=(("network_train_unet_only", True),),
    ),
    _cached("shuffle_caption", "shuffle_caption"),
    _cached("caption_dropout_rate", "caption_dropout_rate > 0"),
    _cached("caption_tag_dropout_rate", "caption_tag_dropout_rate > 0"),
    _cached("token_warmup_step", "token_warmup_step > 0"),
    *(
        Refusal(
            key,
            f"{key} and cache_latents and dataset_config is None",
            "images that change cannot be cached as latents",
            "Leave it out, or `cache_latents`",
            f"{_SCRIPT}:582",
            ("cache_latents",),
            likely=True,
            cause="images that change",
        )
        for key in ("color_aug", "random_crop")
    ),
)
TABLE = Table(
    "sd-scripts",
    "48d368f of 2026-02-16",
    {"": _ROWS},
    {"model_type": "flux"},
    (
        Undecided(
            "data sets",
            "they have a file of their own, and images on the machine",
            ("library/config_util.py", "library/train_util.py", "finetune/"),
        ),
        Undecided(
            "layers and blocks of the model", "`network_args` name them, and the weights have them", ("networks/",)
        ),
        Undecided(
            "which of the scripts is started",
            "a config file does not say, and each has checks of its own",
            ("flux_train_network.py", "sd3_train_network.py", "anima_train_network.py", "library/sdxl_train_util.py"),
        ),
        Undecided("installed packages and devices", "they depend on the machine", ("library/", "tools/")),
    ),
    others="_kohya_gui",
)
