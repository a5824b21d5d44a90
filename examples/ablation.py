"""An ablation study: six LoRA recipes, each one step away from the one before, on the same model and data.

    python examples/ablation.py --model meta-llama/Llama-3.2-1B

`lora-lint inspect examples/ablation.py` reads all six runs: their ranks, scales and targets. As in many such studies
the first optimizer step grows from recipe to recipe at one learning rate, which LL107 points out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from datasets import Dataset, load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
    set_seed,
)

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]


@dataclass
class Recipe:
    """What one run of the study changes; everything else is the same in all of them."""

    name: str
    r: int
    lora_alpha: int
    target_modules: list[str] = field(default_factory=lambda: ["q_proj", "v_proj"])
    use_rslora: bool = False
    use_dora: bool = False


RECIPES = [
    Recipe(name="baseline", r=8, lora_alpha=16),
    Recipe(name="attention", r=8, lora_alpha=16, target_modules=ATTENTION),
    Recipe(name="rank-stabilised", r=16, lora_alpha=16, target_modules=ATTENTION, use_rslora=True),
    Recipe(name="all-linear", r=16, lora_alpha=16, target_modules=ATTENTION + MLP, use_rslora=True),
    Recipe(name="larger", r=32, lora_alpha=32, target_modules=ATTENTION + MLP, use_rslora=True),
    Recipe(name="dora", r=16, lora_alpha=16, target_modules=ATTENTION + MLP, use_rslora=True, use_dora=True),
]


def tokenized(tokenizer, split: str, length: int) -> Dataset:
    """Dolly's instructions and answers as tokens."""
    data = load_dataset("databricks/databricks-dolly-15k", split=split)

    def encode(row):
        text = f"### Instruction:\n{row['instruction']}\n\n### Response:\n{row['response']}{tokenizer.eos_token}"
        tokens = tokenizer(text, truncation=True, max_length=length)
        return {**tokens, "labels": tokens["input_ids"]}

    return data.map(encode, remove_columns=data.column_names)


def train(recipe: Recipe, args: argparse.Namespace, tokenizer, train_data: Dataset, eval_data: Dataset) -> dict:
    """Trains one recipe on a fresh copy of the model; gives its losses and its number of trainable parameters."""
    set_seed(args.seed)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.bfloat16)
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=0.05,
        target_modules=recipe.target_modules,
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        bias="none",
    )
    model = get_peft_model(model, config)
    model.print_trainable_parameters()

    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(Path(args.output, recipe.name)),
            num_train_epochs=1,
            per_device_train_batch_size=8,
            gradient_accumulation_steps=2,
            learning_rate=2e-4,
            lr_scheduler_type="cosine",
            warmup_steps=20,
            bf16=True,
            logging_steps=10,
            report_to="none",
            seed=args.seed,
        ),
        train_dataset=train_data,
        eval_dataset=eval_data,
        data_collator=DataCollatorForSeq2Seq(tokenizer),  # which masks what it pads, and not the end of the text
    )
    result = trainer.train()
    trainer.save_model()
    trainable, _ = model.get_nb_trainable_parameters()
    return {
        "name": recipe.name,
        "trainable": trainable,
        "train_loss": result.training_loss,
        "eval_loss": trainer.evaluate()["eval_loss"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="meta-llama/Llama-3.2-1B")
    parser.add_argument("--output", default="ablation")
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    tokenizer.pad_token = tokenizer.eos_token
    train_data = tokenized(tokenizer, "train[:14000]", args.length)
    eval_data = tokenized(tokenizer, "train[14000:]", args.length)

    results = []
    for recipe in RECIPES:
        results.append(train(recipe, args, tokenizer, train_data, eval_data))
        print(json.dumps(results[-1]))
    Path(args.output, "results.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
