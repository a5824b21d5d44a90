"""LL805: whether an adapter can be initialised on base weights that bitsandbytes has packed."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.run.values import alternatives
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import proxy
from lora_lint.verify.structure.skeleton import failure, peft_config, skipping, wrap

if TYPE_CHECKING:
    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase

_LOFTQ: dict[Any, dict[str, Any]] = {"loftq": {"loftq_config": {"loftq_bits": 4}}}
"""What PEFT asks for beside an initialisation."""


def init_needs_full_weights(case: FindingCase) -> Verdict:
    """LL805: whether PEFT makes the adapter on a sized-down model that bitsandbytes has packed, although it does so on
    one that is not packed."""
    start, run = time.monotonic(), case.run
    weights.device_of(case.options.device)
    bits = next((each.value for each in alternatives(run.model.quantization) if each.value), None)
    kind = next((each.value for each in alternatives(run.adapter.init_lora_weights)), True)
    with skipping():
        config = peft_config(run.adapter, inference_mode=False, init_lora_weights=kind, **_LOFTQ.get(kind, {}))
    case.say("packing a sized-down model")
    name = f"a sized-down {weights.name_of(run)} in {bits or 'full'}"
    failed = failure(lambda: wrap(_packed(run, bits), config), TypeError, RuntimeError)
    if failed is None:
        return _verdict(start, name, "refuted", f"PEFT initialises the adapter of {name} with {kind!r}")
    plain = failure(lambda: wrap(_packed(run, None), config), TypeError, RuntimeError)
    if plain is not None:
        raise Skip(f"the initialisation fails without packed weights too: {plain}")
    reason = f"on {name}, {kind!r} raises {failed}; on unpacked weights it does not"
    return _verdict(start, name, "confirmed", reason)


def _verdict(start: float, model: str, status: Status, reason: str) -> Verdict:
    return Verdict(status, reason, {"model": model}, "cpu", time.monotonic() - start)


def _packed(run: Run, bits: str | None) -> Any:
    """A sized-down model, packed by bitsandbytes on the CPU. Raises Skip."""
    from transformers import BitsAndBytesConfig

    config = proxy.sized_down(run, weights.name_of(run))
    head = weights.head_of(run, config)
    model = proxy.build(config, head, "cpu")
    if bits is None:
        return model
    if importlib.util.find_spec("bitsandbytes") is None:
        raise Skip("bitsandbytes, which packs the weights, is not installed (`pip install bitsandbytes`)")
    how = BitsAndBytesConfig(load_in_4bit=bits == "4bit", load_in_8bit=bits == "8bit")
    with tempfile.TemporaryDirectory() as folder, weights.quiet():
        model.save_pretrained(folder)
        try:
            return weights.automatic(head).from_pretrained(folder, quantization_config=how, device_map={"": "cpu"})
        except Exception as error:  # bitsandbytes fails in its own ways where it lacks this processor
            raise Skip(f"bitsandbytes cannot pack a model here: {weights.in_one_line(error)}") from error
