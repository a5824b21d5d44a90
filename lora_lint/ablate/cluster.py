"""Trials as Ray tasks: on this machine's processors and GPUs, or on a cluster.

Ray places the tasks, and starts one again when its worker dies. A trial depends on its arm and seed alone, so the
numbers are those of a study in one process.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.trial import perform
from lora_lint.verify.measurement.bench import Late
from lora_lint.verify.weights import in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.ablate.setup import Setup
    from lora_lint.ablate.trial import Done, TrialTask

LOCAL = "local"
_RETRIES = 3


class Cluster:
    """Ray, on this machine if `address` is "local", otherwise at that address. `gpus` is the share of a GPU that a
    trial takes. Raises StudyError."""

    def __init__(self, address: str, gpus: float) -> None:
        try:
            import ray
        except ImportError as error:
            raise StudyError('--ray needs Ray: pip install "lora-lint[ablate]"') from error
        self._ray = ray
        self._gpus = gpus
        ending = signal.getsignal(signal.SIGTERM)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a local Ray would report its use to its makers
        try:
            ray.init(
                address=address,
                include_dashboard=False if address == LOCAL else None,
                log_to_driver=False,
                logging_level="error",
            )
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise StudyError(f"Ray cannot be reached at {address}: {in_one_line(error)}") from error
        finally:
            signal.signal(signal.SIGTERM, ending)  # Ray installs a handler of its own

    def __call__(self, setup: Setup, tasks: Sequence[TrialTask], ends: float) -> Iterator[Done]:
        ray = self._ray
        there = ray.cluster_resources()
        gpus = self._gpus if setup.host.device == "cuda" else 0
        if gpus > there.get("GPU", 0):
            raise StudyError(f"a training takes {gpus:g} GPUs, and Ray has {there.get('GPU', 0):g}: give --gpus")
        cpus = min(setup.host.threads, there.get("CPU", 1))
        remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=_RETRIES)(perform)
        shared = ray.put(setup)
        waiting: list[Any] = [remote.remote(shared, task, ends) for task in tasks]
        try:
            while waiting:
                left = max(ends - time.time(), 0.0)
                finished, waiting = ray.wait(waiting, num_returns=1, timeout=left)
                if not finished:
                    raise Late
                yield _outcome(ray, finished[0])
        finally:
            for each in waiting:
                ray.cancel(each, force=True)

    def close(self) -> None:
        self._ray.shutdown()


def _outcome(ray: Any, reference: Any) -> Done:
    try:
        done: Done = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, Late):
            raise Late from error
        raise StudyError(f"a Ray worker failed: {in_one_line(error.cause or error)}") from error
    except ray.exceptions.RayError as error:
        raise StudyError(f"a Ray worker died {_RETRIES + 1} times: {in_one_line(error)}") from error
    return done
