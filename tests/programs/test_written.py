"""Config files that a script writes before the command that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python, shell

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
model_name_or_path: Qwen/Qwen2.5-0.5B
stage: sft
do_train: true
finetuning_type: lora
lora_rank: RANK
lora_alpha: 32
dataset: alpaca_en_demo
template: qwen
output_dir: out
"""
TRAIN = "llamafactory-cli train own.yaml\n"


@pytest.mark.parametrize(
    "writes",
    [
        "cat > own.yaml <<EOF\nTEXTEOF\n",
        "cat <<EOF > own.yaml\nTEXTEOF\n",
        "cat <<EOF | tee own.yaml\nTEXTEOF\n",
        "tee ./own.yaml <<EOF > /dev/null\nTEXTEOF\n",
    ],
)
def test_a_here_document(writes: str) -> None:
    text = "R=16\n" + writes.replace("TEXT", CONFIG.replace("RANK", "${R}")) + TRAIN
    run = only(shell(text))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.model.name)) == (16, 32, "Qwen/Qwen2.5-0.5B")
    places = [value.span for value in (run.adapter.rank, run.adapter.alpha)]
    assert [text[span.start : span.end] for span in places if span is not None] == ["16", "32"]


@pytest.mark.parametrize(("quote", "value"), [("'", "${R}"), ("", "$UNSET"), ("", "$(nproc)")])
def test_what_a_here_document_leaves_open(quote: str, value: str) -> None:
    text = CONFIG.replace("RANK", value)
    run = only(shell(f"R=16\ncat > own.yaml <<{quote}EOF{quote}\n{text}EOF\n{TRAIN}"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (Unknown, 32)


def test_a_file_is_written_again_in_each_turn() -> None:
    text = CONFIG.replace("RANK", "$r")
    reading = shell(f"for r in 4 8; do\ncat > own.yaml <<EOF\n{text}EOF\n{TRAIN}done\n")
    assert [plain(run.adapter.rank) for run in reading.runs] == [4, 8]


def test_options_override_what_is_written() -> None:
    text = CONFIG.replace("RANK", "16")
    run = only(shell(f"cat > own.yaml <<EOF\n{text}EOF\n{TRAIN[:-1]} lora_rank=4\n"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (4, 32)


def test_a_program_reads_what_its_script_has_written(tmp_path: Path) -> None:
    program = f"""
import argparse, json
{IMPORTS}
parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True)
with open(parser.parse_args().config) as file:
    given = json.load(file)
model = AutoModelForCausalLM.from_pretrained(given["model"])
config = LoraConfig(r=given["r"], lora_alpha=32, target_modules=["q_proj"])
Trainer(model=get_peft_model(model, config)).train()
"""
    (tmp_path / "train.py").write_text(program)
    script = 'cat > own.json <<EOF\n{"model": "gpt2", "r": 12}\nEOF\npython train.py --config own.json\n'
    run = only(shell(script, tmp_path))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (12, "gpt2")
    assert plain(only(read_python(program, tmp_path)).adapter.rank) is Unknown


@pytest.mark.parametrize(("exports", "rank"), [("export R=16", 16), ("R=16", Unknown)])
def test_a_template_that_is_filled_in(exports: str, rank: object, tmp_path: Path) -> None:
    (tmp_path / "own.template.yaml").write_text(CONFIG.replace("RANK", "${R}"))
    run = only(shell(f"{exports}\nenvsubst < own.template.yaml > own.yaml\n{TRAIN}", tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (rank, 32)


def test_other_commands_with_a_here_document_write_nothing() -> None:
    text = CONFIG.replace("RANK", "16")
    assert shell(f"python other.py > own.yaml <<EOF\n{text}EOF\n{TRAIN}").runs == ()
