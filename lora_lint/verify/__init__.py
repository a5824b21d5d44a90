"""Settles findings by experiments on the model. Only this package imports torch, transformers or peft."""
