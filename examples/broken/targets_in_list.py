"""Two things that only work as a string, written into lists: a regex, and the shorthand for all linear layers."""

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def wrapped(targets):
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B")
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))


late_layers = wrapped([r"model\.layers\.(2[0-7])\..*_proj", "lm_head"])
everything = wrapped(["all-linear"])
