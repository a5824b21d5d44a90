"""Finds weights on this machine, checks whether they fit, and loads them.

Reads only safetensors from a local folder or the hub's cache: downloads nothing, unpickles nothing, and runs no code
from a model's repository.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lora_lint.knowledge.architectures import class_of, head_for, head_for_task, heads_of_loaders
from lora_lint.run.values import ABSENT, alternatives, known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.probe import HEADS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.run.run import Run

FULL = "float32"
HALF = "bfloat16"
QUARTER = "4-bit"
STORED = "stored"
_HALVES = ("bfloat16", "float16", "bf16", "fp16", "half")
_BYTES = {FULL: 4.0, HALF: 2.0, QUARTER: 0.6, STORED: 1.2}
"""Per parameter, 4-bit ones with their scales and the parts that stay in bfloat16; for stored ones per stored value."""
_CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""The limit and the use of memory of a control group, version 2 and version 1."""
_MODULE = re.compile(r"\(\n  .*?\n\)", re.DOTALL)
_SHARE = 0.9  # share of the free memory to plan with
_ACTIVATIONS = 18  # float32 values that the backward pass keeps per token, layer and hidden unit (attention and MLP)
_LOGITS = 4  # copies of the logits: the model's, the float32 ones, the loss's, their gradient
_ADAPTED = 20  # inputs and outputs of a layer's seven projections, in hidden sizes


class NoWeights(Exception):
    """The weights are not here or cannot be used; the message completes "because …"."""


class TooBig(NoWeights):
    """The weights do not fit, or take too long."""


@dataclass(frozen=True)
class Stored:
    """Weights on this machine: `parameters` as the files have them."""

    folder: Path
    parameters: int


@dataclass(frozen=True)
class LoadPlan:
    """How to load weights: their type, and how many sequences go through the model at once."""

    dtype: str
    micro: int


def name_of(run: Run) -> str:
    """The model's name. Raises Skip where the run does not give it."""
    names = [each.value for each in alternatives(run.model.name) if isinstance(each.value, str)]
    if names:
        return names[0]
    if run.model.architecture:
        return run.model.architecture
    raise Skip(f"the model is not known: {getattr(run.model.name, 'why', 'it is not given')}")


def part_of(run: Run) -> tuple[str | None, str]:
    """The revision (None: the default one) and the subfolder of the run's model. Raises Skip where one is given and not
    known."""
    found = []
    for what, value in (("revision", run.model.revision), ("subfolder", run.model.subfolder)):
        given = alternatives(value)
        if not given and value is not ABSENT:
            raise Skip(f"the {what} of the model is not known: {getattr(value, 'why', 'it is computed')}")
        found.append(given[0].value if given else None)
    return found[0] or None, found[1] or ""


def folder_of(run: Run, name: str) -> Path | None:
    """The folder that holds the config of the run's model: a path (relative to the working directory or to the file
    that names it), or its snapshot in the hub's cache, at the run's revision and subfolder. Raises Skip."""
    revision, subfolder = part_of(run)
    for start in (Path(), Path(run.path).parent):
        with contextlib.suppress(OSError, RuntimeError):
            folder = start / Path(name).expanduser() / subfolder
            if (folder / "config.json").is_file():
                return folder
    if name.count("/") > 1 or name.startswith((".", "~", "/")):
        return None
    from huggingface_hub import try_to_load_from_cache

    with contextlib.suppress(ValueError, OSError):
        file = f"{subfolder}/config.json" if subfolder else "config.json"
        found = try_to_load_from_cache(name, file, revision=revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def stored(run: Run) -> Stored:
    """The weights of the run's model. Raises NoWeights, Skip."""
    name = name_of(run)
    folder = folder_of(run, name)
    if folder is None:
        on_hub = name.count("/") == 1 and name[0] not in "./~"
        how = f" (`{_download(name, *part_of(run))}` brings them)" if on_hub else ""
        raise NoWeights(f"the weights of {name} are not on this machine{how}")
    files = _files(folder)
    return Stored(folder, sum(_parameters(file) for file in files))


def _download(name: str, revision: str | None, subfolder: str) -> str:
    """The command that brings a model into the hub's cache."""
    parts = ["hf", "download", name]
    parts += ["--revision", revision] if revision else []
    return shlex.join(parts + (["--include", f"{subfolder}/*"] if subfolder else []))


def _files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoWeights(f"{index.name} in {folder} cannot be read") from error
        missing = [each for each in names if not (folder / each).is_file()]
        if missing:
            raise NoWeights(f"{len(missing)} of {len(names)} weight files are missing in {folder}")
        return [folder / each for each in names]
    whole = folder / "model.safetensors"
    if whole.is_file():
        return [whole]
    others = [each for each in os.listdir(folder) if each.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    how = "only in pickled form, which is never read" if others else "not on this machine"
    raise NoWeights(f"the weights of {folder.name} are {how}")


def _parameters(file: Path) -> int:
    """How many values a file holds, from its header."""
    from safetensors import SafetensorError, safe_open

    count = 0
    try:
        with safe_open(str(file), framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118
                count += math.prod(tensors.get_slice(key).get_shape())
    except (SafetensorError, OSError) as error:
        raise NoWeights(f"{file.name} is damaged: {error}") from error
    return count


def head_of(run: Run, config: Any) -> str:
    """The head to load: that of the run's loader or task type, otherwise that of the checkpoint. Raises Skip."""
    head = head_for(run.model.loader) or head_for_task(known(run.adapter.task_type))
    if head is None:
        saved = (getattr(config, "architectures", None) or [None])[0]
        named = class_of(saved) if saved else None
        head = named[1] if named is not None and named[1] in HEADS else "causal-lm"
    if head not in HEADS:
        raise Skip(f"only text models are measured, and this one is loaded as {head}")
    return head


def automatic(head: str) -> Any:
    """The class of transformers that loads a head. Raises Skip."""
    import transformers

    found = (getattr(transformers, name, None) for name in heads_of_loaders().get(head, ()))
    made = next((each for each in found if each is not None), None)
    if made is None:
        raise Skip(f"transformers {transformers.__version__} cannot load a model as {head}")
    return made


def device_of(wanted: str) -> str:
    """cuda if there is one and it is allowed, otherwise cpu. Raises Skip."""
    import torch

    if wanted == "meta":
        raise Skip("the experiment needs weights, which `--device meta` rules out")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise Skip("there is no CUDA device")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def free_memory(device: str) -> int:
    """The free memory of a device in bytes: that of all GPUs together, or what the machine and the container that this
    process runs in have left; a terabyte if it cannot be determined."""
    if device == "cuda":
        return sum(_free_of_gpus())
    left = [_left_of_machine(), *(_left_of_container(*files) for files in _CONTAINERS)]
    return min((each for each in left if each is not None), default=10**12)


def _free_of_gpus() -> list[int]:
    import torch

    return [
        int(torch.cuda.mem_get_info(place)[0])
        + int(torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place))
        for place in range(torch.cuda.device_count())
    ]


def _left_of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith("MemAvailable:")), None)
    return int(found[1]) * 1024 if found is not None else None


def _left_of_container(limit: str, used: str) -> int | None:
    """What a control group has left; None where there is none, or it has no limit ("max")."""
    try:
        return max(int(Path(limit).read_text(encoding="ascii")) - int(Path(used).read_text(encoding="ascii")), 0)
    except (OSError, ValueError):
        return None


def needed(parameters: int, config: Any, dtype: str, tokens: int, rank: int) -> int:
    """An estimate of the bytes that one step takes: the weights, an adapter on all linear layers with its gradients and
    Adam's moments (16 bytes per parameter), and what a number of tokens at once leave behind."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    hidden = int(getattr(text, "hidden_size", 0) or 1024)
    layers = int(getattr(text, "num_hidden_layers", 0) or 12)
    vocabulary = int(getattr(text, "vocab_size", 0) or 32_000)
    adapter = 16 * rank * _ADAPTED * hidden * layers
    activations = 4 * tokens * (_ACTIVATIONS * hidden * layers + _LOGITS * vocabulary)
    return int(parameters * _BYTES[dtype]) + adapter + activations


def plan(
    parameters: int, config: Any, *, device: str, dtypes: Sequence[str], sequences: int, length: int, rank: int
) -> LoadPlan:
    """The first of some types in which the weights fit, with as many sequences at once as fit. Raises TooBig."""
    free = free_memory(device) * _SHARE
    for dtype in dtypes:
        micro = sequences
        while micro >= 1:
            if needed(parameters, config, dtype, micro * length, rank) <= free:
                return LoadPlan(dtype, micro)
            micro //= 2
    least = needed(parameters, config, dtypes[-1], length, rank)
    raise TooBig(f"the experiment needs about {least / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free on {device}")


def dtypes_for(run: Run, config: Any, device: str, exact: bool) -> tuple[str, ...]:
    """The types to load a run's weights in, the best first. A base that is stored quantized is loaded as it is, and 4
    bits are used if the run uses them and can be had. For exponents (`exact`) float32 comes first, because rounding
    biases them; other experiments take the run's own type where a GPU has it. Raises NoWeights."""
    stored_as = getattr(config, "quantization_config", None)
    if stored_as:
        if device != "cuda":
            raise NoWeights("the base is stored quantized, which only a GPU runs")
        return (STORED,)
    if device == "cuda" and any(each.value == "4bit" for each in alternatives(run.model.quantization)):
        if _bitsandbytes():
            return (QUARTER,)
    elif device == "cuda" and not exact and known(run.model.dtype) in _HALVES:
        return (HALF,)
    return (FULL, HALF)


def _bitsandbytes() -> bool:
    import importlib.util

    return importlib.util.find_spec("bitsandbytes") is not None


def load_config(folder: Path) -> Any:
    """The config in a folder, if it needs no code of its own. Raises Skip."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise Skip(f"the config in {folder} is not one of transformers' own: {in_one_line(error)}") from error


def load(weights: Stored, head: str, dtype: str, device: str) -> Any:
    """The model, in evaluation mode. Raises NoWeights; TooBig where memory runs out."""
    import torch
    import transformers

    number = torch.float32 if dtype == FULL else torch.bfloat16
    modern = int(transformers.__version__.partition(".")[0]) >= 5
    settings: dict[str, Any] = {} if dtype == STORED else {"dtype" if modern else "torch_dtype": number}
    if dtype == QUARTER:
        settings["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    if device == "cuda":
        # On the first GPU if it fits there; otherwise accelerate spreads the layers over all of them.
        alone = weights.parameters * _BYTES[dtype] < _SHARE * _free_of_gpus()[0]
        settings["device_map"] = {"": 0} if alone else "auto"
    torch.manual_seed(0)  # a head that is not in the files is initialised at random
    try:
        with quiet():
            model = automatic(head).from_pretrained(
                str(weights.folder),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                **settings,
            )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise NoWeights(f"the weights cannot be loaded: {in_one_line(error)}") from error
    except Exception as error:
        if out_of_memory(error):
            raise TooBig("memory ran out while the weights were loaded") from error
        raise
    return completed(model, head)


def collect() -> None:
    """Gives back the memory of models that nothing refers to any more."""
    import gc

    import torch

    gc.collect()  # a model's modules refer to each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def completed(model: Any, head: str) -> Any:
    """A model whose config has the tokens that its head needs."""
    config = model.config
    if head == "seq-cls" and getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = 0
    if head == "seq2seq-lm" and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = 0
    return model.eval()


def in_one_line(error: BaseException) -> str:
    """An exception's message, in one line of at most 200 characters, with the modules that it shows over several lines
    named alone."""
    line = " ".join(_MODULE.sub("", str(error)).split()) or type(error).__name__
    return line if len(line) <= 200 else line[:199] + "…"


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out (on the CPU it is a RuntimeError like any other)."""
    import torch

    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and ("out of memory" in str(error) or "can't allocate memory" in str(error))
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences the warnings and progress bars of the libraries: what matters is in the verdict."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
