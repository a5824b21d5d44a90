"""ai-toolkit 0.12.26 at 27a03a9 (2026-08-21): what a process of a job refuses, by its own settings."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_CONFIG = "toolkit/config_modules.py"
_TRAINER = "extensions_built_in/sd_trainer/SDTrainer.py"
_FLUX = (
    "(model.is_flux or model.arch in ('flux', 'flex1') or starts(model.arch, 'flux:') or starts(model.arch, 'flex1:'))"
)
_IN_8_BITS = "('adam8bit', 'ademamix8bit', 'adamw8bit', 'lion8bit')"
_OPTIMIZERS = (
    "('adam8', 'adamw8', 'adam', 'adamw', 'lion', 'adagrad', 'adafactor', 'automagic', 'automagic2', 'automagic3',"
    " 'automagicexperiment')"
)
_OF_FLUX = f"model.arch is not None and not {_FLUX}"
_WITHOUT_ALPHA = (
    "(model.is_flux or model.is_v3 or model.is_lumina2 or model.arch is not None and model.arch not in"
    " ('sd1', 'sd2', 'sdxl', 'pixart', 'pixart_sigma', 'auraflow', 'vega', 'ssd'))"
)
_ROWS = (
    Refusal(
        "network.linear_alpha",
        "network.linear is not None and network.linear_alpha is not None and network.linear_alpha != network.linear"
        f" and (network.type is None or network.type in ('lora', 'dora')) and {_WITHOUT_ALPHA}",
        "alpha is the rank for this kind of model",
        "Leave it out, and change the learning rate instead",
        "toolkit/lora_special.py:430",
        ("network.linear",),
        ignored=True,
        drop=True,
    ),
    Refusal(
        "train.gradient_accumulation",
        "train.gradient_accumulation > 1 and train.gradient_accumulation_steps != 1",
        "`gradient_accumulation_steps` accumulates too",
        "Leave one of the two out",
        f"{_CONFIG}:463",
        ("train.gradient_accumulation_steps",),
    ),
    Refusal(
        "train.bypass_guidance_embedding",
        "train.bypass_guidance_embedding and train.do_guidance_loss",
        "a guidance that is bypassed has no loss",
        "Leave one of the two out",
        f"{_CONFIG}:1486",
        ("train.do_guidance_loss",),
    ),
    Refusal(
        "train.diff_output_preservation",
        "train.diff_output_preservation and train.blank_prompt_preservation",
        "outputs are preserved in one way",
        "Leave one of the two out",
        f"{_CONFIG}:1508",
        ("train.blank_prompt_preservation",),
    ),
    Refusal(
        "train.diff_output_preservation",
        "train.diff_output_preservation and trigger_word is None and not some(datasets, 'trigger_word')",
        "it needs a `trigger_word`",
        "Set one",
        f"{_TRAINER}:97",
    ),
    Refusal(
        "train.diff_output_preservation",
        "train.diff_output_preservation and train.train_text_encoder",
        "it does not support the training of a text encoder",
        "Set `train_text_encoder: false`",
        f"{_TRAINER}:101",
        ("train.train_text_encoder",),
        sets=(("train.train_text_encoder", False),),
    ),
    Refusal(
        "train.unload_text_encoder",
        "train.unload_text_encoder and train.train_text_encoder",
        "a text encoder that is unloaded cannot be trained",
        "Set `train_text_encoder: false`",
        f"{_TRAINER}:355",
        ("train.train_text_encoder",),
        sets=(("train.train_text_encoder", False),),
    ),
    Refusal(
        "train.unload_text_encoder",
        "train.unload_text_encoder and model.arch in ('qwen_image_edit', 'boogu_image_edit')",
        "this model reads its control images with the text encoder",
        "Set `unload_text_encoder: false`",
        f"{_CONFIG}:1505",
        ("model.arch",),
        sets=(("train.unload_text_encoder", False),),
    ),
    Refusal(
        "train.optimizer",
        f"ends(lower(train.optimizer), '8bit') and not starts(lower(train.optimizer), 'prodigy8bit')"
        f" and not starts(lower(train.optimizer), 'dadaptation') and lower(train.optimizer) not in {_IN_8_BITS}",
        "there is no such optimizer in 8 bits",
        "Set `optimizer: adamw8bit`",
        "toolkit/optimizer.py:75",
    ),
    Refusal(
        "train.optimizer",
        f"is_text(train.optimizer) and not ends(lower(train.optimizer), '8bit')"
        f" and not starts(lower(train.optimizer), 'prodigy') and not starts(lower(train.optimizer), 'dadaptation')"
        f" and lower(train.optimizer) not in {_OPTIMIZERS}",
        "there is no such optimizer",
        "Set `optimizer: adamw`",
        "toolkit/optimizer.py:110",
    ),
    Refusal(
        "save.save_format",
        "save.save_format is not None and save.save_format not in ('safetensors', 'diffusers')",
        "it is safetensors or diffusers",
        "Leave it out",
        f"{_CONFIG}:30",
        drop=True,
    ),
    Refusal(
        "model.attn_masking",
        "model.attn_masking and not model.is_flux",
        "only FLUX masks its attention, and this is asked before `arch` is",
        "Set `is_flux: true` for FLUX, or leave it out",
        f"{_CONFIG}:692",
        ("model.is_flux", "model.arch"),
    ),
    Refusal(
        "model.split_model_over_gpus",
        "model.split_model_over_gpus and not model.is_flux",
        "only FLUX is split over GPUs, and this is asked before `arch` is",
        "Set `is_flux: true` for FLUX, or leave it out",
        f"{_CONFIG}:701",
        ("model.is_flux", "model.arch"),
    ),
    Refusal(
        "model.accuracy_recovery_adapter",
        "model.accuracy_recovery_adapter is not None and model.assistant_lora_path is not None",
        "one adapter assists the model",
        "Leave one of the two out",
        f"{_CONFIG}:1491",
        ("model.assistant_lora_path",),
    ),
    Refusal(
        "datasets",
        "some(datasets, 'cache_text_embeddings') and not every(datasets, 'cache_text_embeddings')",
        "`cache_text_embeddings` is set for some of them only",
        "Set it for all",
        f"{_CONFIG}:1500",
    ),
    Refusal(
        "datasets",
        "some(datasets, 'poi')",
        "`poi` is not supported any more",
        "Leave it out",
        f"{_CONFIG}:1000",
    ),
    Refusal(
        "decorator",
        f"decorator is not None and {_OF_FLUX}",
        "only FLUX has decorators",
        "Leave it out",
        "jobs/process/BaseSDTrainProcess.py:196",
        ("model.arch",),
        drop=True,
    ),
    Refusal(
        "model.name_or_path",
        "starts(model.arch, 'wan2') and starts(model.name_or_path, 'Wan-AI/Wan2')"
        " and not holds(model.name_or_path, '-Diffusers')",
        "this is the original repository, and the model is loaded in Diffusers' layout (no config.json in"
        " `transformer`)",
        "Name the repository that ends in `-Diffusers`",
        "toolkit/models/wan21/wan21.py:398",
        ("model.arch",),
        late=True,
        likely=True,
    ),
    Refusal(
        "model.arch",
        "model.arch == 'qwen_image_edit_plus' and is_list(datasets)"
        " and not some(datasets, 'control_path') and not some(datasets, 'control_path_1')"
        " and not some(datasets, 'control_path_2') and not some(datasets, 'control_path_3')"
        " and not some(datasets, 'inpaint_path')",
        "every text is encoded together with pictures to change, and no data set has any",
        "Set `control_path` in `datasets`, or train with `arch: qwen_image`",
        "extensions_built_in/diffusion_models/qwen_image/qwen_image_edit_plus.py:179",
        ("datasets",),
        late=True,
        likely=True,
    ),
    *(
        Refusal(
            f"sample.{key}",
            f"mention(sample.{key}, '[trigger]') and trigger_word is None and embedding is None and adapter is None",
            "without a `trigger_word` the brackets stay in the prompt, so that the samples show nothing of what is "
            "trained",
            "Set `trigger_word` in the process, or write the prompts without `[trigger]`",
            "jobs/process/BaseSDTrainProcess.py:327",
            likely=True,
            ignored=True,
        )
        for key in ("prompts", "samples")
    ),
    *(
        Refusal(
            key,
            f"holds({key}, 'accuracy_recovery_adapters/{start}') and is_text(model.arch)"
            f" and not starts(model.arch, '{arch}')",
            f"this recovery adapter was made for {title}, and the model has none of its layers, or none of their size",
            "Take one of the model's own, or leave out what follows the `|`",
            "toolkit/network_mixins.py:800",
            ("model.arch",),
            late=True,
            likely=True,
        )
        for key in ("model.qtype", "model.accuracy_recovery_adapter")
        for start, arch, title in (
            ("wan2", "wan2", "Wan 2.2"),
            ("qwen_image", "qwen_image", "Qwen-Image"),
            ("hidream", "hidream", "HiDream"),
        )
    ),
)
TABLE = Table(
    "ai-toolkit",
    "0.12.26 of 2026-08-21",
    {"": _ROWS},
    {"train.gradient_accumulation_steps": 1, "train.gradient_accumulation": 1},
    (
        Undecided(
            "images, captions and latents",
            "they are on the machine",
            ("toolkit/data_loader.py", "toolkit/dataloader_mixins.py", "toolkit/data_transfer_object/"),
        ),
        Undecided(
            "layers of the model, and whether its weights can be merged",
            "the model has them",
            (
                "toolkit/network_mixins.py",
                "toolkit/lora_special.py",
                "toolkit/models/",
                "toolkit/lycoris_special.py",
                "toolkit/custom_adapter.py",
                "toolkit/ip_adapter.py",
            ),
        ),
        Undecided(
            "other jobs and extensions",
            "they train no LoRA",
            ("jobs/", "extensions_built_in/", "extensions/", "toolkit/", "scripts/", "testing/", "ui/"),
        ),
    ),
)
