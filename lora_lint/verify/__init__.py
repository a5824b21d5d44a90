"""Settles findings by experiments on the model: the only place that imports torch, transformers or peft."""
