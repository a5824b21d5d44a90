"""Four hundred examples, rank 128, ten epochs; and PEFT's default alpha of 8, which scales the adapter by 1/16."""

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
data = load_dataset("tatsu-lab/alpaca", split="train").shuffle(seed=7).select(range(400))

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="tone-of-voice", num_train_epochs=10, learning_rate=2e-4),
    train_dataset=data,
    peft_config=LoraConfig(r=128, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"),
)
trainer.train()
