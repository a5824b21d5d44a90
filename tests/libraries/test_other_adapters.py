"""Libraries with an adapter of their own: KerasHub, AdapterHub and loralib."""

from __future__ import annotations

import pytest

from lora_lint.linting import engine
from lora_lint.run.events import Wrap
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python

KERAS = """\
import keras
import keras_hub

model = keras_hub.models.GemmaCausalLM.from_preset("gemma2_2b_en")
model.backbone.enable_lora(rank={rank})
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=5e-5))
model.fit(data, epochs=1)
"""
HUB = """\
import adapters
from adapters import AdapterTrainer, LoRAConfig
from transformers import AutoModelForSequenceClassification, TrainingArguments

model = AutoModelForSequenceClassification.from_pretrained("roberta-base")
adapters.init(model)
model.add_adapter("news", config=LoRAConfig({settings}))
model.train_adapter("news")
AdapterTrainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=data).train()
"""
LAYERS = """\
import loralib as lora
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = lora.Linear(64, 64, r=16{alpha})
        self.second = lora.Linear(64, 64, r=16{alpha})
        self.qkv = lora.MergedLinear(64, 192, r=8, lora_alpha=16, enable_lora=[True, False, True])
        self.head = lora.Linear(64, 2)

model = Net()
lora.mark_only_lora_as_trainable(model)
"""


def codes(program: str) -> dict[str, str]:
    """The messages by code, without contested advice."""
    found = engine.lint_text(program.encode(), "train.py", Settings()).findings
    return {finding.code: finding.message for finding in found if finding.code != "LL102"}


@pytest.mark.parametrize("rank", ["4", "rank=4"])
def test_keras_hub(rank: str) -> None:
    run = only(read_python(KERAS.replace("rank={rank}", rank)))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("keras_hub", 4, 4)
    assert any(isinstance(event, Wrap) for event in run.events)
    assert codes(KERAS.format(rank=4)) == {}


def test_a_rank_of_keras_hub_that_is_none() -> None:
    assert "LL902" in codes(KERAS.format(rank='"four"'))


def test_older_keras() -> None:
    run = only(read_python(KERAS.format(rank=8).replace("keras_hub", "keras_nlp")))
    assert plain(run.adapter.rank) == 8


def test_adapter_hub() -> None:
    program = HUB.format(settings="r=16, alpha=32, attn_matrices=['q', 'v']")
    run = only(read_python(program))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("adapter_hub", 16, 32)
    assert (plain(run.model.name), run.training.trainer) == ("roberta-base", "AdapterTrainer")
    assert plain(run.adapter.target_modules) is Unknown
    assert codes(program) == {}


def test_the_defaults_of_adapter_hub() -> None:
    run = only(read_python(HUB.format(settings="")))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.use_dora)) == (8, 8, False)


def test_adapter_hub_has_its_own_names() -> None:
    message = codes(HUB.format(settings="r=64, alpha=4"))["LL104"]
    assert message.startswith("`alpha=4` with `r=64` scales the adapter by 0.0625")


def test_several_configs_at_once() -> None:
    program = """\
from adapters import AutoAdapterModel, ConfigUnion, LoRAConfig, PrefixTuningConfig

model = AutoAdapterModel.from_pretrained("roberta-base")
config = ConfigUnion(LoRAConfig(r=8, alpha=16), PrefixTuningConfig(prefix_length=10))
model.add_adapter("xsum", config=config)
"""
    run = only(read_python(program))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.model.name)) == (8, 16, "roberta-base")


@pytest.mark.parametrize("first", ["adapters.init(model)\n", ""])
def test_its_models_load_adapters_in_their_own_way(first: str) -> None:
    program = f"""\
import adapters
from adapters import AdapterTrainer, SeqBnConfig
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("roberta-base")
{first}model.load_adapter("sts/mrpc@ukp", config=SeqBnConfig(), with_head=False)
AdapterTrainer(model=model, train_dataset=data).train()
"""
    assert codes(program) == {}


def test_layers_of_loralib() -> None:
    runs = read_python(LAYERS.format(alpha=", lora_alpha=32")).runs
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in runs] == [(16, 32), (8, 16)]
    assert {run.dialect for run in runs} == {"loralib"}
    assert codes(LAYERS.format(alpha=", lora_alpha=32")) == {}


def test_alpha_of_loralib_is_1_by_default() -> None:
    run = read_python(LAYERS.format(alpha="")).runs[0]
    assert isinstance(run.adapter.alpha, Known)
    message = codes(LAYERS.format(alpha=""))["LL104"]
    assert message.startswith("`lora_alpha` is not set, so the default 1 applies and with `r=16`")


def test_a_class_of_that_name_elsewhere_is_none() -> None:
    own = "from config import LoRAConfig\n\nconfig = LoRAConfig(r=64, alpha=1)\n"
    assert read_python(own).runs == ()
