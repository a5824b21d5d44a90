"""PEFT's methods other than LoRA: what they adapt by default, and how many parameters they train.

Source: PEFT 0.21.2, tuners/*/{config,layer,model}.py. tests/knowledge/test_methods_of_peft.py goes over every config
class that is installed and compares the counts with PEFT's own. Of a method that is not counted here, or is under
settings that are not, the number is not known.
"""

from __future__ import annotations

from math import ceil

from lora_lint.knowledge import signatures
from lora_lint.knowledge.peft_facts import facts
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from lora_lint.knowledge.modules import Module

    Settings = Mapping[str, Any]

Targets: TypeAlias = "tuple[str, ...] | str"

LORA = "LoraConfig"


@dataclass(frozen=True)
class Method:
    """A config class and its settings, defaults included; those that are not known are left out."""

    name: str
    settings: Settings

    def size(self, module: Module, model_type: str | None) -> int | None:
        """The parameters that it adds to a module; None if that is not known."""
        count = _SIZES.get(self.name)
        if count is None or module.own < 0:
            return None
        settings = self.settings
        if self.name in _ANY_KIND:
            return count(settings, module)
        if module.kind != "Linear" or not module.inputs or not module.outputs:
            return None
        if self.name == "IA3Config":
            forward = feedforward(self, model_type)
            if forward is None:
                return None
            settings = {**settings, "forward": module.path.endswith(forward)}
        try:
            return count(settings, module)
        except (KeyError, TypeError, ZeroDivisionError):  # a setting that is not known, or that PEFT refuses
            return None

    def shared(self) -> int | None:
        """The parameters that all adapted modules share; None if that is not known."""
        count = _SHARED.get(self.name)
        try:
            return 0 if count is None else count(self.settings)
        except (KeyError, TypeError):
            return None


def classes() -> frozenset[str]:
    """The config classes of all methods but LoRA."""
    return frozenset(facts()["methods"])


def class_of(peft_type: str) -> str | None:
    """The config class of a `peft_type`, LoRA's left out."""
    return next((name for name, fact in facts()["methods"].items() if fact["type"] == peft_type), None)


def adapts_layers(name: str) -> bool:
    """Whether a config class names modules of the model, all of which are adapted."""
    if name == LORA:
        return True
    own = facts()["methods"].get(name)
    return own is not None and name not in _OTHER_TARGETS and own.get("targets", ()) is not None


def method(name: str, given: Settings, unknown: frozenset[str] = frozenset()) -> Method:
    """A method with the settings that are given and its defaults; `unknown` are settings of which neither is known."""
    usual = {key: value for key, value in signatures.defaults(name).items() if key not in unknown}
    return Method(name, {**usual, **given})


def default_targets(name: str, model_type: str, usual: Targets | None) -> Targets | None:
    """What a method adapts if no targets are given; `usual` is what LoRA would."""
    own = facts()["methods"][name].get("targets", {})
    if own is None or model_type in own.get("gone", ()):
        return None
    changed = own.get("changed", {}).get(model_type)
    return usual if changed is None else changed if isinstance(changed, str) else tuple(changed)


def feedforward(ia3: Method, model_type: str | None) -> tuple[str, ...] | None:
    """The ends of the paths of the modules whose inputs (IA)^3 scales; None if they are not known. They are given as a
    list, or the model's type decides."""
    if "feedforward_modules" not in ia3.settings:
        return None
    given = ia3.settings["feedforward_modules"]
    if given is None:
        given = facts()["methods"]["IA3Config"]["feedforward"].get(model_type)
    return tuple(given) if isinstance(given, tuple | list) else None


_OTHER_TARGETS = frozenset({"AdaptionPromptConfig", "TrainableTokensConfig", "XLoraConfig", "ShadowConfig"})
"""Methods whose targets are something else than modules of the model to adapt: the attention that gets a prompt, the
embedding whose rows are trained, adapters to mix, the layers of a smaller model."""


def _low_rank(settings: Settings, module: Module) -> int:
    """Two matrices of rank r."""
    _same_rank(settings)
    return int(settings["r"]) * (module.inputs + module.outputs)


def _same_rank(settings: Settings) -> None:
    """Raises KeyError if modules have ranks of their own."""
    if settings.get("rank_pattern", None):
        raise KeyError("rank_pattern")


def _adalora(settings: Settings, module: Module) -> int:
    _same_rank(settings)
    return int(settings["init_r"]) * (module.inputs + module.outputs + 1)


def _boft(settings: Settings, module: Module) -> int:
    size = settings["boft_block_size"] or module.inputs // settings["boft_block_num"]
    return int(settings["boft_n_butterfly_factor"] * module.inputs * size + module.outputs)


def _c3a(settings: Settings, module: Module) -> int:
    if settings["block_size_pattern"]:
        raise KeyError("block_size_pattern")
    return int(module.inputs * module.outputs // settings["block_size"])


def _deft(settings: Settings, module: Module) -> int:
    return int(settings["r"]) * (module.outputs + (0 if settings["para"] else module.inputs))


def _frequencies(settings: Settings, module: Module) -> int:  # noqa: ARG001
    """A spectrum of the same number of frequencies for each module."""
    if settings["n_frequency_pattern"] or settings.get("proportional_parameters"):
        raise KeyError("n_frequency_pattern")
    return int(settings["n_frequency"])


def _glora(settings: Settings, module: Module) -> int:
    """Two pairs of matrices, and further parameters only beside a bias."""
    if settings["config_A_B"] != "lora" or module.bias:
        raise KeyError("config_A_B")
    return int(settings["r"]) * 2 * (module.inputs + module.outputs)


def _gralora(settings: Settings, module: Module) -> int:
    return (int(settings["r"]) + int(settings["hybrid_r"])) * (module.inputs + module.outputs)


def _lokr(settings: Settings, module: Module) -> int:
    """The two factors of a Kronecker product, each in two parts if its rank allows it (tuners/lokr/layer.py)."""
    _same_rank(settings)
    rank, factor = int(settings["r"]), int(settings["decompose_factor"])
    (out_l, out_k), (in_m, in_n) = _factors(module.outputs, factor), _factors(module.inputs, factor)
    whole_first = not (settings["decompose_both"] and rank < max(out_l, in_m) / 2)
    whole_second = not rank < max(out_k, in_n) / 2
    first = out_l * in_m if whole_first else rank * (out_l + in_m)
    return first + (out_k * in_n if whole_second else rank * (out_k + in_n))


def _factors(dimension: int, factor: int) -> tuple[int, int]:
    """Two factors of a dimension, the smaller one first, as LyCORIS chooses them (tuners/lokr/layer.py,
    `factorization`)."""
    if factor > 0 and dimension % factor == 0:
        return factor, dimension // factor
    if factor == -1:
        factor = dimension
    m, n = 1, dimension
    length = m + n
    while m < n:
        new = m + 1
        while dimension % new != 0:
            new += 1
        if new + dimension // new > length or new > factor:
            break
        m, n = new, dimension // new
    return (n, m) if m > n else (m, n)


def _miss(settings: Settings, module: Module) -> int:
    if settings["init_weights"] in ("bat", "mini"):
        raise KeyError("init_weights")
    return int(settings["r"]) * module.outputs


def _oft(settings: Settings, module: Module) -> int:
    if settings["r"]:
        blocks = int(settings["r"])
        size = module.inputs // blocks
    else:
        size = int(settings["oft_block_size"])
        blocks = module.inputs // size
    if module.inputs % size:
        raise KeyError("oft_block_size")  # another size is taken
    return (1 if settings["block_share"] else blocks) * size * (size - 1) // 2


def _osf(settings: Settings, module: Module) -> int:
    if settings["effective_rank"] is not None or settings["rank_pattern"]:
        raise KeyError("effective_rank")
    least = min(module.inputs, module.outputs)
    return (least - least // 2) * (module.inputs + module.outputs + 1)


def _peanut(settings: Settings, module: Module) -> int:
    if settings["depth"]:
        raise KeyError("depth")
    return int(settings["r"]) * 2 * module.outputs


def _poly(settings: Settings, module: Module) -> int:
    tasks, skills, splits = settings["n_tasks"], settings["n_skills"], settings["n_splits"]
    if settings["poly_type"] != "poly" or module.inputs % splits or module.outputs % splits:
        raise KeyError("poly_type")
    return int(tasks * splits * skills + skills * settings["r"] * (module.inputs + module.outputs))


def _psoft(settings: Settings, module: Module) -> int:  # noqa: ARG001
    rank = int(settings["r"])
    square = rank * (rank - 1) // 2 if settings["psoft_orth"] else rank * rank
    return square + rank * (bool(settings["psoft_mag_a"]) + bool(settings["psoft_mag_b"]))


def _randlora(settings: Settings, module: Module) -> int:
    rank, least = int(settings["r"]), min(module.inputs, module.outputs)
    return ceil(least / rank) * (rank + least)


_ROAD = {"road_1": 1, "road_2": 2, "road_4": 4}


def _vblora(settings: Settings, module: Module) -> int:
    length = settings["vector_length"]
    return int(settings["r"] * (module.inputs // length + module.outputs // length) * settings["num_vectors"])


_ANY_KIND = frozenset({"LNTuningConfig"})
"""Methods that copy a module of any kind."""
_SIZES: dict[str, Callable[[Settings, Module], int]] = {
    "AdaLoraConfig": _adalora,
    "BOFTConfig": _boft,
    "BeftConfig": lambda settings, module: module.outputs,  # noqa: ARG005
    "C3AConfig": _c3a,
    "DeftConfig": _deft,
    "DeloraConfig": lambda settings, module: _low_rank(settings, module) + 1,
    "FourierFTConfig": _frequencies,
    "GloraConfig": _glora,
    "GraloraConfig": _gralora,
    "HRAConfig": lambda settings, module: settings["r"] * module.inputs,
    "HiraConfig": _low_rank,
    "IA3Config": lambda settings, module: module.inputs if settings["forward"] else module.outputs,
    "LNTuningConfig": lambda settings, module: module.own,  # noqa: ARG005
    "LoHaConfig": lambda settings, module: 2 * _low_rank(settings, module),
    "LoKrConfig": _lokr,
    "MissConfig": _miss,
    "OFTConfig": _oft,
    "OSFConfig": _osf,
    "PeanutConfig": _peanut,
    "PolyConfig": _poly,
    "PsoftConfig": _psoft,
    "PveraConfig": lambda settings, module: module.outputs + 2 * settings["r"],
    "RandLoraConfig": _randlora,
    "RoadConfig": lambda settings, module: _ROAD[settings["variant"]] * module.outputs,
    "ShiraConfig": _low_rank,
    "UniLoraConfig": lambda settings, module: 0,  # noqa: ARG005
    "VBLoRAConfig": _vblora,
    "VeraConfig": lambda settings, module: module.outputs + settings["r"],
    "WaveFTConfig": _frequencies,
}
_SHARED: dict[str, Callable[[Settings], int]] = {
    "UniLoraConfig": lambda settings: int(settings["theta_d_length"]),
    "VBLoRAConfig": lambda settings: int(settings["num_vectors"] * settings["vector_length"]),
}
