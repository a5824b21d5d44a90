"""Test suites: what is prepared before each test, the values that a test is called with, and models of own classes."""

from __future__ import annotations

import pytest

from lora_lint.inspection.runs import inspect_text
from lora_lint.run.values import known
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python

SUITE = """\
import unittest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


class TestAdapters(unittest.TestCase):
    def BEFORE(self):
        self.model_id = "facebook/opt-350m"
        self.rank = 4

    def test_one(self):
        model = AutoModelForCausalLM.from_pretrained(self.model_id)
        model = get_peft_model(model, LoraConfig(r=self.rank, lora_alpha=16))
"""


@pytest.mark.parametrize("before", ["setUp", "setup_method", "setUpClass", "setup_class"])
def test_what_is_set_before_each_test(before: str) -> None:
    run = only(read_python(SUITE.replace("BEFORE", before)))
    assert (known(run.model.name), known(run.adapter.rank)) == ("facebook/opt-350m", 4)


def test_what_another_method_sets_is_not_known() -> None:
    assert known(only(read_python(SUITE.replace("BEFORE", "helper"))).model.name) is None


CASES = """\
import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


@DECORATOR
def test_wrap(rank, alpha=3):
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha))
"""


@pytest.mark.parametrize(
    ("decorator", "rank", "alpha"),
    [
        ('pytest.mark.parametrize("rank", [4, 8])', {4, 8}, 3),
        ('pytest.mark.parametrize("rank", [4])', 4, 3),
        ('pytest.mark.parametrize("rank, alpha", [(4, 8), (8, 16)])', {4, 8}, {8, 16}),
        ('pytest.mark.parametrize(("rank", "alpha"), [(4, 8), pytest.param(8, 8, id="x")])', {4, 8}, 8),
        ('pytest.mark.parametrize(argnames="rank", argvalues=[pytest.param(4), 8])', {4, 8}, 3),
        ('pytest.mark.parametrize("rank", RANKS)', None, 3),
        ('pytest.mark.parametrize("rank", [4], indirect=True)', None, 3),
        ('pytest.mark.parametrize("rank", [(4, 8)])', None, 3),
        ("pytest.mark.slow", None, 3),
    ],
)
def test_the_values_that_a_test_is_called_with(decorator: str, rank: object, alpha: object) -> None:
    run = only(read_python(CASES.replace("DECORATOR", decorator)))
    assert plain(run.adapter.rank) == rank or known(run.adapter.rank) is rank
    assert plain(run.adapter.alpha) == alpha


MODULE = """\
import torch
from torch import nn
from peft import LoraConfig, get_peft_model


class Base(nn.Module):
    pass


class MLP(Base):
    def __init__(self):
        super().__init__()
        self.lin0 = nn.Linear(10, 20)


class Settings:
    pass


def helper(device):
    # builds
    # the
    # module
    # that
    # is
    # adapted
    # below
    # somewhere
    # in
    # here
    class Inner(nn.Module):
        pass

    return Inner().to(device)


model = get_peft_model(MODEL, LoraConfig(r=8, lora_alpha=16, target_modules=["lin0"]))
"""


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("MLP()", "MLP"),
        ('MLP().to("cuda").eval()', "MLP"),
        ('helper("cpu")', "Inner"),
        ("nn.Sequential(nn.Linear(2, 2))", "Sequential"),
        ("Settings()", None),
        ("unknown()", None),
    ],
)
def test_models_of_own_classes(model: str, name: str | None) -> None:
    text = MODULE.replace("MODEL", model)
    assert only(read_python(text)).model.own_class == name
    seen = inspect_text(text.encode(), "train.py", Settings())
    assert seen.runs[0]["model"]["class"] == name
