"""What `recommend` prints is read back by the linter, says the same, and lints clean."""

from __future__ import annotations

from itertools import product

import pytest

from lora_lint import marks
from lora_lint.__main__ import main
from lora_lint.frameworks import registry
from lora_lint.linting import engine
from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.recommend.choices import Layers, NotKnown, recommend
from lora_lint.recommend.spellings import text_of as recommended
from lora_lint.run.values import known
from lora_lint.settings import TASKS, Settings
from lora_lint.source import SourceFile

MODELS = (
    "meta-llama/Llama-3.1-8B",
    "microsoft/Phi-3-mini-4k-instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-30B-A3B",
    "mistralai/Mixtral-8x7B-v0.1",
    "google/gemma-2-9b",
    "openai-community/gpt2",
    "tiiuae/falcon-7b",
    "EleutherAI/pythia-1.4b",
    "Qwen/Qwen2.5-VL-7B-Instruct",
    "Qwen/Qwen3.5-122B-A10B",  # layers of two kinds, and experts that are parameters
    "moonshotai/Kimi-K2-Thinking",  # dense layers before those with experts
    "unsloth/gemma-4-E4B",  # wrapped layers in the towers
    "HuggingFaceM4/idefics-80b-instruct",  # a language model without a name of its own
    "ai21labs/Jamba-v0.1",
)
SIZES = (None, 50, 999, 1_000, 9_999, 10_000, 99_999, 1_000_000)


def text_of(model: str, size: int | None, task: str, framework: str, scaling: str) -> str | None:
    try:
        found = recommend(model, size, task, scaling, registry.framework(framework).can("use_rslora"))  # type: ignore[arg-type]
        return recommended(found, registry.framework(framework))
    except NotKnown:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("framework", marks.RECOMMENDED)
@pytest.mark.parametrize("model", MODELS)
def test_it_lints_clean(model: str, framework: str) -> None:
    name = "train.py" if framework == "peft" else "config.yaml"
    kind = "python" if framework == "peft" else "yaml"
    seen = 0
    for size, task, scaling in product(SIZES, TASKS, ("ratio", "step")):
        text = text_of(model, size, task, framework, scaling)
        if text is None:
            continue
        seen += 1
        settings = Settings(confidence="possible", dataset_size=size)
        outcome = engine.lint_text(text, name, settings, kind=kind)  # type: ignore[arg-type]
        assert outcome.summary.runs == 1, text
        assert [finding.message for finding in outcome.findings] == [], text
    assert seen or framework in ("torchtune", "llamafactory")


@pytest.mark.parametrize("framework", marks.RECOMMENDED)
def test_what_is_printed_is_what_is_meant(framework: str) -> None:
    found = recommend(
        "meta-llama/Llama-3.1-8B", 50_000, "code", "ratio", registry.framework(framework).can("use_rslora")
    )
    kind = "python" if framework == "peft" else "yaml"
    name = "train.py" if framework == "peft" else "config.yaml"
    (run,) = read(SourceFile(name, kind, recommended(found, registry.framework(framework)).encode()), Project(".")).runs  # type: ignore[arg-type]
    assert known(run.adapter.rank) == found.rank.value == 32
    assert known(run.adapter.alpha) == found.alpha.value
    assert bool(known(run.adapter.use_rslora)) is found.rslora
    assert set(known(run.adapter.target_modules) or ()) == set(found.targets.value)  # type: ignore[call-overload]
    # 7 projections of rank 32: r (in + out) each
    assert found.parameters == 32 * 32 * (2 * 8192 + 2 * (4096 + 1024) + 3 * (4096 + 14336))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", TASKS)
def test_each_choice_is_there_and_has_its_reason(model: str, task: str) -> None:
    from lora_lint.knowledge.resolve import resolve

    found = recommend(model, 2_000, task)
    text = recommended(found, registry.framework("peft"))
    comments = " ".join(line.strip().removeprefix("# ") for line in text.splitlines())
    choices = [found.rank, found.alpha, found.targets, found.learning_rate, found.epochs, found.experts]
    for choice in filter(None, choices):
        assert choice.why in comments
        assert any(
            how in choice.why for how in ("(certain)", "(likely)", "(rule of thumb)", "(measured)", "(one school")
        )
    assert all(len(line) <= 100 for line in text.splitlines()[2:] if line.strip().startswith("#"))
    (run,) = read(SourceFile("train.py", "python", text.encode()), Project(".")).runs
    for case in resolve(run).cases:
        assert case.match.modules
        assert case.match.unmatched == ()
        assert case.match.errors == ()


@pytest.mark.parametrize(
    ("size", "task", "rank"),
    [
        (None, "format", 4),
        (None, "multi-task", 64),
        (500, "multi-task", 8),
        (500, "format", 4),
        (5_000, "domain", 16),
        (5_000, "complex-domain", 16),
        (50_000, "chat", 32),
        (50_000, "complex-domain", 32),
        (500_000, "complex-domain", 64),
        (500_000, "multi-task", 64),
    ],
)
def test_ranks(size: int | None, task: str, rank: int) -> None:
    assert recommend("meta-llama/Llama-3.1-8B", size, task).rank.value == rank


def test_the_models_own_names() -> None:
    assert recommend("microsoft/Phi-3-mini-4k-instruct", None, "code").targets.value == (
        "o_proj",
        "qkv_proj",
        "gate_up_proj",
        "down_proj",
    )
    assert recommend("google/flan-t5-base", None, "chat", layers="attention").targets.value == ("q", "k", "v", "o")
    assert set(recommend("google/flan-t5-base", None, "code").targets.value) == {*"qkvo", "wi_0", "wi_1", "wo"}
    vision = recommend("Qwen/Qwen2.5-VL-7B-Instruct", None, "chat", layers="attention")
    assert vision.targets.value == ("q_proj", "k_proj", "v_proj", "o_proj")  # which its tower has not
    vision = recommend("Qwen/Qwen2.5-VL-7B-Instruct", None, "code")
    assert "language_model" in str(vision.targets.value)
    assert vision.loader == "AutoModelForImageTextToText"


@pytest.mark.parametrize(
    ("model", "loader", "task_type"),
    [
        ("google/flan-t5-base", "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM"),
        ("facebook/bart-large", "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM"),
        ("openai/whisper-small", "AutoModelForSpeechSeq2Seq", None),
        ("google/vit-base-patch16-224", "AutoModelForImageClassification", None),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "AutoModelForImageTextToText", "CAUSAL_LM"),
        ("openai-community/gpt2", "AutoModelForCausalLM", "CAUSAL_LM"),
    ],
)
def test_the_class_that_a_model_is_made_for(model: str, loader: str, task_type: str | None) -> None:
    found = recommend(model, None, "chat")
    assert (found.loader, found.task_type) == (loader, task_type)
    text = recommended(found, registry.framework("peft"))
    assert f"model = {loader}.from_pretrained" in text
    assert ("task_type" in text) is (task_type is not None)
    assert [each.code for each in engine.lint_text(text, "train.py", Settings()).findings] == []


@pytest.mark.parametrize("task", TASKS)
def test_all_linear_layers_unless_asked_otherwise(task: str) -> None:
    attention = ("q_proj", "k_proj", "v_proj", "o_proj")
    mlp = ("gate_proj", "up_proj", "down_proj")
    model = "meta-llama/Llama-3.1-8B"
    assert set(recommend(model, None, task).targets.value) == {*attention, *mlp}
    assert set(recommend(model, None, task, layers="attention").targets.value) == set(attention)
    assert set(recommend(model, None, task, layers="query-value").targets.value) == {"q_proj", "v_proj"}


@pytest.mark.parametrize("layers", ["attention", "query-value"])
@pytest.mark.parametrize("framework", marks.RECOMMENDED)
def test_fewer_layers_lint_clean(framework: str, layers: Layers) -> None:
    name = "train.py" if framework == "peft" else "config.yaml"
    found = recommend("meta-llama/Llama-3.1-8B", 5_000, "chat", layers=layers)
    text = recommended(found, registry.framework(framework))
    assert [each.code for each in engine.lint_text(text, name, Settings()).findings] == []


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "--model", "meta-llama/Llama-3.1-8B", "--dataset-size", "2000", "--task", "chat"]) == 0
    out = capsys.readouterr().out
    assert "    r=16," in out
    assert '"down_proj"' in out
    assert "`--layers attention`" in out
    assert "# for the task chat (rule of thumb)" in out
    assert main(["recommend", "--model", "nobody/nothing-9x"]) == 2
    assert "the model nobody/nothing-9x" in capsys.readouterr().err
    assert main(["recommend", "--model", "openai-community/gpt2", "--framework", "torchtune"]) == 2
    assert "torchtune has no builder" in capsys.readouterr().err
