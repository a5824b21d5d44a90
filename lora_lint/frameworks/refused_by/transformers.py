"""transformers 5.23.0: what `TrainingArguments`, the classes on it and the configs of quantizers refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ARGUMENTS = "training_args.py"
_READ = "5.0.0"
"""Older versions have not been read for these."""
_OPTIMIZER = "trainer_optimizer.py"
_LAYERWISE = (
    *(f"{name}_layerwise" for name in ("galore_adamw", "galore_adamw_8bit", "galore_adafactor", "apollo_adamw")),
)
_LOW_RANK = (*_LAYERWISE, "galore_adamw", "galore_adamw_8bit", "galore_adafactor", "apollo_adamw")
_NO_EVALUATION = "lower(eval_strategy) == 'no' and evaluation_strategy is None"
_MARKED_TWICE = (
    "trained == True and is_whole(copies) and copies > 1 and gradient_checkpointing == True"
    " and ddp_find_unused_parameters != False and not ddp_static_graph and "
)
_UNUSED = (
    "each process asks DDP for the unused parameters of a PeftModel, which reentrant checkpointing does not allow: the "
    "first backward raises a RuntimeError (Expected to mark a variable ready only once)"
)
_NOT_REENTRANT = "Set `gradient_checkpointing_kwargs={'use_reentrant': False}`, or `ddp_find_unused_parameters=False`"
_ROWS = (
    Refusal(
        "gradient_checkpointing_kwargs",
        f"{_MARKED_TWICE}field(gradient_checkpointing_kwargs, 'use_reentrant') == True",
        _UNUSED,
        _NOT_REENTRANT,
        "trainer.py:756",
        ("gradient_checkpointing",),
        "4.35.0",
        late=True,
        likely=True,
    ),
    Refusal(
        "gradient_checkpointing",
        f"{_MARKED_TWICE}field(gradient_checkpointing_kwargs, 'use_reentrant') is None",
        _UNUSED,
        _NOT_REENTRANT,
        "trainer.py:756",
        since="4.35.0",
        until="5.0.0",
        late=True,
        likely=True,
    ),
    Refusal(
        "optim",
        f"optim in {_LOW_RANK} and optim_target_modules is None",
        "GaLore and APOLLO need to know the layers whose gradients they project",
        "Set `optim_target_modules`",
        f"{_OPTIMIZER}:122",
        since=_READ,
        late=True,
    ),
    Refusal(
        "gradient_accumulation_steps",
        f"optim in {_LAYERWISE} and optim_target_modules is not None and is_whole(gradient_accumulation_steps)"
        " and gradient_accumulation_steps != 1",
        "an optimizer that steps layer by layer cannot accumulate gradients",
        "Leave it out, or take the optimizer without layerwise",
        f"{_OPTIMIZER}:166",
        ("optim",),
        _READ,
        late=True,
    ),
    Refusal(
        "fp16",
        "fp16 == True and bf16 == True",
        "at most one of `fp16` and `bf16` can be true",
        "Leave one of the two out",
        f"{_ARGUMENTS}:1785",
        ("bf16",),
    ),
    Refusal(
        "num_train_epochs",
        "is_whole(max_steps) and max_steps > 20 and num_train_epochs is not None and num_train_epochs > 1",
        "`max_steps` alone decides how long it trains",
        "Leave one of the two out",
        "trainer.py:727",
        ("max_steps",),
        ignored=True,
    ),
    Refusal(
        "fp16_full_eval",
        "fp16_full_eval == True and bf16_full_eval == True",
        "at most one of `fp16_full_eval` and `bf16_full_eval` can be true",
        "Leave one of the two out",
        f"{_ARGUMENTS}:1788",
        ("bf16_full_eval",),
    ),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and evaluation_strategy is None and lower(save_strategy) != 'best'"
        " and lower(eval_strategy) != lower(save_strategy)",
        "the save and evaluation strategies must match",
        "Set `eval_strategy` to the value of `save_strategy`",
        f"{_ARGUMENTS}:1751",
        ("eval_strategy", "save_strategy"),
    ),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and evaluation_strategy is None and lower(save_strategy) == 'steps'"
        " and lower(eval_strategy) == 'steps' and is_whole(save_steps) and is_whole(eval_steps) and eval_steps > 0"
        " and save_steps % eval_steps != 0",
        "`save_steps` must be a multiple of `eval_steps`",
        "Raise one of the two",
        f"{_ARGUMENTS}:1771",
        ("save_steps", "eval_steps"),
    ),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and evaluation_strategy is None and lower(save_strategy) == 'steps'"
        " and lower(eval_strategy) == 'steps' and eval_steps is None and is_whole(save_steps)"
        " and is_whole(logging_steps) and logging_steps > 0 and save_steps % logging_steps != 0",
        "`save_steps` must be a multiple of `eval_steps`, whose default is `logging_steps`",
        "Set `eval_steps` to `save_steps`",
        f"{_ARGUMENTS}:1771",
        ("save_steps", "logging_steps"),
        _READ,
    ),
    Refusal(
        "eval_strategy",
        "lower(eval_strategy) == 'steps' and not eval_steps and logging_steps == 0",
        "it needs `eval_steps`, or `logging_steps` as its default",
        "Set `eval_steps`",
        f"{_ARGUMENTS}:1580",
        ("eval_steps", "logging_steps"),
        _READ,
    ),
    Refusal(
        "logging_steps",
        "lower(logging_strategy) == 'steps' and logging_steps == 0",
        "`logging_steps` must be above 0",
        "Set `logging_strategy='no'` to log nothing",
        f"{_ARGUMENTS}:1733",
        ("logging_strategy",),
        _READ,
    ),
    Refusal(
        "lr_scheduler_type",
        f"lower(lr_scheduler_type) == 'greedy' and {_NO_EVALUATION}",
        "this schedule depends on the evaluation, but there is none",
        "Set `eval_strategy`",
        f"{_ARGUMENTS}:1798",
        ("eval_strategy",),
        "5.23.0",
    ),
    Refusal(
        "lr_scheduler_type",
        f"lower(lr_scheduler_type) in ('reduce_lr_on_plateau', 'reduce_on_plateau') and {_NO_EVALUATION}",
        "this schedule depends on the evaluation, but there is none",
        "Set `eval_strategy`",
        f"{_ARGUMENTS}:1792",
        ("eval_strategy",),
        _READ,
    ),
    Refusal(
        "dataloader_prefetch_factor",
        "dataloader_prefetch_factor is not None and dataloader_num_workers == 0",
        "only worker processes prefetch data",
        "Set `dataloader_num_workers` above 0, or leave it out",
        f"{_ARGUMENTS}:1804",
        ("dataloader_num_workers",),
        _READ,
    ),
)
_CLASSES = (
    *("TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "DPOConfig", "KTOConfig", "GRPOConfig"),
    *("RLOOConfig", "RewardConfig", "ORPOConfig", "CPOConfig"),
)
_QUANTIZERS = "utils/quantization_config.py"
_OF_4_BITS = ("bnb_4bit_compute_dtype", "bnb_4bit_use_double_quant", "bnb_4bit_quant_storage", "bnb_4bit_quant_type")


_PACKED = (
    "is_text(base_model_name) and (base_model_name in ('openai/gpt-oss-20b', 'openai/gpt-oss-120b')"
    " or holds(lower(base_model_name), '-awq') or holds(lower(base_model_name), '-gptq'))"
)
"""A model whose weights are published in another quantization."""


def _not_trained(key: str, weights: str) -> Refusal:
    """A quantization whose weights Trainer does not take below an adapter unless a setting keeps others."""
    return Refusal(
        key,
        f"trained == True and not {key}",
        f"Trainer trains no adapter on weights in {weights}",
        "Set it to True",
        "trainer_utils.py:138",
        since="4.57.1",
        late=True,
        likely=True,
        absent=True,
        sets=((key, True),),
    )


_OF_QUANTIZERS = {
    "Mxfp4Config": (_not_trained("dequantize", "MXFP4"),),
    "FPQuantConfig": (_not_trained("store_master_weights", "FP-Quant"),),
    "BitsAndBytesConfig": (
        *(
            Refusal(
                key,
                f"{key} == True and {_PACKED}",
                "the weights of this model are quantized already, and it takes only a config of their own kind",
                "Leave this config out, or name a model in full precision (for gpt-oss, "
                "`Mxfp4Config(dequantize=True)` gives that)",
                "quantizers/auto.py:263",
                since="4.55.0",
                late=True,
                likely=True,
            )
            for key in ("load_in_4bit", "load_in_8bit")
        ),
        Refusal(
            "load_in_8bit",
            "load_in_4bit == True and load_in_8bit == True",
            "a model is loaded in 4 or in 8 bits",
            "Leave one of the two out",
            f"{_QUANTIZERS}:457",
            ("load_in_4bit",),
        ),
        Refusal(
            "bnb_4bit_quant_storage",
            "is_text(bnb_4bit_quant_storage)"
            " and bnb_4bit_quant_storage not in ('float16', 'float32', 'int8', 'uint8', 'float64', 'bfloat16')",
            "no data type of this name can hold 4-bit weights",
            "Take the one of the model, as bfloat16",
            f"{_QUANTIZERS}:481",
        ),
        *(
            Refusal(
                key,
                f"{key} is not None and {key} != False",
                "BitsAndBytesConfig accepts any keyword, and has none of this name",
                f"Write `{meant}`",
                f"{_QUANTIZERS}:491",
                likely=True,
                ignored=True,
            )
            for key, meant in (
                ("bnb_4bit_double_quant", "bnb_4bit_use_double_quant"),
                ("bnb_4bit_compute_type", "bnb_4bit_compute_dtype"),
                ("bnb_4bit_quant_storage_dtype", "bnb_4bit_quant_storage"),
            )
        ),
        *(
            Refusal(
                key,
                f"load_in_8bit == True and not load_in_4bit and {key} is not None and {key} != False",
                "it is for weights in 4 bits",
                "Leave it out, or load the model in 4 bits",
                f"{_QUANTIZERS}:{line}",
                ("load_in_8bit",),
                ignored=True,
                cause="weights in 8 bits",
            )
            for key, line in zip(_OF_4_BITS, (475, 466, 488, 465), strict=True)
        ),
    ),
    "GPTQConfig": (
        Refusal(
            "dataset",
            "is_text(dataset) and dataset not in ('wikitext2', 'c4', 'c4-new')",
            "a string must be one of wikitext2, c4 and c4-new",
            "Name one of these, or pass the texts themselves in a list",
            f"{_QUANTIZERS}:751",
        ),
        Refusal(
            "act_group_aware",
            "desc_act and act_group_aware",
            "it has an effect only with `desc_act=False`",
            "Leave one of the two out",
            f"{_QUANTIZERS}:764",
            ("desc_act",),
            ignored=True,
        ),
    ),
    "QuantoConfig": (
        Refusal(
            "weights",
            "is_text(weights) and weights not in ('float8', 'int8', 'int4', 'int2')",
            "quanto has only float8, int8, int4 and int2",
            "Take one of these",
            f"{_QUANTIZERS}:1056",
        ),
    ),
    "EetqConfig": (
        Refusal(
            "weights",
            "is_text(weights) and weights != 'int8'",
            "EETQ has only int8",
            "Leave it out",
            f"{_QUANTIZERS}:1092",
            drop=True,
        ),
    ),
}
TABLE = Table(
    "transformers",
    "5.23.0",
    {**dict.fromkeys(_CLASSES, _ROWS), **_OF_QUANTIZERS},
    {"dequantize": False, "store_master_weights": False},
    undecided=(
        Undecided(
            "devices, data types that they have, distributed processes, installed packages",
            "they depend on the machine",
            (
                *("trainer.py", "trainer_utils.py", "integrations/", "utils/", "distributed/", "quantizers/"),
                *("trainer_pt_utils.py", "trainer_optimizer.py"),
            ),
        ),
        Undecided(
            "generation, pipelines, exports and servers",
            "they train nothing",
            ("generation/", "cache_utils.py", "pipelines/", "exporters/", "cli/"),
        ),
        Undecided(
            "tensors, images and texts",
            "they are there only when it runs",
            ("core_model_loading.py", "loss/", "image_processing_", "tokenization_"),
        ),
        Undecided(
            "models, tokenizers and processors", "they are loaded when it runs", ("models/", "modeling_utils.py")
        ),
    ),
    history=True,
)
