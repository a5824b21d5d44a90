"""Each key of each framework's files: the setting that it is read as, what holds without it, and what it is taken for.

A row is `(key, setting, value as it is written, value as it is read, what holds without the key)`. Keys have dots for
sections. Settings are those of the adapter; others start with `model.` or `training.`.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.run.events import Load, LoadAdapter, PrepareKbit, Resize, Train, Unfreeze, Wrap
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Unknown
from tests.support.reading import config, only, plain, shell

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Run

NOTHING = Unknown
SET: Any = object()
"""The minimal file has the key."""
SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

MINIMAL: dict[str, dict[str, Any]] = {
    "axolotl": {"base_model": "m", "adapter": "lora", "sequence_len": 4096},
    "llamafactory": {"model_name_or_path": "m", "finetuning_type": "lora", "do_train": True},
    "trl": {"model_name_or_path": "m", "use_peft": True},
    "peft_adapter": {"peft_type": "LORA"},
    "open_instruct": {"model_name_or_path": "m", "use_lora": True},
    "firefly": {"model_name_or_path": "m", "train_mode": "lora"},
    "autotrain": {"task": "llm-sft", "base_model": "m", "project_name": "p", "params": {"peft": True}},
    "h2o_llmstudio": {"llm_backbone": "m", "training": {"lora": True}},
    "ms_swift": {"model": "m", "dataset": "d", "tuner_type": "lora"},
    "ms_swift 2": {"model_id_or_path": "m", "dataset": "d", "sft_type": "lora"},
    "ms_swift megatron": {"mcore_model": "m", "dataset": "d", "tuner_type": "lora"},
    "mistral_finetune": {"model_id_or_path": "m", "run_dir": "out", "lora": {"enable": True}, "optim": {}},
    "mlx_lm": {"model": "Qwen/Qwen3-0.6B", "fine_tune_type": "lora", "lora_parameters": {}},
    "unsloth_studio": {"model": "m", "training": {"training_type": "lora"}, "lora": {}},
    "verl": {
        "actor_rollout_ref": {"model": {"path": "m", "lora_rank": 8}, "actor": {"optim": {}}},
        "data": {},
        "trainer": {},
    },
    "litgpt": {"checkpoint_dir": "checkpoints/own/m", "lora_r": 8, "train": {}},
    "ludwig": {
        "model_type": "llm",
        "base_model": "m",
        "input_features": [],
        "adapter": {"type": "lora"},
        "trainer": {"type": "finetune"},
    },
    "torchtune": {"model": {"_component_": "torchtune.models.llama3.lora_llama3_8b"}, "optimizer": {}},
    "lora_block": {"lora": {"r": 8, "lora_alpha": 16}},
}

Row = tuple[Any, ...]
TRANSFORMERS: tuple[Row, ...] = (
    ("num_train_epochs", "training.epochs", 2.0, 2.0, 3.0),
    ("max_steps", "training.max_steps", 70, 70, -1),
    ("per_device_train_batch_size", "training.batch_size", 3, 3, 8),
    ("gradient_accumulation_steps", "training.accumulation", 6, 6, 1),
)
SETTINGS: dict[str, tuple[Row, ...]] = {
    "axolotl": (
        ("lora_r", "rank", 32, 32, NOTHING),
        ("lora_alpha", "alpha", 64, 64, NOTHING),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("lora_target_modules", "target_modules", ["q_proj"], ("q_proj",), NOTHING),
        ("lora_target_parameters", "target_parameters", ["up"], ("up",), None),
        ("lora_modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
        ("lora_rank_pattern", "rank_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("lora_alpha_pattern", "alpha_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("peft_layers_to_transform", "layers_to_transform", [1, 2], (1, 2), None),
        ("peft_layers_pattern", "layers_pattern", ["h"], ("h",), None),
        ("peft_use_rslora", "use_rslora", True, True, False),
        ("peft_use_dora", "use_dora", True, True, False),
        ("peft_init_lora_weights", "init_lora_weights", "pissa", "pissa", True),
        ("peft_trainable_token_indices", "trainable_token_indices", [1], NOTHING, None),
        ("load_in_4bit", "model.quantization", True, "4bit", None),
        ("load_in_8bit", "model.quantization", True, "8bit", None),
        ("optimizer", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch_fused"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, NOTHING),
        ("num_epochs", "training.epochs", 2.0, 2.0, 1.0),
        ("max_steps", "training.max_steps", 70, 70, NOTHING),
        ("micro_batch_size", "training.batch_size", 3, 3, 1),
        ("gradient_accumulation_steps", "training.accumulation", 6, 6, 1),
    ),
    "llamafactory": (
        ("lora_rank", "rank", 32, 32, 8),
        ("lora_alpha", "alpha", 64, 64, 16),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("lora_target", "target_modules", "q_proj,v_proj", ("q_proj", "v_proj"), "all-linear"),
        ("additional_target", "modules_to_save", "lm_head", ("lm_head",), None),
        ("use_rslora", "use_rslora", True, True, False),
        ("use_dora", "use_dora", True, True, False),
        ("pissa_init", "init_lora_weights", True, "pissa", True),
        ("quantization_bit", "model.quantization", 8, "8bit", None),
        ("optim", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch_fused"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, 5e-5),
        *TRANSFORMERS,
    ),
    "trl": (
        ("lora_r", "rank", 32, 32, 16),
        ("lora_alpha", "alpha", 64, 64, 32),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("lora_target_modules", "target_modules", ["q_proj", "v_proj"], ("q_proj", "v_proj"), None),
        ("lora_target_parameters", "target_parameters", ["up"], ("up",), None),
        ("lora_modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
        ("lora_task_type", "task_type", "SEQ_CLS", "SEQ_CLS", "CAUSAL_LM"),
        ("use_rslora", "use_rslora", True, True, False),
        ("use_dora", "use_dora", True, True, False),
        ("load_in_4bit", "model.quantization", True, "4bit", None),
        ("load_in_8bit", "model.quantization", True, "8bit", None),
        ("dtype", "model.dtype", "bfloat16", "bfloat16", NOTHING),
        ("torch_dtype", "model.dtype", "bfloat16", "bfloat16", NOTHING),
        ("optim", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch_fused"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, NOTHING),
        *TRANSFORMERS,
    ),
    "peft_adapter": (
        ("r", "rank", 32, 32, 8),
        ("lora_alpha", "alpha", 64, 64, 8),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("target_modules", "target_modules", ["q_proj"], ("q_proj",), None),
        ("exclude_modules", "exclude_modules", ["q_proj"], ("q_proj",), None),
        ("target_parameters", "target_parameters", ["up"], ("up",), None),
        ("layers_to_transform", "layers_to_transform", [1, 2], (1, 2), None),
        ("layers_pattern", "layers_pattern", "h", "h", None),
        ("rank_pattern", "rank_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("alpha_pattern", "alpha_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("use_rslora", "use_rslora", True, True, False),
        ("use_dora", "use_dora", True, True, False),
        ("bias", "bias", "all", "all", "none"),
        ("lora_bias", "lora_bias", True, True, False),
        ("modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
        ("init_lora_weights", "init_lora_weights", "pissa", "pissa", True),
        ("inference_mode", "inference_mode", True, True, False),
        ("task_type", "task_type", "SEQ_CLS", "SEQ_CLS", None),
        ("base_model_name_or_path", "model.name", "gpt2", "gpt2", NOTHING),
    ),
    "open_instruct": (
        ("lora_rank", "rank", 32, 32, 64),
        ("lora_alpha", "alpha", 64, 64, 16),
        ("lora_dropout", "dropout", 0.2, 0.2, 0.1),
        ("use_qlora", "model.quantization", True, "4bit", None),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, 2e-5),
        ("num_train_epochs", "training.epochs", 3.0, 3.0, 2.0),
        ("num_epochs", "training.epochs", 3.0, 3.0, 2.0),
        ("max_train_steps", "training.max_steps", 70, 70, NOTHING),
        ("per_device_train_batch_size", "training.batch_size", 3, 3, 8),
        ("gradient_accumulation_steps", "training.accumulation", 6, 6, 1),
    ),
    "firefly": (
        ("lora_rank", "rank", 32, 32, 64),
        ("lora_alpha", "alpha", 64, 64, 16),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("optim", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch_fused"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, 5e-5),
        *TRANSFORMERS,
    ),
    "autotrain": (
        ("params.lora_r", "rank", 32, 32, 16),
        ("params.lora_alpha", "alpha", 64, 64, 32),
        ("params.lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("params.target_modules", "target_modules", "q_proj,v_proj", ("q_proj", "v_proj"), "all-linear"),
        ("params.quantization", "model.quantization", "int8", "8bit", "4bit"),
        ("params.optimizer", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch"),
        ("params.lr", "training.learning_rate", 3e-4, 3e-4, 3e-5),
        ("params.epochs", "training.epochs", 2.0, 2.0, 1.0),
        ("params.batch_size", "training.batch_size", 3, 3, 2),
        ("params.gradient_accumulation", "training.accumulation", 6, 6, 4),
    ),
    "h2o_llmstudio": (
        ("training.lora_r", "rank", 32, 32, 4),
        ("training.lora_alpha", "alpha", 64, 64, 16),
        ("training.lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("training.lora_target_modules", "target_modules", "q_proj, v_proj", ("q_proj", "v_proj"), "all-linear"),
        ("training.use_rslora", "use_rslora", True, True, False),
        ("training.use_dora", "use_dora", True, True, False),
        ("architecture.backbone_dtype", "model.quantization", "int8", "8bit", "4bit"),
        ("architecture.backbone_dtype", "model.quantization", "bfloat16", None, "4bit"),
        ("training.optimizer", "training.optimizer", "SGD", "SGD", "AdamW"),
        ("training.learning_rate", "training.learning_rate", 3e-4, 3e-4, 1e-4),
        ("training.epochs", "training.epochs", 2.0, 2.0, 1.0),
        ("training.batch_size", "training.batch_size", 3, 3, 2),
        ("training.grad_accumulation", "training.accumulation", 6, 6, 1),
    ),
    "ms_swift": (
        ("lora_rank", "rank", 32, 32, 8),
        ("lora_alpha", "alpha", 64, 64, 32),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("target_modules", "target_modules", ["q_proj"], ("q_proj",), "all-linear"),
        ("target_parameters", "target_parameters", ["up"], ("up",), None),
        ("modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
        ("use_rslora", "use_rslora", True, True, False),
        ("use_dora", "use_dora", True, True, False),
        ("init_weights", "init_lora_weights", "pissa", "pissa", True),
        ("lora_bias", "bias", "all", "all", "none"),
        ("quant_bits", "model.quantization", 8, "8bit", None),
        ("optim", "training.optimizer", "adamw_8bit", "adamw_8bit", "adamw_torch_fused"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, 1e-4),
        ("num_train_epochs", "training.epochs", 2.0, 2.0, 3.0),
        ("max_steps", "training.max_steps", 70, 70, -1),
        ("per_device_train_batch_size", "training.batch_size", 3, 3, 1),
        ("gradient_accumulation_steps", "training.accumulation", 6, 6, NOTHING),
    ),
    "ms_swift 2": (
        ("lora_dropout_p", "dropout", 0.1, 0.1, 0.05),
        ("lora_target_modules", "target_modules", ["q_proj"], ("q_proj",), NOTHING),
        ("lora_target_modules", "target_modules", ["ALL"], "all-linear", NOTHING),
        ("lora_target_modules", "target_modules", "ALL", "all-linear", NOTHING),
        ("lora_target_modules", "target_modules", "AUTO", NOTHING, NOTHING),
        ("lora_target_modules", "target_modules", ["DEFAULT"], NOTHING, NOTHING),
        ("lora_modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
        ("init_lora_weights", "init_lora_weights", "pissa", "pissa", True),
        ("lora_bias_trainable", "bias", "all", "all", "none"),
        ("quantization_bit", "model.quantization", 8, "8bit", None),
        ("num_train_epochs", "training.epochs", 2.0, 2.0, 1.0),
        ("batch_size", "training.batch_size", 3, 3, 1),
    ),
    "ms_swift megatron": (
        ("micro_batch_size", "training.batch_size", 3, 16, 16),
        ("global_batch_size", "training.batch_size", 3, 3, 16),
        ("target_modules", "target_modules", ["linear_qkv"], ("linear_qkv",), "all-linear"),
        ("modules_to_save", "modules_to_save", ["word_embeddings"], NOTHING, None),
        ("optimizer", "training.optimizer", "sgd", "sgd", "adam"),
        ("lr", "training.learning_rate", 3e-4, 3e-4, 1e-4),
        ("train_iters", "training.max_steps", 70, 70, NOTHING),
    ),
    "mistral_finetune": (
        ("lora.rank", "rank", 32, 32, 16),
        ("lora.scaling", "scale", 4.0, 4.0, 2.0),
        ("lora.dropout", "dropout", 0.1, 0.1, 0.0),
        ("optim.lr", "training.learning_rate", 3e-4, 3e-4, 1e-4),
        ("max_steps", "training.max_steps", 70, 70, 100),
        ("batch_size", "training.batch_size", 3, 3, 1),
        ("num_microbatches", "training.accumulation", 6, 6, 1),
    ),
    "mlx_lm": (
        ("lora_parameters.rank", "rank", 32, 32, NOTHING),
        ("lora_parameters.scale", "scale", 4.0, 4.0, NOTHING),
        ("lora_parameters.dropout", "dropout", 0.1, 0.1, NOTHING),
        ("lora_parameters.keys", "target_modules", ["self_attn.q_proj"], ("self_attn.q_proj",), "all-linear"),
        ("num_layers", "layers_to_transform", 2, (26, 27), tuple(range(12, 28))),
        ("fine_tune_type", "use_dora", "dora", True, False),
        ("optimizer", "training.optimizer", "adamw", "adamw", "adam"),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, 1e-5),
        ("iters", "training.max_steps", 70, 70, 1000),
        ("batch_size", "training.batch_size", 3, 3, 4),
        ("grad_accumulation_steps", "training.accumulation", 6, 6, 1),
    ),
    "unsloth_studio": (
        ("lora.lora_r", "rank", 32, 32, 64),
        ("lora.lora_alpha", "alpha", 64, 64, 16),
        ("lora.lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("lora.target_modules", "target_modules", ["q_proj"], ("q_proj",), SEVEN),
        ("lora.use_rslora", "use_rslora", True, True, False),
        ("lora.use_dora", "use_dora", True, True, False),
        ("lora.use_loftq", "init_lora_weights", True, "loftq", True),
        ("training.load_in_4bit", "model.quantization", False, None, "4bit"),
        ("training.optim", "training.optimizer", "adamw", "adamw", "adamw_8bit"),
        ("training.learning_rate", "training.learning_rate", 3e-4, 3e-4, 2e-4),
        ("training.num_epochs", "training.epochs", 2.0, 2.0, 3.0),
        ("training.max_steps", "training.max_steps", 70, 70, 0),
        ("training.batch_size", "training.batch_size", 3, 3, 2),
        ("training.gradient_accumulation_steps", "training.accumulation", 6, 6, 4),
    ),
    "verl": (
        ("actor_rollout_ref.model.lora_rank", "rank", 32, 32, SET),
        ("actor_rollout_ref.model.lora_alpha", "alpha", 64, 64, 16),
        ("actor_rollout_ref.model.target_modules", "target_modules", ["q_proj"], ("q_proj",), "all-linear"),
        ("actor_rollout_ref.model.exclude_modules", "exclude_modules", ["q_proj"], ("q_proj",), None),
        ("actor_rollout_ref.model.target_parameters", "target_parameters", ["up"], ("up",), None),
        ("actor_rollout_ref.actor.optim.lr", "training.learning_rate", 3e-4, 3e-4, 1e-6),
        ("actor_rollout_ref.actor.optim.optimizer", "training.optimizer", "SGD", "SGD", "AdamW"),
        ("trainer.total_epochs", "training.epochs", 2.0, 2.0, NOTHING),
        ("trainer.total_training_steps", "training.max_steps", 70, 70, -1),
        ("data.train_batch_size", "training.batch_size", 3, 3, NOTHING),
    ),
    "litgpt": (
        ("lora_r", "rank", 32, 32, SET),
        ("lora_alpha", "alpha", 64, 64, 16),
        ("lora_dropout", "dropout", 0.1, 0.1, 0.05),
        ("lora_query", "target_modules", False, ("lora_value",), ("lora_query", "lora_value")),
        ("lora_key", "target_modules", True, ("lora_query", "lora_key", "lora_value"), ("lora_query", "lora_value")),
        ("lora_value", "target_modules", False, ("lora_query",), ("lora_query", "lora_value")),
        ("lora_projection", "target_modules", True, ("lora_query", "lora_value", "lora_projection"), SET),
        ("lora_mlp", "target_modules", True, ("lora_query", "lora_value", "lora_mlp"), SET),
        ("lora_head", "target_modules", True, ("lora_query", "lora_value", "lora_head"), SET),
        ("quantize", "model.quantization", "bnb.nf4", "4bit", None),
        ("quantize", "model.quantization", "bnb.nf4-dq", "4bit", None),
        ("quantize", "model.quantization", "bnb.fp4", "4bit", None),
        ("quantize", "model.quantization", "bnb.int8-training", "8bit", None),
        ("optimizer", "training.optimizer", "SGD", "sgd", "adamw"),
        ("train.learning_rate", "training.learning_rate", 3e-4, 3e-4, 1e-3),
        ("train.epochs", "training.epochs", 2.0, 2.0, 5.0),
        ("train.max_steps", "training.max_steps", 70, 70, NOTHING),
        ("train.micro_batch_size", "training.batch_size", 3, 3, 1),
        ("train.global_batch_size", "training.accumulation", 32, 32, 16),
        ("devices", "training.accumulation", 2, 8, 16),
        ("num_nodes", "training.accumulation", 2, 8, 16),
    ),
    "ludwig": (
        ("adapter.r", "rank", 32, 32, 8),
        ("adapter.alpha", "alpha", 64, 64, 16),
        ("adapter.dropout", "dropout", 0.1, 0.1, 0.05),
        ("adapter.target_modules", "target_modules", ["q_proj"], ("q_proj",), None),
        ("adapter.bias_type", "bias", "all", "all", "none"),
        ("adapter.use_rslora", "use_rslora", True, True, False),
        ("adapter.use_dora", "use_dora", True, True, False),
        ("adapter.rank_pattern", "rank_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("adapter.alpha_pattern", "alpha_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
        ("adapter.init_lora_weights", "init_lora_weights", "pissa", "pissa", True),
        ("quantization.bits", "model.quantization", 8, "8bit", None),
        ("trainer.optimizer", "training.optimizer", "adamw", "adamw", "adam"),
        ("trainer.optimizer.type", "training.optimizer", "adamw", "adamw", "adam"),
        ("trainer.optimizer.betas", "training.optimizer", [0.9, 0.999], "adam", "adam"),
        ("trainer.learning_rate", "training.learning_rate", 3e-4, 3e-4, 1e-3),
        ("trainer.epochs", "training.epochs", 2.0, 2.0, 100.0),
        ("trainer.train_steps", "training.max_steps", 70, 70, NOTHING),
        ("trainer.batch_size", "training.batch_size", 3, 3, 1),
        ("trainer.gradient_accumulation_steps", "training.accumulation", 6, 6, NOTHING),
    ),
    "torchtune": (
        ("model.lora_rank", "rank", 32, 32, 8),
        ("model.lora_alpha", "alpha", 64, 64, 16),
        ("model.lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("model.lora_attn_modules", "target_modules", ["q_proj", "output_proj"], ("q_proj", "o_proj"), NOTHING),
        ("model.use_dora", "use_dora", True, True, False),
        ("model.quantize_base", "model.quantization", True, "4bit", None),
        ("optimizer._component_", "training.optimizer", "torch.optim.AdamW", "adamw", NOTHING),
        ("optimizer.lr", "training.learning_rate", 3e-4, 3e-4, NOTHING),
        ("epochs", "training.epochs", 2.0, 2.0, NOTHING),
        ("batch_size", "training.batch_size", 3, 3, NOTHING),
        ("gradient_accumulation_steps", "training.accumulation", 6, 6, 1),
    ),
    "lora_block": (
        ("lora.lora_alpha", "alpha", 64, 64, SET),
        ("lora.lora_dropout", "dropout", 0.1, 0.1, 0.0),
        ("lora.dropout", "dropout", 0.1, 0.1, 0.0),
        *(
            row
            for mark in ("", "lora_")
            for row in (
                (f"lora.{mark}target_modules", "target_modules", ["q_proj"], ("q_proj",), NOTHING),
                (f"lora.{mark}exclude_modules", "exclude_modules", ["q_proj"], ("q_proj",), None),
                (f"lora.{mark}target_parameters", "target_parameters", ["up"], ("up",), None),
                (f"lora.{mark}layers_to_transform", "layers_to_transform", [1, 2], (1, 2), None),
                (f"lora.{mark}layers_pattern", "layers_pattern", "h", "h", None),
                (f"lora.{mark}rank_pattern", "rank_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
                (f"lora.{mark}alpha_pattern", "alpha_pattern", {"q_proj": 4}, {"q_proj": 4}, {}),
                (f"lora.{mark}use_rslora", "use_rslora", True, True, False),
                (f"lora.{mark}use_dora", "use_dora", True, True, False),
                (f"lora.{mark}bias", "bias", "all", "all", "none"),
                (f"lora.{mark}modules_to_save", "modules_to_save", ["lm_head"], ("lm_head",), None),
                (f"lora.{mark}init_lora_weights", "init_lora_weights", "pissa", "pissa", True),
                (f"lora.{mark}task_type", "task_type", "SEQ_CLS", "SEQ_CLS", NOTHING),
            )
        ),
        ("lora.inference_mode", "inference_mode", True, True, False),
        ("learning_rate", "training.learning_rate", 3e-4, 3e-4, NOTHING),
        ("lr", "training.learning_rate", 3e-4, 3e-4, NOTHING),
    ),
}
ROWS = [pytest.param(name, row, id=f"{name}-{row[0]}-{row[2]}") for name, rows in SETTINGS.items() for row in rows]


def with_key(document: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A document with a key, given with dots for its sections."""
    changed = copy.deepcopy(document)
    inner = changed
    *sections, last = key.split(".")
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[last] = value
    return changed


def read(framework: str, document: dict[str, Any], folder: Path | None = None) -> tuple[Run, ...]:
    """The runs of a file of a framework; JSON is YAML too."""
    name = "adapter_config.json" if framework in ("peft_adapter", "firefly") else "config.yaml"
    found = config(json.dumps(document, indent=1).replace("e-0", ".0e-0"), name, folder).runs
    assert {run.dialect for run in found} <= {framework.split()[0]}
    return found


def the_run(framework: str, document: dict[str, Any], folder: Path | None = None) -> Run:
    (run,) = read(framework, document, folder)
    return run


def setting(run: Run, name: str) -> Any:
    """The value of a setting, as rows name it."""
    part, _, field = name.rpartition(".")
    return getattr(getattr(run, part or "adapter"), field)


@pytest.mark.parametrize(("framework", "row"), ROWS)
def test_a_key_is_a_setting(framework: str, row: Row) -> None:
    key, name, value, expected, _ = row
    run = the_run(framework, with_key(MINIMAL[framework], key, value))
    assert plain(setting(run, name)) == expected
    assert not [problem for problem in run.problems if isinstance(problem, UnknownKey)]


LITGPT_NAMES = ("lora_r", "lora_alpha", "lora_dropout", "lora_query")
"""The targets are switches there; findings name the first."""
WITHOUT = [
    pytest.param(name, setting, usual, id=f"{name}-{setting}")
    for name, rows in SETTINGS.items()
    for setting, usual in {row[1]: row[4] for row in rows if row[4] is not SET}.items()
]


@pytest.mark.parametrize(("framework", "name", "usual"), WITHOUT)
def test_what_holds_without_a_key(framework: str, name: str, usual: Any) -> None:
    found = setting(the_run(framework, MINIMAL[framework]), name)
    assert plain(found) == usual
    assert getattr(found, "origin", "framework-default") != "cli-default"


WITHOUT_A_KEY = {
    ("mlx_lm", "layers_to_transform"),
    ("mlx_lm", "use_dora"),
    ("unsloth_studio", "init_lora_weights"),
}
"""Settings that stand for others of the framework, which findings name by PEFT's own name."""
NAMED = [
    pytest.param(name, key, setting, value, id=f"{name}-{key}-{value}")
    for name, rows in SETTINGS.items()
    for key, setting, value, *_ in rows
    if "." not in setting and (name, setting) not in WITHOUT_A_KEY and (name != "litgpt" or key in LITGPT_NAMES)
]


@pytest.mark.parametrize(("framework", "key", "name", "value"), NAMED)
def test_a_finding_names_the_key_of_a_setting(framework: str, key: str, name: str, value: Any) -> None:
    run = the_run(framework, with_key(MINIMAL[framework], key, value))
    assert run.adapter.key(name) == key.rpartition(".")[2]


SYNONYMS: tuple[tuple[str, str, str, Any], ...] = (
    ("axolotl", "lora_rank", "lora_r", 8),
    ("axolotl", "use_rslora", "peft_use_rslora", True),
    ("axolotl", "use_dora", "peft_use_dora", True),
    ("axolotl", "lora_use_rslora", "peft_use_rslora", True),
    ("axolotl", "lora_use_dora", "peft_use_dora", True),
    ("axolotl", "lr", "learning_rate", 1e-4),
    ("llamafactory", "lora_r", "lora_rank", 8),
    ("llamafactory", "lora_target_modules", "lora_target", "q_proj"),
    ("llamafactory", "lr", "learning_rate", 1e-4),
    ("trl", "lr", "learning_rate", 1e-4),
    ("open_instruct", "lora_r", "lora_rank", 8),
    ("open_instruct", "lr", "learning_rate", 1e-4),
    ("firefly", "lora_r", "lora_rank", 8),
    ("firefly", "lr", "learning_rate", 1e-4),
    ("autotrain", "params.learning_rate", "params.lr", 1e-4),
    ("autotrain", "params.num_epochs", "params.epochs", 2),
    ("autotrain", "params.num_train_epochs", "params.epochs", 2),
    ("autotrain", "params.gradient_accumulation_steps", "params.gradient_accumulation", 2),
    ("autotrain", "params.lora_rank", "params.lora_r", 8),
    ("h2o_llmstudio", "training.lora_rank", "training.lora_r", 8),
    ("h2o_llmstudio", "training.target_modules", "training.lora_target_modules", "q_proj"),
    ("h2o_llmstudio", "training.lr", "training.learning_rate", 1e-4),
    ("ms_swift", "lora_r", "lora_rank", 8),
    ("ms_swift", "r", "lora_rank", 8),
    ("ms_swift", "lora_target_modules", "target_modules", ["q_proj"]),
    ("ms_swift", "lora_target", "target_modules", ["q_proj"]),
    ("ms_swift", "loraplus_lr_ratio", "lorap_lr_ratio", 16.0),
    ("ms_swift", "quantization_bit", "quant_bits", 4),
    ("ms_swift 2", "lora_r", "lora_rank", 8),
    ("mistral_finetune", "lora.r", "lora.rank", 8),
    ("mistral_finetune", "lora.lora_r", "lora.rank", 8),
    ("mistral_finetune", "lora.lora_rank", "lora.rank", 8),
    ("mistral_finetune", "lora.scale", "lora.scaling", 2.0),
    ("mistral_finetune", "lora.lora_dropout", "lora.dropout", 0.1),
    ("mlx_lm", "lora_parameters.r", "lora_parameters.rank", 8),
    ("mlx_lm", "lora_parameters.lora_rank", "lora_parameters.rank", 8),
    ("mlx_lm", "lora_parameters.lora_r", "lora_parameters.rank", 8),
    ("mlx_lm", "lora_parameters.alpha", "lora_parameters.scale", 2.0),
    ("mlx_lm", "lora_parameters.lora_dropout", "lora_parameters.dropout", 0.1),
    ("mlx_lm", "lora_layers", "num_layers", 8),
    ("mlx_lm", "adapter_file", "adapter_path", "a.npz"),
    ("mlx_lm", "steps_per_save", "save_every", 8),
    ("unsloth_studio", "lora.r", "lora.lora_r", 8),
    ("unsloth_studio", "lora.lora_rank", "lora.lora_r", 8),
    ("unsloth_studio", "lora.rank", "lora.lora_r", 8),
    ("unsloth_studio", "lora.alpha", "lora.lora_alpha", 8),
    ("unsloth_studio", "lora.rslora", "lora.use_rslora", True),
    ("litgpt", "lora_rank", "lora_r", 8),
    ("litgpt", "lora_proj", "lora_projection", True),
    ("litgpt", "lora_output", "lora_projection", True),
    ("ludwig", "adapter.rank", "adapter.r", 8),
    ("ludwig", "adapter.lora_r", "adapter.r", 8),
    ("ludwig", "adapter.lora_alpha", "adapter.alpha", 8),
    ("ludwig", "adapter.lora_dropout", "adapter.dropout", 0.1),
    ("ludwig", "adapter.bias", "adapter.bias_type", "all"),
    ("ludwig", "trainer.lr", "trainer.learning_rate", 1e-4),
    ("ludwig", "trainer.num_epochs", "trainer.epochs", 2),
    ("ludwig", "trainer.num_train_epochs", "trainer.epochs", 2),
    ("torchtune", "model.lora_r", "model.lora_rank", 8),
)
"""Spellings of other frameworks, and what they are here."""


@pytest.mark.parametrize(("framework", "key", "meant", "value"), SYNONYMS)
def test_the_spelling_of_another_framework(framework: str, key: str, meant: str, value: Any) -> None:
    document = {name: given for name, given in MINIMAL[framework].items() if name != meant} | {"lora_query": True}
    run = the_run(framework, with_key(document if framework == "litgpt" else MINIMAL[framework], key, value))
    (problem,) = [problem for problem in run.problems if isinstance(problem, UnknownKey)]
    assert (problem.key, problem.suggestions[0]) == (key.rpartition(".")[2], meant.rpartition(".")[2])


def test_the_spelling_of_another_framework_in_the_place_of_the_key() -> None:
    swift = {"model_type": "qwen3", "dataset": "d", "tuner_type": "lora", "model_name_or_path": "m"}
    verl = {"path": "m", "lora_adapter_path": "out", "lora_r": 8}
    roles = MINIMAL["verl"]["actor_rollout_ref"] | {"model": verl}
    for run, meant in (
        (the_run("ms_swift", swift), "model"),
        (the_run("verl", MINIMAL["verl"] | {"actor_rollout_ref": roles}), "lora_rank"),
        (only(shell("swift sft --model m --dataset d --finetuning_type lora")), "tuner_type"),
    ):
        (problem,) = run.problems
        assert isinstance(problem, UnknownKey)
        assert problem.suggestions[0] == meant


def test_a_block_with_short_names() -> None:
    run = the_run("lora_block", {"lora": {"r": 8, "alpha": 16, "target_modules": ["q_proj"]}})
    assert (plain(run.adapter.alpha), run.adapter.key("alpha"), run.adapter.key("dropout")) == (
        16,
        "alpha",
        "lora_dropout",
    )


MARKS = {
    "axolotl": ("datasets", "pretraining_dataset", "sequence_len", "micro_batch_size", "num_epochs"),
    "mistral_finetune": ("run_dir", "seq_len", "ckpt_freq", "save_adapters", "num_microbatches"),
}


@pytest.mark.parametrize(("framework", "mark"), [(name, mark) for name, marks in MARKS.items() for mark in marks])
def test_one_key_tells_the_framework(framework: str, mark: str) -> None:
    bare = {key: value for key, value in MINIMAL[framework].items() if key not in MARKS[framework]}
    assert read(framework, bare) == ()
    assert len(read(framework, bare | {mark: 1})) == 1


NEEDED = [
    ("autotrain", "task"),
    ("autotrain", "base_model"),
    ("autotrain", "project_name"),
    ("h2o_llmstudio", "llm_backbone"),
    ("open_instruct", "model_name_or_path"),
    ("trl", "model_name_or_path"),
    ("llamafactory", "model_name_or_path"),
    ("axolotl", "base_model"),
    ("mistral_finetune", "model_id_or_path"),
    ("ms_swift", "dataset"),
    ("ms_swift", "model"),
]


@pytest.mark.parametrize(("framework", "key"), NEEDED)
def test_no_run_without_a_key(framework: str, key: str) -> None:
    assert read(framework, {name: value for name, value in MINIMAL[framework].items() if name != key}) == ()


OTHERS = [
    *(("firefly", key) for key in ("finetuning_type", "tuner_type", "train_type", "sft_type", "use_lora", "use_peft")),
    *(("litgpt", key) for key in ("base_model", "model_name_or_path", "training")),
    ("trl", "lora_rank"),
]


@pytest.mark.parametrize(("framework", "key"), OTHERS)
def test_a_key_of_another_framework(framework: str, key: str) -> None:
    name = "config.json" if framework == "firefly" else "config.yaml"
    found = config(json.dumps(MINIMAL[framework] | {key: True}), name)
    assert framework not in {run.dialect for run in found.runs}


PREFERENCE = {
    "trl": ("beta", "max_prompt_length", "desirable_weight", "reference_free", "center_rewards_coefficient"),
    "open_instruct": ("beta", "loss_type", "dpo_beta", "dpo_loss_type", "gamma_beta_ratio", "concatenated_forward"),
}
METHODS = [
    ("axolotl", "sequence_len", 1, "supervised"),
    *(("axolotl", "rl", name, "preference") for name in ("dpo", "ipo", "kto", "orpo", "simpo", "bco")),
    *(("axolotl", "rl", name, "rl") for name in ("grpo", "gdpo", "ebft")),
    ("axolotl", "rl", "own", "unknown"),
    ("axolotl", "reward_model", True, "preference"),
    ("axolotl", "process_reward_model", True, "preference"),
    *(("llamafactory", "stage", name, "supervised") for name in ("pt", "sft")),
    *(("llamafactory", "stage", name, "preference") for name in ("rm", "dpo", "kto")),
    ("llamafactory", "stage", "ppo", "rl"),
    ("llamafactory", "do_train", True, "supervised"),
    ("trl", "use_peft", True, "unknown"),
    *(("trl", key, 1, "preference") for key in PREFERENCE["trl"]),
    *(("trl", key, 1, "rl") for key in ("num_generations", "reward_funcs", "reward_weights", "reward_model_path")),
    *(("trl", key, 1, "rl") for key in ("use_vllm", "vllm_mode", "epsilon")),
    *(("trl", key, 1, "supervised") for key in ("packing", "assistant_only_loss", "completion_only_loss")),
    *(("trl", key, 1, "supervised") for key in ("dataset_text_field", "max_seq_length")),
    ("open_instruct", "use_lora", True, "supervised"),
    *(("open_instruct", key, 1, "preference") for key in PREFERENCE["open_instruct"]),
    *(("firefly", "task_type", name, "supervised") for name in ("pretrain", "sft")),
    ("firefly", "task_type", "dpo", "preference"),
    ("firefly", "task_type", "own", "unknown"),
    *(("autotrain", "task", f"llm-{name}", "preference") for name in ("dpo", "orpo", "reward")),
    *(("autotrain", "task", f"llm{mark}sft", "supervised") for mark in "-:"),
    *(("autotrain", "task", name, "supervised") for name in ("lm_training", "vlm", "seq2seq")),
    *(
        ("h2o_llmstudio", "problem_type", f"text_{name}_modeling", method)
        for name, method in (
            ("causal_language", "supervised"),
            ("sequence_to_sequence", "supervised"),
            ("causal_classification", "classification"),
            ("causal_regression", "classification"),
            ("dpo", "preference"),
        )
    ),
    *(("ms_swift", "rlhf_type", name, "preference") for name in ("dpo", "orpo", "simpo", "kto", "cpo", "rm")),
    *(("ms_swift", "rlhf_type", name, "rl") for name in ("ppo", "grpo")),
    ("ms_swift", "rlhf_type", "gkd", "unknown"),
    *(("ms_swift", "task_type", name, "classification") for name in ("seq_cls", "reranker")),
    ("ms_swift", "task_type", "embedding", "unknown"),
    ("ms_swift", "task_type", "causal_lm", "supervised"),
    ("ludwig", "trainer.type", "finetune", "supervised"),
    *(("ludwig", "trainer.type", name, "preference") for name in ("dpo", "kto", "orpo")),
    ("ludwig", "trainer.type", "grpo", "rl"),
    *(
        ("torchtune", "loss._component_", f"torchtune.rlhf.loss.{name}Loss", "preference")
        for name in ("DPO", "RSO", "SimPO")
    ),
    ("torchtune", "loss._component_", "torchtune.modules.loss.CEWithChunkedOutputLoss", "supervised"),
    *(("torchtune", key, {"a": 1}, "rl") for key in ("reward_and_value_model", "policy_model")),
]


@pytest.mark.parametrize(("framework", "key", "value", "method"), METHODS)
def test_how_a_model_is_trained(framework: str, key: str, value: Any, method: str) -> None:
    assert the_run(framework, with_key(MINIMAL[framework], key, value)).training.method == method


TASKS = [
    ("peft_adapter", "task_type", "CAUSAL_LM", "AutoModelForCausalLM", "CAUSAL_LM"),
    ("peft_adapter", "task_type", "SEQ_CLS", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("peft_adapter", "task_type", "SEQ_2_SEQ_LM", "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM"),
    ("peft_adapter", "task_type", "TOKEN_CLS", "AutoModelForTokenClassification", "TOKEN_CLS"),
    ("peft_adapter", "task_type", "QUESTION_ANS", "AutoModelForQuestionAnswering", "QUESTION_ANS"),
    ("peft_adapter", "task_type", "FEATURE_EXTRACTION", "AutoModel", "FEATURE_EXTRACTION"),
    ("peft_adapter", "auto_mapping.base_model_class", "GPT2Model", "GPT2Model", None),
    ("axolotl", "reward_model", True, "AutoModelForSequenceClassification", Unknown),
    ("axolotl", "process_reward_model", True, "AutoModelForSequenceClassification", Unknown),
    ("axolotl", "processor_type", "AutoProcessor", "AutoModelForImageTextToText", "CAUSAL_LM"),
    ("axolotl", "model_type", "AutoModelForCausalLM", "AutoModelForCausalLM", "CAUSAL_LM"),
    ("axolotl", "type_of_model", "AutoModelForSequenceClassification", "AutoModelForSequenceClassification", Unknown),
    ("axolotl", "num_labels", 2, None, Unknown),
    ("llamafactory", "use_unsloth", True, "FastLanguageModel", "CAUSAL_LM"),
    ("trl", "lora_task_type", "SEQ_CLS", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("firefly", "use_unsloth", True, "FastLanguageModel", "CAUSAL_LM"),
    ("autotrain", "task", "llm-reward", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("autotrain", "task", "seq2seq", "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM"),
    ("autotrain", "task", "vlm", None, "CAUSAL_LM"),
    ("autotrain", "params.unsloth", True, "FastLanguageModel", "CAUSAL_LM"),
    ("h2o_llmstudio", "problem_type", "text_sequence_to_sequence_modeling", "AutoModelForSeq2SeqLM", "CAUSAL_LM"),
    ("h2o_llmstudio", "problem_type", "text_dpo_modeling", "AutoModelForCausalLM", "CAUSAL_LM"),
    ("ms_swift", "rlhf_type", "rm", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("ms_swift", "task_type", "seq_cls", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("ms_swift", "task_type", "reranker", "AutoModelForSequenceClassification", "SEQ_CLS"),
    ("ms_swift", "task_type", "embedding", None, None),
    ("ms_swift", "task_type", "generative_reranker", None, "CAUSAL_LM"),
    ("ms_swift", "tuner_backend", "unsloth", "FastLanguageModel", "CAUSAL_LM"),
    ("ludwig", "is_multimodal", True, None, "CAUSAL_LM"),
    ("ludwig", "is_multimodal", False, "AutoModelForCausalLM", "CAUSAL_LM"),
]


@pytest.mark.parametrize(("framework", "key", "value", "loader", "task"), TASKS)
def test_what_loads_the_model(framework: str, key: str, value: Any, loader: str | None, task: Any) -> None:
    run = the_run(framework, with_key(MINIMAL[framework], key, value))
    assert (run.model.loader, plain(run.adapter.task_type)) == (loader, task)


EVENTS = [
    ("axolotl", "lora_model_dir", "out", [Load, LoadAdapter, Train]),
    *(("axolotl", key, ["<a>"], [Load, Resize, Wrap, Train]) for key in ("tokens", "added_tokens_overrides")),
    ("axolotl", "special_tokens", {"pad_token": "<p>"}, [Load, Resize, Wrap, Train]),
    ("axolotl", "resize_token_embeddings_to_32x", True, [Load, Resize, Wrap, Train]),
    ("llamafactory", "adapter_name_or_path", "out", [Load, LoadAdapter, Train]),
    *(
        ("llamafactory", key, "<a>", [Load, Resize, Wrap, Train])
        for key in ("add_tokens", "add_special_tokens", "new_special_tokens_config", "init_special_tokens")
    ),
    ("llamafactory", "resize_vocab", True, [Load, Resize, Wrap, Train]),
    ("open_instruct", "use_qlora", True, [Load, PrepareKbit, Wrap, Train]),
    ("firefly", "train_mode", "qlora", [Load, PrepareKbit, Wrap, Train]),
    ("firefly", "train_mode", "lora", [Load, Wrap, Train]),
    ("h2o_llmstudio", "training.lora_unfreeze_layers", ["embed"], [Load, Wrap, Unfreeze, Train]),
    *(
        ("ms_swift", key, "out", [Load, LoadAdapter, Train])
        for key in ("adapters", "resume_from_checkpoint", "mcore_adapter")
    ),
    ("ms_swift", "new_special_tokens", ["<a>"], [Load, Resize, Wrap, Train]),
    ("mlx_lm", "resume_adapter_file", "a.safetensors", [Load, LoadAdapter, Train]),
    ("verl", "actor_rollout_ref.model.lora_adapter_path", "out", [Load, LoadAdapter, Train]),
    ("ludwig", "adapter.pretrained_adapter_weights", "out", [Load, LoadAdapter, Train]),
    ("ludwig", "adapter.r", 8, [Load, Wrap, Train]),
    ("torchtune", "epochs", 1, [Load, Wrap, Train]),
    ("trl", "lora_r", 8, [Load, Wrap, Train]),
    ("litgpt", "lora_r", 8, [Load, Wrap, Train]),
    ("mistral_finetune", "lora.rank", 8, [Load, Wrap, Train]),
    ("unsloth_studio", "lora.lora_r", 8, [Load, Wrap, Train]),
    ("autotrain", "params.lora_r", 8, [Load, Wrap, Train]),
    ("peft_adapter", "r", 8, [Wrap]),
    ("lora_block", "lora.r", 8, []),
]


@pytest.mark.parametrize(("framework", "key", "value", "kinds"), EVENTS)
def test_what_happens_to_the_model(framework: str, key: str, value: Any, kinds: list[str]) -> None:
    run = the_run(framework, with_key(MINIMAL[framework], key, value))
    assert [type(event) for event in run.events] == kinds
    assert run.trained is (None if framework in ("peft_adapter", "lora_block", "mlx_lm") else True)
    loads = [plain(event.trainable) for event in run.events if isinstance(event, LoadAdapter)]
    assert loads == [Unknown if framework == "ludwig" else True] * kinds.count(LoadAdapter)


@pytest.mark.parametrize("framework", [name for name in MINIMAL if name not in ("peft_adapter", "lora_block")])
def test_the_task_is_to_continue_text(framework: str) -> None:
    assert plain(the_run(framework, MINIMAL[framework]).adapter.task_type) == "CAUSAL_LM"
