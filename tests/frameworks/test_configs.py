"""YAML and JSON files of each framework: what is read, from where, and what is none of ours."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.frameworks import configs
from lora_lint.frameworks.configs import LARGE
from lora_lint.knowledge.sizes import without_held_out
from lora_lint.run.events import Load, LoadAdapter, Train, Wrap
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import Choices, Known, Unknown
from tests.support.reading import config, edited, only, plain, written

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Run
    from lora_lint.source import SourceFile

AXOLOTL = """\
    base_model: NousResearch/Meta-Llama-3-8B
    model_type: AutoModelForCausalLM
    load_in_4bit: true
    datasets:
      - path: tatsu-lab/alpaca
        type: alpaca
    val_set_size: 0.05
    adapter: qlora
    lora_model_dir:
    lora_r: 32
    lora_alpha: 16
    lora_dropout: 0.05
    lora_target_modules:
      - q_proj
      - v_proj
    sequence_len: 4096
    micro_batch_size: 2
    gradient_accumulation_steps: 4
    num_epochs: 4
    optimizer: paged_adamw_32bit
    learning_rate: 2e-4
    """
FACTORY = """\
    model_name_or_path: meta-llama/Meta-Llama-3-8B-Instruct
    quantization_bit: 4
    stage: sft
    do_train: true
    finetuning_type: lora
    lora_target: all
    dataset: identity,alpaca_en_demo
    max_samples: 1000
    per_device_train_batch_size: 1
    learning_rate: 1.0e-4
    num_train_epochs: 3.0
    """
TUNE_QWEN3 = "model:\n  _component_: torchtune.models.qwen3.lora_qwen3_32b\n"
TUNE = """\
    model:
      _component_: torchtune.models.llama3_1.qlora_llama3_1_8b
      lora_attn_modules: ['q_proj', 'v_proj', 'output_proj']
      apply_lora_to_mlp: True
      apply_lora_to_output: False
      lora_rank: 8
      lora_alpha: 16
    checkpointer:
      _component_: torchtune.training.FullModelHFCheckpointer
    dataset:
      _component_: torchtune.datasets.alpaca_cleaned_dataset
      packed: False
    optimizer:
      _component_: torch.optim.AdamW
      lr: 3e-4
    epochs: 1
    batch_size: 2
    """
TRL = """\
    model_name_or_path: mistralai/Mistral-7B-v0.1
    use_peft: true
    load_in_4bit: true
    lora_r: 16
    lora_target_modules:
    - q_proj
    - k_proj
    learning_rate: 2.0e-4
    max_length: 2048
    dataset_name: tatsu-lab/alpaca
    """
ADAPTER = """\
    {
      "peft_type": "LORA",
      "base_model_name_or_path": "meta-llama/Llama-2-7b-hf",
      "r": 64,
      "lora_alpha": 16,
      "bias": "none",
      "inference_mode": true,
      "target_modules": ["q_proj", "v_proj"],
      "task_type": "CAUSAL_LM"
    }
    """
SWEEP = """\
    program: train.py
    method: grid
    parameters:
      lora_r:
        values: [8, 16, 32]
      lora_alpha:
        value: 16
      learning_rate:
        values: [1e-4, 2e-4]
    """


def settings(run: Run) -> dict[str, Any]:
    adapter = run.adapter
    return {
        "rank": plain(adapter.rank),
        "alpha": plain(adapter.alpha),
        "dropout": plain(adapter.dropout),
        "targets": plain(adapter.target_modules),
        "model": plain(run.model.name),
        "quantization": plain(run.model.quantization),
        "rate": plain(run.training.learning_rate),
        "epochs": plain(run.training.epochs),
    }


class TestWhatIsRead:
    def test_axolotl(self) -> None:
        run = only(config(AXOLOTL))
        assert run.dialect == "axolotl"
        assert settings(run) == {
            "rank": 32,
            "alpha": 16,
            "dropout": 0.05,
            "targets": ("q_proj", "v_proj"),
            "model": "NousResearch/Meta-Llama-3-8B",
            "quantization": "4bit",
            "rate": 2e-4,
            "epochs": 4,
        }
        assert plain(run.dataset.size) == 49402  # 52,002 examples, 5% held out
        assert run.training.method == "supervised"
        assert [type(event) for event in run.events] == [Load, Wrap, Train]
        assert run.problems == ()

    def test_rows_that_are_there_twice(self) -> None:
        twice = edited(AXOLOTL, ("datasets:\n", "datasets:\n      - path: tatsu-lab/alpaca\n        type: alpaca\n"))
        once = f"{textwrap.dedent(twice)}\ndataset_exact_deduplication: true\n"
        assert plain(only(config(twice)).dataset.size) == 98804
        assert plain(only(config(once)).dataset.size) == 49402

    def test_llamafactory(self) -> None:
        run = only(config(FACTORY))
        assert run.dialect == "llamafactory"
        assert settings(run) == {
            "rank": 8,
            "alpha": 16,
            "dropout": 0.0,
            "targets": "all-linear",
            "model": "meta-llama/Meta-Llama-3-8B-Instruct",
            "quantization": "4bit",
            "rate": 1e-4,
            "epochs": 3.0,
        }
        assert plain(run.dataset.size) == 2000
        assert run.adapter.rank == Known(8, None, "framework-default")

    def test_torchtune(self) -> None:
        run = only(config(TUNE))
        assert run.dialect == "torchtune"
        assert settings(run) == {
            "rank": 8,
            "alpha": 16,
            "dropout": 0.0,
            "targets": ("q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
            "model": "meta-llama/Llama-3.1-8B",
            "quantization": "4bit",
            "rate": 3e-4,
            "epochs": 1,
        }
        assert plain(run.dataset.name) == "yahma/alpaca-cleaned"
        assert plain(run.training.optimizer) == "adamw"

    def test_trl(self) -> None:
        run = only(config(TRL))
        assert run.dialect == "trl"
        assert settings(run) == {
            "rank": 16,
            "alpha": 32,
            "dropout": 0.05,
            "targets": ("q_proj", "k_proj"),
            "model": "mistralai/Mistral-7B-v0.1",
            "quantization": "4bit",
            "rate": 2e-4,
            "epochs": 3.0,
        }
        assert plain(run.dataset.size) == 52_002

    def test_adapter_config(self) -> None:
        run = only(config(ADAPTER, "adapter_config.json"))
        assert run.dialect == "peft_adapter"
        assert settings(run)["rank"] == 64
        assert settings(run)["targets"] == ("q_proj", "v_proj")
        assert run.model.loader == "AutoModelForCausalLM"
        assert run.trained is False, "it is finished"
        before = edited(ADAPTER, ('      "inference_mode": true,\n', ""))
        assert only(config(before, "adapter_config.json")).trained is None

    def test_llama_pro_chooses_what_it_adapts(self) -> None:
        pro = edited(FACTORY, ("lora_target: all", "lora_target: all\n    use_llama_pro: true"))
        assert isinstance(only(config(pro)).adapter.target_modules, Unknown)

    @pytest.mark.parametrize(
        ("task", "loader"),
        [
            ("SEQ_CLS", "AutoModelForSequenceClassification"),
            ("SEQ_2_SEQ_LM", "AutoModelForSeq2SeqLM"),
            ("TOKEN_CLS", "AutoModelForTokenClassification"),
            ("QUESTION_ANS", "AutoModelForQuestionAnswering"),
            ("FEATURE_EXTRACTION", "AutoModel"),
        ],
    )
    def test_the_task_of_an_adapter_says_what_loads_its_model(self, task: str, loader: str) -> None:
        run = only(config(edited(ADAPTER, ("CAUSAL_LM", task)), "adapter_config.json"))
        assert run.model.loader == loader

    def test_wandb(self) -> None:
        reading = config(SWEEP)
        (sweep,) = reading.sweeps
        assert [plain(run.adapter.rank) for run in sweep.runs] == [8, 16, 32]
        assert {plain(run.adapter.alpha) for run in sweep.runs} == {16}
        assert sweep.kind.phrase == "W&B sweep"


class TestPositions:
    @pytest.mark.parametrize(
        ("text", "name", "rank", "targets"),
        [
            (AXOLOTL, "config.yaml", "32", ["q_proj", "v_proj"]),
            (
                edited(FACTORY, ("lora_target: all", "lora_rank: 4\n    lora_target: q_proj, v_proj")),
                "a.yaml",
                "4",
                ["q_proj", "v_proj"],
            ),
            (TRL, "config.yml", "16", ["q_proj", "k_proj"]),
            (ADAPTER, "adapter_config.json", "64", ['"q_proj"', '"v_proj"']),
        ],
    )
    def test_of_values_and_entries(self, text: str, name: str, rank: str, targets: list[str]) -> None:
        run = only(config(text, name))
        assert written(text, run.adapter.rank) == rank
        data = textwrap.dedent(text).encode()
        assert [data[span.start : span.end].decode() for _, span in run.adapter.target_spans] == targets

    def test_a_default_has_no_place(self) -> None:
        assert isinstance(only(config(FACTORY)).adapter.alpha, Known)
        assert only(config(FACTORY)).adapter.alpha.span is None  # type: ignore[union-attr]


class TestNoLoraRun:
    @pytest.mark.parametrize(
        "text",
        [
            edited(AXOLOTL, ("adapter: qlora", "adapter:")),
            edited(AXOLOTL, ("adapter: qlora", "adapter: llama-adapter")),
            edited(AXOLOTL, ("adapter: qlora", "adapter: ${ADAPTER}")),
            edited(FACTORY, ("finetuning_type: lora", "finetuning_type: full")),
            edited(FACTORY, ("do_train: true", "do_train: false")),
            "model_name_or_path: m\nadapter_name_or_path: saves/lora\nfinetuning_type: lora\nexport_dir: out\n",
            "model_name_or_path: m\nadapter_name_or_path: saves/lora\nfinetuning_type: lora\ninfer_backend: vllm\n",
            edited(TRL, ("use_peft: true", "use_peft: false")),
            edited(TUNE, ("qlora_llama3_1_8b", "llama3_1_8b")),
            edited(TUNE, ("optimizer:", "quantizer:")),
            "model_type: llm\nbase_model: meta-llama/Llama-2-7b-hf\nadapter:\n  type: lora\n  r: 8\n",  # ludwig
            "method: grid\nparameters:\n  learning_rate:\n    values: [1e-4, 2e-4]\n",
            "name: ci\non: push\njobs: {}\n",
            "",
            "- 1\n- 2\n",
        ],
    )
    def test_yaml(self, text: str) -> None:
        assert config(text).runs == ()

    @pytest.mark.parametrize(
        "text",
        [
            '{"method": "BPE", "parameters": {"lora_r": {"values": [1, 2]}}}',
            '{"model_type": "llama", "hidden_size": 64}',
            "[]",
            "3",
        ],
    )
    def test_json(self, text: str) -> None:
        assert config(text, "some.json").runs == ()


class TestTraps:
    def test_placeholders_are_unknown(self) -> None:
        run = only(
            config(edited(AXOLOTL, ("lora_r: 32", "lora_r: ${RANK}"), ("lora_alpha: 16", 'lora_alpha: "{{ alpha }}"')))
        )
        assert plain(run.adapter.rank) is Unknown
        assert plain(run.adapter.alpha) is Unknown
        assert run.problems == ()

    def test_anchors_and_merges(self) -> None:
        text = """\
            base: &base
              lora_r: 8
              lora_alpha: 32
            <<: *base
            base_model: m/m
            adapter: lora
            datasets: []
            lora_alpha: 16
            """
        run = only(config(text))
        assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 16)

    def test_all_linear_with_names_beside(self) -> None:
        both = edited(AXOLOTL, ("lora_dropout: 0.05", "lora_target_linear: true"))
        assert plain(only(config(both)).adapter.target_modules) == "all-linear"
        head = edited(both, ("- v_proj", "- lm_head"))
        assert plain(only(config(head)).adapter.target_modules) is Unknown

    def test_a_resumed_adapter_has_its_own_settings(self) -> None:
        for text in (
            edited(AXOLOTL, ("lora_model_dir:", "lora_model_dir: out/adapter")),
            edited(FACTORY, ("lora_target: all", "adapter_name_or_path: out/adapter")),
        ):
            run = only(config(text))
            assert plain(run.adapter.rank) is Unknown
            assert [type(event) for event in run.events] == [Load, LoadAdapter, Train]
            assert plain(run.events[1].trainable) is True

    def test_one_element_is_a_regex_in_trl(self) -> None:
        assert plain(only(config(edited(TRL, ("    - k_proj\n", "")))).adapter.target_modules) == "q_proj"

    @pytest.mark.parametrize(
        ("keys", "method"),
        [
            (("max_length",), "unknown"),
            (("packing",), "supervised"),
            (("beta", "packing"), "preference"),
            (("num_generations", "beta", "packing"), "rl"),
        ],
    )
    def test_the_method_of_trl_is_that_of_its_most_special_setting(self, keys: tuple[str, ...], method: str) -> None:
        more = "".join(f"    {key}: 1\n" for key in keys)
        text = edited(TRL, ("    max_length: 2048\n", more))
        assert only(config(text)).training.method == method

    def test_alpha_of_llamafactory_is_twice_the_rank(self) -> None:
        text = edited(FACTORY, ("lora_target: all", "lora_rank: 64"))
        assert plain(only(config(text)).adapter.alpha) == 128

    @pytest.mark.parametrize(
        ("builder", "model"),
        [
            ("phi3.lora_phi3_mini", "microsoft/Phi-3-mini-4k-instruct"),
            ("phi4.qlora_phi4_14b", "microsoft/phi-4"),
            ("llama3_2_vision.lora_llama3_2_vision_11b", "meta-llama/Llama-3.2-11B-Vision-Instruct"),
            ("llama4.lora_llama4_scout_17b_16e", "meta-llama/Llama-4-Scout-17B-16E-Instruct"),
            ("mine.lora_mine", Unknown),
        ],
    )
    def test_modules_that_are_torchtunes_own(self, builder: str, model: Any) -> None:
        run = only(config(edited(TUNE, ("llama3_1.qlora_llama3_1_8b", builder))))
        assert plain(run.adapter.target_modules) == ("q_proj", "v_proj", "output_proj", "w1", "w2", "w3")
        assert plain(run.judged().adapter.target_modules) is Unknown
        assert plain(run.model.name) == model

    @pytest.mark.parametrize("size", ["4b", "8b", "14b"])
    def test_models_that_torchtune_builds_in_several_sizes(self, size: str) -> None:
        for builder, model in (("base", f"Qwen/Qwen3-{size.upper()}-Base"), ("instruct", f"Qwen/Qwen3-{size.upper()}")):
            text = edited(TUNE, ("llama3_1.qlora_llama3_1_8b", f"qwen3.lora_qwen3_{size}_{builder}"))
            assert plain(only(config(text)).model.name) == model

    def test_a_builder_that_torchtune_does_not_have(self) -> None:
        run = only(config(edited(TUNE, ("llama3_1.qlora_llama3_1_8b", "qwen2_5.lora_qwen2_5_7b"))))
        (problem,) = run.problems
        assert isinstance(problem, InvalidValue)
        assert (problem.key, problem.value) == ("_component_", "lora_qwen2_5_7b")
        assert "lora_qwen2_5_7b_base" in problem.expected
        newer = only(config(edited(TUNE, ("llama3_1.qlora_llama3_1_8b", "qwen3.lora_qwen3_8b_base"))))
        assert newer.problems == ()

    def test_references_within_torchtune(self) -> None:
        text = "rank: 16\n" + textwrap.dedent(edited(TUNE, ("lora_rank: 8", "lora_rank: ${rank}")))
        assert plain(only(config(text)).adapter.rank) == 16

    def test_alpha_swept_too(self) -> None:
        (sweep,) = config(edited(SWEEP, ("value: 16", "values: [16, 32]"))).sweeps
        assert len({plain(run.adapter.alpha) for run in sweep.runs}) == 2
        (sweep,) = config(edited(SWEEP, ("  lora_alpha:\n        value: 16\n    ", ""))).sweeps
        assert {plain(run.adapter.alpha) for run in sweep.runs} == {Unknown}

    def test_a_range_is_its_ends(self) -> None:
        (sweep,) = config(edited(SWEEP, ("values: [8, 16, 32]", "min: 8\n        max: 64"))).sweeps
        assert [plain(run.adapter.rank) for run in sweep.runs] == [8, 64]
        exponents = "distribution: q_log_uniform\n        min: 1\n        max: 4"
        assert config(edited(SWEEP, ("values: [8, 16, 32]", exponents))).runs == ()

    def test_nested_parameters(self) -> None:
        nested = """\
            method: random
            parameters:
              lora:
                parameters:
                  r: {values: [8, 64]}
                  alpha: {value: 16}
            """
        (sweep,) = config(nested).sweeps
        assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == [(8, 16), (64, 16)]
        assert sweep.runs[0].adapter.key("rank") == "lora.r"
        assert config(edited(nested, ("lora:", "factors:"))).runs == ()  # the rank of something else

    def test_the_program_of_a_sweep_may_tie_alpha_to_the_rank(self, tmp_path: Path) -> None:
        program = tmp_path / "train.py"
        for text, alpha in (("lora_alpha=config.lora_alpha", 16), ("lora_alpha=c.lora_alpha * c.lora_r", Unknown)):
            program.write_text(f"LoraConfig(r=config.lora_r, {text})\n")
            (sweep,) = config(SWEEP, folder=tmp_path).sweeps
            assert {plain(run.adapter.alpha) for run in sweep.runs} == {alpha}

    def test_local_data_is_counted(self, tmp_path: Path) -> None:
        (tmp_path / "rows.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n{"a": 3}\n')
        (tmp_path / "rows.csv").write_text('text,label\n"a\nb",1\nc,2\n')
        (tmp_path / "rows.json").write_text('[{"a": 1}, {"a": 2}]')
        for name, rows in (("rows.jsonl", 3), ("rows.csv", 2), ("rows.json", 2), ("none.jsonl", Unknown)):
            text = edited(AXOLOTL, ("tatsu-lab/alpaca", name), ("val_set_size: 0.05", "val_set_size: 0"))
            assert plain(only(config(text, folder=tmp_path)).dataset.size) == rows

    def test_two_branches_are_no_choices(self) -> None:
        assert not isinstance(only(config(AXOLOTL)).adapter.rank, Choices)


class TestProblems:
    @pytest.mark.parametrize(
        ("text", "name", "key", "suggestion"),
        [
            (edited(AXOLOTL, ("lora_alpha", "lora_aplha")), "a.yaml", "lora_aplha", "lora_alpha"),
            (edited(AXOLOTL, ("lora_r:", "lora_rank:")), "a.yaml", "lora_rank", "lora_r"),
            (edited(AXOLOTL, ("lora_dropout: 0.05", "use_rslora: true")), "a.yaml", "use_rslora", "peft_use_rslora"),
            (edited(FACTORY, ("lora_target", "lora_targets")), "a.yaml", "lora_targets", "lora_target"),
            (
                edited(TUNE, ("lora_attn_modules", "lora_attn_module")),
                "a.yaml",
                "lora_attn_module",
                "lora_attn_modules",
            ),
            (
                edited(TRL, ("lora_target_modules", "lora_target_module")),
                "a.yaml",
                "lora_target_module",
                "lora_target_modules",
            ),
        ],
    )
    def test_misspelt_keys(self, text: str, name: str, key: str, suggestion: str) -> None:
        (problem,) = only(config(text, name)).problems
        assert problem.key == key
        assert problem.suggestions[0] == suggestion  # type: ignore[union-attr]
        assert written(text, problem) == key

    @pytest.mark.parametrize(
        ("text", "name", "key"),
        [
            (edited(AXOLOTL, ("lora_r: 32", "lora_r: eight")), "a.yaml", "lora_r"),
            (edited(AXOLOTL, ("lora_dropout: 0.05", "lora_dropout: [1]")), "a.yaml", "lora_dropout"),
            (edited(FACTORY, ("lora_target: all", "lora_rank: 0")), "a.yaml", "lora_rank"),
            (edited(TUNE, ("lora_rank: 8", "lora_rank: 8.5")), "a.yaml", "lora_rank"),
            (edited(TUNE, ("'v_proj'", "'o_proj'")), "a.yaml", "lora_attn_modules"),
            (f"{TUNE_QWEN3}  lora_attn_modules: [q_proj, o_proj]\n", "a.yaml", "lora_attn_modules"),
            (edited(ADAPTER, ('"none"', '"some"')), "a.json", "bias"),
        ],
    )
    def test_wrong_values(self, text: str, name: str, key: str) -> None:
        (problem,) = only(config(text, name)).problems
        assert problem.key == key

    def test_keys_of_the_users_own(self) -> None:
        own = edited(AXOLOTL, ("sequence_len", "x-note: 1\n    _base: 2\n    my_team_setting: 3\n    sequence_len"))
        assert only(config(own)).problems == ()


def test_what_axolotl_drops_before_it_is_read() -> None:
    base = (
        "base_model: google/gemma-3-4b-it\nadapter: lora\nsequence_len: 512\nlora_r: 8\nlora_target_modules: [q_proj]\n"
    )
    run = only(config(f"{base}lora_exclude_modules: '.*vision_tower.*'\n"))
    assert [problem.key for problem in run.problems] == ["lora_exclude_modules"]
    assert plain(run.adapter.exclude_modules) is None
    assert only(config(base)).problems == ()


def test_the_longer_name_of_a_key_comes_first() -> None:
    (problem,) = only(
        config("base_model: gpt2\nadapter: lora\nsequence_len: 512\nlora_r: 8\nuse_fast: true\n")
    ).problems
    assert isinstance(problem, UnknownKey)
    assert problem.suggestions == ("tokenizer_use_fast",)  # not `use_dft`


def test_the_closest_key_alone_is_named() -> None:
    text = "base_model: gpt2\nadapter: lora\nsequence_len: 512\nlora_r: 8\ncontext_parapllel_size: 2\n"
    (problem,) = only(config(text)).problems
    assert problem.suggestions == ("context_parallel_size",)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("lora_rnk: 8", [("lora_rnk", ("lora_rank",))]),
        ("lora_rank: 8\n    lora_rnk: 8", [("lora_rnk", ())]),
        ("lr: 1.0e-5", [("lr", ())]),
        ("image_max_pixel: 1\n    image_max_pixels: 1\n    images_max: 1", [("image_max_pixel", ())]),
    ],
)
def test_a_misspelt_key_beside_the_right_one_stops_llamafactory(lines: str, told: list[tuple[str, Any]]) -> None:
    """HfArgumentParser raises for every key that it does not know; what is less alike may be of another version."""
    problems = only(config(edited(FACTORY, ("lora_target: all", f"lora_target: all\n    {lines}")))).problems
    assert [(problem.key, problem.suggestions) for problem in problems if isinstance(problem, UnknownKey)] == told


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        (edited(FACTORY, ("lora_target: all", "lora_rank: 16.0")), "a.yaml", "lora_rank"),
        (edited(TUNE, ("lora_rank: 8", "lora_rank: 16.0")), "a.yaml", "lora_rank"),
        (edited(TRL, ("lora_r: 16", "lora_r: 16.0")), "a.yaml", "lora_r"),
        (edited(ADAPTER, ('"r": 64', '"r": 16.0')), "adapter_config.json", "r"),
        ("model_name: gpt2\nlora:\n  r: 16.0\n  lora_alpha: 32\n  target_modules: [c_attn]\n", "a.yaml", "r"),
        (edited(AXOLOTL, ("lora_r: 32", "lora_r: 16.0")), "a.yaml", None),
    ],
)
def test_a_rank_with_a_point(text: str, name: str, key: str | None) -> None:
    """torch makes no layer of 16.0 values; axolotl's settings are converted (pydantic)."""
    run = only(config(text, name))
    assert plain(run.adapter.rank) == 16
    assert [problem.key for problem in run.problems if isinstance(problem, InvalidValue)] == ([key] if key else [])


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        ("val_set_size: 0", "tatsu-lab/alpaca"),
        ("val_set_size: 0.05", "tatsu-lab/alpaca less what is held out"),
        ("val_set_size: 0\n    x: 1", "train[:1%] of tatsu-lab/alpaca"),
    ],
)
def test_what_axolotl_counts_of_a_dataset(lines: str, how: str) -> None:
    text = edited(AXOLOTL, ("val_set_size: 0.05", lines))
    if "train[" in how:
        text = edited(text, ("        type: alpaca", "        type: alpaca\n        split: train[:1%]"))
    assert only(config(text)).dataset.how == how


@pytest.mark.parametrize(
    ("share", "left"), [(0.1, 90), (30, 70), (0, 100), (200, 0), (float("nan"), 100), (float("inf"), 100)]
)
def test_rows_that_are_left_to_train_on(share: float, left: int) -> None:
    assert without_held_out(100, share) == left


@pytest.mark.parametrize(("size", "parsed"), [(10, True), (LARGE, False)])
def test_words_in_large_prose_are_no_marks(size: int, parsed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    documents = configs.documents

    def noted(source: SourceFile) -> list[Mapping]:
        asked.append(source.path)
        return documents(source)

    monkeypatch.setattr(configs, "documents", noted)
    prose = "The training of Lorado's team, and the parameters of the method. " + "All of it. " * (size // 10)
    assert config(json.dumps([{"text": prose}]).replace("Lorado", "lora"), "rows.json").runs == ()
    assert bool(asked) is parsed


def test_a_large_file_is_read_for_its_keys() -> None:
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "base_model_name_or_path": "gpt2", "note": "-" * LARGE}
    text = json.dumps(settings)
    assert plain(only(config(text, "adapter_config.json")).adapter.rank) == 8
