"""Loops that are no sweeps: several adapters on one model, and what only the first turn does."""

from __future__ import annotations

import pytest

from lora_lint.rules import RUN_CHECKS, SWEEP_CHECKS
from tests.support.reading import IMPORTS, plain, read_python

PILED = """
def build(model, table):
    first = True
    for r, modules in {ranks}:
        config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=modules)
        if first:
            model = get_peft_model(model, config)
            first = False
        else:
            model.add_adapter(f"r{{r}}", config)
    return model
"""


def codes(program: str) -> set[str]:
    reading = read_python(IMPORTS + program)
    found = [finding for run in reading for code in ("LL408",) for finding in RUN_CHECKS[code](run, {})]
    options = {"LL107": {"max-ratio": 2}}
    for sweep in reading.sweeps:
        found += [f for code, check in SWEEP_CHECKS.items() for f in check(sweep, options.get(code, {}))]
    return {finding.code for finding in found}


def test_named_adapters_of_several_ranks_on_one_model() -> None:
    assert codes(PILED.format(ranks='[(8, ["q_proj"]), (16, ["v_proj"]), (32, ["o_proj"])]')) == set()


def test_what_the_first_turn_of_an_unknown_loop_does() -> None:
    assert codes(PILED.format(ranks="table.items()")) == set()


def test_every_turn_of_an_unknown_loop() -> None:
    program = (
        "base = AutoModelForCausalLM.from_pretrained('openai-community/gpt2')\nfor r in ranks:\n"
        "    model = get_peft_model(base, LoraConfig(r=r, target_modules=['c_attn']))\n    Trainer(model).train()\n"
    )
    assert codes(program) == {"LL408"}


def test_equal_targets_in_each_turn_are_advice() -> None:
    program = (
        "base = AutoModelForCausalLM.from_pretrained('openai-community/gpt2')\nfor {} in {}:\n"
        "    model = get_peft_model(base, LoraConfig(r=8, target_modules={}))\n    Trainer(model).train()\n"
    )
    for turns, level in (
        (("r", "[8, 16]", "['c_attn']"), "advice"),
        (("targets", "(['c_attn'], ['c_proj'])", "targets"), None),
    ):
        [found] = {
            each for run in read_python(IMPORTS + program.format(*turns)) for each in RUN_CHECKS["LL408"](run, {})
        }
        assert found.level == level, turns


def test_a_peft_model_that_is_wrapped_again_in_each_turn_is_an_error() -> None:
    program = (
        "model = AutoModelForCausalLM.from_pretrained('openai-community/gpt2')\nfor r in [8, 16]:\n"
        "    model = get_peft_model(model, LoraConfig(r=r, target_modules=['c_attn']))\n    Trainer(model).train()\n"
    )
    found = [each for run in read_python(IMPORTS + program) for each in RUN_CHECKS["LL408"](run, {})]
    assert any("wraps the PeftModel again" in each.message and each.level is None for each in found)


def test_adapters_with_names_of_their_own() -> None:
    program = (
        "base = AutoModelForCausalLM.from_pretrained('openai-community/gpt2')\nfor name in ['one', 'two']:\n"
        "    model = get_peft_model(base, LoraConfig(r=8, target_modules=['c_attn']), adapter_name={})\n"
        "    Trainer(model).train()\n"
    )
    for named in ("name", "f'adapter_{name}'", "choose(name)", "'adapter_' + name"):
        assert codes(program.format(named)) == set(), named
    assert codes(program.format("'policy'")) == {"LL408"}, "the same name in each turn"


@pytest.mark.parametrize("beside", ["load()", "for n in [100, 500]:\n    load(rank=16)"])
def test_a_loop_over_ranks_is_one_beside_other_calls_of_its_helper(beside: str) -> None:
    program = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        "def load(rank=16):\n    model = AutoModelForCausalLM.from_pretrained('gpt2')\n"
        "    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=['c_attn']))\n"
        f"{beside}\nfor rank in [8, 16, 64]:\n    load(rank=rank)\n"
    )
    (sweep,) = read_python(program).sweeps
    assert {plain(run.adapter.rank) for run in sweep.runs} == {8, 16, 64}
