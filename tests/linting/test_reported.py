"""Public bug reports of 2025 and 2026 about LoRA runs, each written as a small input: what is found, and what is not.

An entry without a code is a miss that is known. If it is found one day, its code belongs here.
"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Report(NamedTuple):
    """A thread, the files that have its cause, and the rule that finds it."""

    thread: str
    files: dict[str, str]
    code: str | None


def _adapter(**config: Any) -> str:
    usual = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]}
    return json.dumps(usual | {"base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct"} | config)


def _unsloth(loading: str, wrapping: str, *after: str) -> str:
    lines = [
        "from unsloth import FastLanguageModel",
        "from datasets import load_dataset",
        "from trl import GRPOConfig, GRPOTrainer",
        'rows = load_dataset("mine", split="train")',
        "def reward(completions, **kwargs):",
        "    return [0.0 for _ in completions]",
        f"model, tokenizer = FastLanguageModel.from_pretrained({loading})",
        f"model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16, {wrapping},",
        '    target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])',
        *after,
    ]
    return "\n".join(lines) + "\n"


def _trained(model: str, config: str, *before: str, loader: str = "AutoModelForCausalLM", after: str = "") -> str:
    lines = [
        "from datasets import load_dataset",
        "from peft import LoraConfig, PeftModel, get_peft_model",
        f"from transformers import AutoTokenizer, {loader}, Trainer, TrainingArguments",
        'rows = load_dataset("mine", split="train")',
        f'model = {loader}.from_pretrained("{model}")',
        *before,
        f"model = {config}",
        after or 'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()',
    ]
    return "\n".join(lines) + "\n"


CHECKPOINTED = (
    'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4, gradient_checkpointing=True), '
    "train_dataset=rows).train()"
)
FACTORY = "stage: sft\ndo_train: true\nfinetuning_type: lora\nlora_target: all\ndataset: mine\ntemplate: qwen\n"
VERL = (
    "python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo data.train_files=a.parquet "
    "data.val_files=b.parquet actor_rollout_ref.actor.optim.lr=3e-5 actor_rollout_ref.rollout.name=vllm "
    "actor_rollout_ref.model.lora_alpha=32 actor_rollout_ref.model.target_modules=all-linear "
    "actor_rollout_ref.actor.use_dynamic_bsz=True "
)

REPORTS = [
    Report(
        "gpustack/gpustack#5438",
        {
            "loras/mine/adapter_config.json": _adapter(r=64),
            "start.sh": "vllm serve Qwen/Qwen2.5-7B-Instruct --enable-lora --lora-modules mine=loras/mine\n",
        },
        "LL602",
    ),
    Report(
        "modelscope/ms-swift#4221",
        {
            "output/checkpoint-90/adapter_config.json": _adapter(r=32),
            "infer.sh": "swift infer --model Qwen/Qwen2.5-7B-Instruct --adapters output/checkpoint-90 "
            "--infer_backend vllm\n",
        },
        "LL602",
    ),
    Report(
        "ml-explore/mlx-lm#1120",
        {
            "tuned/adapter_config.json": _adapter(
                base_model_name_or_path="LiquidAI/LFM2-1.2B", target_modules=["q_proj"]
            ),
            "run.sh": "mlx_lm.generate --model LiquidAI/LFM2-1.2B --adapter-path tuned --prompt hi\n",
        },
        "LL602",
    ),
    Report(
        "axolotl-ai-cloud/axolotl#2792",
        {
            "lora.yaml": "base_model: Qwen/Qwen2-VL-7B-Instruct\nprocessor_type: AutoProcessor\nadapter: lora\nlora_r: 32\nlora_alpha: 16\n"
            "lora_target_modules: 'model.layers.[\\d]+.(mlp|cross_attn|self_attn).(up|down|gate|q|k|v|o)_proj'\n"
            "datasets: [{path: x, type: chat_template}]\nlearning_rate: 0.0002\n"
        },
        "LL201",
    ),
    Report(
        "axolotl-ai-cloud/axolotl#2834",
        {
            "gemma.yaml": "base_model: google/gemma-3-12b-it\nprocessor_type: AutoProcessor\nadapter: lora\nlora_r: 16\n"
            "lora_alpha: 16\nlearning_rate: 0.0002\ndatasets: [{path: x, type: chat_template}]\nlora_target_modules: "
            "'language_model.model.layers.[\\d]+.(mlp|cross_attn|self_attn).(up|down|gate|q|k|v|o)_proj'\n"
        },
        "LL201",
    ),
    Report(
        "vllm-project/vllm#17660",
        {
            "sft.yaml": "model_name_or_path: Qwen/Qwen2.5-VL-7B-Instruct\nuse_peft: true\nlora_r: 16\nlora_alpha: 32\n"
            "lora_target_modules: all-linear\nlearning_rate: 2.0e-4\noutput_dir: detector\n"
        },
        "LL208",
    ),
    Report(
        "huggingface/peft#2321",
        {
            "merge.py": """\
            from peft import PeftModel
            from transformers import AutoModelForCausalLM, BitsAndBytesConfig
            four = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
            base = AutoModelForCausalLM.from_pretrained("google/gemma-2-27b-it", quantization_config=four)
            PeftModel.from_pretrained(base, "adapter").merge_and_unload().save_pretrained("merged")
            """
        },
        "LL601",
    ),
    Report(
        "huggingface/transformers#42489",
        {
            "requirements.txt": "transformers==4.57.1\n",
            "train.py": _trained("Qwen/Qwen3-0.6B", "get_peft_model(model, LoraConfig())", after=CHECKPOINTED),
        },
        "LL411",
    ),
    Report(
        "locuslab/open-unlearning#178",
        {
            "requirements.txt": "transformers==4.51.3\n",
            "train.py": _trained(
                "meta-llama/Llama-3.2-1B-Instruct",
                'get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))',
                after=CHECKPOINTED,
            ),
        },
        "LL411",
    ),
    Report(
        "huggingface/trl#6700",
        {
            "grpo.py": """\
            from datasets import load_dataset
            from peft import PeftModel
            from transformers import AutoModelForCausalLM
            from trl import GRPOConfig, GRPOTrainer

            def length(completions, **more):
                return [float(len(each)) for each in completions]

            base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
            model = PeftModel.from_pretrained(base, "sft", is_trainable=False)
            rows = load_dataset("trl-lib/tldr", split="train")
            GRPOTrainer(model=model, reward_funcs=length, args=GRPOConfig("out", beta=0.04), train_dataset=rows).train()
            """
        },
        "LL402",
    ),
    Report(
        "unslothai/unsloth#1492",
        {
            "tuned/adapter_config.json": _adapter(r=16),
            "more.py": """\
            from datasets import load_dataset
            from trl import SFTConfig, SFTTrainer
            from unsloth import FastLanguageModel
            model, tokenizer = FastLanguageModel.from_pretrained("tuned", load_in_4bit=False)
            model = FastLanguageModel.get_peft_model(model, r=32, lora_alpha=32, target_modules=["q_proj", "v_proj"])
            rows = load_dataset("mine", split="train")
            SFTTrainer(model=model, train_dataset=rows, args=SFTConfig("out", learning_rate=2e-4)).train()
            """,
        },
        "LL414",
    ),
    Report(
        "huggingface/peft#3580",
        {
            "two.py": _trained(
                "Qwen/Qwen2.5-0.5B",
                'PeftModel.from_pretrained(model, "first", adapter_name="first")',
                after='model.load_adapter("second", adapter_name="second", is_trainable=True)\n'
                'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()',
            )
        },
        "LL415",
    ),
    Report(
        "deepspeedai/DeepSpeed#7096",
        {
            "z3.json": '{"zero_optimization": {"stage": 3}}',
            "sft.yaml": FACTORY
            + "model_name_or_path: Valdemardi/DeepSeek-R1-Distill-Qwen-32B-AWQ\ndeepspeed: z3.json\n"
            "output_dir: out\nlearning_rate: 1.0e-4\n",
        },
        "LL801",
    ),
    Report(
        "vllm-project/vllm#21500",
        {
            "train.py": _trained(
                "Qwen/Qwen2.5-VL-3B-Instruct",
                'get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))',
                loader="Qwen2_5_VLForConditionalGeneration",
            )
        },
        "LL208",
    ),
    Report(
        "vllm-project/vllm#32758",
        {
            "train.py": """\
            from datasets import load_dataset
            from peft import LoraConfig
            from transformers import AutoModelForImageTextToText
            from trl import SFTConfig, SFTTrainer
            model = AutoModelForImageTextToText.from_pretrained("google/gemma-3-12b-it")
            config = LoraConfig(r=16, lora_alpha=16, target_modules="all-linear")
            rows = load_dataset("mine", split="train")
            SFTTrainer(model=model, args=SFTConfig("out", learning_rate=2e-4), peft_config=config, train_dataset=rows).train()
            """
        },
        "LL208",
    ),
    Report(
        "verl-project/verl#2006",
        {
            "run.sh": VERL + "actor_rollout_ref.model.path=Qwen/Qwen2.5-VL-7B-Instruct "
            "actor_rollout_ref.model.lora_rank=64\n"
        },
        "LL208",
    ),
    # A framework that is not known adds modules_to_save by itself when tokens are added.
    Report(
        "hiyouga/LlamaFactory#7997",
        {
            "train.yaml": FACTORY + "model_name_or_path: meta-llama/Llama-3.1-8B-Instruct\nadd_tokens: <plan>,</plan>\n"
            "lora_rank: 8\noutput_dir: saves/llama\n",
            "serve.sh": "vllm serve meta-llama/Llama-3.1-8B-Instruct --enable-lora --lora-modules a=saves/llama\n",
        },
        None,
    ),
    # float16 overflows in this family of video models.
    Report(
        "kohya-ss/musubi-tuner#26",
        {
            "run.sh": "accelerate launch --mixed_precision fp16 hv_train_network.py --dit hv.safetensors --sdpa "
            "--dataset_config d.toml --mixed_precision fp16 --network_module networks.lora --network_dim 32 "
            "--network_alpha 16 --learning_rate 2e-4 --output_dir out --output_name a\n"
        },
        None,
    ),
    Report(
        "huggingface/trl#5222",
        {
            "requirements.txt": "trl==0.29.0\n",
            "dpo.py": """\
            from datasets import load_dataset
            from peft import LoraConfig, get_peft_model
            from transformers import AutoModelForCausalLM
            from trl import DPOConfig, DPOTrainer
            model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-30B-A3B")
            config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], target_parameters=["experts.down_proj"])
            rows = load_dataset("mine", split="train")
            DPOTrainer(model=get_peft_model(model, config), args=DPOConfig("out"), train_dataset=rows).train()
            """,
        },
        None,
    ),
    Report(
        "huggingface/sentence-transformers#3402",
        {
            "train.py": """\
            from datasets import load_dataset
            from peft import LoraConfig, TaskType
            from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
            model = SentenceTransformer("google-bert/bert-base-uncased")
            model.add_adapter(LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, r=16, lora_alpha=32))
            rows = load_dataset("mine", split="train")
            SentenceTransformerTrainer(model=model, train_dataset=rows).train(resume_from_checkpoint=True)
            """
        },
        None,
    ),
    # ms-swift finds the targets itself, and none is an expert.
    Report(
        "modelscope/ms-swift#6173",
        {
            "run.sh": "swift sft --model Qwen/Qwen3-VL-235B-A22B-Instruct --train_type lora --target_modules all-linear "
            "--lora_rank 8 --lora_alpha 16 --dataset d.jsonl --learning_rate 1e-4\n"
        },
        None,
    ),
    # Weights of compressed-tensors under FSDP.
    Report(
        "meta-llama/llama-cookbook#945",
        {
            "run.sh": "torchrun --nproc_per_node 2 finetuning.py --model_name "
            "RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8 --enable_fsdp --use_peft --peft_method lora --lr 1e-4\n"
        },
        None,
    ),
    Report(
        "modelscope/ms-swift#8440",
        {
            "run.sh": "swift sft --model Qwen/Qwen3-4B --tuner_type lora --lora_rank 8 --dataset d.jsonl --learning_rate 1e-4 --output_dir output/a\n"
            "swift export --model output/a/v26-20260326-103824/checkpoint-184 --merge_lora true --output_dir output/merged\n"
        },
        "LL602",
    ),
    Report(
        "hiyouga/LlamaFactory#8804",
        {
            "sft.yaml": f"{FACTORY}model_name_or_path: Qwen/Qwen2.5-VL-7B-Instruct\nlearning_rate: 1.0e-4\n"
            "freeze_language_model: true\nfreeze_vision_tower: true\n"
        },
        "LL904",
    ),
    Report(
        "meta-pytorch/torchtune#2873",
        {
            "qwen3.yaml": """\
            model:
              _component_: torchtune.models.qwen3.lora_qwen3_32b
              lora_attn_modules: [q_proj, v_proj, o_proj]
              lora_rank: 8
              lora_alpha: 16
            optimizer: {_component_: torch.optim.AdamW, lr: 3.0e-4}
            """
        },
        "LL902",
    ),
    Report(
        "hiyouga/LlamaFactory#9512",
        {
            "saves/sft/adapter_config.json": _adapter(r=32, lora_alpha=32),
            "infer.sh": "python scripts/vllm_infer.py --model_name_or_path Qwen/Qwen2.5-7B-Instruct "
            "--adapter_name_or_path saves/sft --template qwen --dataset mine\n",
        },
        "LL602",
    ),
    Report(
        "kohya-ss/musubi-tuner#817",
        {
            "train.sh": "accelerate launch wan_train_network.py --dit wan.safetensors --network_module networks.lora "
            "--network_dim 16 --network_alpha 16 --learning_rate 1e-4\n"
        },
        "LL904",
    ),
    Report(
        "kohya-ss/musubi-tuner#499",
        {
            "train.sh": "accelerate launch src/musubi_tuner/qwen_image_train_network.py --dit qwen.safetensors --edit "
            "--sdpa --dataset_config d.toml --network_module networks.lora_qwen_image --network_dim 16 --network_alpha 16 --learning_rate 1e-4 "
            "--resize_control_to_official_size\n"
        },
        "LL901",
    ),
    Report(
        "kohya-ss/sd-scripts#2082",
        {
            "train.sh": "accelerate launch flux_train_network.py --pretrained_model_name_or_path flux1-dev.safetensors "
            "--clip_l c.safetensors --t5xxl t.safetensors --ae ae.safetensors --network_module networks.lora_flux "
            "--network_dim 64 --network_alpha 64 --learning_rate 1e-4 --network_args train_double_block_indices=1 "
            "--network_args train_single_block_indices=1\n"
        },
        "LL905",
    ),
    Report(
        "huggingface/diffusers#10910",
        {
            "train.sh": "accelerate launch --mixed_precision=fp16 train_text_to_image_lora.py "
            "--pretrained_model_name_or_path=CompVis/stable-diffusion-v1-4 --dataset_name=mine --learning_rate=1e-4\n"
        },
        "LL806",
    ),
    Report(
        "axolotl-ai-cloud/axolotl#3418",
        {
            "glm.yaml": """\
            base_model: zai-org/GLM-4.7-Flash
            load_in_4bit: true
            adapter: qlora
            lora_r: 8
            lora_alpha: 16
            lora_target_modules: [q_a_proj, q_b_proj, o_proj]
            lora_qkv_kernel: true
            lora_o_kernel: true
            datasets: [{path: mine, type: alpaca}]
            learning_rate: 0.0002
            """
        },
        "LL904",
    ),
    # Both ends of tied embeddings are trained whole, and differ after the merge.
    Report(
        "huggingface/transformers#45127",
        {
            "requirements.txt": "transformers==4.56.2\n",
            "train.py": _trained(
                "Qwen/Qwen2.5-0.5B",
                'get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], '
                'modules_to_save=["embed_tokens", "lm_head"], task_type="CAUSAL_LM"))',
                'tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")',
                'tokenizer.add_tokens(["<au>"])',
                "model.resize_token_embeddings(len(tokenizer))",
                after='Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()\n'
                'model.merge_and_unload().save_pretrained("merged")',
            ),
        },
        None,
    ),
    # unsloth leaves these targets out.
    Report(
        "unslothai/unsloth#9331",
        {
            "train.py": """\
            from datasets import load_dataset
            from trl import SFTConfig, SFTTrainer
            from unsloth import FastLanguageModel
            model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-0.5B", load_in_4bit=True)
            targets = ["q_proj", "v_proj", "embed_tokens", "lm_head"]
            model = FastLanguageModel.get_peft_model(model, r=8, lora_alpha=8, target_modules=targets)
            rows = load_dataset("mine", split="train")
            SFTTrainer(model=model, train_dataset=rows, args=SFTConfig("out", learning_rate=2e-4)).train()
            """
        },
        None,
    ),
    # Resizing the vocabulary saves the embeddings, which vLLM does not load.
    Report(
        "hiyouga/LlamaFactory#9545",
        {
            "train.yaml": """\
            model_name_or_path: Qwen/Qwen3-1.7B
            stage: sft
            do_train: true
            finetuning_type: lora
            lora_target: all
            resize_vocab: true
            dataset: mine
            template: qwen
            learning_rate: 1.0e-4
            output_dir: out/ner
            """,
            "serve.sh": "vllm serve Qwen/Qwen3-1.7B --enable-lora --lora-modules ner=out/ner\n",
        },
        "LL602",
    ),
    # vLLM knows no weights of single tokens.
    Report(
        "vllm-project/vllm#36501",
        {
            "train.py": _trained(
                "Qwen/Qwen3-4B",
                'get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], '
                'trainable_token_indices={"embed_tokens": tokenizer.convert_tokens_to_ids(["<au>"])}, '
                'task_type="CAUSAL_LM"))',
                'tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen3-4B")',
                'tokenizer.add_tokens(["<au>"])',
                "model.resize_token_embeddings(len(tokenizer))",
                after='Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()\n'
                'model.save_pretrained("adapter")',
            ),
            "serve.sh": "vllm serve Qwen/Qwen3-4B --enable-lora --lora-modules tokens=adapter\n",
        },
        "LL602",
    ),
    # vLLM takes adapters as `--lora-modules`.
    Report(
        "vllm-project/vllm#13669",
        {
            "serve.py": """\
            import subprocess
            command = (
                "nohup vllm serve Qwen/Qwen2.5-32B-Instruct --dtype auto --max-lora-rank 128 "
                "--enable-lora --lora-path yard1/llama-2-7b-sql-lora-test > log.txt 2>&1 &"
            )
            subprocess.Popen(command, shell=True)
            """
        },
        "LL901",
    ),
    # With Megatron the rank is that of another section.
    Report(
        "verl-project/verl#3857",
        {
            "run.sh": VERL
            + "actor_rollout_ref.model.path=Qwen/Qwen2.5-7B-Instruct actor_rollout_ref.model.lora_rank=32 "
            "actor_rollout_ref.actor.megatron.tensor_model_parallel_size=2\n"
        },
        "LL905",
    ),
    # The names of the wrapped model's weights mean nothing to vLLM.
    Report(
        "OpenRLHF/OpenRLHF#1349",
        {
            "run.sh": "python3 -m openrlhf.cli.train_ppo_ray --actor.model_name_or_path Qwen/Qwen3-8B "
            "--data.prompt_dataset prompts.jsonl --vllm.num_engines 4 --train.colocate_all --ds.zero_stage 3 "
            "--rollout.n_samples_per_prompt 8 --algo.advantage.estimator group_norm --ds.lora.rank 64\n"
        },
        "LL904",
    ),
    # gpt-oss is published in MXFP4.
    Report(
        "axolotl-ai-cloud/axolotl#3530",
        {
            "gpt-oss.yaml": """\
            base_model: openai/gpt-oss-20b
            load_in_8bit: true
            adapter: lora
            lora_r: 8
            lora_alpha: 16
            lora_target_modules: [q_proj, k_proj, v_proj, o_proj]
            datasets:
              - path: mine.jsonl
                type: chat_template
            learning_rate: 2e-4
            """
        },
        "LL904",
    ),
    # vLLM 0.11 takes no rank below 8.
    Report(
        "verl-project/verl#3696",
        {
            "run.sh": VERL
            + "actor_rollout_ref.model.path=Qwen/Qwen2.5-7B-Instruct actor_rollout_ref.model.lora_rank=1\n"
        },
        None,
    ),
    # The merge of that time writes the products of LoRA alone.
    Report(
        "unslothai/unsloth#3444",
        {
            "requirements.txt": "unsloth==2025.10.1\ntrl==0.23.0\ntransformers==4.56.2\n",
            "train.py": _unsloth(
                'model_name="unsloth/Qwen3-8B", load_in_4bit=True',
                'modules_to_save=["embed_tokens", "lm_head"]',
                'model.save_pretrained_merged("merged", tokenizer, save_method="merged_16bit")',
            ),
        },
        "LL410",
    ),
    Report(
        "unslothai/unsloth#3730",
        {
            "requirements.txt": "unsloth\n",
            "train.py": _unsloth(
                'model_name="unsloth/Qwen3-8B", load_in_4bit=True',
                'modules_to_save=["embed_tokens", "lm_head"]',
                'model.save_pretrained_merged("merged", tokenizer, save_method="merged_16bit")',
            ),
        },
        None,  # newer releases write them
    ),
    # A tied head is trained as a copy, which the merged model takes for the embedding too.
    Report(
        "unslothai/unsloth#1971",
        {
            "requirements.txt": "unsloth==2025.3.1\n",
            "train.py": _unsloth(
                'model_name="unsloth/gemma-2b-bnb-4bit", load_in_4bit=True',
                'modules_to_save=["embed_tokens", "lm_head"]',
                'model.save_pretrained_merged("merged", tokenizer, save_method="merged_16bit")',
            ),
        },
        "LL603",
    ),
    # GRPOTrainer looks for an engine that the loader has not started.
    Report(
        "unslothai/unsloth#2107",
        {
            "train.py": _unsloth(
                'model_name="unsloth/gemma-3-12b-it-unsloth-bnb-4bit", max_seq_length=1024, load_in_4bit=True',
                "random_state=3407",
                "GRPOTrainer(model=model, processing_class=tokenizer, reward_funcs=[reward], "
                "args=GRPOConfig(use_vllm=True, num_generations=8, per_device_train_batch_size=8, output_dir='o'), "
                "train_dataset=rows).train()",
            )
        },
        "LL904",
    ),
    Report(
        "unslothai/unsloth#2437",
        {
            "ask.py": _unsloth(
                'model_name="meta-llama/Llama-3.1-8B-Instruct", load_in_4bit=True',
                "random_state=3407",
                'print(model.fast_generate("Hi", lora_request=model.load_lora("grpo_saved_lora")))',
            )
        },
        "LL602",
    ),
    # vLLM 0.9.2 has no adapters for this class.
    Report(
        "QwenLM/Qwen2.5-Omni#302",
        {
            "requirements.txt": "vllm==0.9.2\n",
            "out/adapter_config.json": _adapter(base_model_name_or_path="Qwen/Qwen2.5-Omni-7B"),
            "serve.sh": "vllm serve Qwen/Qwen2.5-Omni-7B --enable-lora --lora-modules calls=./out\n",
        },
        "LL602",
    ),
    # SGLang before 0.5.3 takes the paths of targets for names.
    Report(
        "sgl-project/sglang#11034",
        {
            "requirements.txt": "sglang==0.5.2\n",
            "out/adapter_config.json": _adapter(target_modules=["mlp.gate_proj", "mlp.up_proj"]),
            "serve.sh": "python -m sglang.launch_server --model-path Qwen/Qwen2.5-7B-Instruct --enable-lora "
            "--lora-paths calls=out --lora-target-modules all --max-lora-rank 16\n",
        },
        "LL602",
    ),
    # Conversations go by the type of the language model, which is Qwen's from 2.6 on.
    Report(
        "OpenBMB/MiniCPM-V#1033",
        {
            "finetune_lora.sh": """\
            MODEL="/models/MiniCPM-V-2_6"
            LLM_TYPE="minicpm"
            torchrun finetune.py --model_name_or_path $MODEL --llm_type $LLM_TYPE --use_lora true --lora_r 64
            """
        },
        "LL904",
    ),
    Report(
        "OpenBMB/MiniCPM-V#651",
        {
            "finetune_lora.sh": """\
            MODEL="/models/MiniCPM-V-2_6"
            LLM_TYPE="qwen2"
            torchrun finetune.py --model_name_or_path $MODEL --llm_type $LLM_TYPE --use_lora true --lora_r 64
            """
        },
        "LL905",
    ),
    Report(
        "2U1/Qwen-VL-Series-Finetune#110",
        {
            "finetune_lora.sh": "deepspeed src/train/train_sft.py --model_id Qwen/Qwen2.5-VL-7B-Instruct --lora_enable "
            "True --freeze_vision_tower True --freeze_llm False --lora_rank 32 --lora_alpha 64 --learning_rate 1e-4\n"
        },
        "LL904",
    ),
    Report(
        "2U1/Qwen-VL-Series-Finetune#206",
        {
            "finetune_lora.sh": "deepspeed src/train/train_sft.py --model_id Qwen/Qwen3-VL-8B-Instruct --lora_enable True "
            "--freeze_llm True --use_liger True --lora_rank 32 --lora_alpha 64 --learning_rate 1e-4\n"
        },
        "LL904",
    ),
    Report(
        "QwenLM/Qwen3-VL#1952",
        {
            "sft.sh": "torchrun qwenvl/train/train_qwen.py --model_name_or_path Qwen/Qwen3-VL-8B-Instruct --lora_enable "
            "True --tune_mm_vision True --tune_mm_mlp False --tune_mm_llm False --learning_rate 1e-4\n"
        },
        "LL905",
    ),
]


@pytest.mark.parametrize("report", REPORTS, ids=[each.thread for each in REPORTS])
def test_reports(tmp_path: Path, report: Report) -> None:
    for name, text in report.files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text))
    codes = {each.code for each in engine.lint([tmp_path.as_posix()], Settings(), jobs=1).findings}
    causes = codes & {each.code for each in REPORTS if each.code is not None}
    assert causes == ({report.code} if report.code is not None else set())


def test_most_reports_are_found() -> None:
    assert sum(each.code is not None for each in REPORTS) >= 0.6 * len(REPORTS)
