"""`--online`: what is fetched with consent, and that nothing is fetched without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lora_lint
from tests.support.hub import Hub, safetensors, serving
from tests.support.processes import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.process, pytest.mark.torch]

PACKAGE = str(Path(lora_lint.__file__).parents[1])
MODEL = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "tie_word_embeddings": False,
}
ADAPTER = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "org/new-model",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj", "v_porj"],
    "inference_mode": True,
}
LAYERS = {
    f"base_model.model.model.layers.{number}.self_attn.q_proj.lora_{matrix}.weight": shape
    for number in range(3)
    for matrix, shape in (("A", (8, 64)), ("B", (64, 8)))
}
WIDER = {name: tuple(4096 if size == 64 else size for size in shape) for name, shape in LAYERS.items()}
PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("{name}")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_porj"]))
Trainer(model=model).train()
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    config = json.dumps(ADAPTER, indent=1).encode()
    repositories = {
        "org/new-model": {"config.json": json.dumps(MODEL).encode()},
        "org/gated": "GatedRepo",
        "org/empty": {"README.md": b""},
        "user/adapter": {"adapter_config.json": config, "adapter_model.safetensors": safetensors(LAYERS, 0)},
        "user/larger": {"adapter_config.json": config, "adapter_model.safetensors": safetensors(WIDER)},
        "user/damaged": {"adapter_config.json": config, "adapter_model.safetensors": b"\xff" * 64},
        "user/checkpoints": {"last/adapter_config.json": config},
    }
    with serving(repositories) as running:
        yield running


@pytest.fixture(autouse=True)
def program(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(PROGRAM.format(name="org/new-model"), encoding="utf-8")
    return path


def run(folder: Path, hub: Hub | None, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    hidden = {"HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HTTP_PROXY", "http_proxy"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    address = hub.address if hub is not None else "http://127.0.0.1:9"
    environment |= {"HF_HOME": str(folder / "home"), "HF_ENDPOINT": address, "PYTHONPATH": PACKAGE, **more}
    command = [sys.executable, "-m", "lora_lint", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE)


def concise(folder: Path, hub: Hub | None, *arguments: str, **more: str) -> str:
    done = run(folder, hub, "--output-format", "concise", *arguments, **more)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def test_a_config_is_fetched_with_consent_and_found_offline_afterwards(tmp_path: Path, hub: Hub) -> None:
    assert "LL202" not in concise(tmp_path, hub, "train.py")
    assert "`v_porj` (did you mean `v_proj`?) is not in org/new-model (llama)" in concise(
        tmp_path, hub, "--online", "train.py"
    )
    assert "`v_porj` (did you mean `v_proj`?) is not in org/new-model (llama)" in concise(tmp_path, None, "train.py")


def test_inspect_and_recommend_are_exact_for_a_model_of_the_hub(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "train.py").write_text(PROGRAM.replace('"{name}"', "open('name').read()"), encoding="utf-8")
    shown = run(tmp_path, hub, "inspect", "--online", "--model", "org/new-model", "train.py").stdout
    assert "3,072" in shown  # 3 layers, rank 8, 64 in and 64 out
    assert run(tmp_path, hub, "recommend", "--model", "org/new-model", HF_HOME=str(tmp_path / "other")).returncode == 2
    done = run(tmp_path, hub, "recommend", "--online", "--model", "org/new-model", HF_HOME=str(tmp_path / "third"))
    assert done.returncode == 0, done.stderr
    assert "gate_proj" in done.stdout


def test_an_adapter_is_linted_by_its_id(tmp_path: Path, hub: Hub) -> None:
    before = hub.sent
    done = run(tmp_path, hub, "--online", "--output-format", "concise", "hf://user/larger")
    places = [line.split(":")[:2] for line in done.stdout.splitlines() if line.startswith("hf:")]
    assert places and all(place == ["hf", "//user/larger/adapter_config.json"] for place in places), done.stdout
    assert "LL704" in done.stdout  # other sizes than the base model's, by the header of the weights
    assert done.returncode == 1
    assert hub.sent - before < 103_000  # of 786,000 bytes of weights the first 100,001, and two configs
    assert not list(tmp_path.glob("hf*"))


def test_weights_that_were_not_fetched_are_not_called_untrained(tmp_path: Path, hub: Hub) -> None:
    output = concise(tmp_path, hub, "--online", "hf://user/adapter")
    assert "adapter_config.json" in output
    assert "LL703" not in output
    assert "zero" not in output


def test_an_adapter_in_a_folder_of_a_repository(tmp_path: Path, hub: Hub) -> None:
    assert "hf://user/checkpoints/last/adapter_config.json:" in concise(
        tmp_path, hub, "--online", "hf://user/checkpoints/last@main"
    )


def test_an_adapter_is_inspected_by_its_id(tmp_path: Path, hub: Hub) -> None:
    done = run(tmp_path, hub, "inspect", "--online", "hf://user/adapter")
    assert "q_proj 64→64 ×3" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hf://user/adapter",), "hf://user/adapter is on the hub, which lora-lint asks with --online only"),
        (("inspect", "hf://user/adapter"), "asks with --online only"),
        (("--online", "hf://user/adapter", "train.py"), "hf://user/adapter is read by itself: give no other path"),
        (("--online", "--fix", "hf://user/adapter"), "an adapter on the hub cannot be fixed: download it first"),
        (("--online", "hf://user"), "hf://user names no adapter: write hf://user/adapter"),
        (("--online", "hf://us er/adapter"), "us er/adapter is no id of the hub: write user/name"),
        (("--online", "hf://user/nothing"), "the hub has no user/nothing: check the name"),
        (("--online", "hf://org/gated"), "org/gated is gated: accept its terms on http://127.0.0.1"),
        (("--online", "hf://org/empty"), "org/empty has no adapter_config.json on the hub"),
        (("--online", "hf://user/damaged"), "user/damaged has a damaged adapter_model.safetensors on the hub"),
    ],
)
def test_what_is_not_fetched_is_explained(tmp_path: Path, hub: Hub, arguments: tuple[str, ...], said: str) -> None:
    done = run(tmp_path, hub, *arguments)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    assert not done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("org/gated", "org/gated is gated: accept its terms"),
        ("org/nothing", "the hub has no org/nothing"),
        ("org/empty", "org/empty has no config.json on the hub"),
    ],
)
def test_a_model_that_is_not_fetched_is_a_note(tmp_path: Path, hub: Hub, program: Path, name: str, said: str) -> None:
    program.write_text(PROGRAM.format(name=name), encoding="utf-8")
    done = run(tmp_path, hub, "--online", "train.py")
    assert said in done.stderr
    assert "1 run of 1 file" in done.stdout
    assert done.returncode == 0


def test_a_hub_that_cannot_be_reached_is_a_note(tmp_path: Path) -> None:
    assert "org/new-model was not fetched: http://127.0.0.1:9 cannot be reached" in concise(
        tmp_path, None, "--online", "train.py"
    )
    assert "org/new-model was not fetched: HF_HUB_OFFLINE is set" in concise(
        tmp_path, None, "--online", "train.py", HF_HUB_OFFLINE="1"
    )


def test_without_the_extra_the_message_names_it(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "site").mkdir()
    hiding = "import sys\nsys.modules['huggingface_hub'] = None\n"
    (tmp_path / "site/sitecustomize.py").write_text(hiding, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path / "site"), PACKAGE))
    done = run(tmp_path, hub, "--online", "train.py", PYTHONPATH=path)
    assert done.returncode == 2
    assert '--online needs huggingface_hub: pip install "lora-lint[online]"' in done.stderr


REFUSING = """\
import sys


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print("NETWORK", event, arguments[-1], file=sys.stderr)
        raise OSError("the network is forbidden")


sys.addaudithook(refuse)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("train.py",),
        ("--no-cache", "--model", "org/new-model", "."),
        ("inspect", "train.py"),
        ("inspect", "--model", "org/new-model", "."),
        ("recommend", "--model", "org/new-model"),
        ("hf://user/adapter",),
        pytest.param(("--verify", "--device", "meta", "train.py"), marks=pytest.mark.slow),
        pytest.param(("learn", "llama", "--out", "facts"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_nothing_is_fetched_without_consent(tmp_path: Path, hub: Hub, arguments: tuple[str, ...]) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(REFUSING, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path / "site"), PACKAGE))
    before = len(hub.asked)
    done = run(tmp_path, hub, *arguments, PYTHONPATH=path)
    assert "NETWORK" not in done.stderr
    assert len(hub.asked) == before
    assert "Traceback" not in done.stderr


def test_the_network_would_be_seen(tmp_path: Path, hub: Hub) -> None:
    """The test above sees what it is to see."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(REFUSING, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path / "site"), PACKAGE))
    assert "NETWORK" in run(tmp_path, hub, "--online", "train.py", PYTHONPATH=path).stderr
