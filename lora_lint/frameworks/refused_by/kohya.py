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
_ROWS = (
    *_WEIGHTS,
    *_PARENT,
    *_OF_FLUX,
    *_RATES,
    *_FOR_ANOTHER,
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
    {},
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
)
