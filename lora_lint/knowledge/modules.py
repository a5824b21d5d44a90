"""The modules of a model, as PEFT would find them."""

from __future__ import annotations

from lora_lint.records import NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Module(NamedTuple):
    """One module of an instantiated model: its full path (`model.layers.0.self_attn.q_proj`), its class name as PEFT
    decides by it (`Linear`, `Conv1D`, `Conv2d`, `Embedding`, `LayerNorm`, `ModuleList`, a container class …) and, where
    it has a weight, its input and output size (0 where it has none or the size is not known).

    PEFT asks `isinstance`, so a subclass goes by the name of the torch class it extends: see `PEFT_KINDS`. Sizes are
    the constructor's: features, channels, (number of embeddings, dimension), (embed_dim, embed_dim) for
    MultiheadAttention. `own` counts the elements of the parameters that the module itself registers, its bias
    included, without those of its children; `bias` those of its parameter named `bias` alone. With `own` = -1 none of
    the numbers is certain: nothing is counted, and nothing is to be shown as a fact.
    """

    path: str
    kind: str
    inputs: int = 0
    outputs: int = 0
    own: int = -1
    bias: int = 0
    groups: int = 1


class Parameter(NamedTuple):
    """A parameter that a module of its own class registers directly, without an `nn.Linear` around it: fused experts
    (`model.layers.0.mlp.experts`, `gate_up_proj`, (experts, …, …)), a router's `weight`. A dimension that is not known
    is 0."""

    owner: str
    name: str
    shape: tuple[int, ...]


GUESS = "?"
"""For `Beside.output_embedding`: find the output embedding by its usual names."""


@dataclass(frozen=True)
class Beside:
    """What PEFT asks of a model beside its modules: the parameters that are no layer (fused experts, routers), and the
    paths of the embeddings. `output_embedding` is what "all-linear" leaves out (None: the model has none),
    `input_embedding` what `trainable_tokens` applies to. `tied` holds groups of parameter names that are one tensor;
    `seems_tied` says that the config ties the output embedding, whether the model does or not."""

    parameters: Sequence[Parameter] = ()
    output_embedding: str | None = GUESS
    input_embedding: str | None = None
    tied: Sequence[tuple[str, ...]] = ()
    seems_tied: bool = False


PEFT_KINDS = (
    "Linear",
    "Conv1D",
    "Embedding",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "MultiheadAttention",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
    "ParameterDict",
)
"""The classes that PEFT tells apart by `isinstance`; every other module goes by the name of its own class."""
ADAPTED = ("Linear", "Conv1D", "Embedding", "Conv1d", "Conv2d", "Conv3d", "MultiheadAttention")
"""Those of them that LoRA can adapt."""
LINEAR_KINDS = ("Linear", "Conv1D")
"""The kinds that PEFT's "all-linear" takes."""
