"""torchtune 0.6.1: what its recipes for LoRA refuse. The files lie in `recipes` and `torchtune` of the wheel."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_RECIPE = "recipes/lora_finetune_single_device.py"
_QAT = "recipes/qat_lora_finetune_distributed.py"
_FILES = "torchtune/training/checkpointing"
_TIED = (
    *("llama3_2.lora_llama3_2_1b", "llama3_2.lora_llama3_2_3b", "llama3_2.qlora_llama3_2_1b"),
    *("llama3_2.qlora_llama3_2_3b", "qwen2_5.lora_qwen2_5_0_5b", "qwen2_5.lora_qwen2_5_1_5b_base"),
    *("qwen2_5.lora_qwen2_5_1_5b_instruct", "qwen2_5.lora_qwen2_5_3b"),
)
"""Builders of models whose head is their embedding."""
_PICTURES = ("llava_instruct", "the_cauldron", "vqa", "multimodal_chat")
_ROWS = (
    Refusal(
        "dtype",
        "dtype == 'fp16'",
        "the LoRA recipes do not scale gradients, and accept only fp32 and bf16",
        "Set `dtype: bf16`",
        f"{_RECIPE}:131",
    ),
    Refusal(
        "enable_activation_offloading",
        "enable_activation_offloading and not enable_activation_checkpointing",
        "activations are offloaded only with checkpointing",
        "Set `enable_activation_checkpointing: true`",
        f"{_RECIPE}:173",
        ("enable_activation_checkpointing",),
        sets=(("enable_activation_checkpointing", True),),
    ),
    Refusal(
        "enable_activation_offloading",
        "enable_activation_offloading and device == 'cpu'",
        "only CUDA devices offload activations",
        "Leave it out",
        f"{_RECIPE}:169",
        ("device",),
        drop=True,
    ),
    Refusal(
        "compile",
        "compile and device == 'npu'",
        "NPUs do not support compilation",
        "Set `compile: false`",
        f"{_RECIPE}:260",
        ("device",),
        likely=True,
        sets=(("compile", False),),
    ),
    Refusal(
        "profiler._component_",
        "profiler._component_ is not None and profiler._component_ != 'torchtune.training.setup_torch_profiler'",
        "there is one profiler, torchtune.training.setup_torch_profiler",
        "Name it",
        f"{_RECIPE}:405",
    ),
    Refusal(
        "collate_fn",
        "holds(collate_fn, 'left_pad_sequence')",
        "rows are padded on the left only for inference",
        "Leave it out",
        f"{_RECIPE}:547",
        late=True,
        drop=True,
    ),
    Refusal(
        "model.lora_attn_modules",
        "is_list(model.lora_attn_modules) and len(model.lora_attn_modules) == 0",
        "LoRA needs at least one attention layer",
        "Name one",
        "torchtune/models/llama3/_component_builders.py:347",
        late=True,
    ),
    *(
        Refusal(
            "model.apply_lora_to_output",
            f"model.apply_lora_to_output and model._component_ == 'torchtune.models.{builder}'",
            "the head of this model is its embedding",
            "Set it to false",
            f"torchtune/models/{'llama3_2/_component_builders.py:261' if 'llama' in builder else _QWEN}",
            ("model._component_",),
            late=True,
            sets=(("model.apply_lora_to_output", False),),
        )
        for _QWEN in ("qwen2/_component_builders.py:248",)
        for builder in _TIED
    ),
    Refusal(
        "dataset.packed",
        "dataset.packed and tokenizer.max_seq_len is None",
        "rows are packed up to `tokenizer.max_seq_len`",
        "Set it",
        "torchtune/datasets/_alpaca.py:91",
        ("tokenizer.max_seq_len",),
        late=True,
    ),
    *(
        Refusal(
            "dataset.packed",
            f"dataset.packed and dataset._component_ == 'torchtune.datasets.multimodal.{name}_dataset'",
            "data sets with images cannot be packed",
            "Set it to false",
            "torchtune/datasets/multimodal/_llava_instruct.py:122",
            ("dataset._component_",),
            late=True,
            sets=(("dataset.packed", False),),
        )
        for name in _PICTURES
    ),
    Refusal(
        "compile",
        "compile and holds(quantizer._component_, 'QAT')",
        "quantization-aware training cannot be compiled",
        "Set `compile: false`",
        f"{_QAT}:149",
        ("quantizer._component_",),
        sets=(("compile", False),),
    ),
    Refusal(
        "model.use_dora",
        "model.use_dora and holds(quantizer._component_, 'QAT')",
        "quantization-aware training is not compatible with DoRA",
        "Set it to false",
        f"{_QAT}:449",
        ("quantizer._component_",),
        late=True,
        sets=(("model.use_dora", False),),
    ),
    *(
        Refusal(
            "checkpointer.checkpoint_files",
            f"ends(checkpointer._component_, '.{name}') and is_list(checkpointer.checkpoint_files)"
            " and len(checkpointer.checkpoint_files) != 1",
            "this checkpointer reads a single file",
            "Name one file, or take FullModelHFCheckpointer",
            f"{_FILES}/_checkpointer.py:{line}",
            ("checkpointer._component_",),
        )
        for name, line in (("FullModelTorchTuneCheckpointer", 164), ("FullModelMetaCheckpointer", 974))
    ),
    Refusal(
        "checkpointer.adapter_checkpoint",
        "checkpointer.adapter_checkpoint is not None and not resume_from_checkpoint",
        "an adapter is loaded only to resume its training",
        "Set `resume_from_checkpoint: true`",
        f"{_FILES}/_utils.py:465",
        ("resume_from_checkpoint",),
        ignored=True,
    ),
    *(
        Refusal(
            "model._component_",
            f"holds(model._component_, 'lora_') and {of_recipe} and optimizer is None"
            " and checkpointer._component_ is not None",
            f"the recipe that {what} loads merged weights, which have no tensors for the layers of LoRA (missing keys)",
            "Name the builder without `lora_` and its settings",
            f"{source}",
            late=True,
            likely=True,
        )
        for of_recipe, what, source in (
            ("max_new_tokens is not None", "generates", "recipes/generate.py:90"),
            ("is_list(tasks)", "evaluates", "recipes/eleuther_eval.py:501"),
        )
    ),
)
TABLE = Table(
    "torchtune",
    "0.6.1",
    {"": _ROWS},
    undecided=(
        Undecided(
            "devices, processes and installed packages",
            "they depend on the machine",
            (
                *("torchtune/utils/", "torchtune/training/precision.py", "torchtune/training/memory.py"),
                *("torchtune/training/_distributed.py", "torchtune/training/_activation_offloading.py"),
            ),
        ),
        Undecided(
            "checkpoints and what they hold",
            "the files are there only when it runs",
            ("torchtune/training/", "torchtune/models/convert_weights.py", "torchtune/modules/peft/_utils.py"),
        ),
        Undecided(
            "shapes of models",
            "each builder has its own, which are right",
            ("torchtune/modules/", "torchtune/models/", "torchtune/rlhf/", "torchtune/generation/"),
        ),
        Undecided("rows of the data", "they decide", ("torchtune/data/", "torchtune/datasets/")),
        Undecided(
            "refusals in only some LoRA recipes",
            "which recipe takes a file is in the command: fp16 in quantization-aware training, its quantizer",
            ("recipes/lora_dpo_", "recipes/knowledge_distillation_", "recipes/qat_lora_", "recipes/lora_finetune_"),
        ),
        Undecided(
            "components by their names",
            "LL901 and LL902 check them for the known builders",
            ("torchtune/config/", "torchtune/_cli/"),
        ),
        Undecided(
            "recipes without LoRA",
            "they have checks of their own",
            (
                *("recipes/full_", "recipes/ppo_", "recipes/qat_distributed.py", "recipes/quantize.py"),
                *("recipes/generate.py", "recipes/eleuther_eval.py", "recipes/dev/"),
            ),
        ),
    ),
)
