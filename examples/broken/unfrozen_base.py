"""Every parameter is set trainable after the wrap: full fine-tuning that saves the adapter alone."""

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-1.5B")
config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(model, config)

# "element 0 of tensors does not require grad" went away with this
for parameter in model.parameters():
    parameter.requires_grad = True

data = load_dataset("databricks/databricks-dolly-15k", split="train")
data = data.map(lambda row: {"text": row["instruction"] + "\n" + row["response"]})

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="dolly", learning_rate=2e-4, num_train_epochs=2),
    train_dataset=data,
)
trainer.train()
model.save_pretrained("dolly/adapter")
