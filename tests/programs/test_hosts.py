"""Commands in Makefiles, Dockerfiles, job files and notebooks: their runs, and what they say about programs."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint import discovery
from lora_lint.discovery import Walk
from lora_lint.inspection.runs import inspect_text
from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.fixes.test_edits import fixed_text

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int, default=8)
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", device_map="auto")
model = get_peft_model(model, LoraConfig(r=args.lora_r, lora_alpha=16, target_modules="all-linear"))
Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()
"""


def _notebook(*lines: str) -> str:
    cells = [{"cell_type": "code", "source": line, "outputs": []} for line in lines]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


HOSTS = {
    "Makefile": "GPUS = 2\n\ntrain:\n\ttorchrun --nproc_per_node $(GPUS) train.py --lora_r 64\n",
    "train.mk": "train: ; accelerate launch --num_processes 2 train.py --lora_r 64\n",
    "Dockerfile": 'FROM x\nENTRYPOINT ["accelerate", "launch", "--num_processes=2"]\nCMD ["train.py", "--lora_r", "64"]\n',
    "job.slurm": "#!/bin/bash\n#SBATCH --gres=gpu:2\nsrun torchrun --nproc_per_node $SLURM_GPUS_ON_NODE train.py --lora_r 64\n",
    "task.yaml": "resources: {accelerators: A100:2}\nrun: |\n  N=$SKYPILOT_NUM_GPUS_PER_NODE\n"
    "  torchrun --nproc_per_node $N train.py --lora_r 64\n",
    "run.ipynb": _notebook("x = 1", "!accelerate launch --num_processes 2 train.py --lora_r 64"),
}


def _lint(folder: Path, *codes: str) -> list[tuple[str, str, int]]:
    """The code, the file and the line of each finding in a folder."""
    outcome = engine.lint([folder.as_posix()], Settings(select=codes), jobs=1)
    found = []
    for finding in outcome.findings:
        place = outcome.in_file(finding.span)
        found.append((finding.code, place.path.rpartition("/")[2], place.line))
    return found


@pytest.mark.parametrize("name", HOSTS)
def test_what_a_host_decides_is_found_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / name).write_text(HOSTS[name])
    line = {"Makefile": 4, "train.mk": 1, "Dockerfile": 3, "job.slurm": 3, "task.yaml": 4, "run.ipynb": 1}[name]
    assert _lint(tmp_path, "LL102", "LL802") == [("LL102", name, line), ("LL802", "train.py", 8)]


@pytest.mark.parametrize("name", HOSTS)
def test_one_process_needs_no_other_device_map(tmp_path: Path, name: str) -> None:
    one = HOSTS[name].replace("num_processes 2", "num_processes 1").replace("processes=2", "processes=1")
    one = one.replace("GPUS = 2", "GPUS = 1").replace("gpu:2", "gpu:1").replace("A100:2", "A100:1")
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / name).write_text(one)
    assert [code for code, *_ in _lint(tmp_path, "LL102", "LL802")] == ["LL102"]


@pytest.mark.parametrize("name", HOSTS)
def test_inspect_shows_where_a_launch_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(HOSTS[name])
    (tmp_path / "train.py").write_text(PROGRAM)
    line = {
        "Makefile": "4",
        "train.mk": "1",
        "Dockerfile": "3",
        "job.slurm": "3",
        "task.yaml": "4",
        "run.ipynb": "cell 2:1",
    }
    for path in ("train.py", name):
        text = (tmp_path / path).read_bytes()
        (run,) = inspect_text(text, path, Settings()).runs
        assert run["launch"]["processes"] == {"value": 2, "origin": "derived", "at": f"{name}:{line[name]}"}, path


def test_the_sharding_of_a_launcher_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fsdp.yaml").write_text("num_processes: 8\ndistributed_type: FSDP\nfsdp_config: {fsdp_version: 2}\n")
    (tmp_path / "train.py").write_text(PROGRAM)
    command = b"t:\n\taccelerate launch --config_file fsdp.yaml train.py --lora_r 64\n"
    (run,) = inspect_text(command, "Makefile", Settings()).runs
    launch = {name: (fact["value"], fact["at"]) for name, fact in run["launch"].items()}
    assert launch == {
        "processes": (8, "fsdp.yaml:1"),
        "sharding": ("FSDP 2", "fsdp.yaml:2"),
        "placement": ("spread", "train.py:8"),
    }


SWEEPS = {
    "Makefile": "sweep:\n\tfor r in 8 32 64; do python train.py --lora_r $$r; done\n",
    "Dockerfile": "RUN for r in 8 32 64; do python train.py --lora_r $r; done\n",
    "task.yaml": "num_nodes: 1\nrun: |\n  for r in 8 32 64; do\n    python train.py --lora_r $r\n  done\n",
    "job.sbatch": "#!/bin/bash\n#SBATCH --array=0-2\nR=(8 32 64)\nsrun python train.py --lora_r ${R[$SLURM_ARRAY_TASK_ID]}\n",
    "run.ipynb": _notebook("%%bash\nfor r in 8 32 64; do python train.py --lora_r $r; done"),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_sweeps_in_hosts(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / name).write_text(SWEEPS[name])
    line = {"Makefile": 2, "Dockerfile": 1, "task.yaml": 4, "job.sbatch": 4, "run.ipynb": 1}[name]
    assert _lint(tmp_path, "LL101") == [("LL101", name, line)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "t:\n\tllamafactory-cli train --stage sft --do_train true --finetuning_type lora --dataset x \\\n"
         "\t  --model_name_or_path Qwen/Qwen2.5-7B --lora_rank 8 --lora_alpha 128 --output_dir out\n"),
        ("Dockerfile", "RUN llamafactory-cli train --stage sft --do_train true --finetuning_type lora --dataset x \\\n"
         "  # the scale\n  --model_name_or_path Qwen/Qwen2.5-7B --lora_rank 8 --lora_alpha 128 --output_dir out\n"),
    ],
)  # fmt: skip
def test_plain_values_are_fixed_where_they_are_written(name: str, text: str) -> None:
    fixed = fixed_text(text.encode(), name, discovery.kind_of(name), Settings(select=("LL104",)), unsafe=True)
    assert fixed.after.decode() == text.replace("--lora_alpha 128", "--lora_alpha 8")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "A = 128\nt:\n\tswift sft --model Qwen/Qwen2.5-7B --tuner_type lora --dataset x --lora_rank 8 "
         "--lora_alpha $(A)\n"),
        ("Dockerfile", 'CMD ["swift", "sft", "--model", "Qwen/Qwen2.5-7B", "--tuner_type", "lora", "--dataset", "x", '
         '"--lora_rank", "8", "--lora_alpha", "128"]\n'),
        ("task.yaml", "num_nodes: 1\nrun: |\n  swift sft --model Qwen/Qwen2.5-7B --tuner_type lora --dataset x "
         "--lora_rank 8 --lora_alpha 128\n"),
        ("run.ipynb", _notebook("!swift sft --model Qwen/Qwen2.5-7B --tuner_type lora --dataset x --lora_rank 8 "
                                "--lora_alpha 128")),
    ],
)  # fmt: skip
def test_other_values_are_left_to_the_user(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert [code for code, *_ in _lint(tmp_path, "LL104")] == ["LL104"]
    fixed = fixed_text(text.encode(), name, discovery.kind_of(name), Settings(select=("LL104",)), unsafe=True)
    assert fixed.after.decode() == text


def test_the_program_of_a_sweep_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where alpha is in the program, its name in the script is no place for a value."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    loop = "for r in 8 32 64; do\n  python train.py --lora_r $r\ndone\n"
    (tmp_path / "run.sh").write_text(loop)
    fixed = fixed_text(loop.encode(), "run.sh", "shell", Settings(select=("LL101",)), unsafe=True)
    assert "python train.py --lora_r $r" in fixed.after.decode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "t:\n\t# lora-lint: ignore[LL102]\n\tpython train.py \\\n\t  --lora_r 64\n"),
        ("Dockerfile", "# lora-lint: ignore[LL102]\nRUN python train.py \\\n  --lora_r 64\n"),
        ("task.yaml", "num_nodes: 1\nrun: |\n  python train.py --lora_r 64  # lora-lint: ignore[LL102]\n"),
        ("run.ipynb", _notebook("# lora-lint: ignore[LL102]\n!python train.py --lora_r 64")),
    ],
)
def test_comments_silence_findings_in_hosts(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / name).write_text(text)
    assert _lint(tmp_path, "LL102", "LL910") == []


def test_pins_of_an_image_count_for_what_it_starts(tmp_path: Path) -> None:
    wrap = "loraplus = 1\n"
    (tmp_path / "train.py").write_text(PROGRAM + wrap)
    for pip, expected in (("peft==0.3.0", 0), ("peft", 1)):
        text = f"RUN pip install {pip}\nRUN python train.py --lora_r 64\n"
        (tmp_path / "Dockerfile").write_text(text)
        assert len(_lint(tmp_path, "LL102")) == expected, pip


def test_the_walk_finds_hosts(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    for name in HOSTS:
        (tmp_path / name).write_text(HOSTS[name].replace(" --lora_r 64", "").replace(', "--lora_r", "64"', ""))
    for name in ("Dockerfile.cuda", "Dockerfile-rocm", "GNUmakefile", "plain.yaml", "Makefile.bak.txt"):
        (tmp_path / name).write_text("x:\n\tpython serve.py\n")
    found = {each.path.rpartition("/")[2] for each in Walk([tmp_path.as_posix()])}
    assert found == {"train.py", *HOSTS}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Makefile", "make"),
        ("a/GNUmakefile", "make"),
        ("Dockerfile", "docker"),
        ("Dockerfile.gpu", "docker"),
        ("Dockerfile-cuda", "docker"),
        ("x.dockerfile", "docker"),
        ("job.slurm", "shell"),
        ("Dockerfile.sh", "shell"),
        ("train", "python"),
        ("Makefilex.txt", None),
    ],
)
def test_kinds_by_name(name: str, kind: str | None) -> None:
    assert discovery.kind_of(name) == kind


def test_what_trains_and_what_serves_in_one_makefile(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text(
        textwrap.dedent(
            """\
            stage: sft
            do_train: true
            finetuning_type: lora
            lora_rank: 64
            lora_target: all
            dataset: x
            template: qwen
            model_name_or_path: Qwen/Qwen2.5-7B
            output_dir: out/sft
            """
        )
    )
    rule = "train:\n\tllamafactory-cli train train.yaml\nserve: train\n\tvllm serve Qwen/Qwen2.5-7B --enable-lora \\\n"
    (tmp_path / "Makefile").write_text(f"{rule}\t  --lora-modules a=out/sft\n")
    assert _lint(tmp_path, "LL602") == [("LL602", "Makefile", 5)]
    (tmp_path / "Makefile").write_text(f"{rule}\t  --max-lora-rank 64 --lora-modules a=out/sft\n")
    assert _lint(tmp_path, "LL602") == []
