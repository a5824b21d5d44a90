"""From a run to everything that the trials of its study share."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.examples import encoded, held_out_size
from lora_lint.ablate.schedule import rungs
from lora_lint.ablate.setup import Host, Setup, opened
from lora_lint.run.values import alternatives
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.batches import LARGEST, batch_size
from lora_lint.verify.measurement.data import NoTexts, texts_of
from lora_lint.verify.measurement.optimizers import optimizer_of

if TYPE_CHECKING:
    from typing import Literal

    from lora_lint.run.run import Run

LENGTH = {"cpu": 128, "cuda": 512}
"""Tokens of an example; longer ones are cut."""
_MOST_THREADS = 4
_EVALUATIONS = 8


def check_weights(run: Run) -> None:
    """Raises StudyError if the run's weights are not on this machine, before anything takes time."""
    try:
        weights.stored(run)
    except Skip as error:
        raise StudyError(f"the study cannot be made: {error}") from error
    except weights.NoWeights as error:
        raise _without_weights(error) from error


def _without_weights(error: weights.NoWeights) -> StudyError:
    return StudyError(f"{error}: give a folder that has them with --model FOLDER")


def host_of(run: Run, device: Literal["auto", "cuda", "cpu", "meta"], rank: int, threads: int | None) -> Host:
    """The run's own weights, and how they are loaded. `rank` is the highest of the study. Raises StudyError where they
    are not on this machine, or do not fit."""
    try:
        name = weights.name_of(run)
        chosen = weights.device_of(device)
        stored = weights.stored(run)
        config = weights.load_config(stored.folder)
        head = weights.head_of(run, config)
        if head not in ("causal-lm", "image-text-to-text"):
            raise StudyError(f"a study compares held-out losses of causal language models, and this is {head}")
        plan = weights.plan(
            stored.parameters,
            config,
            device=chosen,
            dtypes=weights.dtypes_for(run, config, chosen, exact=False),
            sequences=min(batch_size(run), LARGEST),
            length=LENGTH[chosen],
            rank=rank,
        )
    except Skip as error:
        raise StudyError(f"the study cannot be made: {error}") from error
    except weights.TooBig as error:
        raise StudyError(f"the model does not fit: {error}") from error
    except weights.NoWeights as error:
        raise _without_weights(error) from error
    count = threads or usual_threads()
    folder = str(stored.folder.resolve())
    return Host(name, folder, stored.parameters, head, chosen, plan.dtype, plan.micro, count)


def usual_threads() -> int:
    """As many threads as a trial gains from, whether or not others run beside it: with another number torch adds up in
    another order, and the numbers would differ in their last digits. torch has no more than OMP_NUM_THREADS allows."""
    import torch

    allowed: int = torch.get_num_threads()
    return min(allowed, _MOST_THREADS)


def setup_of(run: Run, host: Host, examples: int) -> tuple[Setup, str]:
    """What the trials share, for a single step so far, and the name of the data. Raises StudyError where the run's data
    is not on this machine."""
    try:
        texts = texts_of(run, examples)
    except NoTexts as error:
        names = [each.value for each in alternatives(run.dataset.name) if isinstance(each.value, str)]
        hub = bool(names) and names[0].count("/") == 1 and not names[0].startswith((".", "/", "~"))
        download = f"download it with `hf download --repo-type dataset {names[0]}`, or " if hub else ""
        raise StudyError(f"a study needs the run's own data: {error}; {download}give --data FILE") from error
    try:
        bench = opened(host)
    except (weights.NoWeights, Skip) as error:
        raise StudyError(f"the model cannot be loaded: {error}") from error
    config = bench.model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    longest = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    length = min(LENGTH[host.device], longest) if isinstance(longest, int) and longest > 8 else LENGTH[host.device]
    found = encoded(texts.texts, bench.encode, length)
    held = held_out_size(len(found), host.device)
    batch = min(batch_size(run), LARGEST, len(found) - held)
    return Setup(host, run.adapter, optimizer_of(run), batch, found, held, 1, (0, 1)), texts.source


def for_steps(setup: Setup, steps: int) -> Setup:
    """The same for trainings of a number of steps."""
    points = {round(steps * each / _EVALUATIONS) for each in range(_EVALUATIONS + 1)} | {*rungs(steps)}
    return replace(setup, steps=steps, points=tuple(sorted(points)))


def rate_of(run: Run) -> float:
    """The run's learning rate; the usual one where it is not known."""
    return optimizer_of(run).rate


def digest(setup: Setup) -> str:
    """Of the examples, so that a journal is not continued on others."""
    return hashlib.sha256(repr([each.tokens for each in setup.examples]).encode()).hexdigest()[:16]


def versions() -> dict[str, Any]:
    """Of what the numbers depend on."""
    import peft
    import torch
    import transformers

    return {each.__name__: each.__version__ for each in (torch, transformers, peft)}
