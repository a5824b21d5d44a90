"""A second round of training on a saved adapter."""

from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", dtype="bfloat16", device_map="auto")
model = PeftModel.from_pretrained(base, "out/first-round", is_trainable=True)

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="out/second-round", learning_rate=1e-4, bf16=True),
    train_dataset=load_dataset("tatsu-lab/alpaca", split="train"),
    processing_class=AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1"),
)
trainer.train()
