"""Every config class of the installed PEFT, on a small model: recognised, its targets checked, its parameters counted as
PEFT counts them, or not at all. Needs torch, transformers and peft."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import peft
import pytest
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from transformers import LlamaConfig, LlamaForCausalLM

from lora_lint.discovery import Found
from lora_lint.inspection.facts import facts
from lora_lint.knowledge import methods
from lora_lint.linting.checker import Checker
from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.settings import Settings
from lora_lint.source import SourceFile

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Run

CLASSES = sorted({config.__name__ for config in PEFT_TYPE_TO_CONFIG_MAPPING.values()})
TARGETS = ("k_proj", "gate_proj")
SMALL = LlamaConfig(
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=100,
    tie_word_embeddings=False,
)
NEEDED: dict[str, list[dict[str, Any]]] = {
    "AdaLoraConfig": [{"total_step": 10}, {"total_step": 10, "init_r": 6, "target_r": 4}],
    "BOFTConfig": [{}, {"boft_block_size": 8}, {"boft_block_size": 0, "boft_block_num": 8}],
    "C3AConfig": [{"block_size": 16}],
    "DeftConfig": [{}, {"r": 4, "para": True}],
    "DeloraConfig": [{}, {"r": 3}],
    "FourierFTConfig": [{"n_frequency": 20}],
    "GloraConfig": [{}, {"config_A_B": "vector"}],
    "GraloraConfig": [{"r": 8}, {"r": 8, "hybrid_r": 4}],
    "HRAConfig": [{}, {"r": 4}],
    "HiraConfig": [{"r": 4}],
    "IA3Config": [{"feedforward_modules": ["gate_proj"]}, {"feedforward_modules": []}, {}],
    "LoHaConfig": [{}, {"r": 3}],
    "LoKrConfig": [{}, {"r": 2}, {"r": 1, "decompose_both": True}, {"r": 2, "decompose_factor": 8}],
    "MissConfig": [{"r": 8}, {"r": 8, "init_weights": "bat"}],
    "OFTConfig": [{"oft_block_size": 16}, {"r": 4, "oft_block_size": 0}, {"oft_block_size": 16, "block_share": True}],
    "OSFConfig": [{}, {"effective_rank": 4}],
    "PeanutConfig": [{"r": 4}, {"r": 4, "depth": 2}],
    "PolyConfig": [{}, {"n_tasks": 3, "n_skills": 2, "n_splits": 2, "r": 4}],
    "PsoftConfig": [{"r": 8}, {"r": 8, "psoft_mag_a": False}, {"r": 8, "psoft_orth": False}],
    "PveraConfig": [{"r": 16}],
    "RandLoraConfig": [{"r": 16}, {"r": 5}],
    "RoadConfig": [
        {"group_size": 16},
        {"group_size": 16, "variant": "road_2"},
        {"group_size": 16, "variant": "road_4"},
    ],
    "ShiraConfig": [{"r": 4}],
    "UniLoraConfig": [{}, {"theta_d_length": 64}],
    "VBLoRAConfig": [{"num_vectors": 10, "vector_length": 8, "topk": 2}],
    "VeraConfig": [{"r": 16}],
    "WaveFTConfig": [{"n_frequency": 20}],
}
"""The settings with which each is tried; the others with what they need for this model, or none."""
OTHERS: dict[str, dict[str, Any]] = {
    "FrodConfig": {},
    "PromptTuningConfig": {"num_virtual_tokens": 4},
    "PrefixTuningConfig": {"num_virtual_tokens": 4},
    "PromptEncoderConfig": {"num_virtual_tokens": 4},
    "MultitaskPromptTuningConfig": {"num_virtual_tokens": 4},
    "AdaptionPromptConfig": {"adapter_len": 4, "adapter_layers": 2},
}
COUNTED = [(name, settings) for name, several in NEEDED.items() for settings in several]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the small model in it."""
    place = tmp_path_factory.mktemp("methods")
    SMALL.architectures = ["LlamaForCausalLM"]
    SMALL.save_pretrained(place / "model")
    return place


def program(name: str, settings: dict[str, Any]) -> str:
    given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    return (
        f"from peft import {name}, get_peft_model\nfrom transformers import AutoModelForCausalLM, Trainer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("model")\n'
        f"model = get_peft_model(model, {name}({given}))\n"
        "Trainer(model=model, train_dataset=data).train()\n"
    )


def run_of(text: str, folder: Path) -> tuple[Run, SourceFile, Project]:
    source, project = SourceFile(f"{folder}/train.py", "python", text.encode()), Project(folder.as_posix())
    reading = read(source, project)
    assert len(reading.runs) == 1
    return reading.runs[0], source, project


def findings(text: str, folder: Path) -> dict[str, str]:
    found = Found(f"{folder}/train.py", "python", text.encode(), True)
    return {
        each.code: each.message
        for each in Checker(Settings(root=folder.as_posix())).check(found).findings
        if each.level != "advice"
    }


def has_targets(name: str) -> bool:
    return "target_modules" in {field.name for field in dataclasses.fields(getattr(peft, name))}


def counted_by_peft(name: str, settings: dict[str, Any]) -> int:
    torch.manual_seed(0)
    config = getattr(peft, name)(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(LlamaForCausalLM(SMALL), config)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.parametrize("name", CLASSES)
def test_every_config_is_recognised(name: str, folder: Path) -> None:
    settings = (NEEDED.get(name) or [OTHERS.get(name, {})])[0]
    settings = settings | ({"target_modules": list(TARGETS)} if methods.adapts_layers(name) else {})
    text = program(name, settings)
    run, _, _ = run_of(text, folder)
    assert run.method == name
    assert findings(text, folder) == {}


@pytest.mark.parametrize("name", [name for name in CLASSES if methods.adapts_layers(name)])
def test_a_wrong_target_is_reported(name: str, folder: Path) -> None:
    settings = (NEEDED.get(name) or [OTHERS.get(name, {})])[0]
    assert has_targets(name)
    part = findings(program(name, settings | {"target_modules": ["k_proj", "w_proj"]}), folder)
    assert "`w_proj` is not in" in part["LL202"]
    none = findings(program(name, settings | {"target_modules": ["w_proj"]}), folder)
    assert "`w_proj` is not in" in none["LL201"]


@pytest.mark.parametrize(
    ("name", "settings"), COUNTED, ids=[f"{name}-{number}" for number, (name, _) in enumerate(COUNTED)]
)
@pytest.mark.parametrize("targets", [list(TARGETS), ["q_proj", "v_proj", "down_proj"]])
def test_counts_are_those_of_peft_or_not_known(
    name: str, settings: dict[str, Any], targets: list[str], folder: Path
) -> None:
    whole = settings | {"target_modules": targets, "task_type": "CAUSAL_LM"}
    if name == "IA3Config" and not set(settings.get("feedforward_modules", ())) <= set(targets):
        whole["feedforward_modules"] = ["down_proj"]  # PEFT wants a subset
    run, source, project = run_of(program(name, whole), folder)
    counted = facts(run, source, project)["parameters"]
    assert counted.get("trainable", None) in (None, counted_by_peft(name, whole)), counted
    assert "trainable" in counted or (name, settings) in UNKNOWN


UNKNOWN = [
    ("GloraConfig", {"config_A_B": "vector"}),
    ("MissConfig", {"r": 8, "init_weights": "bat"}),
    ("OSFConfig", {"effective_rank": 4}),
    ("PeanutConfig", {"r": 4, "depth": 2}),
]
"""What is not counted."""


@pytest.mark.parametrize("name", [name for name in CLASSES if methods.adapts_layers(name) and name not in NEEDED])
def test_what_is_not_counted_is_shown_as_unknown(name: str, folder: Path) -> None:
    if name == "LoraConfig":
        return
    run, source, project = run_of(program(name, OTHERS.get(name, {}) | {"target_modules": list(TARGETS)}), folder)
    counted = facts(run, source, project)["parameters"]
    if name in ("BeftConfig", "LNTuningConfig"):
        assert counted["trainable"] == counted_by_peft(name, {"target_modules": list(TARGETS)})
    else:
        assert counted == {"unknown": f"the parameters of {name} are not counted under these settings"}


def test_the_table_is_that_of_the_installed_peft() -> None:
    assert methods.classes() | {"LoraConfig"} == set(CLASSES)


@pytest.mark.parametrize(("name", "settings"), [(name, several[0]) for name, several in NEEDED.items()])
def test_a_saved_config_is_counted_alike(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    SMALL.architectures = ["LlamaForCausalLM"]
    SMALL.save_pretrained(tmp_path / "model")
    config = getattr(peft, name)(**settings, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    config.base_model_name_or_path = "model"
    config.save_pretrained(tmp_path)
    path = tmp_path / "adapter_config.json"
    source, project = SourceFile(path.as_posix(), "json", path.read_bytes()), Project(tmp_path.as_posix())
    (run,) = read(source, project).runs
    assert run.method == name
    assert facts(run, source, project)["parameters"]["trainable"] == counted_by_peft(
        name, settings | {"target_modules": list(TARGETS)}
    )
