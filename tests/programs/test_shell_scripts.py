"""Shell scripts: launchers, command lines of frameworks, programs with options, and loops over the rank."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lora_lint.discovery import Walk
from lora_lint.linting import engine
from lora_lint.linting.cache import Cache
from lora_lint.run.events import Load, Resize, Train, Wrap
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import ABSENT, Known, Unknown, known
from lora_lint.settings import Settings
from tests.support.reading import ROOT, only, plain, shell, written

FLAGS = "--model_name_or_path Qwen/Qwen2.5-7B --lora_r 64 --lora_alpha 16 --learning_rate 2e-4"


def lint(folder: Path, text: str, name: str = "run.sh") -> list[tuple[str, str]]:
    """Code and place, as text, of each finding in a script that lies in `folder`."""
    (folder / name).write_text(text, encoding="utf-8")
    found = engine.lint([str(folder / name)], Settings(), jobs=1).findings
    return [(each.code, text.encode()[each.span.start : each.span.end].decode()) for each in found]


def test_all_linear_layers_as_axolotl_calls_them() -> None:
    start = "python own_sft.py --lora_r 8 --lora_alpha 16 --lora_target_linear "
    assert plain(only(shell(start + "true")).adapter.target_modules) == "all-linear"
    assert only(shell(start + "false")).adapter.target_modules is ABSENT


@pytest.mark.parametrize(
    "launcher",
    [
        "python",
        "python3.11 -u",
        "CUDA_VISIBLE_DEVICES=0 python",
        "nohup python",
        "env A=1 python",
        "uv run",
        "uv run --no-sync python",
        "srun --gres=gpu:1 python",
        "torchrun --nproc_per_node 8",
        "torchrun $DISTRIBUTED_ARGS",
        "deepspeed --num_gpus=2",
        "accelerate launch --config_file ds.yaml",
        'accelerate launch --config_file "$CONFIG" --num_processes $N',
        "python -m torch.distributed.launch --nproc_per_node=$1",
        "python -m accelerate.commands.launch",
        "srun torchrun --nnodes 2",
        "$PYTHON",
        ".venv/bin/python",
    ],
)
def test_launchers(launcher: str) -> None:
    run = only(shell(f"{launcher} finetune.py {FLAGS}"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)
    assert (plain(run.model.name), plain(run.training.learning_rate)) == ("Qwen/Qwen2.5-7B", 2e-4)


@pytest.mark.parametrize(
    "command",
    [
        f"echo python finetune.py {FLAGS}",
        f"git add finetune.py {FLAGS}",
        f"python merge_lora.py {FLAGS}",
        f"python eval/infer_lora.py {FLAGS}",
        f"python finetune.py --use_lora False {FLAGS}",
        "python finetune.py --lora_r 0",
        "python finetune.py --lora_weights out",
        "python -c 'import peft'",
        "python train.py --rank 8",
        "torchrun --rank 0 $X",
        f"# python finetune.py {FLAGS}",
        "cat <<EOF\npython finetune.py --lora_r 8\nEOF",
    ],
)
def test_what_trains_no_adapter(command: str) -> None:
    assert shell(command).runs == ()


@pytest.mark.parametrize(
    ("adapter", "reads"),
    [("lora", True), ("QLoRA", True), ("bottleneck_x", True), ("svdlora", False), ("svdlora_v2", False)],
)
def test_methods_of_a_programs_own(adapter: str, reads: bool) -> None:
    assert bool(shell(f"python finetune.py {FLAGS} --adapter_name {adapter}").runs) is reads


def test_llamafactory() -> None:
    text = """\
        llamafactory-cli train \\
            --model_name_or_path meta-llama/Meta-Llama-3-8B-Instruct --stage sft --do_train \\
            --lora_rank 16 --lora_target q_proj,v_proj --use_rslora --learning_rate 1.0e-4
        """
    run = only(shell(text))
    assert run.dialect == "llamafactory"
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.use_rslora)) == (16, 32, True)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert [written(text, value) for value in (run.adapter.rank, run.training.learning_rate)] == ["16", "1.0e-4"]


def test_older_programs_have_other_defaults() -> None:
    run = only(
        shell("python src/train_bash.py --do_train --model_name_or_path a/b --finetuning_type lora --lora_rank 8")
    )
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, Unknown)


@pytest.mark.parametrize(("program", "unknown"), [("train", ["evaluation_strategy"]), ("train_bash", [])])
def test_older_programs_have_other_options(program: str, unknown: list[str]) -> None:
    command = "--stage sft --do_train --model_name_or_path a/b --finetuning_type lora --evaluation_strategy steps"
    run = only(shell(f"python src/{program}.py {command}"))
    assert [problem.key for problem in run.problems if isinstance(problem, UnknownKey)] == unknown


@pytest.mark.parametrize(
    ("command", "method"), [("trl sft", "supervised"), ("trl dpo", "preference"), ("python trl/scripts/grpo.py", "rl")]
)
def test_trl(command: str, method: str) -> None:
    run = only(shell(f"{command} --model_name_or_path Qwen/Qwen2.5-7B --use_peft --lora_target_modules q_proj v_proj"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), run.training.method) == (16, 32, method)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")


def test_trl_without_an_adapter() -> None:
    assert shell("trl sft --model_name_or_path a/b").runs == ()


def test_mlx_lm() -> None:
    for command in ("mlx_lm.lora", "python -m mlx_lm.lora", "python -m mlx_lm lora", "mlx_lm lora"):
        run = only(shell(f"{command} --model mistralai/Mistral-7B-v0.1 --train --data data --num-layers 8"))
        assert (run.dialect, plain(run.adapter.scale)) == ("mlx_lm", 20.0)


OPTIONAL = """\
{before}
ARGS=()
if [[ "${{LORA}}" {test} ]]; then
    ARGS=(--peft.method_type=LORA --peft.r=16)
{otherwise}fi
lerobot-train --policy.path=lerobot/pi05_base --steps=30000 "${{ARGS[@]}}"
"""


@pytest.mark.parametrize(
    ("before", "test", "otherwise", "ranks"),
    [
        ("LORA=true", '== "true"', "", [Known(16)]),
        ('LORA="${LORA:-true}"', '== "true"', "", [Known(16, origin="cli-default")]),
        ('LORA="${LORA:-true}"', "!= false", "", [Known(16, origin="cli-default")]),
        ("LORA=false", '== "true"', "", []),
        ("LORA=false", '== "true"', "else\n    ARGS=(--peft.method_type=LORA --peft.r=8)\n", [Known(8)]),
        ("LORA=$1", '== "true"', "", []),
        ("LORA=maybe", '== "true"', 'elif [ "$2" = a ]; then\n    ARGS=(--peft.r=8)\n', []),
    ],
)
def test_arguments_that_a_condition_adds(before: str, test: str, otherwise: str, ranks: list[Known[int]]) -> None:
    """The branch that is taken by the values in the script decides; a default may be another one."""
    runs = shell(OPTIONAL.format(before=before, test=test, otherwise=otherwise)).runs
    found = [run.adapter.rank for run in runs]
    assert [(each.value, each.origin) for each in found if isinstance(each, Known)] == [
        (each.value, each.origin) for each in ranks
    ]


def test_autotrain() -> None:
    text = "autotrain llm --train --model a/b --project-name x --data-path d --peft --lora-r 8 --lora-alpha=4 --lr 2e-4"
    run = only(shell(text))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.training.learning_rate)) == (8, 4, 2e-4)


def test_verl() -> None:
    text = """\
        python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo data.train_files=$HOME/x.parquet \\
            actor_rollout_ref.model.path=Qwen/Qwen2.5-3B-Instruct actor_rollout_ref.model.lora_rank=32 \\
            +actor_rollout_ref.model.target_modules=[q_proj,v_proj] actor_rollout_ref.actor.optim.lr=3e-5 $@
        """
    run = only(shell(text))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.target_modules)) == (
        "verl",
        32,
        ("q_proj", "v_proj"),
    )
    assert plain(run.adapter.alpha) is Unknown  # `$@` may give it
    assert run.adapter.rank.origin == "cli-default"  # type: ignore[union-attr]


def test_open_instruct() -> None:
    text = (
        "accelerate launch open_instruct/finetune.py --model_name_or_path a/b --use_lora --lora_rank 32 --lora_alpha 16"
    )
    assert plain(only(shell(text)).adapter.rank) == 32


def test_values_that_are_not_known() -> None:
    run = only(shell("python finetune.py --lora_r $R --lora_alpha 16 --model_name_or_path ./out/$NAME"))
    assert plain(run.adapter.rank) is plain(run.model.name) is Unknown
    assert plain(run.adapter.alpha) == 16


def test_values_behind_an_equals_sign_that_are_not_known() -> None:
    run = only(shell("python finetune.py --lora_r=$R --lora_alpha=16 --model_name_or_path=./out/${NAME}"))
    assert plain(run.adapter.rank) is plain(run.model.name) is Unknown
    assert plain(run.adapter.alpha) == 16
    run = only(
        shell(
            "python -m verl.trainer.main_ppo actor_rollout_ref.model.path=$M actor_rollout_ref.model.lora_rank=$R "
            'actor_rollout_ref.model.lora_alpha="$A"'
        )
    )
    assert plain(run.adapter.rank) is plain(run.adapter.alpha) is plain(run.model.name) is Unknown


def test_defaults_that_who_calls_may_override() -> None:
    run = only(shell("R=${R:-64}\npython finetune.py --lora_r $R --lora_alpha 16"))
    assert (known(run.adapter.rank), run.adapter.rank.origin) == (64, "cli-default")  # type: ignore[union-attr]


def test_variables_and_options_in_variables() -> None:
    text = 'ALPHA=16\nARGS="--lora_r 64 --lora_alpha $ALPHA"\ndeepspeed train_lora.py $ARGS --bf16 True'
    run = only(shell(text))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)


SWEEP = """\
for r in 4 8 16 32; do
  python finetune.py --base_model llama --lora_r $r --lora_alpha 16 --output_dir out/$r
done
"""


def test_a_loop_over_ranks(tmp_path: Path) -> None:
    assert ("LL101", "16") in lint(tmp_path, SWEEP)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--lora_alpha 16", "--lora_alpha $((2 * r))"),
        ("--lora_alpha 16", "--lora_alpha $r"),
        ("--lora_alpha 16", "--lora_alpha $(echo $r*2 | bc)"),
        ("--lora_alpha 16", "--lora_alpha $ALPHA"),
        ("--lora_alpha 16", "--lora_alpha 16 --use_rslora"),
        ("--lora_alpha 16", "--lora_alpha 16 --use_rslora $RS"),
        ("--lora_alpha 16", ""),
        ("in 4 8 16 32", "in 8"),
        ("in 4 8 16 32", "in $RANKS"),
        ("for r in 4 8 16 32; do", "for a in 8 16; do for r in 4 8; do"),
    ],
)
def test_loops_that_are_no_fixed_alpha_sweep(tmp_path: Path, before: str, after: str) -> None:
    text = SWEEP.replace(before, after)
    if "for a" in text:
        text = text.replace("--lora_alpha 16", "--lora_alpha $a").replace("done", "done; done")
    assert "LL101" not in [code for code, _ in lint(tmp_path, text)]


def test_a_program_that_ties_alpha_to_the_rank(tmp_path: Path) -> None:
    (tmp_path / "finetune.py").write_text("config = make(lora_alpha=args.lora_alpha * args.lora_r)\n")
    assert "LL101" not in [code for code, _ in lint(tmp_path, SWEEP)]


def test_ranks_that_are_written_one_after_the_other_are_no_sweep(tmp_path: Path) -> None:
    text = "".join(f"python finetune.py --lora_r {r} --lora_alpha 16\n" for r in (8, 16))
    assert lint(tmp_path, text) == []


def test_index_loops_and_nested_loops(tmp_path: Path) -> None:
    text = """\
RANKS=(8 64)
for seed in 1 2; do
  for ((i=0; i<${#RANKS[@]}; i++)); do
    torchrun train_lora.py --lora_rank ${RANKS[$i]} --lora_alpha 16 --seed $seed
  done
done
"""
    reading = shell(text)
    (sweep,) = reading.sweeps
    assert {known(run.adapter.rank) for run in sweep.runs} == {8, 64}
    assert text[sweep.span.start : sweep.span.end].startswith("for ((i=0")
    assert [code for code, _ in lint(tmp_path, text)].count("LL101") == 1


def test_sweeps_under_rslora(tmp_path: Path) -> None:
    text = SWEEP.replace("--lora_alpha 16", "--lora_alpha $((2 * r)) --use_rslora True")
    assert "LL103" in [code for code, _ in lint(tmp_path, text)]


@pytest.mark.parametrize(
    "text",
    [
        "# lora-lint: ignore[LL101]\n  python finetune.py",
        "python finetune.py",
    ],
)
def test_comments(tmp_path: Path, text: str) -> None:
    codes = [code for code, _ in lint(tmp_path, SWEEP.replace("python finetune.py", text))]
    assert ("LL101" in codes) is ("ignore" not in text)


def test_a_comment_speaks_for_the_whole_command(tmp_path: Path) -> None:
    command = "python finetune.py \\\n  --lora_r 8 \\\n  --lora_alpha 0 --base_model x"
    assert ("LL105", "0") in lint(tmp_path, f"{command}\n")
    assert lint(tmp_path, f"{command}  # lora-lint: ignore[LL105] on purpose\n") == []
    assert lint(tmp_path, f"# lora-lint: ignore[LL105]\n{command}\n") == []


@pytest.mark.process
def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "sweep.sh").write_text(SWEEP)
    (tmp_path / "other.bash").write_text("#!/bin/bash\necho lora (((\n")
    command = [sys.executable, "-m", "lora_lint", "--no-cache", "--output-format", "concise", "."]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 1
    assert "sweep.sh:2:66: warning LL101" in done.stdout
    assert "`lora_r` takes 4, 8, 16 and 32 in this loop" in done.stdout


ARGPARSE = """\
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--base_model", default="placeholder/model")
parser.add_argument("--lora_r", "--r", type=int, default=8)
parser.add_argument("--alpha", type=int, default=16)
parser.add_argument("--targets", nargs="+", default=["q_proj"])
parser.add_argument("--lr", type=float, default=2e-4)
parser.add_argument("--use_lora", action="store_true")
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(args.base_model)
if args.use_lora:
    config = LoraConfig(r=args.lora_r, lora_alpha=args.alpha, target_modules=args.targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
Trainer(model=model, args=TrainingArguments("out", learning_rate=args.lr)).train()
"""
DATACLASSES = """\
from dataclasses import dataclass, field
from typing import List, Optional
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, HfArgumentParser, Trainer, TrainingArguments

@dataclass
class ModelArguments:
    base_model: Optional[str] = None
    lora_r: int = field(default=8)
    alpha: int = 16
    targets: Optional[List[str]] = field(default=None)

@dataclass
class Arguments(TrainingArguments):
    use_lora: bool = False

model_args, args = HfArgumentParser((ModelArguments, Arguments)).parse_args_into_dataclasses()
model = AutoModelForCausalLM.from_pretrained(model_args.base_model)
if args.use_lora:
    config = LoraConfig(
        r=model_args.lora_r, lora_alpha=model_args.alpha, target_modules=model_args.targets, task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, config)
Trainer(model=model, args=args).train()
"""
FIRE = """\
import fire
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

def train(base_model: str = "", lora_r: int = 8, alpha: int = 16, targets=["q_proj"], use_lora: bool = False, lr=2e-4):
    model = AutoModelForCausalLM.from_pretrained(base_model)
    if use_lora:
        config = LoraConfig(r=lora_r, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    Trainer(model=model, args=TrainingArguments("out", learning_rate=lr)).train()

if __name__ == "__main__":
    fire.Fire(train)
"""


@pytest.fixture(params=[ARGPARSE, DATACLASSES, FIRE], ids=["argparse", "dataclasses", "fire"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with a program and one for scripts that start it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "finetune.py").write_text(request.param)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def test_a_program_of_the_project_is_followed(project: Path) -> None:
    text = "python finetune.py --base_model huggyllama/llama-7b --lora_r 64 --use_lora True\n"
    run = only(shell(text, project, "scripts/run.sh"))
    assert run.dialect == "peft"
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)
    assert plain(run.model.name) == "huggyllama/llama-7b"
    assert run.adapter.key("rank") == "lora_r"
    assert (written(text, run.adapter.rank), written(text, run.adapter.alpha)) == ("64", "finetune.py")
    assert run.adapter.alpha.written.path.endswith("finetune.py")  # type: ignore[union-attr]


def test_a_vocabulary_that_the_program_lets_grow(tmp_path: Path) -> None:
    for line, kinds in (
        ("", [Load, Wrap, Train]),
        ("model.resize_token_embeddings(9)", [Load, Resize, Wrap, Train]),
    ):
        (tmp_path / "finetune.py").write_text(FIRE.replace("    if use_lora:", f"    {line}\n    if use_lora:"))
        run = only(shell("python finetune.py --lora_r 64 --use_lora True", tmp_path))
        assert [type(event) for event in run.events] == kinds


def test_lists_of_options(project: Path) -> None:
    given = "'[q_proj,v_proj]'" if "fire" in (project / "finetune.py").read_text() else "q_proj v_proj"
    run = only(shell(f"python finetune.py --lora_r 16 --targets {given} --use_lora True", project))
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")


def test_a_list_of_one_is_no_regex(project: Path) -> None:
    given = "'[q_proj]'" if "fire" in (project / "finetune.py").read_text() else "q_proj"
    run = only(shell(f"python finetune.py --lora_r 16 --targets {given} --use_lora True", project))
    assert plain(run.adapter.target_modules) == ("q_proj",)


def test_a_call_without_the_adapter_has_no_run_of_its_own(project: Path) -> None:
    assert shell("python finetune.py --base_model huggyllama/llama-7b --lr 1e-5", project).runs == ()


def test_arguments_that_are_not_known_leave_defaults_open(project: Path) -> None:
    run = only(shell('python finetune.py --lora_r 64 --use_lora True "$@"', project))
    assert [value.origin for value in (run.adapter.rank, run.adapter.alpha)] == ["cli-default"] * 2  # type: ignore[union-attr]


def test_a_sweep_whose_alpha_the_program_has(project: Path) -> None:
    text = "for r in 4 64; do\n  python ../finetune.py --base_model a --lora_r $r --use_lora True\ndone\n"
    path = project / "scripts" / "sweep.sh"
    path.write_text(text)
    found = engine.lint([str(path)], Settings(), jobs=1).findings
    (sweep,) = [each for each in found if each.code == "LL101"]
    assert text[sweep.span.start : sweep.span.end] == "../finetune.py"
    assert "takes 4 and 64 in this loop" in sweep.message
    assert any(each.span.path.endswith("finetune.py") for each in sweep.related)


def test_a_program_that_gives_the_double_of_the_rank(tmp_path: Path) -> None:
    (tmp_path / "finetune.py").write_text(ARGPARSE.replace("lora_alpha=args.alpha", "lora_alpha=2 * args.lora_r"))
    text = "for r in 4 64; do python finetune.py --lora_r $r --use_lora; done\n"
    assert "LL101" not in [code for code, _ in lint(tmp_path, text)]


def test_a_mistake_in_an_option(project: Path) -> None:
    text = "python ../finetune.py --base_model huggyllama/llama-7b --alpha 0 --use_lora True\n"
    assert ("LL105", "0") in lint(project / "scripts", text)


def test_one_variable_for_rank_and_alpha(project: Path) -> None:
    run = only(shell("R=64\npython finetune.py --lora_r $R --alpha $R --use_lora True", project))
    assert (run.adapter.key("rank"), run.adapter.key("alpha")) == ("lora_r", "alpha")


def test_scripts_that_do_not_say_lora_are_met_on_a_walk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    program = (project / "finetune.py").read_text().replace("use_lora: bool = False", "use_lora: bool = True")
    (project / "finetune.py").write_text(
        program.replace('"--use_lora", action="store_true"', '"--use_lora", default=True')
    )
    (project / "run.sh").write_text("python finetune.py --alpha 0 --base_model huggyllama/7b\n")
    (project / "other.sh").write_text("python setup.py install\n")
    for prefilter in (True, False):
        found = engine.lint(["."], Settings(), jobs=1, prefilter=prefilter).findings
        assert ("LL105", "run.sh") in [(each.code, each.span.path) for each in found]


def test_a_result_is_kept_until_the_program_changes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "run.sh").write_text("for r in 4 64; do python finetune.py --lora_r $r --use_lora True; done\n")

    def codes() -> list[str]:
        outcome = engine.lint(["run.sh"], Settings(), jobs=1, cache=Cache(Settings()))
        return [each.code for each in outcome.findings]

    assert "LL101" in codes()
    assert "LL101" in codes()
    text = (project / "finetune.py").read_text()
    (project / "finetune.py").write_text(text.replace("task_type=", "use_rslora=True, task_type="))
    assert "LL101" not in codes()


def test_ms_swift() -> None:
    text = """\
        CUDA_VISIBLE_DEVICES=0 \\
        swift sft \\
            --model Qwen/Qwen2.5-7B-Instruct --tuner_type lora --dataset 'swift/self-cognition#1000' \\
            --target_modules all-linear --lora_rank 16 --learning_rate 1e-4
        """
    run = only(shell(text))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("ms_swift", 16, 32)
    assert (plain(run.adapter.target_modules), plain(run.dataset.size)) == ("all-linear", 1000)
    assert run.training.method == "supervised"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("swift sft --model a/b --dataset x", [(8, "supervised")]),
        ("swift rlhf --model a/b --dataset x", [(8, "preference")]),
        ("swift rlhf --rlhf_type grpo --model a/b --dataset x --lora_rank 4", [(4, "rl")]),
        ("NPROC_PER_NODE=8 megatron sft --model a/b --tuner_type lora --lora_rank 4", [(4, "supervised")]),
        ("megatron sft --model a/b", []),
        ("swift sft --model a/b --tuner_type full", []),
        ("swift sft config.yaml", []),
        ("swift sft --model a/b $ARGS", []),
        ("swift infer --model a/b --adapters c", []),
        ("swift export --model a/b --lora_rank 8", []),
    ],
)
def test_tasks_of_ms_swift(command: str, expected: list[tuple[int, str]]) -> None:
    assert [(plain(run.adapter.rank), run.training.method) for run in shell(command).runs] == expected


def test_a_loop_over_ranks_of_a_framework(tmp_path: Path) -> None:
    text = "for r in 8 16 64; do\n  swift sft --model Qwen/Qwen2.5-7B --dataset x --lora_rank $r\ndone\n"
    (message,) = [
        each.message
        for each in engine.lint_text(text, str(tmp_path / "run.sh"), Settings()).findings
        if each.code == "LL101"
    ]
    assert message.startswith(
        "`lora_alpha` is not set and stays at its default 32 while `lora_rank` takes 8, 16 and 64"
    )


@pytest.mark.parametrize("command", ["swift sft \\\n", "mlx_lm.lora", "llamafactory-cli train"])
def test_commands_that_train_lora_by_default_are_met_on_a_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.sh").write_text(f"{command} --model_name_or_path a/b --model a/b\n")
    assert len(list(Walk(["."]))) == 1


def test_litgpt() -> None:
    text = """\
        litgpt finetune_lora meta-llama/Llama-3.2-1B --lora_r 32 --lora_alpha=16 --lora_key true \\
            --train.epochs 2 --data JSON --data.json_path x.json
        """
    run = only(shell(text))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("litgpt", 32, 16)
    assert (plain(run.model.name), plain(run.training.epochs)) == ("meta-llama/Llama-3.2-1B", 2)
    assert plain(run.adapter.target_modules) == ("q_proj", "k_proj", "v_proj")


@pytest.mark.parametrize("command", ["litgpt finetune_full a/b", "litgpt chat a/b", "litgpt finetune --config x.yaml"])
def test_litgpt_without_an_adapter(command: str) -> None:
    assert shell(command).runs == ()


@pytest.mark.parametrize(
    "options",
    [
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--model', default='{}')\n"
        "p.add_argument('--rank', type=int, default={})\nargs = p.parse_args()\n",
        "from dataclasses import dataclass\nfrom transformers import HfArgumentParser\n@dataclass\nclass Options:\n"
        "    model: str = '{}'\n    rank: int = {}\n(args,) = HfArgumentParser(Options).parse_args_into_dataclasses()\n",
    ],
    ids=["argparse", "dataclass"],
)
def test_a_program_that_is_named_is_judged_for_its_defaults(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    use = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        "model = AutoModelForCausalLM.from_pretrained(args.model)\n"
        "model = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=16, target_modules=['q_proj']))\n"
    )
    Path("run.sh").write_text("python train.py --model microsoft/Phi-3-mini-4k-instruct --rank 4\n")

    def found(path: str) -> list[tuple[str, str, str]]:
        outcome = engine.lint([path], Settings(level="warning"), jobs=1)
        return [(each.span.path, each.code, each.confidence) for each in outcome.findings]

    Path("train.py").write_text(options.format("microsoft/Phi-3-mini-4k-instruct", 8) + use)
    assert found(".") == [("run.sh", "LL201", "certain")]
    assert found("train.py") == [("train.py", "LL201", "likely")]
    Path("train.py").write_text(options.format("", 0) + use)
    assert found("train.py") == []


def test_defaults_that_every_caller_overrides_count_for_nothing(project: Path) -> None:
    """A placeholder in the program is no run; what the callers give is judged where they give it."""
    program = project / "finetune.py"
    text = program.read_text().replace("16", "0").replace("use_lora: bool = False", "use_lora: bool = True")
    program.write_text(text.replace('"--use_lora", action="store_true"', '"--use_lora", default=True'))

    def codes() -> list[str]:
        return [each.code for each in engine.lint([str(program)], Settings(), jobs=1).findings]

    assert "LL105" in codes()
    (project / "scripts" / "a.sh").write_text("python finetune.py --base_model a --alpha 16\n")
    assert "LL105" not in codes()
    (project / "b.sh").write_text("torchrun finetune.py --alpha=$ALPHA --lr 1e-4\n")
    assert "LL105" not in codes()
    (project / "b.sh").write_text("torchrun other/finetune.py --lr 1e-4\n")
    assert "LL105" not in codes()
    (project / "b.sh").write_text("torchrun finetune.py --lr 1e-4\n")
    assert "LL105" in codes()


@pytest.mark.parametrize(
    "alpha",
    [
        "alpha=16; if [ $r -gt 16 ]; then alpha=32; fi",
        "alpha=16; [ $r -gt 16 ] && alpha=32",
        "case $r in 4) alpha=8;; *) alpha=64;; esac",
        "alpha=$(python -c 'print(2 * 8)')",
        "let alpha=r*2",
        "alpha=`expr $r \\* 2`",
        "read alpha < alphas/$r",
        'declare -A A=([4]=8 [32]=64); alpha="${A[$r]}"',
    ],
)
def test_alphas_that_follow_the_rank_in_ways_that_are_not_known(tmp_path: Path, alpha: str) -> None:
    text = f"for r in 4 32; do\n  {alpha}\n  python finetune.py --lora_r $r --lora_alpha $alpha\ndone\n"
    assert "LL101" not in [code for code, _ in lint(tmp_path, text)]


def test_what_a_comment_tells_of_the_model(tmp_path: Path) -> None:
    text = "trl sft --model_name_or_path $MODEL --use_peft --lora_r 8 --lora_target_modules q_proj query_key_value\n"
    assert lint(tmp_path, text) == []
    told = f"# lora-lint: model=meta-llama/Llama-2-7b-hf\n{text}"
    assert ("LL202", "query_key_value") in lint(tmp_path, told)


def test_the_scripts_of_ms_swift() -> None:
    command = (
        "accelerate launch --config_file fsdp.json swift/cli/sft.py --model Qwen/Qwen2.5-7B-Instruct "
        "--tuner_type lora --lora_rank 16 --target_modules all-linear --dataset mine"
    )
    run = only(shell(command))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("ms_swift", 16, 32)
    assert plain(run.adapter.target_modules) == "all-linear"


@pytest.mark.parametrize(
    ("option", "targets"),
    [
        ("--target_modules q_proj v_proj", ("q_proj", "v_proj")),
        ("--lora_target_modules q_proj,v_proj", ("q_proj", "v_proj")),
        ("""--target_modules '["q_proj", "v_proj"]'""", ("q_proj", "v_proj")),
        ("--target_modules all-linear", "all-linear"),
        ("--target_modules q_proj", Unknown),
        ("--target_modules '.*(q|v)_proj'", Unknown),
        ("--target_modules $TARGETS", Unknown),
        ("", Unknown),
    ],
)
def test_targets_of_programs_that_are_not_followed(option: str, targets: object) -> None:
    assert plain(only(shell(f"python finetune.py {FLAGS} {option}")).adapter.target_modules) == targets


@pytest.mark.parametrize(
    ("kind", "count"), [("", 1), ("--tuning_type qlora", 1), ("--adapter_type lorta", 0), ("--peft_type ia3", 0)]
)
def test_another_kind_of_adapter(kind: str, count: int) -> None:
    assert len(shell(f"python train.py --rank 128 --lora_alpha 4 {kind}").runs) == count


@pytest.mark.parametrize(
    ("option", "value", "field", "expected"),
    [
        *((key, "16", "rank", 16) for key in ("lora_r", "lora_rank", "lora_dim", "peft_lora_r", "lora_attn_dim")),
        *((key, "16", "alpha", 16) for key in ("lora_alpha", "peft_lora_alpha", "lora_scaling_alpha")),
        *(
            (key, "q_proj,v_proj", "target_modules", ("q_proj", "v_proj"))
            for key in (
                *("target_modules", "lora_target_modules", "lora_target", "lora_targets", "lora_modules"),
                "peft_target_modules",
            )
        ),
        ("target_modules", "all-linear", "target_modules", "all-linear"),
        ("target_modules", "q_proj", "target_modules", Unknown),
        ("lora_dropout", "0.1", "dropout", 0.1),
        *((key, "true", "use_rslora", True) for key in ("use_rslora", "rslora")),
    ],
)
def test_options_of_programs(option: str, value: str, field: str, expected: object) -> None:
    rank = "" if field == "rank" else "--lora_r 8"
    run = only(shell(f"python finetune.py {rank} --{option} {value}"))
    assert plain(getattr(run.adapter, field)) == expected
    if field in ("rank", "alpha"):
        assert run.adapter.key(field) == option


@pytest.mark.parametrize(
    ("option", "value", "part", "field"),
    [
        *(
            (key, "gpt2", "model", "name")
            for key in (
                *("model_name_or_path", "base_model", "model_name", "base_model_name_or_path"),
                "pretrained_model_name_or_path",
            )
        ),
        *((key, "0.1", "training", "learning_rate") for key in ("learning_rate", "lr")),
        ("optim", "sgd", "training", "optimizer"),
        ("num_train_epochs", "3", "training", "epochs"),
    ],
)
def test_options_about_models_and_training(option: str, value: str, part: str, field: str) -> None:
    run = only(shell(f"python finetune.py --lora_r 8 --{option} {value}"))
    assert str(plain(getattr(getattr(run, part), field))) in (value, f"{value}.0")


@pytest.mark.parametrize("rank", ["rank", "r"])
def test_short_names_of_the_rank(rank: str) -> None:
    for program, options in (("lora_train.py", ""), ("train.py", "--use_lora true ")):
        run = only(shell(f"python {program} {options}--{rank} 8 --alpha 16"))
        assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 16)
    assert shell(f"python train.py --{rank} 8 --alpha 16").runs == ()
    assert plain(only(shell("python train.py --lora_r 8 --alpha 16")).adapter.alpha) is Unknown


@pytest.mark.parametrize(
    "switch",
    [
        *("use_lora", "lora_enable", "use_peft", "use_peft_lora", "lora", "enable_lora", "apply_lora", "peft"),
        "use_qlora",
    ],
)
def test_switches_of_programs(switch: str) -> None:
    assert shell(f"python finetune.py --lora_r 8 --{switch} false").runs == ()
    assert shell(f"python finetune.py --lora_r 8 --{switch} true").runs != ()


@pytest.mark.parametrize(
    "option", ["adapter_type", "tuning_type", "tuner_type", "peft_type", "peft_method", "finetuning_type"]
)
def test_kinds_of_adapters(option: str) -> None:
    assert shell(f"python finetune.py --lora_r 8 --{option} prefix").runs == ()
    for kind in ("lora", "QLoRA", "dora"):
        assert shell(f"python finetune.py --lora_r 8 --{option} {kind}").runs != ()


@pytest.mark.parametrize(
    "name",
    [
        *("eval", "infer", "generate", "merge", "export", "serve", "chat", "demo", "web", "predict", "convert"),
        *("bench", "test"),
    ],
)
def test_programs_that_train_nothing(name: str) -> None:
    assert shell(f"python {name}_lora.py --lora_r 8").runs == ()
    assert shell("python train_lora.py --lora_r 0").runs == ()
    assert shell(f"python {name}/train.py --lora_r 8").runs != ()


@pytest.mark.parametrize(
    "prefix",
    (
        "nohup time exec sudo env command stdbuf srun mpirun mpiexec numactl taskset uv poetry pdm conda pipenv nice "
        "timeout ionice singularity apptainer docker"
    ).split(),
)
def test_commands_that_run_another(prefix: str) -> None:
    assert plain(only(shell(f"{prefix} --option 4 python finetune.py --lora_r 8")).adapter.rank) == 8


@pytest.mark.parametrize(
    "launcher",
    [
        *("torchrun", "deepspeed", "accelerate launch", "accelerate-launch", "composer"),
        *("python -m torch.distributed.launch", "python -m torch.distributed.run"),
        "python -m torch.distributed.elastic.multiprocessing.run",
        *("python -m accelerate.commands.launch", "python -m deepspeed.launcher.runner"),
        *("python -W ignore", "python -X dev", "python3.11", "python.exe"),
    ],
)
@pytest.mark.parametrize("started", ["finetune.py", "-m own.finetune"])
def test_launchers_of_scripts_and_modules(launcher: str, started: str) -> None:
    assert plain(only(shell(f"{launcher} {started} --lora_r 8")).adapter.rank) == 8


@pytest.mark.parametrize(
    ("command", "framework"),
    [
        ("swift sft --model m --dataset d --tuner_type lora", "ms_swift"),
        ("swift pt --model m --dataset d --tuner_type lora", "ms_swift"),
        ("swift rlhf --model m --dataset d --tuner_type lora", "ms_swift"),
        ("megatron sft --model m --dataset d --tuner_type lora", "ms_swift"),
        ("python swift/cli/sft.py --model m --dataset d --tuner_type lora", "ms_swift"),
        ("llamafactory-cli train --model_name_or_path m --lora_rank 8", "llamafactory"),
        ("lmf train --model_name_or_path m --lora_rank 8", "llamafactory"),
        ("python src/train.py --model_name_or_path m --finetuning_type lora --do_train", "llamafactory"),
        ("python src/train_bash.py --model_name_or_path m --finetuning_type lora --do_train", "llamafactory"),
        *((f"trl {name} --model_name_or_path m --use_peft", "trl") for name in ("sft", "dpo", "kto", "reward")),
        *((f"trl {name} --model_name_or_path m --use_peft", "trl") for name in ("grpo", "rloo")),
        ("python trl/scripts/sft.py --model_name_or_path m --use_peft", "trl"),
        ("python examples/scripts/dpo_vlm.py --model_name_or_path m --use_peft", "trl"),
        ("litgpt finetune a/b --lora_r 8", "litgpt"),
        ("litgpt finetune_lora a/b --lora_r 8", "litgpt"),
        ("mlx_lm.lora --model m --train", "mlx_lm"),
        ("mlx_lm lora --model m --train", "mlx_lm"),
        ("python -m mlx_lm.lora --model m --train", "mlx_lm"),
        ("python -m mlx_lm lora --model m --train", "mlx_lm"),
        *((f"autotrain {name} --train --model m --project_name p --peft", "autotrain") for name in ("llm", "vlm")),
        ("autotrain seq2seq --train --model m --project-name p --peft", "autotrain"),
        *(
            (f"python open_instruct/{name}.py --model_name_or_path m --use_lora", "open_instruct")
            for name in ("finetune", "dpo_tune", "dpo_tune_cache")
        ),
        ("python -m verl.trainer.main_ppo actor_rollout_ref.model.lora_rank=8", "verl"),
    ],
)
def test_commands_of_frameworks(command: str, framework: str) -> None:
    assert only(shell(command)).dialect == framework
    assert only(shell(f"accelerate launch --num_processes 4 {command}")).dialect == framework


@pytest.mark.parametrize(
    ("name", "method"),
    [("sft", "supervised"), ("dpo", "preference"), ("kto", "preference"), ("reward", "preference"), ("grpo", "rl"),
     ("rloo", "rl")],
)  # fmt: skip
def test_how_the_commands_of_trl_train(name: str, method: str) -> None:
    assert only(shell(f"trl {name} --model_name_or_path m --use_peft")).training.method == method
    run = only(shell(f"python trl/scripts/{name}.py --model_name_or_path m --use_peft"))
    assert run.training.method == method


@pytest.mark.parametrize(
    "command",
    [
        *("swift infer --model m --tuner_type lora", "swift sft --model m --dataset d --tuner_type full"),
        *("megatron sft --model m --dataset d", "llamafactory-cli export --model_name_or_path m --lora_rank 8"),
        *("trl vllm-serve --model_name_or_path m --use_peft", "litgpt pretrain a/b", "mlx_lm.generate --model m"),
        *("autotrain llm --model m --project_name p --peft", "autotrain tabular --train --model m --project_name p"),
        *("autotrain llm --train --model m --peft", "swift sft --tuner_type lora --dataset d"),
    ],
)
def test_commands_that_train_no_lora(command: str) -> None:
    assert shell(command).runs == ()


@pytest.mark.parametrize("started", ["own/finetune.py", "-m own.finetune", "-m own.other"])
def test_the_program_behind_a_script_or_module(started: str, tmp_path: Path) -> None:
    """A program of the project that ties alpha to the rank leaves rsLoRA open; nothing is known of another one."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "finetune.py").write_text("setup(alpha=2 * args.alpha, use=rslora)\n", encoding="utf-8")
    run = only(shell(f"python {started} --lora_r 8 --lora_alpha 16", tmp_path))
    assert plain(run.adapter.use_rslora) is (False if "other" in started else Unknown)


@pytest.mark.parametrize(
    ("program", "method"),
    [
        ("llava/train/train_mem.py", "supervised"),
        ("finetune.py", "supervised"),
        ("src/sft/run.py", "supervised"),
        ("train_dpo.py", "unknown"),
        ("trl/rl/train.py", "unknown"),
        ("train_text_to_image_lora.py", "unknown"),
        ("main.py", "unknown"),
    ],
)
def test_what_a_program_that_is_not_followed_trains(program: str, method: str) -> None:
    script = f"python {program} --lora_r 8 --lora_alpha 16 --model_name_or_path m --learning_rate 1e-5\n"
    run = only(shell(script))
    assert run.training.method == method


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        ("", "", ["LL411"]),
        ("model.gradient_checkpointing_enable()", "", []),
        ("model.enable_input_require_grads()", "", []),
        ("", "model.enable_input_require_grads()", []),
    ],
)
def test_what_the_program_does_for_gradients(tmp_path: Path, before: str, after: str, codes: list[str]) -> None:
    """Checkpointing that a call turns on is no mistake where the program is prepared for it."""
    program = [
        "from peft import LoraConfig, get_peft_model",
        "from transformers import AutoModelForCausalLM, HfArgumentParser, Trainer, TrainingArguments",
        "from dataclasses import dataclass",
        "@dataclass",
        "class Mine:",
        "    base: str = 'gpt2'",
        "mine, args = HfArgumentParser((Mine, TrainingArguments)).parse_args_into_dataclasses()",
        "model = AutoModelForCausalLM.from_pretrained(mine.base)",
        before,
        "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules='all-linear'))",
        after,
        "Trainer(model=model, args=args).train()",
    ]
    (tmp_path / "train.py").write_text("\n".join(program) + "\n")
    (tmp_path / "requirements.txt").write_text("transformers==4.51.3\n")
    call = (
        "python train.py --base Qwen/Qwen2.5-7B --output_dir out --learning_rate 2e-4 --gradient_checkpointing True\n"
    )
    assert sorted({code for code, _ in lint(tmp_path, call)}) == codes


@pytest.mark.parametrize(
    ("options", "size"), [("", 52_002), ("--file rows.jsonl", 3), ("--data yahma/alpaca-cleaned --most 500", 500)]
)
def test_options_that_a_script_leaves_out_are_not_given(options: str, size: int, tmp_path: Path) -> None:
    program = """
        import argparse
        from datasets import load_dataset
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, Trainer
        parser = argparse.ArgumentParser()
        parser.add_argument("--data", default="tatsu-lab/alpaca")
        parser.add_argument("--file")
        parser.add_argument("--most", type=int)
        parser.add_argument("--lora_r", type=int, default=8)
        args = parser.parse_args()
        if args.file:
            data = load_dataset("json", data_files=args.file, split="train")
        else:
            data = load_dataset(args.data, split="train")
        if args.most is not None:
            data = data.select(range(args.most))
        model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=args.lora_r))
        Trainer(model=model, train_dataset=data).train()
        """
    (tmp_path / "train.py").write_text(textwrap.dedent(program))
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n' * 3)
    run = only(shell(f"python train.py --lora_r 8 {options}\n", tmp_path))
    assert plain(run.dataset.size) == size


@pytest.mark.parametrize("which", ["$(which swift)", "`which swift`", "$(command -v swift)", "swift"])
def test_a_command_that_is_looked_up(tmp_path: Path, which: str) -> None:
    options = "sft --model Qwen/Qwen2.5-7B --train_type lora --sft_type lora --dataset a/b"
    (tmp_path / "run.sh").write_text(f"torchrun --nproc_per_node 2 {which} {options}\n")
    found = engine.lint([tmp_path.as_posix()], Settings(select=("LL901",)), jobs=1).findings
    assert [each.code for each in found] == ["LL901"]


@pytest.mark.parametrize(
    "line", ["done=`COMMAND && echo yes || echo no`", "done=$(COMMAND | tail -1)", "local done=$(COMMAND)"]
)
def test_a_command_whose_output_is_kept(line: str) -> None:
    run = only(shell(line.replace("COMMAND", f"python finetune.py {FLAGS}")))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)
