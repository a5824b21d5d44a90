"""What all trials of a study share, and the model that they are made on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lora_lint.verify import weights
from lora_lint.verify.measurement import probe
from lora_lint.verify.measurement.bench import Bench, vocabulary

if TYPE_CHECKING:
    from lora_lint.ablate.examples import Example
    from lora_lint.run.run import Adapter
    from lora_lint.verify.measurement.optimizers import Optimizer


@dataclass(frozen=True)
class Host:
    """Where the weights are and how they are loaded: the same in every process."""

    name: str
    folder: str
    parameters: int
    head: str
    device: str
    dtype: str
    micro: int
    threads: int


@dataclass(frozen=True)
class Setup:
    """What a trial needs beside its arm and its seed; a worker on another machine needs nothing else but the weights.

    `held` is the number of examples held out, `points` the steps after which the held-out loss is taken; the learning
    rate falls linearly to 0 over `steps`.
    """

    host: Host
    adapter: Adapter
    optimizer: Optimizer
    batch: int
    examples: tuple[Example, ...]
    held: int
    steps: int
    points: tuple[int, ...]


_open: dict[Host, Bench] = {}


def opened(host: Host) -> Bench:
    """The model, loaded once a process. Raises NoWeights and Skip."""
    import torch

    torch.set_num_threads(host.threads)
    if host not in _open:
        close()
        model = weights.load(weights.Stored(Path(host.folder), host.parameters), host.head, host.dtype, host.device)
        encode = probe.encoder(host.folder, vocabulary(model, "only text models can be trained in a study"))
        _open[host] = Bench(host.name, host.head, model, host.device, host.dtype, host.micro, host.parameters, encode)
    return _open[host]


def close() -> None:
    """Releases the model."""
    _open.clear()
    weights.collect()
