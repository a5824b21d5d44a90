"""QLoRA in the wrong order: the k-bit preparation freezes all there is, and by then that is the adapter too."""

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

model = AutoModelForCausalLM.from_pretrained(
    "meta-llama/Llama-2-13b-hf",
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    ),
)
config = LoraConfig(r=64, lora_alpha=64, use_rslora=True, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(model, config)
model = prepare_model_for_kbit_training(model)
