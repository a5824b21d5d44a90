"""`lora-lint ablate` on a planted truth, and what it costs: `python benchmarks/ablate.py truth|cost|sample`.

The truth is a sweep of five arms on the small model (2.6 M parameters): three that are equal by construction (one rank
after the other, with equal first steps, at a rate at which rank cannot matter), one whose rate is ten times as high and
that learns more in the few steps, and one whose rate is so low that it learns nothing. Each repetition has other
examples. The tables go into docs/ablate.md, and what `sample` prints, the first of these studies, into README.md.
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

BETTER, EQUAL, HOPELESS = "lr 0.005", ("r=16", "r=4"), "lr 1e-12"
PROGRAM = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

for rank, rate in ((8, 5e-4), (16, 5e-4), (4, 5e-4), (8, 5e-3), (8, 1e-12)):
    model = AutoModelForCausalLM.from_pretrained("{model}")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    data = load_dataset("json", data_files="data.jsonl", split="train")
    arguments = TrainingArguments("out", learning_rate=rate, per_device_train_batch_size=4)
    Trainer(model=model, args=arguments, train_dataset=data).train()
"""


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


def cost(model: Path) -> None:
    """Prints what a study costs as it grows, one row for each size."""
    from lora_lint.ablate.session import report
    from lora_lint.settings import Settings

    rows = (
        ("2 arms, 3 seeds", ("rank=16",), 3),
        ("4 arms, 3 seeds", ("rank=4,16,32",), 3),
        ("4 arms, 6 seeds", ("rank=4,16,32",), 6),
        ("8 arms, 3 seeds", ("rank=2,4,16,32,64,128,256",), 3),
    )
    for words, varied, seeds in rows:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = write_project(folder, model, 0, 48)
            os.chdir(folder)
            begun, before = time.monotonic(), time.process_time()
            asked = {"vary": varied, "seeds": seeds, "steps": 20, "examples": 240, "threads": 1, "device": "cpu"}
            report(program.name, {**asked, "output": str(folder / "out")}, Settings(), lambda _: None)
            os.chdir(ROOT)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spent = time.process_time() - before
        print(f"| {words} | {time.monotonic() - begun:.0f} s | {spent:.0f} s | {peak:,.0f} MiB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["truth", "cost", "sample"])
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first repetition, to share them among processes")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--model", type=Path, help="a folder; the small model of the tests if it is not given")
    arguments = parser.parse_args()
    if arguments.model is None:
        from tests.support import small_model

        arguments.model = small_model.folder()
    if arguments.what == "truth":
        truth(
            range(arguments.first - 1, arguments.first - 1 + arguments.repetitions),
            arguments.model.resolve(),
            arguments.steps,
        )
    elif arguments.what == "sample":
        sample(arguments.model.resolve(), arguments.steps)
    else:
        cost(arguments.model.resolve())


if __name__ == "__main__":
    main()
