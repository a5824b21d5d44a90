"""LLaMA-Factory 0.9.5: what its arguments refuse before anything is loaded, and its adapters once the model is there.

`hparams/parser.py` checks a training (`do_train`) further than a chat or an export; the dataclasses check all of them.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_PARSER = "hparams/parser.py"
_TUNING = "hparams/finetuning_args.py"
_DATA = "hparams/data_args.py"
_MODEL = "hparams/model_args.py"
_ADAPTER = "model/adapter.py"
_BITS = "model/model_utils/quantization.py"
_MISC = "model/model_utils/misc.py"
_EXPORT = "train/tuner.py"
_MERGES = "export_dir is not None and adapter_name_or_path is not None and not do_train"
_GALORE = "cannot use LoRA with GaLore, APOLLO or BAdam together"


def _of_lora_alone(key: str, line: int, when: str = "") -> Refusal:
    return Refusal(
        key,
        f"{when or key} and finetuning_type != 'lora'",
        "it is only valid for LoRA training",
        "Leave it out, or set `finetuning_type: lora`",
        f"{_TUNING}:{line}",
        ("finetuning_type",),
        cause="LoRA alone",
    )


def _not_with_lora(key: str) -> Refusal:
    return Refusal(
        key,
        f"finetuning_type == 'lora' and {key}",
        _GALORE,
        "Leave it out, or set `finetuning_type: full`",
        f"{_TUNING}:596",
        ("finetuning_type",),
        cause="optimizers of full training",
    )


def _of_stage_sft(key: str, line: int) -> Refusal:
    return Refusal(
        key,
        f"{key} and do_train and stage != 'sft'",
        "it cannot be true except in stage sft",
        "Leave it out",
        f"{_PARSER}:{line}",
        ("stage",),
        drop=True,
        cause="stage sft",
    )


_ROWS = (
    Refusal(
        "model_name_or_path",
        "base_is_adapter and model_name_or_path",
        "another run of the project saves an adapter in this folder, which holds no model (AutoConfig finds no "
        "`model_type`)",
        "Name that run's base model, and this folder as `adapter_name_or_path`, or merge the two first",
        "model/loader.py:128",
        likely=True,
    ),
    Refusal(
        "adapter_name_or_path",
        "adapter_name_or_path is not None and finetuning_type != 'lora'",
        "an adapter is only valid for the LoRA method",
        "Leave it out, or set `finetuning_type: lora`",
        f"{_PARSER}:186",
        ("finetuning_type",),
    ),
    Refusal(
        "quantization_bit",
        "quantization_bit is not None and finetuning_type not in ('lora', 'oft')",
        "quantization is only compatible with the LoRA or OFT method",
        "Leave `quantization_bit` out, or set `finetuning_type: lora`",
        f"{_PARSER}:190",
        ("finetuning_type",),
    ),
    Refusal(
        "pissa_init",
        "pissa_init and quantization_bit is not None",
        "a quantized model must be initialized with scripts/pissa_init.py",
        "Run that script first and train what it saves, or leave `pissa_init` out",
        f"{_PARSER}:193",
        ("quantization_bit",),
    ),
    Refusal(
        "resize_vocab",
        "resize_vocab and quantization_bit is not None",
        "cannot resize embedding layers of a quantized model",
        "Leave `quantization_bit` or `resize_vocab` out",
        f"{_PARSER}:196",
        ("quantization_bit",),
    ),
    Refusal(
        "create_new_adapter",
        "create_new_adapter and quantization_bit is not None and adapter_name_or_path is not None",
        "cannot create a new adapter on a quantized model",
        "Merge the adapter first, or go on training it",
        f"{_PARSER}:199",
        ("quantization_bit", "adapter_name_or_path"),
    ),
    Refusal(
        "adapter_name_or_path",
        "quantization_bit is not None and len(words(adapter_name_or_path)) > 1",
        "a quantized model only accepts a single adapter",
        "Merge the adapters first",
        f"{_PARSER}:202",
        ("quantization_bit",),
    ),
    _of_stage_sft("predict_with_generate", 318),
    _of_stage_sft("neat_packing", 321),
    _of_stage_sft("train_on_prompt", 324),
    _of_stage_sft("mask_history", 324),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and do_train and stage in ('rm', 'ppo')",
        "the stages rm and ppo do not support `load_best_model_at_end`",
        "Leave it out",
        f"{_PARSER}:330",
        ("stage",),
        drop=True,
    ),
    Refusal(
        "shift_attn",
        "shift_attn and do_train and stage == 'ppo'",
        "PPO is incompatible with S^2-Attn",
        "Leave `shift_attn` out",
        f"{_PARSER}:337",
        ("stage",),
        drop=True,
    ),
    Refusal(
        "use_unsloth",
        "use_unsloth and do_train and stage == 'ppo' and reward_model_type == 'lora'",
        "unsloth does not support a reward model of type lora",
        "Leave `use_unsloth` out, or take another `reward_model_type`",
        f"{_PARSER}:343",
        ("stage", "reward_model_type"),
    ),
    Refusal(
        "streaming",
        "streaming and do_train and (max_steps is None or max_steps == -1)",
        "streaming needs `max_steps`",
        "Set `max_steps`",
        f"{_PARSER}:357",
        ("max_steps",),
        likely=True,
    ),
    Refusal(
        "compute_accuracy",
        "compute_accuracy and predict_with_generate and do_train",
        "cannot use `predict_with_generate` and `compute_accuracy` together",
        "Leave one of the two out",
        f"{_PARSER}:372",
        ("predict_with_generate",),
    ),
    Refusal(
        "quantization_device_map",
        "quantization_device_map == 'auto' and do_train",
        "cannot use a device map for quantized models in training",
        "Leave `quantization_device_map` out",
        f"{_PARSER}:375",
        ("do_train",),
        drop=True,
    ),
    Refusal(
        "deepspeed",
        "deepspeed is not None and (use_galore or use_apollo)",
        "GaLore and APOLLO are incompatible with DeepSpeed",
        "Leave `deepspeed` out",
        f"{_PARSER}:401",
        ("use_galore", "use_apollo"),
        drop=True,
    ),
    Refusal(
        "fp8",
        "fp8 and quantization_bit is not None and do_train",
        "FP8 training is not compatible with quantization",
        "Leave one of the two out",
        f"{_PARSER}:404",
        ("quantization_bit",),
    ),
    Refusal(
        "infer_backend",
        "infer_backend in ('vllm', 'sglang') and do_train",
        "the backends vllm and sglang are for inference only",
        "Leave `infer_backend` out",
        f"{_PARSER}:407",
        ("do_train",),
        drop=True,
    ),
    Refusal(
        "quantization_bit",
        "quantization_bit is not None and infer_backend == 'vllm' and not do_train",
        "the vLLM engine does not support bitsandbytes quantization",
        "Leave `quantization_bit` out, or name a GPTQ or AWQ model",
        f"{_PARSER}:549",
        ("infer_backend",),
    ),
    Refusal(
        "rope_scaling",
        "rope_scaling is not None and infer_backend == 'vllm' and not do_train",
        "the vLLM engine does not support RoPE scaling",
        "Leave `rope_scaling` out",
        f"{_PARSER}:552",
        ("infer_backend",),
        drop=True,
    ),
    Refusal(
        "stage",
        "stage == 'ppo' and reward_model is None",
        "PPO needs `reward_model`",
        "Name it",
        f"{_TUNING}:581",
        likely=True,
    ),
    Refusal(
        "reward_model_type",
        "stage == 'ppo' and reward_model_type == 'lora' and finetuning_type != 'lora'",
        "a reward model of type lora needs `finetuning_type: lora`",
        "Set `reward_model_type: full`",
        f"{_TUNING}:584",
        ("finetuning_type", "stage"),
        sets=(("reward_model_type", "full"),),
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and stage == 'ppo' and reward_model_type == 'lora'",
            "a reward model of type lora is the adapter in `reward_model`, on the model that is trained",
            "Name the adapter's folder there, or set `reward_model_type: full`",
            f"train/trainer_utils.py:{line}",
            ("reward_model_type", "reward_model"),
            ignored=True,
        )
        for key, line in (("reward_model_adapters", 180), ("reward_model_quantization_bit", 181))
    ),
    Refusal(
        "dpo_label_smoothing",
        "dpo_label_smoothing > 0.000001 and stage == 'dpo' and pref_loss != 'sigmoid'",
        "`dpo_label_smoothing` is only valid for the sigmoid loss",
        "Leave it out, or set `pref_loss: sigmoid`",
        f"{_TUNING}:590",
        ("pref_loss",),
    ),
    Refusal(
        "use_llama_pro",
        "use_llama_pro and finetuning_type == 'full'",
        "`use_llama_pro` is only valid for freeze or LoRA training",
        "Leave it out, or set `finetuning_type: freeze`",
        f"{_TUNING}:593",
        ("finetuning_type",),
    ),
    _not_with_lora("use_galore"),
    _not_with_lora("use_apollo"),
    _not_with_lora("use_badam"),
    *(
        Refusal(
            one,
            f"{one} and {other} and finetuning_type != 'lora'",
            "cannot use GaLore, APOLLO or BAdam together",
            "Keep one of them",
            f"{_TUNING}:599",
            (other,),
        )
        for one, other in (("use_galore", "use_apollo"), ("use_apollo", "use_badam"), ("use_badam", "use_galore"))
    ),
    Refusal(
        "pissa_init",
        "pissa_init and (stage in ('ppo', 'kto') or stage == 'dpo' and pref_loss not in ('orpo', 'simpo'))",
        "cannot use PiSSA in this stage: the model without its adapter is the reference, and PiSSA changes it",
        "Leave `pissa_init` out",
        f"{_TUNING}:602",
        ("stage", "pref_loss"),
        drop=True,
    ),
    _of_lora_alone("loraplus_lr_ratio", 606, "loraplus_lr_ratio is not None"),
    _of_lora_alone("use_rslora", 609),
    _of_lora_alone("use_dora", 612),
    _of_lora_alone("pissa_init", 615),
    Refusal(
        "val_size",
        "val_size > 0.000001 and dataset is None",
        "cannot specify `val_size` without `dataset`",
        "Name the data set, or leave `val_size` out",
        f"{_DATA}:160",
        ("dataset",),
        likely=True,
    ),
    Refusal(
        "val_size",
        "val_size > 0.000001 and eval_dataset is not None",
        "cannot specify `val_size` beside `eval_dataset`",
        "Leave one of the two out",
        f"{_DATA}:163",
        ("eval_dataset",),
    ),
    Refusal(
        "interleave_probs",
        "interleave_probs is not None and mix_strategy == 'concat'",
        "`interleave_probs` is only valid for interleaved mixing",
        "Set `mix_strategy: interleave_under`, or leave it out",
        f"{_DATA}:167",
        ("mix_strategy",),
    ),
    Refusal(
        "interleave_probs",
        "interleave_probs is not None and mix_strategy != 'concat' and dataset is not None"
        " and len(words(dataset)) != len(words(interleave_probs))",
        "`interleave_probs` must have one entry per data set",
        "Give one for each",
        f"{_DATA}:171",
        ("dataset",),
    ),
    Refusal(
        "val_size",
        "streaming and val_size > 0.000001 and val_size < 1",
        "with `streaming`, `val_size` has to be a whole number of examples",
        "Give a number of examples",
        f"{_DATA}:177",
        ("streaming",),
    ),
    Refusal(
        "max_samples",
        "max_samples is not None and streaming",
        "`max_samples` is incompatible with `streaming`",
        "Leave one of the two out",
        f"{_DATA}:180",
        ("streaming",),
    ),
    Refusal(
        "mask_history",
        "mask_history and train_on_prompt",
        "`mask_history` is incompatible with `train_on_prompt`",
        "Leave one of the two out",
        f"{_DATA}:183",
        ("train_on_prompt",),
    ),
    Refusal(
        "export_quantization_bit",
        "export_quantization_bit is not None and export_quantization_dataset is None",
        "an export with quantization needs `export_quantization_dataset`",
        "Name the data set",
        f"{_MODEL}:397",
        ("export_quantization_dataset",),
        likely=True,
    ),
    Refusal(
        "quantization_bit",
        f"{_MERGES} and quantization_bit is not None",
        "adapters cannot be merged into a quantized model",
        "Leave it out: the export merges in full precision",
        f"{_EXPORT}:168",
        ("adapter_name_or_path", "export_dir"),
        late=True,
        drop=True,
    ),
    Refusal(
        "model_name_or_path",
        f"{_MERGES} and names_ptq(model_name_or_path)",
        "adapters cannot be merged into a quantized model",
        "Name the model before its quantization",
        f"{_EXPORT}:168",
        ("adapter_name_or_path", "export_dir"),
        late=True,
        likely=True,
    ),
    Refusal(
        "export_quantization_bit",
        f"{_MERGES} and export_quantization_bit is not None",
        "adapters have to be merged before the model is quantized",
        "Leave it out, and quantize the merged model in a second export",
        f"{_EXPORT}:159",
        ("adapter_name_or_path", "export_dir"),
        drop=True,
    ),
    Refusal(
        "use_dora",
        "use_dora and finetuning_type == 'lora' and names_ptq(model_name_or_path)",
        "DoRA is not compatible with pre-quantized models",
        "Leave `use_dora` out, or take the model before its quantization with `quantization_bit: 4`",
        f"{_ADAPTER}:220",
        ("model_name_or_path",),
        late=True,
        likely=True,
    ),
    Refusal(
        "use_dora",
        "use_dora and finetuning_type == 'lora' and quantization_bit is not None"
        " and quantization_method in ('hqq', 'eetq')",
        "DoRA is compatible only with bitsandbytes' quantization",
        "Leave `use_dora` out, or set `quantization_method: bnb`",
        f"{_ADAPTER}:220",
        ("quantization_method", "quantization_bit"),
        late=True,
    ),
    Refusal(
        "quantization_bit",
        "is_whole(quantization_bit) and quantization_method == 'bnb' and quantization_bit not in (4, 8)"
        " and not names_ptq(model_name_or_path)",
        "bitsandbytes only accepts 4-bit or 8-bit quantization",
        "Set 4 or 8, or `quantization_method: hqq`",
        f"{_BITS}:181",
        ("quantization_method",),
        late=True,
    ),
    Refusal(
        "quantization_bit",
        "is_whole(quantization_bit) and quantization_method == 'eetq' and quantization_bit != 8",
        "EETQ only accepts 8-bit quantization",
        "Set 8, or `quantization_method: bnb`",
        f"{_BITS}:209",
        ("quantization_method",),
        late=True,
    ),
    Refusal(
        "quantization_bit",
        "quantization_bit is not None and names_ptq(model_name_or_path)",
        "the model is already quantized",
        "Leave `quantization_bit` out",
        f"{_BITS}:94",
        ("model_name_or_path",),
        likely=True,
        ignored=True,
    ),
    Refusal(
        "freeze_multi_modal_projector",
        "freeze_multi_modal_projector == False and finetuning_type == 'lora' and lora_target == 'all'"
        " and freeze_vision_tower and additional_target is None"
        " and is_text(model_name_or_path) and not holds(lower(model_name_or_path), 'minicpm')",
        "`lora_target: all` never includes the projector, so it stays frozen",
        "Train it with `additional_target` (`multi_modal_projector`, `visual.merger` of Qwen's models)",
        f"{_MISC}:38",
        ("lora_target",),
        likely=True,
        ignored=True,
    ),
)
_UNEVALUATED = "eval_dataset is None and val_size < 0.000001 and eval_dataset_size is None"
"""LLamaTuner's files are alike, and set the last."""
_EVALUATED = (
    *(
        Refusal(
            key,
            f"{key} and {_UNEVALUATED}",
            f"`{key}` needs data to evaluate on",
            "Set `val_size` or `eval_dataset`",
            f"{_PARSER}:365",
            ("val_size", "eval_dataset"),
            likely=True,
            cause="nothing to evaluate on",
        )
        for key in ("predict_with_generate", "do_predict")
    ),
    Refusal(
        "eval_strategy",
        f"eval_strategy is not None and lower(eval_strategy) != 'no' and {_UNEVALUATED} and not predict_with_generate",
        "an evaluation needs data",
        "Set `val_size` or `eval_dataset`",
        f"{_PARSER}:365",
        ("val_size", "eval_dataset"),
        likely=True,
    ),
)
_ZERO3 = "do_train and sharding == 'ZERO3'"
_SHARDED = tuple(
    Refusal(
        key,
        f"{key} and {_ZERO3}",
        "it is incompatible with DeepSpeed ZeRO-3",
        instead,
        f"{_PARSER}:{line}",
        ("deepspeed",),
    )
    for key, line, instead in (
        ("predict_with_generate", 369, "Leave it out, or shard with ZeRO-2"),
        ("pissa_init", 378, "Run scripts/pissa_init.py first and train what it saves, or shard with ZeRO-2"),
        ("pure_bf16", 385, "Set `bf16: true` in its place, or shard with ZeRO-2"),
        ("use_unsloth", 410, "Leave it out, or shard with ZeRO-2"),
        ("use_kt", 413, "Leave it out, or shard with ZeRO-2"),
    )
)
_SPLIT = Refusal(
    "badam_mode",
    "badam_mode == 'ratio' and use_badam and do_train and deepspeed is not None and finetuning_type != 'lora'",
    "BAdam by ratio does not support distributed training",
    "Set `badam_mode: layer`, which ZeRO-3 supports",
    f"{_PARSER}:396",
    ("deepspeed", "use_badam"),
)
_SERVED = "infer_backend == 'vllm' and not do_train"
_INFERRED = (
    Refusal(
        "infer_backend",
        f"{_SERVED} and stage != 'sft'",
        "the vLLM engine only supports models that generate text",
        "Leave `stage` out",
        f"{_PARSER}:546",
        ("stage",),
    ),
    Refusal(
        "adapter_name_or_path",
        f"{_SERVED} and len(words(adapter_name_or_path)) > 1",
        "the vLLM engine only accepts a single adapter",
        "Merge them first",
        f"{_PARSER}:555",
        ("infer_backend",),
    ),
)
_QUANTIZED = "do_train and names_ptq(model_name_or_path)"
_WRAPPED = (
    *(
        Refusal(
            key,
            f"do_train and {key} and finetuning_type == 'oft'",
            "it does not support OFT",
            f"Set `finetuning_type: lora`, or leave `{key}` out",
            f"{_ADAPTER}:{line}",
            ("finetuning_type",),
            late=True,
        )
        for key, line in (("use_kt", 254), ("use_unsloth", 260))
    ),
    Refusal(
        "finetuning_type",
        f"{_QUANTIZED} and finetuning_type not in ('lora', 'oft')",
        "a quantized model can only be trained with LoRA or OFT",
        "Set `finetuning_type: lora`, or take the model before its quantization",
        f"{_ADAPTER}:308",
        ("model_name_or_path",),
        late=True,
        likely=True,
    ),
    Refusal(
        "pissa_init",
        f"{_QUANTIZED} and pissa_init",
        "PiSSA cannot be initialized from a quantized model",
        "Leave it out, or take the model before its quantization",
        f"{_ADAPTER}:311",
        ("model_name_or_path",),
        late=True,
        likely=True,
    ),
)
_CONVERTED = (
    Refusal(
        "model_name_or_path",
        "template == 'intern_vl' and starts(model_name_or_path, 'OpenGVLab/InternVL')"
        " and not ends(model_name_or_path, '-hf')",
        "this repository has no processor of transformers, which the template asks for (Processor was not found)",
        "Name the converted one, which ends in `-hf`",
        "data/mm_plugin.py:178",
        ("template",),
        late=True,
        likely=True,
    ),
)
_DECODER = ("all", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_COMPOSITE = (
    *("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "glm4v", "glm4v_moe", "gemma3"),
    *("gemma3n", "gemma4", "llava", "llava_next", "llava_next_video", "video_llava", "internvl", "mllama", "llama4"),
    *("mistral3", "paligemma", "qwen2_audio"),
)
_NOTHING_LEFT = Refusal(
    "freeze_language_model",
    "freeze_language_model and freeze_vision_tower and do_train and finetuning_type == 'lora'"
    f" and within(words(lora_target), {_DECODER}) and (adapter_name_or_path is None or create_new_adapter)"
    f" and model_type in {_COMPOSITE}",
    "with `freeze_vision_tower`, no layer is left that `lora_target` names",
    "Leave one of the two out; the projector is trained by `additional_target`",
    "model/model_utils/visual.py:211",
    ("freeze_vision_tower", "lora_target"),
    late=True,
)
_UNQUANTIZED = tuple(
    Refusal(
        key,
        f"{key} and quantization_bit is None and do_train and finetuning_type == 'lora'"
        " and is_text(model_name_or_path) and not names_ptq(model_name_or_path)"
        " and not holds(lower(model_name_or_path), 'bnb')",
        "without `quantization_bit` nothing is quantized, and the model is trained in 16 bits",
        "Set `quantization_bit: 4`, or leave it out",
        "model/model_utils/quantization.py:166",
        ("quantization_bit",),
        likely=True,  # a command may add it
        ignored=True,
        cause="the bits of the model",
    )
    for key in ("double_quantization", "quantization_type")
)
_LEGIBLE = tuple(
    Refusal(
        "image_max_pixels",
        f"template in {templates!r} and is_whole(image_max_pixels) and is_whole(cutoff_len) and do_train"
        f" and image_max_pixels // {pixels} >= cutoff_len",
        f"an image of that size is one token for every {pixels} pixels, more than `cutoff_len` leaves of a row (image "
        "features and image tokens do not match)",
        "Raise `cutoff_len`, or lower `image_max_pixels`",
        "data/processor/supervised.py:76",
        ("cutoff_len",),
        late=True,
        likely=True,  # the images may be smaller
    )
    for pixels, templates in (
        (784, ("qwen2_vl", "qwen2_omni", "mimo_vl")),
        (1024, ("qwen3_vl", "qwen3_vl_nothink", "qwen3_5", "qwen3_5_nothink", "qwen3_6")),
    )
)
"""Patches of 14 or 16 pixels a side, of which four are one token."""
_LOGGERS = ("wandb", "tensorboard", "trackio", "none", "all")
_CHECKED = (
    Refusal(
        "do_predict",
        "stage == 'sft' and do_predict and not predict_with_generate",
        "predictions are saved only where they are generated",
        "Set `predict_with_generate: true`",
        f"{_PARSER}:327",
        ("predict_with_generate",),
        sets=(("predict_with_generate", True),),
    ),
    Refusal(
        "do_train",
        "stage == 'ppo' and do_train == False",
        "PPO is trained only, and evaluated in stage sft",
        "Set `do_train: true`, or `stage: sft`",
        f"{_PARSER}:334",
        ("stage",),
    ),
    Refusal(
        "use_kt",
        "use_kt and do_train and stage == 'ppo' and reward_model_type == 'lora'",
        "KTransformers does not support a LoRA as a reward model",
        "Set `reward_model_type: full`",
        f"{_PARSER}:340",
        ("reward_model_type",),
    ),
    Refusal(
        "report_to",
        f"stage == 'ppo' and do_train and (is_text(report_to) and report_to not in {_LOGGERS}"
        f" or is_list(report_to) and not within(report_to, {_LOGGERS}))",
        "PPO reports only to wandb, tensorboard and trackio",
        "Take one of these",
        f"{_PARSER}:348",
        ("stage",),
    ),
    *(
        Refusal(
            f"{kind}_{end}_pixels",
            f"{kind}_max_pixels < {kind}_min_pixels",
            f"`{kind}_max_pixels` is smaller than `{kind}_min_pixels`",
            "Raise the first, or lower the second",
            f"{_MODEL}:{line}",
            cause=f"{kind} pixels",
        )
        for kind, line in (("image", 348), ("video", 351))
        for end in ("max", "min")
    ),
    Refusal(
        "interleave_probs",
        "interleave_probs is not None and mix_strategy != 'concat' and eval_dataset is not None"
        " and len(words(eval_dataset)) != len(words(interleave_probs))",
        "each data set of the evaluation needs one probability too",
        "Name as many data sets as probabilities",
        f"{_DATA}:174",
        ("eval_dataset",),
    ),
)
TABLE = Table(
    "LLaMA-Factory",
    "0.9.5",
    {
        "": (
            *_ROWS,
            *_EVALUATED,
            *_CHECKED,
            *_SHARDED,
            _SPLIT,
            _NOTHING_LEFT,
            *_INFERRED,
            *_WRAPPED,
            *_CONVERTED,
            *(*_LEGIBLE, *_UNQUANTIZED),
        )
    },
    {
        "finetuning_type": "lora",
        "stage": "sft",
        "lora_target": "all",
        "freeze_vision_tower": True,
        "image_max_pixels": 589824,
        "cutoff_len": 2048,
        "image_min_pixels": 1024,
        "video_max_pixels": 65536,
        "video_min_pixels": 256,
        "pref_loss": "sigmoid",
        "reward_model_type": "lora",
        "dpo_label_smoothing": 0.0,
        "mix_strategy": "concat",
        "val_size": 0.0,
        "quantization_method": "bnb",
        "infer_backend": "huggingface",
        "max_steps": -1,
    },
    (
        Undecided(
            "how the run is launched",
            "one process or many, FSDP, and a model that only the command names",
            ("launcher.py", "train/", f"{_MODEL}:208"),
        ),
        Undecided(
            "installed packages and devices",
            "they depend on the machine",
            (
                *("extras/", "hparams/training_args.py"),
                *(f"model/model_utils/{name}.py" for name in ("attention", "unsloth", "mod")),
            ),
        ),
        Undecided(
            "layers, tokenizer and template of the model",
            "they are in the model",
            ("model/model_utils/", "data/", "model/patcher.py", "model/loader.py"),
        ),
        Undecided("chat, API and web interface", "they train nothing", ("chat/", "api/", "webui/", "eval/")),
        Undecided("its second architecture", "an environment variable starts it", ("v1/",)),
    ),
    hands_on=(("transformers", "Seq2SeqTrainingArguments"),),
)
