"""How fast lora-lint is, beside its peers."""
