"""diffusion-pipe at 8f83dbf (2026-08-20): what train.py refuses of its config file."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by import below_header
from lora_lint.frameworks.refused_by._families import weights_of_another

_TRAIN = "train.py"
_TYPES = "('float32', 'float16', 'bfloat16', 'float8', 'float8_e4m3fn', 'float8_e5m2')"
_MODELS = (
    "('flux', 'ltx-video', 'hunyuan-video', 'sdxl', 'cosmos', 'lumina_2', 'wan', 'chroma', 'hidream', 'sd3',"
    " 'cosmos_predict2', 'anima', 'omnigen2', 'qwen_image', 'hunyuan_image', 'auraflow', 'z_image',"
    " 'hunyuan_video_15', 'flux2', 'ernie_image', 'ltx2', 'ideogram4', 'krea2', 'minimax_h3')"
)
_SAVED = ("save_every_n_epochs", "save_every_n_steps", "save_every_n_examples")
_FOLDER = "is_text(model.diffusers_path) and ends(lower(model.diffusers_path), '.safetensors')"
_WAN22 = "holds(lower(model.ckpt_path), 'wan2.2') and holds(lower(model.ckpt_path), 'a14b')"
_OF_THE_TOP = (
    *("activation_checkpointing", "blocks_to_swap", "caching_batch_size", "checkpoint_every_n_minutes", "epochs"),
    *("eval_every_n_epochs", "gradient_accumulation_steps", "gradient_clipping", "lr_scheduler", "max_steps"),
    *("micro_batch_size_per_gpu", "pipeline_stages", "save_dtype", "save_every_n_epochs", "save_every_n_steps"),
    *("steps_per_print", "warmup_steps"),
)
_OF_THE_MODEL = (
    *("timestep_sample_method", "sigmoid_scale", "shift", "flux_shift", "lumina_shift", "transformer_dtype"),
    *("diffusion_model_dtype", "min_t", "max_t", "guidance", "v_pred", "min_snr_gamma", "debiased_estimation_loss"),
    *("first_frame_conditioning_p", "bypass_guidance_embedding", "transformer_path", "diffusers_path", "ckpt_path"),
    *("checkpoint_path", "vae_path", "llm_path", "t5_path", "clip_path", "text_encoder_path", "unet_lr"),
    *("text_encoder_1_lr", "text_encoder_2_lr", "cache_text_embeddings", "max_sequence_length"),
)
_KEPT_APART = (
    *(
        Refusal(
            key,
            f"{key} is not None",
            "it is a setting of the model, and is read in `[model]` alone",
            "Write it below `[model]`",
            f"{_TRAIN}:107",
            ignored=True,
            likely=True,
        )
        for key in _OF_THE_MODEL
    ),
    *(
        Refusal(
            f"optimizer.{key}",
            f"optimizer.{key} is not None",
            "everything in `[optimizer]` is handed to it, and it has no such argument (TypeError)",
            "Write it above the first header",
            f"{_TRAIN}:666",
            late=True,
        )
        for key in _OF_THE_TOP
    ),
)
_LACKING = tuple(
    Refusal(
        key,
        f"{key} is None{when}",
        "it has no default (KeyError)",
        instead,
        f"{_TRAIN}:{line}",
        absent=True,
    )
    for key, when, instead, line in (
        ("model.dtype", " and model is not None", "Set `dtype = 'bfloat16'` in `[model]`", 107),
        ("adapter.rank", " and adapter.type == 'lora'", "Set it in `[adapter]`", 122),
    )
)
_CHOICES = (
    Refusal(
        "video_clip_mode",
        "is_text(video_clip_mode)"
        " and video_clip_mode not in ('single_beginning', 'single_middle', 'multiple_overlapping')",
        "there are single_beginning, single_middle and multiple_overlapping",
        "Set it to single_beginning",
        "models/base.py:131",
        late=True,
    ),
    Refusal(
        "model.timestep_sample_method",
        "is_text(model.timestep_sample_method) and model.timestep_sample_method not in ('logit_normal', 'uniform')"
        " and model.type not in ('sdxl', 'ltx-video', 'cosmos', 'ltx2', 'minimax_h3')",
        "there are logit_normal and uniform",
        "Set it to logit_normal",
        "models/flux.py:350",
        late=True,
    ),
    Refusal(
        "optimizer.type",
        "optimizer.type in ('prodigy', 'lion', 'adafactor', 'came', 'adopt', 'lamb', 'adamw8', 'adam', 'adam8bit')",
        "an optimizer of pytorch_optimizer has to be named as its class is (AttributeError)",
        "Write it so, as in Prodigy",
        f"{_TRAIN}:700",
        late=True,
    ),
)
_ROWS = (
    *weights_of_another(
        "model.diffusers_path",
        "model.type",
        {
            "FLUX.1": "model.type == 'flux'",
            "Qwen-Image": "model.type == 'qwen_image'",
            "Z-Image": "model.type == 'z_image'",
            "SD3": "model.type == 'sd3'",
            "HiDream": "model.type == 'hidream'",
        },
        "models/flux.py:194",
    ),
    *weights_of_another(
        "model.ckpt_path",
        "model.type",
        {
            "Wan": "model.type == 'wan'",
            "HunyuanVideo": "model.type == 'hunyuan-video'",
        },
        "models/wan/wan.py:81",
    ),
    *_KEPT_APART,
    *_LACKING,
    *_CHOICES,
    *below_header(("adapter", "model"), _OF_THE_TOP, f"{_TRAIN}:284"),
    Refusal(
        "model.diffusers_path",
        _FOLDER,
        "this is the folder of a whole model in Diffusers' layout, not a file of weights",
        "Name that folder, and the file as `transformer_path`",
        "models/flux.py:194",
        late=True,
    ),
    Refusal(
        "model.ckpt_path",
        "model.type == 'wan' and model.ckpt_path is None",
        "the folder of the original release is always read (KeyError), also for what `transformer_path` and `llm_path`"
        " name",
        "Set it",
        "models/wan/wan.py:81",
        absent=True,
        late=True,
    ),
    Refusal(
        "model.ckpt_path",
        f"model.type == 'wan' and model.transformer_path is None and is_text(model.ckpt_path) and {_WAN22}",
        "Wan 2.2 A14B has two models in folders of their own, and no config.json beside them",
        "Name one of them as `transformer_path`: its folder `low_noise_model` or `high_noise_model`",
        "models/wan/wan.py:88",
        late=True,
        likely=True,
    ),
    Refusal(
        "adapter.alpha",
        "adapter.alpha is not None",
        "alpha is always the rank",
        "Leave it out",
        f"{_TRAIN}:119",
        drop=True,
    ),
    Refusal(
        "adapter.type",
        "is_text(adapter.type) and adapter.type not in ('lora', 'lokr')",
        "an adapter is lora or lokr",
        "Set it to lora",
        f"{_TRAIN}:133",
    ),
    Refusal(
        _SAVED[0],
        " and ".join(f"{key} is None" for key in _SAVED),
        "how often to save has no default",
        "Set it, or `save_every_n_steps`",
        f"{_TRAIN}:95",
        absent=True,
    ),
    Refusal(
        "blocks_to_swap",
        "blocks_to_swap > 0 and pipeline_stages > 1",
        "blocks are swapped with one stage only",
        "Set `pipeline_stages = 1`, or leave it out",
        f"{_TRAIN}:577",
        ("pipeline_stages",),
        late=True,
    ),
    Refusal(
        "blocks_to_swap",
        "blocks_to_swap > 0 and adapter is None",
        "blocks are swapped where an adapter is trained",
        "Leave it out",
        f"{_TRAIN}:578",
        late=True,
        drop=True,
    ),
    Refusal(
        "blocks_to_swap",
        "blocks_to_swap > 0 and model.type in ('sdxl', 'ltx-video', 'cosmos', 'lumina_2', 'sd3', 'omnigen2')",
        "the blocks of this model cannot be swapped",
        "Leave it out",
        "models/base.py:439",
        ("model.type",),
        late=True,
        drop=True,
    ),
    Refusal(
        "activation_checkpointing",
        "is_text(activation_checkpointing) and activation_checkpointing != 'unsloth'",
        "it is true, false or 'unsloth'",
        "Set it to true",
        f"{_TRAIN}:598",
        late=True,
    ),
    Refusal(
        "lr_scheduler",
        "lr_scheduler is not None and lr_scheduler not in ('constant', 'linear', 'cosine')",
        "there are constant, linear and cosine",
        "Set it to cosine",
        f"{_TRAIN}:857",
        late=True,
    ),
    Refusal(
        "model.type",
        f"is_text(model.type) and model.type not in {_MODELS}",
        "there is no such type",
        "Name one of its README",
        f"{_TRAIN}:382",
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and {key} not in {_TYPES}",
            "there is no such data type",
            "Set it to bfloat16",
            f"{_TRAIN}:{line}",
        )
        for key, line in (
            ("save_dtype", 104),
            ("model.dtype", 108),
            ("model.transformer_dtype", 110),
            ("model.diffusion_model_dtype", 112),
            ("adapter.dtype", 124),
        )
    ),
    Refusal(
        "optimizer.beta2_half_life",
        "optimizer.beta2_half_life and (optimizer.betas is None or len(optimizer.betas) != 2)",
        "it replaces the second of two `betas`",
        "Set `betas = [0.9, 0.99]`",
        f"{_TRAIN}:660",
        ("optimizer.betas",),
        late=True,
    ),
    Refusal(
        "partition_split",
        "partition_method == 'manual' and is_list(partition_split) and len(partition_split) != pipeline_stages - 1",
        "it has one entry less than there are `pipeline_stages`",
        "Change one of them",
        "utils/pipeline.py:21",
        ("pipeline_stages",),
        late=True,
    ),
)
TABLE = Table(
    "diffusion-pipe",
    "8f83dbf of 2026-08-20",
    {"": _ROWS},
    {"pipeline_stages": 1},
    (
        Undecided(
            "data sets, captions and clips",
            "they have a file of their own, and pictures on the machine",
            ("utils/dataset.py", "utils/cache.py"),
        ),
        Undecided(
            "weights and the parts of a model",
            "they are on the machine",
            ("models/", "utils/common.py", "utils/patches.py"),
        ),
        Undecided(
            "GPUs and processes", "the launcher counts them", ("utils/pipeline.py", "utils/reduction.py", "optimizers/")
        ),
    ),
)
