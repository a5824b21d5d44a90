"""The model without its weights: built on the meta device from its config, wrapped by PEFT as the run says.

A model of 8 billion parameters takes seconds and hardly any memory, and answers every question that depends on names
and shapes alone.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from copy import copy
from dataclasses import dataclass
from importlib.metadata import version
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from lora_lint.knowledge import versions
from lora_lint.records import replace
from lora_lint.run.values import Known, alternatives, known
from lora_lint.verify.configs import config_of
from lora_lint.verify.experiment import Skip
from lora_lint.verify.weights import automatic, in_one_line, name_of, out_of_memory, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lora_lint.run.run import Adapter, Run
    from lora_lint.run.versions import Version
    from lora_lint.verify.configs import ModelConfig

_MOST = 8  # combinations of model and targets to try for one run
_FIELDS = (
    "target_modules",
    "exclude_modules",
    "target_parameters",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "use_dora",
    "bias",
    "lora_bias",
    "modules_to_save",
    "task_type",
    "inference_mode",
)
_USUAL_RANK = 8
_MOST_PARAMETERS = 10**13
PREFIX = "base_model.model."
"""The prefix that the wrap puts before the paths of a base model's modules."""


class Refused(Exception):
    """PEFT's own refusal of an adapter: "ValueError: Please specify `target_modules`"."""


@dataclass(frozen=True)
class Skeleton:
    """A base model on the meta device, with its config and its source. Wrapping changes `model`: take a new one for
    each experiment."""

    name: str
    config: ModelConfig
    model: Any

    def described(self) -> str:
        return f"{self.name} ({type(self.model).__name__} on the meta device, config from {self.config.source})"


def skeleton_of(run: Run) -> Skeleton:
    """The run's model. Raises Skip where its config is not available or transformers cannot build the
    model from it."""
    name = name_of(run)
    found = config_of(run, name)
    return Skeleton(name, found, build(found.config, run))


def build(config: Any, run: Run) -> Any:
    """The model of a config with the run's head, on the meta device, in training mode. Raises Skip."""
    import torch
    import transformers

    from lora_lint.knowledge.resolve import resolve

    labels = known(run.model.labels)
    if labels is not None:
        config = copy(config)
        config.num_labels = labels
    resolved = resolve(run).cases
    wanted = [case.head for case in resolved[:1]]
    failures: list[str] = []
    for head in dict.fromkeys((*wanted, "causal-lm", "image-text-to-text", "seq2seq-lm", "masked-lm", "base")):
        try:
            with quiet(), torch.device("meta"):
                model = automatic(head).from_config(config, trust_remote_code=False)
        except Exception as error:  # each family fails in its own way where a head or a size does not fit
            failures.append(in_one_line(error))
            continue
        size = sum(each.numel() for each in model.parameters())
        if size > _MOST_PARAMETERS:
            raise Skip(f"the model of this config has {size:,} parameters, which is not plausible")
        return model.train()
    raise Skip(f"transformers {transformers.__version__} cannot build a model from this config: {failures[0]}")


def peft_config(adapter: Adapter, **changes: Any) -> Any:
    """PEFT's settings as the run has them: the first of several values, PEFT's default where one is not known;
    `changes` override. Initialisations that need weights are left out. Raises Refused, Skip."""
    from peft import LoraConfig

    settings: dict[str, Any] = {}
    for field in _FIELDS:
        values = alternatives(getattr(adapter, field))
        if values and values[0].value is not None and values[0].origin != "framework-default":
            value = values[0].value
            settings[field] = list(value) if isinstance(value, tuple) else value
    targets = alternatives(adapter.target_modules)
    if targets and targets[0].value is not None:  # the default of a framework other than PEFT
        value = targets[0].value
        settings["target_modules"] = list(value) if isinstance(value, tuple) else value
    settings["r"] = _first(adapter.rank, _USUAL_RANK)
    settings["lora_alpha"] = _first(adapter.alpha, settings["r"])
    settings["lora_dropout"] = _first(adapter.dropout, 0.0)
    if "layers_to_transform" not in settings:
        settings.pop("layers_pattern", None)
    with refusals():
        return LoraConfig(**(settings | changes))


def installed_peft() -> Version:
    """The version of PEFT that the experiments use."""
    return _installed("peft")


def _installed(package: str) -> Version:
    return tuple(int(part) for part in version(package).split(".")[:3] if part.isdecimal())


def same_version(run: Run, package: str) -> None:
    """Raises Skip where the project pins a version of a package older than the one that the experiments use."""
    installed = _installed(package)
    pin = run.before(package, installed)
    if pin is not None:
        name = versions.named(installed)
        raise Skip(f"{package} {name} is installed and behaves differently from the project's ({pin})")


def _first(value: Any, default: Any) -> Any:
    values = [each.value for each in alternatives(value) if isinstance(each.value, (int, float))]
    return values[0] if values else default


def wrap(model: Any, config: Any, name: str = "default") -> Any:
    """The model with an adapter on it, added by PEFT, on the model's device: PEFT would initialise the adapter of a
    skeleton on the CPU first, which takes 20 times as long. Raises Refused, Skip."""
    import torch
    from peft import get_peft_model

    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    with quiet(), refusals(), device:
        return get_peft_model(model, config, adapter_name=name)


def wrapped(run: Run, skeleton: Skeleton) -> Any:
    """The skeleton with the run's adapter on it, for training. Raises Refused, Skip."""
    return wrap(skeleton.model, peft_config(run.adapter, inference_mode=False))


@contextlib.contextmanager
def skipping() -> Iterator[None]:
    """What PEFT refuses, as the reason to skip an experiment that is not about that: raises Skip instead of Refused."""
    try:
        yield
    except Refused as error:
        raise Skip(f"PEFT refuses the adapter: {error}") from error


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What PEFT refuses is raised as Refused. Any other failure (memory, versions that do not go together, a bug) says
    nothing about the run's settings, and is raised as Skip."""
    try:
        yield
    except (Skip, Refused):
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {in_one_line(error)}"
        if _is_refusal(error):
            raise Refused(what) from error
        if out_of_memory(error):
            raise Skip("memory ran out") from error
        raise Skip(f"the installed PEFT and transformers fail at this model: {what}") from error


def failure(attempt: Callable[[], Any], *kinds: type[Exception]) -> str | None:
    """The exception of one of some kinds that an attempt ends with, in words; None where it succeeds. Raises Skip for
    any other failure, and where memory runs out."""
    try:
        with skipping(), refusals():
            attempt()
    except Skip as skip:
        cause = skip.__cause__
        if isinstance(cause, kinds) and not out_of_memory(cause):
            return f"{type(cause).__name__}: {in_one_line(cause)}"
        raise
    return None


def _is_refusal(error: Exception) -> bool:
    """Whether PEFT raised an error itself, or a module of torch that it was about to add did (a dropout above 1)."""
    raisers = [frame.f_globals.get("__name__", "").partition(".") for frame, _ in walk_tb(error.__traceback__)]
    last = raisers[-1][0]
    by_peft = any(name == "peft" for name, *_ in raisers)
    return by_peft and last in ("peft", "torch") and isinstance(error, (ValueError, NotImplementedError))


def possible(run: Run) -> Iterator[Run]:
    """Every single run that a run may stand for, where its model or its targets have several values."""
    names = alternatives(run.model.name) or (None,)
    targets = alternatives(run.adapter.target_modules) or (None,)
    for name, target in itertools.islice(itertools.product(names, targets), _MOST):
        model = run.model if name is None else replace(run.model, name=Known(name.value, name.span, name.origin))
        adapter = run.adapter if target is None else replace(run.adapter, target_modules=target)
        yield replace(run, model=model, adapter=adapter)


def trainable(model: Any) -> dict[str, int]:
    """The trainable parameters with their sizes."""
    return {name: each.numel() for name, each in model.named_parameters() if each.requires_grad}


def owned(model: Any) -> set[str]:
    """The names of all parameters that the adapters on a model own, according to PEFT's layers: lora_A and lora_B,
    DoRA's magnitudes, their own biases, the copies of `modules_to_save`, the deltas of single tokens."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    names: set[str] = set()
    for path, module in model.named_modules():
        if isinstance(module, BaseTunerLayer):
            parts: tuple[str, ...] = tuple(module.adapter_layer_names)
        elif isinstance(module, ModulesToSaveWrapper):
            parts = ("modules_to_save",)
        elif type(module).__name__ == "TrainableTokensWrapper":
            parts = ("token_adapter.trainable_tokens_delta",)
        else:
            continue
        starts = tuple(f"{path}.{part}" for part in parts)
        names |= {f"{path}.{name}" for name, _ in module.named_parameters() if f"{path}.{name}".startswith(starts)}
    return names


def adapted(model: Any) -> dict[str, Any]:
    """PEFT's LoRA layers by the path of the module in the base model."""
    from peft.tuners.lora.layer import LoraLayer

    return {
        path.removeprefix(PREFIX): module for path, module in model.named_modules() if isinstance(module, LoraLayer)
    }


def by_leaf(paths: Iterable[str]) -> str:
    """`q_proj` ×32, `v_proj` ×32: how many of some paths end in each name."""
    counts = Counter(path.rpartition(".")[2] for path in paths)
    return ", ".join(f"`{leaf}` ×{count}" for leaf, count in sorted(counts.items()))


def rank_known(run: Run) -> bool:
    """Whether the counts of a skeleton are those of the run: its rank is a single known number."""
    return known(run.adapter.rank) is not None
