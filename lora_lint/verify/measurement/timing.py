"""LL504: what DoRA costs in time: steps of the run's adapter with and without it, alternating on the same batches."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.run.values import ABSENT, Known, alternatives
from lora_lint.verify.measurement.bench import backward, batch_of, lora_config, on_bench, probe_tokens, reset, wrapped
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.measurement.statistics import FIRST_LOOK, SECOND_LOOK, USUAL, deciding, interval, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.finding import Status
    from lora_lint.rules.scale import Arm
    from lora_lint.run.run import Adapter
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.measurement.probe import Batch
    from lora_lint.verify.measurement.statistics import Interval

_MATTERS = 1.1
"""The factor from which a step counts as slower: users report 1.2 to 2."""
_TURNS, _LEAST_TURNS = 5, 3
_STEPS = 2  # timed in each turn; the faster counts, because other load on the machine only adds time


def dora_cost(case: FindingCase) -> Verdict:
    """LL504. Never on a proxy: the relative cost of the norms depends on the sizes of the layers."""
    arm = arm_of(case.run)
    return on_bench(case, lambda bench: _compare(case, bench, arm), arm.rank, proxies=False)


def _compare(case: FindingCase, bench: Bench, arm: Arm) -> Verdict:
    run = case.run
    tokens, _ = probe_tokens(run, bench)
    # Each part of an accumulated batch computes the norms again: the time of one part is what counts.
    one_part = replace(run, training=replace(run.training, accumulation=ABSENT))
    batch = batch_of(one_part, bench, tokens, 0)
    with_dora, without = (replace(run.adapter, use_dora=Known(value, None)) for value in (True, False))
    pairs: list[tuple[float, float]] = []
    turns = max(case.options.seeds or _TURNS, _LEAST_TURNS)
    most, level = (turns, USUAL) if case.options.seeds else (2 * turns, FIRST_LOOK)
    for turn in range(most):
        if case.late() or (turn == turns and decided(pairs, level)[0] != "inconclusive"):
            break
        if turn == turns:
            level = SECOND_LOOK
        case.say(f"steps with and without DoRA, turn {turn + 1} of {turns if turn < turns else most}")
        order = (with_dora, without) if turn % 2 else (without, with_dora)  # so that neither always comes second
        taken = [_seconds(case, bench, each, arm, batch) for each in order]
        pairs.append((taken[0], taken[1]) if turn % 2 else (taken[1], taken[0]))
    size = batch.inputs["input_ids"].numel()
    measured: dict[str, Any] = {
        "seconds": {"DoRA": [round(slow, 5) for slow, _ in pairs], "LoRA": [round(fast, 5) for _, fast in pairs]},
        "tokens": size,
        "rank": arm.rank,
        "model": bench.described(),
    }
    if len(pairs) < _LEAST_TURNS:
        why = f"time ran out after {len(pairs)} of {turns} turns"
        return Verdict("inconclusive", why, measured, bench.device)
    status, reason = decided(pairs, level)
    logs = [math.log(slow / fast) for slow, fast in pairs]
    what = "time of a step with DoRA, in multiples of one without"
    measured["deciding"] = deciding(what, logs, _logarithm(pairs, level), math.log(_MATTERS))
    measured |= {"ratio": _logarithm(pairs, level).exp().rounded(), "level": level}
    reason += f" ({bench.device}, {bench.dtype}, {size:,} tokens a step: the more tokens, the smaller DoRA's share)"
    return Verdict(status, reason, measured, bench.device)


def decided(pairs: Sequence[tuple[float, float]], level: float = USUAL) -> tuple[Status, str]:
    """The status and its reason, from seconds per step with DoRA and without it."""
    logarithm = _logarithm(pairs, level)
    status, ratio = judge(logarithm, math.log(_MATTERS)), logarithm.exp()
    slow, fast = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    reason = (
        f"with DoRA a step takes {ratio.mean:.2f} times as long ({ratio.limits('.2f')}): "
        f"{slow:.3g} s against {fast:.3g} s"
    )
    if status == "refuted":
        reason += f", less than {_MATTERS - 1:.0%} more"
    elif status == "inconclusive":
        reason += f", and the interval does not settle whether it is {_MATTERS - 1:.0%} more"
    return status, reason


def _logarithm(pairs: Sequence[tuple[float, float]], level: float) -> Interval:
    """The logarithm of the ratio of the seconds with DoRA to those without it."""
    return interval([math.log(slow / fast) for slow, fast in pairs], level)


def _seconds(case: FindingCase, bench: Bench, adapter: Adapter, arm: Arm, batch: Batch) -> float:
    """The fastest of some steps after a warm-up step, in training mode and with the run's dropout: what DoRA has to
    compute depends on both."""
    optimizer = optimizer_of(case.run)
    dropouts = [float(each.value) for each in alternatives(adapter.dropout) if isinstance(each.value, (int, float))]
    taken = []
    with wrapped(bench, adapter, arm, dropout=dropouts[0] if dropouts else 0.0) as model:
        model.train()
        reset(model, lora_config(adapter, arm, bench), 0, {})
        stepper = optimizer.make(each for each in model.parameters() if each.requires_grad)
        for _ in range(1 + _STEPS):
            start = _now(bench.device)
            backward(bench, model, batch)
            stepper.step()
            stepper.zero_grad(set_to_none=True)
            taken.append(_now(bench.device) - start)
    return min(taken[1:])


def _now(device: str) -> float:
    """The clock, after the device has finished all its work."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()
