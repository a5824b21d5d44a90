"""What trainers of image models refuse: each refusal beside a file that differs in little, and that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

BASES = {
    "kohya": 'pretrained_model_name_or_path = "a/b"\nnetwork_module = "{network}"\nnetwork_dim = 8\n{}\n',
    "musubi_tuner": 'dit = "a"\nnetwork_module = "{network}"\nnetwork_dim = 8\n{}\n',
    "ai_toolkit": "job: extension\nconfig:\n  process:\n    - type: sd_trainer\n      network: {{type: lora, linear: 8}}\n"
    "      model: {{name_or_path: a/b, arch: sdxl{model}}}\n      {}\n",
    "onetrainer": '{{"training_method": "LORA", "base_model_name": "a/b", "lora_rank": 8, {}}}',
    "diffusion_pipe": 'dataset = "d.toml"\nepochs = 4\n{}\n[model]\ntype = "{kind}"\nckpt_path = "m"\ndtype = "bfloat16"\n'
    '[adapter]\ntype = "lora"\nrank = 8\n{adapter}\n[optimizer]\ntype = "adamw"\nlr = 5e-5\n',
    "simpletuner": '{{"model_family": "flux", "model_type": "lora", "lora_rank": 8, {}}}',
}
KINDS = {"kohya": "toml", "musubi_tuner": "toml", "ai_toolkit": "yaml", "diffusion_pipe": "toml"}
NETWORKS = {"kohya": "networks.lora", "musubi_tuner": "networks.lora_wan"}
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
        "optimizer_type = 'Adafactor'\nlr_warmup_steps = 100\nlr_scheduler = 'cosine'\noptimizer_args = ['relative_step=True']",
        "optimizer_type = 'Adafactor'\nlr_scheduler = 'cosine'\nlr_warmup_steps = 100\n"
        "optimizer_args = ['relative_step=False']",
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
    ("kohya", "resolution = '1024x768'", "resolution = '1024,768'"),
    ("kohya", "resolution = 1024", "resolution = '1024'"),
    (
        "kohya",
        "enable_bucket = true\nresolution = '1536,1024'\nmax_bucket_reso = 1280",
        "enable_bucket = true\nresolution = '1536,1024'\nmax_bucket_reso = 1536",
    ),
    (
        "kohya",
        "network_train_unet_only = true\nnetwork_train_text_encoder_only = true",
        "network_train_unet_only = true",
    ),
    ("kohya", "resume = 'out/last.safetensors'", "resume = 'out/last-state'"),
    ("kohya:networks.lora_flux", "blocks_to_swap = 8\ncpu_offload_checkpointing = true", "blocks_to_swap = 8"),
    ("kohya:networks.lora_flux", "blocks_to_swap = 36", "blocks_to_swap = 35"),
    (
        "kohya:networks.lora_flux",
        "network_args = ['train_t5xxl=True']\ncache_text_encoder_outputs = true",
        "network_args = ['train_t5xxl=False']\ncache_text_encoder_outputs = true",
    ),
    ("kohya:networks.lora_flux", "network_args = ['train_blocks=19']", "network_args = ['train_blocks=single']"),
    (
        "kohya:networks.lora_flux",
        "enable_bucket = true\nbucket_reso_steps = 48",
        "enable_bucket = true\nbucket_reso_steps = 64",
    ),
    (
        "kohya:networks.lora_anima",
        "enable_bucket = true\nbucket_reso_steps = 40",
        "enable_bucket = true\nbucket_reso_steps = 48",
    ),
    ("musubi_tuner", "sage_attn = true", "sdpa = true"),
    ("musubi_tuner", "resume = 'out/last.safetensors'", "resume = 'out/last-state'"),
    ("musubi_tuner", "blocks_to_swap = 40", "blocks_to_swap = 39"),
    ("musubi_tuner", "task = 't2v-1.3B'\nblocks_to_swap = 30", "task = 't2v-1.3B'\nblocks_to_swap = 29"),
    ("musubi_tuner:networks.lora_krea2", "turbo_dit = 't'\nblocks_to_swap = 8", "turbo_dit = 't'"),
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
        "offload_inactive_dit = true\ndit_high_noise = 'h'\ntimestep_boundary = 875\nblocks_to_swap = 20",
        "offload_inactive_dit = true\ndit_high_noise = 'h'\ntimestep_boundary = 875\nblocks_to_swap = 0",
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
    ("ai_toolkit", "train: {lr_scheduler: exponential}", "train: {lr_scheduler: cosine}"),
    ("ai_toolkit", "train: {noise_scheduler: unipc}", "train: {noise_scheduler: ddpm}"),
    (
        "ai_toolkit",
        "train: {noise_scheduler: flowmatch, timestep_type: gaussian}",
        "train: {noise_scheduler: flowmatch, timestep_type: weighted}",
    ),
    ("ai_toolkit", "train: {content_or_style: both}", "train: {content_or_style: style}"),
    ("ai_toolkit", "datasets: [{folder_path: a, type: video}]", "datasets: [{folder_path: a, type: image}]"),
    (
        "ai_toolkit",
        "datasets: [{folder_path: a, buckets: false}, {folder_path: b}]",
        "datasets: [{folder_path: a, buckets: false}, {folder_path: b, buckets: false}]",
    ),
    ("ai_toolkit", "sample: {prompts: [{a: b}, c]}", "sample: {prompts: ['a: b', c]}"),
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
    ("diffusion_pipe", f"{SAVED}video_clip_mode = 'random'", f"{SAVED}video_clip_mode = 'single_middle'"),
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
    ("kohya", "optimizer_type = 'CAME'", "optimizer_type = 'pytorch_optimizer.CAME'"),
    ("kohya", "optimizer_type = 'Prodigy8bit'", "optimizer_type = 'prodigy'"),
    ("kohya", "lr_scheduler = 'cosine_annealing'", "lr_scheduler = 'cosine_with_restarts'"),
    ("kohya", "enable_bucket = true\nresolution = '1280'", "enable_bucket = true\nresolution = '1024'"),
    ("kohya", "log_with = 'tensorboard'", "log_with = 'wandb'"),
    (
        "kohya:networks.lora_anima",
        "cache_text_encoder_outputs = true",
        "network_train_unet_only = true\ncache_text_encoder_outputs = true",
    ),
    ("musubi_tuner", "optimizer_type = 'prodigy'", "optimizer_type = 'prodigyopt.Prodigy'"),
    ("musubi_tuner", "optimizer_type = 'Lion8bit'", "optimizer_type = 'bitsandbytes.optim.Lion8bit'"),
    ("musubi_tuner", "dit_high_noise = 'h'", "dit_high_noise = 'h'\ntask = 't2v-A14B'"),
    ("musubi_tuner", "sample_prompts = 'p.txt'\nvae = 'v'", "sample_prompts = 'p.txt'\nvae = 'v'\nt5 = 't'"),
    ("musubi_tuner", "t5 = 'umt5_xxl_fp8_e4m3fn_scaled.safetensors'", "t5 = 'models_t5_umt5-xxl-enc-bf16.pth'"),
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
        settings, network=more or NETWORKS.get(name), model=more, kind=kind or "wan", adapter=adapter
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


@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ("kohya:networks.lora|train_data_dir = 'a'\ndataset_config = 'd.toml'", True),
        ("kohya:networks.lora|dataset_config = 'd.toml'", False),
        ("musubi_tuner|gradient_checkpointing_cpu_offload = true", True),
        ("musubi_tuner|gradient_checkpointing_cpu_offload = true\ngradient_checkpointing = true", False),
        (f"diffusion_pipe|{SAVED}min_t = 0.875", True),
        (f"diffusion_pipe|{SAVED}", False),
        ('onetrainer|"optimizer": {"optimizer": "adamw"}', True),
        ('onetrainer|"optimizer": {"optimizer": "ADAMW"}', False),
        ('onetrainer|"model_type": "SDXL"', True),
        ('onetrainer|"model_type": "STABLE_DIFFUSION_XL_10_BASE"', False),
        ('onetrainer|"train_dtype": "bfloat16"', True),
    ],
)
def test_passed_over(settings: str, ignored: bool) -> None:
    framework, _, text = settings.partition("|")
    assert [code for code, _ in found(framework, text)] == (["LL905"] if ignored else [])


@pytest.mark.parametrize("framework", BASES)
def test_there_are_enough(framework: str) -> None:
    assert sum(name.partition(":")[0] == framework for name, *_ in REFUSED) >= 5


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("flux_2_train_network.py --dit flux-2-klein-base-9b.safetensors", ["dit"]),
        ("flux_2_train_network.py --dit flux-2-klein-base-9b.safetensors --model_version klein-base-9b", []),
        ("flux_2_train_network.py --dit flux-2-klein-base-4b.safetensors --model_version klein-9b", ["model_version"]),
        ("flux_2_train_network.py --dit flux2-dev.safetensors --model_version dev", []),
        (
            "wan_train_network.py --task t2v-A14B --dit wan2.2_high_noise.safetensors --max_timestep 875",
            ["max_timestep"],
        ),
        ("wan_train_network.py --task t2v-A14B --dit wan2.2_high_noise.safetensors --min_timestep 875", []),
        (
            "wan_train_network.py --task t2v-A14B --dit wan2.2_low_noise.safetensors --min_timestep 875",
            ["min_timestep"],
        ),
        (
            "wan_train_network.py --task t2v-A14B --dit wan2.2_high_noise.safetensors"
            " --dit_high_noise wan2.2_low_noise.safetensors",
            ["dit"],
        ),
        (
            "wan_train_network.py --task t2v-A14B --dit wan2.2_low_noise.safetensors"
            " --dit_high_noise wan2.2_high_noise.safetensors",
            [],
        ),
    ],
)
def test_models_and_versions_of_musubi_tuner(command: str, keys: list[str]) -> None:
    network = "networks.lora_flux_2" if command.startswith("flux") else "networks.lora_wan"
    text = f"{command} --network_module {network} --network_dim 8 --network_alpha 8 --dataset_config d.toml --sdpa\n"
    assert told_of(text) == keys


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("flux_train_network.py --min_snr_gamma 5 --network_module networks.lora_flux", ["min_snr_gamma"]),
        ("sdxl_train_network.py --min_snr_gamma 5 --network_module networks.lora", []),
        (
            "sdxl_train_network.py --pretrained_model_name_or_path stabilityai/stable-diffusion-xl-refiner-1.0"
            " --network_module networks.lora",
            ["pretrained_model_name_or_path"],
        ),
        (
            "sdxl_train_network.py --pretrained_model_name_or_path stabilityai/stable-diffusion-xl-base-1.0"
            " --network_module networks.lora --cache_latents --mixed_precision fp16",
            ["cache_latents"],
        ),
        (
            "sdxl_train_network.py --pretrained_model_name_or_path stabilityai/stable-diffusion-xl-base-1.0"
            " --network_module networks.lora --cache_latents --mixed_precision fp16 --no_half_vae",
            [],
        ),
        (
            "train_network.py --enable_bucket --bucket_reso_steps 32 --network_module networks.lora",
            ["bucket_reso_steps"],
        ),
        ("train_network.py --bucket_reso_steps 32 --network_module networks.lora", []),
        ("sdxl_train_network.py --network_module networks.lora_flux", ["network_module"]),
        ("sdxl_train_network.py --network_module networks.lora_fa", []),
        ("sdxl_train_network.py --network_module networks.lora --output_name a", ["output_dir"]),
        ("sdxl_train_network.py --network_module networks.lora --output_dir a", []),
        ("lumina_train_network.py --network_module networks.lora --ae a --gemma2 g", ["network_module"]),
        ("lumina_train_network.py --network_module networks.lora_lumina --ae a --gemma2 g", []),
    ],
)
def test_options_of_one_of_the_scripts(command: str, keys: list[str]) -> None:
    parts = "--clip_l c --t5xxl t --ae a" if command.startswith("flux") else ""
    assert told_of(f"{command} {parts} --network_dim 8 --network_alpha 8\n") == keys


def told_of(command: str) -> list[str]:
    """The settings that LL904 and LL905 are about, in a script with one command."""
    findings = engine.lint_text(command, "train.sh", Settings()).findings
    found = (each for each in findings if each.code in ("LL904", "LL905"))
    return [each.message.split("`")[1].partition("=")[0] for each in found]


@pytest.mark.parametrize(
    ("framework", "weights", "other"),
    [
        ("simpletuner", '"pretrained_model_name_or_path": "black-forest-labs/FLUX.1-dev"', "Qwen/Qwen-Image"),
        (
            "onetrainer",
            '"model_type": "FLUX_DEV_1", "base_model_name": "black-forest-labs/FLUX.1-dev"',
            "stabilityai/stable-diffusion-xl-base-1.0",
        ),
    ],
)
def test_weights_of_another_family(framework: str, weights: str, other: str) -> None:
    assert found(framework, weights) == []
    assert found(framework, weights.replace("black-forest-labs/FLUX.1-dev", other)) == [("LL904", "likely")]


def of_the_gui(settings: str) -> list[str]:
    """The keys that a file of kohya's GUI is refused for."""
    text = f'{{"LoRA_type": "Standard", "network_dim": 8, "sdxl": true, "flux1_checkbox": false, {settings}}}'
    findings = Checker(Settings()).check(Found("a.json", "json", text.encode(), True)).findings
    return [text[each.span.start : each.span.end] for each in findings if each.code == "LL904"]


@pytest.mark.parametrize(
    ("refused", "accepted"),
    [
        ('"full_bf16": true, "mixed_precision": "fp16"', '"full_bf16": true, "mixed_precision": "bf16"'),
        ('"lr_scheduler": "constant", "lr_warmup": 10', '"lr_scheduler": "constant", "lr_warmup": 0'),
        ('"lr_scheduler": "constant", "lr_warmup_steps": 50', '"lr_scheduler": "cosine", "lr_warmup_steps": 50'),
        (
            '"optimizer": "Adafactor", "optimizer_args": "", "lr_scheduler": "cosine", "lr_warmup": 10',
            '"optimizer": "Adafactor", "lr_scheduler": "cosine", "lr_warmup": 10, '
            '"optimizer_args": "scale_parameter=False relative_step=False"',
        ),
        ('"optimizer_args": "betas=(0.9, 0.99)"', '"optimizer_args": "betas=(0.9,0.99) weight_decay=0.1"'),
        ('"LoRA_type": "Flux1"', '"LoRA_type": "LoRA-FA"'),
        ('"pretrained_model_name_or_path": "runwayml/stable-diffusion-v1-5"', '"pretrained_model_name_or_path": "a"'),
        (
            '"sdxl_cache_text_encoder_outputs": true, "text_encoder_lr": 1e-5, "unet_lr": 1e-4',
            '"sdxl_cache_text_encoder_outputs": true, "text_encoder_lr": 0, "unet_lr": 1e-4',
        ),
        ('"learning_rate": 0, "unet_lr": 0, "text_encoder_lr": 0', '"learning_rate": 0, "unet_lr": 1e-4'),
        ('"color_aug": true, "cache_latents": true', '"color_aug": true, "cache_latents": false'),
        (
            '"color_aug": true, "cache_latents": true, "dataset_config": ""',
            '"color_aug": true, "cache_latents": true, "dataset_config": "d.toml"',
        ),
        (
            '"enable_bucket": true, "max_resolution": "1536,1024", "max_bucket_reso": 1280',
            '"enable_bucket": true, "max_resolution": "1536,1024", "max_bucket_reso": 1536',
        ),
        ('"enable_bucket": true, "bucket_reso_steps": 1', '"enable_bucket": true, "bucket_reso_steps": 32'),
        ('"train_data_dir": "D:/lora/img/10_fern"', '"train_data_dir": "D:/lora/img"'),
        ('"noise_offset": 5', '"noise_offset": 0.05'),
        (
            '"pretrained_model_name_or_path": "stabilityai/stable-diffusion-xl-refiner-1.0"',
            '"pretrained_model_name_or_path": "stabilityai/stable-diffusion-xl-base-1.0"',
        ),
    ],
)
def test_the_gui(refused: str, accepted: str) -> None:
    assert len(of_the_gui(refused)) == 1
    assert of_the_gui(accepted) == []


def test_the_gui_hands_on_parts_of_flux() -> None:
    flux = '"LoRA_type": "Flux1", "flux1_checkbox": true, "sdxl": false, "t5xxl": "a", "ae": "b"'
    assert of_the_gui(f'{flux}, "clip_l": ""') == ['""']
    assert of_the_gui(f'{flux}, "clip_l": "c"') == of_the_gui(f'{flux}, "clip_l": "", "model_type": "chroma"') == []


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
    options += " --clip_l c.sft --t5xxl t.sft --ae a.sft"
    found = engine.lint_text(f"accelerate launch flux_train_network.py {options}\n", "run.sh", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


WAN = (
    "accelerate launch wan_train_network.py --network_module networks.lora_wan --network_dim 8 --dataset_config d.toml"
)
BF16 = "--sdpa --mixed_precision bf16"


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        (f"{BF16} --dit wan2.1_t2v_14B_bf16.safetensors", False),
        ("--mixed_precision bf16 --dit wan2.1_t2v_14B_bf16.safetensors", True),
        ("--flash_attn --mixed_precision bf16 --dit wan2.1_t2v_14B_bf16.safetensors", False),
        (f"{BF16} --dit wan2.1_t2v_14B_fp16.safetensors", True),
        (f"{BF16} --fp8_base --dit wan2.1_t2v_14B_fp8_e4m3fn.safetensors", False),
        (f"{BF16} --fp8_base --fp8_scaled --dit wan2.1_t2v_14B_fp8_e4m3fn.safetensors", True),
        (f"{BF16} --fp8_base --dit wan2.1_t2v_14B_fp8_scaled.safetensors", True),
        (f"{BF16} --dit wan2.1_i2v_480p_14B_bf16.safetensors", True),
        (f"{BF16} --task i2v-14B --dit wan2.1_i2v_480p_14B_bf16.safetensors", False),
        (f"{BF16} --task i2v-14B --dit wan2.2_i2v_low_noise_14B_bf16.safetensors", True),
        (f"{BF16} --task i2v-A14B --dit wan2.2_i2v_low_noise_14B_bf16.safetensors", False),
        (f"{BF16} --task t2v-14B --dit wan2.1_t2v_1.3B_bf16.safetensors", True),
        (f"{BF16} --task t2v-1.3B --dit wan2.1_t2v_1.3B_bf16.safetensors", False),
        (f"{BF16} --dit wan2.1-t2v-14b-Q8_0.gguf", True),
        (f"{BF16} --dit $DIT", False),
        (f"{BF16} $MORE", False),
    ],
)
def test_weights_and_tasks_of_wan(options: str, refused: bool) -> None:
    found = engine.lint_text(f"{WAN} --network_alpha 8 {options}\n", "run.sh", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


@pytest.mark.parametrize(
    ("process", "refused"),
    [
        ("type: sd_trainer, model: {name_or_path: a/b, arch: zimage}", False),
        ("type: ui_trainer, model: {name_or_path: a/b, arch: zimage}", True),
        ("type: trainer, model: {name_or_path: a/b, arch: zimage}", True),
        ("type: sd_trainer, model: {name_or_path: a/b, arch: z-image}", True),
        ("type: sd_trainer, model: {name_or_path: a/b, arch: 'zimage:turbo'}", False),
        ("type: sd_trainer, model: {name_or_path: ai-toolkit/wan2.2_i2v_14b, arch: 'wan22_14b:t2v'}", True),
        ("type: sd_trainer, model: {name_or_path: ai-toolkit/wan2.2_i2v_14b, arch: 'wan22_14b_i2v'}", False),
        ("type: sd_trainer, model: {name_or_path: black-forest-labs/FLUX.2-dev, arch: flux}", True),
        ("type: sd_trainer, model: {name_or_path: black-forest-labs/FLUX.2-dev, arch: flux2}", False),
    ],
)
def test_processes_and_models_of_ai_toolkit(process: str, refused: bool) -> None:
    job = f"job: extension\nconfig:\n  process:\n    - {{{process}, network: {{type: lora, linear: 8}}}}\n"
    found = engine.lint_text(job, "job.yaml", Settings()).findings
    assert ("LL904" in {finding.code for finding in found}) == refused


def test_what_an_optimizer_of_diffusion_pipe_is_handed() -> None:
    text = file("diffusion_pipe", SAVED)
    for more, refused in (("warmup_steps = 9\n", True), ("weight_decay = 0.1\n", False)):
        found = engine.lint_text(text + more, "a.toml", Settings()).findings
        assert ("LL904" in {finding.code for finding in found}) == refused


@pytest.mark.parametrize("key", ['dtype = "bfloat16"\n[adapter]', "rank = 8\n"])
def test_what_diffusion_pipe_cannot_do_without(key: str) -> None:
    text = file("diffusion_pipe", SAVED)
    assert key in text
    found = engine.lint_text(text.replace(key, "[adapter]" if "[" in key else ""), "a.toml", Settings()).findings
    assert "LL904" in {finding.code for finding in found}
