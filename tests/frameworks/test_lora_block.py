"""Blocks of LoraConfig's keywords in a project's own files: what is one, and whose model it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.run import Dataset
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from tests.support.reading import config, edited, only, plain, realistic
from tests.support.runs import check

if TYPE_CHECKING:
    from pathlib import Path

YAML, JSON = realistic("lora_block", "project.yaml"), realistic("lora_block", "project.json")


def test_settings() -> None:
    run = only(config(YAML))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.05)
    assert plain(run.adapter.target_modules) == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert plain(run.model.name) == "mistralai/Mistral-7B-v0.1"
    assert run.trained is None
    assert run.problems == ()


def test_beside_the_model() -> None:
    run = only(config(JSON, "a.json"))
    assert (plain(run.model.name), plain(run.training.learning_rate)) == ("meta-llama/Llama-2-7b-hf", 3e-4)
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "v_proj"]


def test_two_models_are_none() -> None:
    both = edited(YAML, ("  max_length: 1024", "  base_model: meta-llama/Llama-2-7b-hf"))
    assert plain(only(config(both)).model.name) is Unknown


def test_what_is_left_out_is_the_programs() -> None:
    run = only(config(edited(YAML, ("  lora_alpha: 32\n", ""))))
    assert plain(run.adapter.alpha) is Unknown


@pytest.mark.parametrize(
    "text",
    [
        edited(YAML, ("lora:", "head:")),
        edited(YAML, ("  r: 16", "  dim: 16")),
        edited(YAML, ("  r: 16", "  r: 0")),
        edited(YAML, ("  r: 16", "  r: 16\n  enabled: false")),
        edited(YAML, ("  r: 16", "  r: 16\n  peft_type: LOHA")),
        edited(YAML, ("  r: 16", "  r: 16\n  method: oft")),
        edited(YAML, ("  r: 16", "  r: 16\n  lora_enabled: false")),
        edited(YAML, ("  r: 16", "  r: [8, 16]")),
        edited(YAML, ("  r: 16", "  r: {minimum: 1}")),
        "lora:\n  r: 16\n  weight: 0.7\n",
        "a:\n  b:\n    c:\n      lora: {r: 8, lora_alpha: 16}\n",
    ],
)
def test_no_such_block(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("lora_dropout", "lora_droput"), "lora_droput"),
        (("  r: 16", "  r: 16\n  bias: some"), "bias"),
        (("  r: 16", "  r: sixteen"), "r"),
    ],
)
def test_broken_files(change: tuple[str, str], key: str) -> None:
    (problem,) = only(config(edited(YAML, change))).problems
    assert problem.key == key


def test_short_names_and_methods() -> None:
    short = edited(
        YAML, ("lora_alpha", "alpha"), ("lora_dropout", "dropout"), ("  r: 16", "  method: dora\n  rank: 16")
    )
    run = only(config(short))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.05)
    assert (plain(run.adapter.use_dora), run.adapter.key("alpha"), run.problems) == (True, "alpha", ())


def test_a_model_in_a_section_beside() -> None:
    text = """\
        run:
          train_config: {model_id: meta-llama/Llama-2-7b-hf, lr: 1e-4}
          peft_config: {r: 32, lora_alpha: 64, target_modules: [q_proj], base_model_name_or_path: null}
        """
    assert plain(only(config(text)).model.name) == "meta-llama/Llama-2-7b-hf"


def test_a_spelling_of_the_projects_own() -> None:
    text = """\
        model: {model_name: meta-llama/Llama-2-7b-hf}
        peft:
          lora_r: 8
          lora_alpha: 16
          lora_target_modules: [q_proj, v_proj]
          lora_modules_to_save: [lm_head]
          lora_task_tpye: CAUSAL_LM
        """
    run = only(config(text))
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert plain(run.adapter.modules_to_save) == ("lm_head",)
    assert run.adapter.key("target_modules") == "lora_target_modules"
    assert run.adapter.key("use_rslora") == "use_rslora"
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "v_proj"]
    assert run.problems == ()


@pytest.mark.parametrize("entries", ["[all-linear]", "[auto]", "auto", '[".*language_model.*q_proj"]'])
def test_targets_that_a_program_may_find(entries: str, tmp_path: Path) -> None:
    block = f"lora_r: 8, lora_alpha: 16, lora_target_modules: {entries}, lora_exclude_modules: {entries}"
    own = only(config(f"peft: {{{block}}}", folder=tmp_path))
    assert plain(own.adapter.target_modules) is plain(own.adapter.exclude_modules) is Unknown
    block = f"r: 8, lora_alpha: 16, target_modules: {entries}"
    assert plain(only(config(f"peft: {{{block}}}", folder=tmp_path)).adapter.target_modules) is not Unknown
    (tmp_path / "train.py").write_text('names = find(model, config["target_modules"])\n')
    assert plain(only(config(f"peft: {{{block}}}", folder=tmp_path)).adapter.target_modules) is Unknown
    named = block.replace(entries, "all-linear")
    assert plain(only(config(f"peft: {{{named}}}", folder=tmp_path)).adapter.target_modules) == "all-linear"


RECORD = """\
{"peft_config": {"r": 4, "lora_alpha": 32, "target_modules": ["q"]},
 "results": [{"epoch": 3, "%s": %s}]}
"""


@pytest.mark.parametrize("key", ["train_loss", "eval_loss", "train_runtime", "total_flos", "eval_samples_per_second"])
def test_a_record_of_what_was_measured_starts_no_run(key: str) -> None:
    assert config(RECORD % (key, "0.5"), "results.json").runs == ()
    assert len(config(RECORD % ("metric_for_best_model", f'"{key}"'), "config.json").runs) == 1
    assert len(config(RECORD % (key, "true"), "config.json").runs) == 1


BLOCK = "{r: 8, lora_alpha: 16, target_modules: [q_proj]}"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "lora",
            "peft",
            "qlora",
            "lora_config",
            "peft_config",
            "lora_params",
            "peft_params",
            "lora_args",
            "peft_args",
        ),
        *("LoraConfig", "lora_parameters", "lora_kwargs", "peft_kwargs", "lora_settings"),
    ],
)
def test_names_of_blocks(name: str) -> None:
    assert plain(only(config(f"train:\n  {name}: {BLOCK}")).adapter.rank) == 8


@pytest.mark.parametrize("key", ["lora_alpha", "target_modules", "lora_target_modules", "lora_dropout"])
def test_one_keyword_tells_lora(key: str) -> None:
    assert config("lora: {rank: 8, weight: 0.1, # lora_alpha target_modules lora_dropout\n}").runs == ()
    assert config(f"lora: {{rank: 8, {key}: 0.1}} # lora_alpha").runs != ()


@pytest.mark.parametrize("rank", ["r", "lora_r", "lora_rank", "rank"])
def test_names_of_the_rank(rank: str) -> None:
    adapter = only(config(f"lora: {{{rank}: 8, lora_alpha: 16}}")).adapter
    assert (plain(adapter.rank), adapter.key("rank")) == (8, rank)
    assert plain(adapter.reader_unknown) is True
    two = "lora_r" if rank == "r" else "r"
    assert config(f"lora: {{{rank}: 8, {two}: 8, lora_alpha: 16}}").runs == ()


@pytest.mark.parametrize("key", ["peft_type", "method", "type", "peft_method", "adapter_type"])
def test_what_tells_the_method(key: str) -> None:
    for method, dora in (("LORA", False), ("qlora", False), ("DoRA", True), ("q-dora", True), ("rs-lora", False)):
        run = only(config(f"lora: {{r: 8, lora_alpha: 16, {key}: {method}}}"))
        assert plain(run.adapter.use_dora) is dora
        assert run.problems == ()
    assert config(f"lora: {{r: 8, lora_alpha: 16, {key}: IA3}}").runs == ()


@pytest.mark.parametrize("key", ["enabled", "enable", "use", "use_lora", "use_peft", "lora_enabled", "peft_enabled"])
def test_a_block_that_is_switched_off(key: str) -> None:
    assert config(f"lora: {{r: 8, lora_alpha: 16, {key}: false}}").runs == ()
    assert only(config(f"lora: {{r: 8, lora_alpha: 16, {key}: true}}")).problems == ()


NAMES_OF_MODELS = (
    *("base_model", "model_name_or_path", "base_model_name_or_path", "pretrained_model_name_or_path", "model_name"),
    *("model_id", "base_model_name", "base_model_id", "pretrained_model", "model_path", "hf_model_ckpt", "model"),
)


@pytest.mark.parametrize("key", NAMES_OF_MODELS)
def test_keys_that_name_the_model(key: str) -> None:
    beside = f"{key}: openai-community/gpt2\nlora: {BLOCK}"
    section = f"a: {{{key}: openai-community/gpt2}}\nlora: {BLOCK}"
    for text in (beside, section):
        assert plain(only(config(text)).model.name) == "openai-community/gpt2"


@pytest.mark.parametrize("key", ["name", "name_or_path", "path", "id", "pretrained"])
def test_keys_that_name_the_model_in_its_section(key: str) -> None:
    assert plain(only(config(f"model: {{{key}: openai-community/gpt2}}\nlora: {BLOCK}")).model.name) == (
        "openai-community/gpt2"
    )
    assert plain(only(config(f"data: {{{key}: openai-community/gpt2}}\nlora: {BLOCK}")).model.name) is Unknown


@pytest.mark.parametrize(
    ("place", "program", "known"),
    [
        ("src/model/lora.py", "n = cfg.peft.number_layers_to_transform\n", True),
        ("train.py", "n = cfg['number_layers_to_transform']\n", True),
        ("train.py", "n = cfg['layers']\n", False),
        ("node_modules/train.py", "n = cfg['number_layers_to_transform']\n", False),
    ],
)
def test_a_key_that_a_program_reads_is_the_projects_own(tmp_path: Path, place: str, program: str, known: bool) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(program)
    (tmp_path / "config").mkdir()
    text = "peft:\n  r: 8\n  lora_alpha: 16\n  target_modules: [q_proj]\n  number_layers_to_transform: 4\n"
    source = SourceFile((tmp_path / "config/train.yaml").as_posix(), "yaml", text.encode())
    run = only(read(source, Project(tmp_path.as_posix())))
    assert [problem.key for problem in run.problems if isinstance(problem, UnknownKey)] == (
        [] if known else ["number_layers_to_transform"]
    )


@pytest.mark.parametrize(("method", "runs"), [("lora", 1), ("LORA", 1), ("vera", 0)])
def test_the_method_may_stand_beside_the_block(method: str, runs: int) -> None:
    text = f"""
        model:
          peft_type: {method}
          model_name_or_path: tiiuae/falcon-7b
          peft_hyperparameters:
            r: 8
            target_modules: [query_key_value]
        """
    reading = config(text)
    assert len(reading.runs) == runs
    assert all(plain(run.model.name) == "tiiuae/falcon-7b" for run in reading.runs)


def test_a_map_from_models_to_targets_is_the_projects_own() -> None:
    text = "lora:\n  r: 8\n  lora_alpha: 16\n  target_modules:\n    qwen: [c_attn]\n    yi: [q_proj]\n"
    run = only(config(text))
    assert run.problems == ()
    assert plain(run.adapter.target_modules) is Unknown
    wrong = only(config(text.replace("lora_alpha: 16", "lora_alpha: [16]")))
    assert [type(problem) for problem in wrong.problems] == [InvalidValue]
    assert len(check("LL902", wrong)) == 1


@pytest.mark.parametrize("change", ["lora_alpha: [16]", "lora_alpha: 0", "lora_alpha: 16\n  wrong_key_lora_alpha: 1"])
def test_nothing_in_a_block_is_certain(change: str) -> None:
    text = f"lora:\n  r: 64\n  {change}\n  target_modules: [q_proj]\n"
    found = engine.lint_text(text, "config.yaml", Settings()).findings
    assert {finding.confidence for finding in found} == {"likely"}


SWEPT = """\
model_configs:
  peft_type: "lora"
  model_name_or_path: huggyllama/llama-7b
  peft_hyperparameters:
    method: grid
    parameters:
      r: {values: [2, 4, 8, 16]}
      lora_alpha: {value: 16}
"""


def test_a_block_may_be_a_sweep() -> None:
    reading = config(SWEPT)
    assert [plain(run.adapter.rank) for run in reading.runs] == [2, 4, 8, 16]
    assert {plain(run.model.name) for run in reading.runs} == {"huggyllama/llama-7b"}
    assert [len(sweep.runs) for sweep in reading.sweeps] == [4]
    assert check("LL101", reading.sweeps[0]) != []


def test_a_sweep_of_another_method_is_none() -> None:
    assert config(edited(SWEPT, ('"lora"', '"adalora"'))).runs == ()
    assert config(edited(SWEPT, ('  peft_type: "lora"\n', ""))).runs == ()


PARTS = """\
model_configs:
  protein_model_name_or_path: facebook/esm2_t30_150M_UR50D
  drug_model_name_or_path: DeepChem/ChemBERTa-77M-MTR
  protein_fine_tuning_type: lora
  protein_peft_hyperparameters: {r: 8, lora_alpha: 16, target_modules: [key, query, value]}
  drug_fine_tuning_type: lokr
  drug_peft_hyperparameters: {r: 16, alpha: 32, target_modules: [key, query, value]}
"""


def test_each_part_of_a_model_has_its_own_block() -> None:
    run = only(config(PARTS))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (8, "facebook/esm2_t30_150M_UR50D")
    both = config(edited(PARTS, ("type: lokr", "type: lora"))).runs
    assert [plain(run.model.name) for run in both][1] == "DeepChem/ChemBERTa-77M-MTR"


@pytest.mark.parametrize(("written", "level"), [("", "advice"), ("  use_rslora: false\n", "warning")])
def test_what_a_block_leaves_out_is_for_its_program_to_say(tmp_path: Path, written: str, level: str) -> None:
    path = tmp_path / "config.yaml"
    block = f"lora:\n  r: 128\n  lora_alpha: 32\n  target_modules: [q_proj]\n{written}"
    path.write_text(f"{block}learning_rate: 2.0e-5\n")
    findings = engine.lint([path.as_posix()], Settings()).findings
    assert [(each.code, each.level) for each in findings if each.code == "LL102"] == [("LL102", level)]


DATA = """\
model_name: meta-llama/Llama-2-7b-hf
lora:
  r: 64
  lora_alpha: 128
"""


@pytest.mark.parametrize(
    ("data", "size"),
    [
        ("dataset:\n  name: tatsu-lab/alpaca\n", 52_002),
        ("dataset:\n  dataset_id: tatsu-lab/alpaca\n  dataset_split: train[:1%]\n  val_ratio: 0.1\n", 468),
        ("data:\n  dataset_name: tatsu-lab/alpaca\n  max_samples: 500\n", 500),
        ("data:\n  dataset_name: tatsu-lab/alpaca\n  max_samples: null\n  train_size: 0.9\n", 52_002),
        ("training:\n  train_file: rows.jsonl\n", 7),
        ("train_path: rows.jsonl\nmax_train_samples: 5\n", 5),
        ("train_path: none.jsonl\n", Unknown),
        ("name: tatsu-lab/alpaca\n", Unknown),
        ("dataset:\n  name: tatsu-lab/alpaca\ndpo:\n  beta: 0.1\n", Unknown),
        ("data:\n  name: [tatsu-lab/alpaca, other]\n", Unknown),
    ],
)
def test_data(data: str, size: object, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n' * 7)
    assert plain(only(config(DATA + data, folder=tmp_path)).dataset.size) == size


def test_data_that_the_program_may_not_take_is_not_compared_with_the_rank() -> None:
    run = only(config(DATA + "data:\n  dataset_name: tatsu-lab/alpaca\n  max_samples: 500\n"))
    stated = replace(run, dataset=Dataset(size=Known(500, None, "setting")))
    assert check("LL301", run) == []
    assert len(check("LL301", stated)) == 1
