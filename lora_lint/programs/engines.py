"""What a program gives to vLLM: its engines and the adapters that they load.

Source: vllm 0.33.0, vllm/config/lora.py (LoRAConfig), vllm/lora/request.py (LoRARequest) and
vllm/v1/engine/input_processor.py (_validate_lora).
"""

from __future__ import annotations

from lora_lint.knowledge.servers import VLLM, VLLM_GONE
from lora_lint.libraries.convert import is_flag, is_text, is_whole, text_of, to_value
from lora_lint.programs.serving import OFF, Served, rank_problem, with_gone, with_problem
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import Unserved
from lora_lint.run.values import ABSENT, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.libraries.effects import Records, ServedAdapter, ServingEngine
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value


def served_in(records: Records) -> Iterator[Served]:
    """The folders that a program gives to vLLM: as models, and as adapters at the rank that its engine accepts."""
    for engine in records.engines:
        model = to_value(engine.arguments.get("model", 0), engine.span, ABSENT, is_text)
        if isinstance(model, Known) and model.span is not None:
            yield Served(VLLM, model.value, model.span, as_model=True)
    only = records.engines[0] if len(records.engines) == 1 else None
    for adapter in records.served:
        yield _served(adapter, only if only is not None and not only.arguments.open else None)


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


def problems_in(records: Records) -> Iterator[Run]:
    """The keywords that newer releases of vLLM lack, and the values that it rejects."""
    for engine in records.engines:
        for name in engine.arguments.keywords:
            place = engine.arguments.span(name)
            if name in VLLM_GONE and place is not None:
                yield with_gone(name, name, place, "vLLM's engines", "raises a TypeError")
        yield from rank_problem(to_value(engine.arguments.get("max_lora_rank"), engine.span, ABSENT, is_whole))
    for adapter in records.served:
        number = to_value(adapter.number, adapter.span, ABSENT, is_whole)
        if isinstance(number, Known) and number.span is not None and number.value < 1:
            wrong = InvalidValue("lora_int_id", number.value, number.span, VLLM.title, "a whole number of at least 1")
            yield with_problem(wrong)
