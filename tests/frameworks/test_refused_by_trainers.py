"""What further trainers refuse, in files, commands and programs: each refusal beside one that differs in little, and
that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

BASES = {
    "llamafactory_v1": "model: Qwen/Qwen3-8B\npeft_config: {{name: lora, r: 8{peft}}}\ntrain_dataset: d.yaml\n{}\n",
    "easyr1": "data: {{{data}}}\nalgorithm: {{{algorithm}}}\ntrainer: {{n_gpus_per_node: 8{trainer}}}\nworker:\n"
    "  rollout: {{seed: 1{rollout}}}\n  actor: {{model: {{model_path: a/b, lora: {{rank: 8{lora}}}}}{actor}}}\n",
    "roll": "pretrain: a/b\nactor_train: {{model_args: {{lora_target: q_proj, lora_rank: 8, lora_alpha: 16}}}}\n{}\n",
    "open_instruct": "model_name_or_path: a/b\nuse_lora: true\nlora_rank: 8\n{}\n",
    "lerobot": "lerobot-train --policy.path=a/b --policy.repo_id=me/b --peft.method_type=LORA --peft.r=8 {}\n",
    "diffusers_examples": "accelerate launch train_dreambooth_lora_{}.py --pretrained_model_name_or_path a/b --rank 8 "
    "--instance_data_dir d --instance_prompt p {}\n",
    "megatron_bridge": "from megatron.bridge.peft.lora import LoRA\nfrom megatron.bridge.peft.dora import DoRA\n"
    "from megatron.bridge.peft.canonical_lora import CanonicalLoRA\nfrom megatron.bridge.training.config import *\n"
    "from megatron.bridge.training.config import CheckpointConfig, ProfilingConfig, SchedulerConfig, TrainingConfig\n"
    "peft = LoRA(dim=8, alpha=16)\nmore = {}\n",
    "autotrain": "task: {task}\nbase_model: a/b\nproject_name: {name}\nbackend: {backend}\ndata: {{path: d, chat_template: none}}\n"
    "params: {{peft: true, lr: 1e-4{params}}}\n{}\n",
    "autotrain_command": "autotrain llm --train --peft --model a/b --project-name mine --data-path d --lr 1e-4 {}\n",
    "fms_hf_tuning": '{{"model_name_or_path": "a/b", "peft_method": "lora", "lora_alpha": 16, {}}}',
    "h2o_llmstudio": "llm_backbone: a/b\nproblem_type: text_{kind}_modeling\narchitecture: {{{architecture}}}\n"
    "dataset: {{train_dataframe: a.csv{dataset}}}\nenvironment: {{seed: 1{environment}}}\n"
    "training: {{lora: true, lora_r: 4{training}}}\n{}\n",
    "mistral_finetune": "model_id_or_path: mistral-7b\nrun_dir: r\ndata: {{instruct_data: a.jsonl{data}}}\n"
    "lora: {{rank: 16{lora}}}\n{}\n",
    "llama_cookbook": "torchrun -m llama_cookbook.finetuning --use_peft --peft_method lora --model_name a/b {}\n",
    "mlx_vlm": "python -m mlx_vlm.lora --dataset d --model-path {model} {}\n",
    "firefly": '{{"model_name_or_path": "a/b", "train_mode": "lora", "train_file": "d", {}}}',
    "llm2vec": '{{"model_name_or_path": "a/b", "lora_r": 16, {}}}',
    "moe_peft": '{{"cutoff_len": 512, "save_step": 9, "lora": [{{"r": 8, "lora_alpha": 16, '
    '"target_modules": {{"q_proj": true}}, {}}}]}}',
    "together_ai": "together fine-tuning create --training-file f --lora --model a/b {}\n",
    "tinker": "python -m tinker_cookbook.recipes.math_rl.train model_name=a/b lora_rank=16 {}\n",
    "nova": "run: {{model_type: 'amazon.nova-lite-v1:0:300k', {}}}\n"
    "training_config: {{rollout: {{a: 1}}, peft: {{peft_scheme: lora, lora_tuning: {{alpha: 64}}}}}}\n",
    "internvl_chat": "torchrun internvl/train/internvl_chat_finetune.py --model_name_or_path a/b --use_llm_lora 16 {}\n",
    "minicpm_v_finetune": "torchrun finetune.py --model_name_or_path a/b --use_lora true --llm_type qwen {}\n",
    "qwen_vl_finetune": "torchrun qwenvl/train/train_qwen.py --model_name_or_path a/b --lora_enable True {}\n",
    "qwen_vl_series": "deepspeed src/train/train_sft.py --model_id a/qwen --lora_enable True {}\n",
    "xtuner": "from peft import LoraConfig\nfrom transformers import AutoModelForCausalLM\n"
    "from xtuner.dataset import process_hf_dataset\nfrom xtuner.dataset.json_dataset import load_json_file\n"
    "from xtuner.engine.runner import TrainLoop\nfrom xtuner.model import DPO, InternVL_V1_5, SupervisedFinetune\n"
    "from xtuner.model.reward import RewardModel\n"
    "lora = dict(type=LoraConfig, r=8, lora_alpha=16, target_modules=['q_proj'], task_type='CAUSAL_LM')\nmodel = dict("
    "type=SupervisedFinetune, llm=dict(type=AutoModelForCausalLM.from_pretrained, pretrained_model_name_or_path='a/b'),"
    " lora=lora)\nmore = dict(type={})\n",
    "mlx_tune": "from mlx_tune import FastLanguageModel\nmodel, _ = FastLanguageModel.from_pretrained('a/b')\n"
    "model = FastLanguageModel.get_peft_model(model, r=8, lora_alpha=16, {})\n",
    "training_hub": "from training_hub import lora_sft\n"
    "lora_sft(model_path='a/b', data_path='d.jsonl', ckpt_output_dir='o', lora_r=8, lora_alpha=16, {})\n",
    "adapter_hub": "from adapters import AutoAdapterModel, BnConfig, LoRAConfig\n"
    "model = AutoAdapterModel.from_pretrained('roberta-base')\nmodel.add_adapter('a', config={})\n",
}
KINDS = {
    **dict.fromkeys(("megatron_bridge", "adapter_hub", "xtuner", "mlx_tune", "training_hub"), "python"),
    **dict.fromkeys(("lerobot", "diffusers_examples", "autotrain_command", "llama_cookbook", "mlx_vlm"), "shell"),
    **dict.fromkeys(("together_ai", "tinker", "internvl_chat", "minicpm_v_finetune"), "shell"),
    **dict.fromkeys(("qwen_vl_finetune", "qwen_vl_series"), "shell"),
    **dict.fromkeys(("fms_hf_tuning", "firefly", "llm2vec", "moe_peft"), "json"),
}
PLACES = {
    "llamafactory_v1": {"peft": ""},
    "easyr1": dict.fromkeys(("data", "algorithm", "trainer", "rollout", "lora", "actor"), ""),
    "autotrain": {"task": "llm-sft", "name": "mine", "backend": "local", "params": ""},
    "h2o_llmstudio": {
        "kind": "causal_language",
        **dict.fromkeys(("architecture", "dataset", "environment", "training"), ""),
    },
    "mistral_finetune": {"data": "", "lora": ""},
    "mlx_vlm": {"model": "a/b"},
}
"""The places in a base that have names, with what is usually there."""
REFUSED = [
    ("minicpm_v_finetune", "--tune_llm true", "--tune_llm false"),
    ("qwen_vl_series", "--freeze_llm False", "--freeze_llm True"),
    (
        "qwen_vl_series",
        "--freeze_llm True --vision_lora True --freeze_vision_tower False",
        "--freeze_llm True --vision_lora True --freeze_vision_tower True",
    ),
    ("llamafactory_v1", "flash_attn: fa2", "flash_attn: flash_attention_2"),
    (
        "llamafactory_v1",
        "batching_strategy: dynamic_batching\nmax_steps: 9\nsave_epochs: 1",
        "batching_strategy: dynamic_batching\nmax_steps: 9\nsave_steps: 1",
    ),
    (
        "llamafactory_v1",
        "batching_strategy: padding_free",
        "batching_strategy: padding_free\nflash_attn: flash_attention_2",
    ),
    (
        "llamafactory_v1",
        "dist_config: {name: fsdp2, cp_size: 2}",
        "dist_config: {name: fsdp2, cp_size: 2}\nflash_attn: flash_attention_2",
    ),
    (
        "llamafactory_v1",
        "flash_attn: flash_attention_2\ndist_config: {name: deepspeed, config_file: d.json, cp_size: 2}",
        "flash_attn: flash_attention_2\ndist_config: {name: deepspeed, config_file: d.json, cp_size: 1}",
    ),
    ("llamafactory_v1", "dist_config: {name: deepspeed}", "dist_config: {name: deepspeed, config_file: d.json}"),
    ("llamafactory_v1", "init_config: {name: init_on_meta}", "init_config: {name: init_on_rank0}"),
    ("llamafactory_v1", "global_batch_size: 9\nmicro_batch_size: 2", "global_batch_size: 8\nmicro_batch_size: 2"),
    ("llamafactory_v1", "quant_config: {quantization_bit: 4}", "quant_config: {name: bnb, quantization_bit: 4}"),
    ("llamafactory_v1", "peft: , adapter_name_or_path: [a, b]", "peft: , adapter_name_or_path: [a]"),
    ("easyr1", "rollout: , n: 1", "rollout: , n: 2"),
    ("easyr1", "algorithm: kl_type: none", "algorithm: kl_type: fixed"),
    (
        "easyr1",
        "algorithm: kl_type: adaptive, kl_horizon: 0",
        "algorithm: kl_type: adaptive, kl_horizon: 100",
    ),
    ("easyr1", "algorithm: kl_penalty: k3", "algorithm: kl_penalty: low_var_kl"),
    ("easyr1", "actor: , optim: {strategy: sgd}", "actor: , optim: {strategy: adamw_bf16}"),
    ("easyr1", "actor: , optim: {lr_scheduler_type: linear}", "actor: , optim: {lr_scheduler_type: cosine}"),
    ("easyr1", "lora: , target_modules: [q_proj]", "lora: , target_modules: q_proj"),
    ("easyr1", "trainer: , load_checkpoint_path: out", "trainer: , load_checkpoint_path: out/global_step_9"),
    (
        "roll",
        "actor_infer: {strategy_args: {strategy_name: hf_infer}}",
        "actor_infer: {strategy_args: {strategy_name: vllm}}",
    ),
    (
        "roll",
        "async_generation_ratio: 1\ngenerate_opt_level: 0",
        "async_generation_ratio: 1\ngenerate_opt_level: 1",
    ),
    (
        "roll",
        "async_generation_ratio: 0.5\nrewards: {math: {tag_included: [a]}}",
        "async_generation_ratio: 1\nrewards: {math: {tag_included: [a]}}",
    ),
    ("roll", "profiler_timeline: true\nprofiler_memory: true", "profiler_timeline: true\nprofiler_memory: false"),
    (
        "roll",
        "is_pure_opd: true\nuse_opd: true\nteacher: {a: 1}",
        "is_pure_opd: true\nuse_opd: false\nteacher: {a: 1}",
    ),
    (
        "roll",
        "rollout_batch_size: 12\ntrain_env_manager: {group_size: 8}",
        "rollout_batch_size: 16\ntrain_env_manager: {group_size: 8}",
    ),
    (
        "roll",
        "val_batch_size: 12\nval_env_manager: {num_env_groups: 4, group_size: 4}",
        "val_batch_size: 16\nval_env_manager: {num_env_groups: 4, group_size: 4}",
    ),
    ("open_instruct", "dataset_name: a/b\ndataset_mixer: {a/b: 1.0}", "dataset_mixer: {a/b: 1.0}"),
    (
        "open_instruct",
        "final_lr_ratio: 0.1\nlr_scheduler_type: cosine",
        "final_lr_ratio: 0.1\nlr_scheduler_type: linear",
    ),
    ("open_instruct", "final_lr_ratio: 1.5", "final_lr_ratio: 0.5"),
    ("open_instruct", "zero_stage: 2\noffload_param: true", "zero_stage: 3\noffload_param: true"),
    ("open_instruct", "zero_stage: 4", "zero_stage: 3"),
    ("open_instruct", "packing: true\nconcatenated_forward: false", "packing: true\nconcatenated_forward: true"),
    ("open_instruct", "loss_type: ipo", "loss_type: wpo"),
    ("open_instruct", "dataset_mixer_list: [a/b, '1.0', c/d]", "dataset_mixer_list: [a/b, '1.0', c/d, '1.0']"),
    (
        "open_instruct",
        "dataset_mixer_list: [a/b, '1.0']\ndataset_mixer_list_splits: [train, test]",
        "dataset_mixer_list: [a/b, '1.0']\ndataset_mixer_list_splits: [train]",
    ),
    ("lerobot", "--parallelism.dp_shard=4", "--parallelism.dp_replicate=4"),
    ("lerobot", "--ema.enable=true", "--ema.enable=false"),
    ("lerobot", "--accelerator.mixed_precision=fp32", "--accelerator.mixed_precision=bf16"),
    ("lerobot", "--policy.type=smolvla", "--policy.device=cuda"),
    ("lerobot", "--dataset.repo_type=bucket", "--dataset.repo_type=bucket --dataset.streaming=true"),
    (
        "lerobot",
        "--dataset.repo_type=bucket --dataset.streaming=true --dataset.eval_split=0.1",
        "--dataset.streaming=true --dataset.eval_split=0.1",
    ),
    ("lerobot", "--eval.recording_repo_id=a/b", "--eval.recording_repo_id=a/b --eval.recording=true"),
    ("lerobot", "--dataset.eval_split=1.0", "--dataset.eval_split=0.2"),
    ("diffusers_examples:flux", "--dataset_name a/b", "--max_train_steps 500"),
    ("diffusers_examples:flux", "--report_to wandb --hub_token t", "--report_to tensorboard --hub_token t"),
    ("diffusers_examples:sdxl", "--do_edm_style_training --snr_gamma 5.0", "--do_edm_style_training"),
    (
        "diffusers_examples:flux2",
        "--do_fp8_training --bnb_quantization_config_path q.json",
        "--bnb_quantization_config_path q.json",
    ),
    (
        "diffusers_examples:flux_advanced",
        "--train_text_encoder --train_text_encoder_ti",
        "--train_text_encoder_ti",
    ),
    (
        "diffusers_examples:flux_advanced",
        "--train_text_encoder_ti --train_transformer_frac 0.5 --train_text_encoder_ti_frac 0.5",
        "--train_text_encoder_ti --train_transformer_frac 0.5 --train_text_encoder_ti_frac 1.0",
    ),
    ("megatron_bridge", "DoRA(dim=8, dropout_position='post')", "DoRA(dim=8, dropout_position='pre')"),
    (
        "megatron_bridge",
        "CanonicalLoRA(dim=8, target_modules=['linear_qkv'])",
        "CanonicalLoRA(dim=8, target_modules=['linear_q'])",
    ),
    (
        "megatron_bridge",
        "CanonicalLoRA(dim=8, target_modules=['linear_fc1'])",
        "CanonicalLoRA(dim=8, target_modules=['linear_fc1_up'])",
    ),
    (
        "megatron_bridge",
        "LoRA(dim=8, exclude_modules=['linear_fc2'])",
        "LoRA(dim=8, target_modules=[], exclude_modules=['linear_fc2'])",
    ),
    (
        "megatron_bridge",
        "LoRA(dim=8, lora_A_init_method='uniform')",
        "LoRA(dim=8, lora_A_init_method='kaiming')",
    ),
    ("adapter_hub", "LoRAConfig(r=8, composition_mode='scale')", "LoRAConfig(r=1, composition_mode='scale')"),
    ("adapter_hub", "LoRAConfig(r=8, composition_mode='multiply')", "LoRAConfig(r=8, composition_mode='add')"),
    ("adapter_hub", "LoRAConfig(r=8, init_weights='gaussian')", "LoRAConfig(r=8, init_weights='bert')"),
    (
        "adapter_hub",
        "LoRAConfig(r=1, composition_mode='scale', dropout=0.1)",
        "LoRAConfig(r=1, composition_mode='add', dropout=0.1)",
    ),
    (
        "adapter_hub",
        "LoRAConfig(r=1, composition_mode='scale', use_dora=True)",
        "LoRAConfig(r=1, composition_mode='add', use_dora=True)",
    ),
    ("adapter_hub", "BnConfig(scaling=4)", "BnConfig(scaling=4.0)"),
    ("autotrain", "name: my_model", "name: my-model"),
    ("autotrain", f"name: {'a' * 51}", f"name: {'a' * 50}"),
    ("autotrain", "backend: gpu", "backend: spaces-a10g-large"),
    ("autotrain", "task: llm-rlhf", "task: llm-dpo"),
    ("autotrain_command", "--trainer ppo", "--trainer orpo"),
    ("autotrain_command", "--deploy", "--padding right"),
    ("fms_hf_tuning", '"padding_free": ["huggingface"], "use_flash_attn": false', '"padding_free": ["huggingface"]'),
    (
        "fms_hf_tuning",
        '"padding_free": ["huggingface"], "packing": true',
        '"padding_free": ["huggingface"], "packing": false',
    ),
    ("fms_hf_tuning", '"padding_free": ["flash"]', '"padding_free": ["huggingface"]'),
    ("fms_hf_tuning", '"auto_gptq": ["exllama"]', '"auto_gptq": ["triton_v2"]'),
    ("fms_hf_tuning", '"bitsandbytes": ["int4"]', '"bitsandbytes": ["nf4"]'),
    ("fms_hf_tuning", '"training_data_path": "a", "data_config_path": "b"', '"data_config_path": "b"'),
    (
        "fms_hf_tuning",
        '"response_template": "r", "dataset_text_field": "f", "data_formatter_template": "t"',
        '"response_template": "r", "data_formatter_template": "t"',
    ),
    ("h2o_llmstudio", "environment: , use_deepspeed: true", "environment: , use_deepspeed: false"),
    ("h2o_llmstudio", "kind: causal_classification", "kind: causal_regression"),
    ("h2o_llmstudio", "environment: , gpus: []", "environment: , gpus: ['0']"),
    ("h2o_llmstudio", "architecture: pretrained: false", "architecture: pretrained: false, backbone_dtype: bfloat16"),
    (
        "h2o_llmstudio",
        "logging: {logger: 'W&B', log_step_size: relative}",
        "logging: {logger: 'W&B', log_step_size: absolute}",
    ),
    (
        "h2o_llmstudio",
        "dataset: , validation_strategy: custom, validation_dataframe: None",
        "dataset: , validation_strategy: custom, validation_dataframe: b.csv",
    ),
    ("h2o_llmstudio", "dataset: , validation_strategy: manual", "dataset: , validation_strategy: automatic"),
    (
        "mistral_finetune",
        "data: , instruct: {shuffle: false}",
        "data: , instruct: {shuffle: false, dynamic_chunk_fn_call: false}",
    ),
    ("mistral_finetune", "no_eval: false", "no_eval: true"),
    ("mistral_finetune", "wandb: {project: ''}", "wandb: {project: mine}"),
    (
        "mistral_finetune",
        "mlflow: {tracking_uri: u}",
        "mlflow: {tracking_uri: u, experiment_name: e}",
    ),
    ("mistral_finetune", "num_ckpt_keep: 0", "num_ckpt_keep: 1"),
    ("mistral_finetune", "lora: , enable: false", "lora: , enable: true"),
    ("llama_cookbook", "--enable_fsdp --quantization 8bit", "--enable_fsdp --quantization 4bit"),
    ("llama_cookbook", "--quantization nf4", "--quantization 8bit"),
    ("llama_cookbook", "--batching_strategy pack", "--batching_strategy padding"),
    ("llama_cookbook", "--use_profiler --flop_counter", "--use_profiler"),
    ("llama_cookbook", "--use_profiler --max_train_step 5", "--use_profiler --max_train_step 10"),
    ("llama_cookbook", "--flop_counter --max_train_step 3", "--flop_counter --max_train_step 4"),
    ("mlx_vlm", "--train-mode dpo", "--train-mode orpo"),
    ("mlx_vlm", "--gradient-accumulation-steps 0", "--gradient-accumulation-steps 2"),
    (
        "llm2vec",
        '"mask_token_type": "blank", "data_collator_type": "some"',
        '"mask_token_type": "blank", "data_collator_type": "all_mask"',
    ),
    ("llm2vec", '"pooling_mode": "max"', '"pooling_mode": "mean"'),
    (
        "llm2vec",
        '"mask_token_type": "blank", "train_file": "a.jsonl"',
        '"mask_token_type": "blank", "train_file": "a.json"',
    ),
    (
        "llm2vec",
        '"mask_token_type": "blank", "config_overrides": "n_embd=10"',
        '"mask_token_type": "blank", "cache_dir": "c"',
    ),
    (
        "llm2vec",
        '"mask_token_type": "blank", "token": "t", "use_auth_token": true',
        '"mask_token_type": "blank", "token": "t"',
    ),
    ("moe_peft", '"batch_size": 10, "micro_batch_size": 4', '"batch_size": 12, "micro_batch_size": 4'),
    ("moe_peft", '"optim": "adam"', '"optim": "adamw"'),
    ("moe_peft", '"loraplus_lr_ratio": 0.5', '"loraplus_lr_ratio": 16.0'),
    ("moe_peft", '"lora_dropout": 0', '"lora_dropout": 0.05'),
    (
        "moe_peft",
        '"routing_strategy": "mixlora-dynamic", "top_p": 1.5',
        '"routing_strategy": "mixlora-dynamic", "top_p": 0.8',
    ),
    ("together_ai", "--from-checkpoint ft-1", "--n-checkpoints 1"),
    ("together_ai", "--dpo-beta 0.1", "--dpo-beta 0.1 --training-method dpo"),
    ("together_ai", "--training-method kto", "--training-method sft"),
    (
        "together_ai",
        "--training-method dpo --train-on-inputs auto",
        "--training-method sft --train-on-inputs auto",
    ),
    ("together_ai", "--warmup-ratio 1.5", "--warmup-ratio 0.1"),
    ("together_ai", "--max-grad-norm -1", "--max-grad-norm 1"),
    ("tinker", "behavior_if_log_dir_exists=overwrite", "behavior_if_log_dir_exists=delete"),
    (
        "tinker",
        "num_substeps=3 stream_minibatch_config.groups_per_batch=64",
        "num_substeps=4 stream_minibatch_config.groups_per_batch=64",
    ),
    (
        "tinker",
        "stream_minibatch_config.groups_per_batch=64 stream_minibatch_config.num_minibatches=3",
        "stream_minibatch_config.groups_per_batch=64 stream_minibatch_config.num_minibatches=4",
    ),
    ("tinker", "reverse=true topk=0", "reverse=true topk=20"),
    ("nova", "replicas: 0", "replicas: 1"),
    ("nova", "generation_replicas: 0", "generation_replicas: 1"),
    ("nova", "rollout_worker_replicas: -1", "rollout_worker_replicas: 1"),
    (
        "internvl_chat",
        "--use_packed_ds True --loss_reduction mean",
        "--use_packed_ds True --loss_reduction square",
    ),
    (
        "xtuner",
        "process_hf_dataset, use_varlen_attn=True, pack_to_max_length=False",
        "process_hf_dataset, use_varlen_attn=True, pack_to_max_length=True",
    ),
    (
        "xtuner",
        "process_hf_dataset, split='validation'",
        "process_hf_dataset, split='validation', pack_to_max_length=False",
    ),
    ("xtuner", "TrainLoop, max_iters=9, max_epochs=1", "TrainLoop, max_epochs=1"),
    ("xtuner", "TrainLoop", "TrainLoop, max_iters=9"),
    ("xtuner", "load_json_file, data_files=['a'], data_dir='d'", "load_json_file, data_files=['a']"),
    ("xtuner", "DPO, loss_type='kto'", "DPO, loss_type='ipo'"),
    ("xtuner", "RewardModel, penalty_type='L1'", "RewardModel, penalty_type='L2'"),
    (
        "xtuner",
        "InternVL_V1_5, model_path='a/b', quantization_llm=True",
        "InternVL_V1_5, model_path='a/b', quantization_llm=True, llm_lora=lora",
    ),
]
"""Settings that are refused for certain, and others that are not."""
MISSING = [
    ("lerobot", "--policy.use_peft=true", "--policy.use_peft=false"),
    ("llamafactory_v1", "batching_strategy: dynamic_batching", "batching_strategy: dynamic_batching\nmax_steps: 9"),
    ("easyr1", "data: rollout_batch_size: 300", "data: rollout_batch_size: 512"),
    ("easyr1", "rollout: , tensor_parallel_size: 3", "rollout: , tensor_parallel_size: 4"),
    (
        "easyr1",
        "actor: , micro_batch_size_per_device_for_update: 3",
        "actor: , micro_batch_size_per_device_for_update: 8",
    ),
    ("roll", "val_prompt_length: 9", "val_prompt_length: 9\nval_sequence_length: 99"),
    ("open_instruct", "push_to_hub: false", "push_to_hub: false\ntry_launch_beaker_eval_jobs: false"),
    ("lerobot", "--eval_steps=100", "--eval_steps=100 --dataset.eval_split=0.1"),
    (
        "diffusers_examples:flux",
        "--with_prior_preservation --class_prompt p",
        "--with_prior_preservation --class_prompt p --class_data_dir c",
    ),
    (
        "megatron_bridge",
        "SchedulerConfig(lr_warmup_fraction=0.1, lr_warmup_iters=9)",
        "SchedulerConfig(lr_warmup_iters=9)",
    ),
    ("megatron_bridge", "TrainingConfig(train_iters=9, num_epochs=1)", "TrainingConfig(num_epochs=1)"),
    ("autotrain_command", "--push-to-hub --username me", "--push-to-hub --username me --token t"),
    ("fms_hf_tuning", '"multipack": [16]', '"multipack": [16], "padding_free": ["huggingface"]'),
    (
        "fms_hf_tuning",
        '"fused_lora": ["bitsandbytes", true]',
        '"fused_lora": ["bitsandbytes", true], "bitsandbytes": ["nf4"]',
    ),
    ("mlx_vlm", "model: google/gemma-3n-E2B-it", "model: Qwen/Qwen2-VL-2B-Instruct"),
    ("firefly", '"bf16": true, "template_name": "qwen4"', '"bf16": true, "template_name": "qwen"'),
    ("firefly", '"bf16": true, "task_type": "kto"', '"bf16": true, "task_type": "dpo"'),
    ("firefly", '"max_seq_length": 9', '"max_seq_length": 9, "fp16": true'),
    (
        "llm2vec",
        '"mask_token_type": "underscore"',
        '"mask_token_type": "mask"',
    ),
    ("together_ai", "--n-evals 5", "--n-evals 5 --validation-file v"),
]
"""Settings that are refused unless something else gives, or changes, what they need."""
IGNORED = [
    ("diffusers_examples:flux", "--optimizer prodigy --use_8bit_adam", "--optimizer adamw --use_8bit_adam"),
    ("diffusers_examples:flux", "--class_data_dir c", "--with_prior_preservation --class_prompt p --class_data_dir c"),
    (
        "diffusers_examples:flux",
        "--train_text_encoder --optimizer prodigy --text_encoder_lr 1e-5",
        "--train_text_encoder --optimizer adamw --text_encoder_lr 1e-5",
    ),
    (
        "h2o_llmstudio",
        "prediction: {temperature: 0.5, do_sample: false}",
        "prediction: {temperature: 0.5, do_sample: true}",
    ),
    ("mlx_vlm", "--iters 500 --epochs 2", "--iters 500"),
    ("mlx_vlm", "--beta 0.2", "--train-mode orpo --beta 0.2"),
    ("mlx_vlm", "--adapter-path a --lora-rank 16", "--lora-rank 16"),
    ("mlx_tune", "use_rslora=True", "use_rslora=False"),
    ("mlx_tune", "loftq_config={'loftq_bits': 4}", "loftq_config=None"),
    ("training_hub", "eval_steps=9", "eval_steps=9, eval_data_path='e.jsonl'"),
    ("qwen_vl_finetune", "--tune_mm_vision True", "--tune_mm_vision False"),
]
"""Settings that are accepted, and that some other setting leaves without effect."""


def text(framework: str, settings: str) -> str:
    """What is given to a framework, for the script that stands after its name: settings for one of PLACES, or else for
    the top."""
    name, _, script = framework.partition(":")
    place, _, given = settings.partition(": ")
    places = PLACES.get(name, {})
    if place in places:
        return BASES[name].format("", **{**places, place: given})
    return BASES[name].format(*([script] if script else []), settings, **places)


def found(framework: str, settings: str) -> list[tuple[str, str]]:
    kind: Any = KINDS.get(framework.partition(":")[0], "yaml")
    suffix = {"shell": "sh", "python": "py"}.get(kind, kind)
    given = text(framework, settings).encode()
    result = Checker(Settings()).check(Found(f"a.{suffix}", kind, given, True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL902", "LL904", "LL905")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), REFUSED)
def test_refused(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "certain")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize(
    ("columns", "classes", "loss", "taken"),
    [
        ("[a]", 1, "BinaryCrossEntropyLoss", True),
        ("[a]", 2, "BinaryCrossEntropyLoss", False),
        ("[a]", 1, "CrossEntropyLoss", False),
        ("a", 2, "CrossEntropyLoss", True),
        ("[a, b]", 2, "CrossEntropyLoss", False),
        ("[a, b]", 2, "BinaryCrossEntropyLoss", True),
        ("[a, b]", 3, "BinaryCrossEntropyLoss", False),
    ],
)
def test_classes_and_the_loss_over_them(columns: str, classes: int, loss: str, taken: bool) -> None:
    given = text("h2o_llmstudio", f"dataset: , answer_column: {columns}, num_classes: {classes}")
    given = given.replace("causal_language", "causal_classification").replace("lora_r: 4", f"loss_function: {loss}")
    result = Checker(Settings()).check(Found("a.yaml", "yaml", given.encode(), True))
    assert [each.code for each in result.findings if each.code == "LL904"] == ["LL904"] * (not taken)


@pytest.mark.parametrize("kind", ["causal_language", "sequence_to_sequence"])
def test_what_is_quantized_by_default(kind: str) -> None:
    given = text("h2o_llmstudio", "environment: , use_deepspeed: true").replace("causal_language", kind)
    result = Checker(Settings()).check(Found("a.yaml", "yaml", given.encode(), True))
    assert ("LL904" in [each.code for each in result.findings]) == (kind == "causal_language")


@pytest.mark.parametrize(("framework", "refused", "accepted"), MISSING)
def test_refused_where_nothing_else_is_given(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "likely")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize(("framework", "ignored", "accepted"), IGNORED)
def test_ignored(framework: str, ignored: str, accepted: str) -> None:
    assert [code for code, _ in found(framework, ignored)] == ["LL905"]
    assert found(framework, accepted) == []
