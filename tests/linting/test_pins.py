"""The versions that a project pins select what its settings mean."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import trl
from hypothesis import example, given
from hypothesis import strategies as st
from transformers import TrainingArguments

from lora_lint import discovery
from lora_lint.knowledge.peft_facts import facts
from lora_lint.knowledge.training_arguments import GONE, GONE_OF_TRL, gone_from_call
from lora_lint.knowledge.versions import default_targets
from lora_lint.linting import required, version_bounds
from lora_lint.linting.checker import Checker
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.run.problems import UnknownKey
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Finding
    from lora_lint.run.run import Run

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("mistralai/Mixtral-8x7B-v0.1")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["w1", "w2"], use_rslora=True))
"""


def run_of(folder: Path, **files: str) -> Run:
    """The run of a program in a folder below that of the files that pin."""
    (folder / ".git").mkdir()
    (folder / "src").mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    path = (folder / "src/train.py").as_posix()
    found = discovery.Found(path, "python", PROGRAM.encode(), True)
    reading = read_file(found, Settings(), Project(folder.as_posix())).reading
    (run,) = reading.runs
    return run


@pytest.mark.parametrize(
    "requirement, below",
    [
        ("==0.7.1", (0, 7, 2)),
        ("== 0.7", (0, 7, 1)),
        ("==0.7.*", (0, 8)),
        ("~=0.7.1", (0, 8)),
        ("~=0.7", (1,)),
        ("<0.8", (0, 8)),
        ("<=0.8.2", (0, 8, 3)),
        (">=0.4,<0.8", (0, 8)),
        ("^0.7.0", (0, 8)),
        ("^1.2", (2,)),
        ("0.7.1", (0, 7, 2)),
        (">=0.4", None),
        ("!=0.5", None),
        ("", None),
        ("*", None),
        ("^0.6 || ^0.7", (0, 8)),
        ("0.6.*|0.7.*", (0, 8)),
        ("^0.6 || *", None),
        ("@ git+https://example.org/peft@v0.7.1", None),
    ],
)
def test_upper_bounds(requirement: str, below: tuple[int, ...] | None) -> None:
    assert version_bounds.upper(requirement) == below


@pytest.mark.parametrize(
    "name, text",
    [
        ("requirements__txt", "torch\npeft==0.7.1  # the last that works\n"),
        ("requirements-gpu__txt", "PEFT[extra] == 0.7.1; python_version > '3.8'\n"),
        ("pyproject__toml", '[project]\ndependencies = ["torch", "peft<0.8"]\n'),
        ("pyproject__toml", '[tool.poetry.dependencies]\npeft = "^0.7.0"\n'),
        ("pyproject__toml", '[tool.poetry.dependencies]\npeft = {extras = ["x"], version = "0.7.1"}\n'),
        ("uv__lock", '[[package]]\nname = "peft"\nversion = "0.7.1"\nsource = { }\n'),
    ],
)
def test_an_old_peft_does_not_know_rslora(tmp_path: Path, name: str, text: str) -> None:
    (problem,) = run_of(tmp_path, **{name: text}).problems
    assert (problem.key, problem.consequence) == ("use_rslora", "raises a TypeError")
    assert "before PEFT 0.8.0" in problem.owner
    assert name.replace("__", ".") in problem.owner


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements__txt": "peft>=0.4\n"},
        {"requirements__txt": "peft==0.8.0\n"},
        {"requirements__txt": "peft\n"},
        {"requirements__txt": "peft-utils==0.1\n"},
        {"requirements__txt": "# peft==0.4.0\n"},
        {"requirements__txt": "peft==0.7.1\n", "requirements-new__txt": "peft==0.17.0\n"},
        {"requirements__txt": "peft==0.7.1\n", "uv__lock": '[[package]]\nname = "peft"\nversion = "0.17.0"\n'},
    ],
)
def test_a_peft_that_may_be_newer(tmp_path: Path, files: dict[str, str]) -> None:
    assert run_of(tmp_path, **files).problems == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_requirements_as_powershell_writes_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "requirements.txt").write_text("peft==0.7.1\ntorch\n", encoding=encoding)
    (problem,) = run_of(tmp_path).problems
    assert "requirements.txt has `peft==0.7.1`" in problem.owner


def test_a_keyword_with_a_default_elsewhere(tmp_path: Path) -> None:
    """The place is the call that raises, not the default that it passes on."""
    program = """\
class Settings:
    rooted: bool = True

settings = Settings()
""" + WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"], use_rslora=settings.rooted')
    found = findings(tmp_path / "one", program, "peft==0.7.1\n")["LL901"]
    text = (tmp_path / "one/train.py").read_bytes()
    assert text[found.span.start : found.span.end].startswith(b"LoraConfig")


def test_transformers_selects_the_names_of_its_version(tmp_path: Path) -> None:
    assert run_of(tmp_path, requirements__txt="transformers==4.40.0\n").model.transformers == "4"


@pytest.mark.parametrize("text", ["transformers>=4.40\n", "transformers==5.2.0\n", "transformers<6\n"])
def test_transformers_may_be_the_newest(tmp_path: Path, text: str) -> None:
    assert run_of(tmp_path, requirements__txt=text).model.transformers is None


def test_what_is_outside_of_the_repository_pins_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("peft==0.7.1\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    assert run_of(inner).problems == ()


TRAINING = """\
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, Trainer, TrainingArguments
from trl import DPOTrainer, GRPOTrainer, SFTConfig, SFTTrainer

"""
LOADED = 'model = AutoModelForCausalLM.from_pretrained("{0}")\n'
WRAPPED = LOADED + "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, {1}))\n"


def findings(folder: Path, program: str, wanted: str = "") -> dict[str, Finding]:
    """The findings of a program in a repository with these requirements, by rule: the last of each."""
    (folder / ".git").mkdir(parents=True)
    if wanted:
        (folder / "requirements.txt").write_text(wanted, encoding="utf-8")
    path = folder / "train.py"
    path.write_text(TRAINING + program, encoding="utf-8")
    found = discovery.Found(path.as_posix(), "python", path.read_bytes(), True)
    result = Checker(Settings(root=folder.as_posix())).check(found)
    return {each.code: each for each in result.findings}


@pytest.mark.parametrize(
    ("wanted", "keyword", "told"),
    [
        ("transformers==4.49.0\n", "evaluation_strategy='no'", False),
        ("transformers>=4.40\n", "evaluation_strategy='no'", False),
        ("", "evaluation_strategy='no'", False),
        ("transformers==4.57.1\n", "evaluation_strategy='no'", True),
        ("transformers>=5.1\n", "evaluation_strategy='no'", True),
        ("transformers==5.14.1\n", "warmup_ratio=0.1", False),
        ("transformers==5.15.0\n", "warmup_ratio=0.1", True),
        ("transformers==5.15.0\n", "warmup_steps=0.1", False),
        ("transformers @ git+https://a/b@e0b2ca79771066162d6efec86764b047a323b98a\n", "warmup_ratio=0.1", False),
    ],
)
def test_training_arguments_that_are_gone(tmp_path: Path, wanted: str, keyword: str, told: bool) -> None:
    """training_args.py of transformers 4.49.0, 4.51.0, 5.14.1 and 5.15.0."""
    program = WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    trained = f"args = TrainingArguments('out', {keyword})\nTrainer(model=model, args=args).train()\n"
    found = findings(tmp_path / "plain", program + trained, wanted).get("LL901")
    assert (found is not None and found.level == "warning") is told
    asked = "import transformers\nprint(transformers.__version__)\n"
    assert "LL901" not in findings(tmp_path / "asked", asked + program + trained, wanted)


@pytest.mark.parametrize(("older", "told"), [("4.49.0", None), ("4.51.3", "4.51.3")])
def test_the_oldest_of_several_locked_versions_decides(tmp_path: Path, older: str, told: str | None) -> None:
    """uv locks a version for each environment."""
    lock = "".join(f'[[package]]\nname = "transformers"\nversion = "{each}"\n' for each in (older, "4.52.4"))
    (tmp_path / "uv.lock").write_text(lock, encoding="utf-8")
    program = WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    trained = "args = TrainingArguments('out', evaluation_strategy='no')\nTrainer(model=model, args=args).train()\n"
    found = findings(tmp_path, program + trained).get("LL901")
    assert (found is None) if told is None else (found is not None and f"transformers {told}," in found.message)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.lock.txt", "transformers==4.46.0"),
        ("training-constraints.txt", "transformers[torch] <= 4.49"),
        ("pyproject.toml", '[project.optional-dependencies]\ntrain = ["transformers~=4.46.2"]'),
        ("README.md", "Install it with `pip install transformers==4.40.1`."),
        ("environment.yml", "dependencies:\n  - transformers=4.44.2"),
        ("uv.lock", '[[package]]\nname = "transformers"\nversion = "4.48.0"'),
    ],
)
def test_another_file_asks_for_an_older_release(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")
    program = WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    program += "args = TrainingArguments('out', evaluation_strategy='no')\nTrainer(model=model, args=args).train()\n"
    assert "LL901" not in findings(tmp_path, program, "transformers>=4.40\n")


@pytest.mark.parametrize(
    ("wanted", "line", "told"),
    [
        ("trl==0.19.1\n", "from trl import DataCollatorForCompletionOnlyLM", False),
        ("trl>=0.12\n", "from trl import DataCollatorForCompletionOnlyLM", False),
        ("", "from trl import DataCollatorForCompletionOnlyLM", False),
        ("trl==0.20.0\n", "from trl import DataCollatorForCompletionOnlyLM", True),
        ("trl>=0.21\n", "from trl.trainer.utils import DataCollatorForCompletionOnlyLM as Collator", True),
        ("trl>=0.29\n", "from trl import ORPOConfig, ORPOTrainer", True),
        ("trl>=0.29\n", "from trl.experimental.orpo import ORPOConfig, ORPOTrainer", False),
        ("peft==0.9.0\n", "from peft import prepare_model_for_int8_training", False),
        ("peft==0.10.0\n", "from peft import prepare_model_for_int8_training", True),
        ("transformers>=4.50\n", "from transformers import AdamW", True),
        ("transformers>=4.50\n", "from torch.optim import AdamW", False),
        ("transformers>=4.50\n", "try:\n    from transformers import AdamW\nexcept ImportError:\n    pass", False),
        ("transformers>=4.50\n", "def old():\n    from transformers import AdamW", False),
    ],
)
def test_imports_that_are_gone(tmp_path: Path, wanted: str, line: str, told: bool) -> None:
    """__init__.py of TRL 0.19.0, 0.20.0, 0.28.0 and 0.29.0, PEFT 0.9.0 and 0.10.0, transformers 4.49.0 and 4.50.0."""
    program = WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    found = findings(tmp_path, f"{line}\n{program}Trainer(model=model).train()\n", wanted).get("LL901")
    assert (found is not None and found.level == "warning") is told
    assert not told or (found is not None and "cannot be imported" in found.message)


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ("", "evaluation_strategy"),
        ("transformers>=4.40\n", "evaluation_strategy"),
        ("transformers>=5.2\n", "warmup_ratio"),
        ("trl\n", "DataCollatorForCompletionOnlyLM"),
        ("transformers==4.49.0\n", None),
        ("transformers<4.51\ntrl<0.20\n", None),
    ],
)
def test_what_a_new_install_no_longer_takes(tmp_path: Path, wanted: str, gone: str | None) -> None:
    program = "from trl import DataCollatorForCompletionOnlyLM\n" if gone and "Collator" in gone else ""
    given = f"{gone}=1" if gone and not program else "evaluation_strategy='no'" if gone is None else "seed=1"
    program += WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    program += f"args = TrainingArguments('out', {given})\nTrainer(model=model, args=args).train()\n"
    found = findings(tmp_path, program, wanted).get("LL901")
    if gone is None:
        assert found is None
    else:
        assert found is not None
        assert found.level == "advice"
        assert f"`{gone}` is gone from" in found.message


@pytest.mark.parametrize(
    ("wanted", "model", "loading", "told"),
    [
        ("transformers==4.50.3\n", "Qwen/Qwen3-8B", "", True),
        ("transformers<4.51\n", "Qwen/Qwen3-8B", "", True),
        ("transformers==4.51.0\n", "Qwen/Qwen3-8B", "", False),
        ("transformers>=4.40\n", "Qwen/Qwen3-8B", "", False),
        ("", "Qwen/Qwen3-8B", "", False),
        ("transformers==4.50.3\n", "Qwen/Qwen3-8B", ", trust_remote_code=True", False),
        ("transformers==4.50.3\n", "Qwen/Qwen2.5-7B", "", False),
        ("transformers==4.40.0\n", "google/gemma-2-9b", "", True),
        ("transformers==4.40.0\n", "/data/gemma-2-9b-mine", "", False),
    ],
)
def test_types_that_the_pinned_transformers_does_not_know(
    tmp_path: Path, wanted: str, model: str, loading: str, told: bool
) -> None:
    """models/auto/configuration_auto.py of transformers 4.41.0, 4.42.0, 4.50.0 and 4.51.0."""
    program = (
        f'model = AutoModelForCausalLM.from_pretrained("{model}"{loading})\n'
        'lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")\n'
        "Trainer(model=get_peft_model(model, lora)).train()\n"
    )
    assert ("LL904" in findings(tmp_path, program, wanted)) is told


@pytest.mark.parametrize(
    ("wanted", "line", "level"),
    [
        # peft/peft_model.py of 0.13.2, 0.14.0, 0.16.0 and 0.18.0; transformers/__init__.py of 4.42.4, 4.43.0, 4.44.0
        ("transformers==4.40.1\npeft\n", "", "warning"),
        ("transformers==4.42.4\npeft>=0.12\n", "", "warning"),
        ("transformers==4.40.1\npeft>=0.14.0\n", "", "error"),
        ("transformers==4.40.1\npeft==0.15.2\n", "", "error"),
        ("transformers<4.43\npeft==0.14.0\n", "", "error"),
        ("transformers==4.40.1\npeft==0.13.2\n", "", None),
        ("transformers==4.40.1\npeft<0.14\n", "", None),
        ("transformers==4.43.0\npeft==0.14.0\naccelerate\n", "", None),
        ("transformers==4.40.1\n", "", None),
        ("peft\n", "", None),
        ("transformers==4.40.1\npeft==$PEFT\n", "", None),
        ("transformers==4.40.1\ngit+https://github.com/huggingface/peft@0123456789\n", "", None),
        ("transformers==4.43.4\npeft==0.17.0\n", "", "error"),
        ("transformers==5.2.0\npeft==0.17.1\n", "", "error"),
        ("transformers>=4.50\npeft==0.17.1\n", "", "warning"),
        ("transformers>=4.50\npeft==0.17.1\nvllm==0.11.0\n", "", None),
        ("transformers<5\npeft==0.17.1\n", "", None),
        ("transformers==5.2.0\npeft==0.18.0\n", "", None),
        ("transformers==4.51.3\npeft==0.18.0\n", "", "error"),
        ("transformers==4.51.3\npeft==0.18.1\n", "", None),
        # peft/utils/loftq_utils.py of 0.15.0; accelerate/utils/memory.py of 0.31.0 and 0.32.0
        ("transformers==4.44.2\npeft\naccelerate==0.31.0\n", "", "warning"),
        ("transformers==4.44.2\npeft\naccelerate==0.32.0\n", "", None),
        # trl/core.py of 0.7.11 and 0.8.0, trl/trainer/dpo_trainer.py of 0.22.2 and 0.23.0
        ("trl==0.7.11\ntransformers==4.39.0\npeft==0.9.0\n", "from trl import SFTTrainer", "error"),
        ("trl==0.7.11\ntransformers==4.38.2\naccelerate<1\npeft==0.9.0\n", "from trl import SFTTrainer", None),
        ("trl==0.8.0\ntransformers==4.41.0\npeft==0.9.0\n", "from trl import SFTTrainer", None),
        ("trl==0.22.2\ntransformers==5.0.0\n", "from trl import DPOTrainer", "error"),
        ("trl==0.23.0\ntransformers==5.0.0\n", "from trl import DPOTrainer", None),
        # diffusers/utils/dynamic_modules_utils.py of 0.28.2 and 0.29.0; huggingface_hub of 0.25.2 and 0.26.0
        ("diffusers==0.28.0\n", "import diffusers", "warning"),
        ("diffusers==0.28.0\nhuggingface_hub==0.26.0\n", "import diffusers", "error"),
        ("diffusers==0.28.0\nhuggingface-hub==0.25.2\n", "import diffusers", None),
        ("diffusers==0.28.0\ntransformers==4.34.1\npeft==0.6.0\naccelerate<1\n", "import diffusers", None),
        ("diffusers==0.29.0\n", "import diffusers", None),
        # transformers/trainer.py of 4.39.3, 4.40.0, 4.51.3 and 4.52.0; accelerate/accelerator.py of 0.34.2, 1.0.0, 1.2.0
        ("transformers==4.39.3\npeft==0.10.0\n", "", "warning"),
        ("transformers==4.39.3\npeft==0.10.0\naccelerate==1.2.0\n", "", "error"),
        ("transformers==4.39.3\npeft==0.10.0\naccelerate==0.34.2\n", "", None),
        ("transformers==4.40.0\npeft==0.10.0\naccelerate==1.2.0\n", "", None),
        ("transformers==4.52.4\npeft==0.15.2\naccelerate==1.2.0\n", "", "error"),
        ("transformers==4.51.3\npeft==0.15.2\naccelerate==1.2.0\n", "", None),
        ("transformers==4.46.0\npeft==0.13.0\naccelerate==0.25.0\n", "", "error"),
        # trl/trainer/grpo_trainer.py of 0.17.0, 0.18.0, 0.26.0 and 0.27.0; vllm/sampling_params.py of 0.11.2 and 0.12.0
        ("trl==0.24.0\nvllm==0.12.0\n", "from trl import GRPOConfig, GRPOTrainer", "error"),
        ("trl==0.24.0\nvllm==0.11.2\n", "from trl import GRPOConfig, GRPOTrainer", None),
        ("trl==0.27.0\nvllm==0.12.0\n", "from trl import GRPOConfig, GRPOTrainer", None),
        ("trl==0.24.0\n", "from trl import GRPOConfig, GRPOTrainer", None),
        # vllm/transformers_utils/configs/ovis.py of 0.8.5, 0.9.0, 0.10.0 and 0.10.1; transformers of 4.53.0 and 4.54.0
        ("vllm==0.9.2\ntransformers==4.55.0\n", "import vllm", "error"),
        ("vllm==0.9.2\ntransformers==4.53.3\n", "import vllm", None),
        ("vllm==0.10.1\ntransformers==4.55.0\n", "import vllm", None),
        # vllm/transformers_utils/tokenizer.py of 0.6.6 to 0.12.0
        ("vllm==0.10.2\n", "from vllm import LLM", "warning"),
        ("vllm==0.10.2\ntransformers<5\n", "from vllm import LLM", None),
        ("vllm==0.11.1\n", "from vllm import LLM", None),
        ("vllm\n", "from vllm import LLM", None),
    ],
)
def test_libraries_that_do_not_run_together(tmp_path: Path, wanted: str, line: str, level: str | None) -> None:
    program = WRAPPED.format("gpt2", 'target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"')
    found = findings(tmp_path, f"{line}\n{program}Trainer(model=model).train()\n", wanted).get("LL904")
    assert (found.level if found is not None else None) == level, found and found.message


@pytest.mark.parametrize(
    ("wanted", "fast", "told"),
    [
        ("unsloth_zoo==2025.9.9\nvllm==0.11.0\n", True, True),
        ("unsloth_zoo==2025.9.9\nvllm==0.10.2\n", True, False),
        ("unsloth-zoo==2025.11.6\nvllm==0.13.0\n", True, True),
        ("unsloth_zoo==2025.12.4\nvllm==0.13.0\n", True, False),
        ("unsloth_zoo==2025.11.6\nvllm==0.13.0\n", False, False),
        ("unsloth==2025.11.6\nvllm==0.13.0\n", True, False),  # pip takes the newest unsloth_zoo
        ("unsloth==2025.12.10\npeft==0.17.1\n", False, True),
        ("unsloth==2025.12.10\npeft==0.18.0\n", False, False),
        ("unsloth==2025.11.6\npeft==0.17.1\n", False, False),
        ("unsloth==2025.10.12\ntrl==0.24.0\n", False, True),
        ("unsloth==2025.10.12\ntrl==0.22.2\ntransformers==4.56.2\n", False, False),
        ("unsloth==2025.5.3\ntransformers==4.52.0\n", False, True),
        ("unsloth==2025.10.9\ntransformers==4.57.1\n", False, False),  # between releases that were read
        ("unsloth\ntrl==1.16.0\n", False, False),
    ],
)
def test_releases_that_unsloth_does_not_run_with(tmp_path: Path, wanted: str, fast: bool, told: bool) -> None:
    """vllm_lora_worker_manager.py of unsloth_zoo 2025.9.9 to 2025.12.4; vllm/lora of 0.10.2 to 0.13.0."""
    program = (
        "from unsloth import FastLanguageModel\n"
        f'model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-4B"{", fast_inference=True" * fast})\n'
        "model = FastLanguageModel.get_peft_model(model, r=8, lora_alpha=16)\n"
    )
    assert ("LL904" in findings(tmp_path, program, wanted)) is told


def test_an_engine_alone_has_its_releases_checked(tmp_path: Path) -> None:
    program = 'from vllm import LLM\nllm = LLM("Qwen/Qwen2.5-7B-Instruct", enable_lora=True)\n'
    assert "LL904" in findings(tmp_path, program, "vllm==0.9.2\ntransformers==4.55.0\n")


@pytest.mark.parametrize(
    ("wanted", "task", "given", "told"),
    [
        ("transformers==4.51.3\n", "", "", True),
        ("transformers==4.54.1\n", "task_type=None", "", True),
        ("transformers==4.55.0\n", "", "", False),
        ("", "", "", False),
        ("transformers==4.51.3\n", 'task_type="TOKEN_CLS"', "", False),
        ("transformers==4.51.3\n", "task_type=task", "", False),
        ("transformers==4.51.3\n", "", "label_names=['labels']", False),
        ("transformers==4.51.3\n", "", "**more", False),
        ("transformers==4.51.3\n", "", "load_best_model_at_end=False", False),
    ],
)
def test_trainer_measures_no_loss_without_a_task_type(
    tmp_path: Path, wanted: str, task: str, given: str, told: bool
) -> None:
    """trainer.py of transformers 4.51.3, 4.54.1 and 4.55.0."""
    best = "" if "load_best" in given else "load_best_model_at_end=True, "
    program = (
        'model = AutoModelForCausalLM.from_pretrained("gpt2")\n'
        f"lora = LoraConfig(r=8, target_modules=['c_attn'], fan_in_fan_out=True, {task})\n"
        f"args = TrainingArguments('out', {best}eval_strategy='epoch', save_strategy='epoch', {given})\n"
        "Trainer(model=get_peft_model(model, lora), args=args, train_dataset=a, eval_dataset=b).train()\n"
    )
    found = findings(tmp_path / "plain", program, wanted).get("LL904")
    assert (found is not None and "measures no loss" in found.message) is told
    own = program.replace("Trainer(model", "Own(model")
    own = f"class Own(Trainer):\n    def prediction_step(self, *given):\n        return measured(*given)\n\n{own}"
    assert "LL904" not in findings(tmp_path / "own", own, wanted)


@pytest.mark.parametrize(
    ("loading", "told"),
    [
        ('AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct")', "AutoModelForImageTextToText"),
        ('AutoModelForCausalLM.from_pretrained("google/flan-t5-base")', "AutoModelForSeq2SeqLM"),
        ('AutoModelForSeq2SeqLM.from_pretrained("Qwen/Qwen2.5-7B")', "AutoModelForCausalLM"),
        ('AutoModelForImageTextToText.from_pretrained("Qwen/Qwen2.5-7B")', "AutoModelForCausalLM"),
        ('AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct", trust_remote_code=True)', ""),
        ('AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct", config=config)', ""),
        ('AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct", **options)', ""),
        ('AutoModelForCausalLM.from_pretrained("google/gemma-3-4b-it")', ""),
        ('AutoModelForCausalLM.from_pretrained("openbmb/MiniCPM-V-2_6")', ""),
        ('AutoModelForCausalLM.from_pretrained("/data/qwen2.5-vl-mine")', ""),
        ('AutoModel.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct")', ""),
        ('Qwen2_5_VLForConditionalGeneration.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct")', ""),
    ],
)
def test_classes_that_do_not_have_a_type(tmp_path: Path, loading: str, told: str) -> None:
    """models/auto/modeling_auto.py of transformers 4.28.1 to 5.24.0."""
    program = (
        "from transformers import AutoModel, AutoModelForImageTextToText, AutoModelForSeq2SeqLM\n"
        "from transformers import Qwen2_5_VLForConditionalGeneration\n"
        f"model = {loading}\n"
        'lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"])\n'
        "Trainer(model=get_peft_model(model, lora)).train()\n"
    )
    found = findings(tmp_path, program).get("LL904")
    assert told in found.message if found is not None and told else found is None and not told


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"requirements.txt": "transformers==4.40.1\n", "requirements-train.txt": "peft\n"}, False),
        ({"requirements.txt": "transformers==4.40.1\npeft\n", "requirements-new.txt": "transformers\npeft\n"}, False),
        ({"requirements.txt": "transformers==4.40.1\npeft\n", "README.md": "pip install peft==0.11.1\n"}, False),
        ({"requirements.txt": "transformers==4.40.1\npeft\n", "README.md": "conda create python=3.8\n"}, False),
        ({"environment.yml": "dependencies:\n- pip:\n  - transformers==4.40.1\n  - peft\n"}, True),
        ({"pyproject.toml": '[project]\ndependencies = ["transformers==4.40.1", "peft"]\n'}, True),
        (
            {
                "uv.lock": '[[package]]\nname = "peft"\nversion = "0.15.2"\n'
                '[[package]]\nname = "transformers"\nversion = "4.40.1"\n'
            },
            True,
        ),
    ],
)
def test_what_is_installed_together(tmp_path: Path, files: dict[str, str], told: bool) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program = WRAPPED.format("gpt2", 'target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"')
    assert ("LL904" in findings(tmp_path, program)) is told


def test_no_argument_is_gone_that_the_class_takes() -> None:
    known = {field.name for field in fields(TrainingArguments)}
    assert known.isdisjoint(GONE)
    assert {gone.other for gone in GONE.values()} - {""} <= known


@pytest.mark.parametrize(
    ("wanted", "call", "told"),
    [
        ("trl==0.19.1\n", "SFTTrainer(model, SFTConfig('out', max_seq_length=512))", ""),
        ("trl>=0.12\n", "SFTTrainer(model, SFTConfig('out', max_seq_length=512))", ""),
        ("trl==0.20.0\n", "SFTTrainer(model, SFTConfig('out', max_seq_length=512))", "max_length"),
        ("trl>=0.20\n", "SFTTrainer(model, SFTConfig('out', max_length=512))", ""),
        ("transformers>=5.1\n", "SFTTrainer(model, SFTConfig('out', overwrite_output_dir=True))", "Remove it"),
        ("trl==0.15.2\n", "SFTTrainer(model, tokenizer=tokenizer)", ""),
        ("trl==0.16.0\n", "SFTTrainer(model, tokenizer=tokenizer)", "processing_class"),
        ("trl==0.12.2\n", "SFTTrainer(model, dataset_text_field='text')", ""),
        ("trl==0.13.0\n", "SFTTrainer(model, dataset_text_field='text')", "SFTConfig"),
        ("transformers==4.57.6\n", "Trainer(model=model, tokenizer=tokenizer)", ""),
        ("transformers==5.0.0\n", "Trainer(model=model, tokenizer=tokenizer)", "processing_class"),
        ("trl==0.28.0\n", "DPOTrainer(model, args=DPOConfig('out', max_prompt_length=512))", ""),
        ("trl==0.29.0\n", "DPOTrainer(model, args=DPOConfig('out', max_prompt_length=512))", "length of their prompts"),
        (
            "trl==0.28.0\n",
            "GRPOTrainer(model, args=GRPOConfig('out', max_prompt_length=512))",
            "length of their prompts",
        ),
        ("trl==0.26.2\n", "KTOTrainer(model, args=KTOConfig('out', max_prompt_length=512))", ""),
        ("trl==0.27.0\n", "KTOTrainer(model, args=KTOConfig('out', max_prompt_length=512))", "length of their prompts"),
        ("trl==0.13.0\n", "KTOTrainer(model, tokenizer=tokenizer)", ""),
        ("trl==0.14.0\n", "KTOTrainer(model, tokenizer=tokenizer)", "processing_class"),
        ("trl==0.24.0\n", "RLOOTrainer(model, args=RLOOConfig('out', rloo_k=4))", ""),
        ("trl==0.25.0\n", "RLOOTrainer(model, args=RLOOConfig('out', rloo_k=4))", "num_generations"),
        ("trl==0.27.0\n", "GRPOTrainer(model, args=GRPOConfig('out', wandb_log_unique_prompts=True))", "log_unique"),
    ],
)
def test_keywords_of_trainers_that_are_gone(tmp_path: Path, wanted: str, call: str, told: str) -> None:
    """sft_config.py, dpo_config.py, kto_config.py, grpo_config.py, rloo_config.py and *_trainer.py of TRL, trainer.py of transformers."""
    program = WRAPPED.format("Qwen/Qwen2-7B", 'target_modules=["q_proj"], task_type="CAUSAL_LM"')
    program += f"from trl import {', '.join(dict.fromkeys(re.findall('(?:SFT|DPO|GRPO|KTO|RLOO)[A-Z][a-z]+', call)) or ['trl'])}\n"
    program += f"{call}.train()\n"
    found = findings(tmp_path / "plain", program, wanted).get("LL901")
    if told:
        assert found is not None
        assert found.level == "warning"
        assert told in found.message
    else:
        assert found is None or found.level == "advice"
    patched = f"from unsloth import FastLanguageModel\n{program}"
    assert "trl" not in wanted or "LL901" not in findings(tmp_path / "patched", patched, wanted)


def test_no_keyword_of_trl_is_gone_that_it_takes() -> None:
    for name, gone in GONE_OF_TRL.items():
        known = {field.name for field in fields(getattr(trl, name))}
        assert known.isdisjoint(gone)
        assert {each.other for each in gone.values()} - {""} <= known
        assert known.isdisjoint(GONE)
    for trainer in (trl.SFTTrainer, trl.DPOTrainer, trl.GRPOTrainer, trl.RewardTrainer, trl.KTOTrainer):
        taken = inspect.signature(trainer).parameters
        assert not [each for each in taken if gone_from_call(trainer.__name__, each)]


def test_default_targets_came_with_versions(tmp_path: Path) -> None:
    """peft/utils/constants.py of 0.11.0 has no qwen2, that of 0.12.0 has."""
    program = WRAPPED.format("Qwen/Qwen2-7B", 'task_type="CAUSAL_LM"')
    assert "LL205" not in findings(tmp_path / "newest", program)
    assert "LL205" not in findings(tmp_path / "new", program, "peft==0.12.0\n")
    old = findings(tmp_path / "old", program, "peft==0.11.1\n")["LL205"]
    assert "before 0.12.0 (requirements.txt has `peft==0.11.1`)" in old.message
    assert '"all-linear"' in old.message
    older = findings(tmp_path / "older", program, "peft==0.7.1\n")["LL205"]
    assert '"all-linear"' not in older.message, "0.7 takes it for a regex"


def test_a_command_of_trl_has_the_targets_of_the_pinned_peft(tmp_path: Path) -> None:
    """TRL hands the settings to LoraConfig as they are; qwen3 came to the defaults with 0.16.0."""
    command = "trl sft --model_name_or_path Qwen/Qwen3-8B --dataset_name data --use_peft --lora_r 16 --lora_alpha 16\n"
    for wanted, told in (("peft==0.15.1\n", True), ("peft==0.16.0\n", False), ("", False)):
        (tmp_path / "requirements.txt").write_text(wanted, encoding="utf-8")
        path = tmp_path / "train.sh"
        path.write_text(command, encoding="utf-8")
        found = discovery.Found(path.as_posix(), "shell", path.read_bytes(), True)
        result = Checker(Settings(root=tmp_path.as_posix())).check(found)
        assert ("LL205" in {each.code for each in result.findings}) is told, wanted


def test_the_default_targets_of_phi_changed() -> None:
    """PEFT 0.7 adapts Wqkv, out_proj, fc1 and fc2 of phi, of which transformers has no Wqkv and no out_proj."""
    assert default_targets("phi", (0, 7, 2)) == ("Wqkv", "out_proj", "fc1", "fc2")
    assert default_targets("phi", (0, 8)) == ("Wqkv", "out_proj", "fc1", "fc2")
    assert default_targets("phi", (0, 8, 1)) == ("q_proj", "v_proj", "fc1", "fc2")
    assert default_targets("phi", (0, 7)) is None
    assert default_targets("phi") == default_targets("phi", (0, 21, 3))


@pytest.mark.parametrize("model_type", sorted(facts()["default_targets"]))
def test_the_versions_end_where_the_newest_peft_is(model_type: str) -> None:
    assert default_targets(model_type, (0, 21, 1)) == default_targets(model_type)


@pytest.mark.parametrize("wanted, told", [("peft==0.7.1\n", True), ("peft==0.8.0\n", False), ("", False)])
def test_all_linear_came_with_0_8(tmp_path: Path, wanted: str, told: bool) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules="all-linear"')
    found = findings(tmp_path / "all", program, wanted)
    assert ("LL902" in found) is told
    assert "LL201" not in found
    if told:
        assert "before PEFT 0.8.0 (requirements.txt has `peft==0.7.1`)" in found["LL902"].message


def test_a_program_that_finds_the_linear_layers_itself(tmp_path: Path) -> None:
    program = """\
def find_all_linear_names(model):
    names = set()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            names.add(name.split(".")[-1])
    if "lm_head" in names:
        names.remove("lm_head")
    return list(names)


""" + WRAPPED.format("meta-llama/Llama-2-7b-hf", "target_modules=find_all_linear_names(model)")
    assert "LL902" not in findings(tmp_path / "one", program, "peft==0.4.0\n")


def test_the_shorthand_is_no_remedy_before_it_came(tmp_path: Path) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["all-linear"]')
    old = findings(tmp_path / "old", program, "peft==0.7.1\n")["LL204"]
    assert "came with PEFT 0.8.0" in old.message
    assert old.fix is None
    assert findings(tmp_path / "new", program, "peft==0.8.0\n")["LL204"].fix is not None


@pytest.mark.parametrize(
    "value, wanted, told",
    [
        ("gaussian", "peft==0.6.2\n", "silently takes"),
        ("gaussian", "peft==0.7.0\n", None),
        ("pissa", "peft==0.10.0\n", "raises a ValueError"),
        ("pissa_niter_4", "peft==0.6.2\n", "silently takes"),
        ("pissa", "peft==0.11.0\n", None),
        ("orthogonal", "peft~=0.15.0\n", "raises a ValueError"),
        ("orthogonal", "peft>=0.15.0\n", None),
        ("of_my_own", "peft==0.6.2\n", None),
    ],
)
def test_initialisations_came_with_versions(tmp_path: Path, value: str, wanted: str, told: str | None) -> None:
    """Measured with these releases: 0.6.2 takes any text for True, 0.7.1 raises of what it does not know."""
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", f'target_modules=["q_proj"], init_lora_weights="{value}"')
    found = findings(tmp_path / "one", program, wanted).get("LL902")
    assert (found is not None) is (told is not None)
    if found is not None and told is not None:
        assert told in found.message


def test_rslora_is_no_advice_before_it_came(tmp_path: Path) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"]').replace("r=8", "r=64")
    assert "LL102" in findings(tmp_path / "new", program, "peft==0.8.2\n")
    assert "LL102" not in findings(tmp_path / "old", program, "peft==0.7.1\n")


@pytest.mark.parametrize(
    "wanted, before, told",
    [
        ("", "", True),
        ("peft==0.7.1\n", "", False),
        ("", 'V=0.7.1\npython -m pip install -q "torch>=2" \\\n  peft==$V\n', False),
        ("", "if [ -n $CI ]; then pip install peft==0.7.1; else pip install -U peft; fi\n", True),
        ("", "# pip install peft==0.7.1\necho pip install peft==0.7.1\n", True),
        ("peft==0.7.1\n", "uv pip install peft\n", True),
        ("peft==0.7.1\n", "pip install -r requirements.txt\n", False),
    ],
)
def test_a_program_that_a_shell_script_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, before: str, told: bool
) -> None:
    """What the script itself installs comes before what the project wants."""
    monkeypatch.chdir(tmp_path)
    program = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int)
args = parser.parse_args()
""" + WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"]').replace("r=8", "r=args.rank")
    (tmp_path / "train.py").write_text(TRAINING + program, encoding="utf-8")
    (tmp_path / "requirements.txt").write_text(wanted, encoding="utf-8")
    found = discovery.Found("run.sh", "shell", f"{before}python train.py --rank 64\n".encode(), True)
    assert ("LL102" in {each.code for each in Checker(Settings()).check(found).findings}) is told


def test_a_vision_tower_cannot_be_excluded_before_0_14(tmp_path: Path) -> None:
    program = """\
from transformers import AutoModelForImageTextToText

model = AutoModelForImageTextToText.from_pretrained("llava-hf/llava-1.5-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
"""
    old = findings(tmp_path / "old", program, "peft==0.13.2\n")["LL208"]
    new = findings(tmp_path / "new", program, "peft==0.14.0\n")["LL208"]
    assert "exclude_modules" in new.message
    assert "exclude_modules" not in old.message
    assert old.fix is None or not old.fix.changes


def test_whole_paths_bypass_the_layers_since_0_8(tmp_path: Path) -> None:
    targets = 'target_modules=["model.layers.1.self_attn.q_proj", "k_proj"], layers_to_transform=[0]'
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", targets)
    assert "LL210" in findings(tmp_path / "new", program, "peft==0.8.2\n")
    assert "LL210" not in findings(tmp_path / "old", program, "peft==0.7.1\n")


@pytest.mark.parametrize(
    "wanted, told",
    [
        ("", "silently drops the LoRA"),
        ("peft==0.15.2\n", "before 0.16.0 (requirements.txt has `peft==0.15.2`) raises a TypeError"),
        ("peft==0.12.0\n", "trains a full copy of it with the LoRA inside it"),
    ],
)
def test_a_head_that_the_task_saves(tmp_path: Path, wanted: str, told: str) -> None:
    """Measured: a target `score` with SEQ_CLS is left out since 0.16, a TypeError since 0.13, wrapped before."""
    program = """\
model = AutoModelForSequenceClassification.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", target_modules=["q_proj", "score"]))
"""
    assert told in findings(tmp_path / "one", program, wanted)["LL212"].message


def test_merging_into_bits_raised_before_0_6(tmp_path: Path) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"]').replace(
        '")', '", load_in_8bit=True)'
    )
    program += "Trainer(model).train()\nmodel = model.merge_and_unload()\n"
    assert "is rounded" in findings(tmp_path / "new", program, "peft==0.6.0\n")["LL601"].message
    old = findings(tmp_path / "old", program, "peft==0.5.0\n")["LL601"]
    assert "PEFT before 0.6.0 (requirements.txt has `peft==0.5.0`) raises a ValueError" in old.message


def test_missing_keys_are_told_since_0_14(tmp_path: Path) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"]')
    program += 'model = PeftModel.from_pretrained(model, "adapter")\nTrainer(model).train()\n'
    assert "a warning names" in findings(tmp_path / "new", program, "peft==0.14.0\n")["LL409"].message
    assert "does not warn" in findings(tmp_path / "old", program, "peft==0.13.2\n")["LL409"].message


def test_loraplus_is_pefts_since_0_13(tmp_path: Path) -> None:
    program = WRAPPED.format("meta-llama/Llama-2-7b-hf", 'target_modules=["q_proj"]')
    program += 'Trainer(model, TrainingArguments("out", loraplus_lr_ratio=16)).train()\n'
    assert "since" not in findings(tmp_path / "new", program, "peft==0.13.0\n")["LL503"].message
    old = findings(tmp_path / "old", program, "peft==0.12.0\n")["LL503"]
    assert "since 0.13.0 (requirements.txt has `peft==0.12.0`)" in old.message


@pytest.mark.parametrize(
    "trainer, adapter, wanted, level, told",
    [
        ("SFTTrainer", "fresh", "", "error", "raises a ValueError"),
        ("SFTTrainer", "fresh", "trl==0.27.0\n", "error", "raises a ValueError"),
        ("SFTTrainer", "fresh", "trl==0.26.2\n", "advice", "merges the model's adapter, which has no effect yet"),
        ("SFTTrainer", "loaded", "trl==0.22.0\n", "warning", "is then part of the base model"),
        ("SFTTrainer", "fresh", "trl==0.21.0\n", "advice", "wraps the model again"),
        ("SFTTrainer", "loaded", "trl==0.19.1\n", "advice", "ignores the config"),
        ("DPOTrainer", "loaded", "trl==0.8.6\n", "warning", "merges the model's adapter"),
        ("GRPOTrainer", "loaded", "trl==0.18.2\n", "warning", "wraps the model again"),
    ],
)
def test_two_adapters_by_version_of_trl(
    tmp_path: Path, trainer: str, adapter: str, wanted: str, level: str, told: str
) -> None:
    """Read in trl/trainer/*_trainer.py of the releases, and in models/utils.py of 0.22 to 0.25."""
    program = LOADED.format("meta-llama/Llama-2-7b-hf") + 'config = LoraConfig(r=8, target_modules=["q_proj"])\n'
    if adapter == "fresh":
        program += "model = get_peft_model(model, config)\n"
    else:
        program += 'model = PeftModel.from_pretrained(model, "adapter", is_trainable=True)\n'
    program += f"{trainer}(model=model, peft_config=config).train()\n"
    found = findings(tmp_path / "one", program, wanted)["LL412"]
    assert (found.level, told in found.message) == (level, True), found.message


@pytest.mark.parametrize(
    ("call", "wanted", "below"),
    [
        ("SFTTrainer(model, dataset_text_field='text', tokenizer=t)", "", (0, 13, 0)),
        ("SFTTrainer(model, tokenizer=t)", "", (0, 16, 0)),
        ("DPOTrainer(model, beta=0.1)", "", (0, 13, 0)),
        ("SFTTrainer(model, beta=0.1)", "", None),
        ("SFTTrainer(model, tokenizer=t)", "trl==0.12.0", (0, 12, 1)),
        ("SFTTrainer(model, packing=True)", "trl<0.20", (0, 13, 0)),
    ],
)
def test_the_arguments_of_a_trainer_date_its_call(
    tmp_path: Path, call: str, wanted: str, below: tuple[int, ...] | None
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements.txt").write_text(wanted)
    program = f"{PROGRAM}from trl import DPOTrainer, SFTTrainer\n{call}.train()\n"
    found = discovery.Found((tmp_path / "train.py").as_posix(), "python", program.encode(), True)
    (run,) = read_file(found, Settings(), Project(tmp_path.as_posix())).reading.runs
    assert (run.pins["trl"].below if "trl" in run.pins else None) == below


@pytest.mark.parametrize("wanted, told", [("trl==1.4.0\n", False), ("trl==1.6.0\n", True), ("", True)])
def test_a_head_that_trl_refuses(tmp_path: Path, wanted: str, told: bool) -> None:
    program = LOADED.format("meta-llama/Llama-2-7b-hf")
    program += 'SFTTrainer(model=model, peft_config=LoraConfig(target_modules=["q_proj", "lm_head"])).train()\n'
    assert ("LL412" in findings(tmp_path / "one", program, wanted)) is told


def test_experts_are_converted_since_0_19(tmp_path: Path) -> None:
    """Under transformers 5 the experts of Mixtral are parameters, which PEFT 0.18 does not look for by w1 and w2."""
    program = WRAPPED.format("mistralai/Mixtral-8x7B-v0.1", 'target_modules=["w1", "w2", "w3"]')
    hint = "# lora-lint: task=chat\n"
    new = Settings(transformers="5")
    for name, wanted, expected in (("new", "peft==0.19.0\n", False), ("old", "peft==0.18.1\n", True)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "requirements.txt").write_text(wanted, encoding="utf-8")
        path = (folder / "train.py").as_posix()
        found = discovery.Found(path, "python", (TRAINING + hint + program).encode(), True)
        result = Checker(replace(new, root=folder.as_posix())).check(found)
        assert ("LL201" in {each.code for each in result.findings}) is expected


def test_a_setting_of_the_first_peft_is_known_to_it(tmp_path: Path) -> None:
    program = WRAPPED.format("facebook/opt-6.7b", 'target_modules=["q_proj"], merge_weights=False')
    assert "LL901" not in findings(tmp_path / "old", program, "peft==0.2.0\n")
    assert "LL901" in findings(tmp_path / "new", program, "peft==0.3.0\n")


@pytest.mark.parametrize("wanted, version", [("peft==0.17.1\n", "4"), ("peft<0.18\n", "4"), ("peft==0.18.0\n", None)])
def test_pefts_that_cannot_be_imported_with_transformers_5(tmp_path: Path, wanted: str, version: str | None) -> None:
    """Measured with transformers 5.23: 0.16.0 and 0.17.1 want its HybridCache; 0.15.2 and 0.18.0 do not."""
    assert run_of(tmp_path, requirements__txt=wanted).model.transformers == version


def test_an_old_peft_tells_nothing_of_transformers(tmp_path: Path) -> None:
    assert run_of(tmp_path, requirements__txt="peft==0.15.2\n").model.transformers is None


CELLS = {
    "!pip install -q peft==0.7.1": "0.8.0",
    "!pip install peft==0.7.1 transformers # the last": "0.8.0",
    "%pip install 'peft>=0.4,<0.8' -U": "0.8.0",
    "!python -m pip install -q \\\n  peft==0.7.1": "0.8.0",
    "%%bash\npip install peft==0.7.1": "0.8.0",
    "%%capture\n!uv pip install --no-deps peft[extra]==0.7.1": "0.8.0",
    "!pip install git+https://github.com/huggingface/peft.git@v0.7.1": "0.8.0",
    "!pip install git+https://github.com/huggingface/peft.git": None,
    "!pip install git+https://github.com/huggingface/peft.git@7171717": None,
    "!pip install -U peft": None,
    "!pip install peft=={version}": None,
    "# !pip install peft==0.7.1": None,
    "!pip install peft==0.7.1\n!pip install -U peft": None,
    "!pip install peft-tools==0.7.1": None,
    "!echo pip install": None,
}


@pytest.mark.parametrize("cell, came", CELLS.items())
def test_what_a_notebook_installs(tmp_path: Path, cell: str, came: str | None) -> None:
    (tmp_path / ".git").mkdir()
    cells = [{"cell_type": "code", "source": source} for source in (cell, PROGRAM)]
    path = (tmp_path / "train.ipynb").as_posix()
    found = discovery.Found(path, "notebook", json.dumps({"cells": cells}).encode(), True)
    reading = read_file(found, Settings(), Project(tmp_path.as_posix())).reading
    (run,) = reading.runs
    assert [problem.owner.partition(" (")[0] for problem in run.problems if isinstance(problem, UnknownKey)] == (
        [f"LoraConfig before PEFT {came}"] if came else []
    )


def test_what_a_notebook_installs_comes_before_what_the_project_wants(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements.txt").write_text("peft==0.7.1\ntransformers==4.40.0\n", encoding="utf-8")
    cells = [{"cell_type": "code", "source": source} for source in ("!pip install peft", PROGRAM)]
    found = discovery.Found(
        (tmp_path / "train.ipynb").as_posix(), "notebook", json.dumps({"cells": cells}).encode(), True
    )
    reading = read_file(found, Settings(), Project(tmp_path.as_posix())).reading
    assert list(reading.runs[0].pins) == ["transformers"]


def test_the_inline_metadata_of_a_script(tmp_path: Path) -> None:
    block = '# /// script\n# dependencies = [\n#     "peft==0.7.1",\n#     "trl",\n# ]\n# ///\n'
    path = (tmp_path / "train.py").as_posix()
    found = discovery.Found(path, "python", (block + PROGRAM).encode(), True)
    reading = read_file(found, Settings(), Project(tmp_path.as_posix())).reading
    assert str(reading.runs[0].pins["peft"]) == "train.py has `peft==0.7.1`"


@pytest.mark.parametrize(
    "name, text, below",
    [
        ("Pipfile__lock", '{"default": {"peft": {"hashes": ["x"], "version": "==0.7.1"}}}', (0, 7, 2)),
        ("Pipfile", '[packages]\npeft = "==0.7.1"\n', (0, 7, 2)),
        ("pdm__lock", '[[package]]\nname = "peft"\nversion = "0.7.1"\n', (0, 7, 2)),
        ("environment__yml", "dependencies:\n  - conda-forge::peft=0.7\n  - pip\n", (0, 8)),
        ("environment__yaml", "dependencies:\n  - pip:\n      - peft==0.7.1\n", (0, 7, 2)),
        ("environment__yml", "dependencies:\n  - peft=0.7.1=pyhd8ed1ab_0\n", (0, 7, 2)),
        ("setup__cfg", "[options]\ninstall_requires =\n    torch\n    peft<0.8\n", (0, 8)),
        ("setup__py", 'setup(install_requires=["torch", "peft==0.7.1"])\n', (0, 7, 2)),
        ("requirements__txt", "git+https://github.com/huggingface/peft@v0.7.1\n", (0, 7, 2)),
        ("requirements__txt", "peft @ git+https://github.com/huggingface/peft.git\n", None),
        ("requirements__txt", "git+https://github.com/huggingface/peft.git@13e53fc\n", None),
        ("train_requirements__txt", "peft==0.7.1 \\\n    --hash=sha256:00\n", (0, 7, 2)),
        ("requirement__txt", "peft===0.7.1\n", (0, 7, 2)),
        ("notes__txt", "peft==0.7.1\n", None),
    ],
)
def test_files_that_pin(tmp_path: Path, name: str, text: str, below: tuple[int, ...] | None) -> None:
    pin = run_of(tmp_path, **{name: text}).pins.get("peft")
    assert (None if pin is None else pin.below) == below


def test_a_folder_of_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/requirements-gpu.txt").write_text("peft==0.7.1\n", encoding="utf-8")
    assert str(run_of(tmp_path).pins["peft"]) == "requirements/requirements-gpu.txt has `peft==0.7.1`"


def test_the_nearest_folder_decides(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("peft==0.7.1\n", encoding="utf-8")
    inner = tmp_path / "src"
    inner.mkdir()
    (inner / "requirements.txt").write_text("peft\ntransformers\n", encoding="utf-8")
    path = (inner / "train.py").as_posix()
    found = discovery.Found(path, "python", PROGRAM.encode(), True)
    reading = read_file(found, Settings(), Project(tmp_path.as_posix())).reading
    assert reading.runs[0].pins == {}


class TestOutsideOfRepositories:
    """A file that is given by a whole path, away from the current folder: nothing says where its project ends."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "current").mkdir()
        monkeypatch.chdir(tmp_path / "current")
        monkeypatch.setenv("HOME", (tmp_path / "home").as_posix())

    def folders(self, start: Path) -> list[str]:
        return list(Project().upwards(start.as_posix(), beyond=True))

    def test_the_folder_of_the_file_is_all_there_is(self, tmp_path: Path) -> None:
        inner = tmp_path / "home/notes/src"
        inner.mkdir(parents=True)
        assert self.folders(inner) == [inner.as_posix()]

    @pytest.mark.parametrize("mark", ["requirements.txt", "pyproject.toml", "README.md", ".git"])
    def test_up_to_what_is_marked_as_a_project(self, tmp_path: Path, mark: str) -> None:
        inner = tmp_path / "home/project/src/train"
        inner.mkdir(parents=True)
        (tmp_path / "home/project" / mark).write_text("")
        tops = [inner, inner.parent, inner.parent.parent]
        assert self.folders(inner) == [each.as_posix() for each in tops]

    def test_what_lies_in_the_home_folder_is_no_projects(self, tmp_path: Path) -> None:
        inner = tmp_path / "home/notes"
        inner.mkdir(parents=True)
        (tmp_path / "home/requirements.txt").write_text("peft==0.7.1\n")
        (tmp_path / "requirements.txt").write_text("peft==0.7.1\n")
        assert self.folders(inner) == [inner.as_posix()]

    def test_a_repository_ends_where_it_ends(self, tmp_path: Path) -> None:
        inner = tmp_path / "home/project/src"
        inner.mkdir(parents=True)
        (tmp_path / "home/project/.git").mkdir()
        (tmp_path / "home/project/src/requirements.txt").write_text("")
        assert self.folders(inner) == [inner.as_posix(), inner.parent.as_posix()]


def pin_of(folder: Path, files: dict[str, str]) -> str | None:
    """How `peft` is pinned for a program below these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    pin = run_of(folder).pins.get("peft")
    return None if pin is None else str(pin)


PYPROJECT = """\
[project]
name = "study"
description = "needs peft==0.4.0 'peft==0.4.0'"  # peft==0.4.0
dependencies = ["torch"]

[tool.ruff]
exclude = ["peft==0.4.0"]
"""


class TestWhatIsNoRequirement:
    """Names and versions that nothing installs."""

    @pytest.mark.parametrize(
        "name, text",
        [
            ("requirements.txt", "# peft==0.4.0\ntorch  # peft==0.4.0\n"),
            ("requirements.txt", "peft==0.4.0; sys_platform == 'win32'\n"),
            ("requirements.txt", "peft==0.4.0; python_version < '3.7'\n"),
            ("requirements.txt", "peft==0.4.0; platform_machine == 'arm64' and sys_platform == 'darwin'\n"),
            ("requirements.txt", "peft==0.4.0; extra == 'old'\n"),
            ("pyproject.toml", PYPROJECT),
            ("pyproject.toml", "[tool.poetry.dependencies]\n# peft = '0.4.0'\ntorch = '*'\n"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npeft = {version = '0.4.0', platform = 'win32'}\n"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npeft = {version = '0.4.0', python = '<3.8'}\n"),
            ("pyproject.toml", "dependencies = [\n'peft==0.4.0'"),
            ("setup.py", "setup(description='peft==0.4.0', install_requires=['torch'])  # 'peft==0.4.0'\n"),
            ("setup.py", "OLD = ['peft==0.4.0']\nsetup(install_requires=['torch'])\n"),
            ("setup.py", "setup(install_requires=['peft==0.4.0'\n"),
            ("setup.cfg", "[metadata]\ndescription =\n    peft==0.4.0\n[options]\ninstall_requires =\n    torch\n"),
            ("setup.cfg", "peft==0.4.0\n"),
            ("environment.yml", "name: peft==0.4.0\ndependencies:\n  - torch\n  # - peft=0.4.0\n"),
            ("environment.yml", "channels:\n  - peft=0.4.0\n"),
            ("Pipfile", "[scripts]\npeft = '==0.4.0'\n"),
            ("Pipfile.lock", '{"_meta": {"peft": {"version": "==0.4.0"}}}'),
            ("uv.lock", "[options]\nname = 'peft'\nversion = '0.4.0'\n"),
        ],
    )
    def test_pins_nothing(self, tmp_path: Path, name: str, text: str) -> None:
        assert pin_of(tmp_path, {name: text}) is None

    def test_and_does_not_hide_what_is_required(self, tmp_path: Path) -> None:
        text = "peft==0.17.0; sys_platform == 'win32'\npeft==0.7.1; sys_platform != 'win32'\n"
        assert pin_of(tmp_path, {"requirements.txt": text}) == "requirements.txt has `peft==0.7.1`"


class TestMarkersOfThePython:
    """A pin has to hold under every Python that models are trained with."""

    @pytest.mark.parametrize(
        "text, pin",
        [
            ("peft==0.7.1; python_version >= '3.8'\n", "peft==0.7.1"),
            ("peft==0.7.1; python_version < '3.11'\n", None),
            ("peft==0.6.0; python_version < '3.11'\npeft==0.7.1; python_version >= '3.11'\n", "peft==0.7.1"),
            ("peft==0.6.0; python_version < '3.11'\npeft>=0.7.1; python_version >= '3.11'\n", None),
            ("peft==0.7.1; implementation_name == 'cpython' and platform_machine == 'x86_64'\n", "peft==0.7.1"),
        ],
    )
    def test_under_every_python(self, tmp_path: Path, text: str, pin: str | None) -> None:
        found = pin_of(tmp_path, {"requirements.txt": text})
        assert found == (None if pin is None else f"requirements.txt has `{pin}`")


class TestIncludedRequirements:
    def test_a_file_beside(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "-r base.txt\ntorch\n", "base.txt": "peft==0.7.1\n"}
        assert pin_of(tmp_path, files) == "base.txt has `peft==0.7.1`"

    def test_from_where_the_file_lies_that_includes(self, tmp_path: Path) -> None:
        files = {
            "requirements-dev.txt": "--requirement=deps/dev.txt\n",
            "deps/dev.txt": "-rmore/base.txt\n-r ../ci.txt\n",
            "deps/more/base.txt": "peft\n",
            "ci.txt": "peft==0.7.1\n",
        }
        assert pin_of(tmp_path, files) == "ci.txt has `peft==0.7.1`"

    def test_a_circle_ends(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "-r base.txt\npeft==0.7.1\n", "base.txt": "-r requirements.txt\n-r base.txt\n"}
        assert pin_of(tmp_path, files) == "requirements.txt has `peft==0.7.1`"

    def test_together_they_narrow_each_other(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "-c limits.txt\npeft>=0.4\n", "limits.txt": "peft<0.8\n"}
        assert pin_of(tmp_path, files) == "limits.txt has `peft<0.8`"

    def test_nothing_from_outside_of_the_project(self, tmp_path: Path) -> None:
        (tmp_path / "base.txt").write_text("peft==0.7.1\n", encoding="utf-8")
        inner = tmp_path / "project"
        (inner / "links").mkdir(parents=True)
        (inner / "links/base.txt").symlink_to(tmp_path / "base.txt")
        text = f"-r ../base.txt\n-r links/base.txt\n-r {tmp_path.as_posix()}/base.txt\n"
        assert pin_of(inner, {"requirements.txt": text}) is None

    def test_of_a_pip_command(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / "deps.txt").write_text("peft==0.7.1\n", encoding="utf-8")
        cells = [{"cell_type": "code", "source": source} for source in ("!pip install -q -r deps.txt", PROGRAM)]
        found = discovery.Found(
            (tmp_path / "train.ipynb").as_posix(), "notebook", json.dumps({"cells": cells}).encode(), True
        )
        reading = read_file(found, Settings(), Project(tmp_path.as_posix())).reading
        assert str(reading.runs[0].pins["peft"]) == "deps.txt has `peft==0.7.1`"


@pytest.mark.parametrize(
    "name, text",
    [
        ("pyproject.toml", "[project.optional-dependencies]\ntrain = ['peft==0.7.1']\nweb = ['flask']\n"),
        ("pyproject.toml", "[dependency-groups]\nbase = ['peft==0.7.1']\ndev = [{include-group = 'base'}, 'ruff']\n"),
        ("pyproject.toml", "[tool.poetry.group.train.dependencies]\npeft = '<0.7.2'\n"),
        ("pyproject.toml", "[[tool.poetry.dependencies.peft]]\nversion = '0.7.1'\npython = '>=3.8'\n"),
        ("pyproject.toml", "[tool.pdm.dev-dependencies]\ntrain = ['peft<0.7.2,>=0.5']\n"),
        ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['peft==0.7.1']\n"),
        ("pyproject.toml", "[project]\ndependencies = ['peft']\n[tool.uv]\nconstraint-dependencies = ['peft<0.7.2']\n"),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['peft>1']\n[tool.uv]\noverride-dependencies = ['peft==0.7.1']\n",
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['peft>1']\n"
            "[tool.uv.sources]\npeft = {git = 'https://github.com/huggingface/peft', tag = 'v0.7.1'}\n",
        ),
        ("pyproject.toml", "[tool.hatch.envs.train]\ndependencies = ['peft==0.7.1']\n"),
        ("pyproject.toml", "[tool.pixi.dependencies]\npeft = '0.7.1'\n"),
        ("setup.py", "import setuptools\nX = ['peft==0.7.1']\nsetuptools.setup(install_requires=X + ['torch'])\n"),
        ("setup.py", "extras = {}\nextras['train'] = ['peft==0.7.1']\nsetup(extras_require=extras)\n"),
        ("setup.cfg", "[options.extras_require]\ntrain =\n    peft==0.7.1\n"),
        ("pylock.toml", "[[packages]]\nname = 'peft'\nversion = '0.7.1'\n"),
        ("poetry.lock", "[[package]]\ncategory = 'main'\nname = 'PEFT'\nversion = '0.7.1'\n"),
        ("Pipfile.lock", '{"develop": {"peft": {"markers": "python_version > \'3\'", "version": "==0.7.1"}}}'),
    ],
)
def test_where_requirements_are_written(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    pin = run_of(tmp_path).pins["peft"]
    assert pin.below == (0, 7, 2)
    assert pin.file == name


NEWER = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("mistralai/Mixtral-8x7B-v0.1")
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], use_quantum=True, init_lora_weights="quantum")
model = get_peft_model(model, config)
Trainer(model=model, args=TrainingArguments("out", quantum_steps=3)).train()
"""


@pytest.mark.parametrize(
    ("requirement", "unknown"),
    [
        ("", {"use_quantum", "quantum"}),
        ("peft", {"use_quantum", "quantum"}),
        ("peft==0.21.2", {"use_quantum", "quantum"}),
        ("peft<2", {"use_quantum", "quantum"}),
        ("peft==0.99.0", set()),
        ("peft >= 0.40", set()),
        ("peft>0.40,<2", set()),
        ("peft~=0.40", set()),
        ("peft @ git+https://example.org/peft@v0.99.0", set()),
        ("transformers>=6", {"use_quantum", "quantum"}),
    ],
)
def test_what_a_newer_version_may_know_is_no_mistake(tmp_path: Path, requirement: str, unknown: set[str]) -> None:
    (tmp_path / "requirements.txt").write_text(requirement, encoding="utf-8")
    path = (tmp_path / "train.py").as_posix()
    found = discovery.Found(path, "python", NEWER.encode(), True)
    findings = Checker(Settings()).check(found).findings
    messages = [finding.message for finding in findings if finding.code in ("LL901", "LL902")]
    told = {
        word
        for word in ("use_quantum", "quantum")
        if any(f"`{word}`" in text or f'"{word}"' in text for text in messages)
    }
    assert told == unknown


GIT = "axolotl @ git+https://example.org/someone/axolotl"
AT_A_COMMIT = f'[project]\ndependencies = ["axolotl"]\n[tool.uv.sources]\naxolotl = {{ git = "https://x.org/y", rev = "{"1" * 40}" }}'


@pytest.mark.parametrize(
    ("file", "requirement", "told"),
    [
        ("requirements.txt", "axolotl==0.19.0", {"LL901", "LL902"}),
        ("requirements.txt", "axolotl>=0.25", {"LL902"}),
        ("requirements.txt", f"{GIT}@v0.19.0", {"LL901", "LL902"}),
        ("requirements.txt", GIT, {"LL901", "LL902"}),
        ("requirements.txt", f"{GIT}@main", {"LL901", "LL902"}),
        ("requirements.txt", f"{GIT}@30c52ec", set()),
        ("requirements.txt", f"{GIT}@{'1' * 40}\nother==1", set()),
        ("pyproject.toml", AT_A_COMMIT, set()),
    ],
)
def test_a_key_of_another_version_of_a_framework_is_no_mistake(
    tmp_path: Path, file: str, requirement: str, told: set[str]
) -> None:
    (tmp_path / file).write_text(requirement, encoding="utf-8")
    text = "base_model: gpt2\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_dropuot: 0.1\nload_in_4bit: some\n"
    found = discovery.Found((tmp_path / "config.yaml").as_posix(), "yaml", f"{text}datasets: []\n".encode(), True)
    findings = Checker(Settings()).check(found).findings
    assert {each.code for each in findings} & {"LL901", "LL902"} == told


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("axolotl/extras/env.py", 'VERSION = "0.22.0.dev0"', {"LL904"}),
        ("axolotl/version.py", '__version__ = "0.3.0"', set()),
        ("../setup.py", 'setup(\n    name="axolotl",\n    version="0.3.0",\n)', set()),
        ("../VERSION", "0.22.0.dev0\n", {"LL904"}),
        ("../VERSION", "0.3.0\n", set()),
        ("axolotl/version/version", "0.22.0.dev\n", {"LL904"}),
        ("unrelated/env.py", 'VERSION = "0.22.0"', set()),  # a copy of unknown version refuses nothing for certain
    ],
)
def test_a_copy_of_a_frameworks_source_says_its_version_and_knows_its_own_keys(
    tmp_path: Path, name: str, text: str, told: set[str]
) -> None:
    for path, content in (("src/axolotl/__init__.py", ""), (f"src/{name}", text)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    config = "base_model: gpt2\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nours: 1\nlora_dropuot: 0.1\ndatasets: []\n"
    config += "max_packed_sequence_len: 2048\n"
    found = discovery.Found((tmp_path / "config.yaml").as_posix(), "yaml", config.encode(), True)
    findings = Checker(Settings()).check(found).findings
    assert {each.code for each in findings} & {"LL901", "LL904"} == told


def test_an_extra_does_not_narrow_what_the_project_asks_for(tmp_path: Path) -> None:
    text = "[project]\ndependencies = ['peft>=0.4']\n[project.optional-dependencies]\nold = ['peft==0.7.1']\n"
    assert pin_of(tmp_path, {"pyproject.toml": text}) is None


@pytest.mark.process
def test_packaging_is_imported_only_where_a_framework_is_named(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from lora_lint.project import Project\n"
        "from lora_lint.linting.requirements import allowed_by\n"
        "from lora_lint.source import SourceFile\n"
        "allowed_by(Project(), SourceFile('train.py', 'python', b''))\n"
        "assert 'packaging' not in sys.modules\n"
        "assert 'lora_lint.linting.required' not in sys.modules\n"
    )
    (tmp_path / "requirements.txt").write_text("torch==2.0\nnumpy; python_version > '3'\n", encoding="utf-8")
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


NUMBERS = st.lists(st.sampled_from(["0", "1", "4", "11", "007", "999999999"]), min_size=1, max_size=4).map(".".join)
VERSIONS = st.builds("".join, st.tuples(NUMBERS, st.sampled_from(["", "", "", ".*", "rc1", ".post1", "+cu", ".", "v"])))
BLANKS = st.sampled_from(["", "", " ", "  ", "\t"])
SPECIFIERS = st.builds(
    "".join,
    st.tuples(
        BLANKS,
        st.sampled_from(["==", ">=", "<=", "<", ">", "!=", "~=", "===", "=", "^", "~", ""]),
        BLANKS,
        VERSIONS,
        BLANKS,
    ),
)
REQUIREMENTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["peft", "PEFT", "transformers", " trl", "peft ", "peft[x]", "peft-x"]),
    st.lists(SPECIFIERS, max_size=3).map(",".join),
    st.sampled_from(["", "", "", ",", ";", "; python_version > '3.10'", " @ https://a.b/c"]),
    BLANKS,
)


@given(st.lists(REQUIREMENTS, min_size=1, max_size=4).map("\n".join))
@example("peft==0.11.1\ntransformers>=4.40,<5\ntrl")
@example("peft~=1")
@example("peft~=1.0.*")
@example("peft>1.*")
@example("peft" + " " * 100_000 + "x")
def test_plain_requirements_are_read_as_packaging_reads_them(text: str) -> None:
    quick = required.groups(text, "requirements.txt", str)
    with mock.patch.object(required, "_PLAIN", re.compile("(?!)")):
        assert quick == required.groups(text, "requirements.txt", str)


@pytest.mark.process
def test_plain_requirements_do_without_packaging(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("peft==0.11.1\ntransformers >= 4.40, < 5\ntrl\n", encoding="utf-8")
    code = (
        "import sys\nfrom lora_lint.__main__ import main\nmain(['--no-cache', 'a.py'])\n"
        "assert 'lora_lint.linting.required' in sys.modules\nassert 'packaging' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


MUSUBI = (
    "accelerate launch wan_train_network.py --dit d --network_module networks.lora_wan --network_dim 8 --sage_attn\n"
)


@pytest.mark.parametrize(
    ("project", "refused"),
    [
        ('[project]\nname = "musubi-tuner"\nversion = "0.1.0"\n', False),  # what older releases refuse is not known
        ('[project]\nname = "musubi-tuner"\nversion = "0.3.4"\n', True),
        ('[project]\nname = "someones-tuner"\nversion = "0.1.0"\n', True),
    ],
)
def test_a_project_of_a_frameworks_name_is_of_its_own_version(tmp_path: Path, project: str, refused: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    found = discovery.Found((tmp_path / "train.sh").as_posix(), "shell", MUSUBI.encode(), True)
    codes = {finding.code for finding in Checker(Settings()).check(found).findings}
    assert ("LL904" in codes) is refused


DIFFUSION_PIPE = """\
output_dir = 'out'
dataset = 'dataset.toml'
save_every_n_epochs = 1

[model]
type = 'longcat'
dtype = 'bfloat16'

[adapter]
type = 'lora'
rank = 32

[optimizer]
type = 'adamw'
lr = 1e-4
"""


@pytest.mark.parametrize(
    ("script", "refused"),
    [
        ("raise NotImplementedError(f'Model type {model_type} is not implemented')\n", False),  # it may know more types
        ("import torch\n", True),
        (None, True),
    ],
)
def test_a_copy_of_diffusion_pipe_refuses_what_it_refuses(tmp_path: Path, script: str | None, refused: bool) -> None:
    (tmp_path / "models").mkdir()
    if script is not None:
        (tmp_path / "train.py").write_text(script, encoding="utf-8")
    path = (tmp_path / "longcat.toml").as_posix()
    checked = Checker(Settings()).check(discovery.Found(path, "toml", DIFFUSION_PIPE.encode(), True))
    assert ("LL904" in {finding.code for finding in checked.findings}) is refused


@pytest.mark.parametrize(
    ("pin", "told"), [("transformers==4.43.3\n", "LL215"), ("transformers==5.1.0\n", "LL206"), ("", "LL206")]
)
def test_the_pinned_transformers_builds_the_model_of_a_framework_too(tmp_path: Path, pin: str, told: str) -> None:
    """Experts and routers are linear layers before transformers 5, and parameters since."""
    (tmp_path / "requirements.txt").write_text(pin, encoding="utf-8")
    script = "deepspeed --module openrlhf.cli.train_sft --pretrain ai21labs/Jamba-v0.1 --dataset d --lora_rank 8\n"
    found = discovery.Found((tmp_path / "train.sh").as_posix(), "shell", script.encode(), True)
    codes = {finding.code for finding in Checker(Settings()).check(found).findings}
    assert codes & {"LL206", "LL215"} == {told}
