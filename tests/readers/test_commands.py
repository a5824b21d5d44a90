"""Makefiles, Dockerfiles, job files and notebooks: the commands that they give to a shell, and where these are written."""

from __future__ import annotations

import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.interpreter.shell import read_shell
from lora_lint.readers.commands import fragments, gives_commands
from lora_lint.readers.notebook import read_notebook
from lora_lint.source import SourceFile
from tests.support.kinds import kind_of


def host(text: str, name: str) -> SourceFile:
    return SourceFile(name, kind_of(name), textwrap.dedent(text).encode())


def notebook(*cells: str) -> SourceFile:
    content = [{"cell_type": "code", "source": cell, "outputs": []} for cell in cells]
    return read_notebook("run.ipynb", json.dumps({"cells": content, "metadata": {}, "nbformat": 4}).encode())


def words(source: SourceFile) -> list[list[str | None]]:
    return [[word.text for word in command.words] for command in read_shell(source)]


def places(source: SourceFile, *texts: str) -> list[str]:
    """What is written where some words of the commands are."""
    spans = {word.text: word.span for command in read_shell(source) for word in command.words}
    return [source.utf8[spans[text].start : spans[text].end].decode() for text in texts]


TRAIN = [["python", "train.py", "--r", "64"]]


@pytest.mark.parametrize(
    ("makefile", "commands"),
    [
        ("train:\n\tpython train.py --r 64\n", TRAIN),
        ("train: ; python train.py --r 64\n", TRAIN),
        ("R = 64\ntrain:\n\t@python train.py --r $(R)\n", TRAIN),
        ("train:\n\t-python train.py --r ${R}\nR := $(S)\nS = 64\n", TRAIN),
        ("A = --r\nA += 64\ntrain: data\n\tpython train.py $(A)\n", TRAIN),
        ("R = 8\ntrain: R = 64\ntrain:\n\tpython train.py --r $(R)\n", TRAIN),
        ("R = 8 # a comment\ntrain:\n\tpython \\\n\t  train.py --r 64\n", TRAIN),
        ("R ?= 64\nPY := python\ntrain:\n\t$(PY) train.py --r $(R)\n", TRAIN),
        ("train:\n\tr=64; python train.py --r $$r\n", TRAIN),
        ("t.py:\n\tpython $@ --r $<\n", [["python", "t.py", "--r", None]]),
        ("define R\n64\nendef\nt:\n\tpython $(R)\n", [["python", None]]),
        ("ifdef BIG\nR = 64\nelse\nR = 8\nendif\nt:\n\tpython $(R)\n", [["python", None]]),
        ("R = $(R)\nt:\n\tpython $(R)\n", [["python", None]]),
        ("t:\n\tpython $(if $(T),--test $(T)) x\n", [["python", None, "x"]]),
        ("a b: R = 1\na b:\n\tpython $(R)\n", [["python", None]]),
        ("%.out: %.py\n\tpython $@\n", [["python", None]]),
        ("# python a.py\nR = python b.py\n", []),
    ],
)
def test_makefiles(makefile: str, commands: list[list[str | None]]) -> None:
    assert words(SourceFile("Makefile", "make", makefile.encode())) == commands


def test_a_loop_in_a_recipe() -> None:
    source = host("sweep:\n\tfor r in 8 16; do python t.py --r $$r; done\n", "train.mk")
    assert [command[-1] for command in words(source)] == ["8", "16"]
    assert [len(command.turns) for command in read_shell(source)] == [1, 1]


def test_where_makes_values_are_written() -> None:
    source = host("R ?= 64\nARGS = --r $(R) \\\n  --a 16\nt:\n\tpython x.py $(ARGS) --out=m/$(R)\n", "Makefile")
    assert places(source, "x.py", "--r", "16", "--out=m/64") == ["x.py", "--r", "16", "--out=m/$(R)"]
    (command,) = read_shell(source)
    rank = command.words[3]
    assert (rank.text, rank.default) == ("64", True)
    assert source.utf8[rank.span.start : rank.span.end] == b"64"


@pytest.mark.parametrize(
    ("dockerfile", "commands"),
    [
        ("RUN python train.py --r 64\n", TRAIN),
        ('CMD ["python", "train.py", "--r", "64"]\n', TRAIN),
        ('ENTRYPOINT ["python", "train.py"]\nCMD ["--r", "64"]\n', TRAIN),
        ('CMD ["python", "old.py"]\nCMD python train.py --r 64\n', TRAIN),
        ("ENV R=64 S=1\nRUN python train.py --r $R\n", TRAIN),
        ('ENV A="--r 64"\nRUN python train.py $A\n', TRAIN),
        ("ENV R 64\nrun python train.py --r ${R}\n", TRAIN),
        ("ARG R=64\nRUN python train.py --r $R\n", TRAIN),
        ("RUN python train.py \\\n  # a comment\n  --r 64\n", TRAIN),
        ("RUN --mount=type=cache,target=/x python train.py --r 64\n", TRAIN),
        ("RUN <<EOF\npython train.py --r 64\nEOF\nLABEL a=b\n", TRAIN),
        ('FROM a\nCMD ["python", "a.py"]\nFROM b\nCMD ["python", "train.py", "--r", "64"]\n', TRAIN),
        ('ENTRYPOINT python train.py --r 64\nCMD ["ignored"]\n', TRAIN),
        ("ARG R\nRUN python $R\n", [["python", None]]),
        ('CMD ["python", "it\'s"]\n', [["python", None]]),
        ("# RUN python a.py\nCOPY python /x\nHEALTHCHECK NONE\n", []),
    ],
)
def test_dockerfiles(dockerfile: str, commands: list[list[str | None]]) -> None:
    assert words(SourceFile("Dockerfile", "docker", dockerfile.encode())) == commands


def test_where_a_dockerfiles_values_are_written() -> None:
    source = host('ENV R=64\nCMD ["python", "x.py", "--r", "8"]\nRUN python y.py --r $R\n', "Dockerfile.gpu")
    assert places(source, "y.py", "64") == ["y.py", "64"]
    assert places(source, "x.py", "8") == ['"x.py"', '"8"']


@pytest.mark.parametrize(
    ("job", "commands"),
    [
        ("#SBATCH --gres=gpu:a100:4\ntorchrun --n $SLURM_GPUS_ON_NODE t.py\n", [["torchrun", "--n", "4", "t.py"]]),
        ("#SBATCH --gpus-per-node=4 # all\nrun $SLURM_GPUS_PER_NODE\n", [["run", "4"]]),
        ("#SBATCH -N 2\n#SBATCH --ntasks-per-node 8\nrun $SLURM_NNODES $SLURM_NTASKS_PER_NODE\n", [["run", "2", "8"]]),
        ("#SBATCH --array=1,4-8:4%2\nrun $SLURM_ARRAY_TASK_ID\n", [["run", "1"], ["run", "4"], ["run", "8"]]),
        ("#SBATCH --array=0-1\nR=(8 64)\nrun ${R[$SLURM_ARRAY_TASK_ID]}\n", [["run", "8"], ["run", "64"]]),
        ("#SBATCH --array=0-1\nrun once\n", [["run", "once"]]),
        ("#SBATCH --array=0-$N\nrun $SLURM_ARRAY_TASK_ID\n", [["run", None]]),
        ("#SBATCH --nodes=1-2\nrun $SLURM_NNODES\n", [["run", None]]),
    ],
)
def test_slurm(job: str, commands: list[list[str | None]]) -> None:
    assert words(host(job, "job.slurm")) == commands


SKY = """\
resources:
  accelerators: {gpus}
num_nodes: 2
envs:
  RANK: 64
  NAME: it's "mine"
setup: pip install peft
run: |
  set -e
  torchrun --nproc_per_node $SKYPILOT_NUM_GPUS_PER_NODE --nnodes $SKYPILOT_NUM_NODES \\
    train.py --r ${{RANK}}
"""


@pytest.mark.parametrize("gpus", ["A100-80GB:8", "{A100: 8}", "'H100:8'"])
def test_skypilot(gpus: str) -> None:
    source = host(SKY.format(gpus=gpus), "task.yaml")
    assert gives_commands(source)
    install, launch = words(source)
    assert install == ["pip", "install", "peft"]
    assert launch == ["torchrun", "--nproc_per_node", "8", "--nnodes", "2", "train.py", "--r", "64"]
    assert places(source, "train.py", "64", "2") == ["train.py", "64", "2"]


def test_a_schema_is_no_container() -> None:
    schema = "properties:\n  image:\n    type: string\n  command:\n    type: array\n"
    assert not gives_commands(host(schema, "crd.yaml"))
    assert gives_commands(host("image: vllm/vllm-openai:latest\ncommand: [vllm, serve, base]\n", "pod.yaml"))


@pytest.mark.parametrize("style", ["|-\n  ", ">\n  ", "", "'"])
def test_styles_of_text_in_yaml(style: str) -> None:
    text = f"resources: {{}}\nrun: {style}python t.py\n  --r 64{style if style == chr(39) else ''}\n"
    source = host(text, "task.yaml")
    assert [word for command in words(source) for word in command] == ["python", "t.py", "--r", "64"]
    assert places(source, "t.py", "64") == ["t.py", "64"]


@pytest.mark.parametrize(
    "text", ["run: 5\n", "run: a\n", "model:\n  run: python t.py\n", "run: [python]\nenvs: {}\n", "run: {"]
)
def test_other_yaml_gives_no_commands(text: str) -> None:
    assert words(host(text, "config.yaml")) == []


@pytest.mark.parametrize(
    ("cell", "commands"),
    [
        ("!python train.py --r 64", TRAIN),
        ("x = 1\nif x:\n    ! python train.py \\\n      --r 64\nprint(x)", TRAIN),
        ("%%bash\nfor r in 64; do\n\n  python train.py --r $r\ndone", TRAIN),
        ("!python train.py --r {rank}", [["python", "train.py", "--r", None]]),
        ("!python train.py --r ${R:-64}", TRAIN),
        ("!pip install peft", []),
        ("%%writefile train.py\n!python x.py", []),
        ("x = 'a! b'", []),
    ],
)
def test_notebooks(cell: str, commands: list[list[str | None]]) -> None:
    source = notebook("import os", cell, "y = 2")
    # A cell of another magic is no program, but what it writes is not run either.
    assert words(source) == commands


def test_where_a_notebooks_commands_are_written() -> None:
    source = notebook("a = 1\n", "b = 2\n!python é.py --r 64")
    (command,) = read_shell(source)
    place = source.locate(command.words[-1].span)
    assert (place.cell, place.line, place.column, place.end_column) == (2, 2, 18, 20)


_TEXT = st.lists(
    st.sampled_from(
        ["R=8\n", "t:\n", "\tpython $(R)\n", "\\\n", "$(", "${", "$$", "RUN ", "ENV A=", '["a", "b"]', "<<E\n"]
    )
    | st.text(max_size=5),
    max_size=25,
).map("".join)


@given(_TEXT, st.sampled_from(["Makefile", "Dockerfile", "task.yaml", "job.slurm"]))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_places_within_it(text: str, name: str) -> None:
    source = host("", name)
    source = SourceFile(name, source.kind, text.encode("utf-8", "replace"))
    for fragment in fragments(source):
        for start in range(0, len(fragment.text), 3):
            low, high = fragment.place(start, min(start + 2, len(fragment.text)))
            assert 0 <= low <= high <= len(source.utf8)
    for command in read_shell(source):
        assert all(0 <= word.span.start <= word.span.end <= len(source.utf8) for word in command.words)
