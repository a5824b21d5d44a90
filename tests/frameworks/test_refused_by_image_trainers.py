"""What trainers of image models refuse: each refusal beside a file that differs in little, and that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

BASES = {
    "kohya": 'pretrained_model_name_or_path = "a/b"\nnetwork_module = "networks.lora"\nnetwork_dim = 8\n{}\n',
    "musubi_tuner": 'dit = "a"\nnetwork_module = "{network}"\nnetwork_dim = 8\n{}\n',
    "ai_toolkit": "job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {{type: lora, linear: 8}}\n"
    "      model: {{name_or_path: a/b, arch: sdxl{model}}}\n      {}\n",
    "onetrainer": '{{"training_method": "LORA", "base_model_name": "a/b", "lora_rank": 8, {}}}',
    "diffusion_pipe": 'dataset = "d.toml"\nepochs = 4\n{}\n[model]\ntype = "{kind}"\nckpt_path = "m"\ndtype = "bfloat16"\n'
    '[adapter]\ntype = "lora"\nrank = 8\n{adapter}\n[optimizer]\ntype = "adamw"\nlr = 5e-5\n',
    "simpletuner": '{{"model_family": "flux", "model_type": "lora", "lora_rank": 8, {}}}',
}
KINDS = {"kohya": "toml", "musubi_tuner": "toml", "ai_toolkit": "yaml", "diffusion_pipe": "toml"}
SAVED = "save_every_n_epochs = 1\n"
REFUSED = [
    ("kohya", "full_fp16 = true\nmixed_precision = 'bf16'", "full_fp16 = true\nmixed_precision = 'fp16'"),
    ("kohya", "full_bf16 = true\nmixed_precision = 'fp16'", "full_bf16 = true\nmixed_precision = 'bf16'"),
    ("kohya", "fp8_base = true\nmixed_precision = 'no'", "fp8_base = true\nmixed_precision = 'bf16'"),
    (
        "kohya",
        "lr_scheduler = 'constant'\nlr_warmup_steps = 100",
        "lr_scheduler = 'constant_with_warmup'\nlr_warmup_steps = 100",
    ),
    (
        "kohya",
        "lr_scheduler = 'adafactor:1e-4'\noptimizer_type = 'AdamW8bit'",
        "lr_scheduler = 'adafactor:1e-4'\noptimizer_type = 'Adafactor'",
    ),
    ("kohya", "v_pred_like_loss = 0.5\nv_parameterization = true", "v_pred_like_loss = 0.5"),
    ("kohya", "use_8bit_adam = true\noptimizer_type = 'Lion'", "optimizer_type = 'Lion'"),
    (
        "kohya",
        "fused_backward_pass = true\noptimizer_type = 'AdamW'",
        "fused_backward_pass = true\noptimizer_type = 'AdaFactor'",
    ),
    ("musubi_tuner", "sage_attn = true", "sdpa = true"),
    ("musubi_tuner", "fp8_scaled = true\nfp8_base = false", "fp8_scaled = true\nfp8_base = true"),
    (
        "musubi_tuner",
        "lr_scheduler = 'constant'\nlr_warmup_steps = 100",
        "lr_scheduler = 'constant'\nlr_warmup_steps = 0",
    ),
    (
        "musubi_tuner",
        "lr_scheduler = 'adafactor:1e-4'\noptimizer_type = 'adamw'",
        "lr_scheduler = 'cosine'\noptimizer_type = 'adamw'",
    ),
    (
        "musubi_tuner",
        "offload_inactive_dit = true\ndit_high_noise = 'h'\nblocks_to_swap = 20",
        "offload_inactive_dit = true\ndit_high_noise = 'h'\nblocks_to_swap = 0",
    ),
    ("musubi_tuner:networks.lora_framepack", "vae_dtype = 'bfloat16'", "vae_dtype = 'float16'"),
    (
        "ai_toolkit",
        "train: {gradient_accumulation: 2, gradient_accumulation_steps: 4}",
        "train: {gradient_accumulation: 2, gradient_accumulation_steps: 1}",
    ),
    (
        "ai_toolkit",
        "train: {bypass_guidance_embedding: true, do_guidance_loss: true}",
        "train: {bypass_guidance_embedding: true, do_guidance_loss: false}",
    ),
    (
        "ai_toolkit",
        "train: {diff_output_preservation: true}",
        "train: {diff_output_preservation: true}\n      trigger_word: fern",
    ),
    (
        "ai_toolkit",
        "train: {unload_text_encoder: true, train_text_encoder: true}",
        "train: {unload_text_encoder: true, train_text_encoder: false}",
    ),
    ("ai_toolkit", "train: {optimizer: lion16bit}", "train: {optimizer: Lion8bit}"),
    ("ai_toolkit", "train: {optimizer: sgd8bit}", "train: {optimizer: prodigy8bit}"),
    ("ai_toolkit", "save: {save_format: ckpt}", "save: {save_format: diffusers}"),
    ("ai_toolkit:, attn_masking: true", "save: {save_every: 9}", None),
    (
        "ai_toolkit",
        "datasets: [{folder_path: a, cache_text_embeddings: true}, {folder_path: b}]",
        "datasets: [{folder_path: a, cache_text_embeddings: true}, {folder_path: b, cache_text_embeddings: true}]",
    ),
    ("ai_toolkit", "datasets: [{folder_path: a, poi: head}]", "datasets: [{folder_path: a}]"),
    (
        "onetrainer",
        '"optimizer": {"optimizer": "ADAMW", "stochastic_rounding": true, "fused": true}',
        '"optimizer": {"optimizer": "ADAMW", "stochastic_rounding": true, "fused": false}',
    ),
    (
        "onetrainer",
        '"optimizer": {"optimizer": "ADAM", "fused_back_pass": true, "foreach": true}',
        '"optimizer": {"optimizer": "ADAFACTOR", "fused_back_pass": true}',
    ),
    (
        "onetrainer",
        '"text_encoder": {"offload_fraction": 0.5}, "dataloader_threads": 4',
        '"text_encoder": {"offload_fraction": 0.5}, "dataloader_threads": 1',
    ),
    (
        "onetrainer",
        '"model_type": "STABLE_CASCADE_1", "optimizer": {"optimizer": "SCHEDULE_FREE_ADAMW"}',
        '"model_type": "FLUX_DEV_1", "optimizer": {"optimizer": "SCHEDULE_FREE_ADAMW"}',
    ),
    ("onetrainer", '"learning_rate_scheduler": "CUSTOM"', '"learning_rate_scheduler": "COSINE"'),
    (
        "onetrainer",
        '"model_type": "FLUX_DEV_1", "loss_weight_fn": "MIN_SNR_GAMMA"',
        '"model_type": "FLUX_DEV_1", "loss_weight_fn": "SIGMA"',
    ),
    (
        "onetrainer",
        '"model_type": "QWEN", "additional_embeddings": [{"train": true}]',
        '"model_type": "QWEN", "additional_embeddings": [{"train": false}]',
    ),
    ("diffusion_pipe", "save_dtype = 'bfloat16'", SAVED),
    ("diffusion_pipe::alpha = 16", SAVED, None),
    ("diffusion_pipe:sdxl", f"{SAVED}blocks_to_swap = 20", SAVED),
    (
        "diffusion_pipe",
        f"{SAVED}blocks_to_swap = 20\npipeline_stages = 2",
        f"{SAVED}blocks_to_swap = 20\npipeline_stages = 1",
    ),
    (
        "diffusion_pipe",
        f"{SAVED}activation_checkpointing = 'reentrant'",
        f"{SAVED}activation_checkpointing = 'unsloth'",
    ),
    ("diffusion_pipe", f"{SAVED}lr_scheduler = 'polynomial'", f"{SAVED}lr_scheduler = 'linear'"),
    ("diffusion_pipe", f"{SAVED}save_dtype = 'bf16'", f"{SAVED}save_dtype = 'bfloat16'"),
    ("diffusion_pipe:wan2.1", SAVED, None),
    (
        "diffusion_pipe",
        f"{SAVED}pipeline_stages = 2\npartition_method = 'manual'\npartition_split = [8, 16]",
        f"{SAVED}pipeline_stages = 2\npartition_method = 'manual'\npartition_split = [8]",
    ),
    ("simpletuner", '"max_train_steps": 100', '"max_train_steps": 100, "num_train_epochs": 0'),
    ("simpletuner", '"optimizer_beta1": 0.9', '"optimizer_beta1": 0.9, "optimizer_beta2": 0.99'),
    ("simpletuner", '"--ramtorch": true, "enable_group_offload": true', '"--ramtorch": true'),
    ("simpletuner", '"fsdp_enable": true, "deepspeed_config": "d.json"', '"fsdp_enable": true'),
    (
        "simpletuner",
        '"quantize_via": "pipeline", "base_model_precision": "int8-sdnq"',
        '"quantize_via": "pipeline", "base_model_precision": "nf4-bnb"',
    ),
    (
        "simpletuner",
        '"mixed_precision": "fp8", "base_model_precision": "int8-quanto"',
        '"mixed_precision": "bf16", "base_model_precision": "int8-quanto"',
    ),
    (
        "simpletuner",
        '"maximum_image_size": 1024, "target_downsample_size": 4, "resolution_type": "area"',
        '"maximum_image_size": 1024, "target_downsample_size": 1024, "resolution_type": "pixel"',
    ),
    (
        "simpletuner",
        '"quantization_config": {"a": 1}, "text_encoder_1_precision": "int8-quanto"',
        '"quantization_config": {"a": 1}, "text_encoder_1_precision": "no_change"',
    ),
    ("simpletuner", '"validation_adapter_mode": "compare"', '"validation_adapter_mode": "comparison"'),
    (
        "simpletuner",
        '"quantize_via": "pipeline", "base_model_precision": "int9"',
        '"quantize_via": "pipeline", "base_model_precision": "int8-quanto"',
    ),
    ("simpletuner", '"lora_type": "lycoris"', '"lora_type": "lycoris", "lycoris_config": "l.json"'),
    ("simpletuner", '"init_lora_step": 9', '"init_lora_step": 0'),
]
"""Settings that are refused for certain, and others that are not; None: those of the other part of the base."""
MISSING = [
    ("kohya", "lr_warmup_steps = 100", "lr_warmup_steps = 0"),
    ("kohya", "full_bf16 = true", ""),
    ("kohya", "adaptive_noise_scale = 0.1", "adaptive_noise_scale = 0.1\nnoise_offset = 0.1"),
    ("kohya", "cache_text_encoder_outputs = true", "network_train_unet_only = true\ncache_text_encoder_outputs = true"),
    ("kohya", "cache_latents = true\nrandom_crop = true", "cache_latents = true"),
    ("kohya", "train_data_dir = '/data/img/10_woman'", "train_data_dir = '/data/img'"),
    ("kohya", "train_data_dir = 'img/10_woman/'", "train_data_dir = 'img/10_woman/'\nin_json = 'meta.json'"),
    ("kohya", "train_data_dir = 'img/2_b'", "train_data_dir = 'photos/2024_b'"),
    ("musubi_tuner", "fp8_scaled = true", "fp8_base = true"),
    ("musubi_tuner", "log_with = 'tensorboard'", "log_with = 'wandb'"),
    ("musubi_tuner:networks.lora_krea2", "fp8_base = true", "fp8_base = true\nfp8_scaled = true"),
]
"""Settings that are refused unless a command line gives what they need."""


def file(framework: str, settings: str) -> str:
    """A file of a framework; after its name come a network, more of the model, or a kind of model and an adapter."""
    name, _, more = framework.partition(":")
    kind, _, adapter = more.partition(":")
    return BASES[name].format(
        settings, network=more or "networks.lora_wan", model=more, kind=kind or "wan", adapter=adapter
    )


def found(framework: str, settings: str) -> list[tuple[str, str]]:
    kind: Any = KINDS.get(framework.partition(":")[0], "json")
    text = file(framework, settings).encode()
    result = Checker(Settings()).check(Found(f"a.{kind}", kind, text, True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL904", "LL905", "LL900")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), REFUSED)
def test_refused(framework: str, refused: str, accepted: str | None) -> None:
    assert found(framework, refused) == [("LL904", "certain")]
    name = framework if accepted is not None else framework.partition(":")[0]
    assert found(name, refused if accepted is None else accepted) == []


@pytest.mark.parametrize(("framework", "refused", "accepted"), MISSING)
def test_refused_where_nothing_else_is_given(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "likely")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize("framework", BASES)
def test_there_are_enough(framework: str) -> None:
    assert sum(name.partition(":")[0] == framework for name, *_ in REFUSED) >= 5


def test_the_files_of_the_gui_are_its_own() -> None:
    text = b'{"LoRA_type": "Standard", "network_dim": 8, "full_bf16": true, "mixed_precision": "fp16"}'
    findings = Checker(Settings()).check(Found("a.json", "json", text, True)).findings
    assert [each for each in findings if each.code == "LL904"] == []


def test_each_process_has_its_own_settings() -> None:
    process = (
        "    - {{type: sd_trainer, network: {{type: lora}}, model: {{name_or_path: a/b}}, save: {{save_format: {}}}}}\n"
    )
    text = f"job: extension\nconfig:\n  process:\n{process.format('ckpt')}{process.format('diffusers')}"
    findings = Checker(Settings()).check(Found("a.yaml", "yaml", text.encode(), True)).findings
    assert [each.code for each in findings if each.code == "LL904"] == ["LL904"]


@pytest.mark.parametrize(
    ("model", "network", "ignored"),
    [
        ("is_flux: true", "linear: 16, linear_alpha: 32", True),
        ("arch: wan21", "linear: 16, linear_alpha: 8", True),
        ("is_flux: true", "linear: 16, linear_alpha: 16", False),
        ("arch: sdxl", "linear: 16, linear_alpha: 32", False),
        ("arch: flux", "linear: 16, linear_alpha: 32, type: lokr", False),
        ("is_v2: true", "linear: 16, linear_alpha: 32", False),
    ],
)
def test_an_alpha_that_ai_toolkit_ignores(model: str, network: str, ignored: bool) -> None:
    kind = "" if "type:" in network else "type: lora, "
    job = (
        f"job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {{{kind}{network}}}\n"
        f"      model: {{name_or_path: a/b, {model}}}\n"
    )
    found = engine.lint_text(job, "job.yaml", Settings()).findings
    assert ("LL905" in {each.code for each in found}) == ignored


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("arch: ltx2, qtype: 'uint4|ostris/accuracy_recovery_adapters/wan22_14b_t2i_torchao_uint4.safetensors'", True),
        ("arch: sdxl, accuracy_recovery_adapter: o/accuracy_recovery_adapters/qwen_image_torchao_uint3.st", True),
        ("arch: 'wan22_14b:t2v', qtype: 'uint4|o/accuracy_recovery_adapters/wan22_14b_t2i_torchao_uint4.st'", False),
        ("arch: qwen_image_edit, qtype: 'uint3|o/accuracy_recovery_adapters/qwen_image_torchao_uint3.st'", False),
        ("arch: ltx2, qtype: 'uint4|mine/wan22_14b.safetensors'", False),
        ("qtype: 'uint4|ostris/accuracy_recovery_adapters/wan22_14b_t2i_torchao_uint4.safetensors'", False),
    ],
)
def test_a_recovery_adapter_of_another_model(model: str, refused: bool) -> None:
    job = (
        "job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {type: lora, linear: 8}\n"
        f"      model: {{name_or_path: a/b, {model}}}\n"
    )
    found = engine.lint_text(job, "job.yaml", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ("sample: {prompts: ['[trigger] in a park', a dog]}", True),
        ("sample: {samples: [{prompt: '[trigger] in a park', width: 512}]}", True),
        ("trigger_word: p3rs0n\n      sample: {prompts: ['[trigger] in a park']}", False),
        ("embedding: {trigger: x}\n      sample: {prompts: ['[trigger] in a park']}", False),
        ("sample: {prompts: [p3rs0n in a park]}", False),
    ],
)
def test_a_trigger_that_stays_in_brackets(settings: str, ignored: bool) -> None:
    job = (
        "job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {type: lora, linear: 8}\n"
        f"      model: {{name_or_path: a/b, arch: sdxl}}\n      {settings}\n"
    )
    found = engine.lint_text(job, "job.yaml", Settings()).findings
    assert ("LL905" in {finding.code for finding in found}) == ignored


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("type = 'flux'\ndiffusers_path = '/m/flux1-dev.safetensors'", True),
        ("type = 'flux'\ndiffusers_path = '/m/FLUX.1-dev'\ntransformer_path = '/m/flux1-dev.safetensors'", False),
        ("type = 'wan'\ntransformer_path = '/m/wan.safetensors'\nllm_path = '/m/t5.safetensors'", True),
        ("type = 'wan'\nckpt_path = '/m/Wan2.1-T2V-14B'", False),
        ("type = 'wan'\nckpt_path = '/m/Wan2.2-I2V-A14B'", True),
        (
            "type = 'wan'\nckpt_path = '/m/Wan2.2-I2V-A14B'\ntransformer_path = '/m/Wan2.2-I2V-A14B/low_noise_model'",
            False,
        ),
        ("type = 'wan'\nckpt_path = '/m/Wan2.2-TI2V-5B'", False),
    ],
)
def test_where_diffusion_pipe_finds_a_model(model: str, refused: bool) -> None:
    text = (
        f"dataset = 'd.toml'\nepochs = 4\n{SAVED}[model]\n{model}\ndtype = 'bfloat16'\n"
        "[adapter]\ntype = 'lora'\nrank = 8\n[optimizer]\ntype = 'adamw'\nlr = 5e-5\n"
    )
    found = engine.lint_text(text, "a.toml", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


@pytest.mark.parametrize(("settings", "ignored"), [("warmup_steps = 9", ["LL905"]), ("dropout = 0.0", [])])
def test_what_stands_below_a_header_of_diffusion_pipe(settings: str, ignored: list[str]) -> None:
    assert [code for code, _ in found(f"diffusion_pipe::{settings}", SAVED)] == ignored


@pytest.mark.parametrize(
    ("model", "more", "refused"),
    [
        ("arch: wan22_14b, name_or_path: Wan-AI/Wan2.2-T2V-A14B", "", True),
        ("arch: 'wan21:14b', name_or_path: Wan-AI/Wan2.1-T2V-14B", "", True),
        ("arch: wan22_14b, name_or_path: Wan-AI/Wan2.2-T2V-A14B-Diffusers", "", False),
        ("arch: wan22_14b, name_or_path: ai-toolkit/Wan2.2-T2V-A14B-Diffusers-bf16", "", False),
        ("arch: qwen_image_edit_plus, name_or_path: a/b", "datasets: [{folder_path: a}]", True),
        ("arch: qwen_image_edit_plus, name_or_path: a/b", "datasets: [{folder_path: a, control_path_1: c}]", False),
        ("arch: qwen_image, name_or_path: a/b", "datasets: [{folder_path: a}]", False),
    ],
)
def test_what_ai_toolkit_loads(model: str, more: str, refused: bool) -> None:
    job = (
        "job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {type: lora, linear: 8}\n"
        f"      model: {{{model}}}\n      {more}\n"
    )
    found = engine.lint_text(job, "job.yaml", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


@pytest.mark.parametrize(
    ("weights", "refused"), [("flux1-fill-dev", True), ("flux1-dev", False), ("flux1-kontext-dev", False)]
)
def test_weights_of_another_flux(weights: str, refused: bool) -> None:
    options = f"--network_module networks.lora_flux --network_dim 8 --pretrained_model_name_or_path m/{weights}.sft"
    found = engine.lint_text(f"accelerate launch flux_train_network.py {options}\n", "run.sh", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused
