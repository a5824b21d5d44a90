"""The small causal models that experiments are tested on: made once on this machine, and kept for the next runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import torch
from filelock import FileLock
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = ROOT / "scripts" / "train_small_model.py"
_STEPS = 50  # enough for weights that are not random


def folder() -> Path:
    """The folder of the model (2.6 M parameters, Llama's names, bytes for tokens); trained if it is not there yet.
    Workers that ask at the same time wait for the first of them."""
    digest = hashlib.sha256(_SCRIPT.read_bytes()).hexdigest()[:12]
    made = ROOT / ".pytest_cache" / f"small-model-{digest}"
    if not made.is_dir():
        made.parent.mkdir(exist_ok=True)
        with FileLock(f"{made}.lock"):
            command = [sys.executable, str(_SCRIPT), str(made), "--steps", str(_STEPS), "--threads", "1"]
            done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
            assert done.returncode == 0, done.stderr
    return made


def tiny() -> Path:
    """The folder of a model on which a training takes a moment: two narrow layers with random weights, and bytes for
    tokens."""
    made = ROOT / ".pytest_cache" / "tiny-model"
    made.parent.mkdir(exist_ok=True)
    with FileLock(f"{made}.lock"):
        if not (made / "model.safetensors").is_file():
            torch.manual_seed(0)
            config = LlamaConfig(
                vocab_size=256, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4
            )
            LlamaForCausalLM(config).save_pretrained(made)
    return made
