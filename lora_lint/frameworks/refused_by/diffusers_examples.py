"""diffusers' training scripts at 58eb52c (0.42): what they refuse of their options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_SD, _SDXL = "dreambooth/train_dreambooth_lora.py", "dreambooth/train_dreambooth_lora_sdxl.py"
_FLUX2 = "dreambooth/train_dreambooth_lora_flux2.py"
_ADVANCED = "advanced_diffusion_training/train_dreambooth_lora_flux_advanced.py"
_DATA = ("dataset_name", "instance_data_dir", "instance_data_root", "train_data_dir")
_ROWS = (
    *(
        Refusal(
            key,
            f"{key} is None and common(needs, ('{key}',))",
            f"the script requires it, so that argparse stops with an error: {what}",
            f"Give `--{key}`",
            f"{_SD}:{line}",
            absent=True,
            likely=True,
        )
        for key, what, line in (
            ("pretrained_model_name_or_path", "nothing else names the model", 224),
            ("instance_data_dir", "this script reads no data set by its name", 250),
            ("instance_prompt", "it is the text of each picture that has none in `caption_column`", 264),
        )
    ),
    Refusal(
        "dataset_name",
        " and ".join(f"{key} is None" for key in _DATA),
        "the data is a data set by name, or a folder",
        "Set it, or `--instance_data_dir`",
        f"{_SDXL}:692",
        absent=True,
        likely=True,
    ),
    Refusal(
        "instance_data_dir",
        "dataset_name is not None and instance_data_dir is not None",
        "the data is a data set by name, or a folder",
        "Leave one of the two out",
        f"{_SDXL}:695",
        ("dataset_name",),
    ),
    *(
        Refusal(
            "with_prior_preservation",
            f"with_prior_preservation and {key} is None",
            f"prior preservation needs {what} of the class",
            f"Set `--{key}`",
            f"{_SD}:{line}",
            likely=True,
        )
        for key, what, line in (("class_data_dir", "pictures", 556), ("class_prompt", "a prompt", 558))
    ),
    Refusal(
        "pre_compute_text_embeddings",
        "train_text_encoder and pre_compute_text_embeddings",
        "a text encoder that is trained has no embeddings to keep",
        "Leave one of the two out",
        f"{_SD}:567",
        ("train_text_encoder",),
    ),
    Refusal(
        "hub_token",
        "report_to == 'wandb' and hub_token is not None",
        "the token would be logged with the other options",
        "Log in with `hf auth login`, and leave it out",
        f"{_SD}:762",
        ("report_to",),
        drop=True,
    ),
    Refusal(
        "snr_gamma",
        "do_edm_style_training and snr_gamma is not None",
        "EDM weights the loss in its own way",
        "Leave it out",
        f"{_SDXL}:991",
        ("do_edm_style_training",),
        drop=True,
    ),
    Refusal(
        "bnb_quantization_config_path",
        "do_fp8_training and bnb_quantization_config_path is not None",
        "the weights are quantized in one way",
        "Leave one of the two out",
        f"{_FLUX2}:756",
        ("do_fp8_training",),
    ),
    Refusal(
        "aspect_ratio_buckets",
        "aspect_ratio_buckets is not None and not use_aspect_ratio_buckets",
        "buckets are used only with `--use_aspect_ratio_buckets`",
        "Add it",
        f"{_FLUX2}:1493",
        late=True,
        likely=True,
    ),
    Refusal(
        "train_text_encoder_ti",
        "train_text_encoder and train_text_encoder_ti",
        "a text encoder is adapted, or new tokens are trained",
        "Leave one of the two out",
        f"{_ADVANCED}:825",
        ("train_text_encoder",),
    ),
    Refusal(
        "train_transformer_frac",
        "train_transformer_frac < 1 and not train_text_encoder_ti",
        "only with new tokens a part of the training is theirs",
        "Leave it out",
        f"{_ADVANCED}:831",
        drop=True,
        likely=True,
    ),
    Refusal(
        "train_transformer_frac",
        "train_transformer_frac < 1 and train_text_encoder_ti and train_text_encoder_ti_frac < 1",
        "the transformer or the tokens train to the end",
        "Leave one of the two out",
        f"{_ADVANCED}:835",
        ("train_text_encoder_ti_frac",),
    ),
    Refusal(
        "use_8bit_adam",
        "use_8bit_adam and optimizer is not None and lower(optimizer) not in ('adam', 'adamw')",
        "it is for AdamW",
        "Leave it out",
        f"{_SDXL}:1393",
        ("optimizer",),
        ignored=True,
    ),
    Refusal(
        "optimizer",
        "optimizer is not None and lower(optimizer) not in ('adam', 'adamw', 'prodigy')",
        "the script knows AdamW and Prodigy, and takes AdamW",
        "Set it to adamw",
        f"{_SDXL}:1386",
        ignored=True,
    ),
    Refusal(
        "text_encoder_lr",
        "text_encoder_lr and train_text_encoder and lower(optimizer) == 'prodigy'",
        "Prodigy trains all parts with `learning_rate`",
        "Leave it out",
        f"{_SDXL}:1431",
        ("optimizer",),
        ignored=True,
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and not with_prior_preservation",
            "it is for prior preservation",
            "Leave it out",
            f"{_SD}:{line}",
            ignored=True,
            likely=True,
            cause="no prior preservation",
        )
        for key, line in (("class_data_dir", 562), ("class_prompt", 564))
    ),
)
TABLE = Table(
    "diffusers' scripts",
    "0.42 of 2026-08-23",
    {"": _ROWS},
    {"optimizer": "AdamW"},
    (
        Undecided(
            "devices, packages and data",
            "they depend on the machine",
            ("dreambooth/", "text_to_image/", "advanced_diffusion_training/", "cogvideo/"),
        ),
        Undecided(
            "scripts that train no LoRA, or that users change",
            "they are followed as programs",
            (
                *(
                    "amused/",
                    "cogview4",
                    "community/",
                    "consistency_distillation/",
                    "controlnet/",
                    "cosmos",
                    "custom_diffusion/",
                ),
                *("flux-control/", "inference/", "instruct_pix2pix/", "kandinsky2_2/", "model_search/", "research_"),
                *("server", "t2i_adapter/", "textual_inversion/", "unconditional_image_generation/", "vqgan/"),
                *("wuerstchen", "reinforcement_learning/", "profiling/"),
                "discrete_diffusion/",
            ),
        ),
    ),
)
