"""LL601: what is left of a merge into base weights that are stored in 4 or 8 bits."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.records import replace
from lora_lint.run.values import ABSENT, alternatives, known
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.measurement.statistics import FIRST_LOOK, SECOND_LOOK, USUAL, deciding_difference, interval, judge
from lora_lint.verify.structure.skeleton import adapted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.rules.scale import Arm
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.measurement.probe import Batch
    from lora_lint.verify.measurement.statistics import Interval, Judgement

    Rounding = Callable[[Any], Any]

_LAYERS = 8
"""The adapted modules, from the top, that are trained, rounded and merged: the gradient goes no farther down."""
_STEPS = 10
_MATTERS = 0.1
"""The share of the adapter's own effect by which a merge may change the answers."""
_LEAST_SEEDS = 6
"""What the merge changes differs from one adapter to the next by a factor of two."""
_WHAT = "change of the logits by the merge, in multiples of the adapter's"
_NONE = 1e-9
"""Stands for no change at all, whose logarithm is not finite."""
_NF4 = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
    *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
    *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
    *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
"""The values of NF4 (bitsandbytes 0.50.2, functional.py, get_4bit_type)."""
_BLOCK = 64


def rounded_to_nf4(weight: Any) -> Any:
    """A weight as bitsandbytes stores it in NF4: blocks of 64 values, each with the scale of its largest."""
    import torch

    flat = weight.float().flatten()
    blocks = torch.nn.functional.pad(flat, (0, -len(flat) % _BLOCK)).view(-1, _BLOCK)
    scales = blocks.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    code = torch.tensor(_NF4, device=weight.device)
    nearest = torch.bucketize(blocks / scales, (code[1:] + code[:-1]) / 2)
    return (code[nearest] * scales).flatten()[: len(flat)].view_as(weight).to(weight.dtype)


def rounded_to_int8(weight: Any) -> Any:
    """A weight as bitsandbytes stores it in 8 bits: each row with the scale of its largest value."""
    import torch

    whole = weight.float()
    scales = whole.abs().amax(-1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return ((whole / scales).round() * scales).to(weight.dtype)


_ROUNDINGS: dict[str | None, Rounding] = {
    None: lambda weight: weight,
    "8bit": rounded_to_int8,
    "4bit": rounded_to_nf4,
}
"""By the run's quantization, from the one that loses least."""


def merge_into_quantized(case: FindingCase) -> Verdict:
    """LL601: how far the merge moves the answers of a briefly trained adapter on the model's last layers, relative to
    what the adapter itself does. They are rounded here, so the weights are loaded whole."""
    run = case.run
    given = {each.value for each in alternatives(run.model.quantization)} or {None}
    if known(run.launch.quantizer) is not None and given == {None}:
        raise Skip("only weights that bitsandbytes packs are rounded here")
    if not given <= set(_ROUNDINGS):
        raise Skip("it is not known in how many bits the base model is loaded")
    bits = next(each for each in _ROUNDINGS if each in given)
    arm = arm_of(run)
    unpacked = replace(run, model=replace(run.model, quantization=ABSENT))
    whole = dataclasses.replace(case, run=unpacked)
    return bench.on_bench(whole, lambda at: _merged(whole, at, arm, bits), arm.rank)


def _merged(case: FindingCase, at: Bench, arm: Arm, bits: str | None) -> Verdict:
    if at.dtype not in (weights.FULL, weights.HALF):
        raise weights.NoWeights("the base is stored quantized")
    tokens, source = bench.probe_tokens(case.run, at)
    first, once = case.options.seed, case.options.seeds is not None
    count = max(at.seeds(case), _LEAST_SEEDS)
    shares: list[float] = []
    level = USUAL if once else FIRST_LOOK
    with bench.wrapped(at, case.run.adapter, arm) as model:
        trial = _Trial(case, at, model, arm, tokens, _ROUNDINGS[bits])
        try:
            for seed in range(first, first + (count if once else 2 * count)):
                if seed == first + count:
                    if _decided(shares, level)[0] != "inconclusive":
                        break
                    level = SECOND_LOOK
                case.say(f"training and merging {len(trial.layers)} layers, seed {seed - first + 1}")
                shares.append(trial.share_changed(seed))
        except bench.Late:
            if len(shares) < count:
                why = f"time ran out after {len(shares)} of {count} seeds"
                return Verdict("inconclusive", why, {"model": at.described()}, at.device, proxy=at.proxy)
        finally:
            trial.undo()
    how = f"{len(trial.layers)} layers, {_STEPS} steps on {source.words}, {len(shares)} seeds"
    return _verdict(at, shares, level, bits, how)


def _decided(shares: Sequence[float], level: float) -> tuple[Judgement, Interval]:
    """The status, and the logarithm of what the merge changes in multiples of what the adapter changes."""
    lost = interval([math.log(max(each, _NONE)) for each in shares], level)
    return judge(lost, math.log(_MATTERS)), lost


class _Trial:
    """The last layers of a model, rounded as they are stored: an adapter is trained on them, and merged into them."""

    def __init__(
        self, case: FindingCase, at: Bench, model: Any, arm: Arm, tokens: Sequence[int], rounding: Rounding
    ) -> None:
        self.layers = list(adapted(model).values())[-_LAYERS:]
        self._case, self._at, self._model, self._tokens, self._rounding = case, at, model, tokens, rounding
        self._config = bench.lora_config(case.run.adapter, arm, at)
        self._optimizer = optimizer_of(case.run)
        self._whole = [layer.get_base_layer().weight.detach().clone() for layer in self.layers]
        self._packed = [rounding(each) for each in self._whole]
        model.requires_grad_(False)
        for layer in self.layers:
            for name, parameter in layer.named_parameters():
                parameter.requires_grad_("lora_" in name)

    def share_changed(self, seed: int) -> float:
        """What the merge changes of the logits, in multiples of what the adapter changes. Raises Late, Skip."""
        at, model = self._at, self._model
        _put(self.layers, self._packed)
        self._train(seed)
        held = self._batch(seed, _STEPS)
        with_adapter = bench.forward(at, model, held)
        with model.disable_adapter():
            without = bench.forward(at, model, held)
        for layer in self.layers:
            layer.merge()
        _put(self.layers, [self._rounding(layer.get_base_layer().weight.detach()) for layer in self.layers])
        merged = bench.forward(at, model, held)
        for layer in self.layers:
            layer.merged_adapters.clear()
        effect = float((with_adapter - without).double().norm())
        if effect == 0.0 or not math.isfinite(effect):
            raise Skip("the adapter does not change the logits" if effect == 0.0 else "the outputs are not finite")
        return float((merged - with_adapter).double().norm()) / effect

    def _train(self, seed: int) -> None:
        bench.reset(self._model, self._config, seed, {})
        trained = [each for each in self._model.parameters() if each.requires_grad]
        stepper = self._optimizer.make(trained)
        for step in range(_STEPS):
            if self._case.late():
                raise bench.Late
            bench.backward(self._at, self._model, self._batch(seed, step))
            stepper.step()
            stepper.zero_grad(set_to_none=True)

    def _batch(self, seed: int, step: int) -> Batch:
        return bench.batch_of(self._case.run, self._at, self._tokens, seed * (_STEPS + 1) + step)

    def undo(self) -> None:
        """Gives the layers their own weights back."""
        for layer in self.layers:
            layer.merged_adapters.clear()
        _put(self.layers, self._whole)


def _put(layers: Sequence[Any], tensors: Sequence[Any]) -> None:
    """Sets the base weights of some layers."""
    for layer, tensor in zip(layers, tensors, strict=True):
        layer.get_base_layer().weight.data.copy_(tensor)


def _verdict(at: Bench, shares: Sequence[float], level: float, bits: str | None, how: str) -> Verdict:
    status, lost = _decided(shares, level)
    share = lost.exp()
    stored = {None: "whole", "8bit": "in 8 bits", "4bit": "in NF4"}[bits]
    reason = (
        f"merging into weights that are stored {stored} changes the logits by {share.mean:.2g} of what the adapter "
        f"changes ({share.limits('.2g')}; {how})"
    )
    if at.proxy:
        reason = f"proxy: {reason}, on a sized-down {at.name} with random weights, because {at.reason}"
    measured = {
        "share": share.rounded(),
        "bits": bits,
        "level": level,
        "deciding": deciding_difference(_WHAT, shares, share, _MATTERS),
        "model": at.described(),
    }
    return Verdict(status, reason, measured, at.device, proxy=at.proxy)
