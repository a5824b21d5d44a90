"""Search spaces of Optuna, Ray Tune, W&B and scikit-learn, and grids: the runs that a search tries."""

from __future__ import annotations

import textwrap

import pytest

from tests.support.reading import IMPORTS, plain, read_python

OBJECTIVE = """\
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    model = get_peft_model(model, LoraConfig(r={r}, lora_alpha={alpha}, target_modules=["c_attn"]))
    Trainer(model=model, args=TrainingArguments("out")).train()
"""


def training(r: str, alpha: str) -> str:
    return OBJECTIVE.format(r=r, alpha=alpha)


SUGGEST = '    r = trial.suggest_categorical("r", [4, 8, 16])\n'
SEARCHES: dict[str, tuple[str, str, list[tuple[object, object]]]] = {
    "an objective that another file hands to its study": (
        "def objective(trial):\n" + SUGGEST + training("r", "32"),
        "Optuna study",
        [(4, 32), (8, 32), (16, 32)],
    ),
    "tied, define by run": (
        "def objective(trial):\n" + SUGGEST + training("r", "r * 2"),
        "Optuna study",
        [(4, 8), (8, 16), (16, 32)],
    ),
    "an objective that is an object": (
        "import optuna\nclass Objective:\n    def __init__(self, data):\n        self.data = data\n"
        "    def __call__(self, trial):\n" + textwrap.indent(SUGGEST + training("r", "16"), "    ")
        + "optuna.create_study().optimize(Objective(None), n_trials=5)",
        "Optuna study",
        [(4, 16), (8, 16), (16, 16)],
    ),
    "an objective in a lambda": (
        "import optuna\ndef objective(trial, data):\n" + SUGGEST + training("r", "16")
        + "study = optuna.create_study()\nstudy.optimize(lambda trial: objective(trial, 1), n_trials=5)",
        "Optuna study",
        [(4, 16), (8, 16), (16, 16)],
    ),
    "model_init of a Trainer's search": (
        'def model_init(trial):\n    r = trial.suggest_int("r", 4, 64) if trial is not None else 8\n'
        + training("r", "16")
        + '    return model\nTrainer(model_init=model_init).hyperparameter_search(backend="optuna")',
        "Optuna study",
        [(4, 16), (64, 16)],
    ),
    "Ray's range of whole numbers, without its end": (
        "from ray import tune\ndef fit(config):\n"
        + training('config["r"]', "16")
        + 'tune.run(fit, config={"r": tune.randint(2, 10)})',
        "Ray Tune search",
        [(2, 16), (9, 16)],
    ),
    "Ray's partial": (
        "from functools import partial\nfrom ray import tune\ndef fit(config, data=None):\n"
        + training('config["r"]', '2 * config["r"]')
        + 'tune.run(partial(fit, data=1), config={"r": tune.grid_search([4, 8])})',
        "Ray Tune search",
        [(4, 8), (8, 16)],
    ),
    "Ray's resources and parameters": (
        "from ray import tune\ndef fit(config, data=None):\n" + training('config["r"]', "16")
        + "fit = tune.with_resources(tune.with_parameters(fit, data=1), {'gpu': 1})\n"
        + 'tune.Tuner(fit, param_space={"r": tune.choice([4, 8])}).fit()',
        "Ray Tune search",
        [(4, 16), (8, 16)],
    ),
    "a Ray trainer": (
        "from ray import tune\nfrom ray.train.torch import TorchTrainer\ndef loop(config):\n"
        + training('config["r"]', 'config["alpha"]')
        + 'trainer = TorchTrainer(loop, train_loop_config={"r": 8, "alpha": 16})\n'
        + 'tune.Tuner(trainer, param_space={"train_loop_config": {"r": tune.grid_search([8, 32])}}).fit()',
        "Ray Tune search",
        [(8, 16), (32, 16)],
    ),
    "alpha of a function of Ray's": (
        "from ray import tune\ndef fit(config):\n" + training('config["r"]', 'config["alpha"]')
        + 'tune.run(fit, config={"r": tune.choice([4, 8]), "alpha": tune.sample_from(lambda s: s.config.r * 2)})',
        "Ray Tune search",
        [(4, None), (8, None)],
    ),
    "scikit-learn's grid": (
        "from sklearn.model_selection import ParameterGrid\n"
        'for p in ParameterGrid({"r": [4, 8], "lr": [1e-4, 2e-4]}):\n' + training('p["r"]', "16"),
        "loop",
        [(4, 16), (8, 16)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("program", "kind", "points"), SEARCHES.values(), ids=SEARCHES)
def test_searches(program: str, kind: str, points: list[tuple[object, object]]) -> None:
    (sweep,) = read_python(IMPORTS + program).sweeps
    assert sweep.kind.phrase == kind
    found = [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs]
    assert found == [(rank, alpha if alpha is not None else plain(None)) for rank, alpha in points]


def test_a_ray_trainer_that_nothing_searches_runs_its_loop() -> None:
    program = (
        "from ray.train.torch import TorchTrainer\ndef loop(config):\n"
        + training('config["r"]', "16")
        + 'trainer = TorchTrainer(train_loop_per_worker=loop, train_loop_config={"r": 8})\n'
    )
    (run,) = read_python(f"{IMPORTS}{program}trainer.fit()").runs
    assert plain(run.adapter.rank) == 8


def test_a_grid_that_is_not_known() -> None:
    program = "from sklearn.model_selection import ParameterGrid\nfor p in ParameterGrid(grid):\n" + training(
        'p["r"]', "16"
    )
    assert read_python(IMPORTS + program).sweeps == ()


def test_a_number_that_is_called_trial() -> None:
    program = "def build(trial=1):\n    r = 8 * trial\n" + training("r", "16") + "build()"
    (run,) = read_python(IMPORTS + program).runs
    assert plain(run.adapter.rank) == 8
