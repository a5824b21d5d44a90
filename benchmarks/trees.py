"""Trees of files to measure on, generated: the same seed gives the same bytes everywhere.

The scripts are put together from blocks that fine-tuning scripts are made of (settings as constants, argparse or
dataclasses; models, quantization, adapters, data, trainers or hand-written loops; helpers of every kind around them),
so that their sizes and idioms vary as those of real ones do. Nothing here is ever run.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODELS = {
    "meta-llama/Llama-3.1-8B": "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj",
    "mistralai/Mistral-7B-v0.1": "q_proj k_proj v_proj o_proj",
    "Qwen/Qwen2.5-7B-Instruct": "q_proj v_proj",
    "google/gemma-2-9b": "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj",
    "microsoft/Phi-3-mini-4k-instruct": "qkv_proj o_proj gate_up_proj down_proj",
    "tiiuae/falcon-7b": "query_key_value dense",
    "EleutherAI/pythia-1.4b": "query_key_value",
    "gpt2": "c_attn c_proj",
    "bigscience/bloom-3b": "query_key_value",
    "facebook/opt-1.3b": "q_proj v_proj",
}
DATASETS = ("tatsu-lab/alpaca", "databricks/databricks-dolly-15k", "timdettmers/openassistant-guanaco", "imdb")

IMPORTS = """\
import argparse
import json
import logging
import math
import os
import random
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

import numpy as np
import torch
from datasets import Dataset, load_dataset
from peft import LoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
    get_linear_schedule_with_warmup,
    set_seed,
)
from trl import SFTConfig, SFTTrainer

logger = logging.getLogger(__name__)
"""

CONSTANTS = """\
MODEL_NAME = "{model}"
DATASET = "{dataset}"
OUTPUT_DIR = "outputs/{name}"
LORA_R = {rank}
LORA_ALPHA = {alpha}
LORA_DROPOUT = {dropout}
TARGET_MODULES = {targets}
LEARNING_RATE = {rate}
EPOCHS = {epochs}
BATCH_SIZE = {batch}
MAX_LENGTH = 1024


class args:
    model_name, dataset, output_dir = MODEL_NAME, DATASET, OUTPUT_DIR
    lora_r, lora_alpha, lora_dropout = LORA_R, LORA_ALPHA, LORA_DROPOUT
    learning_rate, num_epochs, batch_size, max_length = LEARNING_RATE, EPOCHS, BATCH_SIZE, MAX_LENGTH
    target_modules = TARGET_MODULES
"""

ARGPARSE = """\
def parse_args():
    parser = argparse.ArgumentParser(description="Fine-tune {model} with LoRA")
    parser.add_argument("--model_name", type=str, default="{model}")
    parser.add_argument("--dataset", type=str, default="{dataset}")
    parser.add_argument("--output_dir", type=str, default="outputs/{name}")
    parser.add_argument("--lora_r", type=int, default={rank}, help="LoRA rank")
    parser.add_argument("--lora_alpha", type=int, default={alpha}, help="LoRA alpha")
    parser.add_argument("--lora_dropout", type=float, default={dropout})
    parser.add_argument("--target_modules", nargs="+", default={targets})
    parser.add_argument("--learning_rate", type=float, default={rate})
    parser.add_argument("--num_epochs", type=int, default={epochs})
    parser.add_argument("--batch_size", type=int, default={batch})
    parser.add_argument("--max_length", type=int, default=1024)
    parser.add_argument("--load_in_4bit", action="store_true")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


args = parse_args()
"""

DATACLASSES = """\
@dataclass
class ScriptArguments:
    model_name: str = field(default="{model}", metadata={{"help": "The model to fine-tune"}})
    dataset: str = field(default="{dataset}", metadata={{"help": "The data to train on"}})
    output_dir: str = "outputs/{name}"
    lora_r: int = field(default={rank}, metadata={{"help": "LoRA rank"}})
    lora_alpha: int = field(default={alpha})
    lora_dropout: float = {dropout}
    target_modules: List[str] = field(default_factory=lambda: {targets})
    learning_rate: float = {rate}
    num_epochs: int = {epochs}
    batch_size: int = {batch}
    max_length: int = 1024
    report_to: Optional[str] = None


args = ScriptArguments()
"""

LOADS = (
    """\
tokenizer = AutoTokenizer.from_pretrained(args.model_name)
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(args.model_name, torch_dtype=torch.bfloat16, device_map="auto")
model.config.use_cache = False
""",
    """\
quantization = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_compute_dtype=torch.bfloat16,
    bnb_4bit_use_double_quant=True,
)
tokenizer = AutoTokenizer.from_pretrained(args.model_name, use_fast=True)
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(args.model_name, quantization_config=quantization, device_map="auto")
model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=True)
""",
    """\
def load_model(name, dtype=torch.float16):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.padding_side = "right"
    model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=dtype)
    if hasattr(model, "enable_input_require_grads"):
        model.enable_input_require_grads()
    return model, tokenizer


model, tokenizer = load_model(args.model_name)
""",
)

ADAPTERS = (
    """\
peft_config = LoraConfig(
    r=args.lora_r,
    lora_alpha=args.lora_alpha,
    lora_dropout=args.lora_dropout,
    target_modules=args.target_modules,
    bias="none",
    task_type=TaskType.CAUSAL_LM,
)
model = get_peft_model(model, peft_config)
model.print_trainable_parameters()
""",
    """\
def add_lora(model, rank, alpha):
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules={targets}, lora_dropout={dropout}, bias="none", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


model = add_lora(model, {rank}, {alpha})
trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
logger.info("trainable parameters: %d", trainable)
""",
    """\
lora_kwargs = dict(r={rank}, lora_alpha={alpha}, lora_dropout={dropout}, bias="none", task_type="CAUSAL_LM")
if args.target_modules:
    lora_kwargs["target_modules"] = {targets}
model = get_peft_model(model, LoraConfig(**lora_kwargs))
""",
)

SWEEP = """\
for rank in (4, 8, 16, 32):
    base = AutoModelForCausalLM.from_pretrained("{model}")
    candidate = get_peft_model(base, LoraConfig(r=rank, lora_alpha={alpha}, target_modules={targets}))
    logger.info("r=%d", rank)
    candidate.print_trainable_parameters()
"""

DATA = """\
data = load_dataset(args.dataset, split="train")
data = data.train_test_split(test_size=0.05, seed=42)


def tokenize(example):
    text = example["text"] if "text" in example else example.get("instruction", "") + example.get("output", "")
    return tokenizer(text, truncation=True, max_length=args.max_length, padding=False)


train_data = data["train"].shuffle(seed=42).map(tokenize, num_proc=4, remove_columns=data["train"].column_names)
eval_data = data["test"].map(tokenize, remove_columns=data["test"].column_names)
"""

TRAININGS = (
    """\
training_args = TrainingArguments(
    output_dir=args.output_dir,
    num_train_epochs=args.num_epochs,
    per_device_train_batch_size=args.batch_size,
    gradient_accumulation_steps=4,
    learning_rate=args.learning_rate,
    lr_scheduler_type="cosine",
    warmup_ratio=0.03,
    bf16=True,
    logging_steps=10,
    save_strategy="epoch",
    optim="paged_adamw_8bit",
)
trainer = Trainer(
    model=model,
    args=training_args,
    train_dataset=train_data,
    eval_dataset=eval_data,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
trainer.save_model(args.output_dir)
tokenizer.save_pretrained(args.output_dir)
""",
    """\
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir=args.output_dir,
        num_train_epochs={epochs},
        per_device_train_batch_size={batch},
        learning_rate={rate},
        max_length=1024,
        packing=True,
    ),
    train_dataset=train_data,
    eval_dataset=eval_data,
    processing_class=tokenizer,
)
trainer.train()
model.save_pretrained(args.output_dir)
""",
    """\
loader = DataLoader(train_data, batch_size=args.batch_size, shuffle=True, collate_fn=lambda rows: rows)
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=args.learning_rate)
scheduler = get_linear_schedule_with_warmup(optimizer, 100, len(loader) * args.num_epochs)
model.train()
for epoch in range(args.num_epochs):
    running = 0.0
    for step, batch in enumerate(loader):
        batch = {{key: value.to(model.device) for key, value in batch.items()}}
        loss = model(**batch, labels=batch["input_ids"]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        running += loss.item()
        if step % 50 == 0:
            logger.info("epoch %d step %d loss %.4f", epoch, step, running / (step + 1))
model.save_pretrained(args.output_dir)
""",
)

MERGE = """\
if __name__ == "__main__":
    base = AutoModelForCausalLM.from_pretrained("{model}", torch_dtype=torch.float16)
    merged = PeftModel.from_pretrained(base, args.output_dir).merge_and_unload()
    merged.save_pretrained(os.path.join(args.output_dir, "merged"))
"""

HELPERS = (
    '''\
def format_prompt_{n}(example: Dict[str, Any], system: str = "You are a helpful assistant.") -> str:
    """Puts one example into the template the model was trained with."""
    instruction = example.get("instruction", "").strip()
    context = example.get("input", "").strip()
    response = example.get("output", "").strip()
    if context:
        prompt = f"### System:\\n{{system}}\\n\\n### Instruction:\\n{{instruction}}\\n\\n### Input:\\n{{context}}\\n\\n"
    else:
        prompt = f"### System:\\n{{system}}\\n\\n### Instruction:\\n{{instruction}}\\n\\n"
    return prompt + f"### Response:\\n{{response}}"
''',
    '''\
def compute_metrics_{n}(eval_prediction):
    """Perplexity and accuracy of the next token."""
    logits, labels = eval_prediction
    shifted = np.asarray(logits)[:, :-1].argmax(-1)
    wanted = np.asarray(labels)[:, 1:]
    mask = wanted != -100
    accuracy = float((shifted[mask] == wanted[mask]).mean()) if mask.any() else 0.0
    loss = float(np.mean([row.sum() for row in mask])) / max(len(mask), 1)
    return {{"accuracy": accuracy, "perplexity": math.exp(min(loss, 20.0)), "tokens": int(mask.sum())}}
''',
    '''\
@torch.no_grad()
def generate_{n}(model, tokenizer, prompts: List[str], max_new_tokens: int = 128, temperature=0.7) -> List[str]:
    """Answers for a few prompts, to look at."""
    model.eval()
    answers = []
    for prompt in prompts:
        encoded = tokenizer(prompt, return_tensors="pt").to(model.device)
        output = model.generate(
            **encoded,
            max_new_tokens=max_new_tokens,
            do_sample=temperature > 0,
            temperature=temperature,
            top_p=0.95,
            pad_token_id=tokenizer.eos_token_id,
        )
        answers.append(tokenizer.decode(output[0][encoded["input_ids"].shape[1] :], skip_special_tokens=True))
    model.train()
    return answers
''',
    '''\
def read_jsonl_{n}(path: str, limit: Optional[int] = None) -> Dataset:
    """A dataset out of a file with one JSON object a line; bad lines are counted and passed over."""
    rows, bad = [], 0
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            if limit is not None and number >= limit:
                break
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                bad += 1
    if bad:
        logger.warning("%s: %d bad lines", path, bad)
    return Dataset.from_list(rows)
''',
    '''\
class Accumulator_{n}:
    """Running means of the numbers that are logged."""

    def __init__(self, names: List[str], window: int = 100) -> None:
        self.window = window
        self.values = {{name: [] for name in names}}
        self.steps = 0

    def update(self, **numbers: float) -> None:
        for name, number in numbers.items():
            history = self.values.setdefault(name, [])
            history.append(float(number))
            if len(history) > self.window:
                history.pop(0)
        self.steps += 1

    def means(self) -> Dict[str, float]:
        return {{name: sum(history) / len(history) for name, history in self.values.items() if history}}

    def __str__(self) -> str:
        return " ".join(f"{{name}}={{mean:.4f}}" for name, mean in sorted(self.means().items()))
''',
    """\
def seed_everything_{n}(seed: int = 42, deterministic: bool = False) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    set_seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    if deterministic:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
""",
    '''\
def pack_{n}(examples: Dict[str, List[List[int]]], length: int = 2048) -> Dict[str, List[List[int]]]:
    """Joins the examples of a batch and cuts them into blocks of one length."""
    joined = {{key: sum(values, []) for key, values in examples.items()}}
    total = len(joined["input_ids"]) // length * length
    packed = {{key: [values[i : i + length] for i in range(0, total, length)] for key, values in joined.items()}}
    packed["labels"] = [list(ids) for ids in packed["input_ids"]]
    return packed
''',
    '''\
def save_checkpoint_{n}(model, tokenizer, folder: str, step: int, metrics: Dict[str, float], keep: int = 3) -> str:
    """Saves the adapter and what was measured, and removes the oldest checkpoints."""
    path = os.path.join(folder, f"checkpoint-{{step}}")
    os.makedirs(path, exist_ok=True)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    with open(os.path.join(path, "metrics.json"), "w", encoding="utf-8") as file:
        json.dump({{"step": step, **metrics}}, file, indent=2, sort_keys=True)
    saved = sorted((name for name in os.listdir(folder) if name.startswith("checkpoint-")), key=len)
    for name in saved[:-keep]:
        for inner in os.listdir(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name, inner))
        os.rmdir(os.path.join(folder, name))
    return path
''',
    '''\
class PromptCollator_{n}:
    """Pads a batch and hides the prompt from the loss."""

    def __init__(self, tokenizer, response_template: str = "### Response:", ignore_index: int = -100):
        self.tokenizer = tokenizer
        self.template = tokenizer.encode(response_template, add_special_tokens=False)
        self.ignore_index = ignore_index

    def __call__(self, features: List[Dict[str, Any]]) -> Dict[str, torch.Tensor]:
        batch = self.tokenizer.pad(features, return_tensors="pt")
        labels = batch["input_ids"].clone()
        for row in range(labels.size(0)):
            ids = labels[row].tolist()
            start = next(
                (i for i in range(len(ids)) if ids[i : i + len(self.template)] == self.template),
                None,
            )
            if start is None:
                labels[row, :] = self.ignore_index
            else:
                labels[row, : start + len(self.template)] = self.ignore_index
        batch["labels"] = labels
        return batch
''',
)

PLAIN_IMPORTS = """\
import collections
import functools
import json
import logging
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

logger = logging.getLogger(__name__)
"""

PLAIN = (
    '''\
@dataclass
class Record_{n}:
    """One row of the table."""

    identifier: int
    name: str
    tags: List[str] = field(default_factory=list)
    parent: Optional["Record_{n}"] = None

    def path(self) -> str:
        parts, node = [], self
        while node is not None:
            parts.append(node.name)
            node = node.parent
        return "/".join(reversed(parts))

    def matches(self, pattern: str) -> bool:
        return re.search(pattern, self.path()) is not None or any(re.search(pattern, tag) for tag in self.tags)
''',
    '''\
def load_settings_{n}(path: Path, defaults: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """The settings of a file over the defaults; unknown keys are an error."""
    settings = dict(defaults or {{}})
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        logger.info("%s does not exist, using defaults", path)
        return settings
    except json.JSONDecodeError as error:
        raise ValueError(f"{{path}}: {{error}}") from error
    for key, value in content.items():
        if defaults is not None and key not in defaults:
            raise KeyError(f"{{path}}: unknown setting {{key}}")
        settings[key] = value
    return settings
''',
    '''\
class Cache_{n}:
    """Keeps the last results of a slow function."""

    def __init__(self, function, size: int = 128) -> None:
        self.function = function
        self.size = size
        self.entries: "collections.OrderedDict[Tuple[Any, ...], Any]" = collections.OrderedDict()
        self.hits = self.misses = 0
        functools.update_wrapper(self, function)

    def __call__(self, *key: Any) -> Any:
        if key in self.entries:
            self.hits += 1
            self.entries.move_to_end(key)
            return self.entries[key]
        self.misses += 1
        value = self.entries[key] = self.function(*key)
        while len(self.entries) > self.size:
            self.entries.popitem(last=False)
        return value
''',
    '''\
def group_{n}(rows: Iterable[Dict[str, Any]], key: str, *, skip_missing=True) -> Dict[Any, List[Dict[str, Any]]]:
    """Rows by the value of one column, in the order of their first appearance."""
    groups: Dict[Any, List[Dict[str, Any]]] = {{}}
    for number, row in enumerate(rows):
        if key not in row:
            if not skip_missing:
                raise KeyError(f"row {{number}} has no {{key}}")
            continue
        groups.setdefault(row[key], []).append(row)
    return groups
''',
    """\
def main_{n}(arguments: Optional[List[str]] = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        print("usage: tool FILE...", file=sys.stderr)
        return 2
    failures = 0
    for name in arguments:
        path = Path(name)
        if not path.is_file():
            logger.error("%s is no file", path)
            failures += 1
            continue
        size = os.path.getsize(path)
        print(f"{{path}}: {{size}} bytes, {{sum(1 for _ in path.open('rb'))}} lines")
    return 1 if failures else 0
""",
)

AXOLOTL = """\
base_model: {model}
load_in_4bit: true
datasets:
  - path: {dataset}
    type: alpaca
val_set_size: 0.05
output_dir: ./outputs/{name}
sequence_len: 2048
adapter: qlora
lora_r: {rank}
lora_alpha: {alpha}
lora_dropout: {dropout}
lora_target_modules: {targets}
gradient_accumulation_steps: 4
micro_batch_size: {batch}
num_epochs: {epochs}
optimizer: paged_adamw_8bit
lr_scheduler: cosine
learning_rate: {rate}
bf16: auto
warmup_ratio: 0.1
"""

LLAMAFACTORY = """\
### model
model_name_or_path: {model}

### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: {rank}
lora_alpha: {alpha}
lora_target: all

### dataset
dataset: alpaca_en_demo
template: default
cutoff_len: 2048

### train
output_dir: saves/{name}
per_device_train_batch_size: {batch}
learning_rate: {rate}
num_train_epochs: {epochs}
"""

COMMAND = """\
#!/usr/bin/env bash
set -e
export CUDA_VISIBLE_DEVICES=0
accelerate launch train.py --model_name_or_path {model} --dataset_name {dataset} \\
    --output_dir outputs/{name} --use_peft --lora_r {rank} --lora_alpha {alpha} --learning_rate {rate} \\
    --num_train_epochs {epochs} --per_device_train_batch_size {batch}
"""

SHARED = """\
from dataclasses import dataclass, field

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


@dataclass
class LoraSettings:
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.05
    target_modules: list = field(default_factory=lambda: ["q_proj", "v_proj"])


def build_model(name, settings):
    model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
    config = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def count_trainable(model):
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
"""

MODULE = """\
class Settings_{number}:
    \"\"\"What one experiment with LoRA is started with.\"\"\"

    lora_r = 16
    lora_alpha = 32

    def model(self, name):
        return build_model(name, LoraSettings(self.lora_r, self.lora_alpha))


def report_{number}(model):
    logger.info("trainable: %d", count_trainable(model))
"""

CALLER = """\
class args:
    model_name, dataset, output_dir = "{model}", "{dataset}", "outputs/{name}"
    learning_rate, num_epochs, batch_size, max_length = {rate}, {epochs}, {batch}, 1024


settings = LoraSettings(lora_r={rank}, lora_alpha={alpha}, lora_dropout={dropout}, target_modules={targets})
tokenizer = AutoTokenizer.from_pretrained(args.model_name)
model = build_model(args.model_name, settings)
print(count_trainable(model))
"""


def few(folder: Path, files: int, seed: int = 0) -> None:
    """A project of `files` files of which one in a hundred is about LoRA."""
    rng = random.Random(seed)
    for number in range(files):
        if number % 100 == 50:
            _write(folder, number, "py", script(rng, number))
        elif number % 10 == 5:
            rows = [{"id": n, "name": f"row {n}", "weight": rng.random()} for n in range(rng.randrange(5, 60))]
            _write(folder, number, "json", json.dumps(rows, indent=1))
        else:
            _write(folder, number, "py", _joined(rng, PLAIN_IMPORTS, PLAIN, _lines(rng)))


def all_about_lora(folder: Path, files: int, seed: int = 1) -> None:
    """A project in which each file is about LoRA, or imports one that is, made like real ones.

    Of the 7,268 files that are linted in eight repositories (diffusers, peft, ms-swift, LLaMA-Factory, trl, axolotl,
    xtuner, unsloth's notebooks) 61% are Python and make no adapter themselves, 20% are Python and do, 8% are notebooks,
    4% YAML, 4% shell and 3% JSON. Nine in ten of the former import files of their project, two in three of the latter;
    a Python file has four such imports on average.
    """
    rng = random.Random(seed)
    (folder / "common").mkdir(parents=True)
    (folder / "common" / "adapters.py").write_bytes(SHARED.encode("utf-8"))
    modules: list[int] = []
    for number in range(files):
        share = number * 37 % 100  # each of 100 numbers once, mixed
        if share < 61:
            _write(folder, number, "py", module(rng, number, modules))
            modules.append(number)
        elif share < 81:
            own = share < 68
            _write(folder, number, "py", script(rng, number) if own else caller(rng, number, modules))
        elif share < 89:
            _write(folder, number, "ipynb", notebook(script(rng, number)))
        elif share < 93:
            template = AXOLOTL if share < 91 else LLAMAFACTORY
            _write(folder, number, "yaml", template.format(**_facts(rng, number)))
        elif share < 97:
            _write(folder, number, "sh", COMMAND.format(**_facts(rng, number)))
        else:
            _write(folder, number, "json", adapter(rng, number))


def module(rng: random.Random, number: int, others: list[int]) -> str:
    """A file of functions and classes for other files, which makes no adapter itself."""
    shared = "from common.adapters import LoraSettings, build_model, count_trainable\n"
    head = f"{PLAIN_IMPORTS}\n{_imports(rng, others)}{shared if rng.random() < 0.9 else ''}"
    text = _joined(rng, head, PLAIN, _lines(rng))
    return f"{text}\n\n{MODULE.format(number=number)}"


def caller(rng: random.Random, number: int, others: list[int]) -> str:
    """A fine-tuning script that takes what it does from other files of the project."""
    head = f"{IMPORTS}\n{_imports(rng, others)}from common.adapters import LoraSettings, build_model, count_trainable\n"
    facts = _facts(rng, number)
    own = "\n\n".join(part.format(**facts) for part in (CALLER, DATA, rng.choice(TRAININGS)))
    return f"{_joined(rng, head, HELPERS, _lines(rng) - own.count(chr(10)))}\n\n{own}"


def _imports(rng: random.Random, others: list[int]) -> str:
    """Imports of three of the modules that are there, fewer at first."""
    chosen = rng.sample(others, min(3, len(others)))
    return "".join(f"from part_{each % 40:02d}.file_{each:04d} import Settings_{each}\n" for each in chosen)


def script(rng: random.Random, number: int, lines: int | None = None) -> str:
    """A fine-tuning script of about `lines` lines (at random: from 120 to 500, half of them below 230)."""
    facts = _facts(rng, number)
    parts = [rng.choice((CONSTANTS, ARGPARSE, DATACLASSES)), rng.choice(LOADS), rng.choice(ADAPTERS), DATA]
    parts += [rng.choice(TRAININGS)]
    if rng.random() < 0.1:
        parts.append(SWEEP)
    if rng.random() < 0.3:
        parts.append(MERGE)
    own = "\n\n".join(part.format(**facts) for part in parts)
    wanted = (lines or _lines(rng)) - own.count("\n")
    return _joined(rng, f'"""Fine-tuning {facts["model"]} with LoRA."""\n\n{IMPORTS}', HELPERS, wanted) + "\n\n" + own


def notebook(text: str) -> str:
    """A script as a notebook: a cell for each paragraph between two empty lines, with some output."""
    cells = []
    for number, part in enumerate(text.split("\n\n\n")):
        output = {"name": "stdout", "output_type": "stream", "text": [f"step {n}: loss {n}\n" for n in range(20)]}
        cells.append(
            {
                "cell_type": "code",
                "execution_count": number,
                "metadata": {},
                "source": part.splitlines(keepends=True),
                "outputs": [output],
            }
        )
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def adapter(rng: random.Random, number: int) -> str:
    """An adapter_config.json."""
    facts = _facts(rng, number)
    content = {
        "base_model_name_or_path": facts["model"],
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": facts["alpha"],
        "lora_dropout": facts["dropout"],
        "peft_type": "LORA",
        "r": facts["rank"],
        "target_modules": MODELS[str(facts["model"])].split(),
        "task_type": "CAUSAL_LM",
    }
    return json.dumps(content, indent=2)


def _facts(rng: random.Random, number: int) -> dict[str, object]:
    model = rng.choice(list(MODELS))
    rank = rng.choice((4, 8, 16, 32, 64))
    return {
        "name": f"run-{number}",
        "model": model,
        "dataset": rng.choice(DATASETS),
        "rank": rank,
        "alpha": rank * rng.choice((1, 2, 2, 4)),
        "dropout": rng.choice((0.0, 0.05, 0.1)),
        "targets": json.dumps(MODELS[model].split()),
        "rate": rng.choice((1e-4, 2e-4, 3e-4)),
        "epochs": rng.choice((1, 2, 3)),
        "batch": rng.choice((1, 2, 4, 8)),
    }


def _lines(rng: random.Random) -> int:
    return min(500, int(120 + rng.expovariate(1 / 160)))


def _joined(rng: random.Random, head: str, blocks: tuple[str, ...], lines: int) -> str:
    """A head and blocks in random order until there are enough lines."""
    parts = [head]
    length = head.count("\n")
    while length < lines:
        for block in rng.sample(blocks, len(blocks)):
            if length >= lines:
                break
            part = block.format(n=len(parts))
            parts.append(part)
            length += part.count("\n") + 2
    return "\n\n".join(parts)


def _write(folder: Path, number: int, suffix: str, text: str) -> None:
    inside = folder / f"part_{number % 40:02d}"
    inside.mkdir(parents=True, exist_ok=True)
    (inside / f"file_{number:04d}.{suffix}").write_bytes(text.encode("utf-8"))
