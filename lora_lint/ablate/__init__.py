"""`lora-lint ablate`: an ablation study whose arms start with equal steps, see the same examples and differ beyond
noise or are called equal."""
