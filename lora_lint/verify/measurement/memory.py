"""LL304: the memory of one step. With CUDA and the weights at hand, the measured peak; otherwise every tensor that a
step needs, counted on the meta device, which takes no weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.rules.capacity import bytes_of_a_weight
from lora_lint.rules.words import number
from lora_lint.run.values import alternatives
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench, probe
from lora_lint.verify.measurement.kept import KeptTensors
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.structure.skeleton import peft_config, possible, skeleton_of, skipping, wrap

if TYPE_CHECKING:
    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase

_GIB = 2**30
_LENGTH = 512  # tokens of the one sequence whose activations are counted
_ROUNDED = {0.5: weights.QUARTER, 2.0: weights.HALF, 4.0: weights.FULL}
"""Bytes of a weight to the way in which it is loaded; weights of 8 bits are counted only."""


@dataclass(frozen=True)
class Needed:
    """Bytes: all weights, the gradients of the trainable ones, the optimizer's states for them, and the activations
    that one sequence keeps for the backward pass (None where the model does not run on the meta device)."""

    weights: float
    gradients: float
    states: float
    activations: float | None
    model: str

    @property
    def least(self) -> float:
        """What a step needs whatever the batch size, gradient checkpointing included."""
        return self.weights + self.gradients + self.states


def peak_of_a_step(case: FindingCase) -> Verdict:
    """LL304"""
    limit = case.run.gpu_memory
    if limit is None:
        raise Skip("the GPU's memory is not known")
    case.say("counting on the meta device")
    needed = min((counted(run) for run in possible(case.run)), key=lambda each: each.least)
    peak, how = _peak(case, limit)
    status, reason = judged(needed, peak, limit)
    estimate = case.finding.figure
    measured: dict[str, Any] = {
        "limit_gib": limit,
        "weights_gib": _gib(needed.weights),
        "gradients_gib": _gib(needed.gradients),
        "optimizer_gib": _gib(needed.states),
        "activations_gib": None if needed.activations is None else _gib(needed.activations),
        "peak_gib": None if peak is None else _gib(peak),
        "estimated_gib": None if estimate is None else round(estimate, 2),
        "model": needed.model,
        "notes": [how],
    }
    return Verdict(status, f"{reason} ({how})", measured, "meta" if peak is None else "cuda")


def judged(needed: Needed, peak: float | None, limit: float) -> tuple[Status, str]:
    """The status and its reason: from the peak of a step, in bytes, if one was measured, otherwise from the count.

    `limit` is in GiB. If the run exceeds it without any activations, it does not fit; if it exceeds it only with those
    of one sequence, gradient checkpointing may make it fit.
    """
    setting = f"the `gpu-memory` setting is {number(limit)} GiB"
    parts = (
        f"{_gib(needed.weights)} GiB of weights, {_gib(needed.gradients)} of gradients, {_gib(needed.states)} of the "
        "optimizer"
    )
    beside = ""
    if needed.activations is not None:
        beside = (
            f"; a sequence of {_LENGTH} tokens leaves about {_gib(needed.activations)} GiB more for the backward pass"
        )
    if peak is not None:
        reason = f"one step takes {_gib(peak)} GiB at its peak; {setting}: {parts}"
        return ("confirmed" if peak > limit * _GIB else "refuted"), reason
    reason = f"{_gib(needed.least)} GiB are needed at least; {setting}: {parts}{beside}"
    if needed.least > limit * _GIB:
        return "confirmed", reason
    if needed.activations is not None and needed.least + needed.activations > limit * _GIB:
        return "inconclusive", f"{reason}, together more than the setting without gradient checkpointing"
    return "refuted", reason


def counted(run: Run) -> Needed:
    """The bytes of a run's tensors in the types that PEFT and torch give them. Raises Skip.

    In 4 and 8 bits only the weights of the linear layers shrink; all others stay in half precision, as with
    bitsandbytes. Its scales are not counted.
    """
    import torch

    size = bytes_of_a_weight(run.model)
    skeleton = skeleton_of(run)
    base = skeleton.model.to(torch.float32 if size == 4.0 else torch.bfloat16)
    head = base.get_output_embeddings() if hasattr(base, "get_output_embeddings") else None
    small = set()
    if size < 2.0:
        small = {
            id(module.weight)
            for module in base.modules()
            if module is not head and type(module).__name__ in LINEAR_KINDS
        }
    with skipping():
        model = wrap(base, peft_config(run.adapter, inference_mode=False))
    of_weights = sum(each.numel() * (size if id(each) in small else each.element_size()) for each in model.parameters())
    trained = [each for each in model.parameters() if each.requires_grad]
    return Needed(
        of_weights, sum(map(_bytes, trained)), _states(run, trained), _activations(model), skeleton.described()
    )


def _bytes(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())


def _states(run: Run, trained: list[Any]) -> float:
    """The optimizer states on the GPU, from one step of it on the meta device. Paged states may live elsewhere, and
    8-bit ones take a quarter."""
    import torch

    names = [str(each.value).lower() for each in alternatives(run.training.optimizer)]
    if any("paged" in name for name in names):
        return 0.0
    for each in trained:
        each.grad = torch.empty_like(each)
    stepper = optimizer_of(run).make(trained)
    try:
        stepper.step()
    except (NotImplementedError, RuntimeError):  # one that inspects values, which meta tensors lack
        return 0.0
    finally:
        for each in trained:
            each.grad = None
    kept = [value for state in stepper.state.values() for value in state.values() if isinstance(value, torch.Tensor)]
    return sum(map(_bytes, kept)) * (0.25 if any("8bit" in name for name in names) else 1.0)


def _activations(model: Any) -> float | None:
    """Bytes of the tensors that the forward pass over one sequence keeps for the backward pass, each storage once."""
    import torch
    from torch.nn.functional import cross_entropy

    ids = torch.zeros((1, _LENGTH), dtype=torch.long, device="meta")
    try:
        with weights.quiet(), KeptTensors(model) as kept, _fused_attention():
            logits = model(input_ids=ids).logits.float()
            cross_entropy(logits.flatten(0, -2), ids.flatten())
    except Exception:  # each family needs values, images or end tokens in its own way
        return None
    return float(kept.bytes)


def _fused_attention() -> Any:
    """A mode in which attention keeps its inputs and its output, as GPU kernels do. On the meta device torch decomposes
    it, and the whole attention matrix would be kept."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention
    from torch.overrides import TorchFunctionMode

    class Attention(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
        @staticmethod
        def forward(ctx: Any, query: Any, key: Any, value: Any) -> Any:
            answer = query.new_empty((*query.shape[:-1], value.shape[-1]))
            ctx.save_for_backward(query, key, value, answer)
            return answer

    class Fused(TorchFunctionMode):  # type: ignore[misc, unused-ignore]
        def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
            if function is scaled_dot_product_attention and len(given) >= 3:
                return Attention.apply(*given[:3])
            return function(*given, **(named or {}))

    return Fused()


def _gib(size: float) -> float:
    return round(size / _GIB, 2)


# --- on CUDA ----------------------------------------------------------------------------------------------------------


def _peak(case: FindingCase, limit: float) -> tuple[float | None, str]:
    """The peak memory of one step on CUDA in bytes, or None; and how it was measured, or why it was not."""
    counting = "counted on the meta device, not measured"
    try:
        if weights.device_of(case.options.device) != "cuda":
            return None, f"{counting}: CUDA is not in use"
        return _measured(case, limit), "measured on CUDA, one sequence at a time"
    except (weights.NoWeights, Skip) as error:
        return None, f"{counting}: {error}"


def _measured(case: FindingCase, limit: float) -> float:
    """Raises NoWeights, Skip. If memory runs out on a GPU with more than the limit free, the step took at least all
    that was free."""
    import torch

    run = case.run
    dtype = _ROUNDED.get(bytes_of_a_weight(run.model))
    if dtype is None:
        raise Skip("8-bit weights are counted, not loaded")
    name = weights.name_of(run)
    stored = weights.stored(run)
    head = weights.head_of(run, weights.load_config(stored.folder))
    bench.release()
    free = torch.cuda.mem_get_info()[0]
    torch.cuda.reset_peak_memory_stats()
    case.say(f"one step of {name}")
    try:
        model = weights.load(stored, head, dtype, "cuda")
        encode = probe.encoder(str(stored.folder), bench.vocabulary(model, "the model reads no text"))
        one_step(case, bench.Bench(name, head, model, "cuda", dtype, 1, stored.parameters, encode))
    except Exception as error:
        if not (isinstance(error, weights.TooBig) or weights.out_of_memory(error)):
            raise
        if free < limit * _GIB:
            raise weights.TooBig("memory ran out with less free than the `gpu-memory` setting") from error
        return float(free)
    return float(torch.cuda.max_memory_allocated())


def one_step(case: FindingCase, at: bench.Bench) -> None:
    """One training step of the run's adapter."""
    run = case.run
    tokens, _ = bench.probe_tokens(run, at)
    with bench.wrapped(at, run.adapter, arm_of(run)) as model:
        model.train()
        stepper = optimizer_of(run).make(each for each in model.parameters() if each.requires_grad)
        bench.backward(at, model, bench.batch_of(run, at, tokens, 0))
        stepper.step()
