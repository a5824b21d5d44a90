"""Instruction tuning with TRL: all linear layers, rank 16 for 15,000 examples, alpha twice the rank."""

import argparse

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="meta-llama/Llama-3.2-3B")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--output", default="dolly")
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype="bfloat16", device_map="auto")
    data = load_dataset("databricks/databricks-dolly-15k", split="train")
    data = data.map(
        lambda row: {"prompt": row["instruction"] + "\n", "completion": row["response"]},
        remove_columns=data.column_names,
    ).train_test_split(test_size=500, seed=0)

    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=args.output,
            learning_rate=args.rate,
            num_train_epochs=2,
            per_device_train_batch_size=4,
            gradient_accumulation_steps=4,
            bf16=True,
        ),
        train_dataset=data["train"],
        eval_dataset=data["test"],
        peft_config=LoraConfig(
            r=args.rank,
            lora_alpha=2 * args.rank,
            lora_dropout=0.05,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            use_rslora=False,
            task_type="CAUSAL_LM",
        ),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
