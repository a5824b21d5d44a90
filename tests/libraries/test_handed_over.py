"""LL904 and LL905: what programs give to trainers that the trainers cannot work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
import torch
from datasets import Dataset, load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments
from transformers import DataCollatorForLanguageModeling, DataCollatorForSeq2Seq, DataCollatorWithPadding
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer
from trl import SFTConfig, SFTTrainer

"""
PLAIN = (
    HEAD
    + """\
name = "meta-llama/Llama-3.1-8B"
tokenizer = AutoTokenizer.from_pretrained(name)
{pad}
model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), LoraConfig(r=8, lora_alpha=16))
{extra}

def tokenized(row):
    found = tokenizer(row["text"], truncation=True, max_length=256)
    {labels}
    return found


data = load_dataset("json", data_files="train.jsonl", split="train"{streaming})
data = data.map(tokenized, remove_columns={removed})
collator = {collator}
args = TrainingArguments("out", per_device_train_batch_size={batch}{settings})
{trainer}(model=model, args=args, train_dataset=data, data_collator=collator{arguments}).train()
"""
)
FILLED = {
    "pad": "tokenizer.pad_token = tokenizer.eos_token",
    "extra": "",
    "labels": "pass",
    "streaming": "",
    "removed": "data.column_names",
    "collator": "DataCollatorForLanguageModeling(tokenizer, mlm=False)",
    "batch": "4",
    "settings": "",
    "trainer": "Trainer",
    "arguments": "",
}
SELECTED = frozenset({"LL901", "LL904", "LL905"})


def found(tmp_path: Path, text: str, **files: str) -> list[tuple[str, str | None, str]]:
    """The code, the level where it is not the rule's own, and the message of each finding."""
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    program = tmp_path / "train.py"
    program.write_text(text)
    outcome = engine.lint([str(program)], Settings(root=str(tmp_path), select=SELECTED), jobs=1)
    return [(finding.code, finding.level, finding.message) for finding in outcome.findings]


def plain(tmp_path: Path, requirements: str = "", **parts: str) -> list[str]:
    """The codes of what a program with Trainer has."""
    text = PLAIN.format(**{**FILLED, **parts})
    return [
        code for code, _, _ in found(tmp_path, text, **({"requirements_txt": requirements} if requirements else {}))
    ]


def of_trl(
    tmp_path: Path, trainer: str, data: str, settings: str = "", arguments: str = "", extra: str = ""
) -> list[str]:
    """The messages about a program with a trainer of TRL."""
    config = trainer.replace("Trainer", "Config")
    text = f"""{HEAD}{extra}
data = {data}
{trainer}(model="Qwen/Qwen2.5-0.5B-Instruct", args={config}("out"{settings}), train_dataset=data,
          peft_config=LoraConfig(r=8, lora_alpha=16){arguments}).train()
"""
    return [message for code, _, message in found(tmp_path, text) if code in ("LL904", "LL905")]


class TestBestCheckpoints:
    """transformers 5.23.0, trainer.py: `_determine_best_metric` raises a KeyError for what is not in the metrics."""

    SETTINGS = ', eval_strategy="steps", metric_for_best_model="{}", load_best_model_at_end=True'
    MEASURE = "\ndef measure(given):\n    score = 1.0\n    return {}\n"

    def best(self, tmp_path: Path, metric: str, returned: str | None = None, more: str = "", extra: str = "") -> str:
        """The message about a best checkpoint by a metric; empty if there is none."""
        parts = {
            "settings": self.SETTINGS.format(metric),
            "extra": extra + ("" if returned is None else self.MEASURE.format(returned)),
            "arguments": ", eval_dataset=data" + ("" if returned is None else ", compute_metrics=measure") + more,
        }
        return " ".join(
            message for code, _, message in found(tmp_path, PLAIN.format(**{**FILLED, **parts})) if code == "LL904"
        )

    def test_nothing_measures_it(self, tmp_path: Path) -> None:
        message = self.best(tmp_path, "accuracy")
        assert "nothing measures: the trainer has no `compute_metrics`" in message and "KeyError" in message

    def test_the_function_measures_something_else(self, tmp_path: Path) -> None:
        assert "`compute_metrics` returns `accuracy`" in self.best(tmp_path, "f1", '{"accuracy": score}')
        assert "`compute_metrics` returns `acc`" in self.best(tmp_path, "eval_accuracy", "dict(acc=score)")

    @pytest.mark.parametrize("metric", ["loss", "eval_loss", "eval_test_loss", "runtime", "samples_per_second"])
    def test_each_evaluation_measures_some(self, tmp_path: Path, metric: str) -> None:
        assert self.best(tmp_path, metric) == ""

    @pytest.mark.parametrize(
        "returned",
        ['{"f1": score}', '{"eval_f1": score}', "dict(f1=score)", '{"accuracy": score, **more}', "scores", "f(score)"],
    )
    def test_the_function_may_measure_it(self, tmp_path: Path, returned: str) -> None:
        assert self.best(tmp_path, "f1", returned) == ""

    def test_a_callback_may_add_it(self, tmp_path: Path) -> None:
        assert self.best(tmp_path, "f1", more=", callbacks=[Ours()]", extra="\nfrom ours import Ours\n") == ""
        assert self.best(tmp_path, "f1", extra="\nTrainer.compute_metrics = print\n") == ""

    def test_early_stopping_adds_nothing(self, tmp_path: Path) -> None:
        extra = "\nfrom transformers import EarlyStoppingCallback\n"
        assert "nothing measures" in self.best(
            tmp_path, "f1", more=", callbacks=[EarlyStoppingCallback()]", extra=extra
        )

    def test_no_evaluation_needs_it(self, tmp_path: Path) -> None:
        settings = ', metric_for_best_model="accuracy"'
        assert plain(tmp_path, settings=settings, arguments=", eval_dataset=data") == []


class TestTextsForNumbers:
    """torch 2.13, optim/adamw.py: `0.0 <= lr` raises a TypeError where the rate is a text."""

    READ = """
import yaml
with open("config.yaml") as file:
    config = yaml.safe_load(file)
"""

    def rate(self, tmp_path: Path, given: str, extra: str = "", **files: str) -> str:
        """The message about a learning rate; empty if there is none."""
        text = PLAIN.format(**{**FILLED, "settings": f", learning_rate={given}", "extra": extra})
        return " ".join(message for code, _, message in found(tmp_path, text, **files) if code == "LL904")

    @pytest.mark.parametrize(("written", "better"), [("2e-4", "2.0e-04"), ("1E-5", "1.0e-05"), ("1.5e3", "1.5e+03")])
    def test_of_a_yaml_file(self, tmp_path: Path, written: str, better: str) -> None:
        message = self.rate(tmp_path, 'config["rate"]', self.READ, config_yaml=f"rate: {written}\n")
        assert "PyYAML takes" in message and f"Write `{better}` in the file" in message
        assert isinstance(yaml.safe_load(written), str) and isinstance(yaml.safe_load(better), float)

    @pytest.mark.parametrize("written", ["2.0e-4", "2.e-4", "0.0002", "1"])
    def test_what_pyyaml_reads_as_a_number(self, tmp_path: Path, written: str) -> None:
        assert self.rate(tmp_path, 'config["rate"]', self.READ, config_yaml=f"rate: {written}\n") == ""
        assert isinstance(yaml.safe_load(written), float | int)

    @pytest.mark.parametrize(
        ("given", "extra"),
        [
            ('float(config["rate"])', READ),
            ('config["rate"]', READ.replace("yaml.safe_load(file)", 'OmegaConf.load("config.yaml")')),
            ('config["rate"]', READ.replace("import yaml", "import ruamel.yaml as yaml")),
            ('config["rate"] * 1.0', READ),
            ("rate", READ + 'rate = config["rate"]\nif isinstance(rate, str):\n    rate = float(rate)\n'),
            (
                'config["rate"]',
                READ + "for name, value in config.items():\n    if isinstance(value, str):\n"
                "        config[name] = float(value)\n",
            ),
            (
                "settings.rate",
                READ + "from pydantic import BaseModel\n\nclass Settings(BaseModel):\n    rate: float\n\n"
                "settings = Settings(**config)\n",
            ),
        ],
    )
    def test_what_converts_it(self, tmp_path: Path, given: str, extra: str) -> None:
        assert self.rate(tmp_path, given, extra, config_yaml="rate: 2e-4\n") == ""

    def test_of_a_loop(self, tmp_path: Path) -> None:
        text = f"""{HEAD}{self.READ}
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8, lora_alpha=16))
optimizer = torch.optim.AdamW(model.parameters(), lr=config["rate"])
for batch in batches:
    model(**batch).loss.backward()
    optimizer.step()
"""
        [message] = [message for code, _, message in found(tmp_path, text, config_yaml="rate: 2e-4\n")]
        assert message.startswith("`lr` is a text here, not the number 0.0002")

    def test_in_quotes(self, tmp_path: Path) -> None:
        assert "it is in quotes" in self.rate(tmp_path, '"2e-4"')
        assert "it is in quotes" in self.rate(tmp_path, 'config["rate"]', self.READ, config_yaml='rate: "2e-4"\n')
        assert self.rate(tmp_path, "float('2e-4')") == ""


class TestMethodsOfTrainers:
    OLD = """
class Ours(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False):
        return model(**inputs).loss
"""

    def test_a_loss_of_before_4_46(self, tmp_path: Path) -> None:
        text = PLAIN.format(**{**FILLED, "extra": self.OLD, "trainer": "Ours"})
        [(code, level, message)] = found(tmp_path, text)
        assert (code, level) == ("LL904", "advice")
        assert "`Ours.compute_loss` with `num_items_in_batch`" in message and "nothing here asks" in message

    def test_it_is_an_error_where_older_releases_are_not_allowed(self, tmp_path: Path) -> None:
        text = PLAIN.format(**{**FILLED, "extra": self.OLD, "trainer": "Ours"})
        [(code, level, message)] = found(tmp_path, text, requirements_txt="transformers==4.49.0\n")
        assert (code, level) == ("LL904", "error") and "nothing here asks" not in message

    @pytest.mark.parametrize("requirement", ["transformers==4.45.2", "transformers<4.46"])
    def test_old_releases_call_it_so(self, tmp_path: Path, requirement: str) -> None:
        assert plain(tmp_path, requirement, extra=self.OLD, trainer="Ours") == []

    @pytest.mark.parametrize(
        "method",
        [
            "def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):\n        pass",
            "def compute_loss(self, model, inputs, return_outputs=False, **kwargs):\n        pass",
            "def training_step(self, model, inputs, num_items_in_batch=None):\n        pass",
            "def training_step(self, model, inputs, *args):\n        pass",
            "def log(self, logs, start_time=None):\n        pass",
            "def training_step(self, model, inputs, count=None):\n        return self.compute_loss(model, inputs)\n"
            "    def compute_loss(self, model, inputs, return_outputs=False):\n        pass",
        ],
    )
    def test_methods_that_take_all(self, tmp_path: Path, method: str) -> None:
        extra = f"\nclass Ours(Trainer):\n    {method}\n"
        assert plain(tmp_path, "transformers==4.57.6", extra=extra, trainer="Ours") == []

    @pytest.mark.parametrize("method", ["def training_step(self, model, inputs)", "def log(self, logs)"])
    def test_arguments_by_place(self, tmp_path: Path, method: str) -> None:
        extra = f"\nclass Ours(Trainer):\n    {method}:\n        pass\n"
        assert plain(tmp_path, "transformers==4.57.6", extra=extra, trainer="Ours") == ["LL904"]

    def test_callbacks_get_more_than_they_name(self, tmp_path: Path) -> None:
        extra = (
            "\nclass Ours(TrainerCallback):\n    def on_log(self, args, state, control, logs=None{}):\n        pass\n"
        )
        added = ", callbacks=[Ours()]"
        assert plain(tmp_path, extra=extra.format(""), arguments=added) == ["LL904"]
        assert plain(tmp_path, extra=extra.format(", **kwargs"), arguments=added) == []


class TestArguments:
    MODEL = "model = AutoModelForCausalLM.from_pretrained('Qwen/Qwen2.5-0.5B')\n"
    PAIRS = 'Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "c"}] * 500)'

    def of(self, tmp_path: Path, call: str) -> list[str]:
        text = f"{HEAD}data = {self.PAIRS}\n{self.MODEL}lora = LoraConfig(r=8, lora_alpha=16)\n{call}.train()\n"
        return [code for code, _, _ in found(tmp_path, text)]

    def test_arguments_of_another_class(self, tmp_path: Path) -> None:
        other = "DPOTrainer(model, args=TrainingArguments('out'), train_dataset=data, peft_config=lora)"
        assert self.of(tmp_path, other) == ["LL904"]
        assert self.of(tmp_path, other.replace("TrainingArguments", "DPOConfig")) == []
        assert self.of(tmp_path, other.replace("train_dataset", "beta=0.1, train_dataset")) == ["LL901"]
        text = 'SFTTrainer(model, args=TrainingArguments("out"), train_dataset=data.map(texts), peft_config=lora)'
        assert self.of(tmp_path, f"from ours import texts\n{text}") == []

    def test_a_model_as_its_own_reference(self, tmp_path: Path) -> None:
        own = "DPOTrainer(model, ref_model=model, args=DPOConfig('out'), train_dataset=data, peft_config=lora)"
        assert self.of(tmp_path, own) == ["LL904"]
        assert self.of(tmp_path, own.replace("ref_model=model", "ref_model=other()")) == []

    def test_loading_a_model_twice(self, tmp_path: Path) -> None:
        loaded = "DPOTrainer(model, args=DPOConfig('out', model_init_kwargs={'dtype': 'bfloat16'}), train_dataset=data, peft_config=lora)"
        assert self.of(tmp_path, loaded) == ["LL905"]
        assert self.of(tmp_path, loaded.replace("(model,", "('Qwen/Qwen2.5-0.5B',")) == []

    def test_a_function_for_the_loss(self, tmp_path: Path) -> None:
        extra = "\ndef loss(outputs, labels{}):\n    return outputs.loss\n"
        added = ", compute_loss_func=loss"
        assert plain(tmp_path, extra=extra.format(""), arguments=added) == ["LL904"]
        assert plain(tmp_path, extra=extra.format(", num_items_in_batch=None"), arguments=added) == []

    @pytest.mark.torch
    def test_what_dpo_raises(self, tmp_path: Path) -> None:
        from datasets import Dataset
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainingArguments
        from trl import DPOConfig, DPOTrainer

        words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="b", pad_token="b")
        config = LlamaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        )
        model, data = LlamaForCausalLM(config), Dataset.from_list([{"prompt": "a", "chosen": "a", "rejected": "b"}] * 4)
        rest: Any = {"train_dataset": data, "processing_class": tokenizer}
        with pytest.raises(AttributeError, match="model_init_kwargs"):
            DPOTrainer(model=model, args=TrainingArguments(str(tmp_path), report_to="none", use_cpu=True), **rest)
        args = DPOConfig(str(tmp_path), report_to="none", use_cpu=True, bf16=False)
        with pytest.raises(ValueError, match="cannot be the same object"):
            DPOTrainer(model=model, ref_model=model, args=args, **rest)


class TestBatches:
    def test_a_healthy_program(self, tmp_path: Path) -> None:
        assert plain(tmp_path) == []

    def test_a_tokenizer_without_a_mask(self, tmp_path: Path) -> None:
        assert plain(tmp_path, collator="DataCollatorForLanguageModeling(tokenizer)") == ["LL904"]

    def test_a_tokenizer_without_padding(self, tmp_path: Path) -> None:
        assert plain(tmp_path, pad="") == ["LL904"]
        assert plain(tmp_path, pad="tokenizer.add_special_tokens({'pad_token': '<|pad|>'})") == []

    def test_no_labels(self, tmp_path: Path) -> None:
        assert plain(tmp_path, collator="None") == ["LL904"]
        assert plain(tmp_path, collator="DataCollatorForSeq2Seq(tokenizer)") == ["LL904"]
        assert plain(tmp_path, collator="None", labels='found["labels"] = row["answer"]') == []
        assert plain(tmp_path, collator="None", labels="found.update(others(row))") == []
        assert plain(tmp_path, collator="ours", extra="from ours import ours") == []
        assert plain(tmp_path, collator="None", removed="['text']") == []  # others are not known
        assert plain(tmp_path, collator="None", extra="model = wrapped(model)") == []
        assert plain(tmp_path, collator="None", arguments="); data.set_transform(with_labels") == []

    def test_classifiers_without_a_padding_token(self, tmp_path: Path) -> None:
        head = "AutoModelForCausalLM.from_pretrained(name), LoraConfig("
        text = PLAIN.replace(
            head, "AutoModelForSequenceClassification.from_pretrained(name, num_labels=2), LoraConfig("
        )
        text = text.replace("AutoModelForCausalLM, AutoTokenizer", "AutoModelForSequenceClassification, AutoTokenizer")
        parts = {**FILLED, "collator": "DataCollatorWithPadding(tokenizer)", "labels": 'found["labels"] = row["label"]'}
        assert [code for code, _, _ in found(tmp_path, text.format(**parts))] == ["LL904"]
        given = {**parts, "arguments": ", processing_class=tokenizer"}
        assert found(tmp_path, text.format(**given)) == []
        assert len(found(tmp_path, text.format(**given), requirements_txt="transformers==4.51.3\n")) == 1
        (tmp_path / "requirements.txt").unlink()
        named = {**parts, "extra": "model.config.pad_token_id = tokenizer.pad_token_id"}
        assert found(tmp_path, text.format(**named)) == []
        assert found(tmp_path, text.format(**{**parts, "batch": "1"})) == []

    def test_labels_of_any_length(self, tmp_path: Path) -> None:
        copied = 'found["labels"] = found["input_ids"].copy()'
        for collator in ("None", "DataCollatorWithPadding(tokenizer)"):
            assert plain(tmp_path, collator=collator, labels=copied) == ["LL904"]
            assert plain(tmp_path, collator=collator, labels=copied, batch="1") == []
        assert plain(tmp_path, collator="DataCollatorForSeq2Seq(tokenizer)", labels=copied) == []

    @pytest.mark.torch
    def test_what_collators_raise(self) -> None:
        import torch
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from transformers import (
            DataCollatorForLanguageModeling,
            DataCollatorForSeq2Seq,
            DataCollatorWithPadding,
            PreTrainedTokenizerFast,
        )

        words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
        tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="b")
        with pytest.raises(ValueError, match="does not have a mask token"):
            DataCollatorForLanguageModeling(tokenizer)
        for collator in (DataCollatorForLanguageModeling(tokenizer, mlm=False), DataCollatorForSeq2Seq(tokenizer)):
            with pytest.raises(ValueError, match="does not have a padding token"):
                collator([{"input_ids": [0]}])
        from transformers import LlamaConfig, LlamaForSequenceClassification

        config = LlamaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        )
        with pytest.raises(ValueError, match="no padding token is defined"):
            LlamaForSequenceClassification(config)(input_ids=torch.ones(2, 3, dtype=torch.long))
        tokenizer.pad_token = "b"
        rows = [{"input_ids": [0, 0], "labels": [0, 0]}, {"input_ids": [0], "labels": [0]}]
        with pytest.raises(ValueError, match="Unable to create tensor"):
            DataCollatorWithPadding(tokenizer)(rows)
        assert DataCollatorForSeq2Seq(tokenizer)(rows)["labels"].tolist() == [[0, 0], [0, -100]]


class TestSettings:
    def test_only_one_trainer_generates(self, tmp_path: Path) -> None:
        generates = ", predict_with_generate=True"
        text = PLAIN.replace("args = TrainingArguments", "args = Seq2SeqTrainingArguments")
        parts = {**FILLED, "settings": generates}
        assert [code for code, _, _ in found(tmp_path, text.format(**parts))] == ["LL905"]
        parts["trainer"] = "Seq2SeqTrainer"
        assert found(tmp_path, text.format(**parts)) == []

    def test_evaluations_without_data(self, tmp_path: Path) -> None:
        asked = ", eval_strategy='steps'"
        assert plain(tmp_path, settings=asked) == ["LL904"]
        assert plain(tmp_path, settings=asked, arguments=", eval_dataset=data") == []

    def test_streams_have_no_length(self, tmp_path: Path) -> None:
        assert plain(tmp_path, streaming=", streaming=True") == ["LL904"]
        assert plain(tmp_path, streaming=", streaming=True", settings=", max_steps=500") == []

    def test_loaders_without_old_arguments(self, tmp_path: Path) -> None:
        text = PLAIN.format(**FILLED).replace("from_pretrained(name),", "from_pretrained(name, load_in_4bit=True),")
        [(code, level, message)] = found(tmp_path, text)
        assert (code, level) == ("LL901", "advice") and "BitsAndBytesConfig(load_in_4bit=True)" in message
        assert found(tmp_path, text, requirements_txt="transformers<5\n") == []

    @pytest.mark.torch
    @pytest.mark.parametrize("keyword", ["load_in_4bit", "load_in_8bit", "use_auth_token", "use_flash_attention_2"])
    def test_what_loaders_raise(self, tmp_path: Path, keyword: str) -> None:
        from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

        config = LlamaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        )
        LlamaForCausalLM(config).save_pretrained(tmp_path)
        with pytest.raises(TypeError, match=keyword):
            AutoModelForCausalLM.from_pretrained(tmp_path, **{keyword: True})


ROWS = 'Dataset.from_list([{{"{0}": "a", "{1}": "b"}}] * 500)'


class TestColumns:
    def test_a_prompt_is_read(self, tmp_path: Path) -> None:
        rewards = ", reward_funcs=lambda completions, **kwargs: [1.0 for _ in completions]"
        [message] = of_trl(tmp_path, "GRPOTrainer", ROWS.format("question", "answer"), arguments=rewards)
        assert "`prompt`" in message and "`answer` and `question`" in message
        named = ROWS.format("question", "answer") + '.rename_column("question", "prompt")'
        assert of_trl(tmp_path, "GRPOTrainer", named, arguments=rewards) == []

    @pytest.mark.parametrize("trainer", ["DPOTrainer", "RewardTrainer"])
    def test_pairs_are_read(self, tmp_path: Path, trainer: str) -> None:
        [message] = of_trl(tmp_path, trainer, ROWS.format("good", "bad"))
        assert "`chosen` and `rejected`" in message
        assert of_trl(tmp_path, trainer, ROWS.format("chosen", "rejected")) == []

    def test_texts_are_read(self, tmp_path: Path) -> None:
        [message] = of_trl(tmp_path, "SFTTrainer", ROWS.format("instruction", "output"))
        assert "`text`" in message
        assert of_trl(tmp_path, "SFTTrainer", ROWS.format("prompt", "completion")) == []
        assert of_trl(tmp_path, "SFTTrainer", ROWS.format("text", "id")) == []
        [message] = of_trl(tmp_path, "SFTTrainer", ROWS.format("text", "id"), ", dataset_text_field='content'")
        assert "`content`" in message
        formatted = ", formatting_func=lambda row: row['instruction']"
        assert of_trl(tmp_path, "SFTTrainer", ROWS.format("instruction", "output"), arguments=formatted) == []
        assert of_trl(tmp_path, "SFTTrainer", 'load_dataset("yahma/alpaca-cleaned", split="train")') != []
        assert of_trl(tmp_path, "SFTTrainer", 'load_dataset("someone/private", split="train")') == []

    @pytest.mark.parametrize(
        "change",
        [
            '.map(lambda row: {"text": row["instruction"]})',
            '.map(made, remove_columns=["output"])',
            ".map(unknown)",
            '.rename_columns({"instruction": "text"})',
            '.add_column("text", texts)',
        ],
    )
    def test_what_makes_texts(self, tmp_path: Path, change: str) -> None:
        extra = 'from ours import texts, unknown\n\n\ndef made(row):\n    row["text"] = row["output"]\n    return row\n'
        assert of_trl(tmp_path, "SFTTrainer", ROWS.format("instruction", "output") + change, extra=extra) == []

    def test_the_rows_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "train.jsonl").write_text('{"question": "a", "answer": "b"}\n' * 50)
        data = 'load_dataset("json", data_files="train.jsonl", split="train")'
        assert len(of_trl(tmp_path, "SFTTrainer", data)) == 1
        renamed = data + '.map(lambda row: {"messages": [row]}, remove_columns=["question"])'
        assert of_trl(tmp_path, "SFTTrainer", renamed) == []

    def test_answers_of_no_conversation(self, tmp_path: Path) -> None:
        asked = ", assistant_only_loss=True"
        [message] = of_trl(tmp_path, "SFTTrainer", ROWS.format("text", "id"), asked)
        assert "assistant_only_loss" in message

    def test_texts_made_of_completions(self, tmp_path: Path) -> None:
        rows, formatted = ROWS.format("prompt", "completion"), ", formatting_func=lambda row: row['prompt']"
        [message] = of_trl(tmp_path, "SFTTrainer", rows, ", completion_only_loss=True", formatted)
        assert "formatting_func" in message
        assert of_trl(tmp_path, "SFTTrainer", rows, ", completion_only_loss=True") == []

    @pytest.mark.torch
    @pytest.mark.parametrize(
        ("columns", "settings", "error", "says"),
        [
            (("instruction", "output"), {}, KeyError, "text"),
            (("text", "id"), {"dataset_text_field": "content"}, KeyError, "content"),
            (("text", "id"), {"assistant_only_loss": True}, ValueError, "not conversational"),
        ],
    )
    def test_what_sft_raises(
        self, tmp_path: Path, columns: tuple[str, str], settings: dict[str, Any], error: type[Exception], says: str
    ) -> None:
        from datasets import Dataset
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
        from trl import SFTConfig, SFTTrainer

        words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="b", pad_token="b")
        config = LlamaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        )
        args = SFTConfig(str(tmp_path), report_to="none", use_cpu=True, bf16=False, **settings)
        data = Dataset.from_list([dict.fromkeys(columns, "a")] * 4)
        with pytest.raises(error, match=says):
            SFTTrainer(model=LlamaForCausalLM(config), args=args, train_dataset=data, processing_class=tokenizer)


class TestRewards:
    def of(self, tmp_path: Path, reward: str, columns: tuple[str, str] = ("prompt", "answer")) -> list[str]:
        extra = f"\n\n{reward}\n\n"
        return of_trl(tmp_path, "GRPOTrainer", ROWS.format(*columns), "", ", reward_funcs=[reward]", extra)

    def test_keywords_that_it_has_no_place_for(self, tmp_path: Path) -> None:
        [message] = self.of(tmp_path, "def reward(completions):\n    return [1.0 for _ in completions]")
        assert "`prompts`" in message
        [message] = self.of(tmp_path, "def reward(prompts, completions, answer):\n    return [1.0 for _ in prompts]")
        assert "`completion_ids` since 0.18.0" in message
        assert self.of(tmp_path, "def reward(completions, **kwargs):\n    return [1.0 for _ in completions]") == []

    def test_columns_that_it_needs(self, tmp_path: Path) -> None:
        needing = "def reward(completions, solution, **kwargs):\n    return [1.0 for _ in completions]"
        [message] = self.of(tmp_path, needing)
        assert "`solution`" in message and "`answer`" in message
        assert self.of(tmp_path, needing, ("prompt", "solution")) == []
        assert self.of(tmp_path, needing.replace("solution,", "solution=None,")) == []

    def test_one_number_for_all(self, tmp_path: Path) -> None:
        [message] = self.of(tmp_path, "def reward(completions, **kwargs):\n    return float(len(completions))")
        assert "one number" in message
        assert self.of(tmp_path, "def reward(completions, **kwargs):\n    return scored(completions)") == []
