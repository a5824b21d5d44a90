"""What a program gives to vLLM: its engines and the adapters that they load.

Source: vllm 0.33.0, vllm/config/lora.py (LoRAConfig), vllm/lora/request.py (LoRARequest) and
vllm/v1/engine/input_processor.py (_validate_lora).
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Arguments
from lora_lint.knowledge.servers import VLLM, VLLM_GONE, VLLM_OPTIONS
from lora_lint.libraries.convert import is_flag, is_text, is_whole, text_of, to_value
from lora_lint.programs.given import of_arguments
from lora_lint.programs.serving import OFF, Served, rank_problem, with_gone, with_problem
from lora_lint.readers import python
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.run import Unserved
from lora_lint.run.values import ABSENT, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.libraries.effects import Records, ServedAdapter, ServingEngine
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile, Span

_KEYWORDS = frozenset(VLLM_OPTIONS) - {"lora_modules"}
"""Those that engines take; adapters by name are the server's alone."""
_BY_REQUEST = "lora_request=LoRARequest(name, 1, folder)"


def served_in(records: Records, source: SourceFile) -> Iterator[Served]:
    """The folders that a program gives to vLLM: as models, and as adapters at the rank that its engine accepts."""
    for engine in records.engines:
        model = to_value(engine.arguments.get("model", 0), engine.span, ABSENT, is_text)
        if isinstance(model, Known) and model.span is not None:
            yield Served(VLLM, model.value, model.span, as_model=True)
    only = records.engines[0] if len(records.engines) == 1 else None
    unused = _unused(source) if records.served and records.engines else frozenset()
    for adapter in records.served:
        found = _served(adapter, only if only is not None and not only.arguments.open else None)
        yield found._replace(unserved=Unserved.UNUSED) if adapter.span in unused and found.unserved is None else found


def _unused(source: SourceFile) -> frozenset[Span]:
    """The requests for adapters that a program gives a name which it never reads."""
    if b"lora_request" in source.utf8:
        return frozenset()
    nodes = list(ast.walk(python.parse(source)))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    named = (node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call))
    return frozenset(
        source.span_of(node.value)
        for node in named
        if all(isinstance(each, ast.Name) and each.id not in read for each in node.targets)
    )


def _served(adapter: ServedAdapter, engine: ServingEngine | None) -> Served:
    found = Served(VLLM, text_of(adapter.folder) or "", adapter.span, unserved=adapter.unserved)
    if engine is None or adapter.unserved is not None:
        return found
    usual: Value[int] = Known(VLLM.usual_rank or 0, None, "framework-default")
    get, span = engine.arguments.get, adapter.span
    return found._replace(
        max_rank=to_value(get("max_lora_rank"), span, usual, is_whole),
        base=to_value(get("model", 0), span, ABSENT, is_text),
        towers=to_value(get("enable_tower_connector_lora"), span, OFF, is_flag),
        unserved=Unserved.DISABLED if get("enable_lora") is None else None,
    )


def given_in(records: Records) -> Iterator[Given]:
    """The keywords that a program gives to vLLM's engines."""
    for engine in records.engines:
        if any("lora" in name for name in engine.arguments.keywords):
            named = Arguments([], engine.arguments.keywords, engine.arguments.spans, engine.arguments.open)
            found = of_arguments(named, "vllm", "LLM", engine.span)
            if found is not None:
                yield found


def problems_in(records: Records) -> Iterator[Run]:
    """The keywords that newer releases of vLLM lack, and the values that it rejects."""
    for engine in records.engines:
        for name in engine.arguments.keywords:
            place = engine.arguments.span(name)
            if name in VLLM_GONE and place is not None:
                yield with_gone(name, name, place, "vLLM's engines", "raises a TypeError")
            elif "lora" in name and name not in _KEYWORDS and place is not None:
                instead = f"Pass the adapter to each call: `{_BY_REQUEST}`"
                yield with_problem(UnknownKey(name, place, "vLLM's engines", (), "raises a TypeError", instead))
        yield from rank_problem(to_value(engine.arguments.get("max_lora_rank"), engine.span, ABSENT, is_whole))
    yield from _alike(records.served)
    for adapter in records.served:
        number = to_value(adapter.number, adapter.span, ABSENT, is_whole)
        if isinstance(number, Known) and number.span is not None and number.value < 1:
            wrong = InvalidValue("lora_int_id", number.value, number.span, VLLM.title, "a whole number of at least 1")
            yield with_problem(wrong)


def _alike(served: Sequence[ServedAdapter]) -> Iterator[Run]:
    """Adapters of one number: vLLM keeps them by it, so that the one which comes first answers for all."""
    first: dict[int, str] = {}
    for adapter in served:
        number, folder = to_value(adapter.number, adapter.span, ABSENT, is_whole), text_of(adapter.folder)
        if not isinstance(number, Known) or number.span is None or folder is None:
            continue
        if first.setdefault(number.value, folder) != folder:
            expected = f"another number than that of `{first[number.value]}`, which answers in its place"
            yield with_problem(InvalidValue("lora_int_id", number.value, number.span, VLLM.title, expected))
