"""A sweep over the rank: a fresh model for each run, and alpha tied to the rank."""

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

data = load_dataset("tatsu-lab/alpaca", split="train")

# lora-lint: sweep-keeps=ratio
for rank in (4, 8, 16, 32):
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", device_map="auto"),
        args=SFTConfig(output_dir=f"sweep/r{rank}", learning_rate=1e-4, num_train_epochs=1),
        train_dataset=data,
        peft_config=LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    trainer.train()
