"""lora-lint: a linter for LoRA fine-tuning scripts and configs."""

__version__ = "0.1.0"
