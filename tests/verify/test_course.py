"""What the order of calls comes to, on skeletons and small models: confirmed where PEFT does it, refuted where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peft
import pytest
from transformers import BertConfig, LlamaConfig

from lora_lint import discovery
from lora_lint.finding import Finding
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.settings import Settings
from lora_lint.verify.experiment import Effort, FindingCase
from lora_lint.verify.measurement import table as measured
from lora_lint.verify.structure import table as exact
from tests.support import small_model
from tests.support.measured import alone, of, settled  # noqa: F401
from tests.support.runs import lit

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Verdict

pytestmark = pytest.mark.usefixtures("alone")
TINY = str(small_model.tiny())
IMPORTS = """\
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, Trainer

"""
LOAD = 'model = AutoModelForCausalLM.from_pretrained("model")\n'
WRAP = 'model = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj"]{}))\n'
TRAIN = "Trainer(model=model).train()\n"
LOOP = "optimizer = torch.optim.AdamW(model.parameters())\n"
STEPS = "for batch in batches:\n    model(**batch).loss.backward()\n    optimizer.step()\n"
SAVED = 'model = PeftModel.from_pretrained(model, "adapter", is_trainable=True)\n'
CLASSIFIER = LOAD.replace("CausalLM", "SequenceClassification")


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    LlamaConfig(vocab_size=128, **small).save_pretrained(tmp_path / "model")
    BertConfig(vocab_size=128, **small).save_pretrained(tmp_path / "bert")


def exactly(code: str, program: str) -> Verdict:
    """What the experiment of a rule says of the run in a program."""
    found = discovery.Found("train.py", "python", (IMPORTS + program).encode(), True)
    run = next(each for each in read_file(found, Settings(), Project("")).reading.runs if each.trained is not False)
    case = FindingCase(Finding(code, "claimed", run.span), run, None, Effort("meta"), say=lambda _: None)
    return exact.EXPERIMENTS[code](case)


@pytest.mark.parametrize(
    ("code", "program", "status", "words"),
    [
        ("LL414", LOAD + SAVED + WRAP.format("") + TRAIN, "confirmed", "PEFT replaces 4 of the loaded adapter's 4"),
        ("LL414", LOAD + SAVED + TRAIN, "refuted", "replaces 0 of the loaded"),
        (
            "LL415",
            LOAD + WRAP.format("") + 'model.add_adapter("two", LoraConfig(r=4, target_modules=["q_proj"]))\n' + TRAIN,
            "confirmed",
            "`two` is not, and is saved untrained",
        ),
        (
            "LL415",
            LOAD
            + WRAP.format("")
            + 'model.add_adapter("two", LoraConfig(r=4, target_modules=["q_proj"]))\nmodel.set_adapter("two")\n'
            + TRAIN,
            "refuted",
            "`two` is active",
        ),
        ("LL417", LOAD + LOOP + WRAP.format("") + STEPS, "confirmed", "the optimizer holds 0 of the 4 tensors"),
        ("LL417", LOAD + WRAP.format("") + LOOP + STEPS, "refuted", "holds 4 of the 4"),
        ("LL406", CLASSIFIER + WRAP.format("") + TRAIN, "confirmed", "`score` (128 parameters) is neither trained"),
        ("LL406", CLASSIFIER + WRAP.format(', task_type="SEQ_CLS"') + TRAIN, "refuted", "trains and saves `score`"),
        ("LL803", LOAD + WRAP.format(', modules_to_save=["lm_head"]') + TRAIN, "confirmed", "8,192 trainable"),
        ("LL803", LOAD + WRAP.format("") + TRAIN, "refuted", "0 trainable parameters are in float16"),
        ("LL604", LOAD + WRAP.format("") + TRAIN, "confirmed", "saves 0 of the adapter's 4 tensors"),
        (
            "LL604",
            LOAD + WRAP.format("") + TRAIN + 'model.save_pretrained("merged")\n',
            "confirmed",
            "saves 4 tensors of the adapter and 0 of the base model",
        ),
        ("LL605", LOAD + WRAP.format("") + TRAIN, "confirmed", "0 of the 4 tensors that are saved have names that fit"),
    ],
)
def test_what_follows_from_names_and_objects(code: str, program: str, status: str, words: str) -> None:
    verdict = exactly(code, program)
    assert verdict.status == status, verdict.reason
    assert words in verdict.reason
    assert verdict.device == "meta" and not verdict.proxy


def test_a_peft_that_keeps_the_adapter_refutes_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peft.LoraModel, "merge_and_unload", lambda *_: None)
    assert exactly("LL604", LOAD + WRAP.format("") + TRAIN).status == "refuted"
    monkeypatch.setattr("torch.compile", lambda model: model)
    assert exactly("LL605", LOAD + WRAP.format("") + TRAIN).status == "refuted"


def initialised(code: str, init: Any) -> Verdict:
    return settled(code, of(4, 8, model=TINY, adapter={"init_lora_weights": lit(init)}))


def test_an_adapter_that_is_no_identity_moves_the_logits() -> None:
    confirmed, refuted = initialised("LL413", False), initialised("LL413", True)
    assert (confirmed.status, refuted.status) == ("confirmed", "refuted")
    assert confirmed.measurements["moved"] > 0.01 and refuted.measurements["moved"] == 0.0
    assert not confirmed.proxy


def test_a_new_adapter_answers_as_the_base_model_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert initialised("LL608", True).status == "confirmed"
    monkeypatch.setattr("lora_lint.verify.measurement.starts._moved", lambda *_: 0.3)
    assert initialised("LL608", True).status == "refuted"


def test_pissa_moves_the_other_adapter() -> None:
    verdict = initialised("LL606", "pissa")
    assert verdict.status == "confirmed" and verdict.proxy
    assert verdict.measurements["moved"] > 0.01
    assert measured.cost("LL606") < measured.cost("LL301")


def test_a_conversion_leaves_the_other_adapter_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if PEFT did not subtract the initial value."""
    monkeypatch.setattr(peft.tuners.lora.layer.LoraLayer, "pissa_init", lambda *_: None)
    assert initialised("LL606", "pissa").status == "refuted"
