"""What TRL's and transformers' trainers refuse, made and started with a sized-down model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import transformers
from transformers import LlamaConfig

from lora_lint import discovery
from lora_lint.finding import Finding
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.run.versions import Pin
from lora_lint.settings import Settings
from lora_lint.verify.experiment import Effort, FindingCase, Skip
from lora_lint.verify.structure import table, trainers
from tests.support.measured import alone  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run

pytestmark = pytest.mark.usefixtures("alone")
IMPORTS = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer
from trl import DPOTrainer, GRPOTrainer, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("model")
config = LoraConfig(r=4, target_modules=["q_proj"])
"""
HEAD = 'config = LoraConfig(r=4, target_modules=["q_proj", "lm_head"])\n'
WRAP = "model = get_peft_model(model, config)\n"
ADD = "model.add_adapter(config)\n"
RESUME = 'Trainer(model=model).train(resume_from_checkpoint="out/checkpoint-500")\n'


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LlamaConfig(
        vocab_size=128, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4
    ).save_pretrained(tmp_path / "model")


def run_of(program: str) -> Run:
    found = discovery.Found("train.py", "python", (IMPORTS + program).encode(), True)
    return read_file(found, Settings(), Project("")).reading.runs[-1]


def settled(code: str, run: Run) -> Verdict:
    case = FindingCase(Finding(code, "claimed", run.span), run, None, Effort("cpu"), say=lambda _: None)
    return table.EXPERIMENTS[code](case)


@pytest.mark.parametrize(
    ("code", "program", "status", "words"),
    [
        ("LL412", WRAP + "SFTTrainer(model=model, peft_config=config)", "confirmed", "You passed a `PeftModel`"),
        ("LL412", WRAP + "DPOTrainer(model=model, peft_config=config)", "confirmed", "You passed a `PeftModel`"),
        ("LL412", HEAD + "SFTTrainer(model=model, peft_config=config)", "confirmed", "adapter to `lm_head`"),
        ("LL412", "SFTTrainer(model=model, peft_config=config)", "refuted", "TRL makes its SFTTrainer"),
        ("LL412", WRAP + "SFTTrainer(model=model)", "refuted", "TRL makes its SFTTrainer"),
        (
            "LL419",
            ADD + RESUME,
            "confirmed",
            "the adapter alone, and Trainer raises ValueError: Can't find a checkpoint",
        ),
        ("LL419", WRAP + RESUME, "refuted", "holds the adapter alone, and Trainer goes on from it"),
    ],
)
def test_what_a_trainer_refuses(
    code: str, program: str, status: str, words: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    verdict = settled(code, run_of(program + ".train()\n" if code == "LL412" else program))
    assert verdict.status == status, verdict.reason
    assert words in verdict.reason
    assert "/tmp" not in verdict.reason and not verdict.proxy
    assert capfd.readouterr().out == ""  # reports go there
    assert {each.name for each in tmp_path.iterdir()} == {"model"}  # nothing is left behind


def test_a_refusal_of_the_plain_model_too_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainers, "_trl_refuses", lambda *_: "ValueError: no")
    with pytest.raises(Skip, match="with a single adapter that leaves the head alone too"):
        settled("LL412", run_of(WRAP + "SFTTrainer(model=model, peft_config=config).train()\n"))


def test_what_cannot_be_made_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Skip, match="lora-lint does not construct GRPOTrainer"):
        settled("LL412", run_of(WRAP + "GRPOTrainer(model=model, peft_config=config).train()\n"))
    run = run_of(WRAP + "SFTTrainer(model=model, peft_config=config).train()\n")
    with pytest.raises(Skip, match=r"trl .* is installed and behaves differently"):
        settled("LL412", replace(run, pins={"trl": Pin((0, 12), "trl<0.12", "setup.py")}))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(Skip, match="TRL is not installed"):
        settled("LL412", run)


def test_a_failure_that_is_no_refusal_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ValueError of the experiment's own, not of transformers'."""

    def train(*_: object, **__: object) -> None:
        raise ValueError("of our own")

    monkeypatch.setattr(transformers.Trainer, "train", train)
    with pytest.raises(ValueError, match="of our own"):
        settled("LL419", run_of(ADD + RESUME))
