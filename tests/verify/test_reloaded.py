"""What PEFT loads of an adapter, and what it makes of a task type: confirmed where it fails, refuted where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, Speech2TextConfig, WhisperConfig

from lora_lint import discovery
from lora_lint.finding import Finding
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.run.run import Damage, Weights
from lora_lint.run.versions import Pin
from lora_lint.settings import Settings
from lora_lint.verify.experiment import Effort, FindingCase, Skip
from lora_lint.verify.structure import table
from tests.support.measured import alone, of  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run

pytestmark = pytest.mark.usefixtures("alone")
IMPORTS = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoModelForSpeechSeq2Seq, AutoTokenizer, Trainer
)

"""
LOAD = 'model = AutoModelForCausalLM.from_pretrained("model")\n'
WRAP = 'model = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj"]{}))\n'
TRAIN = "Trainer(model=model).train()\n"
GROW = 'tokenizer = AutoTokenizer.from_pretrained("model")\ntokenizer.add_tokens(["<a>", "<b>"])\n'
RESIZE = "{}.resize_token_embeddings(len(tokenizer))\n"
SAVE = 'model.save_pretrained("out/adapter")\n'
AGAIN = 'base = {}.from_pretrained("model")\n'
FROM = 'model = PeftModel.from_pretrained({}, "out/adapter")\n'
SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LlamaConfig(vocab_size=128, **SIZES).save_pretrained(tmp_path / "model")
    halves = {
        f"{part}_{name}": size
        for part in ("encoder", "decoder")
        for name, size in {"layers": 1, "attention_heads": 2, "ffn_dim": 32}.items()
    }
    WhisperConfig(d_model=32, vocab_size=64, pad_token_id=0, **halves).save_pretrained(tmp_path / "whisper")
    Speech2TextConfig(d_model=32, vocab_size=64, **halves).save_pretrained(tmp_path / "speech")


def settled(code: str, run: Run) -> Verdict:
    case = FindingCase(Finding(code, "claimed", run.span), run, None, Effort("meta"), say=lambda _: None)
    return table.EXPERIMENTS[code](case)


def exactly(code: str, program: str) -> Verdict:
    """What the experiment of a rule says of the last run in a program."""
    found = discovery.Found("train.py", "python", (IMPORTS + program).encode(), True)
    return settled(code, read_file(found, Settings(), Project("")).reading.runs[-1])


@pytest.mark.parametrize(
    ("code", "program", "status", "words"),
    [
        ("LL409", LOAD + WRAP.format("") + FROM.format("model"), "confirmed", "loads 0 of the adapter's 4 tensors"),
        ("LL409", LOAD + FROM.format("model") + TRAIN, "refuted", "loads 8 of the adapter's 8 tensors"),
        ("LL409", LOAD + 2 * FROM.format("model") + TRAIN, "confirmed", "loads 0 of the adapter's 8 tensors"),
        (
            "LL607",
            LOAD + WRAP.format("") + TRAIN + SAVE + AGAIN.format("AutoModel") + FROM.format("base"),
            "confirmed",
            "trained on LlamaForCausalLM and loaded onto LlamaModel: PEFT loads 0 of the adapter's 4 tensors",
        ),
        (
            "LL607",
            LOAD + WRAP.format("") + TRAIN + SAVE + AGAIN.format("AutoModelForCausalLM") + FROM.format("base"),
            "refuted",
            "PEFT loads 4 of the adapter's 4 tensors",
        ),
        (
            "LL607",
            GROW
            + LOAD
            + RESIZE.format("model")
            + WRAP.format(', modules_to_save=["embed_tokens"]')
            + TRAIN
            + SAVE
            + AGAIN.format("AutoModelForCausalLM")
            + FROM.format("base"),
            "confirmed",
            "size mismatch for base_model.model.model.embed_tokens",
        ),
        (
            "LL607",
            GROW
            + LOAD
            + RESIZE.format("model")
            + WRAP.format("")
            + TRAIN
            + SAVE
            + AGAIN.format("AutoModelForCausalLM")
            + RESIZE.format("base")
            + FROM.format("base"),
            "refuted",
            "PEFT loads 6 of the adapter's 6 tensors",
        ),
        (
            "LL418",
            LOAD.replace("CausalLM", "SequenceClassification") + WRAP.format(', task_type="CAUSAL_LM"') + TRAIN,
            "confirmed",
            "has no attribute 'prepare_inputs_for_generation'; without a task type nothing is raised",
        ),
        (
            "LL418",
            LOAD.replace("CausalLM", "SequenceClassification") + WRAP.format(', task_type="SEQ_CLS"') + TRAIN,
            "refuted",
            "PEFT wraps LlamaForSequenceClassification as SEQ_CLS",
        ),
        ("LL418", LOAD + WRAP.format(', task_type="CAUSAL_LM"') + TRAIN, "refuted", "nothing is raised"),
        *(
            (
                "LL418",
                f'model = AutoModelForSpeechSeq2Seq.from_pretrained("{name}")\n' + WRAP.format(task) + TRAIN,
                status,
                words,
            )
            for name in ("whisper", "speech")
            for task, status, words in (
                (', task_type="SEQ_2_SEQ_LM"', "confirmed", "input_ids"),
                ("", "refuted", "nothing is raised"),
            )
        ),
    ],
)
def test_what_peft_loads_and_wraps(code: str, program: str, status: str, words: str) -> None:
    verdict = exactly(code, program)
    assert verdict.status == status, verdict.reason
    assert words in verdict.reason
    assert verdict.device == "meta" and not verdict.proxy


def saved(ins: int, outs: int, rank: int = 4, layers: int = 2, prefix: str = "base_model.model.") -> Run:
    """A run that reads the folder of a saved adapter on `q_proj`."""
    path = prefix + "model.layers.{}.self_attn.q_proj.lora_{}.weight"
    shapes = {path.format(layer, "A"): (rank, ins) for layer in range(layers)}
    shapes |= {path.format(layer, "B"): (outs, rank) for layer in range(layers)}
    made = of(4, 8, model="model", adapter={"target_modules": ("q_proj",)})
    return replace(made, weights=Weights("adapter_model.safetensors", shapes, dict.fromkeys(shapes, 1)))


@pytest.mark.parametrize(
    ("run", "status", "words"),
    [
        (saved(96, 64), "confirmed", "2 of 4 tensors differ in size from the base model's layers"),
        (saved(64, 32), "confirmed", "size mismatch"),
        (saved(64, 64, layers=3), "confirmed", "PEFT loads 4 of the adapter's 6 tensors"),
        (saved(64, 64, prefix="base_model.model.base."), "confirmed", "PEFT loads 0 of the adapter's 4 tensors"),
        (saved(64, 64), "refuted", "PEFT loads 4 of the adapter's 4 tensors"),
        (saved(64, 64, rank=8), "refuted", "PEFT loads 4 of the adapter's 4 tensors"),
    ],
)
def test_tensors_for_another_base_model(run: Run, status: str, words: str) -> None:
    verdict = settled("LL704", run)
    assert verdict.status == status, verdict.reason
    assert words in verdict.reason


def test_a_file_that_safetensors_refuses(tmp_path: Path) -> None:
    path = tmp_path / "adapter_model.safetensors"
    run = replace(of(4, 8, model="model"), weights=Weights(str(path), {}, {}, damage=Damage.CUT_OFF))
    save_file({"a": torch.zeros(4)}, path)
    assert settled("LL704", run).status == "refuted"
    path.write_bytes(path.read_bytes()[:-1])
    verdict = settled("LL704", run)
    assert verdict.status == "confirmed" and "safetensors raises SafetensorError" in verdict.reason


def test_an_adapter_without_its_weights_is_skipped() -> None:
    with pytest.raises(Skip, match="the adapter's weights are not here"):
        settled("LL704", of(4, 8, model="model"))


def test_another_version_than_the_project_pins_settles_nothing() -> None:
    run = replace(of(4, 8, model="model"), pins={"transformers": Pin((4, 40), "transformers<4.40", "setup.py")})
    with pytest.raises(Skip, match=r"transformers .* is installed and behaves differently from the project's"):
        settled("LL418", run)
