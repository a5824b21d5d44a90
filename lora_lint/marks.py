"""What tells a framework's files and commands before its module is imported.

Written by scripts/generate_marks.py from the records of the frameworks.
"""

from __future__ import annotations

CONFIGS: tuple[tuple[str, tuple[str, ...], tuple[tuple[bytes, ...], ...]], ...] = (
    ("accelerate", ("yaml", "json"), ((b"compute_environment", b"distributed_type"),)),
    ("ai_toolkit", ("yaml", "json"), ((b"process", b"network", b"name_or_path"),)),
    ("areal", ("yaml",), ((b"actor", b"use_lora", b"experiment_name"),)),
    ("autotrain", ("yaml",), ((b"base_model", b"project_name", b"params"),)),
    ("axolotl", ("yaml",), ((b"base_model", b"adapter"), (b"base_model", b"load_in_"))),
    ("diffusion_pipe", ("toml",), ((b"[adapter]", b"[model]"),)),
    ("easyr1", ("yaml",), ((b"worker", b"actor", b"model_path", b"lora"),)),
    ("firefly", ("json",), ((b"model_name_or_path", b"train_file"), (b"model_name_or_path", b"train_mode"))),
    ("h2o_llmstudio", ("yaml",), ((b"llm_backbone", b"training"),)),
    ("kohya", ("toml", "json"), ((b"network_module",), (b"LoRA_type", b"network_dim"))),
    ("litgpt", ("yaml",), ((b"lora_query",), (b"lora_r", b"checkpoint_dir"))),
    ("llamafactory", ("yaml", "json"), ((b"finetuning_type",),)),
    ("llamafactory_v1", ("yaml", "json"), ((b"peft_config", b"model", b"name"),)),
    ("ludwig", ("yaml", "json"), ((b"base_model", b"adapter", b"_features"), (b"encoder", b"adapter", b"_features"))),
    ("mistral_finetune", ("yaml",), ((b"model_id_or_path",),)),
    ("mlx_lm", ("yaml", "json"), ((b"fine_tune_type",), (b"lora_parameters",))),
    ("moe_peft", ("json",), ((b'"lora"', b"target_modules", b"cutoff_len"),)),
    ("ms_swift", ("yaml", "json"), ((b"tuner_type",), (b"train_type",), (b"sft_type",))),
    ("musubi_tuner", ("toml",), ((b"network_module", b"dit"),)),
    ("nemo_automodel", ("yaml",), ((b"nemo_automodel", b"PeftConfig"),)),
    ("nemo_rl", ("yaml",), ((b"policy", b"lora_cfg"), (b"policy", b"megatron_cfg", b"peft"))),
    ("onetrainer", ("json",), ((b'"training_method"',),)),
    ("open_instruct", ("yaml",), ((b"use_lora", b"model_name_or_path"),)),
    ("peft_adapter", ("json",), ((b'"peft_type"',),)),
    ("prime_rl", ("toml",), ((b"model.lora",),)),
    ("roll", ("yaml",), ((b"actor_train", b"lora_target"),)),
    ("simpletuner", ("json",), ((b"model_family", b"model_type"),)),
    ("skyrl", ("yaml",), ((b"policy", b"lora", b"trainer"),)),
    ("torchtune", ("yaml",), ((b"_component_", b"torchtune"),)),
    ("trl", ("yaml",), ((b"use_peft",),)),
    ("unsloth_studio", ("yaml", "json"), ((b"training", b"lora"),)),
    ("verl", ("yaml",), ((b"lora", b"actor_rollout_ref"), (b"lora", b"train_files"))),
    ("wandb", ("yaml", "json"), ((b"parameters", b"method"),)),
    ("lora_block", ("yaml", "json"), ((b"lora_alpha",), (b"target_modules",), (b"lora_dropout",))),
)
"""Framework, kinds of its files, and groups of words: each file holds all of one."""
WORDS = (
    b"compute_environment",
    b"load_in_4bit",
    b"load_in_8bit",
    b"finetuning_type",
    b"model_id_or_path",
    b"fine_tune_type",
)
"""Words of files that are worth reading although nothing in them says lora."""
RECOMMENDED = ("axolotl", "llamafactory", "peft", "torchtune", "trl")
"""Those that a recommendation can be written for."""
COMMANDS = {
    "autotrain": "autotrain",
    "axolotl": "axolotl",
    "litgpt": "litgpt",
    "llamafactory-cli": "llamafactory",
    "lmf": "llamafactory",
    "mlx_lm": "mlx_lm",
    "mlx_lm.lora": "mlx_lm",
    "swift": "ms_swift",
    "megatron": "ms_swift",
    "automodel": "nemo_automodel",
    "tune": "torchtune",
    "trl": "trl",
}
"""Names of commands, and whose they are."""
PACKAGES = {
    "accelerate": "accelerate",
    "areal": "areal",
    "axolotl": "axolotl",
    "litgpt": "litgpt",
    "llamafactory": "llamafactory",
    "llama-factory": "llamafactory",
    "ludwig": "ludwig",
    "mlx-lm": "mlx_lm",
    "ms-swift": "ms_swift",
    "nemo-automodel": "nemo_automodel",
    "nemo-rl": "nemo_rl",
    "openrlhf": "openrlhf",
    "prime-rl": "prime_rl",
    "skyrl": "skyrl",
    "skyrl-train": "skyrl",
    "torchtune": "torchtune",
    "unsloth": "unsloth",
    "verl": "verl",
}
"""What requirements call a framework."""
PROGRAMS = (
    ("module", r"areal\..+", "areal"),
    ("module", r"axolotl\.cli\.train", "axolotl"),
    ("module", r"verl\.trainer\.main", "easyr1"),
    ("module", r"mlx_lm", "mlx_lm"),
    ("module", r"mlx_lm\.lora", "mlx_lm"),
    ("module", r"nemo_automodel\.cli\.app", "nemo_automodel"),
    ("module", r"openrlhf\.cli\.train_(?P<task>sft|dpo|rm|ppo_ray|ppo|kto|prm|kd)", "openrlhf"),
    ("module", r"(?:skyrl(?:_train|\.train)|examples|integrations)\..+", "skyrl"),
    ("module", r"verl\..+", "verl"),
    ("script", r"train_dreambooth_lora(?:_(?P<task>\w+))?\.py", "diffusers_examples"),
    ("script", r"train_text_to_image_lora(?:_(?P<task>sdxl))?\.py", "diffusers_examples"),
    ("script", r"train_(?P<task>cogvideox)(?:_image_to_video)?_lora\.py", "diffusers_examples"),
    ("script", r"(?:sdxl_|flux_|sd3_|lumina_|anima_|hunyuan_image_)?train_network\.py", "kohya"),
    ("script", r"src/train\.py", "llamafactory"),
    ("script", r"src/train_bash\.py", "llamafactory"),
    ("script", r"moe_peft\.py", "moe_peft"),
    ("script", r"swift/cli/(?P<task>sft|pt|rlhf)\.py", "ms_swift"),
    ("script", r"(?:hv|hv_1_5|wan|fpack|zimage|qwen_image)_train_network\.py", "musubi_tuner"),
    ("script", r"(?:flux_kontext|flux_2|hidream_o1|ideogram4|kandinsky5|krea2)_train_network\.py", "musubi_tuner"),
    ("script", r"nemo_automodel/recipes/\w+/\w+\.py", "nemo_automodel"),
    ("script", r"examples/run_(?:vlm_|async_)?grpo(?:_\w+)?\.py", "nemo_rl"),
    ("script", r"open_instruct/(?:finetune|dpo_tune|dpo_tune_cache)\w*\.py", "open_instruct"),
    ("script", r"openrlhf/cli/train_(?P<task>sft|dpo|rm|ppo_ray|ppo|kto|prm|kd)\.py", "openrlhf"),
    ("script", r"(?:trl/scripts|examples/scripts)/(?P<task>\w+?)(?:_\w+)?\.py", "trl"),
)
"""Kinds of programs, expressions for their names, and whose they are."""
IN_COMMANDS = (
    rb"\baxolotl\s+train\b",
    rb"\baxolotl\.cli\.train\b",
    rb"\blitgpt\s+finetune\b",
    rb"\bllamafactory-cli\b",
    rb"\bmlx_lm\b",
    rb"\bswift\s+(?:sft|pt|rlhf)\b",
    rb"\btune\s+run\b",
)
"""Expressions for commands that train LoRA unless they, or a configuration file, say otherwise."""
