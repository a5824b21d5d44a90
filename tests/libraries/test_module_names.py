"""Targets that a program chooses by the names that `named_modules()` gives."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

LLAMA = "meta-llama/Llama-2-7b-hf"
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PROGRAM = """
import torch
import bitsandbytes as bnb
model = AutoModelForCausalLM.from_pretrained("MODEL")
CHOOSE
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets))
Trainer(model=model).train()
"""


def targets(choose: str, model: str = LLAMA) -> object:
    text = PROGRAM.replace("MODEL", model).replace("CHOOSE", textwrap.dedent(choose))
    return plain(only(read_python(IMPORTS + text)).adapter.target_modules)


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (
            """
            def linear_names(model, heads=("lm_head", "score")):
                names = set()
                for name, module in model.named_modules():
                    if isinstance(module, torch.nn.Linear):
                        parts = name.split(".")
                        names.add(parts[0] if len(parts) == 1 else parts[-1])
                for head in heads:
                    if head in names:
                        names.remove(head)
                return list(names)
            targets = linear_names(model)
            """,
            ALL,
        ),
        (
            """
            names = []
            for name, module in model.named_modules():
                if isinstance(module, (bnb.nn.Linear4bit, bnb.nn.Linear8bitLt)):
                    names.append(name.split(".")[-1])
            targets = list(set(names))
            """,
            ALL,
        ),
        (
            """
            skip = ["lm_head", "mlp"]
            targets = set()
            for name, module in model.named_modules():
                if any(part in name for part in skip):
                    continue
                if "Linear" in module.__class__.__name__:
                    targets.add(name.rsplit(".", 1)[-1])
            targets = sorted(targets)
            """,
            ("k_proj", "o_proj", "q_proj", "v_proj"),
        ),
        (
            """
            wanted = ["q_proj", "v_proj", "query_key_value", "c_attn"]
            present = {name.split(".")[-1] for name, _ in model.named_modules()}
            targets = [each for each in wanted if each in present]
            """,
            ("q_proj", "v_proj"),
        ),
        (
            """
            names = [name for name, _ in model.named_modules()]
            if any(name.endswith("c_attn") for name in names):
                targets = ["c_attn"]
            elif any("q_proj" in name for name in names):
                targets = ["q_proj", "v_proj"]
            else:
                targets = ["query_key_value"]
            """,
            ("q_proj", "v_proj"),
        ),
        (
            """
            targets = [
                name for name, module in model.named_modules()
                if any(f"layers.{n}." in name for n in range(30, 32)) and name.endswith(("q_proj", "v_proj"))
            ]
            """,
            tuple(f"model.layers.{n}.self_attn.{each}" for n in (30, 31) for each in ("q_proj", "v_proj")),
        ),
    ],
)
def test_names_that_are_chosen(choose: str, expected: tuple[str, ...]) -> None:
    assert targets(choose) == expected


CHOICE = """
targets = []
for name, module in model.named_modules():
    if name.endswith("q_proj"):
        targets.append(name.split(".")[-1])
"""


def test_of_a_model_that_is_not_known() -> None:
    assert targets(CHOICE) == ("q_proj",) * 32
    assert targets(CHOICE, "someone/unheard-of") is Unknown


def test_of_a_model_that_has_an_adapter_already() -> None:
    wrapped = "model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=['q_proj']))\n" + CHOICE
    text = PROGRAM.replace("MODEL", LLAMA).replace("CHOOSE", wrapped)
    assert {plain(run.adapter.target_modules) for run in read_python(IMPORTS + text).runs} == {("q_proj",), Unknown}


@pytest.mark.parametrize("change", ["module.weight.requires_grad = True", "module.to(torch.float32)"])
def test_loops_that_change_modules_are_followed_once(change: str) -> None:
    loop = f"for name, module in model.named_modules():\n    if 'norm' in name:\n        {change}\ntargets = ['q_proj']"
    assert targets(loop) == ("q_proj",)
    chosen = f"targets = []\nfor name, module in model.named_modules():\n    targets.append(name)\n    {change}"
    assert targets(chosen) is Unknown


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("model.modules", r"\((\w+)\): Linear", (*ALL, "lm_head")),
        ("model", r"\((\w+)\): Linear", (*ALL, "lm_head")),
        ("model", r"\((\w+_proj)\)", ALL),
        ("model", r"\((\w+)\): (\w+)", Unknown),
        ("model", "(", Unknown),
    ],
)
def test_names_in_a_model_that_is_printed(text: str, pattern: str, expected: object) -> None:
    choose = f"import re\ntargets = list(set(re.findall(r'{pattern}', str({text}))))"
    assert targets(choose) == expected


@pytest.mark.parametrize(("bits", "found"), [("load_in_4bit=True", True), ("load_in_8bit=True", False)])
def test_names_in_a_quantised_model_that_is_printed(bits: str, found: bool) -> None:
    choose = f"""
    import re
    model = AutoModelForCausalLM.from_pretrained("{LLAMA}", {bits})
    targets = re.findall(r"\\((\\w+)\\): Linear4bit", str(model))
    """
    assert targets(choose) == (ALL if found else ())
