"""Phi-3 with its own names: one projection for queries, keys and values, one for gate and up."""

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
config = LoraConfig(
    r=8, lora_alpha=16, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"], task_type="CAUSAL_LM"
)
model = get_peft_model(model, config)
model.print_trainable_parameters()
