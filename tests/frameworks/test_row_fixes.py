"""The fixes of refusals: each removes its finding and adds none, in a file or a program that the row is reported in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.discovery import kind_of
from lora_lint.fixes.session import fixed_text
from lora_lint.frameworks import refusals
from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.frameworks.test_rows import FACTS, ROWS, settings

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.frameworks.refusals import Refusal

FIXED = [
    each
    for each in ROWS
    if ((row := each.values[2]).drop or row.ignored or row.sets) and not row.likely  # type: ignore[union-attr]
]
"""Those that a fix settles: what is only likely is left to the reader."""
FILES: dict[str, dict[str, Any]] = {
    "accelerate": {"compute_environment": "LOCAL_MACHINE", "distributed_type": "MULTI_GPU", "num_processes": 4},
    "ai_toolkit": {
        "type": "sd_trainer",
        "network": {"type": "lora"},
        "model": {"name_or_path": "a/b", "arch": "sdxl"},
    },
    "autotrain": {"task": "llm-sft", "base_model": "a/b", "project_name": "mine", "params": {"peft": True}},
    "axolotl": {"base_model": "a/b", "adapter": "lora", "lora_r": 8, "datasets": [{"path": "a", "type": "alpaca"}]},
    "diffusion_pipe": {
        "dataset": "d",
        "save_every_n_epochs": 1,
        "model": {"type": "wan"},
        "adapter": {"type": "lora", "rank": 8},
        "optimizer": {"type": "adamw", "lr": 5e-5},
    },
    "easyr1": {"worker": {"actor": {"model": {"model_path": "a/b", "lora": {"rank": 8}}}}},
    "fms_hf_tuning": {"model_name_or_path": "a/b", "peft_method": "lora", "lora_alpha": 16},
    "h2o_llmstudio": {"llm_backbone": "a/b", "training": {"lora": True, "lora_r": 4}},
    "kohya": {
        "pretrained_model_name_or_path": "a/b",
        "network_module": "networks.lora",
        "network_dim": 8,
        "network_alpha": 8,
    },
    "litgpt": {"checkpoint_dir": "checkpoints/a/b", "lora_r": 8, "lora_query": True},
    "llamafactory": {"model_name_or_path": "a/b", "stage": "sft", "do_train": True, "dataset": "m", "template": "qwen"},
    "llamafactory_v1": {"model": "a/b", "peft_config": {"name": "lora", "r": 8}, "train_dataset": "d.yaml"},
    "llm2vec": {"model_name_or_path": "a/b", "lora_r": 8, "pooling_mode": "mean", "mask_token_type": "blank"},
    "ludwig": {"model_type": "llm", "base_model": "a/b"},
    "mistral_finetune": {"model_id_or_path": "a", "run_dir": "r", "lora": {"rank": 16}},
    "mlx_lm": {"model": "a/b", "fine_tune_type": "lora", "train": True},
    "ms_swift": {"model": "a/b", "tuner_type": "lora", "lora_rank": 8, "dataset": ["a/b"]},
    "musubi_tuner": {"dit": "a", "network_module": "networks.lora_wan", "network_dim": 8},
    "onetrainer": {"training_method": "LORA", "base_model_name": "a/b", "lora_rank": 8},
    "open_instruct": {"model_name_or_path": "a/b", "use_lora": True, "lora_rank": 8},
    "qlora_pipe": {
        "model": "a/b",
        "output_dir": "o",
        "lora_rank": 8,
        "lora_alpha": 8,
        "pipeline_stages": 1,
        "epochs": 1,
        "eval_steps": 10,
        "logging_steps": 10,
        "activation_checkpointing": True,
        "optimizer": {"type": "adamw", "lr": 5e-5},
    },
    "qlora_pipe_lite": {"model_dir": "a/b", "output_dir": "o", "lora_rank": 8, "lr": 1e-4, "sequence_len": 4096},
    "roll": {"pretrain": "a/b", "actor_train": {"model_args": {"lora_target": "q_proj", "lora_rank": 8}}},
    "simpletuner": {"model_family": "flux", "model_type": "lora", "lora_rank": 8},
    "torchtune": {
        "model": {"_component_": "torchtune.models.llama3.lora_llama3_8b", "lora_attn_modules": ["q_proj"]},
        "tokenizer": {"_component_": "torchtune.models.llama3.llama3_tokenizer"},
    },
    "verl": {"trainer": {"n_gpus_per_node": 8}, "actor_rollout_ref": {"model": {"path": "a/b", "lora_rank": 8}}},
}
"""Settings that make a file one of a framework."""
IMPORTS = {
    "accelerate": "from accelerate import Accelerator, DeepSpeedPlugin, FullyShardedDataParallelPlugin\n"
    "from accelerate.utils import BnbQuantizationConfig, ParallelismConfig\nfrom peft import LoraConfig\nmade = {}\n",
    "peft": "from peft import *\nfrom peft import get_peft_model\nmade = {}\nmodel = get_peft_model(model, made)\n",
}
"""Programs that make an object of a class."""


def merged(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The base with settings by their dotted names; a section has a further one, since none is left empty."""
    found: dict[str, Any] = json.loads(json.dumps(base))
    for name, value in given.items():
        *sections, key = name.split(".")
        place = found
        for section in sections:
            inner = place.get(section)
            place[section] = inner if isinstance(inner, dict) else {}
            place = place[section]
            place.setdefault("note", 1)
        if not isinstance(place.get(key), dict):
            place[key] = value
    return found


def written(framework: str, owner: str, given: dict[str, Any]) -> tuple[str, str] | None:
    """The name and the text of a file or a program with some settings; None if none is written for that framework."""
    if owner:
        call = f"{owner}({', '.join(f'{name}={value!r}' for name, value in given.items())})"
        return ("a.py", IMPORTS[framework].format(call)) if framework in IMPORTS else None
    if framework not in FILES:
        return None
    document = merged(FILES[framework], given)
    if framework == "ai_toolkit":
        document = {"job": "extension", "config": {"process": [document]}}
    if framework in ("fms_hf_tuning", "llm2vec", "onetrainer", "simpletuner"):
        return "a.json", json.dumps(document, indent=1)
    if framework in ("kohya", "musubi_tuner", "diffusion_pipe", "qlora_pipe", "qlora_pipe_lite"):
        return "a.toml", toml(document)
    return "a.yaml", "\n".join(yaml(document, 0)) + "\n"


def yaml(document: dict[str, Any], depth: int) -> list[str]:
    lines: list[str] = []
    for key, value in document.items():
        inner = isinstance(value, dict) and value
        lines.append(f"{'  ' * depth}{key}:{'' if inner else f' {json.dumps(value)}'}")
        lines += yaml(value, depth + 1) if inner else []
    return lines


def toml(document: dict[str, Any]) -> str:
    plain = {key: value for key, value in document.items() if not isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key in document.keys() - plain.keys():
        lines += [f"[{key}]", toml(document[key])]
    return "\n".join(lines)


def of(data: bytes, name: str) -> list[Finding]:
    return [each for each in engine.lint_text(data, name, Settings()).findings if each.code.startswith("LL9")]


MADE: list[str] = []
"""The rows whose fix was made."""


@pytest.mark.parametrize(("framework", "owner", "row"), FIXED)
def test_a_fix_removes_its_finding_and_adds_none(framework: str, owner: str, row: Refusal) -> None:
    if not set(FACTS).isdisjoint(row.settings):
        return
    usual = {**refusals.defaults(framework, owner), **FACTS}
    try:
        given = settings(row, usual, nulls=bool(owner), plain=True)
    except pytest.fail.Exception:
        return  # it is about a list, which no fix removes
    if row.key not in given:
        given[row.key] = "x"
    file = written(framework, owner, given)
    if file is None:
        return
    name, text = file
    before = of(text.encode(), name)
    ours = [each for each in before if row.says in each.message and each.fix is not None]
    if not ours:
        return  # another rule speaks of this witness
    changes_nothing = row.ignored and not row.sets
    assert {each.fix.applicability for each in ours if each.fix} == {"safe" if changes_nothing else "unsafe"}
    once = fixed_text(text.encode(), name, kind_of(name), Settings(select=("LL904", "LL905")), unsafe=True)
    after = of(once.after, name)
    assert [each.message for each in after if row.says in each.message and each.span == ours[0].span] == [], once.after
    assert {each.code for each in after} <= {each.code for each in before}
    MADE.append(row.source)


def test_most_of_them_were_made() -> None:
    assert len(MADE) > 0.5 * len(FIXED)
