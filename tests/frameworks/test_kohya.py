"""sd-scripts and musubi-tuner: TOML, the GUI's JSON and command lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic, shell

if TYPE_CHECKING:
    from pathlib import Path

SDXL, FLUX = realistic("kohya", "sdxl.toml"), realistic("kohya", "flux.toml")
GUI, WAN = realistic("kohya", "gui.json"), realistic("musubi_tuner", "wan.toml")
COMMAND = (
    "accelerate launch --num_cpu_threads_per_process 1 sdxl_train_network.py --network_module=networks.lora "
    "--pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0 "
)


def codes(text: str, name: str) -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), name, Settings()).findings]


def test_settings_in_sections() -> None:
    run = only(config(SDXL, "sdxl.toml"))
    adapter, training = run.adapter, run.training
    assert (plain(adapter.rank), plain(adapter.alpha), plain(adapter.dropout)) == (32, 16, 0.1)
    assert plain(run.model.name) == "stabilityai/stable-diffusion-xl-base-1.0"
    assert (plain(training.optimizer), plain(training.learning_rate), plain(training.epochs)) == ("AdamW8bit", 1e-4, 10)
    assert plain(training.max_steps) is Unknown  # epochs count
    assert plain(adapter.target_modules) is Unknown


def test_settings_beside_one_another() -> None:
    run = only(config(FLUX, "flux.toml"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 16)
    assert (plain(run.training.learning_rate), plain(run.training.max_steps)) == (8e-5, 2000)


def test_the_gui() -> None:
    run = only(config(GUI, "gui.json"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 8)
    assert (plain(run.training.optimizer), plain(run.training.learning_rate)) == ("AdamW8bit", 1e-4)


def test_musubi_tuner() -> None:
    run = only(config(WAN, "wan.toml"))
    assert run.framework.title == "musubi-tuner"
    assert plain(run.model.name) == "/models/wan2.1_t2v_14B_fp8.safetensors"


def test_defaults() -> None:
    """sd-scripts at 48d368f, train_network.py and networks/lora.py: `network_alpha` is 1, and `network_dim` 4."""
    text = edited(FLUX, ("network_dim = 16\nnetwork_alpha = 16.0\n", ""))
    run = only(config(text, "flux.toml"))
    assert run.adapter.rank == Known(4, None, "framework-default")
    assert run.adapter.alpha == Known(1, None, "framework-default")


def test_an_alpha_of_0_is_the_rank() -> None:
    text = edited(FLUX, ("network_alpha = 16.0", "network_alpha = 0"))
    assert plain(only(config(text, "flux.toml")).adapter.alpha) == 16
    assert codes(text, "flux.toml") == []


@pytest.mark.parametrize(
    "change",
    [
        ('"conv_dim=8",', '"block_dims=2,2,4,4",'),
        ("network_train_unet_only = true", "dim_from_weights = true"),
    ],
)
def test_blocks_of_their_own_ranks(change: tuple[str, str]) -> None:
    adapter = only(config(edited(SDXL, change), "sdxl.toml")).adapter
    assert (plain(adapter.rank), plain(adapter.alpha)) == (Unknown, Unknown)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (FLUX, ("networks.lora_flux", "networks.oft_flux")),
        (FLUX, ("networks.lora_flux", "lycoris.kohya\"\nnetwork_args = [\"algo=lokr\"]\nx = \"")),
        (GUI, ('"Standard"', '"LyCORIS/LoKr"')),
    ],
)  # fmt: skip
def test_no_lora_run(text: str, change: tuple[str, str]) -> None:
    name = "a.json" if text is GUI else "a.toml"
    assert config(edited(text, change), name).runs == ()


def test_locon_of_lycoris_is_lora() -> None:
    text = edited(FLUX, ('"networks.lora_flux"', '"lycoris.kohya"\nnetwork_args = ["algo=locon", "conv_dim=4"]'))
    assert plain(only(config(text, "flux.toml")).adapter.rank) == 16


@pytest.mark.parametrize(("text", "name"), [(SDXL, "a.toml"), (FLUX, "a.toml"), (GUI, "a.json"), (WAN, "a.toml")])
def test_healthy_files_lint_clean(text: str, name: str) -> None:
    assert codes(text, name) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (edited(SDXL, ("network_dim = 32\nnetwork_alpha = 16\n", "network_dim = 64\n")), "a.toml"),
        (edited(GUI, ('"network_dim": 16', '"network_dim": 64'), ('"network_alpha": 8', '"network_alpha": 1')), "a.json"),
        (COMMAND + "--network_dim=64\n", "a.sh"),
    ],
)  # fmt: skip
def test_the_default_alpha_at_a_high_rank(text: str, name: str) -> None:
    assert codes(text, name) == ["LL104"]


@pytest.mark.parametrize("alpha", ["--network_alpha=8", "--network_alpha 8", ""])
def test_a_sweep_over_the_rank(alpha: str) -> None:
    text = f"for dim in 4 8 16 32; do\n  {COMMAND} --network_dim=$dim {alpha}\ndone\n"
    assert "LL101" in codes(text, "sweep.sh")


@pytest.mark.parametrize("alpha", ["--network_alpha=$dim", "--network_alpha $((dim / 2))"])
def test_a_sweep_that_keeps_the_ratio(alpha: str) -> None:
    text = f"# lora-lint: sweep-keeps=ratio\nfor dim in 4 8 16 32; do\n  {COMMAND} --network_dim=$dim {alpha}\ndone\n"
    assert codes(text, "sweep.sh") == []


@pytest.mark.parametrize("name", ["sdxl.toml", "sdxl"])
def test_settings_beside_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "sdxl.toml").write_text(SDXL)
    text = f"accelerate launch sdxl_train_network.py --config_file {name} --network_dim 128\n"
    assert plain(only(shell(text, tmp_path)).adapter.rank) == 128
    assert plain(only(shell(text, tmp_path)).adapter.alpha) == 16


MUSUBI = (
    "accelerate launch --mixed_precision bf16 src/musubi_tuner/{}_train_network.py --dit dit.safetensors "
    "--sdpa --dataset_config d.toml --network_dim 16 --network_alpha 16 --learning_rate 1e-4 --max_train_epochs 8 "
)


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        (
            MUSUBI.format("qwen_image") + "--network_module networks.lora_qwen_image --control_image_path a.png",
            ["control_image_path"],
        ),
        (MUSUBI.format("qwen_image") + "--network_module networks.lora_qwen_image --netwrk_args a=1", ["netwrk_args"]),
        (MUSUBI.format("wan") + "--network_module networks.lora_wan --task t2v-14B --dit_high_noise b", []),
        (MUSUBI.format("zimage") + "--network_module networks.lora_zimage --task t2v-14B", ["task"]),
        (MUSUBI.format("wan") + "--network_module networks.lora_wan --an_option_of_tomorrow 3 --gradient_check", []),
        (COMMAND.replace("sdxl_train", "train") + "--cache_text_encoder_outputs", ["cache_text_encoder_outputs"]),
        (COMMAND + "--cache_text_encoder_outputs --no_half_vae", []),
        (COMMAND.replace("sdxl_", "my_"), []),
        (COMMAND + "--learning_rate_te2 0", ["learning_rate_te2"]),  # of sdxl_train.py
        (COMMAND + "--resolution=768, 768 --output_dir o", ["768"]),
        (COMMAND + "--train_data_dir=/data/my old images --output_dir=o", ["old"]),
        (COMMAND + "--train_data_dir='/data/my images' --output_dir o $EXTRA \"$@\"", []),
    ],
)
def test_options_that_a_script_does_not_have(command: str, unknown: list[str]) -> None:
    findings = engine.lint_text(command.encode(), "run.sh", Settings()).findings
    assert [each.message.split("`")[1] for each in findings if each.code == "LL901"] == unknown


@pytest.mark.parametrize(
    ("options", "lost"),
    [
        ("--network_args train_double_block_indices=1 --network_args train_single_block_indices=1", True),
        ("--network_args a=1 b=2 --network_args b=2 c=3", True),
        ("--network_args a=1 b=2", False),
        ("--network_args a=1 --network_args a=1 b=2", False),
        ("--network_args $ARGS --network_args a=1", False),
        ("--network_args a=1 --network_args $ARGS", False),
        ("--max_train_steps 10 --max_train_steps 20", False),
    ],
)
def test_lists_that_are_given_twice(options: str, lost: bool) -> None:
    assert ("LL905" in codes(COMMAND + "--network_dim 8 --network_alpha 8 " + options, "run.sh")) == lost


@pytest.mark.parametrize(
    ("model", "network", "refused"),
    [
        ("wan", "networks.lora", True),
        ("wan", "networks.lora_wan", False),
        ("wan", "lycoris.kohya", False),
        ("hv_1_5", "networks.lora", False),
        ("hv", "networks.lora_wan", True),
        ("flux_2", "networks.lora_flux", False),
        ("fpack", "networks.lora_wan", True),
        ("krea2", "networks.lora_wan", False),
    ],
)
def test_a_network_for_another_model(model: str, network: str, refused: bool) -> None:
    assert ("LL904" in codes(MUSUBI.format(model) + f"--network_module {network}", "run.sh")) == refused


@pytest.mark.parametrize(
    "option, wrong",
    [
        ("--optimizer_args scale_parameter=Flase relative_step=False", 'optimizer_args="scale_parameter=Flase"'),
        ("--optimizer_args relative_step=true", 'optimizer_args="relative_step=true"'),
        ("--lr_scheduler_args num_cycles", 'lr_scheduler_args="num_cycles"'),
        ('--optimizer_args "betas=0.9,0.99" decouple=True weight_decay=1e-2', None),
        ("--optimizer_args $OPTIMIZER_ARGS", None),
    ],
)
def test_arguments_of_the_optimizer_are_python_literals(option: str, wrong: str | None) -> None:
    command = f"{COMMAND} --network_dim 16 --network_alpha 8 --learning_rate 1e-4 {option}\n"
    report = engine.lint_text(command.encode(), "run.sh", Settings())
    found = [finding.message for finding in report.findings if finding.code == "LL902"]
    assert [wrong] == [message[1:].partition("`:")[0] for message in found] if wrong else found == []


def test_the_gui_splits_the_arguments_of_the_optimizer() -> None:
    one, other = '"optimizer_args": "scale_parameter=False relative_step=False"', '"optimizer_args": ""'
    quoted = '"optimizer": "DAdaptAdam", "optimizer_args": "\\"decouple=True\\" \\"weight_decay=0.2\\""'
    for text in (one, other, quoted):
        assert codes(GUI.replace("{", "{" + text + ",", 1), "gui.json") == codes(GUI, "gui.json")


SD, SDXL_SCRIPT = "accelerate launch train_network.py", "accelerate launch sdxl_train_network.py"
OF_A_NETWORK = "--network_module networks.lora --network_dim 16 --network_alpha 8 --learning_rate 1e-4"


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (f"{SD} --pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0 {OF_A_NETWORK}", True),
        (f"{SD} --pretrained_model_name_or_path 'D:\\models\\sd_xl_base_1.0.safetensors' {OF_A_NETWORK}", True),
        (f"{SDXL_SCRIPT} --pretrained_model_name_or_path=runwayml/stable-diffusion-v1-5 {OF_A_NETWORK}", True),
        (f"{SD} --v2 --pretrained_model_name_or_path=v1-5-pruned.safetensors {OF_A_NETWORK}", True),
        (f"{SDXL_SCRIPT} --pretrained_model_name_or_path=sd_xl_base_1.0.safetensors {OF_A_NETWORK}", False),
        (f"{SD} --pretrained_model_name_or_path=/data/sdxl/v1-5-pruned.safetensors {OF_A_NETWORK}", False),
        (f"{SD} --v2 --pretrained_model_name_or_path=stabilityai/stable-diffusion-2-1 {OF_A_NETWORK}", False),
        (f"{SDXL_SCRIPT} --pretrained_model_name_or_path=my-sdxl-v1.5.safetensors {OF_A_NETWORK}", False),
        (f"{SD} --pretrained_model_name_or_path=$MODEL {OF_A_NETWORK}", False),
        (f"accelerate launch flux_train_network.py --pretrained_model_name_or_path=f.sft {OF_A_NETWORK}", True),
        (
            "accelerate launch flux_train_network.py --pretrained_model_name_or_path=f.sft "
            + OF_A_NETWORK.replace("networks.lora", "networks.lora_flux")
            + " --clip_l c.sft --t5xxl t.sft --ae a.sft",
            False,
        ),
    ],
)
def test_weights_and_networks_of_another_model(command: str, refused: bool) -> None:
    assert ("LL904" in codes(command + "\n", "run.sh")) == refused


@pytest.mark.parametrize(
    ("rates", "refused"),
    [
        ("--unet_lr 0 --network_train_unet_only", True),
        ("--unet_lr=0.0 --text_encoder_lr=0 --learning_rate=1e-4", True),
        ("--learning_rate 0 --network_train_unet_only", True),
        ("--learning_rate 0 --unet_lr 1e-4 --network_train_unet_only", False),
        ("--unet_lr 0 --text_encoder_lr 1e-5 --learning_rate 1e-4", False),
        ("--unet_lr 1e-4 --text_encoder_lr 0", False),
        ("--learning_rate 0 --text_encoder_lr 5e-5", False),
    ],
)
def test_something_has_to_have_a_learning_rate(rates: str, refused: bool) -> None:
    assert ("LL904" in codes(f"{COMMAND} --network_dim 16 --network_alpha 8 {rates}\n", "run.sh")) == refused


FLUX_COMMAND = (
    "accelerate launch flux_train_network.py --network_module networks.lora_flux --network_train_unet_only "
    "--network_dim 16 --network_alpha 16 --pretrained_model_name_or_path flux1-dev.safetensors --mixed_precision bf16 "
    "--learning_rate 1e-4 --dataset_config data.toml"
)
WAN_COMMAND = (
    "accelerate launch wan_train_network.py --network_module networks.lora_wan --task t2v-14B --dit a.safetensors "
    "--network_dim 16 --network_alpha 16 --mixed_precision bf16 --learning_rate 1e-4 --dataset_config data.toml"
)
CACHED = " --cache_text_encoder_outputs"
TEXTS = "[general]\ncaption_extension = '.txt'\n"
SUBSET = "[[datasets]]\nresolution = 1024\n[[datasets.subsets]]\nimage_dir = 'a'\n"


@pytest.mark.parametrize(
    ("command", "data", "told"),
    [
        (FLUX_COMMAND, SUBSET, None),
        (FLUX_COMMAND, "network_dim = 16\n" + SUBSET, "stops at `network_dim`"),
        (FLUX_COMMAND + CACHED, SUBSET, None),
        (FLUX_COMMAND + CACHED, "[general]\ncaption_dropout_rate = 0.1\n" + SUBSET, "caption_dropout_rate=0.1"),
        (FLUX_COMMAND + CACHED, SUBSET + "shuffle_caption = true\n", "shuffle_caption=True"),
        (FLUX_COMMAND + CACHED, SUBSET + "shuffle_caption = false\n", None),
        (FLUX_COMMAND + CACHED, "[general]\nshuffle_caption = true\n" + SUBSET + "shuffle_caption = false\n", None),
        (FLUX_COMMAND, SUBSET + "shuffle_caption = true\n", None),
        (WAN_COMMAND, TEXTS + "[[datasets]]\nvideo_directory = 'a'\n[[datasets]]\nimage_directory = 'b'\n", None),
        (
            WAN_COMMAND,
            TEXTS + "[[datasets]]\nvideo_directory = 'a'\n[[datasets]]\nimage_directory = 'a'\n",
            "a cache of its own",
        ),
        (
            WAN_COMMAND,
            TEXTS + "[[datasets]]\nvideo_directory = 'a'\ncache_directory = 'b'\n[[datasets]]\nvideo_directory = 'a'\n"
            "cache_directory = 'c'\n",
            None,
        ),
        (FLUX_COMMAND, "[[datasets]\n", "stops at line 1"),
    ],
)
def test_the_file_of_the_data(tmp_path: Path, command: str, data: str, told: str | None) -> None:
    (tmp_path / "data.toml").write_text(data)
    (tmp_path / "train.sh").write_text(command + "\n")
    found = [each for each in engine.lint([str(tmp_path / "train.sh")], Settings()).findings if each.code == "LL902"]
    assert [told in each.message for each in found if told] == ([True] if told else [])
    assert len(found) == (told is not None)
