"""Fast look-up in the modules of a model: by the end of a path, by the part below a path."""

from __future__ import annotations

from lora_lint.knowledge.kept import Kept
from lora_lint.knowledge.modules import LINEAR_KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.knowledge.modules import Module, Parameter


class Index:
    """The modules of one model in their order, and where each is. Positions are indices into `modules`."""

    def __init__(self, modules: Sequence[Module], parameters: Sequence[Parameter]) -> None:
        self.modules = modules
        self.parameters = parameters
        self.position: dict[str, int] = {}
        self._by_leaf: dict[str, list[int]] = {}
        for number, module in enumerate(modules):
            path = module.path
            if path:
                self.position[path] = number
                leaf = path.rpartition(".")[2]
                if leaf in self._by_leaf:
                    self._by_leaf[leaf].append(number)
                else:
                    self._by_leaf[leaf] = [number]
        self._by_three: dict[str, list[int]] = {}
        self._by_name: dict[str, list[Parameter]] = {}
        for record in parameters:
            self._by_name.setdefault(record.name, []).append(record)

    def module(self, path: str) -> Module | None:
        """The module at a path."""
        number = self.position.get(path)
        return None if number is None else self.modules[number]

    def named(self, entry: str) -> list[int]:
        """Positions of the modules that a list entry names: the whole path, or its end after a dot."""
        parts = entry.rsplit(".", 3)
        if len(parts) == 1:
            return self._by_leaf.get(entry, [])
        long = len(parts) > 2
        candidates = self._ending_in_three(".".join(parts[-3:])) if long else self._by_leaf.get(parts[-1], [])
        suffix = f".{entry}"
        return [n for n in candidates if self.modules[n].path == entry or self.modules[n].path.endswith(suffix)]

    def _ending_in_three(self, ending: str) -> list[int]:
        """Positions of the modules whose last three parts are `ending`: few, so that long lists of whole paths stay
        cheap."""
        if not self._by_three:
            by_three: dict[str, list[int]] = {}  # a deadline may stop the loop: nothing half-filled is kept
            for path, number in self.position.items():
                by_three.setdefault(".".join(path.rsplit(".", 3)[-3:]), []).append(number)
            self._by_three = by_three
        return self._by_three.get(ending, [])

    def ending(self, names: tuple[str, ...]) -> list[int]:
        """Positions of the modules whose path ends with one of `names`, even in the middle of a word."""
        return [n for n, module in enumerate(self.modules) if module.path and module.path.endswith(names)]

    def below(self, number: int) -> Iterator[Module]:
        """The module at a position and all modules inside it."""
        yield self.modules[number]
        prefix = f"{self.modules[number].path}."
        # Modules come in the order of `named_modules`, so what is inside follows directly.
        for module in self.modules[number + 1 :]:
            if not module.path.startswith(prefix):
                return
            yield module

    def parameters_named(self, entry: str) -> Iterator[tuple[str, str, tuple[int, ...] | None]]:
        """(owner, name, shape) of the parameters that an entry of `target_parameters` names; the shape is None if the
        module is known to have such a parameter but its shape is not known."""
        owner_end, _, name = entry.rpartition(".")
        seen = set()
        for record in self._by_name.get(name, ()):
            path = f"{record.owner}.{record.name}"
            if path == entry or path.endswith(f".{entry}"):
                seen.add(record.owner)
                yield record.owner, name, record.shape
        if name not in ("weight", "bias"):
            return
        owners = self.named(owner_end) if owner_end else range(len(self.modules))
        for number in owners:
            module = self.modules[number]
            if module.path and module.path not in seen:
                has, shape = own_parameter(module, name)
                if has:
                    yield module.path, name, shape


def own_parameter(module: Module, name: str) -> tuple[bool, tuple[int, ...] | None]:
    """Whether a module has its own parameter `weight` or `bias`, and its shape if it follows from its kind (the order
    of a matrix's two sizes does not matter here)."""
    if name == "bias":
        return module.bias > 0, (module.bias,)
    if module.kind in (*LINEAR_KINDS, "Embedding"):
        return True, (module.outputs, module.inputs) if module.inputs and module.outputs else None
    if module.kind in ("Conv2d", "Conv3d"):
        return True, (0,) * (int(module.kind[4]) + 2)
    if module.kind == "Conv1d":
        return True, None
    if "Norm" in module.kind:
        unknown = module.own < 0
        return unknown or module.own > module.bias, (1 if unknown else module.own - module.bias,)
    return module.own > module.bias, None


_indexes: Kept[Index] = Kept(32)


def index_of(modules: Sequence[Module], parameters: Sequence[Parameter]) -> Index:
    """The index of a model, kept for the last few models."""
    return _indexes.get(lambda: Index(modules, parameters), modules, parameters)
