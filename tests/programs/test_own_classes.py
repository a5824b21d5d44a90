"""Classes of the program that stand between its settings and the library: trainers, and those in a registry."""

from __future__ import annotations

import textwrap

import pytest

from tests.support.reading import IMPORTS, only, plain, read_python

TRAINER = """
class Tuner(Trainer):
    def __init__(self, model, rows, rank=8, *args):
        config = LoraConfig(r=rank, lora_alpha=32, target_modules=["c_attn"])
        super().__init__(get_peft_model(model, config), TrainingArguments("out", learning_rate=LR), train_dataset=rows)
        self.rank = rank

    def report(self):
        return self.model.save_pretrained("out")
"""
USE = """
from datasets import Dataset
rows = Dataset.from_list([{"text": str(number)} for number in range(500)])
tuner = Tuner(AutoModelForCausalLM.from_pretrained("gpt2"), rows, rank=4)
tuner.train()
tuner.report()
"""


def test_a_trainer_with_settings_of_its_own() -> None:
    run = only(read_python(IMPORTS + TRAINER.replace("LR", "3e-4") + USE))
    told = (run.adapter.rank, run.model.name, run.dataset.size, run.training.learning_rate)
    assert tuple(map(plain, told)) == (4, "gpt2", 500, 3e-4)
    assert run.trained


def test_a_trainer_between() -> None:
    between = "class Base(Trainer):\n    def __init__(self, network, data):\n        super().__init__(model=network, train_dataset=data)\n"
    own = """
    class Tuner(Base):
        def __init__(self, model, rows, rank=8):
            super().__init__(get_peft_model(model, LoraConfig(r=rank, lora_alpha=32, target_modules=["c_attn"])), rows)
    """
    run = only(read_python(IMPORTS + between + textwrap.dedent(own) + USE.replace("tuner.report()\n", "")))
    assert (plain(run.adapter.rank), plain(run.dataset.size), run.trained) == (4, 500, True)


def test_a_trainer_that_hands_everything_on() -> None:
    own = """
    class Tuner(Trainer):
        def __init__(self, *args, weight=0.5, **kwargs):
            super().__init__(*args, **kwargs)
            self.weight = weight
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=4, target_modules=["c_attn"]))
    Tuner(model=model, CALL).train()
    """
    for call in ("args=TrainingArguments('out')", "args=TrainingArguments('out'), weight=0.3"):
        run = only(read_python(IMPORTS + textwrap.dedent(own).replace("CALL", call)))
        assert (plain(run.adapter.rank), run.training.trainer, run.trained) == (4, "Trainer", True)


REGISTRY = """
KINDS = {}
def register(name):
    def put(cls):
        KINDS[name] = cls
        return cls
    return put
"""
MODEL = """
@register("small")
class Small:
    def __init__(self, rank=8, alpha=32):
        self.rank, self.alpha = rank, alpha
    def build(self):
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        return get_peft_model(model, LoraConfig(r=self.rank, lora_alpha=self.alpha, target_modules=["c_attn"]))
"""
FUNCTION = """
@register("small")
def build(rank=8, alpha=32):
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=["c_attn"]))
"""


@pytest.mark.parametrize(
    ("defined", "made"),
    [(MODEL, 'KINDS["small"](alpha=64).build()'), (FUNCTION, 'KINDS["small"](alpha=64)')],
    ids=["class", "function"],
)
def test_what_a_decorator_registers(defined: str, made: str) -> None:
    run = only(read_python(f"{IMPORTS}{REGISTRY}{defined}Trainer(model={made}).train()\n"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 64)
