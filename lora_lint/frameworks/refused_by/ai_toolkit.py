"""ai-toolkit 0.12.26 at 27a03a9 (2026-08-21): what a process of a job refuses, by its own settings."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by._families import weights_of_another

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
_PROCESSES = (
    "('sd_trainer', 'diffusion_trainer', 'ui_trainer', 'textual_inversion_trainer', 'concept_slider',"
    " 'concept_replacer', 'image_reference_slider_trainer', 'ultimate_slider_trainer', 'dataset_tools',"
    " 'sync_from_collection', 'super_tagger', 'reference_generator', 'pure_lora_generator', 'batch_img2img',"
    " 'slider', 'slider_old', 'vae', 'esrgan', 'lora_hack', 'rescale_sd', 'reference', 'rescale_lora', 'to_folder',"
    " 'locon', 'lora', 'AceStepCaptioner',"
    " 'Qwen3VLCaptioner', 'Qwen3OmniCaptioner', 'Ideogram4Captioner')"
)
_OLD_ARCHES = (
    "('sd1', 'sd2', 'sd3', 'sdxl', 'pixart', 'pixart_sigma', 'auraflow', 'flux', 'flex1', 'lumina2', 'vega', 'ssd')"
)
_ARCHES = (
    f"{_OLD_ARCHES[:-1]}, 'ace_step_15', 'ace_step_15_xl', 'flux_kontext', 'krea2', 'ltx2', 'ltx2.3', 'ltx2.5',"
    " 'chroma', 'chroma_radiance', 'hidream_e1', 'hidream_o1', 'hidream', 'flux2', 'flux2_klein_4b',"
    " 'flux2_klein_9b', 'ideogram4', 'omnigen2', 'f-lite', 'nucleus_image', 'wan22_14b', 'wan22_5b',"
    " 'wan22_14b_i2v', 'boogu_image_edit', 'boogu_image', 'prx_pixel', 'zimage', 'zimage_l2p', 'anima', 'minimax_h3',"
    " 'minimax_h3_ref2va', 'zeta_chroma', 'mageflow', 'mageflow_edit', 'ernie_image', 'example', 'qwen_image_edit',"
    " 'qwen_image', 'qwen_image_edit_plus', 'flex2', 'wan21', 'wan21_i2v', 'cogview4')"
)
_SAMPLERS = (
    "('ddim', 'ddpm', 'pndm', 'lms', 'k_lms', 'euler', 'k_euler', 'euler_a', 'dpmsolver', 'dpmsolver++',"
    " 'k_dpmsolver', 'k_dpmsolver++', 'dpmsingle', 'heun', 'dpm_2', 'dpm_2_a', 'lcm', 'custom_lcm', 'mean_flow',"
    " 'flowmatch')"
)
_SCHEDULES = (
    "('cosine', 'cosine_with_restarts', 'step', 'constant', 'linear', 'constant_with_warmup', 'polynomial',"
    " 'piecewise_constant')"
)
_TIMESTEPS = (
    "('linear', 'weighted', 'sigmoid', 'flux_shift', 'lumina2_shift', 'shift', 'lognorm_blend', 'next_sample',"
    " 'one_step', 'two_step', 'four_step', 'eight_step', 'content', 'style')"
)
_NAME = "last(model.name_or_path)"
_SHAPES = "these are the weights of another model, whose shapes do not fit"
_OF_ANOTHER = tuple(
    Refusal(
        "model.arch",
        f"{arch} and {weights}",
        _SHAPES,
        f"Set `arch: {instead}`",
        source,
        ("model.name_or_path",),
        likely=True,
        late=True,
        cause="weights of another model",
    )
    for arch, weights, instead, source in (
        (
            "starts(model.arch, 'wan22_14b') and not starts(model.arch, 'wan22_14b_i2v')",
            f"holds({_NAME}, 'i2v')",
            "wan22_14b_i2v",
            "extensions_built_in/diffusion_models/wan22/wan22_14b_model.py:165",
        ),
        (
            "starts(model.arch, 'wan22_14b_i2v')",
            f"holds({_NAME}, 't2v')",
            "wan22_14b",
            "extensions_built_in/diffusion_models/wan22/wan22_14b_i2v_model.py:16",
        ),
        (
            "starts(model.arch, 'wan21') and not starts(model.arch, 'wan21_i2v')",
            f"holds({_NAME}, 'i2v')",
            "wan21_i2v",
            "toolkit/models/wan21/wan21.py:311",
        ),
        (
            "starts(model.arch, 'wan21') and not starts(model.arch, 'wan21_i2v')",
            f"holds({_NAME}, 'wan2.2')",
            "wan22_14b",
            "toolkit/models/wan21/wan21.py:311",
        ),
        (
            "(model.arch == 'flux' or starts(model.arch, 'flux:') or model.is_flux)",
            f"holds({_NAME}, 'flux.2')",
            "flux2",
            "toolkit/config_modules.py:768",
        ),
        (
            "(model.arch == 'flux2' or starts(model.arch, 'flux2:'))",
            f"holds({_NAME}, 'klein')",
            "flux2_klein_4b or flux2_klein_9b",
            "extensions_built_in/diffusion_models/flux2/flux2_model.py:57",
        ),
    )
)
_MORE = (
    Refusal(
        "type",
        "type == 'ui_trainer'",
        "only its web interface starts this trainer (AITK_JOB_ID not set)",
        "Set `type: sd_trainer` to run the file yourself",
        "extensions_built_in/sd_trainer/UITrainer.py:27",
        likely=True,
        sets=(("type", "sd_trainer"),),
    ),
    Refusal(
        "type",
        f"is_text(type) and type not in {_PROCESSES}",
        "there is no such process",
        "Set `type: sd_trainer`",
        "jobs/BaseJob.py:66",
        likely=True,
    ),
    Refusal(
        "model.arch",
        f"is_text(model.arch) and not holds(model.arch, ':') and model.arch not in {_ARCHES}",
        "there is no such architecture, and the loader of Stable Diffusion is taken in its place",
        "Write it as the web interface has it",
        "toolkit/util/get_model.py:50",
        late=True,
        likely=True,
    ),
    Refusal(
        "train.noise_scheduler",
        f"is_text(train.noise_scheduler) and train.noise_scheduler not in {_SAMPLERS}"
        f" and (model.arch is None or model.arch in {_OLD_ARCHES})",
        "there is no such sampler",
        "Set flowmatch for FLUX and its like, else ddpm",
        "toolkit/sampler.py:177",
        late=True,
    ),
    Refusal(
        "train.lr_scheduler",
        f"is_text(train.lr_scheduler) and train.lr_scheduler not in {_SCHEDULES}",
        "there is no such schedule",
        "Set it to constant",
        "toolkit/scheduler.py:55",
        late=True,
    ),
    Refusal(
        "train.timestep_type",
        f"is_text(train.timestep_type) and train.timestep_type not in {_TIMESTEPS}"
        " and train.noise_scheduler == 'flowmatch'",
        "timesteps are not spread in such a way",
        "Set it to sigmoid",
        "toolkit/samplers/custom_flowmatch_sampler.py:219",
        late=True,
    ),
    Refusal(
        "train.content_or_style",
        "is_text(train.content_or_style) and train.content_or_style not in ('balanced', 'content', 'style')",
        "it is balanced, content or style",
        "Set it to balanced",
        "jobs/process/BaseSDTrainProcess.py:1320",
        late=True,
    ),
    Refusal(
        "datasets",
        "not within(each(datasets, 'type'), ('image', None))",
        "a data set has the `type` image, also for videos",
        "Leave `type` out",
        "toolkit/data_loader.py:716",
        late=True,
    ),
    Refusal(
        "datasets",
        "False in each(datasets, 'buckets') and (True in each(datasets, 'buckets')"
        " or len(each(datasets, 'buckets')) < len(datasets))",
        "`buckets` is false for some of them only",
        "Set it the same for all",
        "toolkit/data_loader.py:747",
        late=True,
    ),
    Refusal(
        "sample.prompts",
        "is_list(sample.prompts) and not every_text(sample.prompts)",
        "one of them is not a text: a colon makes a mapping of it in YAML, and a bare number is one",
        "Write each in quotes",
        "toolkit/config_modules.py:112",
        late=True,
    ),
    Refusal(
        "model.name_or_path",
        "model.name_or_path is None and model is not None",
        "it names the model, and has no default",
        "Set it",
        "toolkit/config_modules.py:666",
        absent=True,
    ),
)
_ROWS = (
    *weights_of_another(
        "model.name_or_path",
        "model.arch",
        {
            "SDXL": "model.arch == 'sdxl' or model.is_xl",
            "FLUX.1": "model.arch in ('flux', 'flux_kontext') or starts(model.arch, 'flux:') or model.is_flux",
            "FLUX.2": "starts(model.arch, 'flux2')",
            "Qwen-Image": "starts(model.arch, 'qwen_image')",
            "Z-Image": "starts(model.arch, 'zimage')",
            "Wan": "starts(model.arch, 'wan2')",
            "HiDream": "starts(model.arch, 'hidream')",
        },
        "toolkit/util/get_model.py:44",
    ),
    *_OF_ANOTHER,
    *_MORE,
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
        "(model.is_flux or model.arch in ('flux', 'flux_kontext') or starts(model.arch, 'wan2'))"
        " and ends(lower(model.name_or_path), '.safetensors')",
        "this is a file of weights, and the model is loaded from a folder in Diffusers' layout",
        "Name a repository such as black-forest-labs/FLUX.1-dev, or a folder with `transformer` in it",
        "toolkit/stable_diffusion_model.py:649",
        ("model.arch",),
        late=True,
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
