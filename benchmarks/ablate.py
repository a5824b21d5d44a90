"""`lora-lint ablate` on a planted truth, and what it costs: `python benchmarks/ablate.py truth|cost|sample`.

The truth is a sweep of five arms on a trained model: three that are equal by construction (their rates differ by 2%),
one whose rate is ten times as high and that learns more in the few steps, and one whose rate is so low that it learns
nothing. Each repetition has other examples. Models are trained here by `scripts/train_small_model.py`. The tables go
into docs/ablate.md, and what `sample` prints, the first of these studies, below them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

BETTER, EQUAL, HOPELESS = "lr 0.01", ("lr 0.00102", "lr 0.00098"), "lr 1e-12"
SHAPES = {
    "0.1 M parameters": (64, 2, 4, 160),
    "0.6 M parameters": (128, 3, 4, 320),
    "2.6 M parameters": (192, 6, 6, 480),
}
"""Hidden size, layers, heads, inner size."""
TRAINED = 150
"""Steps that a model is trained before a study."""
PROGRAM = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

for rank, rate in ((8, 1e-3), (8, 1.02e-3), (8, 0.98e-3), (8, 1e-2), (8, 1e-12)):
    model = AutoModelForCausalLM.from_pretrained("{model}")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    data = load_dataset("json", data_files="data.jsonl", split="train")
    arguments = TrainingArguments("out", learning_rate=rate, per_device_train_batch_size=4)
    Trainer(model=model, args=arguments, train_dataset=data).train()
"""


def trained(shape: str, folder: Path) -> Path:
    """A model of a shape that has read a part of Python's library."""
    from scripts import train_small_model

    for name, size in zip(("HIDDEN", "LAYERS", "HEADS", "INNER"), SHAPES[shape], strict=True):
        setattr(train_small_model, name, size)
    return train_small_model.build(folder / shape.partition(" ")[0], TRAINED).resolve()


def write_project(folder: Path, model: Path, part: int, length: int, count: int = 240) -> Path:
    """A program and examples of its own for each part."""
    texts = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[100:]:
        content = path.read_text(encoding="utf-8", errors="ignore")
        content = content.upper()  # the small model has read the library as it is, and has nothing to learn from that
        texts += [content[start : start + length] for start in range(0, len(content) - length, 4 * length)]
    chosen = texts[part * count : (part + 1) * count]
    (folder / "data.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in chosen), encoding="utf-8")
    program = folder / "train.py"
    program.write_text(PROGRAM.format(model=model), encoding="utf-8")
    return program


def truth(parts: range, model: Path, steps: int) -> None:
    """Prints a row for each repetition: what became of the arms."""
    from lora_lint.ablate.results import results_of
    from lora_lint.ablate.session import request_of
    from lora_lint.ablate.source import source_of
    from lora_lint.ablate.study import study
    from lora_lint.settings import Settings

    found = 0
    print("| repetition | better arm | equal arms | arm that cannot learn | found |\n|---|---|---|---|---|", flush=True)
    for part in parts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = write_project(folder, model, part, 48)
            os.chdir(folder)
            asked = {"steps": steps, "examples": 240, "threads": 1, "device": "cpu", "output": str(folder / "out")}
            results = results_of(study(source_of(program.name, Settings()), request_of(asked), lambda _: None))
            os.chdir(ROOT)
        arms = {each.recipe.name: each for each in results.arms}
        judged = {
            name: each.versus_baseline.judged if each.versus_baseline is not None else each.status
            for name, each in arms.items()
        }
        better = next(judged[name] for name in judged if name.endswith(BETTER))
        equal = [judged[name] for name in judged if name.endswith(EQUAL)]
        hopeless = next(judged[name] for name in judged if name.endswith(HOPELESS))
        taken = results.recommended
        right = (
            better == "better"
            and taken is not None
            and taken.recipe.name.endswith(BETTER)
            and not {"better", "worse"} & set(equal)
            and hopeless == "worse"
        )
        found += right
        print(f"| {part + 1} | {better} | {', '.join(equal)} | {hopeless} | {'yes' if right else 'no'} |", flush=True)
    print(f"\nThe planted order was found in {found} of {len(parts)} repetitions.")


def sample(model: Path, steps: int) -> None:
    """Prints what a user sees of a study."""
    from lora_lint.ablate.session import report
    from lora_lint.settings import Settings

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = write_project(folder, model, 0, 48)
        os.chdir(folder)
        asked = {"steps": steps, "examples": 240, "threads": 1, "device": "cpu", "output": "ablation"}
        print(report(program.name, asked, Settings(), lambda _: None))
        os.chdir(ROOT)


def cost(models: Path) -> None:
    """Prints what a study costs as it grows, one row for each size."""
    from lora_lint.ablate.session import report
    from lora_lint.settings import Settings

    small, medium, large = SHAPES
    rows = (
        (small, "2 arms, 3 seeds", ("rank=16",), 3),
        (small, "4 arms, 3 seeds", ("rank=4,16,32",), 3),
        (small, "4 arms, 6 seeds", ("rank=4,16,32",), 6),
        (small, "8 arms, 3 seeds", ("rank=2,4,16,32,64,128,256",), 3),
        (medium, "2 arms, 3 seeds", ("rank=16",), 3),
        (large, "2 arms, 3 seeds", ("rank=16",), 3),
    )
    print("| model | study | CPU time | peak of the process |\n|---|---|---|---|", flush=True)
    for shape, words, varied, seeds in rows:
        model = trained(shape, models)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = write_project(folder, model, 0, 48)
            os.chdir(folder)
            before = time.process_time()
            asked = {"vary": varied, "seeds": seeds, "steps": 20, "examples": 240, "threads": 1, "device": "cpu"}
            report(program.name, {**asked, "output": str(folder / "out")}, Settings(), lambda _: None)
            os.chdir(ROOT)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spent = time.process_time() - before
        print(f"| {shape} | {words} | {spent:.0f} s | {peak:,.0f} MiB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["truth", "cost", "sample"])
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first repetition, to share them among processes")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--shape", choices=tuple(SHAPES), default=next(iter(SHAPES)))
    arguments = parser.parse_args()
    first = arguments.first - 1
    with tempfile.TemporaryDirectory() as name:
        if arguments.what == "cost":
            cost(Path(name))
            return
        model = trained(arguments.shape, Path(name))
        if arguments.what == "truth":
            truth(range(first, first + arguments.repetitions), model, arguments.steps)
        else:
            sample(model, arguments.steps)


if __name__ == "__main__":
    main()
