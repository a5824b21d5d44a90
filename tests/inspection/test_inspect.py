"""What `inspect` shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lora_lint.inspection import runs as inspection
from lora_lint.report.inspect import as_json, as_text
from lora_lint.rules.words import size_text
from lora_lint.settings import Settings

LLAMA = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
config = LoraConfig(r=32, lora_alpha=32, use_rslora=True, target_modules=["q_proj", "v_proj"])
model = get_peft_model(model, config)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seen(text: str, path: str = "train.py", **settings: object) -> inspection.Inspection:
    return inspection.inspect_text(text.encode(), path, Settings(**settings))  # type: ignore[arg-type]


def test_everything_of_a_known_model() -> None:
    [run] = seen(LLAMA, dataset_size=500).runs
    assert (run["path"], run["line"], run["dialect"]) == ("train.py", 7, "peft")
    assert run["model"]["name"]["value"] == "meta-llama/Llama-2-7b-hf"
    assert run["model"]["type"] == "llama"
    assert run["adapter"]["rank"] == {"value": 32, "origin": "literal"}
    assert run["scale"]["value"] == pytest.approx(32 / 32**0.5)
    assert run["scale"]["formula"] == "alpha / sqrt(r)"
    assert run["modules"] == [
        {"name": name, "inputs": 4096, "outputs": 4096, "rank": 32, "count": 32} for name in ("q_proj", "v_proj")
    ]
    # 32 layers, two modules each, (4096 + 4096) * 32 parameters; the model's size is what its authors give.
    assert run["parameters"]["trainable"] == 32 * 2 * 8192 * 32
    assert run["parameters"]["model"] == 6_738_415_616
    assert run["bytes"] == {"adapter": 4 * 16_777_216, "training_state": 16 * 16_777_216}
    assert run["dataset"]["size"]["value"] == 500


def test_what_the_count_depends_on_is_named() -> None:
    text = "model_name: meta-llama/Llama-2-7b-hf\nlora:\n  r: 8\n  lora_alpha: 16\n  target_modules: [q_proj]\n"
    [run] = seen(text, "config.yaml").runs
    assert run["parameters"] == {"unknown": "task_type is not known"}
    [run] = seen(text + "  task_type: CAUSAL_LM\n", "config.yaml").runs
    assert run["parameters"]["trainable"] == 32 * 8192 * 8


def test_text() -> None:
    text = as_text(seen(LLAMA, dataset_size=500))
    for part in (
        "train.py:7",
        "meta-llama/Llama-2-7b-hf (llama",
        "5.66 (alpha / sqrt(r))",
        "q_proj 4096→4096 ×32",
        "16,777,216 of 6,738,415,616 (0.249%) parameters",
        "67.1 MB",
        "268 MB",
        "500 training examples",
        "rsLoRA on",
    ):
        assert part in text


def test_what_the_runs_of_one_place_share_is_said_once() -> None:
    loop = LLAMA.replace("config = ", "for rank in (4, 8, 8):\n    config = ").replace("r=32", "r=rank")
    loop = loop.replace('"v_proj"])\nmodel =', '"v_proj"] if rank == 4 else ["q_proj"])\n    model =')
    lines = as_text(seen(loop)).splitlines()
    assert lines[0].startswith("train.py:8") and lines[0].endswith("peft, 3 runs")
    assert sum("meta-llama/Llama-2-7b-hf" in line for line in lines) == 1
    assert [line.split()[-3:] for line in lines if "×32" in line] == [
        ["q_proj", "4096→4096", "×32"], ["v_proj", "4096→4096", "×32"], ["q_proj", "4096→4096", "×32"],
    ]  # fmt: skip
    assert any(line.startswith("  adapter     1: r 4, alpha 32") for line in lines)
    assert any(line.startswith("              2, 3: r 8, alpha 32") for line in lines)


def test_runs_that_differ_in_a_number_show_it_in_a_row() -> None:
    loop = LLAMA.replace("config = ", "for rank in (4, 8, 16):\n    config = ").replace("r=32", "r=rank")
    text = as_text(seen(loop.replace("\nmodel = get", "\n    model = get")))
    assert "adapter     r 4 · 8 · 16, alpha 32" in text
    assert "scale       16 · 11.3 · 8 (alpha / sqrt(r))" in text


def test_one_training_that_two_places_make_is_shown_once() -> None:
    twice = LLAMA + "again = get_peft_model(model.unload(), config)\n"
    text = as_text(seen(twice))
    assert text.startswith("train.py:7, 8  peft\n") and text.count("  model ") == 1, text


def test_lines_fit_the_width() -> None:
    text = as_text(seen(LLAMA, dataset_size=500), 50)
    assert max(map(len, text.splitlines())) <= 50
    assert " ".join(text.split()) == " ".join(as_text(seen(LLAMA, dataset_size=500)).split())


def test_plain_scale() -> None:
    [run] = seen(LLAMA.replace("use_rslora=True, ", "")).runs
    assert run["scale"] == {"value": 1.0, "formula": "alpha / r"}


def test_what_cannot_be_known_is_said() -> None:
    text = """\
import sys
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
model = get_peft_model(model, LoraConfig(r=int(sys.argv[2]), lora_alpha=16, target_modules=["q_proj"]))
"""
    shown = seen(text)
    [run] = shown.runs
    assert "unknown" in run["adapter"]["rank"]
    assert "unknown" in run["scale"]
    assert "unknown" in run["parameters"]
    assert run["bytes"] is None
    assert "  not known   model, r: the command line may give it\n" in as_text(shown)


def test_unmatched_targets_are_listed() -> None:
    [run] = seen(LLAMA.replace('"v_proj"', '"value"')).runs
    assert run["unmatched"] == ["value"]
    assert [module["name"] for module in run["modules"]] == ["q_proj"]


def test_no_sizes_of_a_model_whose_config_is_not_known() -> None:
    """The defaults of its class are another model's."""
    shown = seen(LLAMA.replace("meta-llama/Llama-2-7b-hf", "01-ai/Yi-Coder-1.5B"))
    names = [(module["name"], module["inputs"], module["count"]) for module in shown.runs[0]["modules"]]
    assert names == [("q_proj", None, None), ("v_proj", None, None)]
    assert "modules     q_proj, v_proj (their sizes are not known)" in as_text(shown)


def test_no_run() -> None:
    assert as_text(seen("print()")) == "No LoRA run found in 1 file\n"


def test_json_is_a_document_with_a_version() -> None:
    document = json.loads(as_json(seen(LLAMA)))
    assert document["version"] == 1
    assert document["tool"]["name"] == "lora-lint"
    assert len(document["runs"]) == 1


def test_folders_notes_and_failures() -> None:
    Path("a.py").write_text(LLAMA)
    Path("b.py").write_text("from peft import LoraConfig, (\n")
    shown = inspection.inspect([".", "gone"], Settings())
    assert len(shown.runs) == 1
    assert shown.failed
    assert any("gone" in note for note in shown.notes)
    assert any("b.py" in note for note in shown.notes)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (67_108_864, "67.1 MB"), (999_600_000, "1 GB")]
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text


def test_summary_counts_files_runs_and_what_is_known(here: Path) -> None:
    (here / "train.py").write_text(LLAMA)
    (here / "other.py").write_text(
        LLAMA.replace("LoraConfig", "IA3Config").replace("r=32, lora_alpha=32, use_rslora=True, ", "")
    )
    (here / "lora.yaml").write_text(
        "base_model: my/own-model\nadapter: lora\nlora_r: 8\nlora_alpha: ${ALPHA}\nlora_target_linear: true\nsequence_len: 8\n"
    )
    (here / "full.yaml").write_text("base_model: my/own-model\nadapter:\nlora_r: 8\nsequence_len: 8\n")
    rows = json.loads(as_json(inspection.inspect(["."], Settings())))["summary"]
    peft, axolotl, every = rows
    assert (peft["dialect"], peft["files"], peft["runs"], peft["other_methods"]) == ("peft", 2, 1, 1)
    assert peft["share"] == {"rank": 1, "alpha": 1, "targets": 1, "model": 1, "architecture": 1, "dataset_size": 0}
    assert (axolotl["dialect"], axolotl["files"], axolotl["runs"]) == ("axolotl", 2, 1)
    assert axolotl["known"] == {"rank": 1, "alpha": 0, "targets": 1, "model": 1, "architecture": 0, "dataset_size": 0}
    assert (every["dialect"], every["files"], every["runs"]) == ("all", 4, 2)
    assert every["share"]["alpha"] == 0.5


@pytest.mark.process
def test_the_table_of_several_trees(here: Path) -> None:
    for name in ("one", "two"):
        (here / name).mkdir()
        (here / name / "train.py").write_text(LLAMA)
    script = Path(inspection.__file__).parents[2] / "scripts" / "known_share.py"
    command = [sys.executable, str(script), "--reasons", "1", "one", "two"]
    environment = {**os.environ, "PYTHONPATH": str(script.parents[1])}
    text = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert text.splitlines()[1].split()[:4] == ["peft", "2", "2", "0"]
    assert "2  it is not given  (one/train.py:7)" in text


HELPER = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def create_and_prepare_model(args):
    model = AutoModelForCausalLM.from_pretrained(args.model_name)
    config = LoraConfig(r=args.lora_r, lora_alpha=args.lora_alpha, target_modules=["q_proj"])
    return get_peft_model(model, config)


def create_critic(args):
    model = AutoModelForCausalLM.from_pretrained(args.critic_name)
    return get_peft_model(model, LoraConfig(r=args.critic_r, target_modules=["v_proj"]))
"""
CALLER = """\
from dataclasses import dataclass, field
from transformers import HfArgumentParser, Trainer, TrainingArguments
from helper import create_and_prepare_model

@dataclass
class ModelArguments:
    model_name: str = field(default="gpt2")
    lora_r: int = field({default})
    lora_alpha: int = field(default=16)

def main(model_args, training_args):
    model = create_and_prepare_model(model_args)
    Trainer(model=model, args=training_args, train_dataset=[]).train()

if __name__ == "__main__":
    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model_args, training_args = parser.parse_args_into_dataclasses()
    main(model_args, training_args)
"""


def places(*paths: str) -> list[tuple[str, object]]:
    runs = inspection.inspect(paths or ["."], Settings()).runs
    return [(f"{run['path']}:{run['line']}", run["adapter"]["rank"].get("value")) for run in runs]


def test_a_function_that_programs_call_is_no_run_of_its_own(here: Path) -> None:
    (here / "helper.py").write_text(HELPER)
    assert places() == [("helper.py:8", None), ("helper.py:13", None)]
    (here / "train.py").write_text(CALLER.format(default="default=64"))
    (here / "run.sh").write_text("python train.py --model_name gpt2-xl --lora_r 8 --output_dir out\n")
    assert places() == [("helper.py:13", None), ("run.sh:1", 8), ("train.py:12", 8)], "the critic is another run"
    assert places("helper.py") == [("helper.py:8", None), ("helper.py:13", None)], "the program is not shown"


def test_a_function_that_no_shown_program_gives_a_rank(here: Path) -> None:
    (here / "helper.py").write_text(HELPER)
    (here / "train.py").write_text(CALLER.format(default='metadata={"help": "The rank."}'))
    assert ("helper.py:8", None) in places()
    (here / "train.py").write_text(
        CALLER.format(default="default=64").replace("from helper import", "from other import")
    )
    assert ("helper.py:8", None) in places()


def test_a_program_that_is_called_too_stays_a_run(here: Path) -> None:
    """Its rank is in a file that is not there; another program gives one."""
    (here / "helper.py").write_text(
        HELPER + '\nif __name__ == "__main__":\n    import yaml\n'
        '    create_and_prepare_model(Namespace(**yaml.safe_load(open("none.yaml"))))\n'
    )
    (here / "train.py").write_text(CALLER.format(default="default=64"))
    assert places()[0] == ("helper.py:8", None)


def counted(extra: str, model: str = "meta-llama/Llama-3.2-1B", targets: str = '["q_proj"]') -> int | None:
    """The trainable parameters of a program with these settings beside rank and targets."""
    text = f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("{model}")
get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules={targets}, {extra}))
"""
    (run,) = seen(text).runs
    trainable: int | None = run["parameters"].get("trainable")
    return trainable


def test_rows_of_new_tokens_are_counted() -> None:
    """Llama-3.2-1B ties its head to the embedding, of 2,048 numbers a row: the rows are trained once."""
    plain = counted("")
    assert plain == 16 * 8 * (2048 + 2048)
    assert counted("trainable_token_indices=[128002, 128003, 128004]") == plain + 3 * 2048
    both = 'trainable_token_indices={"embed_tokens": [128002], "lm_head": [128002]}'
    assert counted(both) == plain + 2048
    assert counted("trainable_token_indices=tokenizer.new_ids") is None


def test_a_field_that_is_not_known_leaves_the_others_exact(here: Path) -> None:
    """Attention is decided by fields that are given; the MLPs by one that is not."""
    (here / "base").mkdir()
    fields = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "head_dim": 16}  # fmt: skip
    (here / "base/config.json").write_text(json.dumps(fields), encoding="utf-8")
    assert counted("", "./base") == 2 * 8 * (64 + 64)
    assert counted("", "./base", '["q_proj", "up_proj"]') is None
    assert counted('modules_to_save=["lm_head"]', "./base") is None


def test_a_rank_of_queries_that_is_null(here: Path) -> None:
    """DeepSeek-V2-Lite and Moonlight have `q_lora_rank: null`: q_proj gives 16 heads of 128 + 64."""
    (here / "base").mkdir()
    fields = {"model_type": "deepseek_v2", "hidden_size": 2048, "intermediate_size": 10944, "num_hidden_layers": 27,
              "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 102400, "q_lora_rank": None,
              "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2, "kv_lora_rank": 512,
              "first_k_dense_replace": 1, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
              "max_position_embeddings": 163840}  # fmt: skip
    for kind in ("deepseek_v2", "deepseek_v3"):
        (here / "base/config.json").write_text(json.dumps({**fields, "model_type": kind}), encoding="utf-8")
        assert counted("", "./base") == 27 * 8 * (2048 + 3072)


@pytest.mark.parametrize("width, rounded", [(6656, 4608), (10752, 7168), (12288, 8192)])
def test_the_rounded_width_of_lfm2(here: Path, width: int, rounded: int) -> None:
    """LFM2 takes two thirds of the width, up to the next multiple of 256."""
    (here / "base").mkdir()
    layers = ["conv", "conv", "full_attention"]
    fields = {"model_type": "lfm2", "hidden_size": 1024, "intermediate_size": width, "num_hidden_layers": 3,
              "num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 65536, "layer_types": layers,
              "conv_L_cache": 3, "block_multiple_of": 256, "block_ffn_dim_multiplier": 1.0,
              "block_auto_adjust_ff_dim": True, "full_attn_idxs": [2]}  # fmt: skip
    (here / "base/config.json").write_text(json.dumps(fields), encoding="utf-8")
    assert counted("", "./base", '["w1"]') == 3 * 8 * (1024 + rounded)
    assert counted("", "./base", '["in_proj"]') == 2 * 8 * (1024 + 3 * 1024)


CLASSIFIER = """\
import sys
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification
model = AutoModelForSequenceClassification.from_pretrained("meta-llama/Llama-3.2-1B"{0})
get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="SEQ_CLS"))
"""


@pytest.mark.parametrize(
    "given, labels", [("", 2), (", num_labels=5", 5), (", num_labels=int(sys.argv[1])", None), (", **kwargs", None)]
)
def test_a_classifier_counts_its_labels(given: str, labels: int | None) -> None:
    """Its last layer is trained whole: as many rows as there are labels."""
    (run,) = seen(CLASSIFIER.format(given)).runs
    expected = None if labels is None else 16 * 8 * (2048 + 2048) + labels * 2048
    assert run["parameters"].get("trainable") == expected
