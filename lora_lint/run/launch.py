"""How a run is launched and laid out over devices: processes, sharding, quantization of the base, placement."""

from __future__ import annotations

from enum import Enum

from lora_lint.records import dataclass
from lora_lint.run.values import ABSENT, Phrased

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.run.values import Value


class Sharding(Phrased):
    """How the parameters of a model are spread over the processes."""

    FSDP = "FSDP"
    """When the version is not known."""
    FSDP1 = "FSDP 1"
    FSDP2 = "FSDP 2"
    ZERO = "DeepSpeed ZeRO below stage 3"
    ZERO3 = "DeepSpeed ZeRO-3"


SPLITS = frozenset({Sharding.FSDP, Sharding.FSDP1, Sharding.FSDP2, Sharding.ZERO3})
"""What splits the base model's own parameters."""


class Placement(Enum):
    """Where `device_map` puts a model."""

    SPREAD = "spread"
    """Over all devices that a process sees: "auto", "balanced", "sequential" …"""
    FIXED = "fixed"
    """On one device that is the same in every process."""


class Quantizer(Phrased):
    """What quantized a base model, which decides what its weights are."""

    BITSANDBYTES = "bitsandbytes"
    GPTQ = "GPTQ"
    AWQ = "AWQ"
    HQQ = "HQQ"
    EETQ = "EETQ"
    AQLM = "AQLM"
    TORCHAO = "torchao"


class Storage(Enum):
    """The dtype of 4-bit weights, where it is not given by its name."""

    COMPUTE = "compute"
    """Always the compute dtype: the framework ensures that."""


@dataclass(frozen=True)
class Launch:
    """`processes`: how many a script of the project starts. `storage` is `bnb_4bit_quant_storage`, `compute` the dtype
    of the other parameters, `kept` the modules that bitsandbytes has to leave as they are. `bits`: those of the
    base model, where a command chooses them and the model is judged in another file. `precision`: the mixed precision
    that a launcher sets."""

    processes: Value[int] = ABSENT
    sharding: Value[Sharding] = ABSENT
    gathers: Value[bool] = ABSENT
    """Whether ZeRO-3 collects the parts of each parameter to save it."""
    whole: Value[int | str] = ABSENT
    """The most elements of a parameter that ZeRO-3 leaves whole in each process; "auto": ten times the hidden size."""
    quantizer: Value[Quantizer] = ABSENT
    storage: Value[str | Storage] = ABSENT
    compute: Value[str] = ABSENT
    kept: Value[Any] = ABSENT
    placement: Value[Placement] = ABSENT
    mapped: Value[str] = ABSENT
    """The argument that places the model's weights, where transformers loads it once the training's arguments exist."""
    bits: Value[str | None] = ABSENT
    precision: Value[str] = ABSENT
    gpus_per_process: Value[int] = ABSENT
    """Those that each process sees."""
    fixed: tuple[tuple[str, float], ...] = ()
    """What a DeepSpeed config states itself, by the names of transformers' arguments."""
    visible: Value[int] = ABSENT
    """How many GPUs the launcher's environment shows to all processes of a machine."""
    wraps: Value[Any] = ABSENT
    """The names of the classes of layers that FSDP wraps each."""
