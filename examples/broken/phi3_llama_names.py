"""Phi-3 with the targets of a Llama script: Phi-3 has fused projections, so that most names match nothing."""

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

MODEL = "microsoft/Phi-3-mini-4k-instruct"

tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, dtype="bfloat16", device_map="auto")

peft_config = LoraConfig(
    r=8,
    lora_alpha=16,
    lora_dropout=0.05,
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    task_type="CAUSAL_LM",
)

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="phi3-tuned", learning_rate=2e-4, num_train_epochs=1, bf16=True),
    train_dataset=load_dataset("HuggingFaceH4/ultrachat_200k", split="train_sft"),
    peft_config=peft_config,
    processing_class=tokenizer,
)
trainer.train()
