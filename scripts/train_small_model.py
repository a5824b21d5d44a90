"""Trains a small Llama-style model of bytes on the Python sources of this machine, for tests and benchmarks:
`python scripts/train_small_model.py FOLDER [--steps 150] [--threads 2]`.

About 2.5 million parameters, safetensors in float32, no tokenizer files: the bytes of a text are its tokens. It is
trained far enough to know the letters, indents and keywords of Python, which is enough for weights that are not random.
The folder appears at once and whole; a folder that is there already is kept.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

WINDOW = 128  # bytes
BATCH = 8
RATE = 2e-3
HIDDEN, LAYERS, HEADS, INNER = 192, 6, 6, 480
ENOUGH = 2_000_000  # bytes of text


def corpus() -> bytes:
    """Python's own library, in the order of the names, up to two megabytes."""
    library = Path(sysconfig.get_paths()["stdlib"])
    text = b""
    for path in sorted(library.glob("*.py")):
        text += path.read_bytes()
        if len(text) > ENOUGH:
            break
    return text


def config() -> Any:
    """The shape: 2.5 million parameters."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=256,
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )


def train(steps: int, say: bool = False) -> Any:
    """The trained model; the same on each call with the same steps and threads."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(config())
    data = torch.frombuffer(bytearray(corpus()), dtype=torch.uint8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        starts = torch.randint(len(data) - WINDOW, (BATCH,)).tolist()
        window = torch.stack([data[start : start + WINDOW] for start in starts]).long()
        loss = model(input_ids=window, labels=window).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if say and (step % 25 == 24 or step == 0):
            print(f"step {step + 1}: {loss.item():.3f} nats a byte", file=sys.stderr, flush=True)
    return model


def build(folder: Path, steps: int, say: bool = False) -> Path:
    """Trains and saves; gives `folder`. Nothing is done if it is there."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".small-model-") as unfinished:
        made = Path(unfinished) / "model"
        train(steps, say).save_pretrained(made, safe_serialization=True)
        try:
            os.replace(made, folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                shutil.move(made, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--threads", type=int, default=0, help="0: torch decides")
    arguments = parser.parse_args()
    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    print(build(arguments.folder, arguments.steps, say=True))


if __name__ == "__main__":
    main()
