"""A sweep over the rank on one base model, so that adapters pile up, at one alpha, so that the scale falls."""

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

MODEL = "mistralai/Mistral-7B-v0.1"
tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, device_map="auto")
data = load_dataset("tatsu-lab/alpaca", split="train")
data = data.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512))

for rank in [4, 8, 16, 32]:
    config = LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(output_dir=f"sweep/r{rank}", learning_rate=2e-4, num_train_epochs=1),
        train_dataset=data,
    )
    trainer.train()
