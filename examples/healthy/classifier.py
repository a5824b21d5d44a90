"""Sentiment with BERT: the task type keeps the new head trainable and saves it."""

from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=2)
model = get_peft_model(
    model, LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, target_modules=["query", "value"])
)

data = load_dataset("stanfordnlp/imdb").map(lambda row: tokenizer(row["text"], truncation=True))
trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir="imdb", learning_rate=5e-4, num_train_epochs=1),
    train_dataset=data["train"],
    eval_dataset=data["test"],
    processing_class=tokenizer,
)
trainer.train()
