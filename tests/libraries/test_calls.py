"""Each call of each library that is understood, by what is made of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.libraries.marks import is_library, makes_config, names_adapter, uses_adapter
from lora_lint.libraries.table import CALLS, FUNCTIONS, part_of_library
from lora_lint.libraries.trainers import is_arguments, method_of
from lora_lint.run.events import (
    AddBeside,
    Cast,
    DeleteAdapter,
    DisableAdapters,
    EnableAdapters,
    EnableCheckpointing,
    EnableInputGrads,
    Freeze,
    Halve,
    Load,
    LoadAdapter,
    LoadBeside,
    MakeOptimizer,
    PrepareKbit,
    Resize,
    Save,
    SetAdapter,
    SetRequiresGrad,
    Train,
    Unfreeze,
    Unwrap,
    Wrap,
)
from lora_lint.run.values import Known, Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.events import Event
    from lora_lint.run.run import Run

PROGRAM = """\
{imports}
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("gpt2")
{before}
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16))
{after}
"""


def program(before: str = "", after: str = "", imports: str = "", folder: Path | None = None) -> Run:
    """The run of a program that puts an adapter on a model, with statements before and after that."""
    return only(read_python(PROGRAM.format(before=before, after=after, imports=imports), folder))


def kinds(run: Run) -> list[type[Event]]:
    return [type(event) for event in run.events]


@pytest.mark.parametrize(
    "call",
    [
        "prepare_model_for_kbit_training(model)",
        "prepare_model_for_int8_training(model)",
    ],
)
def test_preparation(call: str) -> None:
    name = call.partition("(")[0]
    assert kinds(program(f"model = {call}", imports=f"from peft import {name}")) == [Load, PrepareKbit, Wrap]


HEADS = (
    *("", "ForCausalLM", "ForSeq2SeqLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
    "ForFeatureExtraction",
)


@pytest.mark.parametrize("head", HEADS)
def test_classes_that_load_an_adapter(head: str) -> None:
    text = PROGRAM.partition("model = get_peft_model")[0].format(
        imports=f"from peft import PeftModel{head}", before=f'model = PeftModel{head}.from_pretrained(model, "out")'
    )
    run = only(read_python(text + "Trainer(model=model).train()\n"))
    assert kinds(run) == [Load, LoadAdapter, Train]
    assert plain(run.model.name) == "gpt2"
    assert [plain(event.trainable) for event in run.events if isinstance(event, LoadAdapter)] == [False]
    whole = f"""\
        from peft import AutoPeftModel{head}
        from transformers import Trainer
        Trainer(model=AutoPeftModel{head}.from_pretrained("out", is_trainable=True)).train()
        """
    run = only(read_python(whole))
    assert kinds(run) == [Load, LoadAdapter, Train]
    assert [plain(event.trainable) for event in run.events if isinstance(event, LoadAdapter)] == [True]


def test_a_mixed_model_sets_what_it_loads() -> None:
    text = PROGRAM.partition("model = get_peft_model")[0].format(
        imports="from peft import PeftMixedModel", before='model = PeftMixedModel.from_pretrained(model, "out")'
    )
    run = only(read_python(text + "Trainer(model=model).train()\n"))
    assert kinds(run) == [Load, LoadAdapter, SetAdapter, Train]


@pytest.mark.parametrize(
    "config", ["LoraConfig", "AdaLoraConfig", "LoHaConfig", "LoKrConfig", "IA3Config", "VeraConfig"]
)
def test_configs(config: str) -> None:
    text = f"""\
        from peft import {config}, get_peft_model
        from transformers import AutoModelForCausalLM
        model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), {config}(target_modules=["c_attn"]))
        """
    run = only(read_python(text))
    assert run.method == config
    assert plain(run.adapter.target_modules) == ("c_attn",)


def test_an_adapter_that_is_injected() -> None:
    text = """\
        from peft import LoraConfig, inject_adapter_in_model
        from transformers import AutoModelForCausalLM
        inject_adapter_in_model(LoraConfig(r=4), AutoModelForCausalLM.from_pretrained("gpt2"), "one")
        """
    run = only(read_python(text))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (4, "gpt2")
    assert [event.adapters for event in run.events if isinstance(event, Wrap)] == [("one",)]


METHODS: tuple[tuple[str, list[type[Event]]], ...] = (
    ('model.add_adapter("two", given())', [AddBeside]),
    ('model.add_weighted_adapter(["default"], [1.0], "two")', [AddBeside]),
    ('model.load_adapter("out", "two")', [LoadBeside]),
    ('model.set_adapter("two")', [SetAdapter]),
    ('model.set_requires_grad("two")', [SetRequiresGrad]),
    ('model.delete_adapter("two")', [DeleteAdapter]),
    ("model.enable_adapters()", [EnableAdapters]),
    ("model.enable_adapter_layers()", [EnableAdapters]),
    ("model.disable_adapters()", [DisableAdapters]),
    ("model.disable_adapter_layers()", [DisableAdapters]),
    ("with model.disable_adapter():\n    pass", [EnableAdapters]),
    ("model = model.merge_and_unload()", [Unwrap]),
    ("model = model.unload()", [Unwrap]),
    ("model.merge_adapter()", []),
    ('model.save_pretrained("out")', [Save]),
    ("model.enable_input_require_grads()", [EnableInputGrads]),
    ("model.gradient_checkpointing_enable()", [EnableCheckpointing]),
    ("model.resize_token_embeddings(10)", [Resize]),
    ("model.print_trainable_parameters()", []),
    ("model.train_adapter('two')", [Unfreeze]),
    ("model.requires_grad_(False)", [Freeze]),
    ("model.lm_head.requires_grad_(True)", [Unfreeze]),
    ("model.get_input_embeddings().requires_grad_(True)", [Unfreeze]),
    ("model.get_output_embeddings().requires_grad_(False)", [Freeze]),
    *(
        (f"for {names} in model.{call}():\n    part.requires_grad{way}", [Freeze])
        for call, names, way in (
            ("parameters", "part", " = False"),
            ("named_parameters", "name, part", " = False"),
            ("parameters", "part", "_(False)"),
        )
    ),
    *(
        (f"for {names} in model.{call}():\n    part.requires_grad_(False)", [])
        for call, names in (("children", "other"), ("named_children", "name, other"))
    ),
)


@pytest.mark.parametrize(("statement", "expected"), METHODS)
def test_methods_of_a_model(statement: str, expected: list[type[Event]]) -> None:
    if "other" in statement:
        statement = statement.replace("part.", "pass  # ")
    assert kinds(program(after=statement)) == [Load, Wrap, *expected]


@pytest.mark.parametrize(
    "method",
    [
        *("to('cuda')", "cuda()", "cpu()", "half()", "float()", "bfloat16()", "double()", "type(int)", "train()"),
        *("eval()", "compile()", "share_memory()", "xpu()", "npu()", "to_empty(device=0)", "for_training()"),
        *("for_inference()", "unwrap()", "set_train_mode()"),
    ],
)
def test_methods_that_give_the_model_back(method: str) -> None:
    found = kinds(program(f"model = model.{method}", "model.merge_and_unload()"))
    assert [kind for kind in found if kind not in (Cast, Halve)] == [Load, Wrap, Unwrap]


@pytest.mark.parametrize("method", ["float()", "bfloat16()", "double()"])
def test_methods_that_cast_the_model(method: str) -> None:
    assert kinds(program(after=f"model.{method}")) == [Load, Wrap, Cast]


@pytest.mark.parametrize("attribute", ["base_model", "module", "_orig_mod", "pretrained_model"])
def test_attributes_that_are_the_model(attribute: str) -> None:
    assert kinds(program(after=f"model.{attribute}.merge_and_unload()")) == [Load, Wrap, Unwrap]


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [
        ("", True),
        *(
            (f", {key}=1", True)
            for key in ("save_directory", "safe_serialization", "push_to_hub", "max_shard_size", "tokenizer")
        ),
        (", state_dict=own", False),
        (", save_embedding_layers=True", False),
    ],
)
def test_what_is_saved_of_a_model(arguments: str, alone: bool) -> None:
    first = '"out"' if "save_directory" not in arguments else ""
    call = f"model.save_pretrained({first}{arguments if first else arguments[2:]})"
    saved = program(after=call).events[-1]
    assert isinstance(saved, Save)
    assert saved.adapter_alone is alone


@pytest.mark.parametrize(
    "other",
    [
        "save_head(model)",
        "model.save_checkpoint('x')",
        "torch.save(model.lm_head, 'x')",
        "model.save_pretrained_merged('x')",
        "pickle.dump(model, f)",
        "model.merge_and_unload().save_pretrained('x')",
        "state = model.state_dict()",
        "non_lora = collect(model)",
    ],
)
def test_other_ways_to_save(other: str) -> None:
    run = program(after=f'model.save_pretrained("out")\n{other}')
    assert next(event for event in run.events if isinstance(event, Save)).adapter_alone is False


@pytest.mark.parametrize(
    "statement",
    ["tokenizer.save_pretrained('x')", "trainer.save_state()", "trainer.save_metrics('a', {})", "trainer.save_model()"],
)
def test_ways_to_save_something_else(statement: str) -> None:
    run = program(after=f'model.save_pretrained("out")\n{statement}')
    assert [event.adapter_alone for event in run.events if isinstance(event, Save)] == [True]


TRAINERS = {
    "supervised": ("SFTTrainer", "Seq2SeqTrainer", "Trainer", "OwnSFTTrainer"),
    "preference": (
        *("DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer", "IPOTrainer", "BCOTrainer", "RewardTrainer"),
        *("PRMTrainer", "XPOTrainer", "NashMDTrainer", "OnlineDPOTrainer", "OwnDPOTrainer", "MyKTOTrainer"),
        *("TheORPOTrainer", "SimPOTrainer", "CPOLikeTrainer", "MyRewardTrainer", "PreferenceTrainer"),
    ),
    "rl": (
        *("PPOTrainer", "PPOv2Trainer", "GRPOTrainer", "RLOOTrainer", "DDPOTrainer", "AlignPropTrainer"),
        *("MyPPOTrainer", "UnslothGRPOTrainer", "MyRLOOTrainer", "DAPOTrainer", "ReinforcePlusTrainer"),
    ),
    "unknown": ("OwnTrainer",),
}


@pytest.mark.parametrize(("method", "trainer"), [(key, name) for key, names in TRAINERS.items() for name in names])
def test_how_a_trainer_trains(method: str, trainer: str) -> None:
    assert method_of(f"trl.{trainer}") == method
    run = program(after=f"{trainer}(model=model).train()", imports=f"from trl import {trainer}")
    assert (run.training.method, run.training.trainer, kinds(run)[-1]) == (method, trainer, Train)


@pytest.mark.parametrize(
    "name",
    [
        *("SFT", "DPO", "KTO", "ORPO", "CPO", "BCO", "Reward", "PPO", "PPOv2", "GRPO", "RLOO", "OnlineDPO", "NashMD"),
        *("XPO", "PRM", "DDPO", "AlignProp", "GKD", "IterativeSFT"),
    ],
)
def test_classes_of_training_arguments(name: str) -> None:
    assert is_arguments(f"trl.{name}Config")
    run = program(
        after=f"Own({name}Config(learning_rate=3e-4), model).train()", imports=f"from trl import {name}Config"
    )
    assert run.training.trainer is None
    after = f"SFTTrainer(model, {name}Config(learning_rate=3e-4)).train()"
    found = program(after=after, imports=f"from trl import SFTTrainer, {name}Config").training
    assert plain(found.learning_rate) == 3e-4


@pytest.mark.parametrize("name", ["TrainingArguments", "UnslothTrainingArguments", "Seq2SeqTrainingArguments"])
def test_classes_named_training_arguments(name: str) -> None:
    assert is_arguments(f"any.{name}")
    assert not is_arguments("any.LoraConfig")


@pytest.mark.parametrize("method", ["train", "step", "fit", "finetune"])
def test_methods_that_train(method: str) -> None:
    assert kinds(program(after=f"t = Trainer(model=model)\nt.{method}()"))[-1] == Train
    assert Train not in kinds(program(after="t = Trainer(model=model)\nt.evaluate()"))


@pytest.mark.parametrize("keyword", ["peft_config", "lora_config"])
def test_a_config_that_a_trainer_is_given(keyword: str) -> None:
    text = f"""\
        from peft import LoraConfig
        from trl import SFTTrainer
        SFTTrainer("gpt2", {keyword}=LoraConfig(r=4)).train()
        """
    run = only(read_python(text))
    assert (plain(run.adapter.rank), plain(run.model.name), run.model.loader) == (4, "gpt2", "AutoModelForCausalLM")


def test_a_reward_model_by_its_name() -> None:
    text = """\
        from peft import LoraConfig
        from trl import RewardTrainer
        RewardTrainer("gpt2", peft_config=LoraConfig(r=4)).train()
        """
    assert only(read_python(text)).model.loader == "AutoModelForSequenceClassification"


OPTIMIZERS = (
    *("Adam", "AdamW", "SGD", "Adamax", "Adagrad", "RMSprop", "NAdam", "RAdam", "Adafactor", "Lion", "PagedAdamW"),
    *("PagedAdamW8bit", "AdamW8bit", "Adam8bit", "DeepSpeedCPUAdam", "FusedAdam"),
)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    after = f"optimizer = {name}(model.parameters(), lr=3e-4)\noptimizer.step()"
    run = program(after=after, imports=f"from torch.optim import {name}")
    assert (plain(run.training.optimizer), plain(run.training.learning_rate)) == (name.lower(), 3e-4)
    assert kinds(run) == [Load, Wrap, MakeOptimizer, Train]


@pytest.mark.parametrize(
    "wrapped",
    [
        "accelerator.prepare(model)",
        "accelerator.prepare(model, loader)[0]",
        "accelerator.unwrap_model(model)",
        "accelerator.prepare_model(model)",
        "torch.compile(model)",
        "torch.nn.DataParallel(model)",
        "torch.nn.parallel.DistributedDataParallel(model)",
        "deepspeed.initialize(model=model)[0]",
        "cast(object, model)",
        "setup_chat_format(model, tokenizer)[0]",
    ],
)
def test_calls_that_give_the_model_back(wrapped: str) -> None:
    imports = (
        "import torch, deepspeed\nfrom accelerate import Accelerator\nfrom typing import cast\n"
        "from trl import setup_chat_format\naccelerator = Accelerator()"
    )
    run = program(after=f"model = {wrapped}\nmodel.merge_and_unload()", imports=imports)
    assert kinds(run)[-1] == Unwrap


def test_deepspeed_adds_its_options_to_a_parser() -> None:
    imports = "import argparse, deepspeed"
    before = """
        parser = argparse.ArgumentParser()
        parser.add_argument("--rank", type=int, default=12)
        parser = deepspeed.add_config_arguments(parser)
        args = parser.parse_args()
        """
    text = f"{IMPORTS}{imports}\n{textwrap.dedent(before)}LoraConfig(r=args.rank)\n"
    assert plain(only(read_python(text)).adapter.rank) == 12


@pytest.mark.parametrize(
    ("loader", "quantization"),
    [
        ("load_in_4bit=True", "4bit"),
        ("load_in_8bit=True", "8bit"),
        ("load_in_4bit=False", None),
        ("load_in_4bit=flag()", Unknown),
        ("quantization_config=BitsAndBytesConfig(load_in_4bit=True)", "4bit"),
        ("quantization_config=BitsAndBytesConfig(load_in_8bit=True)", "8bit"),
        ("quantization_config=given()", Unknown),
        ("quantization_config=None", None),
    ],
)
def test_bits_of_a_model(loader: str, quantization: Any) -> None:
    imports = "from transformers import BitsAndBytesConfig"
    run = program(f'model = AutoModelForCausalLM.from_pretrained("gpt2", {loader})', imports=imports)
    assert plain(run.model.quantization) == quantization


@pytest.mark.parametrize("key", ["model_name", "model_id", "model_path", "pretrained_model_name_or_path"])
def test_names_of_a_model(key: str) -> None:
    assert plain(program(f'model = AutoModelForCausalLM.from_pretrained({key}="own/m")').model.name) == "own/m"


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_numbers_of_a_model(key: str) -> None:
    run = program(f'model = AutoModelForCausalLM.from_pretrained("gpt2", {key}="bfloat16")')
    assert plain(run.model.dtype) == "bfloat16"


@pytest.mark.parametrize(
    "loader",
    [
        *("AutoTokenizer", "AutoProcessor", "AutoConfig", "AutoFeatureExtractor", "DDIMScheduler", "FluxPipeline"),
        *("OwnVocab", "GenerationConfig", "ModelArguments", "OwnDataset", "ChatTemplate"),
    ],
)
def test_what_is_loaded_that_is_no_model(loader: str) -> None:
    text = f"""\
        from peft import LoraConfig, get_peft_model
        from transformers import {loader}
        get_peft_model({loader}.from_pretrained("gpt2"), LoraConfig())
        """
    assert plain(only(read_python(text)).model.name) is Unknown


@pytest.mark.parametrize(
    ("statement", "edited"),
    [
        ("model.model.layers[0].mlp = Own()", True),
        ("model.lm_head = torch.nn.Linear(1, 1)", True),
        ("model.own = Own()", False),
        *(
            (f"model.{name}.x = Own()", False)
            for name in ("config", "generation_config", "peft_config", "hf_device_map", "tokenizer", "processor")
        ),
        *(
            (f"model.layer.{name} = Own()", False)
            for name in ("data", "grad", "weight", "bias", "forward", "generate", "dtype", "training", "state_dict")
        ),
        ("model.layer.flag = True", False),
    ],
)
def test_modules_that_are_replaced(statement: str, edited: bool) -> None:
    assert program(statement, imports="import torch").model.edited is edited


@pytest.mark.parametrize(
    ("call", "size"),
    [
        *(
            (f"data.{name}(f)", 52_002)
            for name in (
                *("map", "shuffle", "rename_column", "rename_columns", "remove_columns", "select_columns", "cast"),
                *("cast_column", "with_format", "set_format", "add_column", "flatten", "class_encode_column", "sort"),
                *("with_transform", "to_iterable_dataset", "flatten_indices"),
            )
        ),
        ("data.select(range(100))", 100),
        ("data.select([1, 2, 3])", 3),
        ("data.take(50)", 50),
        ("data.head(n=50)", 50),
        ("data.take(99_999)", 52_002),
        ("data.filter(f)", 52_002),
        *((f"data.{name}(2)", Unknown) for name in ("shard", "skip", "repeat", "batch", "unique", "to_pandas")),
        ("data.map(f, batched=True, remove_columns=names)", 52_002),
        ("data.train_test_split(test_size=0.1)['train']", 46_801),
        ("data.train_test_split(0.5)['train']", 26_001),
        ("data.train_test_split(test_size=2)['train']", 52_000),
        ("data.train_test_split()['train']", 39_001),
        ("data.train_test_split(train_size=0.25)['train']", 13_000),
        ("data.train_test_split(train_size=700)['train']", 700),
        ("data.train_test_split(test_size=0.1)['test']", Unknown),
        ("concatenate_datasets([data, data])", 104_004),
        ("Dataset.from_list([{'a': 1}, {'a': 2}])", 2),
        ("Dataset.from_dict({'a': [1, 2, 3]})", 3),
        ("standardize_sharegpt(data)", 52_002),
        ("standardize_data_formats(data)", 52_002),
        ("to_sharegpt(data)", 52_002),
        ("apply_chat_template(data)", 52_002),
        ("load_dataset('tatsu-lab/alpaca', split='train[:100]')", 100),
        ("load_dataset('tatsu-lab/alpaca', split='train[100:250]')", 150),
        ("load_dataset('tatsu-lab/alpaca', split='train[:10%]')", 5200),
        ("load_dataset('tatsu-lab/alpaca', split='train[-2:]')", 2),
        ("load_dataset('tatsu-lab/alpaca', split='train[50%:]')", 26_001),
        ("load_dataset('tatsu-lab/alpaca', split='train+test')", Unknown),
        ("load_dataset('tatsu-lab/alpaca')['train']", 52_002),
        *(
            (f"load_dataset('{kind}', data_files='rows.jsonl', split='train')", 3)
            for kind in ("json", "csv", "text", "parquet", "arrow", "pandas")
        ),
        ("load_dataset('json', data_files={'train': 'rows.jsonl'})['train']", 3),
        ("load_dataset('json', data_files=['rows.jsonl', 'rows.jsonl'])['train']", 6),
        *((f"Dataset.from_{kind}('rows.jsonl')", 3) for kind in ("json", "csv", "text")),
        *((f"Dataset.from_pandas(pd.read_{kind}('rows.jsonl'))", 3) for kind in ("json", "csv", "table")),
        *(
            (f"Dataset.from_pandas(pd.read_json('rows.jsonl', {key}=1))", 3)
            for key in ("lines", "orient", "encoding", "dtype", "sep", "delimiter", "engine", "quoting")
        ),
        ("Dataset.from_pandas(pd.read_json(path_or_buf='rows.jsonl'))", 3),
        ("Dataset.from_pandas(pd.read_csv(filepath_or_buffer='rows.jsonl'))", 3),
        ("Dataset.from_pandas(pd.read_json('rows.jsonl', nrows=1))", Unknown),
        *(
            (f"Dataset.from_pandas(pd.read_json('rows.jsonl').{name}(x))", 3)
            for name in (
                *("copy", "rename", "reset_index", "fillna", "astype", "assign", "set_index", "sort_values", "round"),
                "replace",
            )
        ),
        ("Dataset.from_pandas(pd.read_json('rows.jsonl').dropna())", 3),
    ],
)
def test_sizes_of_data(call: str, size: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n{"a": 3}\n', encoding="utf-8")
    imports = (
        "import pandas as pd\nfrom datasets import Dataset, concatenate_datasets, load_dataset\n"
        "from unsloth.chat_templates import (standardize_data_formats, standardize_sharegpt, to_sharegpt,\n"
        "    apply_chat_template)"
    )
    data = "data = load_dataset('tatsu-lab/alpaca', split='train')"
    after = f"{data}\ndata = {call}\nTrainer(model=model, train_dataset=data).train()"
    assert plain(program(after=after, imports=imports, folder=tmp_path).dataset.size) == size


@pytest.mark.parametrize(
    "word",
    [
        *("LoraConfig", "get_peft_model", "PeftModel", "PeftMixedModel", "add_adapter", "inject_adapter_in_model"),
        *("LoHaConfig", "LoKrConfig", "IA3Config", "VeraConfig", "prepare_model_for_kbit_training"),
    ],
)
def test_words_that_name_an_adapter(word: str) -> None:
    assert names_adapter(f"x = {word}(1)".encode())
    assert not names_adapter(b"Config eft adapter prepare_model_for_inference")


@pytest.mark.parametrize(
    "name",
    (
        "peft transformers trl unsloth unsloth_zoo datasets torch torchvision torchaudio accelerate bitsandbytes "
        "diffusers deepspeed wandb optuna ray numpy np pandas sklearn scipy matplotlib seaborn tqdm evaluate "
        "sentence_transformers safetensors huggingface_hub tokenizers fire click typer pydantic omegaconf hydra yaml "
        "requests PIL cv2 rich loguru vllm mlflow tensorboard lightning pytorch_lightning xformers flash_attn google "
        "openai langchain gradio attr attrs absl einops sentencepiece nltk rouge_score sacrebleu jsonlines dotenv "
        "psutil mmengine setfit torchtune triton liger_kernel auto_gptq gptqmodel hqq pytest torchao optimum "
        "onnxruntime IPython ipywidgets"
    ).split(),
)
def test_a_module_of_a_library_is_not_the_programs_own(name: str, tmp_path: Path) -> None:
    """A file of that name beside the program is not taken for it."""
    assert is_library(f"{name}.inner")
    (tmp_path / f"{name}.py").write_text("RANK = 4\n", encoding="utf-8")
    (tmp_path / "own.py").write_text("RANK = 4\n", encoding="utf-8")
    text = "from peft import LoraConfig\nfrom {} import RANK\nLoraConfig(r=RANK)\n"
    assert plain(only(read_python(text.format("own"), tmp_path)).adapter.rank) == 4
    assert plain(only(read_python(text.format(name), tmp_path)).adapter.rank) is Unknown


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("concatenate_datasets([data, other()])", "the parts are not all known"),
        ("concatenate_datasets(others())", "the parts are not all known"),
        ("data.shard(2, 0)", "`.shard(…)` changes its size"),
        ("data.train_test_split(test_size=0.1)['test']", "it is the test split"),
        ("data.select(chosen())", "how many are selected is not known"),
        ("load_dataset('own/set', split='train')", "the size of own/set is not known"),
        ("load_dataset('own/set', split='train[5%:]')", "it is a slice of a dataset whose size is not known"),
        ("load_dataset('own/set', split=split())", "the split is not known"),
        ("load_dataset('json', data_files='none.jsonl')", "it is a local file"),
        ("Dataset.from_list(rows())", "the data is made at run time"),
    ],
)
def test_why_a_size_is_not_known(call: str, why: str) -> None:
    imports = "from datasets import Dataset, concatenate_datasets, load_dataset"
    data = "data = load_dataset('tatsu-lab/alpaca', split='train')"
    after = f"{data}\ndata = {call}\nTrainer(model=model, train_dataset=data).train()"
    size = program(after=after, imports=imports).dataset.size
    assert isinstance(size, Unknown)
    assert size.why == why


@pytest.mark.parametrize(
    "call",
    [
        "add_adapter(adapter_config=LoraConfig(r=4))",
        "add_adapter(LoraConfig(r=4))",
        "add_adapter(peft_config=LoraConfig(r=4))",
    ],
)
def test_an_adapter_that_transformers_adds(call: str) -> None:
    text = f"""\
        from peft import LoraConfig
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        model.{call}
        """
    run = only(read_python(text))
    assert (plain(run.adapter.rank), kinds(run)) == (4, [Load, Wrap])


@pytest.mark.parametrize(("action", "usual"), [("store_true", False), ("store_false", True)])
def test_options_that_are_switches(action: str, usual: bool) -> None:
    text = f"""\
        import argparse
        from peft import LoraConfig
        parser = argparse.ArgumentParser()
        parser.add_argument("--rslora", action="{action}")
        LoraConfig(use_rslora=parser.parse_args().rslora)
        """
    rslora = only(read_python(text)).adapter.use_rslora
    assert isinstance(rslora, Known)
    assert (rslora.value, rslora.origin) == (usual, "cli-default")


@pytest.mark.parametrize("name", [*CALLS.values(), *FUNCTIONS.values()])
def test_what_the_table_names_is_there(name: str) -> None:
    part = part_of_library(name)
    assert callable(part) or (part and all(map(callable, part.values())))


MENTIONS = (
    "def f(config: LoraConfig, r: int = 8) -> PeftModel:\n    return config.r",
    'def f():\n    """Give it to get_peft_model(model, LoraConfig())."""',
    "def f():\n    return 1  # LoraConfig(r=8)",
    "def get_peft_model(model):\n    return model",
)
USES = (
    "def f(config=LoraConfig(r=8)):\n    return config",
    "def f():\n    return LoraConfig(r=8)",
    "def f(model):\n    kinds = {'lora': LoraConfig}\n    return kinds",
    "def f(model):\n    return get_peft_model(model, 'LoraConfig')",
)


@pytest.mark.parametrize("text", MENTIONS)
def test_a_function_that_only_mentions_an_adapter_uses_none(text: str) -> None:
    assert names_adapter(text.encode())
    assert not uses_adapter(text.encode())
    assert not makes_config(text.encode())


@pytest.mark.parametrize("text", USES)
def test_a_function_that_makes_an_adapter_uses_one(text: str) -> None:
    assert uses_adapter(text.encode())
    assert makes_config(text.encode())


def test_a_function_that_loads_an_adapter_uses_one_and_makes_no_settings() -> None:
    loading = b"def f(model):\n    return PeftModel.from_pretrained(model, path)"
    assert uses_adapter(loading)
    assert not makes_config(loading)


def test_a_test_that_asks_for_an_adapter_uses_one() -> None:
    """What it asks about may be put on in the `setUp` of its class."""
    assert uses_adapter(b"def test(self):\n    assert isinstance(self.trainer.model, PeftModel)")


PIPELINE = """\
from diffusers import StableDiffusionXLPipeline
from peft import LoraConfig

pipeline = StableDiffusionXLPipeline.from_pretrained("stabilityai/stable-diffusion-xl-base-1.0").to("cuda")
{before}
pipeline.unet.add_adapter(LoraConfig(r=8, lora_alpha=16, target_modules=["to_q"]))
"""


@pytest.mark.parametrize(
    ("call", "event"),
    [
        ('pipeline.load_lora_weights("user/style", adapter_name="style")', LoadAdapter),
        ('pipeline.set_adapters(["style"])', SetAdapter),
        ("pipeline.unload_lora_weights()", Unwrap),
    ],
)
def test_adapters_of_a_pipeline(call: str, event: type[Event]) -> None:
    run = only(read_python(PIPELINE.format(before=call)))
    assert kinds(run) == [Load, event, Wrap]
    assert run.model.name == Known("stabilityai/stable-diffusion-xl-base-1.0", run.model.name.span, "literal")


@pytest.mark.parametrize(
    "call", ["pipeline.fuse_lora()", "pipeline.enable_model_cpu_offload()", "pipeline.vae.decode(0)"]
)
def test_the_rest_of_a_pipeline_leaves_the_model_alone(call: str) -> None:
    assert kinds(only(read_python(PIPELINE.format(before=call)))) == [Load, Wrap]


def test_a_pipeline_made_of_a_model_adapts_that_one() -> None:
    text = """\
from diffusers import FluxPipeline, FluxTransformer2DModel
from peft import LoraConfig

transformer = FluxTransformer2DModel.from_pretrained("black-forest-labs/FLUX.1-dev", subfolder="transformer")
pipeline = FluxPipeline.from_pretrained("black-forest-labs/FLUX.1-dev", transformer=transformer)
pipeline.transformer.add_adapter(LoraConfig(r=8, lora_alpha=16, target_modules=["to_q"]))
"""
    run = only(read_python(text))
    assert (run.model.loader, kinds(run)) == ("FluxTransformer2DModel", [Load, Wrap])


@pytest.mark.parametrize(("frozen", "whole"), [("", ("gpt2",)), ("self.lm.requires_grad_(False)", ())])
def test_models_that_train_in_full_beside_an_adapter(frozen: str, whole: tuple[str, ...]) -> None:
    """The rate is then for these: LL501 said that it is too low for the adapter of a small tower."""
    program = f"""
    import torch
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lm = AutoModelForCausalLM.from_pretrained("gpt2")
            {frozen}
            tower = AutoModelForCausalLM.from_pretrained("bert-base-uncased")
            self.tower = get_peft_model(tower, LoraConfig(r=8, target_modules=["query"]))
    net = Net()
    torch.optim.AdamW(net.parameters(), lr=1e-5)
    """
    assert only(read_python(IMPORTS + textwrap.dedent(program))).training.setup.whole == whole
