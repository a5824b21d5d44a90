"""A sweep over the rank on one base model, so that adapters pile up, at one alpha, so that the scale falls."""

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

MODEL = "mistralai/Mistral-7B-v0.1"
model = AutoModelForCausalLM.from_pretrained(MODEL, device_map="auto")
# its column `text` holds the prompt and the answer
data = load_dataset("tatsu-lab/alpaca", split="train")

for rank in [4, 8, 16, 32]:
    config = LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=f"sweep/r{rank}", learning_rate=2e-4, num_train_epochs=1),
        train_dataset=data,
    )
    trainer.train()
