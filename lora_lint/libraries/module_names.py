"""The names that `named_modules()` gives for a model that is known, for programs that choose their targets by them."""

from __future__ import annotations

import ast
import posixpath
import re
from functools import lru_cache

from lora_lint.interpreter.values import Arguments, Const, External, ListVal, Member, ModuleName, Object, Val
from lora_lint.libraries.context import view_of
from lora_lint.libraries.convert import as_list
from lora_lint.libraries.convert import text_of as text_of_value
from lora_lint.libraries.effects import Part
from lora_lint.records import dataclass
from lora_lint.run.events import Wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.knowledge.modules import Module
    from lora_lint.libraries.context import Context
    from lora_lint.libraries.effects import ModelRecord
    from lora_lint.source import Span

MOST_STEPS = 60_000
"""The most work that following a loop over modules takes: its nodes times the modules. The models of 7B have some 450
modules, and what selects targets some 30 nodes."""
_COLLECTING = frozenset({"append", "add", "update", "extend"})
_CHANGING = frozenset({"requires_grad_", "requires_grad", "register_forward_hook", "to", "half", "float", "train"})
_OF_BITS = ("Linear4bit", "Linear8bitLt", "LinearNF4", "LinearFP4")
"""The classes of bitsandbytes that replace `Linear` in a quantised model, but for its head."""
_HEADS = frozenset({"lm_head", "embed_out", "score"})


def turns(value: Val, node: ast.For | ast.AsyncFor | ast.comprehension) -> list[Val] | None:
    """The items of `model.named_modules()` one by one, for a loop that collects names of them; None for other
    iterations, and for models whose modules are not certain."""
    part = value.data if isinstance(value, Object) else None
    if not isinstance(part, Part) or part.role != "modules" or not part.named or part.path is not None:
        return None
    weight = _weight(node)
    modules = modules_of(part.record) if weight else None
    if modules is None or len(modules) * weight > MOST_STEPS:
        return None
    assert isinstance(value, Object)
    return [_pair(part.record, module, value.span) for module in modules]


def _pair(record: ModelRecord, module: Module, span: Span | None) -> Val:
    name = ModuleName(module.path, span, "derived")
    kind = f"torch.nn.{module.kind}"
    part = Object(kind, Arguments([], {}, {}), span, Part(record, "module", module.path or None))
    return ListVal([name, part], span, "tuple")


@lru_cache(maxsize=256)
def _weight(node: ast.For | ast.AsyncFor | ast.comprehension) -> int:
    """How much there is to follow in a turn of a loop that only looks at modules and collects something; 0 for one
    that does anything to them."""
    if isinstance(node, ast.comprehension):
        return sum(1 for test in node.ifs for _ in ast.walk(test)) + 10
    collects, count = False, 0
    for each in (inner for statement in node.body for inner in ast.walk(statement)):
        count += 1
        if isinstance(each, ast.Attribute):
            if isinstance(each.ctx, ast.Store) or each.attr in _CHANGING:
                return 0
            collects = collects or each.attr in _COLLECTING
        elif isinstance(each, ast.Name) and each.id in ("setattr", "replace_module"):
            return 0
        elif isinstance(each, ast.Subscript):
            collects = collects or isinstance(each.ctx, ast.Store)
        else:
            collects = collects or isinstance(each, ast.Return | ast.AugAssign)
    return count if collects else 0


def modules_of(record: ModelRecord, *, sized: bool = True) -> tuple[Module, ...] | None:
    """The modules of a model as it is loaded; None where it is not certain which it has. `sized`: how many layers there
    are matters."""
    name = record.name
    if not isinstance(name, Const) or not isinstance(name.value, str) or record.own_class is not None:
        return None
    if any(isinstance(each.event, Wrap) for each in record.events):
        return None
    from lora_lint.knowledge.resolve import certain_modules

    near = posixpath.dirname(name.span.path) if name.span is not None else ""
    return certain_modules(name.value, record.loader, near or None, sized=sized)


def is_instance(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`isinstance(module, torch.nn.Linear)` of a module whose class is known."""
    del context, name
    subject, kinds = arguments.get("", 0), arguments.get("", 1)
    part = subject.data if isinstance(subject, Object) else None
    if kinds is None or not isinstance(part, Part) or not isinstance(subject, Object) or part.role != "module":
        return None
    kind = subject.callee.removeprefix("torch.nn.")
    if kind == subject.callee:
        return None
    asked = as_list(kinds)
    if not asked or not all(isinstance(each, External) for each in asked):
        return None
    return Const(any(_is_a(kind, part, each.qualified_name) for each in asked), span, "derived")


def _is_a(kind: str, part: Part, asked: str) -> bool:
    last = asked.rpartition(".")[2]
    if last == "Module":
        return True
    if last in _OF_BITS:
        return kind == "Linear" and (part.path or "").rpartition(".")[2] not in _HEADS
    return kind == last


def type_of(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`type(module)`, with its name."""
    del context, name
    subject = arguments.get("", 0)
    return class_of(subject, span) if isinstance(subject, Object) else None


def class_of(module: Object, span: Span) -> Val | None:
    """`module.__class__`, with its name."""
    part = module.data
    if not isinstance(part, Part) or part.role != "module" or not module.callee.startswith("torch.nn."):
        return None
    name = Const(module.callee.rpartition(".")[2], span, "derived")
    return Object("builtins.type", Arguments([], {}, {}), span, None, {"__name__": name})


@dataclass(frozen=True)
class ModelText:
    """A model as text: a line for each module with its name and its class."""

    lines: str


def text_of(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`str(model)` and `str(model.modules)`."""
    del context, name
    given = arguments.get("object", 0)
    model, path = given.path() if isinstance(given, Member) else (given, ())
    view = view_of(model) if isinstance(model, Object) and path in ((), ("modules",)) else None
    modules = modules_of(view.record, sized=False) if view is not None else None
    if view is None or modules is None:
        return None
    bits = view.record.quantization
    linear = "Linear" if bits is None else _BY_BITS.get(bits.value) if isinstance(bits, Const) else None
    if linear is None:
        return None
    lines = [f"({module.path.rpartition('.')[2]}): {_shown_as(module, linear)}(" for module in modules if module.path]
    return Object("builtins.str", Arguments([], {}, {}), span, ModelText("\n".join(lines)))


_BY_BITS = {None: "Linear", "4bit": _OF_BITS[0], "8bit": _OF_BITS[1]}


def _shown_as(module: Module, linear: str) -> str:
    """The class of a module as its text shows it."""
    is_head = module.path.rpartition(".")[2] in _HEADS
    return linear if module.kind == "Linear" and not is_head else module.kind


def names_in(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """Names in the text of a model: `re.findall(pattern, str(model))`. One part of the pattern may be of any length, so
    that the search is fast."""
    del context, name
    pattern, text = text_of_value(arguments.get("pattern", 0)), arguments.get("string", 1)
    shown = text.data if isinstance(text, Object) else None
    if pattern is None or not isinstance(shown, ModelText) or sum(map(pattern.count, "*+{")) > 1:
        return None
    try:
        found = re.findall(pattern, shown.lines)
    except re.error:
        return None
    texts = [each for each in found if isinstance(each, str)]
    names = dict.fromkeys(texts)  # `set(…)` follows, or PEFT takes each once
    return ListVal([Const(each, span, "derived") for each in names], span) if len(texts) == len(found) else None
