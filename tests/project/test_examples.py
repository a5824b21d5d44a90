"""The runs in `examples/`: what is found in the broken ones, nothing in the healthy ones, and the whole ablation study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint.inspection import runs as inspection
from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BROKEN = {
    "adapter_config.json": ["7 LL105", "13 LL202"],
    "axolotl.yml": ["8 LL901", "13 LL202", "16 LL401"],
    "gpt2_llama_names.py": ["7 LL201"],
    "kbit_after_wrap.py": ["15 LL404"],
    "llamafactory.yaml": ["8 LL301", "10 LL105"],
    "notebook.ipynb": ["3 LL104", "4 LL202"],
    "phi3_llama_names.py": ["17 LL202"],
    "rank_sweep.py": ["14 LL101", "15 LL408"],
    "resumed_frozen.py": ["24 LL402"],
    "small_data_high_rank.py": ["15 LL104", "15 LL301"],
    "targets_in_list.py": ["12 LL203", "13 LL204"],
    "unfrozen_base.py": ["14 LL401"],
    "wandb_sweep.yaml": ["13 LL101"],
}
"""Line (in a notebook: of the cell) and code of every error and warning."""
HEALTHY = sorted(path.name for path in (EXAMPLES / "healthy").iterdir() if path.is_file())


def lint(path: Path) -> Outcome:
    assert path.is_file()
    return engine.lint([str(path)], Settings())


def counted(outcome: Outcome) -> list[str]:
    """Line and code of what makes the exit status 1."""
    assert not outcome.failed
    return [
        f"{outcome.source(finding.span.path).locate(finding.span).line} {finding.code}"
        for finding in outcome.findings
        if finding.level != "advice"
    ]


def of_scale(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.findings if finding.code.startswith("LL1")]


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    assert counted(lint(EXAMPLES / "broken" / name)) == BROKEN[name]


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy(name: str) -> None:
    outcome = lint(EXAMPLES / "healthy" / name)
    assert counted(outcome) == []
    assert outcome.summary.runs >= 1


def test_every_broken_example_is_expected() -> None:
    assert sorted(path.name for path in (EXAMPLES / "broken").iterdir() if path.is_file()) == sorted(BROKEN)


def test_the_advice_says_how_to_keep_the_function() -> None:
    """rsLoRA is off at r >= 16 in healthy runs too; what is said of it is advice and does not count."""
    outcome = lint(EXAMPLES / "healthy" / "qlora.py")
    assert [(finding.code, finding.level) for finding in outcome.findings] == [("LL102", "advice")]


def test_a_known_number_of_parameters() -> None:
    """What PEFT prints for seven Llama names on Phi-3-mini at r=8."""
    [finding] = lint(EXAMPLES / "broken" / "phi3_llama_names.py").findings
    assert "4,456,448 parameters" in finding.message


def test_ablation_is_read_completely() -> None:
    runs = inspection.inspect([str(EXAMPLES / "ablation.py")], Settings()).runs
    assert [run["adapter"]["rank"]["value"] for run in runs] == [8, 8, 16, 16, 32, 16]
    assert [run["adapter"]["alpha"]["value"] for run in runs] == [16, 16, 16, 16, 32, 16]
    assert [run["adapter"]["use_rslora"]["value"] for run in runs] == [False, False, True, True, True, True]
    assert [run["adapter"]["use_dora"]["value"] for run in runs] == [False] * 5 + [True]
    assert [len(run["adapter"]["target_modules"]["value"]) for run in runs] == [2, 4, 4, 7, 7, 7]
    assert [run["scale"]["value"] for run in runs] == pytest.approx([2, 2, 4, 4, 32 / 32**0.5, 4])
    assert [f"{run['scale']['value']:.3g}" for run in runs] == ["2", "2", "4", "4", "5.66", "4"]
    assert {run["model"]["name"]["value"] for run in runs} == {"meta-llama/Llama-3.2-1B"}
    assert {run["dataset"]["size"]["value"] for run in runs} == {14_000}
    assert all(run["trained"] and run["training"]["trainer"] == "Trainer" for run in runs)
    # 16 layers of 2048 (keys and values 512, MLP 8192): sum of r(in + out), and DoRA's magnitude for each output.
    attention, mlp = 4096 + 2560 + 2560 + 4096, 3 * 10240
    assert [run["parameters"]["trainable"] for run in runs] == [
        16 * 8 * (4096 + 2560),
        16 * 8 * attention,
        16 * 16 * attention,
        16 * 16 * (attention + mlp),
        16 * 32 * (attention + mlp),
        16 * 16 * (attention + mlp) + 16 * (2048 + 512 + 512 + 2048 + 8192 + 8192 + 2048),
    ]


def test_the_arms_of_the_ablation_take_unequal_steps() -> None:
    """Rank and scale grow from arm to arm, so that the study compares step sizes; every run has a fresh model."""
    outcome = lint(EXAMPLES / "ablation.py")
    assert (counted(outcome), outcome.summary.runs) == (["49 LL107"], 6)
    [finding] = of_scale(outcome)
    assert "differ by up to 11.3 times at equal targets" in finding.message
    assert "r=8, lora_alpha=16 (2 or 4 targets): scale 2, step 1;" in finding.message
    assert "r=16, lora_alpha=16 with rsLoRA (4 or 7 targets): scale 4, step 4;" in finding.message
    assert "r=32, lora_alpha=32 with rsLoRA (7 targets): scale 5.66, step 11.3." in finding.message


@pytest.mark.parametrize(
    ("keeps", "alphas"),
    [("step", {(8, 16): 16, (16, 16): 4, (32, 32): 2.828}), ("ratio", {(8, 16): 16, (16, 16): 8, (32, 32): 11.31})],
)
def test_the_ablation_of_each_school_is_clean(keeps: str, alphas: dict[tuple[int, int], float]) -> None:
    text = (EXAMPLES / "ablation.py").read_text()
    [finding] = of_scale(engine.lint_text(text.encode(), "ablation.py", Settings()))
    spelled = ", ".join(f"{alpha:g}" for alpha in list(alphas.values())[:2])
    assert f"{spelled} and {list(alphas.values())[2]:g} with " in finding.message
    assert f"`# lora-lint: sweep-keeps={keeps}`" in finding.message
    for (rank, old), alpha in alphas.items():
        text = text.replace(f"r={rank}, lora_alpha={old}", f"r={rank}, lora_alpha={alpha}")
    text = text.replace("RECIPES = [", f"# lora-lint: sweep-keeps={keeps}\nRECIPES = [")
    assert of_scale(engine.lint_text(text.encode(), "ablation.py", Settings())) == []
