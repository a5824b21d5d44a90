"""Files that say where the data of image trainers is, commands that prepare it, and options of their scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SUBSET = '[[datasets]]\nresolution = 1024\n  [[datasets.subsets]]\n  image_dir = "/data/a"\n'
TEXTS = '[general]\ncaption_extension = ".txt"\n'
VIDEOS = f'{TEXTS}[[datasets]]\nvideo_directory = "/data/v"\ntarget_frames = [1, 25]\n'


def told(text: str, name: str) -> list[str]:
    """The keys that LL901 and LL902 are about."""
    findings = engine.lint_text(text, name, Settings()).findings
    return [each.message.split("`")[1].partition("=")[0] for each in findings if each.code in ("LL901", "LL902")]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (SUBSET, []),
        (SUBSET + "num_repeats = 3\ncaption_extension = '.txt'\n", []),
        (SUBSET + "batch_size = 2\n", ["batch_size"]),
        (SUBSET + "shuffle_captions = true\n", ["shuffle_captions"]),
        (SUBSET + "num_repeats = 2.5\n", ["num_repeats"]),
        (SUBSET + "cache_dir = 'of a fork'\n", []),
        (SUBSET.replace("resolution = 1024", 'resolution = "1024,1024"'), ["resolution"]),
        (SUBSET.replace("resolution = 1024", "resolution = [1024, 768]"), []),
        (SUBSET.replace("resolution = 1024", 'resolution = 1024\nimage_dir = "a"'), ["image_dir"]),
        (SUBSET.replace("resolution = 1024", "resolution = 1024\nvalidation_split = 1"), ["validation_split"]),
        (SUBSET.replace("resolution = 1024", 'resolution = 1024\noutput_dir = "o"'), ["output_dir"]),
        ("[general]\nflip_aug = 1\n" + SUBSET, ["flip_aug"]),
        ("[general]\nenable_bucket = true\nmax_bucket_reso = 768\n" + SUBSET, ["resolution"]),
        ("[general]\nenable_bucket = true\nmax_bucket_reso = 1000\n" + SUBSET, []),
        ("[general]\nenable_bucket = false\nmax_bucket_reso = 768\n" + SUBSET, []),
        ("[general]\nenable_bucket = true\nmin_bucket_reso = 1280\nmax_bucket_reso = 2048\n" + SUBSET, ["resolution"]),
        ("[another]\na = 1\n" + SUBSET + "batch_size = 2\n", []),
    ],
)
def test_data_of_sd_scripts(text: str, keys: list[str]) -> None:
    assert told(text, "data.toml") == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (VIDEOS, []),
        (VIDEOS + "source_fps = 30.0\nframe_extraction = 'chunk'\n", []),
        (VIDEOS + "source_fps = 30\n", ["source_fps"]),
        (VIDEOS + "frame_extraction = 'middle'\n", ["frame_extraction"]),
        (VIDEOS + "control_resolution = 1024\n", ["control_resolution"]),
        (VIDEOS + "target_frame = [1]\n", []),
        (VIDEOS.replace("target_frames", "target_frame"), ["target_frame"]),
        (VIDEOS.replace('caption_extension = ".txt"', "batch_size = 1"), ["video_directory"]),
        (VIDEOS.replace("[[datasets]]", 'cache_directory = "c"\n[[datasets]]'), ["cache_directory"]),
        (f'{TEXTS}[[datasets]]\nimage_jsonl_file = "a.jsonl"\n', ["image_jsonl_file"]),
        (f'{TEXTS}[[datasets]]\nimage_jsonl_file = "a.jsonl"\ncache_directory = "c"\n', []),
        (f'{TEXTS}[[datasets]]\nimage_directory = "a"\nimage_dir = "b"\n', ["image_dir"]),
        (f'{TEXTS}[[datasets]]\nimage_directory = "a"\ntarget_frames = [1]\n', ["target_frames"]),
        (f'{TEXTS}[[datasets]]\nimage_directory = "a"\nflux_kontext_no_resize_control = true\n', []),
        (f'{TEXTS}[[datasets]]\nimage_directory = "a"\n[[datasets]]\nimage_directory = "a"\n', ["image_directory"]),
    ],
)
def test_data_of_musubi_tuner(text: str, keys: list[str]) -> None:
    assert told(text, "data.toml") == keys


def test_one_finding_for_a_file_and_the_command_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text(VIDEOS + "source_fps = 30\n")
    (tmp_path / "train.sh").write_text(
        "python wan_cache_latents.py --dataset_config data.toml --vae v\n"
        "accelerate launch wan_train_network.py --network_module networks.lora_wan --network_dim 8 --network_alpha 8 "
        "--dit d --sdpa --dataset_config data.toml\n"
    )
    found = [each for each in engine.lint([str(tmp_path)], Settings()).findings if each.code == "LL902"]
    assert [each.span.path.rpartition("/")[2] for each in found] == ["data.toml"]


FOLDER = "[[directory]]\npath = '/data/a'\n"
BUCKETS = "enable_ar_bucket = true\nmin_ar = 0.5\nmax_ar = 2.0\nnum_ar_buckets = 7\n"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (f"resolutions = [512]\n{BUCKETS}frame_buckets = [1, 33]\n{FOLDER}num_repeats = 1\n", []),
        (f"{BUCKETS}{FOLDER}", ["path"]),
        (f"{BUCKETS}{FOLDER}resolutions = [512]\n", []),
        (f"{BUCKETS}{FOLDER}resolutions = [512]\n{FOLDER}", ["path"]),
        (f"{BUCKETS}{FOLDER}size_buckets = [[512, 512, 1]]\n", []),
        (f"resolutions = 512\n{BUCKETS}{FOLDER}", ["resolutions"]),
        (f"resolutions = [512]\nenable_ar_bucket = true\nmin_ar = 0.5\n{FOLDER}", ["path"]),
        (f"resolutions = [512]\nenable_ar_bucket = true\nar_buckets = [1.0]\n{FOLDER}", []),
        (f"resolutions = [512]\n{FOLDER}num_repeats = 0\n", ["num_repeats"]),
        ("resolutions = [512]\n[[directory]]\nnum_repeats = 2\n", ["directory"]),
        ("[[directory]]\nname = 'a'\n", []),
    ],
)
def test_data_of_diffusion_pipe(text: str, keys: list[str]) -> None:
    assert told(text, "dataset.toml") == keys


ENTRY = '[{{"id": "a", "type": "local", "instance_data_dir": "d", "cache_dir_vae": "c", {}}}]'


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ('"crop": true, "crop_aspect": "square", "resolution": 1024, "resolution_type": "pixel"', []),
        ('"crop": true, "crop_aspect": "wide"', ["crop_aspect"]),
        ('"crop": true, "crop_aspect": "closest"', ["crop_aspect"]),
        ('"crop": true, "crop_aspect": "closest", "crop_aspect_buckets": [0.5, 1.0]', []),
        ('"crop_style": "middle"', ["crop_style"]),
        ('"resolution_type": "megapixel"', ["resolution_type"]),
        ('"resolution_type": "area", "maximum_image_size": 1024, "target_downsample_size": 2', ["maximum_image_size"]),
        ('"resolution_type": "area", "maximum_image_size": 4', ["maximum_image_size"]),
        ('"resolution_type": "area", "maximum_image_size": 4, "target_downsample_size": 2', []),
        ('"caption_strategy": "huggingface"', ["caption_strategy"]),
        ('"caption_strategy": "parquet", "metadata_backend": "discovery"', ["caption_strategy"]),
        ('"caption_strategy": "textfile", "metadata_backend": "discovery"', []),
        ('"caption_filter_list": "f.txt"', ["caption_filter_list"]),
        ('"dataset_type": "video", "video": {"num_frames": 65, "min_frames": 33}', ["min_frames"]),
        ('"dataset_type": "video", "video": {"num_frames": 65, "min_frames": 65}', []),
    ],
)
def test_data_of_simpletuner(settings: str, keys: list[str]) -> None:
    assert told(ENTRY.format(settings), "multidatabackend.json") == keys


LAUNCH = "accelerate launch {}_train_network.py --dataset_config d.toml --network_dim 8 --network_alpha 8 --sdpa "
WAN = LAUNCH.format("wan") + "--network_module networks.lora_wan --dit d.safetensors"
QWEN = LAUNCH.format("qwen_image") + "--network_module networks.lora_qwen_image --dit d.safetensors"


def test_data_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text('[[datasets]]\nimage_directory = "a"\ncaption_extension = None\n', "utf-8")
    script = tmp_path / "train.sh"
    command = "accelerate launch wan_train_network.py --dit a --network_module networks.lora_wan --network_dim 8"
    script.write_text(f"{command} --network_alpha 8 --sdpa --dataset_config data.toml\n", "utf-8")
    messages = [each.message for each in engine.lint([str(script)], Settings()).findings if each.code == "LL902"]
    assert len(messages) == 1
    assert "stops at line 3" in messages[0]


@pytest.mark.parametrize(
    ("family", "preset", "keys"),
    [
        ("flux2", '"target_module": ["Attention", "Flux2FeedForward"]', ["target_module"]),
        ("flux2", '"target_module": ["Flux2Attention"]', []),
        ("flux", '"target_module": ["Attention", "FeedForward"]', []),
        ("ltxvideo", '"target_module": ["Attention", "FeedForward"]', ["target_module"]),
        ("flux", '"target_modules": ["Attention"]', ["target_modules"]),
        ("sdxl", '"unet_target_module": ["Attention"]', ["unet_target_module"]),
    ],
)
def test_what_lycoris_of_simpletuner_adapts(tmp_path: Path, family: str, preset: str, keys: list[str]) -> None:
    (tmp_path / "lycoris.json").write_text(f'{{"algo": "lokr", "apply_preset": {{{preset}}}}}', "utf-8")
    config = f'{{"model_family": "{family}", "model_type": "lora", "lora_type": "lycoris", "lycoris_config": "lycoris.json"}}'
    (tmp_path / "config.json").write_text(config, "utf-8")
    findings = engine.lint([str(tmp_path)], Settings()).findings
    found = (each for each in findings if each.code in ("LL901", "LL902"))
    assert [each.message.split("`")[1].partition("=")[0] for each in found] == keys


@pytest.mark.parametrize(
    ("before", "command", "keys"),
    [
        ("wan_cache_latents.py --vae v", f"{WAN} --task i2v-14B", ["task"]),
        ("wan_cache_latents.py --vae v --clip c", f"{WAN} --task i2v-14B", []),
        ("wan_cache_latents.py --vae v --i2v", f"{WAN} --task i2v-A14B", []),
        ("wan_cache_latents.py --vae v", f"{WAN} --task i2v-A14B", ["task"]),
        ("wan_cache_latents.py --vae v", f"{WAN} --task t2v-14B", []),
        ("wan_cache_latents.py --vae v $MORE", f"{WAN} --task i2v-14B", []),
        ("cache_latents.py --vae v", f"{WAN} --task t2v-14B", ["dataset_config"]),
        ("tools/cache_latents.py --vae v", f"{WAN} --task t2v-14B", []),
        ("cache_text_encoder_outputs.py --text_encoder1 a --text_encoder2 b", WAN, ["dataset_config"]),
        ("qwen_image_cache_latents.py --vae v", f"{QWEN} --model_version edit-2509", ["model_version"]),
        ("qwen_image_cache_latents.py --vae v --model_version edit", f"{QWEN} --model_version edit-2509", []),
        ("qwen_image_cache_latents.py --vae v", f"{QWEN} --edit", ["edit"]),
        ("qwen_image_cache_latents.py --vae v", QWEN, []),
    ],
)
def test_what_a_cache_of_musubi_tuner_lacks(before: str, command: str, keys: list[str]) -> None:
    script = f"python src/musubi_tuner/{before} --dataset_config d.toml\n{command}\n"
    assert told(script, "run.sh") == keys
    other = script.replace("--dataset_config d.toml\n", "--dataset_config other.toml\n", 1)
    assert told(other, "run.sh") == []


KOHYA = "accelerate launch sdxl_train_network.py --network_module networks.lora --network_dim 8 --network_alpha 8 "


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ("--gradient_checkpointing --max_train_steps 1000 --mixed_precision bf16", []),
        ("--gradient_checkpointing true", ["gradient_checkpointing"]),
        ("--gradient_checkpointing=True", ["gradient_checkpointing"]),
        ("--cache_latents --seed", ["seed"]),
        ("--max_train_steps 1e3", ["max_train_steps"]),
        ("--max_train_steps=1600.0", ["max_train_steps"]),
        ("--learning_rate 1e-4", []),
        ("--learning_rate fast", ["learning_rate"]),
        ("--mixed_precision bfloat16", ["mixed_precision"]),
        ("--mixed_precision $PRECISION --seed ${SEED:-4}", []),
        ("--resolution 1024 768", ["768"]),
        ("--network_args conv_dim=4 conv_alpha=1", []),
        ("--save_every_n_epochs 1 --text_encoder_lr 1e-5 2e-5", []),
        ("--an_option_of_tomorrow 1 2", []),
    ],
)
def test_values_that_argparse_refuses(options: str, keys: list[str]) -> None:
    assert told(f"{KOHYA} --pretrained_model_name_or_path a/b {options}\n", "run.sh") == keys


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ('network_args = ["conv_dim=4", "loraplus_lr_ratio=4"]', []),
        ('network_args = ["conv_dims=4"]', ["conv_dims"]),
        ('network_args = ["algo=locon"]', ["algo"]),
        ('network_args = ["an_argument_of_tomorrow=1"]', []),
        ('network_args = ["train_blocks=single"]', ["train_blocks"]),
        ('optimizer_type = "AdamW8bit"\noptimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"]', []),
        ('optimizer_type = "AdamW8bit"\noptimizer_args = ["scale_parameter=False"]', ["scale_parameter"]),
        ('optimizer_type = "prodigyopt.Prodigy"\noptimizer_args = ["d_coeff=2"]', ["d_coeff"]),
        ('optimizer_type = "Prodigy"\noptimizer_args = ["weight_decay=0.5,", "decouple=True"]', ["weight_decay"]),
        ('optimizer_type = "a.Own"\noptimizer_args = ["scale_parameter=False"]', []),
    ],
)
def test_names_among_arguments(settings: str, keys: list[str]) -> None:
    text = f'pretrained_model_name_or_path = "a/b"\nnetwork_module = "networks.lora"\nnetwork_dim = 8\n{settings}\n'
    assert told(text, "a.toml") == keys


@pytest.mark.parametrize(
    ("text", "name", "keys"),
    [
        ("conv_dim = 4\n", "a.toml", ["conv_dim"]),
        ("[network_arguments]\nrank_dropout = 0.1\n", "a.toml", ["rank_dropout"]),
        ("conv_dim = 4\nnetwork_args = ['conv_dim=4']\n", "a.toml", []),
        ("weight_decay = 0.01\n", "a.toml", ["weight_decay"]),
        ("max_grad_norm = 1.0\n", "a.toml", []),
        ("--weight_decay 0.01", "a.sh", ["weight_decay"]),
        ("--optimizer_args weight_decay=0.01", "a.sh", []),
    ],
)
def test_arguments_that_are_given_as_options(text: str, name: str, keys: list[str]) -> None:
    toml = "network_module = 'networks.lora'\nnetwork_dim = 8\nnetwork_alpha = 8\n"
    command = "accelerate launch train_network.py --network_module networks.lora --network_dim 8 --network_alpha 8 "
    assert told(toml + text if name.endswith("toml") else command + text, name) == keys


@pytest.mark.parametrize(
    ("arguments", "keys"), [("exclude_patterns=.*x", ["exclude_patterns"]), ("exclude_patterns=['.*x']", [])]
)
def test_patterns_of_musubi_tuner_are_lists(arguments: str, keys: list[str]) -> None:
    text = f'dit = "d"\nnetwork_module = "networks.lora_wan"\nnetwork_dim = 8\nnetwork_args = ["{arguments}"]\n'
    assert told(text, "a.toml") == keys


def test_a_script_that_is_known_by_its_command_alone(tmp_path: Path) -> None:
    """A file does not say which script reads it."""
    (tmp_path / "c.toml").write_text(
        'network_module = "networks.lora_zimage"\ndit = "d"\nnetwork_dim = 8\nsdpa = true\n'
    )
    script = tmp_path / "run.sh"
    for options, refused in (("", True), (" --network_module networks.lora_wan", False)):
        script.write_text(
            f"accelerate launch wan_train_network.py --config_file c.toml --dataset_config d.toml{options}\n"
        )
        found = engine.lint([str(script)], Settings()).findings
        assert ("LL904" in {each.code for each in found}) == refused


def test_a_script_whose_name_is_not_known() -> None:
    script = "python $(prefix)cache_latents.py --vae Wan2.1_VAE.pth --dataset_config d.toml\n"
    assert told(script + WAN + "\n", "run.sh") == []
