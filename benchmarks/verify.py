"""What `--verify` costs: each tier and experiment, and how it grows with ranks, seeds and the size of the model.

    python benchmarks/verify.py [--write docs/verify.md]

Run it where the extra `verify` is installed. Every line is one run of the command as a process: seconds of the
experiment as its verdict tells them, and the CPU time and peak memory of the whole process, in which importing torch,
transformers and peft is most of what the structure tier takes. No network is asked, and models are made here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.run import END, START, Cost, cost  # noqa: E402
from scripts import train_small_model  # noqa: E402

SHAPES = {  # hidden size, layers, heads, inner size
    "2.6 M parameters": (192, 6, 6, 480),
    "10 M parameters": (384, 6, 6, 960),
    "20 M parameters": (384, 12, 6, 960),
}
IMPORTS = "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM, Trainer\n"
SWEEP = """\
for rank in {ranks}:
    model = AutoModelForCausalLM.from_pretrained("{model}")
    Trainer(model=get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules="all-linear"))).train()
"""
ONE = """\
model = AutoModelForCausalLM.from_pretrained("{model}")
model = get_peft_model(model, LoraConfig({settings}))
{after}
Trainer(model=model{data}).train()
"""
DATA = ', args=TrainingArguments("out", num_train_epochs=3), train_dataset=load_dataset("json", data_files="d.jsonl")'
CODE = "# lora-lint: task=code\n"
UNFREEZE = "for parameter in model.parameters():\n    parameter.requires_grad = True"
LIMITS = {"structure, 8 B shape": (15.0, 2 * 2**30), "sweep of 5 ranks, 3 seeds": (60.0, None)}
"""Seconds, and bytes at the peak, that must not be exceeded."""


@dataclass(frozen=True)
class Work:
    """A program to verify: the rule whose finding is settled, and more options."""

    name: str
    code: str
    program: str
    options: tuple[str, ...] = ()


def one(model: str, settings: str, after: str = "", data: str = "") -> str:
    imports = "from datasets import load_dataset\nfrom transformers import TrainingArguments\n" if data else ""
    return imports + IMPORTS + ONE.format(model=model, settings=settings, after=after, data=data)


def works() -> list[Work]:
    """All that is measured, in the order of the table."""
    small, medium, large = SHAPES
    partial = 'r=8, target_modules=["q_proj", "no_such_layer"]'
    meta = ("--device", "meta")

    limited = ("--time-budget", "120")
    everywhere = 'r=4, lora_alpha=8, target_modules="all-linear"'
    attention = 'r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]'

    def sweep(*ranks: int, model: str = small) -> str:
        return IMPORTS + SWEEP.format(ranks=ranks, model=model)

    def at(rate: float) -> str:
        return one(
            small, everywhere, data=DATA.replace("num_train_epochs=3", f"num_train_epochs=3, learning_rate={rate}")
        )

    return [
        Work("structure, small model", "LL202", one(small, partial), meta),
        Work("structure, 8 B shape", "LL202", one("8b", partial), meta),
        Work("trainability, one step", "LL401", one(small, 'r=8, target_modules=["q_proj"]', UNFREEZE)),
        Work("rsLoRA off", "LL102", one(small, 'r=64, lora_alpha=64, target_modules="all-linear"')),
        Work("scale out of range", "LL104", one(small, 'r=64, lora_alpha=4, target_modules="all-linear"')),
        Work("sweep of 2 ranks, 3 seeds", "LL101", sweep(8, 128), ("--seeds", "3")),
        Work("sweep of 5 ranks, 3 seeds", "LL101", sweep(8, 16, 32, 64, 128), ("--seeds", "3")),
        Work("sweep of 5 ranks, 6 seeds", "LL101", sweep(8, 16, 32, 64, 128), ("--seeds", "6")),
        Work(f"sweep of 2 ranks, {medium}", "LL101", sweep(8, 128, model=medium), ("--seeds", "3")),
        Work(f"sweep of 2 ranks, {large}", "LL101", sweep(8, 128, model=large), ("--seeds", "3")),
        Work("rank against data, 200 examples", "LL301", one(small, "r=64", data=DATA), limited),
        Work("rank below the task's range, 200 examples", "LL303", CODE + one(small, everywhere, data=DATA), limited),
        Work("attention alone, 200 examples", "LL213", CODE + one(small, attention, data=DATA), limited),
        Work("rate for full fine-tuning, 200 examples", "LL501", at(2e-5), limited),
        Work("rate too high, 200 examples", "LL502", at(0.1), limited),
        Work("DoRA", "LL504", one(small, f"{everywhere}, use_dora=True")),
        Work("memory of a step, 8 B shape", "LL304", "# lora-lint: gpu-memory=12\n" + one("8b", everywhere), meta),
    ]


def prepare(folder: Path) -> None:
    """The models of all programs, and the data."""
    from transformers import LlamaConfig, LlamaForCausalLM

    names = iter(SHAPES)
    trained = train_small_model.build(folder / "trained", steps=30)
    shutil.move(trained, folder / next(names))
    for name in names:
        hidden, layers, heads, inner = SHAPES[name]
        LlamaForCausalLM(
            LlamaConfig(
                vocab_size=256,
                hidden_size=hidden,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                intermediate_size=inner,
                max_position_embeddings=512,
            )
        ).save_pretrained(folder / name)
    LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
    ).save_pretrained(folder / "8b")
    text = Path(re.__file__).read_text(encoding="utf-8")
    rows = [text[start : start + 200] for start in range(0, 60 * 200, 60)]
    (folder / "d.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows), encoding="utf-8")


def run(work: Work, folder: Path) -> tuple[float, str, Cost]:
    """Seconds of the experiment, its verdict, and what the process took."""
    (folder / "train.py").write_text(work.program, encoding="utf-8")
    report = folder / "report.json"
    device = () if "--device" in work.options else ("--device", "cpu")
    found = cost(
        [
            *(
                sys.executable,
                "-m",
                "lora_lint",
                "--verify",
                "--isolated",
                "--select",
                work.code,
                *work.options,
                *device,
            ),
            *("--output-format", "json", "--output-file", str(report), "train.py"),
        ],
        folder,
    )
    [finding] = json.loads(report.read_text(encoding="utf-8"))["findings"]
    return finding["verdict"]["seconds"], finding["verdict"]["status"], found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its markers there")
    arguments = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    lines = ["| experiment | rule | verdict | experiment takes | CPU time of all | peak |", "|---|---|---|---|---|---|"]
    missed = []
    with tempfile.TemporaryDirectory(prefix="lora-lint-benchmark-") as made:
        folder = Path(made)
        prepare(folder)
        for work in works():
            seconds, status, found = run(work, folder)
            lines.append(
                f"| {work.name} | {work.code} | {status} | {seconds:.1f} s | {found.seconds:.1f} s "
                f"| {found.bytes / 2**20:,.0f} MiB |"
            )
            print(lines[-1], flush=True)
            longest, largest = LIMITS.get(work.name, (None, None))
            if (longest and seconds > longest) or (largest and found.bytes > largest):
                missed.append(work.name)
    system = f"{os.cpu_count()} cores, no GPU, Python {platform.python_version()}, {platform.system()}"
    text = "\n".join([*lines, "", f"Measured on {system}."])
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        between = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
        arguments.write.write_text(
            between.sub(lambda _: f"{START}\n{text}\n{END}", page), encoding="utf-8", newline="\n"
        )
    for name in missed:
        print(f"missed: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
