"""A finding on a value that is written in another file says where, and says so of no other value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint.linting.cache import Cache
from lora_lint.linting.engine import lint
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome

MODULE = """\
LORA = dict(r=64, lora_alpha=16, target_modules=["q_proj", "v_prj"])
MODEL = "meta-llama/Llama-2-7b-hf"
"""
PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, Trainer
from conf import LORA, MODEL

model = AutoModelForSequenceClassification.from_pretrained(MODEL)
model = get_peft_model(model, LoraConfig(**LORA))
Trainer(model=model).train()
"""
LAUNCHED = """\
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="gpt2")
parser.add_argument("--lora_r", type=int, default=8)
parser.add_argument("--lora_alpha", type=int, default=16)
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(args.model)
config = LoraConfig(r=args.lora_r, lora_alpha=args.lora_alpha, target_modules=["q_proj", "v_prj"])
model = get_peft_model(model, config)
Trainer(model=model).train()
"""
AXOLOTL = """\
base_model: meta-llama/Llama-2-7b-hf
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_modules: [q_proj, v_proj]
datasets:
  - path: x.json
    type: alpaca
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def places(outcome: Outcome, finding: Finding) -> list[tuple[str, str, str]]:
    """Each related place: its file, what is written there, and what is said of it."""
    found = []
    for related in finding.related:
        path, start, end = related.span
        found.append((path, outcome.source(path).utf8[start:end].decode(), related.message))
    return found


def linted(**files: str) -> dict[str, tuple[str, list[tuple[str, str, str]]]]:
    """For each rule that finds something, the file of the finding and its related places."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        Path(f"{stem}.{suffix}").write_text(text)
    outcome = lint(["."], Settings())
    return {finding.code: (finding.span.path, places(outcome, finding)) for finding in outcome.findings}


def test_a_module() -> None:
    found = linted(conf_py=MODULE, train_py=PROGRAM)
    assert found["LL102"] == (
        "train.py",
        [("conf.py", "64", "`64` is written here"), ("conf.py", "16", "`16` is written here")],
    )
    assert found["LL202"] == (
        "train.py",
        [
            ("conf.py", '"meta-llama/Llama-2-7b-hf"', "the model is meta-llama/Llama-2-7b-hf: llama"),
            ("conf.py", '["q_proj", "v_prj"]', "the value is written here"),
        ],
    )


def test_a_finding_about_another_value_does_not_name_it() -> None:
    """The config is made in another file: all of its values share the place where the program takes it."""
    made = "LoraConfig(r=8, lora_alpha=0, init_lora_weights=False)"
    config = f"from peft import LoraConfig\nCONFIG = {made}\n"
    program = PROGRAM.replace("import LORA, MODEL", "import CONFIG").replace("LoraConfig(**LORA)", "CONFIG")
    found = linted(conf_py=config, train_py=program.replace("MODEL", '"meta-llama/Llama-2-7b-hf"'))
    assert found["LL406"] == ("train.py", [("conf.py", made, "the adapter's config is built here")])
    assert found["LL413"] == ("train.py", [("conf.py", "False", "`False` is written here")])
    assert found["LL105"] == ("conf.py", [("train.py", "get_peft_model(model, CONFIG)", "the same applies here")])


def test_a_config_that_is_loaded() -> None:
    program = PROGRAM.replace("from conf import LORA, MODEL", 'import json\nconf = json.load(open("conf.json"))')
    program = program.replace("MODEL", 'conf["model"]').replace("**LORA", 'r=conf["r"], lora_alpha=conf["alpha"]')
    found = linted(conf_json='{"model": "meta-llama/Llama-2-7b-hf", "r": 64, "alpha": 16}', train_py=program)
    assert found["LL102"] == (
        "train.py",
        [("conf.json", "64", "`64` is written here"), ("conf.json", "16", "`16` is written here")],
    )
    assert found["LL406"] == ("train.py", [])


def test_a_command_names_the_place_in_the_program() -> None:
    command = "python train.py --model meta-llama/Llama-2-7b-hf --lora_r 64\n"
    found = linted(train_py=LAUNCHED, run_sh=command)
    path, related = found["LL202"]
    assert path == "run.sh"
    assert ("train.py", '["q_proj", "v_prj"]', "the value is written here") in related
    assert found["LL102"] == ("run.sh", [("train.py", "16", "`16` is written here")])


def test_a_command_names_the_place_in_the_config() -> None:
    found = linted(config_yml=AXOLOTL, run_sh="axolotl train config.yml --lora-r 64\n")
    assert found["LL102"] == ("run.sh", [("config.yml", "16", "`16` is written here")])


def test_what_a_flag_decides_is_found_at_the_flag() -> None:
    found = linted(train_py=LAUNCHED, run_sh="python train.py --model meta-llama/Llama-2-7b-hf --lora_alpha 0\n")
    assert found["LL105"] == ("run.sh", [])


def test_results_that_were_kept_say_the_same() -> None:
    linted(conf_py=MODULE, train_py=PROGRAM)
    first, again = (lint(["."], Settings(), cache=Cache(Settings())) for _ in range(2))
    assert first.findings == again.findings
    subjects = {finding.code: [value.value for value in finding.subjects] for finding in again.findings}
    assert subjects["LL102"] == [64, 16]
    assert subjects["LL406"] == []
