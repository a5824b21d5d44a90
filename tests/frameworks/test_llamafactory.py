"""LLaMA-Factory: how many examples the data has that a config names (0.9.5, data/parser.py and data/loader.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import lora_lint
from lora_lint.linting import engine
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Known
from lora_lint.settings import Settings
from tests.support.reading import config, only, plain

FACTORY = """\
model_name_or_path: meta-llama/Llama-3.1-8B
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all
learning_rate: 1.0e-4
dataset: {}
"""
REGISTERED: dict[str, Any] = {
    "file": {"file_name": "rows.json"},
    "capped": {"file_name": "rows.json", "num_samples": 7},
    "hub": {"hf_hub_url": "tatsu-lab/alpaca"},
    "elsewhere": {"hf_hub_url": "nobody/nothing"},
    "gone": {"file_name": "gone.json"},
    "script": {"script_url": "load.py"},
    "odd": ["rows.json"],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dataset_info.json").write_text(json.dumps(REGISTERED))
    (tmp_path / "data/rows.json").write_text(json.dumps([{"instruction": "a", "output": "b"}] * 40))
    return tmp_path


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ("file", 40),
        ("capped", 7),
        ("hub", 52_002),
        ("file, capped", 47),
        ("file\nmax_samples: 10", 10),
        ("file\nmax_samples: 100", 40),
        ("file, capped\nmax_samples: 10", 17),
        ("file\nval_size: 0.25", 30),
        ("elsewhere\nmax_samples: 10", 10),
        ("elsewhere", None),
        ("file, elsewhere", None),
        ("gone", None),
        ("script", None),
        ("odd", None),
        ("unregistered", None),
        ("file\nmix_strategy: interleave_under", None),
        ("tatsu-lab/alpaca\ndataset_dir: ONLINE", 52_002),
        ("file\ndataset_dir: other", None),
    ],
)
def test_rows(project: Path, given: str, rows: int | None) -> None:
    size = only(config(FACTORY.format(given), folder=project)).dataset.size
    assert plain(size) == rows if rows is not None else not isinstance(size, Known)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_register_that_is_none(project: Path, text: str) -> None:
    (project / "data/dataset_info.json").write_text(text)
    assert not isinstance(only(config(FACTORY.format("file"), folder=project)).dataset.size, Known)


@pytest.mark.parametrize("misspelt", ["lora_rnak", "lora_rnk", "lroa_rank"])
def test_a_misspelt_key_beside_the_right_one(misspelt: str) -> None:
    """LLaMA-Factory stops at it all the same."""
    run = only(config(FACTORY.format("file") + f"{misspelt}: 16\n"))
    assert [problem.key for problem in run.problems if isinstance(problem, UnknownKey)] == [misspelt]


@pytest.mark.parametrize("bits", ["quantization_bit", "export_quantization_bit"])
def test_an_export_merges_into_full_precision(bits: str) -> None:
    merge = "model_name_or_path: a/b\nadapter_name_or_path: saves/x\nfinetuning_type: lora\ntemplate: qwen\n"

    def codes(text: str) -> list[str]:
        return [each.code for each in lora_lint.lint_text(text, "/nowhere/merge.yaml", isolated=True).findings]

    given = f"{merge}{bits}: 4\nexport_quantization_dataset: c4.json\n"
    assert "LL904" in codes(given + "export_dir: merged\n")
    assert "LL904" not in codes(given + "do_train: true\nstage: sft\ndataset: d\noutput_dir: out\n")
    assert "LL904" not in codes(merge + "export_dir: merged\n")


@pytest.mark.parametrize(
    ("section", "read"),
    [
        ("megatron:\n  sequence_parallel: true", False),
        ("gradient_checkpointing_kwargs:\n  use_reentrant: false", True),
        ("resources_per_worker:\n  GPU: 1", True),
    ],
)
def test_a_file_with_sections_of_its_own_is_another_tools(section: str, read: bool) -> None:
    reading = config(FACTORY.format("alpaca") + section)
    assert bool(reading.runs) is read


PPO = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
reward_model: {reward}
stage: ppo
do_train: true
finetuning_type: lora
lora_target: all
dataset: d
template: qwen
output_dir: o
learning_rate: 1.0e-6
"""


@pytest.mark.parametrize(
    ("reward", "ignored"),
    [
        ("Qwen/Qwen1.5-7B-Chat\nreward_model_adapters: saves/reward\nreward_model_type: lora", True),
        ("saves/reward\nreward_model_adapters: saves/reward", True),
        ("Qwen/Qwen1.5-7B-Chat\nreward_model_adapters: saves/reward\nreward_model_type: full", False),
        ("saves/reward\nreward_model_type: lora", False),
    ],
)
def test_a_reward_model_of_type_lora_is_an_adapter(reward: str, ignored: bool) -> None:
    report = engine.lint_text(PPO.format(reward=reward).encode(), "ppo.yaml", Settings())
    assert ("LL905" in [finding.code for finding in report.findings]) == ignored


@pytest.mark.parametrize(
    ("name", "requires", "told"),
    [
        ("qwen2.5", "", "It calls this one `qwen`"),
        ("Llama-3", "", "It calls this one `llama3`"),
        ("qwen2_5_vl", "", "It calls this one `qwen2_vl`"),
        ("baichuan2", "", "This one is gone"),
        ("baichuan2", "llamafactory==0.9.4", ""),
        ("qwen3", "", ""),
        ("qwen3", "llamafactory==0.9.3", ""),
        ("qwen3", "llamafactory==0.9.2", "LLaMA-Factory before 0.9.3"),
        ("qwen_for_contracts", "", ""),
    ],
)
@pytest.mark.parametrize("trains", [True, False])
def test_its_templates_are_a_closed_list(tmp_path: Path, name: str, requires: str, told: str, trains: bool) -> None:
    kind = "do_train: true\ndataset: a\n" if trains else "adapter_name_or_path: saves/b\nexport_dir: merged\n"
    text = f"model_name_or_path: Qwen/Qwen2.5-7B\nfinetuning_type: lora\ntemplate: {name}\n{kind}"
    (tmp_path / "run.yaml").write_text(text)
    (tmp_path / "requirements.txt").write_text(requires)
    told = told if trains or requires != "llamafactory==0.9.2" else ""  # a merge without its adapter has no versions
    findings = [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]
    assert [told in each.message for each in findings] == ([True] if told else [])


@pytest.mark.parametrize(("program", "told"), [("src/train.py", True), ("src/train_bash.py", False)])
def test_an_older_program_has_the_templates_of_its_time(tmp_path: Path, program: str, told: bool) -> None:
    command = f"python {program} --stage sft --do_train --model_name_or_path a --finetuning_type lora"
    (tmp_path / "run.sh").write_text(f"{command} --template baichuan2 --dataset b --output_dir c\n")
    assert any(each.code == "LL902" for each in lora_lint.lint(tmp_path).findings) is told


CHAT = [{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]
SYSTEM = [{"conversations": [{"from": "system", "value": "s"}, *CHAT[0]["conversations"]]}]
OPENAI = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
ALPACA = [{"instruction": "a", "input": "", "output": "b"}]
COMPARED = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
ASKED = {"conversations": CHAT[0]["conversations"][:1]}
ANSWERS = {"chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}
SHOWN = {"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}]}
SEEN = {"formatting": "sharegpt", "columns": {"messages": "messages", "images": "images"}, "tags": OPENAI}


@pytest.mark.parametrize(
    ("stage", "entry", "rows", "told"),
    [
        ("sft", {}, ALPACA, ""),
        ("sft", {"columns": {"prompt": "text"}}, [{"text": "a"}], "answers"),
        ("pt", {"columns": {"prompt": "text"}}, [{"text": "a"}], ""),
        ("dpo", {"columns": {"prompt": "instruction", "chosen": "c"}}, [], '"ranking": true'),
        ("rm", {"ranking": True, "columns": {"prompt": "i", "chosen": "c", "rejected": "r"}}, [], ""),
        ("rm", {"ranking": True}, [], 'no `"chosen"`'),
        ("sft", {}, [{"instruction": "a", "output": "b"}], "`input` for the query"),
        (
            "sft",
            {"columns": {"prompt": "instruction", "response": "output", "system": "s"}},
            ALPACA,
            "`s` for the system",
        ),
        ("dpo", {"ranking": True, "formatting": "sharegpt", "columns": COMPARED}, [{**ASKED, **ANSWERS}], ""),
        (
            "dpo",
            {"ranking": True, "formatting": "sharegpt", "columns": COMPARED},
            [{**ASKED, "chosen": "a", "rejected": "b"}],
            "single messages as the two answers",
        ),
        (
            "dpo",
            {"ranking": True, "formatting": "sharegpt", "columns": COMPARED},
            [{**CHAT[0], **ANSWERS}],
            "end before the two answers",
        ),
        ("sft", {"formatting": "sharegpt"}, [ASKED], "end too early"),
        ("sft", {"ranking": True}, [], "no pairs"),
        ("kto", {"columns": {"prompt": "instruction", "response": "output"}}, ALPACA, "kto_tag"),
        ("sft", {"columns": {"prompt": "question", "response": "output"}}, ALPACA, "`question` for the prompt"),
        ("sft", {"columns": {"prompt": "instruction", "query": "", "response": "output"}}, ALPACA, ""),
        ("sft", {}, [{"instruction": "a", "output": {"b": 1}}], "holds a dict"),
        ("sft", {"formatting": "sharegpt"}, CHAT, ""),
        ("sft", {"formatting": "sharegpt"}, SYSTEM, ""),
        ("sft", {"formatting": "sharegpt", "columns": {"messages": "messages"}}, CHAT, "`messages` for the messages"),
        ("sft", {"formatting": "sharegpt", "tags": OPENAI}, CHAT, "`role` as the `role_tag`"),
        (
            "sft",
            {"formatting": "sharegpt", "tags": {**OPENAI, "role_tag": "from", "content_tag": "value"}},
            CHAT,
            "`user`",
        ),
        (
            "sft",
            {"formatting": "sharegpt", "tags": {"role_tag": "from", "content_tag": "value"}},
            CHAT,
            "no `user_tag`",
        ),
        ("sft", {"formatting": "sharegpt", "tags": OPENAI}, [], ""),
        (
            "sft",
            {"formatting": "sharegpt"},
            [*CHAT, {"conversations": [CHAT[0]["conversations"][0], {"from": "gpt", "value": None}]}],
            "a text in every message, and raises a RuntimeError: one of the file has null",
        ),
        ("sft", {"formatting": "sharegpt", "tags": "odd"}, CHAT, ""),
        ("sft", {"hf_hub_url": "a/b", "columns": {"prompt": "question", "response": "output"}}, ALPACA, ""),
    ],
)
def test_a_stage_takes_data_of_its_kind(tmp_path: Path, stage: str, entry: Any, rows: Any, told: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.json").write_text(json.dumps(rows))
    (tmp_path / "data/dataset_info.json").write_text(json.dumps({"a": {"file_name": "rows.json", **entry}}))
    (tmp_path / "run.yaml").write_text(FACTORY.format("a").replace("stage: sft", f"stage: {stage}"))
    findings = [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]
    assert [told in each.message for each in findings] == ([True] if told else [])


@pytest.mark.parametrize(
    ("template", "rows", "told"),
    [
        ("qwen2_vl", [{**SHOWN, "images": ["a.png"]}], ""),
        ("qwen2_vl", [{**SHOWN, "images": "a.png"}], ""),
        ("qwen2_vl", [{**SHOWN, "images": ["a.png", "b.png"]}], "has 2 in `images`, and 1 of `<image>`"),
        ("qwen2_vl", [{**SHOWN, "images": []}], "has 0 in `images`, and 1 of `<image>`"),
        ("qwen2_vl", [{**SHOWN, "image": ["a.png"]}], "the column `images` for the images"),
        ("qwen", [{**SHOWN, "images": ["a.png"]}], "no images with `template: qwen`"),
        ("qwen", [{**SHOWN, "images": []}], ""),
        ("of_my_own", [{**SHOWN, "images": ["a.png", "b.png"]}], ""),
    ],
)
def test_a_row_has_an_image_for_each_mark(tmp_path: Path, template: str, rows: Any, told: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.json").write_text(json.dumps(rows))
    (tmp_path / "data/dataset_info.json").write_text(json.dumps({"a": {"file_name": "rows.json", **SEEN}}))
    (tmp_path / "run.yaml").write_text(FACTORY.format("a") + f"template: {template}\n")
    findings = [
        each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902" and "dataset" in each.message
    ]
    assert [told in each.message for each in findings] == ([True] if told else [])


def test_a_column_of_later_rows_is_no_missing_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [SHOWN | {"messages": CHAT[0]["conversations"]} for _ in range(30)] + [{**SHOWN, "images": ["a.png"]}]
    (tmp_path / "data/rows.json").write_text(json.dumps(rows))
    entry = {
        "file_name": "rows.json",
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
    }
    (tmp_path / "data/dataset_info.json").write_text(json.dumps({"a": entry}))
    (tmp_path / "run.yaml").write_text(FACTORY.format("a"))
    assert not [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]


def test_rows_are_read_from_the_beginning_of_a_large_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(json.dumps(CHAT[0]) for _ in range(9_000))
    (tmp_path / "data/rows.jsonl").write_text(rows)
    entry = {"file_name": "rows.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}}
    (tmp_path / "data/dataset_info.json").write_text(json.dumps({"a": entry}))
    (tmp_path / "run.yaml").write_text(FACTORY.format("a"))
    assert [each.code for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"] == ["LL902"]


def test_a_copy_of_its_source_may_have_templates_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "src/llamafactory/extras").mkdir(parents=True)
    (tmp_path / "src/llamafactory/__init__.py").write_text("")
    (tmp_path / "src/llamafactory/extras/env.py").write_text('VERSION = "0.9.1.dev0"\n')
    for name, template in (("old", "baichuan2"), ("other", "qwen2.5"), ("new", "qwen3")):
        (tmp_path / f"{name}.yaml").write_text(FACTORY.format("a") + f"template: {template}\n")
    assert not [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]


MERGE = "model_name_or_path: a\nadapter_name_or_path: b\ntemplate: qwen\nfinetuning_type: lora\nexport_dir: c\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("llamafactory-cli train merge.yaml", True),
        ("lmf train merge.yaml", True),
        ("llamafactory-cli train merge.yaml do_train=true dataset=a", False),
        ("llamafactory-cli export merge.yaml", False),
    ],
)
def test_an_export_is_no_training(tmp_path: Path, command: str, told: bool) -> None:
    (tmp_path / "merge.yaml").write_text(MERGE)
    (tmp_path / "run.sh").write_text(f"{command}\n")
    findings = [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL901"]
    assert ["has no effect" in each.message for each in findings] == ([True] if told else [])


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("saves/q/lora/sft", True),
        ("./saves/q/lora/sft/checkpoint-500", True),
        ("saves/q/lora/merged", False),
        ("Qwen/Qwen2.5-7B", False),
    ],
)
def test_an_adapter_is_no_base_model(tmp_path: Path, base: str, told: bool) -> None:
    first = FACTORY.format("a") + "output_dir: saves/q/lora/sft\n"
    second = FACTORY.format("b").replace("meta-llama/Llama-3.1-8B", base) + "output_dir: saves/q/lora/dpo\n"
    (tmp_path / "sft.yaml").write_text(first)
    (tmp_path / "dpo.yaml").write_text(second)
    findings = [Path(each.path).name for each in lora_lint.lint(tmp_path).findings if each.code == "LL904"]
    assert findings == (["dpo.yaml"] if told else [])


@pytest.mark.parametrize(
    ("model", "settings", "wrong"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "template: llama3", True),
        ("Qwen/Qwen3-8B", "template: gemma", True),
        ("Qwen/Qwen3-8B", "template: qwen", False),
        ("Qwen/Qwen2.5-7B-Instruct", "template: default", False),
        ("Qwen/Qwen2.5-7B-Instruct", "template: llama3\nresize_vocab: true", False),
        ("meta-llama/Llama-3.1-8B", "template: llama3", True),
        ("meta-llama/Llama-3.1-8B", "template: llama3\nadditional_target: embed_tokens,lm_head", False),
        ("meta-llama/Llama-3.1-8B-Instruct", "template: llama3", False),
        ("meta-llama/Llama-3.1-8B-Instruct", "template: qwen", True),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "template: deepseekr1", False),
        ("models/Qwen2.5-7B-Instruct", "template: llama3", False),
        ("codellama/CodeLlama-7b-Instruct-hf", "template: llama3", True),
        ("codellama/CodeLlama-7b-Instruct-hf", "template: llama2", False),
        ("codellama/CodeLlama-7b-hf", "template: llama3", False),
        ("meta-llama/Llama-2-7b-chat-hf", "template: qwen", True),
    ],
)
def test_templates_of_other_models(model: str, settings: str, wrong: bool) -> None:
    text = f"model_name_or_path: {model}\nstage: sft\ndo_train: true\nfinetuning_type: lora\ndataset: a\n{settings}\n"
    found = engine.lint_text(text, "a.yaml", Settings(select=("LL902",))).findings
    assert len(found) == wrong


@pytest.mark.parametrize(
    ("option", "known_as"),
    [("--max_step 500", "max_steps"), ("--lora_ran 16", "lora_rank"), ("--max_stepps 500", None)],
)
def test_argparse_takes_the_beginning_of_an_option(option: str, known_as: str | None) -> None:
    """`parse_known_args` does; a streamed data set needs `max_steps`, and `lora_ran` gives the rank."""
    script = (
        "llamafactory-cli train --model_name_or_path meta-llama/Llama-3.1-8B --stage sft --do_train --dataset a "
        f"--template llama3 --finetuning_type lora --lora_alpha 0 --streaming true --output_dir out {option}\n"
    )
    found = engine.lint_text(script.encode(), "run.sh", Settings()).findings
    assert any(finding.code == "LL901" for finding in found) is (known_as is None)
    assert any("needs `max_steps`" in finding.message for finding in found) is (known_as != "max_steps")


@pytest.mark.parametrize(("version", "told"), [("0.1.1", False), ("0.8.0", True)])
def test_what_data_has_to_be_is_asked_of_releases_that_were_read(tmp_path: Path, version: str, told: bool) -> None:
    package = tmp_path / "src" / "llmtuner"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset_info.json").write_text('{"pairs": {"file_name": "a.json"}}')
    command = "python src/train.py --stage rm --do_train --model_name_or_path a --finetuning_type lora"
    (tmp_path / "run.sh").write_text(f"{command} --template default --dataset pairs --output_dir b\n")
    found = [each for each in lora_lint.lint(tmp_path).findings if "pairs" in each.message]
    assert bool(found) is told


STARTED = "llamafactory-cli train run.yaml\n"
SHARDED = "deepspeed: examples/deepspeed/ds_z3_config.json\n"


@pytest.mark.parametrize(
    ("command", "more", "told"),
    [
        (f"CUDA_VISIBLE_DEVICES=0 {STARTED}", SHARDED, True),
        (f"export CUDA_VISIBLE_DEVICES=3\n{STARTED}", SHARDED, True),
        (f"FORCE_TORCHRUN=1 CUDA_VISIBLE_DEVICES=0 {STARTED}", SHARDED, False),
        (f"CUDA_VISIBLE_DEVICES=0,1 {STARTED}", SHARDED, False),
        (f"CUDA_VISIBLE_DEVICES=$1 {STARTED}", SHARDED, False),
        (f"CUDA_VISIBLE_DEVICES=0 {STARTED}", "", False),
        (STARTED, SHARDED, False),
    ],
)
def test_deepspeed_on_one_gpu(tmp_path: Path, command: str, more: str, told: bool) -> None:
    (tmp_path / "run.yaml").write_text(FACTORY.format("identity") + more)
    (tmp_path / "run.sh").write_text(command)
    findings = [each.message for each in lora_lint.lint(tmp_path).findings if "FORCE_TORCHRUN" in each.message]
    assert len(findings) == told


@pytest.mark.parametrize(
    ("template", "pixels", "more", "told"),
    [
        ("qwen2_vl", 2097152, "", True),  # 2,674 tokens of 2,048
        ("qwen2_vl", 2097152, "cutoff_len: 4096\n", False),
        ("qwen2_vl", 589824, "", False),
        ("qwen3_vl", 1048576, "cutoff_len: 1024\n", True),
        ("qwen3_vl", 1048576, "", False),
        ("gemma3", 2097152, "", False),
    ],
)
def test_images_that_leave_no_room(tmp_path: Path, template: str, pixels: int, more: str, told: bool) -> None:
    text = FACTORY.format("mllm_demo").replace("template: qwen\n", "")
    (tmp_path / "run.yaml").write_text(f"{text}template: {template}\nimage_max_pixels: {pixels}\n{more}")
    findings = [each.message for each in lora_lint.lint(tmp_path).findings if each.code == "LL904"]
    assert any("image tokens do not match" in message for message in findings) == told


@pytest.mark.parametrize(
    ("stage", "name", "told"),
    [
        ("sft", "c4_demo", "this set has texts alone, for `stage: pt`"),
        ("sft", "dpo_en_demo", "no pairs for `stage: sft`"),
        ("dpo", "alpaca_en_demo", "this set has single answers"),
        ("kto", "identity", "a column `kto_tag`"),
        ("sft", "alpaca_en_demo", ""),
        ("dpo", "dpo_en_demo", ""),
        ("dpo", "my_pairs", ""),
    ],
)
def test_data_of_its_own_repository(tmp_path: Path, stage: str, name: str, told: str) -> None:
    (tmp_path / "run.yaml").write_text(FACTORY.format(name).replace("stage: sft", f"stage: {stage}"))
    findings = [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]
    assert [told in each.message for each in findings] == ([True] if told else [])


@pytest.mark.parametrize(
    ("model", "more", "told"),
    [
        ("meta-llama/Llama-3.1-8B", "quantization_type: nf4\ndouble_quantization: true\n", True),
        ("meta-llama/Llama-3.1-8B", "double_quantization: true\nquantization_bit: 4\n", False),
        ("meta-llama/Llama-3.1-8B", "quantization_method: bnb\n", False),  # as its web page writes it
        ("unsloth/Llama-3.1-8B-bnb-4bit", "double_quantization: true\n", False),
    ],
)
def test_bits_that_are_not_asked_for(tmp_path: Path, model: str, more: str, told: bool) -> None:
    text = FACTORY.format("identity").replace("meta-llama/Llama-3.1-8B", model)
    (tmp_path / "run.yaml").write_text(text + more)
    findings = [each for each in lora_lint.lint(tmp_path).findings if each.code == "LL905"]
    assert len(findings) == told
