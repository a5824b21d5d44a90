"""unsloth 2026.10.9: what its classes refuse when a model is loaded, and when an adapter is put on it."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_UTILS = "models/_utils.py"
_LOADER = "models/loader.py"
_LLAMA = "models/llama.py"
_PROJECTIONS = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    *("score", "classifier"),
)
_WRAPPED = (
    Refusal(
        "alora_invocation_tokens",
        "alora_invocation_tokens is not None",
        "unsloth would apply the adapter to every token",
        "Leave it out, or train with PEFT itself",
        f"{_UTILS}:7635",
    ),
    Refusal(
        "init_lora_weights",
        "bits is not None and init_lora_weights in ('lora_ga', 'mica')",  # LL805 speaks of the others
        "it starts from the weights of the base model, which is quantized",
        "Load the model with `load_in_4bit=False`, or take another initialisation",
        f"{_UTILS}:7691",
        late=True,
    ),
    Refusal(
        "init_lora_weights",
        "init_lora_weights == 'orthogonal' and is_whole(r) and r % 2 != 0",
        "orthogonal initialization requires the rank to be even",
        "Take an even rank",
        f"{_UTILS}:7697",
        ("r",),
        late=True,
    ),
    Refusal(
        "target_modules",
        "is_list(target_modules) and len(target_modules) > 0 and within(target_modules, ('embed_tokens', 'lm_head'))"
        " and not target_parameters",
        "unsloth trains these in full, so no target is left for LoRA",
        "Add projections of the layers",
        f"{_UTILS}:11571",
        late=True,
    ),
    Refusal(
        "loftq_config",
        "loftq_config and init_lora_weights != 'loftq'",
        "it has an effect only with `init_lora_weights='loftq'`",
        "Leave it out",
        f"{_LLAMA}:4810",
        ("init_lora_weights",),
        ignored=True,
    ),
)
_ENGINE = "engine is not None and engine == True"
_WITH_ENGINE = "the engine of `fast_inference=True` does not get what they learn"
_SAVED_BESIDE = Refusal(
    "modules_to_save",
    f"{_ENGINE} and modules_to_save",
    _WITH_ENGINE,
    "Leave it out, or load the model without `fast_inference`",
    f"{_UTILS}:11642",
    late=True,
)
_OF_LANGUAGE_MODELS = (
    *_WRAPPED,
    _SAVED_BESIDE,
    Refusal(
        "target_modules",
        f"{_ENGINE} and is_list(target_modules) and common(target_modules, ('embed_tokens', 'lm_head'))",
        f"it trains the embedding and the head in full, and {_WITH_ENGINE}",
        "Leave the two out, or load the model without `fast_inference`",
        f"{_LLAMA}:4981",
        late=True,
    ),
    Refusal(
        "bias",
        f"{_ENGINE} and bias in ('all', 'lora_only')",
        "the engine of `fast_inference=True` does not get trained biases",
        'Set `bias="none"`, or load the model without `fast_inference`',
        f"{_LLAMA}:4986",
        late=True,
    ),
    Refusal(
        "init_lora_weights",
        "init_lora_weights == 'eva'",
        "the fused kernels of FastLanguageModel leave out the hooks that EVA needs",
        "Load the model with FastModel",
        f"{_LLAMA}:4831",
        late=True,
        likely=True,
    ),
    Refusal(
        "modules_to_save",
        f"is_list(modules_to_save) and common(modules_to_save, {_PROJECTIONS!r})",
        "FastLanguageModel trains only the embeddings, the head and norms in full",
        "Load the model with FastModel, or leave these out",
        f"{_LLAMA}:4966",
        late=True,
        likely=True,
    ),
)
_LOADED = (
    Refusal(
        "fast_inference",
        "fast_inference and full_finetuning",
        "the engine takes adapters from the training, not whole models",
        "Leave one of the two out",
        "models/vision.py:4330",
        ("full_finetuning",),
        late=True,
    ),
    *(
        Refusal(
            key,
            f"{key} and load_in_4bit and quantization_config is None and not full_finetuning",
            f"a model is loaded in one precision, and 4 bits are the default alongside `{key}`",
            "Set `load_in_4bit=False`",
            f"{_LOADER}:2350",
            ("load_in_4bit",),
            likely=key != "load_in_8bit",  # a repository of weights in bf16 or FP8 may set the others aside
            sets=(("load_in_4bit", False),),
        )
        for key in ("load_in_8bit", "load_in_16bit", "load_in_fp8")
    ),
    Refusal(
        "load_in_16bit",
        "load_in_16bit and load_in_8bit and not full_finetuning",
        "a model is loaded in one precision",
        "Leave one of the two out",
        f"{_LOADER}:2350",
        ("load_in_8bit",),
    ),
    Refusal(
        "qat_scheme",
        "qat_scheme is not None and not full_finetuning",
        "a model with an adapter gets its scheme in `get_peft_model`",
        "Pass it to `get_peft_model`, or set `full_finetuning=True`",
        f"{_LOADER}:2358",
        ("full_finetuning",),
    ),
    Refusal(
        "float8_training",
        "float8_training is not None and float8_training != False and not full_finetuning",
        "it is only for `full_finetuning=True`: with an adapter the base weights do not train",
        "Leave it out",
        f"{_LOADER}:2248",
        ("full_finetuning",),
        drop=True,
    ),
    Refusal(
        "float8_training",
        "float8_training is not None and float8_training != False and full_finetuning and qat_scheme is not None",
        "`float8_training` and `qat_scheme` cannot be combined",
        "Leave one of the two out",
        f"{_LOADER}:2253",
        ("qat_scheme",),
    ),
)
_MERGED_IN_4_BITS = Refusal(
    "save_method",
    "save_method == 'merged_4bit'",
    "merging into 4 bits loses accuracy, so that it has to be forced",
    "Save it as `merged_16bit`, or as `merged_4bit_forced` if nothing else converts the result",
    "save.py:6389",
)
_QUANTIZATIONS = (
    *(
        "not_quantized",
        "fast_quantized",
        "quantized",
        "f32",
        "bf16",
        "f16",
        "q8_0",
        "q4_k_m",
        "q5_k_m",
        "q2_k",
        "q2_k_l",
    ),
    *("q3_k_l", "q3_k_m", "q3_k_s", "q4_0", "q4_1", "q4_k_s", "q4_k", "q5_k", "q5_0", "q5_1", "q5_k_s", "q6_k"),
    *("q3_k_xs", "iq2_xxs", "iq2_xs", "iq3_xxs"),
)
"""Those of GGUF that some release has; the last three need an importance matrix since 2026.8."""
_AS_GGUF = Refusal(
    "quantization_method",
    f"is_text(quantization_method) and lower(quantization_method) not in {_QUANTIZATIONS!r}",
    "there is no such way to quantize",
    "Set it to `q8_0`, `q4_k_m` or another of them",
    "save.py:2413",
    likely=True,
)
TABLE = Table(
    "unsloth",
    "2026.10.9",
    {
        "FastLanguageModel.get_peft_model": _OF_LANGUAGE_MODELS,
        "FastModel.get_peft_model": (*_WRAPPED, _SAVED_BESIDE),
        "FastVisionModel.get_peft_model": (*_WRAPPED, _SAVED_BESIDE),
        "save_pretrained_merged": (_MERGED_IN_4_BITS,),
        "save_pretrained_gguf": (_AS_GGUF,),
        "FastLanguageModel.from_pretrained": (
            *_LOADED,
            Refusal(
                "fast_inference",
                "fast_inference and trust_remote_code",
                "it does not support `trust_remote_code`",
                "Leave one of the two out",
                f"{_LLAMA}:3518",
                ("trust_remote_code",),
                likely=True,
            ),
        ),
        "FastModel.from_pretrained": _LOADED,
        "FastVisionModel.from_pretrained": _LOADED,
    },
    undecided=(
        Undecided(
            "devices, versions of packages, environment variables",
            "they depend on the machine",
            (
                "device_type.py",
                "import_fixes.py",
                "kernels/",
                "registry/",
                "utils/",
                "dataprep/",
                "_gpu_init.py",
                "_cpu_init.py",
            ),
        ),
        Undecided(
            "architectures and checkpoints",
            "the model's own config and files decide: RoPE scaling, vision, existing adapters",
            (
                "models/",
                "optimizers/",
                "context_parallel.py",
                "tokenizer_utils.py",
                "chat_templates.py",
                "save.py",
                "ollama_template_mappers.py",
            ),
        ),
        Undecided("patched trainers", "their source is rewritten when they are imported", ("trainer.py",)),
    ),
)
