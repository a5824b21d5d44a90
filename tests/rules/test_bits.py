"""LL804, LL805: what an adapter asks of packed base weights; what PEFT does is reproduced with PEFT itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoftQConfig, LoraConfig, get_peft_model
from peft.tuners.lora import layer
from peft.utils import loftq_utils
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForSequenceClassification
from transformers.quantizers.base import get_keys_to_not_convert

from lora_lint import discovery
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings
from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from peft import LoftQConfig, LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM, AutoModelForImageClassification, AutoModelForSequenceClassification,
    AutoModelForTokenClassification, BitsAndBytesConfig, Trainer, TrainingArguments,
)
from trl import SFTConfig, SFTTrainer

"""
LOAD = "model = AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf', {})\n"
WRAP = "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=['q_proj'], {}))\n"
TRAIN = "Trainer(model=model, args=TrainingArguments('out', learning_rate=2e-4)).train()\n"
SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 32}


def packed(module: nn.Linear) -> None:
    """Gives a layer weights of the kind that bitsandbytes packs them into."""
    module.weight = nn.Parameter(torch.zeros_like(module.weight, dtype=torch.uint8), requires_grad=False)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.adapted, self.saved = nn.Linear(8, 8), nn.Linear(8, 8)


@pytest.mark.parametrize(("start", "error"), [("pissa", TypeError), ("corda", TypeError), ("orthogonal", RuntimeError)])
def test_an_initialisation_that_needs_the_weights(start: str, error: type[Exception]) -> None:
    net = Net()
    packed(net.adapted)
    with pytest.raises(error):
        get_peft_model(net, LoraConfig(r=4, target_modules=["adapted"], init_lora_weights=start))  # type: ignore[arg-type]
    load = LOAD.format("quantization_config=BitsAndBytesConfig(load_in_4bit=True)")
    assert "LL805" in found_in(HEAD + load + WRAP.format(f"init_lora_weights='{start}'") + TRAIN)
    assert "LL805" not in found_in(HEAD + LOAD.format("") + WRAP.format(f"init_lora_weights='{start}'") + TRAIN)


def test_loftq_factors_the_packed_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_gpu(weight: torch.Tensor, num_bits: int, reduced_rank: int, num_iter: int) -> tuple[Any, ...]:  # noqa: ARG001
        parts = loftq_utils._low_rank_decomposition(weight.float(), reduced_rank)
        return weight, parts["R"], parts["L"]

    monkeypatch.setattr(layer, "loftq_init", without_a_gpu)
    start: dict[str, Any] = {"init_lora_weights": "loftq", "loftq_config": LoftQConfig(loftq_bits=4)}
    config, net = LoraConfig(r=4, target_modules=["adapted"], **start), Net()
    net.adapted.weight = nn.Parameter(torch.ones(32, 1, dtype=torch.uint8), requires_grad=False)
    adapted: Any = get_peft_model(net, config).base_model.model.adapted
    shapes = adapted.lora_A["default"].weight.shape, adapted.lora_B["default"].weight.shape
    assert shapes == ((1, 1), (32, 1))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        adapted.lora_B["default"](adapted.lora_A["default"](torch.ones(1, 8)))
    whole: Any = get_peft_model(Net(), config).base_model.model.adapted
    assert (whole.lora_A["default"].weight.shape, whole.lora_B["default"].weight.shape) == ((4, 8), (8, 4))
    settings = "init_lora_weights='loftq', loftq_config=LoftQConfig(loftq_bits=4)"
    assert "LL805" in found_in(HEAD + LOAD.format("load_in_4bit=True") + WRAP.format(settings) + TRAIN)
    assert "LL805" not in found_in(HEAD + LOAD.format("") + WRAP.format(settings) + TRAIN)


@pytest.mark.parametrize(
    "program",
    [
        LOAD.format("load_in_8bit=True") + WRAP.format("init_lora_weights='pissa'") + TRAIN,
        "start = 'pissa_niter_4'\n" + LOAD.format("load_in_4bit=True") + WRAP.format("init_lora_weights=start") + TRAIN,
        LOAD.format("load_in_4bit=True")
        + "model = prepare_model_for_kbit_training(model)\n"
        + WRAP.format("init_lora_weights='loftq', loftq_config=LoftQConfig(loftq_bits=4)")
        + TRAIN,
        "bits = BitsAndBytesConfig(load_in_4bit=True)\n"
        + LOAD.format("quantization_config=bits")
        + "config = LoraConfig(r=8, target_modules='all-linear', init_lora_weights='corda')\n"
        + "SFTTrainer(model, args=SFTConfig('out'), train_dataset=data, peft_config=config).train()\n",
    ],
)
def test_more_programs_that_start_from_packed_weights(program: str) -> None:
    assert "LL805" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        LOAD.format("load_in_4bit=True") + WRAP.format("init_lora_weights='gaussian'") + TRAIN,
        LOAD.format("load_in_4bit=True") + WRAP.format("init_lora_weights='eva'") + TRAIN,
        LOAD.format("load_in_4bit=False") + WRAP.format("init_lora_weights='pissa'") + TRAIN,
        LOAD.format("load_in_4bit=args.bits == 4") + WRAP.format("init_lora_weights='pissa'") + TRAIN,
        LOAD.format("load_in_4bit=True") + WRAP.format("init_lora_weights=args.start") + TRAIN,
    ],
)
def test_starts_that_packed_weights_do_not_harm(program: str) -> None:
    assert "LL805" not in found_in(HEAD + "args = parse()\n" + program)


def test_what_a_framework_refuses_by_itself_is_reported_once() -> None:
    config = (
        "model_name_or_path: meta-llama/Llama-2-7b-hf\nstage: sft\ndo_train: true\nfinetuning_type: lora\n"
        "lora_target: all\nquantization_bit: 4\npissa_init: true\ndataset: mine\ntemplate: llama2\noutput_dir: out\n"
    )
    found = [each.code for each in engine.lint_text(config, "sft.yaml", Settings()).findings]
    assert found.count("LL904") == 1
    assert "LL805" not in found


def test_a_copy_of_a_packed_layer_cannot_train() -> None:
    net = Net()
    packed(net.saved)
    with pytest.raises(RuntimeError, match="floating point dtype can require gradients"):
        get_peft_model(net, LoraConfig(r=4, target_modules=["adapted"], modules_to_save=["saved"]))


def test_a_head_with_a_bias_is_quantized_and_one_without_is_not() -> None:
    bert = BertForSequenceClassification(BertConfig(**SIZES))
    assert "classifier" not in get_keys_to_not_convert(bert)
    llama = LlamaForSequenceClassification(LlamaConfig(**SIZES))
    assert "score" in get_keys_to_not_convert(llama)


CLASSIFIER = (
    "model = AutoModelFor{}Classification.from_pretrained("
    "'{}', num_labels=3, quantization_config=BitsAndBytesConfig(load_in_4bit=True))\n"
)


@pytest.mark.parametrize(
    "program",
    [
        CLASSIFIER.format("Sequence", "FacebookAI/roberta-base")
        + WRAP.format("task_type=TaskType.SEQ_CLS").replace("q_proj", "query")
        + TRAIN,
        CLASSIFIER.format("Token", "google-bert/bert-base-cased")
        + WRAP.format("task_type='TOKEN_CLS'").replace("q_proj", "query")
        + TRAIN,
        CLASSIFIER.format("Image", "google/vit-base-patch16-224-in21k")
        + WRAP.format("modules_to_save=['classifier']").replace("q_proj", "query")
        + TRAIN,
        LOAD.format("quantization_config=BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=6.0)")
        + WRAP.format("modules_to_save=['mlp']")
        + TRAIN,
        LOAD.format("load_in_8bit=True")
        + "config = LoraConfig(r=8, target_modules=['q_proj'], modules_to_save=['o_proj', 'lm_head'])\n"
        + "SFTTrainer(model, args=SFTConfig('out'), train_dataset=data, peft_config=config).train()\n",
    ],
)
def test_more_layers_that_are_packed_and_saved(program: str) -> None:
    assert "LL804" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        LOAD.format("load_in_4bit=True") + WRAP.format("modules_to_save=['lm_head', 'norm']") + TRAIN,
        LOAD.format("") + WRAP.format("modules_to_save=['mlp']") + TRAIN,
        LOAD.format("quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_storage='bfloat16')")
        + WRAP.format("modules_to_save=['mlp']")
        + TRAIN,
        LOAD.format("quantization_config=BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skipped)")
        + WRAP.format("modules_to_save=['mlp']")
        + TRAIN,
        LOAD.format("load_in_4bit=True") + WRAP.format("modules_to_save=saved") + TRAIN,
        CLASSIFIER.format("Sequence", "Qwen/Qwen2.5-0.5B") + WRAP.format("task_type='SEQ_CLS'") + TRAIN,
    ],
)
def test_copies_of_what_is_not_packed(program: str) -> None:
    assert "LL804" not in found_in(HEAD + "from mine import saved, skipped\n" + program)


DISTILLED = (
    CLASSIFIER.format("Sequence", "distilbert/distilbert-base-uncased")
    + WRAP.format("task_type='SEQ_CLS'").replace("q_proj", "q_lin")
    + TRAIN
)
BERT = (
    CLASSIFIER.format("Sequence", "google-bert/bert-base-uncased")
    + WRAP.format("task_type='SEQ_CLS'").replace("q_proj", "query")
    + TRAIN
)


@pytest.mark.parametrize(
    ("program", "wanted", "says"),
    [
        (
            DISTILLED,
            "transformers>=4.35",
            r"`pre_classifier` and `classifier` of .*\(4bit; `classifier` since .* 5\.0\.0\)",
        ),
        (DISTILLED, "transformers==4.57.1", r"trains `pre_classifier` of .*\(4bit\): the wrap"),
        (DISTILLED, "transformers==4.39.0", None),
        (BERT, "transformers", r"trains `classifier` of .*\(4bit, since transformers 5\.0\.0\): the wrap"),
        (BERT, "transformers<5", None),
    ],
)
def test_the_releases_that_pack_a_head(tmp_path: Path, program: str, wanted: str, says: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements.txt").write_text(f"{wanted}\n", encoding="utf-8")
    path = tmp_path / "train.py"
    path.write_text(HEAD + program, encoding="utf-8")
    found = discovery.Found(path.as_posix(), "python", path.read_bytes(), True)
    result = Checker(Settings(root=tmp_path.as_posix())).check(found)
    messages = [each.message for each in result.findings if each.code == "LL804"]
    assert len(messages) == (says is not None)
    assert all(re.search(str(says), message) for message in messages)


OLD_TRAINER = TRAIN.replace("model=model", "model=model, tokenizer=tokenizer")
OLD_ARGUMENTS = TRAIN.replace("'out'", "'out', evaluation_strategy='epoch'")
OLD_LOADING = ("quantization_config=BitsAndBytesConfig(load_in_4bit=True)", "load_in_4bit=True")


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (DISTILLED.replace(TRAIN, OLD_TRAINER), r"trains `pre_classifier` of .*\(4bit\): the wrap"),
        (DISTILLED.replace(*OLD_LOADING), r"trains `pre_classifier` of .*\(4bit\): the wrap"),
        (BERT.replace(TRAIN, OLD_TRAINER), None),
        (BERT.replace(TRAIN, OLD_ARGUMENTS), None),
        ("import inspect\ninspect.signature(Trainer)\n" + BERT.replace(TRAIN, OLD_TRAINER), None),
        ("from transformers import is_torch_tpu_available\n" + BERT, None),
        (BERT.replace(TRAIN, TRAIN.replace("'out'", "'out', eval_strategy='epoch'")), r"trains `classifier` of"),
    ],
)
def test_a_program_for_older_releases(tmp_path: Path, program: str, says: str | None) -> None:
    """What it gives transformers is refused by the releases that pack a head."""
    assert OLD_LOADING[0] in BERT
    found = discovery.Found("train.py", "python", (HEAD + program).encode(), True)
    result = Checker(Settings(root=tmp_path.as_posix())).check(found)
    messages = [each.message for each in result.findings if each.code == "LL804"]
    assert len(messages) == (says is not None)
    assert all(re.search(str(says), message) for message in messages)


def test_a_helper_for_older_releases(tmp_path: Path) -> None:
    """The trainer in another file is given what the newer releases refuse."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "helper.py").write_text(
        f"from transformers import Trainer, TrainingArguments\n\ndef run(model, tokenizer):\n    {OLD_TRAINER}"
    )
    program = "from helper import run\n" + HEAD + BERT.replace(TRAIN, "run(model, tokenizer)\n")
    (tmp_path / "train.py").write_text(program)
    settings = Settings(root=tmp_path.as_posix())
    found = engine.lint([(tmp_path / "train.py").as_posix()], settings, jobs=1).findings
    assert "LL804" not in [each.code for each in found]
    (tmp_path / "helper.py").write_text((tmp_path / "helper.py").read_text().replace("tokenizer=", "processing_class="))
    found = engine.lint([(tmp_path / "train.py").as_posix()], settings, jobs=1).findings
    assert "LL804" in [each.code for each in found]
