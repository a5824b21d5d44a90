"""OneTrainer at 23df383 (2026-08-19): what its trainer refuses, by the settings of a configuration file."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by._families import weights_of_another

_CREATE = "modules/util/create.py"
_LOSSES = "modules/modelSetup/mixin/ModelSetupDiffusionLossMixin.py"
_FLOWING = (
    "('STABLE_DIFFUSION_3', 'STABLE_DIFFUSION_35', 'FLUX_DEV_1', 'FLUX_FILL_DEV_1', 'FLUX_2', 'HUNYUAN_VIDEO',"
    " 'HI_DREAM_FULL', 'CHROMA_1', 'QWEN', 'ANIMA', 'KREA_2', 'Z_IMAGE', 'ERNIE', 'IDEOGRAM_4')"
)
_NOISED = (
    "('STABLE_DIFFUSION_15', 'STABLE_DIFFUSION_15_INPAINTING', 'STABLE_DIFFUSION_20', 'STABLE_DIFFUSION_20_BASE',"
    " 'STABLE_DIFFUSION_21', 'STABLE_DIFFUSION_21_BASE', 'STABLE_DIFFUSION_XL_10_BASE',"
    " 'STABLE_DIFFUSION_XL_10_BASE_INPAINTING', 'WUERSTCHEN_2', 'STABLE_CASCADE_1', 'PIXART_ALPHA', 'PIXART_SIGMA',"
    " 'SANA')"
)
_FUSED = (
    "('ADAFACTOR', 'CAME', 'CAME_8BIT', 'ADAM', 'ADAMW', 'ADAMW_ADV', 'ADOPT_ADV', 'PRODIGY_PLUS_SCHEDULE_FREE',"
    " 'PRODIGY_ADV', 'LION_ADV', 'MUON_ADV', 'ADAMUON_ADV', 'SIGNSGD_ADV')"
)
_ADAMS = (("ADAM", 180), ("ADAMW", 208))
_PARTS = ("unet", "prior", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3", "text_encoder_4")
_ENUM = "modules/util/config/BaseConfig.py:141"
_TYPES = (
    "('NONE', 'FLOAT_8', 'FLOAT_16', 'FLOAT_32', 'BFLOAT_16', 'TFLOAT_32', 'INT_8', 'NFLOAT_4', 'FLOAT_W8A8',"
    " 'INT_W8A8', 'FLOAT_W8A8_COMPRESSED', 'INT_W8A8_COMPRESSED', 'GGUF', 'GGUF_A8_FLOAT', 'GGUF_A8_INT')"
)
_MODELS = f"{_FLOWING[:-1]}, {_NOISED[1:-1]}, 'STABLE_DIFFUSION_20_INPAINTING', 'STABLE_DIFFUSION_20_DEPTH')"
_OPTIMIZERS = (
    "('ADAGRAD', 'ADAGRAD_8BIT', 'ADAM', 'ADAM_8BIT', 'ADAMW', 'ADAMW_8BIT', 'ADAMW_ADV', 'AdEMAMix',"
    " 'AdEMAMix_8BIT', 'ADOPT', 'ADOPT_ADV', 'LAMB', 'LAMB_8BIT', 'LARS', 'LARS_8BIT', 'LION', 'LION_8BIT',"
    " 'LION_ADV', 'RMSPROP', 'RMSPROP_8BIT', 'SGD', 'SGD_8BIT', 'SIGNSGD_ADV', 'SCHEDULE_FREE_ADAMW',"
    " 'SCHEDULE_FREE_SGD', 'DADAPT_ADA_GRAD', 'DADAPT_ADAM', 'DADAPT_ADAN', 'DADAPT_LION', 'DADAPT_SGD', 'PRODIGY',"
    " 'PRODIGY_PLUS_SCHEDULE_FREE', 'PRODIGY_ADV', 'ADAFACTOR', 'CAME', 'CAME_8BIT', 'MUON', 'MUON_ADV',"
    " 'ADAMUON_ADV', 'ADABELIEF', 'TIGER', 'AIDA', 'YOGI')"
)
_SCHEDULES = (
    "('CONSTANT', 'LINEAR', 'COSINE', 'COSINE_WITH_RESTARTS', 'COSINE_WITH_HARD_RESTARTS', 'REX', 'ADAFACTOR',"
    " 'CUSTOM')"
)
_PASSED_OVER = tuple(
    Refusal(
        key,
        f"is_text({key}) and {key} not in {names}",
        f"there is no such {what} (Could not set {key.rpartition('.')[2]}), and {default} counts",
        "Write it as a file that its window saves has it",
        _ENUM,
        ignored=True,
        likely=True,
    )
    for key, names, what, default in (
        ("model_type", _MODELS, "model", "STABLE_DIFFUSION_15"),
        ("optimizer.optimizer", _OPTIMIZERS, "optimizer", "the default"),
        ("learning_rate_scheduler", _SCHEDULES, "schedule", "CONSTANT"),
        ("train_dtype", _TYPES, "data type", "FLOAT_16"),
        ("output_dtype", _TYPES, "data type", "FLOAT_32"),
        ("lora_weight_dtype", _TYPES, "data type", "FLOAT_32"),
    )
)
_ROWS = (
    *weights_of_another(
        "base_model_name",
        "model_type",
        {
            "SD1": "starts(model_type, 'STABLE_DIFFUSION_15')",
            "SDXL": "starts(model_type, 'STABLE_DIFFUSION_XL')",
            "SD3": "model_type in ('STABLE_DIFFUSION_3', 'STABLE_DIFFUSION_35')",
            "FLUX.1": "model_type in ('FLUX_DEV_1', 'FLUX_FILL_DEV_1')",
            "Qwen-Image": "model_type == 'QWEN'",
            "Z-Image": "model_type == 'Z_IMAGE'",
            "HiDream": "model_type == 'HI_DREAM_FULL'",
            "HunyuanVideo": "model_type == 'HUNYUAN_VIDEO'",
        },
        "modules/modelLoader/stableDiffusionXL/StableDiffusionXLModelLoader.py:285",
    ),
    *_PASSED_OVER,
    *(
        Refusal(
            f"optimizer.{key}",
            f"optimizer.optimizer == '{name}' and optimizer.{key} and (optimizer.fused or optimizer.foreach)",
            "it is only allowed without `fused` and `foreach`",
            "Set both to false",
            f"{_CREATE}:{line + later}",
            ("optimizer.fused", "optimizer.foreach"),
        )
        for name, line in _ADAMS
        for key, later in (("stochastic_rounding", 0), ("fused_back_pass", 4))
    ),
    *(
        Refusal(
            f"{part}.offload_fraction",
            f"{part}.offload_fraction > 0 and dataloader_threads > 1",
            "layers of a text encoder are offloaded by one thread of the data loader",
            "Set `dataloader_threads` to 1",
            f"{_CREATE}:118",
            ("dataloader_threads",),
            cause="threads",
        )
        for part in _PARTS
        if part.startswith("text_encoder")
    ),
    *(
        Refusal(
            f"{part}.offload_fraction",
            f"{part}.offload_fraction > 0 and {part}.gradient_checkpointing == False and {part}.train",
            "layers of a part that is trained are offloaded with gradient checkpointing only",
            f"Set `gradient_checkpointing` of `{part}` to true",
            "modules/util/checkpointing_util.py:263",
            (f"{part}.gradient_checkpointing",),
            late=True,
            cause="checkpoints",
        )
        for part in _PARTS
    ),
    *(
        Refusal(
            "optimizer.optimizer",
            f"optimizer.optimizer == '{name}' and model_type in ('WUERSTCHEN_2', 'STABLE_CASCADE_1')",
            "Würstchen and its like have no optimizer without a schedule",
            "Take another one",
            f"{_CREATE}:{line}",
            ("model_type",),
            late=True,
        )
        for name, line in (("SCHEDULE_FREE_ADAMW", 450), ("SCHEDULE_FREE_SGD", 468))
    ),
    Refusal(
        "learning_rate_scheduler",
        "learning_rate_scheduler == 'CUSTOM' and not custom_learning_rate_scheduler",
        "a custom schedule needs `custom_learning_rate_scheduler`",
        "Name its class there",
        f"{_CREATE}:1178",
        ("custom_learning_rate_scheduler",),
        late=True,
    ),
    Refusal(
        "custom_learning_rate_scheduler",
        "learning_rate_scheduler == 'CUSTOM' and custom_learning_rate_scheduler"
        " and not holds(custom_learning_rate_scheduler, '.')",
        "it has to name a module and a class in it",
        "Write `module.Class`",
        f"{_CREATE}:1180",
        ("learning_rate_scheduler",),
        late=True,
    ),
    Refusal(
        "optimizer.fused_back_pass",
        f"optimizer.fused_back_pass and optimizer.optimizer in {_FUSED} and multi_gpu and not fused_gradient_reduce",
        "on several GPUs, gradients have to be reduced in the backward pass too",
        "Set `fused_gradient_reduce` to true",
        "modules/trainer/GenericTrainer.py:567",
        ("multi_gpu", "fused_gradient_reduce"),
        late=True,
    ),
    Refusal(
        "loss_weight_fn",
        f"model_type in {_FLOWING} and loss_weight_fn in ('P2', 'MIN_SNR_GAMMA', 'DEBIASED_ESTIMATION')",
        "a model that matches flows has the weights CONSTANT and SIGMA",
        "Set it to CONSTANT",
        f"{_LOSSES}:341",
        ("model_type",),
        late=True,
    ),
    Refusal(
        "loss_weight_fn",
        f"model_type in {_NOISED} and loss_weight_fn == 'SIGMA'",
        "a model that predicts noise has no sigmas to weigh by",
        "Set it to CONSTANT",
        f"{_LOSSES}:303",
        ("model_type",),
        late=True,
    ),
    *(
        Refusal(
            "additional_embeddings",
            f"model_type == '{name}' and some(additional_embeddings, 'train')",
            "embeddings of this model cannot be trained",
            "Leave them out",
            f"modules/modelSetup/{file}LoRASetup.py:{line}",
            ("model_type",),
            late=True,
        )
        for name, file, line in (("QWEN", "Qwen", 30), ("ANIMA", "Anima", 28), ("KREA_2", "Krea2", 28))
    ),
)
TABLE = Table(
    "OneTrainer",
    "23df383 of 2026-08-19",
    {"": _ROWS},
    {"dataloader_threads": 2, "fused_gradient_reduce": True, "multi_gpu": False, "loss_weight_fn": "CONSTANT"},
    (
        Undecided(
            "files of older versions",
            "it migrates them, and which of its parts a model has decides the rest",
            ("modules/util/config/",),
        ),
        Undecided(
            "layers of the model, and weights to continue from",
            "they are in the model",
            (
                "modules/module/",
                "modules/modelLoader/",
                "modules/modelSaver/",
                "modules/util/quantization_util.py",
                "modules/util/load_lora_util.py",
            ),
        ),
        Undecided(
            "concepts, images, clouds and windows",
            "they have files of their own, are on other machines, or for people",
            (
                "modules/dataLoader/",
                "modules/modelSetup/BaseModelSetup.py",
                "modules/cloud/",
                "modules/ui/",
                "modules/zluda/",
                "modules/util/optimizer/",
                "modules/trainer/CloudTrainer.py",
                "scripts/",
            ),
        ),
    ),
)
