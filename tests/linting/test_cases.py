"""What is wrong only in a case that callers choose by an option: said once, and how to get there."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import lora_lint
from tests.support.reading import IMPORTS

if TYPE_CHECKING:
    from pathlib import Path

START = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--phi", action="store_true")
parser.add_argument("--model", default="llama")
args = parser.parse_args()
"""
LLAMA, PHI = "meta-llama/Llama-2-7b-hf", "microsoft/phi-2"


def lint(folder: Path, program: str) -> list[tuple[str, str, str]]:
    """Code, confidence and the first words of each error."""
    path = folder / "train.py"
    path.write_text(IMPORTS + START + textwrap.dedent(program))
    findings = lora_lint.lint(path).findings
    return [(each.code, each.confidence, each.message[:60]) for each in findings if each.level == "error"]


def test_a_model_under_an_option(tmp_path: Path) -> None:
    program = f"""
        name = "{PHI}" if args.phi else "{LLAMA}"
        model = AutoModelForCausalLM.from_pretrained(name)
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"]))
        """
    [(code, confidence, message)] = lint(tmp_path, program)
    assert (code, confidence) == ("LL202", "likely")
    assert message.startswith("With `--phi`, `o_proj` is not in microsoft/phi-2")


def test_what_is_wrong_by_default_is_not_said_to_need_an_option(tmp_path: Path) -> None:
    program = f"""
        name = "{LLAMA}" if args.phi else "{PHI}"
        model = AutoModelForCausalLM.from_pretrained(name)
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"]))
        """
    [(code, confidence, message)] = lint(tmp_path, program)
    assert (code, confidence) == ("LL202", "likely")
    assert message.startswith("`o_proj` is not in microsoft/phi-2")


def test_what_is_wrong_in_every_case_is_said_once(tmp_path: Path) -> None:
    program = f"""
        name = "{PHI}" if args.phi else "{LLAMA}"
        model = AutoModelForCausalLM.from_pretrained(name)
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "wrong"]))
        """
    found = lint(tmp_path, program)
    assert sorted(code for code, _, _ in found) == ["LL105", "LL202"]
    assert not any(message.startswith("With") for _, _, message in found)


def test_targets_that_fit_each_model(tmp_path: Path) -> None:
    program = f"""
        MODELS = {{"llama": "{LLAMA}", "phi": "{PHI}"}}
        TARGETS = {{"llama": ["q_proj", "o_proj"], "phi": ["q_proj", "dense"]}}
        model = AutoModelForCausalLM.from_pretrained(MODELS[args.model])
        targets = TARGETS[args.model]
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets))
        """
    assert lint(tmp_path, program) == []


def test_a_framework_name_in_the_middle_of_a_sentence(tmp_path: Path) -> None:
    program = f"""
        targets = ["q_proj"] if args.model == "llama" else "q_proj"
        model = AutoModelForCausalLM.from_pretrained("{LLAMA}")
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets))
        """
    [(code, _, message)] = lint(tmp_path, program)
    assert (code, message[:24]) == ("LL201", "With another `--model`, ")
