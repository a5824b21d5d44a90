"""A second round of training on a saved adapter, which is loaded frozen: the trainer runs and nothing changes."""

import argparse

from datasets import load_dataset
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="mistralai/Mistral-7B-v0.1")
parser.add_argument("--adapter", default="out/first-round")
parser.add_argument("--output", default="out/second-round")
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
tokenizer.pad_token = tokenizer.eos_token
base = AutoModelForCausalLM.from_pretrained(args.model, dtype="bfloat16", device_map="auto")
model = PeftModel.from_pretrained(base, args.adapter)

data = load_dataset("tatsu-lab/alpaca", split="train")
data = data.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512), remove_columns=data.column_names)

trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir=args.output, learning_rate=1e-4, gradient_checkpointing=True, bf16=True),
    train_dataset=data,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
model.save_pretrained(args.output)
