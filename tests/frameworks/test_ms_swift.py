"""ms-swift: `tuner_type: lora` and its older spellings, in files and as flags."""

from __future__ import annotations

import re

import pytest

from lora_lint.frameworks.configs import documents
from lora_lint.frameworks.ms_swift import FRAMEWORK, settings_of
from lora_lint.knowledge import schemas
from lora_lint.linting import engine
from lora_lint.project import Project
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, LoadAdapter, Train, Wrap
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from tests.support.reading import config, edited, only, plain, realistic

SFT = realistic("ms_swift", "sft.yaml")
VISION = realistic("ms_swift", "vision.yaml")
BEFORE = realistic("ms_swift", "before_3.json")
RAY = realistic("ms_swift", "ray.yaml")
ALL_LINEAR = ("target_modules:\n  - q_proj\n  - v_proj\n", "target_modules: all-linear\n")


def flags(text: str) -> Mapping:
    (document,) = documents(SourceFile("flags.yaml", "yaml", text.encode()))
    assert isinstance(document, Mapping)
    return document


def test_settings() -> None:
    run = only(config(SFT))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.1)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "v_proj"]
    assert (plain(run.model.name), plain(run.model.quantization)) == ("Qwen/Qwen2.5-3B-Instruct", None)
    assert plain(run.dataset.size) == 2475
    assert (plain(run.training.learning_rate), plain(run.training.epochs)) == (2e-4, 2)
    assert (plain(run.training.batch_size), plain(run.training.accumulation)) == (4, 2)
    assert run.training.method == "supervised"
    assert [type(event) for event in run.events] == [Load, Wrap, Train]
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config("model: Qwen/Qwen2.5-3B-Instruct\ntuner_type: lora\ndataset: tatsu-lab/alpaca\n"))
    assert run.adapter.rank == Known(8, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 0.05)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert plain(run.adapter.exclude_modules) is None
    assert plain(run.training.learning_rate) == 1e-4
    assert plain(run.dataset.size) == 52_002


def test_targets() -> None:
    assert plain(only(config(edited(SFT, ALL_LINEAR))).adapter.target_modules) == "all-linear"
    one = edited(SFT, (ALL_LINEAR[0], "target_modules: q_proj,v_proj\n"))
    assert plain(only(config(one)).adapter.target_modules) == ("q_proj,v_proj",)  # it is not split at commas
    regex = edited(SFT, (ALL_LINEAR[0], "target_regex: 'model\\.layers\\.\\d+\\.self_attn\\.q_proj'\n"))
    assert plain(only(config(regex)).adapter.target_modules) == r"model\.layers\.\d+\.self_attn\.q_proj"
    group = edited(SFT, ("  - v_proj", "  - all-linear"))
    assert "all-linear" in plain(only(config(group)).adapter.target_modules)
    assert not isinstance(only(config(group)).judged().adapter.target_modules, Known)


@pytest.mark.parametrize(
    ("flags_of_parts", "adapted"),
    [
        ("freeze_vit: true", {"llm"}),
        ("freeze_vit: false", {"llm", "vit"}),
        ("freeze_aligner: false", {"llm", "aligner"}),
        ("freeze_vit: false\nfreeze_llm: true", {"vit"}),
        ("freeze_vit: false\nfreeze_aligner: false", {"llm", "vit", "aligner"}),
    ],
)
def test_frozen_parts(flags_of_parts: str, adapted: set[str]) -> None:
    modules = {
        "llm": "model.language_model.layers.0.self_attn.q_proj",
        "vit": "model.visual.blocks.0.attn.qkv",
        "aligner": "model.visual.merger.mlp.0",
    }
    left = plain(only(config(edited(VISION, ("freeze_vit: true", flags_of_parts)))).adapter.exclude_modules)
    assert {part for part, name in modules.items() if not left or not re.fullmatch(left, name)} == adapted


def test_parts_of_a_model_with_a_projector() -> None:
    llava = edited(VISION, ("Qwen/Qwen2.5-VL-7B-Instruct", "llava-hf/llava-1.5-7b-hf"))
    left = plain(only(config(llava)).adapter.exclude_modules)
    assert re.fullmatch(left, "model.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj")
    assert re.fullmatch(left, "model.multi_modal_projector.linear_1")
    assert not re.fullmatch(left, "model.language_model.layers.0.self_attn.q_proj")


def test_what_peft_refuses_in_mamba_layers_is_left_out() -> None:
    mamba = edited(SFT, ALL_LINEAR, ("Qwen/Qwen2.5-3B-Instruct", "tiiuae/Falcon-H1-1.5B-Instruct"))
    left = plain(only(config(mamba)).adapter.exclude_modules)
    assert re.fullmatch(left, "model.layers.0.mamba.out_proj")
    assert not re.fullmatch(left, "model.layers.0.mamba.in_proj")


def test_older_spellings() -> None:
    run = only(config(VISION))
    assert plain(run.model.quantization) == "4bit"
    assert plain(run.dataset.size) == 20_000
    assert run.problems == ()
    older = only(config(BEFORE, "sft.json"))
    assert plain(older.model.name) == "qwen2-7b-instruct"
    assert plain(older.adapter.target_modules) == ("q_proj", "k_proj", "v_proj")
    assert older.adapter.key("target_modules") == "lora_target_modules"
    assert (plain(older.adapter.dropout), plain(older.training.batch_size), plain(older.training.epochs)) == (0.1, 2, 1)
    assert older.problems == ()
    usual = edited(BEFORE, ('  "lora_target_modules": ["q_proj", "k_proj", "v_proj"],\n', ""))
    assert not isinstance(only(config(usual, "sft.json")).adapter.target_modules, Known)


def test_reinforcement_on_ray() -> None:
    run = only(config(RAY))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (32, 64)
    assert (run.training.method, plain(run.training.learning_rate), plain(run.training.batch_size)) == ("rl", 1e-5, 32)
    assert run.problems == ()


def test_flags() -> None:
    """The type may be left out on a command line, where it is lora, but not of Megatron, where it is full."""
    given = flags("model: Qwen/Qwen2.5-3B-Instruct\ndataset: [a#100, b#20]\ntarget_modules: [q_proj]\n")
    run = settings_of(given, Project("."))
    assert run is not None
    assert (plain(run.adapter.target_modules), plain(run.dataset.size)) == (("q_proj",), 120)
    assert settings_of(given, Project("."), megatron=True) is None


def test_an_adapter_that_is_trained_on() -> None:
    run = only(config(edited(SFT, ("lora_dropout: 0.1", "adapters: output/checkpoint-100"))))
    assert [type(event) for event in run.events] == [Load, LoadAdapter, Train]
    assert not isinstance(run.adapter.rank, Known)


def test_a_reward_model() -> None:
    run = only(config(edited(SFT, ("tuner_type: lora", "tuner_type: lora\nrlhf_type: rm"))))
    assert (run.training.method, plain(run.adapter.task_type)) == ("preference", "SEQ_CLS")
    assert run.model.loader == "AutoModelForSequenceClassification"


@pytest.mark.parametrize(
    "text",
    [
        edited(SFT, ("tuner_type: lora", "tuner_type: full")),
        edited(SFT, ("tuner_type: lora", "tuner_type: adalora")),
        edited(SFT, ("dataset:\n", "val_dataset:\n")),
        edited(SFT, ("tuner_type: lora\n", "")),
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key", "suggestion"),
    [
        (("lora_rank: 16", "lora_r: 16"), "lora_r", "lora_rank"),
        (("lora_alpha: 32", "lora_alfa: 32"), "lora_alfa", "lora_alpha"),
        (("target_modules:", "lora_target_modules:"), "lora_target_modules", "target_modules"),
        (("learning_rate: 2e-4", "learning_rates: 2e-4"), "learning_rates", "learning_rate"),
    ],
)
def test_unknown_keys(change: tuple[str, str], key: str, suggestion: str) -> None:
    (problem,) = only(config(edited(SFT, change))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions[0]) == (key, suggestion)


@pytest.mark.parametrize("change", [("lora_rank: 16", "lora_rank: 0"), ("learning_rate: 2e-4", "learning_rate: fast")])
def test_wrong_values(change: tuple[str, str]) -> None:
    (problem,) = only(config(edited(SFT, change))).problems
    assert isinstance(problem, InvalidValue)


def test_unknown_keys_of_the_older_release() -> None:
    older = "model_type: llama3-8b-instruct\nsft_type: lora\nlora_r: 16\nlora_alpha: 32\ndataset: alpaca-en\n"
    (problem,) = only(config(older)).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions) == ("lora_r", ("lora_rank",))


@pytest.mark.parametrize("key", sorted(FRAMEWORK.synonyms))
def test_an_older_release_is_offered_no_newer_name(key: str) -> None:
    older = f"model_type: llama3-8b-instruct\nsft_type: lora\nlora_rank: 16\nlora_alpha: 32\ndataset: a\n{key}: 1\n"
    problems = [problem for run in config(older).runs for problem in run.problems]
    unknown = [problem for problem in problems if isinstance(problem, UnknownKey)]
    assert {name for each in unknown for name in each.suggestions} <= schemas.keys(FRAMEWORK.name, "v2")


def test_the_arguments_that_a_training_leaves_have_no_unknown_keys() -> None:
    left = edited(SFT, ("use_hf: true", "use_hf: true\nswift_version: 4.6.0\nmodel_infos: {}"))
    assert only(config(left)).problems == ()


@pytest.mark.parametrize(
    ("changes", "bare"),
    [
        ("rlhf_type: dpo\nadapters: [sft]\n", True),
        ("rlhf_type: grpo\nadapters: [sft]\n", True),
        ("rlhf_type: orpo\nadapters: [sft]\n", Unknown),
        ("rlhf_type: dpo\n", Unknown),
        ("rlhf_type: dpo\nadapters: [sft]\nref_adapters: [sft]\n", Unknown),
        ("rlhf_type: dpo\nadapters: [sft]\nref_model: other\n", Unknown),
        ("rlhf_type: dpo\nadapters: [dpo]\nresume_from_checkpoint: dpo\n", Unknown),
    ],
)
def test_a_reference_without_the_adapter(changes: str, bare: object) -> None:
    text = "model: gpt2\ntuner_type: lora\ndataset: [a.jsonl]\nlora_rank: 8\n" + changes
    assert plain(only(config(text)).training.bare_reference) is bare


@pytest.mark.parametrize(
    ("backend", "loader", "adapts"), [("unsloth", "FastLanguageModel", True), ("peft", None, False), ("", None, False)]
)
def test_who_puts_the_adapter_on(backend: str, loader: str | None, adapts: bool) -> None:
    """With unsloth as the backend its own targets, refusals and defaults hold."""
    text = edited(SFT, ("use_hf: true", f"use_hf: true\ntuner_backend: {backend}")) if backend else SFT
    model = only(config(text)).model
    assert (model.loader, model.loader_adapts) == (loader, adapts)


SWIFT = "swift sft --model Qwen/Qwen2.5-7B-Instruct --dataset d.jsonl --learning_rate 1e-4"
GRPO = "swift rlhf --rlhf_type grpo --model Qwen/Qwen2.5-7B-Instruct --dataset d.jsonl --learning_rate 1e-5"
ROLLS = "--use_vllm true --vllm_mode colocate --reward_funcs accuracy --per_device_train_batch_size 8"


@pytest.mark.parametrize(
    ("script", "refused"),
    [
        (f"CUDA_VISIBLE_DEVICES=0,1,2 \\\n{SWIFT} --train_type lora --deepspeed zero3\n", ["deepspeed='zero3'"]),
        (f"export CUDA_VISIBLE_DEVICES=0,1,2,3\n{SWIFT} --tuner_type lora --deepspeed zero2\n", ["deepspeed='zero2'"]),
        (f"CUDA_VISIBLE_DEVICES=0,1,2,3 NPROC_PER_NODE=2 {SWIFT} --deepspeed zero2\n", ["deepspeed='zero2'"]),
        (f"CUDA_VISIBLE_DEVICES=4,5 {GRPO} --tuner_type lora {ROLLS}\n", ["use_vllm=True"]),
        (f"n=2\nCUDA_VISIBLE_DEVICES=0,1 NPROC_PER_NODE=$n {SWIFT} --deepspeed zero2\n", []),
        (f"export NPROC_PER_NODE=2 CUDA_VISIBLE_DEVICES=0,1\n{GRPO} --train_type lora {ROLLS}\n", []),
        (f"CUDA_VISIBLE_DEVICES=0,1 {SWIFT} --train_type lora\n", []),  # without DeepSpeed it works, as a pipeline
        (f"CUDA_VISIBLE_DEVICES=0 {SWIFT} --deepspeed zero2\n", []),
        (f"CUDA_VISIBLE_DEVICES=${{1:-0,1}} {SWIFT} --deepspeed zero2\n", []),
        (f"CUDA_VISIBLE_DEVICES=0,1\n{SWIFT} --deepspeed zero2\n", []),  # it is not exported
        (f"CUDA_VISIBLE_DEVICES=0,1 NNODES=2 {SWIFT} --deepspeed zero2\n", []),
        (f"CUDA_VISIBLE_DEVICES=0,1 NPROC_PER_NODE=$GPUS {SWIFT} --deepspeed zero2\n", []),
    ],
)
def test_one_process_with_several_gpus(script: str, refused: list[str]) -> None:
    report = engine.lint_text(script.encode(), "run.sh", Settings())
    found = [finding.message for finding in report.findings if finding.code == "LL904"]
    assert [message.partition("refuses `")[2].partition("` here")[0] for message in found] == refused


MEGATRON = "megatron sft --model Qwen/Qwen3-8B --dataset d.jsonl --micro_batch_size 2"


@pytest.mark.parametrize(
    ("options", "unknown"),
    [
        ("--tuner_type lora --learning_rate 1e-4", "learning_rate"),
        ("--train_type lora --lr 1e-4 --deepspeed zero3", "deepspeed"),
        ("--tuner_type lora --lr 1e-4 --gradient_accumulation_steps 8", "gradient_accumulation_steps"),
        ("--tuner_type lora --lr 1e-4 --global_batch_size 16 --num_train_epochs 3 --output_dir o", None),
        ("--train_type lora --lr 1e-4 --max_epochs 3 --save o --tensor_model_parallel_size 2", None),
        ("--tuner_type lora --lr 1e-4 --an_option_of_megatron 1", None),
    ],
)
def test_megatron_has_options_of_its_own(options: str, unknown: str | None) -> None:
    report = engine.lint_text(f"{MEGATRON} {options}\n".encode(), "run.sh", Settings())
    found = [finding.message for finding in report.findings if finding.code == "LL901"]
    assert [message.split("`")[1] for message in found] == ([unknown] if unknown else [])


@pytest.mark.parametrize(("number", "refused"), [(1, True), (4, False)])
def test_groups_of_one_in_older_releases(number: int, refused: bool) -> None:
    command = f"swift rlhf --rlhf_type grpo --model a/b --train_type lora --dataset c/d --num_generations {number}\n"
    found = engine.lint_text(command, "run.sh", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


BATCH = "--per_device_train_batch_size {size} --gradient_accumulation_steps {steps}"


@pytest.mark.parametrize(
    ("prefix", "options", "refused"),
    [
        ("NPROC_PER_NODE=4 ", f"{BATCH.format(size=1, steps=1)} --num_generations 8", True),
        ("NPROC_PER_NODE=4 ", BATCH.format(size=1, steps=1), True),  # 8 by default
        ("NPROC_PER_NODE=4 ", "--per_device_train_batch_size 1 --num_generations 6", True),
        ("CUDA_VISIBLE_DEVICES=0 ", "--per_device_train_batch_size 4", True),
        ("export NPROC_PER_NODE=8\n", f"{BATCH.format(size=1, steps=1)} --num_generations 8", False),
        ("NPROC_PER_NODE=4 ", f"{BATCH.format(size=1, steps=2)} --num_generations 8", False),
        ("NPROC_PER_NODE=4 ", f"{BATCH.format(size=1, steps=1)} --steps_per_generation 2", False),
        ("NPROC_PER_NODE=4 NNODES=2 ", BATCH.format(size=1, steps=1), False),
        ("", BATCH.format(size=1, steps=1), False),  # the caller's environment may say how many
    ],
)
def test_batches_of_completions(prefix: str, options: str, refused: bool) -> None:
    command = f"{prefix}{GRPO} --train_type lora --reward_funcs accuracy {options}\n"
    found = engine.lint_text(command, "run.sh", Settings()).findings
    assert any("is no multiple of it" in each.message for each in found) == refused


@pytest.mark.parametrize(
    ("rewards", "refused"),
    [
        ("my_reward", True),
        ("accuracy my_reward", True),
        ("accuracy format", False),
        ("my_reward --external_plugins plugin.py", False),
    ],
)
def test_rewards_of_no_file(rewards: str, refused: bool) -> None:
    command = f"{GRPO} --train_type lora --per_device_train_batch_size 8 --reward_funcs {rewards}\n"
    found = engine.lint_text(command, "run.sh", Settings()).findings
    assert any("`external_plugins`" in each.message for each in found) == refused


def test_more_processes_than_gpus() -> None:
    command = f"CUDA_VISIBLE_DEVICES=0,1,2,3 NPROC_PER_NODE=6 {SWIFT} --train_type lora\n"
    (message,) = (each.message for each in engine.lint_text(command, "run.sh", Settings()).findings)
    assert "6 processes are started, and CUDA_VISIBLE_DEVICES shows 4 GPUs" in message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--load_best_model_at_end true --eval_steps 500 --save_steps 300", "has to be a multiple"),
        ("--load_best_model_at_end true --eval_steps 100 --save_steps 300", ""),
        ("--load_best_model_at_end true --eval_strategy epoch --save_strategy epoch --eval_steps 2 --save_steps 3", ""),
        ("--fp16 true --bf16 true", "at most one of fp16 and bf16"),
        ("--torch_dtype bfloat16 --fp16 true", "at most one of fp16 and bf16"),
        ("--torch_dtype bfloat16 --bf16 true", ""),
        ("--torch_dtype float16 --fp16 true --bf16 false", ""),
        ("--fp16 true", ""),
    ],
)
def test_what_the_trainer_refuses(options: str, told: str) -> None:
    command = f"{SWIFT} --train_type lora {options}\n"
    messages = [each.message for each in engine.lint_text(command, "run.sh", Settings()).findings]
    assert len(messages) == bool(told)
    assert all(told in message.replace("needs `save_steps` to be", "has to be") for message in messages)
