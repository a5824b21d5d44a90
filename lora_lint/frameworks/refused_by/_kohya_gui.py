"""kohya_ss at 45088f0: what its GUI does not start, and what sd-scripts refuse of the settings that it hands them.

The names are those of the GUI's own files. Of what it hands on, empty texts, false and 0 are left out.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal

_GUI = "kohya_gui/lora_gui.py"
_UTIL = "sd-scripts/library/train_util.py"
_FREE = "ends(lower(optimizer), 'schedulefree')"
_WARMS = "(lr_warmup > 0 or lr_warmup_steps > 0)"
_NO_WARMUP = "Set `lr_warmup` and `lr_warmup_steps` to 0"
_OTHERS = "sd3_checkbox or hunyuan_image_checkbox or anima_checkbox or lumina_checkbox"
_SD = f"not (flux1_checkbox or {_OTHERS})"
_NAME = "last(pretrained_model_name_or_path)"


def _named(*parts: str) -> str:
    """Whether the name of the weights has one of some parts."""
    return "(" + " or ".join(f"holds({_NAME}, '{part}')" for part in parts) + ")"


_XL = _named("sdxl", "sd_xl", "stable-diffusion-xl", "illustrious", "ponydiffusion", "noobai", "animagine")
_V1 = _named("stable-diffusion-v1", "sd-v1", "v1-5", "v1-4", "v1.5", "sd15", "sd1.5")
_FLUX = _named("flux1", "flux.1")
_DATA = "(dataset_config is None or dataset_config == '')"


def _warmup(key: str) -> tuple[Refusal, ...]:
    """Schedules that refuse a warm-up, which the GUI hands on as a share of the steps."""
    return (
        Refusal(
            key,
            f"{key} > 0 and lr_scheduler == 'constant' and not lr_scheduler_type and not ({_FREE})"
            " and not (lower(optimizer) == 'adafactor')",
            "a constant rate has no warm-up, and the script stops (does not require `num_warmup_steps`)",
            "Set `lr_scheduler` to constant_with_warmup, or it to 0",
            f"{_UTIL}:5326",
            ("lr_scheduler",),
            late=True,
            cause="warm-up",
        ),
        Refusal(
            key,
            f"{key} > 0 and lower(optimizer) == 'adafactor' and not lr_scheduler_type"
            " and not holds(optimizer_args, 'relative_step=False')",
            "Adafactor with `relative_step` makes its own schedule, which has no warm-up, and the script stops (does"
            " not require `num_warmup_steps`)",
            "Set `optimizer_args` to `scale_parameter=False relative_step=False warmup_init=False`, or it to 0",
            f"{_UTIL}:5079",
            ("optimizer", "optimizer_args"),
            late=True,
            cause="warm-up",
        ),
    )


def _precision(key: str, when: str, instead: str) -> Refusal:
    """A setting that needs a precision."""
    return Refusal(
        key,
        f"{key} and {when}",
        "`mixed_precision` has to fit it",
        instead,
        "sd-scripts/train_network.py:815",
        ("mixed_precision",),
    )


def _beside_cache(key: str, when: str) -> tuple[Refusal, ...]:
    """Changes of the captions that cached outputs of the text encoder would not have."""
    return tuple(
        Refusal(
            key,
            f"{model} and {cache} and {_DATA} and {when}",
            "the outputs of the text encoder are cached, so that captions cannot change",
            f"Leave it out, or `{cache}`",
            "sd-scripts/sdxl_train_network.py:35",
            (cache,),
            late=True,
            cause="captions that change",
        )
        for model, cache in (
            ("sdxl", "sdxl_cache_text_encoder_outputs"),
            ("flux1_checkbox and not sdxl", "flux1_cache_text_encoder_outputs"),
        )
    )


_TYPES = (
    Refusal(
        "LoRA_type",
        "flux1_checkbox and LoRA_type not in ('Flux1', 'Flux1 OFT') and not holds(LoRA_type, 'LyCORIS')",
        "`flux1_checkbox` says that the model is FLUX, and nothing is started",
        "Set it to Flux1",
        f"{_GUI}:1462",
        ("flux1_checkbox",),
        sets=(("LoRA_type", "Flux1"),),
    ),
    Refusal(
        "LoRA_type",
        "LoRA_type in ('Flux1', 'Flux1 OFT') and flux1_checkbox == False",
        "it adapts the blocks of FLUX, and `flux1_checkbox` leaves them to the script of another model",
        "Set `flux1_checkbox` to true",
        f"{_GUI}:1776",
        ("flux1_checkbox",),
        late=True,
        sets=(("flux1_checkbox", True),),
    ),
    *(
        Refusal(
            "LoRA_type",
            f"LoRA_type == '{name}' and {box} == False",
            f"it belongs to the model of `{box}`, and nothing is started without that",
            f"Set `{box}` to true",
            f"{_GUI}:{line}",
            (box,),
            sets=((box, True),),
        )
        for name, box, line in (("Anima", "anima_checkbox", 1485), ("Lumina", "lumina_checkbox", 1497))
    ),
    Refusal(
        "LoRA_type",
        "LoRA_type in ('Kohya LoHa', 'Kohya LoKr') and not (sdxl or anima_checkbox)",
        "it is there for SDXL and Anima alone, and nothing is started",
        "Take the one of LyCORIS",
        f"{_GUI}:1504",
    ),
)
_WEIGHTS = tuple(
    Refusal(
        "pretrained_model_name_or_path",
        when,
        f"these seem to be the weights of {kind}, and {box} says another model, whose shapes do not fit",
        instead,
        "sd-scripts/library/model_util.py:1010",
        likely=True,
        late=True,
    )
    for when, kind, box, instead in (
        (f"sdxl == False and {_SD} and {_XL} and not {_V1}", "SDXL", "`sdxl: false`", "Set `sdxl` to true"),
        (f"sdxl and {_V1} and not {_XL}", "Stable Diffusion 1", "`sdxl: true`", "Set `sdxl` to false"),
        (
            f"flux1_checkbox == False and {_FLUX} and sdxl == False and not ({_OTHERS}) and not {_XL}",
            "FLUX",
            "`flux1_checkbox: false`",
            "Set `flux1_checkbox` to true, and `LoRA_type` to Flux1",
        ),
    )
)
_COMPANIONS = tuple(
    Refusal(
        key,
        f"flux1_checkbox and not sdxl and {key} == '' and not (lower(model_type) == 'chroma' and '{key}' == 'clip_l')",
        f"{what} is a file of its own, which nothing names",
        "Name it",
        f"sd-scripts/flux_train_network.py:{line}",
        ("flux1_checkbox",),
        late=True,
        cause="parts of the model",
    )
    for key, what, line in (
        ("clip_l", "CLIP-L", 136),
        ("t5xxl", "the text encoder T5", 148),
        ("ae", "the autoencoder", 157),
    )
)
_RATES = (
    Refusal(
        "text_encoder_lr",
        "sdxl and sdxl_cache_text_encoder_outputs and LoRA_type in ('Standard', 'Kohya LoCon')"
        " and not (text_encoder_lr == 0 and unet_lr > 0)",
        "the text encoders are trained unless their rate is 0 and `unet_lr` is not, and their outputs are cached",
        "Set it to 0 and `unet_lr` to the rate, or leave `sdxl_cache_text_encoder_outputs` out",
        "sd-scripts/sdxl_train_network.py:39",
        ("sdxl_cache_text_encoder_outputs", "unet_lr"),
        late=True,
    ),
    Refusal(
        "learning_rate",
        "learning_rate == 0 and text_encoder_lr == 0 and unet_lr == 0",
        "there is no rate to train with, and nothing is started",
        "Set `unet_lr`",
        f"{_GUI}:2130",
        ("unet_lr", "text_encoder_lr"),
    ),
    Refusal(
        "t5xxl_lr",
        "t5xxl_lr > 0 and text_encoder_lr == 0",
        "T5 has a rate and CLIP has none, and nothing is started",
        "Set `text_encoder_lr` too, or it to 0",
        f"{_GUI}:2090",
        ("text_encoder_lr",),
    ),
)


def _spaced(key: str) -> Refusal:
    """Texts that the GUI splits at each blank."""
    ways = " or ".join(f"holds({key}, '{part}')" for part in (" =", "= ", ", ", "  "))
    return Refusal(
        key,
        f"is_text({key}) and ({ways} or starts({key}, ' ') or ends({key}, ' '))",
        "it is split at its blanks, and nothing is started unless each part is `name=value`",
        "Leave one blank between two arguments, and none within",
        "kohya_gui/common_gui.py:1779",
    )


ROWS = {
    "gui": (
        *_warmup("lr_warmup"),
        *_warmup("lr_warmup_steps"),
        *_TYPES,
        *_WEIGHTS,
        *_COMPANIONS,
        *_RATES,
        _spaced("optimizer_args"),
        _spaced("lr_scheduler_args"),
        _precision("full_fp16", "mixed_precision != 'fp16'", "Set `mixed_precision` to fp16, or leave it out"),
        _precision(
            "full_bf16", "mixed_precision != 'bf16' and not full_fp16", "Set `mixed_precision` to bf16, or leave it out"
        ),
        _precision("fp8_base", "mixed_precision == 'no'", "Set `mixed_precision` to bf16"),
        Refusal(
            "pretrained_model_name_or_path",
            f"flux1_checkbox == False and holds({_NAME}, 'refiner')",
            "this is the refiner of SDXL, which is another model and cannot be trained",
            "Name the base model",
            "sd-scripts/library/sdxl_model_util.py:207",
            likely=True,
            late=True,
        ),
        Refusal(
            "sdxl_no_half_vae",
            "sdxl and cache_latents and mixed_precision == 'fp16' and sdxl_no_half_vae == False and vae == ''"
            f" and {_named('stable-diffusion-xl-base-1.0', 'sd_xl_base_1.0')} and not holds({_NAME}, '0.9vae')",
            "the autoencoder of SDXL overflows in half precision (NaN detected in latents)",
            "Set it to true, or `mixed_precision` to bf16",
            f"{_UTIL}:3097",
            ("mixed_precision", "cache_latents"),
            late=True,
            likely=True,
            sets=(("sdxl_no_half_vae", True),),
        ),
        *(
            row
            for key, when in (
                ("shuffle_caption", "shuffle_caption"),
                ("caption_dropout_rate", "caption_dropout_rate > 0"),
            )
            for row in _beside_cache(key, when)
        ),
        *(
            Refusal(
                key,
                f"{key} and cache_latents and {_DATA}",
                "images that change cannot be cached as latents",
                "Leave it out, or `cache_latents`",
                "sd-scripts/train_network.py:582",
                ("cache_latents",),
                late=True,
                cause="images that change",
            )
            for key in ("color_aug", "random_crop")
        ),
        Refusal(
            "max_bucket_reso",
            f"enable_bucket and {_DATA} and largest(max_resolution) > max_bucket_reso + 63",
            "a side of `max_resolution` is longer",
            "Raise it",
            f"{_UTIL}:769",
            ("max_resolution",),
            late=True,
        ),
        Refusal(
            "min_bucket_reso",
            f"enable_bucket and {_DATA} and smallest(max_resolution) < min_bucket_reso - 63",
            "a side of `max_resolution` is shorter",
            "Lower it",
            f"{_UTIL}:766",
            ("max_resolution",),
            late=True,
        ),
        *(
            Refusal(
                "bucket_reso_steps",
                f"enable_bucket and bucket_reso_steps % {steps} != 0 and {_DATA} and {when}",
                f"the sizes of this model's pictures go in steps of {steps}",
                "Set it to 64",
                f"{_UTIL}:1094",
                late=True,
                likely=steps == 64,  # older releases take any
            )
            for steps, when in ((32, "(sdxl or flux1_checkbox or sd3_checkbox)"), (64, f"sdxl == False and {_SD}"))
        ),
        Refusal(
            "train_data_dir",
            f"numbered(train_data_dir) and {_DATA}",
            "it is searched for folders such as `10_woman`, and this seems to be one of them",
            "Name the folder above it",
            "kohya_gui/common_gui.py:1360",
            likely=True,
        ),
        Refusal(
            "resume",
            "ends(lower(resume), '.safetensors')",
            "a training is resumed from the folder that `save_state` writes, and nothing is started",
            "Name that folder, or give the file as `network_weights`",
            f"{_GUI}:1560",
        ),
        Refusal(
            "noise_offset",
            "noise_offset > 1 or noise_offset < 0",
            "it lies between 0 and 1, and nothing is started",
            "Set it to 0.05",
            f"{_GUI}:1600",
        ),
        Refusal(
            "lr_scheduler",
            "starts(lr_scheduler, 'adafactor') and is_text(optimizer) and lower(optimizer) != 'adafactor'"
            f" and not lr_scheduler_type and not ({_FREE})",
            "only Adafactor has this schedule",
            "Set it to cosine, or `optimizer` to Adafactor",
            f"{_UTIL}:5314",
            ("optimizer",),
            late=True,
        ),
        Refusal(
            "v2",
            "v2 and sdxl",
            "it is for Stable Diffusion 2",
            "Set it to false",
            "sd-scripts/library/sdxl_train_util.py:349",
            ("sdxl",),
            sets=(("v2", False),),
        ),
    )
}
