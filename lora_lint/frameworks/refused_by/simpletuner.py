"""SimpleTuner 4.8.0 at bc8e6ab (2026-08-22): what it refuses of its configuration before a model is loaded."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by._families import weights_of_another

_ARGUMENTS = "helpers/configuration/cmd_args.py"
_TRAINER = "helpers/training/trainer.py"
_PIPELINED = (
    "('nf4-bnb', 'int4-torchao', 'int8-torchao', 'int8dq-torchao', 'int8dq-int4-torchao', 'fp8-torchao',"
    " 'fp8wo-torchao', 'fp8-int4-torchao', 'int8-quanto', 'int4-quanto', 'int2-quanto', 'fp8-quanto', 'fp8uz-quanto')"
)


def _either(one: str, other: str, says: str, line: int, path: str = _ARGUMENTS) -> Refusal:
    """Two settings that exclude each other."""
    return Refusal(one, f"{one} and {other}", says, "Leave one of the two out", f"{path}:{line}", (other,))


def _by_hand(key: str) -> str:
    """A condition for a precision that the pipeline does not have."""
    return f"ends({key}, '-sdnq') or {key} in ('fp8-native', 'fp8-transformerengine')"


_ROWS = (
    *weights_of_another(
        "pretrained_model_name_or_path",
        "model_family",
        {
            "SD1": "model_family == 'sd1x'",
            "SDXL": "model_family == 'sdxl'",
            "SD3": "model_family == 'sd3'",
            "FLUX.1": "model_family == 'flux'",
            "FLUX.2": "model_family == 'flux2'",
            "Qwen-Image": "model_family == 'qwen_image'",
            "Z-Image": "model_family in ('z_image', 'z_image_omni')",
            "Wan": "model_family in ('wan', 'wan_s2v')",
            "HiDream": "model_family == 'hidream'",
            "HunyuanVideo": "model_family == 'hunyuanvideo'",
        },
        "simpletuner/helpers/models/common.py:3400",
    ),
    Refusal(
        "max_train_steps",
        "max_train_steps > 0 and num_train_epochs > 0",
        "`num_train_epochs`, whose default is 1, counts too",
        "Set `num_train_epochs` to 0",
        f"{_ARGUMENTS}:983",
        ("num_train_epochs",),
    ),
    *(
        Refusal(
            one,
            f"{one} is not None and {other} is None",
            f"`{one}` and `{other}` are given together",
            f"Set `{other}` too",
            f"{_ARGUMENTS}:1082",
        )
        for one, other in (("optimizer_beta1", "optimizer_beta2"), ("optimizer_beta2", "optimizer_beta1"))
    ),
    _either("ramtorch", "enable_group_offload", "weights are offloaded in one way", 1351),
    _either("validation_adapter_path", "validation_adapter_config", "one of them names the adapters", 1389),
    _either("fsdp_enable", "deepspeed_config", "FSDP and DeepSpeed cannot shard one model", 1230),
    Refusal(
        "quantization_config",
        "quantization_config is not None and model_type is not None and model_type != 'lora'",
        "only the base of a LoRA is quantized",
        "Leave it out",
        f"{_ARGUMENTS}:852",
        ("model_type",),
        drop=True,
    ),
    Refusal(
        "quantize_via",
        f"quantize_via == 'pipeline' and ({_by_hand('base_model_precision')})",
        "the pipeline cannot quantize so",
        "Set `quantize_via` to accelerator",
        f"{_ARGUMENTS}:855",
        ("base_model_precision",),
    ),
    Refusal(
        "quantize_via",
        "quantize_via == 'pipeline' and base_model_precision != 'no_change'"
        f" and not ({_by_hand('base_model_precision')})"
        f" and base_model_precision not in {_PIPELINED} and quantization_config is None"
        " and not ends(pretrained_model_name_or_path, '.gguf')",
        "the pipeline has no such precision",
        "Set `quantize_via` to accelerator",
        f"{_ARGUMENTS}:875",
        ("base_model_precision",),
    ),
    Refusal(
        "quantization_config",
        "quantization_config is not None and model_type == 'lora' and base_model_precision != 'no_change'"
        f" and base_model_precision not in {_PIPELINED}",
        "the pipeline has no precision of this `base_model_precision`",
        "Set `base_model_precision` to no_change",
        f"{_ARGUMENTS}:892",
        ("base_model_precision",),
    ),
    Refusal(
        "mixed_precision",
        "mixed_precision == 'fp8' and base_model_precision not in ('no_change', 'fp8-torchao')",
        "a quantized model is not trained in 8 bits",
        "Set it to bf16",
        f"{_ARGUMENTS}:954",
        ("base_model_precision",),
    ),
    Refusal(
        "maximum_image_size",
        "maximum_image_size is not None and not target_downsample_size",
        "it needs `target_downsample_size`",
        "Set it",
        f"{_ARGUMENTS}:921",
        ("target_downsample_size",),
    ),
    *(
        Refusal(
            key,
            f"{key} {compared} and resolution_type == '{unit}'",
            f"it counts {of}",
            f"Write it in {of}",
            f"{_ARGUMENTS}:{line}",
            ("resolution_type",),
        )
        for key, lines in (("maximum_image_size", (928, 932)), ("target_downsample_size", (941, 945)))
        for line, compared, unit, of in (
            (lines[0], "> 5", "area", "megapixels"),
            (lines[1], "< 512", "pixel", "pixels"),
        )
    ),
    Refusal(
        "quantization_config",
        "is_list(quantization_config)",
        "it is an object",
        "Write it as one",
        f"{_ARGUMENTS}:801",
    ),
    *(
        Refusal(
            f"text_encoder_{number}_precision",
            f"({_by_hand(f'text_encoder_{number}_precision')}) and {when}",
            "the pipeline cannot quantize a text encoder so",
            "Leave it out, or take one of its precisions",
            f"{_ARGUMENTS}:{line}",
            others,
            cause=f"text encoders at {line}",
        )
        for when, line, others in (
            ("quantize_via == 'pipeline'", 864, ("quantize_via",)),
            (f"quantize_via != 'pipeline' and base_model_precision in {_PIPELINED}", 883, ("base_model_precision",)),
        )
        for number in (1, 2, 3, 4)
    ),
    *(
        Refusal(
            f"text_encoder_{number}_precision",
            f"quantization_config is not None and (text_encoder_{number}_precision in {_PIPELINED}"
            f" or {_by_hand(f'text_encoder_{number}_precision')})",
            "`quantization_config` quantizes the text encoders too",
            "Leave it out, and add the encoder there",
            f"{_ARGUMENTS}:900",
            ("quantization_config",),
            cause="text encoders at 900",
        )
        for number in (1, 2, 3, 4)
    ),
    Refusal(
        "validation_adapter_mode",
        "validation_adapter_mode and lower(validation_adapter_mode) not in ('adapter_only', 'comparison', 'none')",
        "there is no such mode",
        "Set adapter_only or comparison",
        f"{_ARGUMENTS}:1414",
    ),
    Refusal(
        "validation_adapter_strength",
        "validation_adapter_strength == 0",
        "an adapter without strength validates nothing",
        "Leave it out",
        f"{_ARGUMENTS}:1404",
        drop=True,
    ),
    Refusal(
        "fsdp_version",
        "fsdp_enable and is_whole(fsdp_version) and fsdp_version not in (1, 2)",
        "there are FSDP 1 and 2",
        "Set it to 2",
        f"{_ARGUMENTS}:1238",
        ("fsdp_enable",),
    ),
    Refusal(
        "fsdp_state_dict_type",
        "fsdp_enable and fsdp_state_dict_type"
        " and lower(fsdp_state_dict_type) not in ('sharded_state_dict', 'full_state_dict')",
        "there is no such type",
        "Set it to SHARDED_STATE_DICT",
        f"{_ARGUMENTS}:1247",
        ("fsdp_enable",),
    ),
    Refusal(
        "base_model_precision",
        "fsdp_enable and fsdp_version == 2 and holds(base_model_precision, 'quanto')",
        "FSDP 2 cannot shard what Quanto has quantized",
        "Take another precision",
        f"{_ARGUMENTS}:1286",
        ("fsdp_enable",),
    ),
    Refusal(
        "validation_method",
        "validation_method == 'external-script' and not validation_external_script",
        "it needs `validation_external_script`",
        "Name the script there",
        f"{_ARGUMENTS}:1431",
        ("validation_external_script",),
    ),
    *(
        Refusal(
            "flow_cubic_schedule_weights",
            f"flow_cubic_schedule_weights is not None and {key}",
            f"`{key}` is a schedule too",
            "Leave one of the two out",
            f"{_ARGUMENTS}:1062",
            (key,),
        )
        for key in ("flow_use_uniform_schedule", "flow_use_beta_schedule", "flux_fast_schedule")
    ),
    Refusal(
        "lora_type",
        "lora_type == 'lycoris' and lycoris_config is None",
        "it needs `lycoris_config`",
        "Name the file of its settings there",
        f"{_ARGUMENTS}:1120",
        ("lycoris_config",),
    ),
    Refusal(
        "init_lora_step",
        "init_lora_step > 0 and not init_lora",
        "no adapter is continued",
        "Set `init_lora`",
        f"{_TRAINER}:2351",
        ("init_lora",),
        late=True,
    ),
    Refusal(
        "init_lora_step",
        "init_lora_step > 0 and init_lora and resume_from_checkpoint",
        "a checkpoint that is resumed, which is the default, has steps of its own",
        "Set `resume_from_checkpoint` to an empty string",
        f"{_TRAINER}:2353",
        ("resume_from_checkpoint",),
        late=True,
    ),
    Refusal(
        "init_lora_ema",
        "init_lora_ema and not init_lora",
        "no adapter is continued",
        "Set `init_lora`",
        f"{_TRAINER}:4300",
        ("init_lora",),
        late=True,
    ),
    Refusal(
        "init_lora_ema",
        "init_lora_ema and init_lora and not use_ema",
        "no average is kept",
        "Set `use_ema`",
        f"{_TRAINER}:4302",
        ("use_ema",),
        late=True,
    ),
)
TABLE = Table(
    "SimpleTuner",
    "4.8.0 of 2026-08-22",
    {"": _ROWS},
    {
        "num_train_epochs": 1,
        "base_model_precision": "no_change",
        "quantize_via": "accelerator",
        "fsdp_version": 2,
        "resume_from_checkpoint": "latest",
    },
    (
        Undecided(
            "devices and installed packages",
            "they depend on the machine",
            (
                *("helpers/configuration/platform_validation.py", "helpers/training/", "helpers/acceleration/"),
                f"{_ARGUMENTS}:792",
            ),
        ),
        Undecided(
            "files that a setting names",
            "data backends, validation prompts, LyCORIS and checkpoints have files of their own",
            (
                "helpers/data_backend/",
                "helpers/caching/",
                "helpers/image_manipulation/",
                "helpers/multiaspect/",
                "helpers/metadata/",
                "helpers/publishing/",
                f"{_ARGUMENTS}:280",
                f"{_ARGUMENTS}:803",
            ),
        ),
        Undecided("a text that stands for a number", "it may be one, as '0.5' is", (f"{_ARGUMENTS}:1402",)),
        Undecided(
            "families of models",
            "each has checks of its own",
            ("helpers/models/", "helpers/distillation/", "helpers/legacy/", "helpers/assistant_lora.py"),
        ),
        Undecided(
            "its server and its windows", "they train nothing", ("simpletuner_sdk/", "cli/", "configure.py", "cog.py")
        ),
    ),
)
