"""A model on the bench: loaded once, wrapped with one adapter after another, stepped once per seed."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lora_lint.run.values import alternatives
from lora_lint.verify import weights
from lora_lint.verify.experiment import DEFAULT_SEEDS, PROXY_SEEDS, Skip
from lora_lint.verify.measurement import probe, proxy
from lora_lint.verify.measurement.batches import USUAL, batch_size
from lora_lint.verify.measurement.data import NoTexts, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lora_lint.finding import Verdict
    from lora_lint.rules.scale import Arm
    from lora_lint.run.run import Adapter, Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.optimizers import Optimizer
    from lora_lint.verify.measurement.probe import Batch

_SEQUENCES = {"cpu": 8, "cuda": 16}  # per step, at most
_LENGTH = {"cpu": 128, "cuda": 256}  # tokens
_TEXT = 40_000  # tokens to cut the windows from
_FLOOR = {weights.FULL: 1e-4, weights.HALF: 2e-2, weights.QUARTER: 2e-2, weights.STORED: 2e-2}
"""The smallest relative change of the logits that survives rounding. In bf16 smaller ones read as noise, and the
exponents come out too small (0.46 to 0.64 where 0.97 is right)."""
_TRIES = 5
ON_EMBEDDINGS = "lora_embedding_"
_RESET = ("lora_A", "lora_B", ON_EMBEDDINGS)


@dataclass(frozen=True)
class Sample:
    """One step of one arm with one seed: ||logits after - before|| / ||before||, and the norm of the gradient of all
    lora_B before the step."""

    step: float
    gradient: float


@dataclass(frozen=True)
class Steps:
    """The steps of several arms; `samples[arm]` has one per seed. `rate` is the learning rate of the probe, `level` is
    that of the intervals that decide."""

    samples: dict[Arm, list[Sample]]
    rate: float
    seeds: int
    level: float


class Late(Exception):
    """Time ran out before enough seeds were measured."""


@dataclass
class Bench:
    """A model to try adapters on. `reason` says why it is only a proxy, if it is one; `micro` is how many sequences go
    through it at once, halved when memory runs out."""

    name: str
    head: str
    model: Any
    device: str
    dtype: str
    micro: int
    parameters: int
    encode: probe.Encode
    reason: str | None = None
    known: dict[Any, Any] = field(default_factory=dict)

    @property
    def proxy(self) -> bool:
        return self.reason is not None

    def described(self) -> str:
        """For the measurements: which weights, how many, and in which type."""
        kind = "sized down, random weights, " if self.proxy else ""
        return f"{self.name} ({kind}{self.parameters / 1e6:,.1f} M parameters, {self.dtype}, {self.head})"

    def seeds(self, case: FindingCase) -> int:
        """The number of seeds, never too few for a trustworthy interval."""
        least = PROXY_SEEDS if self.proxy else DEFAULT_SEEDS
        return max(case.options.seeds or least, least)

    def halve(self, error: BaseException) -> None:
        """Halves the number of sequences that go through at once, after memory ran out. Raises TooBig if it was one
        already."""
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()
        if self.micro <= 1:
            raise weights.TooBig("memory ran out") from error
        self.micro //= 2


_open: dict[Any, Bench] = {}
"""The model whose weights are loaded, kept for the next experiment on it."""
_stand_ins: dict[Any, Bench] = {}
"""The sized-down models, which are small, kept until the session ends; one for each type and head."""


def release() -> None:
    """Releases the loaded weights, and what memory they took."""
    _open.clear()
    weights.collect()


def release_all() -> None:
    """Releases all models."""
    _stand_ins.clear()
    release()


def on_bench(case: FindingCase, experiment: Callable[[Bench], Verdict], rank: int, proxies: bool = True) -> Verdict:
    """Runs an experiment on the run's own weights. Where they are not here, do not fit or take too long, it uses a
    sized-down model of the family if `proxies`; experiments that cannot (losses, times) measure in the run's own type.
    `rank` is the highest that will be tried. Raises Skip."""
    name = weights.name_of(case.run)
    weights.device_of(case.options.device)
    found = _on_weights(case, experiment, rank, exact=proxies)
    if not isinstance(found, str):
        return found
    if not proxies:
        raise Skip(found)
    release()
    try:
        return experiment(stand_in_of(case, name, found))
    except weights.NoWeights as too_big:
        raise Skip(f"{found}, and a sized-down model does not work either: {too_big}") from too_big


def _on_weights(case: FindingCase, experiment: Callable[[Bench], Verdict], rank: int, exact: bool) -> Verdict | str:
    """The verdict on the run's own weights, or why there is none. In words: an exception would hold on to the frames
    that hold the model, and after memory ran out the model has to be gone before the next one is built."""
    try:
        return experiment(_real(case, rank, exact))
    except weights.NoWeights as error:
        return str(error)
    except Exception as error:
        if weights.out_of_memory(error):
            return "memory ran out"
        raise


def _real(case: FindingCase, rank: int, exact: bool = True) -> Bench:
    """Raises NoWeights, Skip."""
    source = _source(case, exact)
    key = (str(source.stored.folder.resolve()), source.head, source.device, source.dtypes)
    if key not in _open:
        _open[key] = _loaded(case, source, rank)
    return _open[key]


def load_anew(case: FindingCase, rank: int, exact: bool) -> Bench:
    """A model with the run's own weights, loaded anew; the one that was kept is released first. `rank` is the highest
    that will be tried. Raises NoWeights, Skip."""
    return _loaded(case, _source(case, exact), rank)


@dataclass(frozen=True)
class _Source:
    """A run's own weights, the head they are loaded with and the types they may be loaded in, on a device."""

    name: str
    stored: weights.Stored
    config: Any
    head: str
    device: str
    dtypes: tuple[str, ...]


def _source(case: FindingCase, exact: bool) -> _Source:
    """Raises NoWeights, Skip."""
    run = case.run
    name = weights.name_of(run)
    stored = weights.stored(run)
    config = weights.load_config(stored.folder)
    head, device = weights.head_of(run, config), weights.device_of(case.options.device)
    return _Source(name, stored, config, head, device, weights.dtypes_for(run, config, device, exact))


def _loaded(case: FindingCase, source: _Source, rank: int) -> Bench:
    """Raises NoWeights, Skip."""
    release()
    stored, device = source.stored, source.device
    plan = weights.plan(
        stored.parameters,
        source.config,
        device=device,
        dtypes=source.dtypes,
        sequences=_SEQUENCES[device],
        length=_LENGTH[device],
        rank=rank,
    )
    case.say(f"loading {source.name} in {plan.dtype}")
    model = weights.load(stored, source.head, plan.dtype, device)
    encode = probe.encoder(str(stored.folder), vocabulary(model, _TEXT_ONLY))
    return Bench(source.name, source.head, model, device, plan.dtype, plan.micro, stored.parameters, encode)


def stand_in_of(case: FindingCase, name: str, reason: str) -> Bench:
    """The stand-in for a model's type, with the steps that were measured on it so far. Raises Skip."""
    device = weights.device_of(case.options.device)
    config = proxy.sized_down(case.run, name)
    key = (config.model_type, weights.head_of(case.run, config), device)
    if key not in _stand_ins:
        case.say(f"making a sized-down {config.model_type}")
        _stand_ins[key] = stand_in(config, case.run, device, _SEQUENCES[device], _TEXT_ONLY)
    return replace(_stand_ins[key], reason=reason)


def stand_in(config: Any, run: Run, device: str, micro: int, otherwise: str) -> Bench:
    """A model with random weights that stands in for the run's own, built from a config that is already sized down.
    Raises Skip, with the reason `otherwise`, where it reads no text."""
    head = weights.head_of(run, config)
    model = proxy.build(config, head, device)
    size = sum(each.numel() for each in model.parameters())
    encode = probe.encoder(None, vocabulary(model, otherwise))
    return Bench(config.model_type, head, model, device, weights.FULL, micro, size, encode)


_TEXT_ONLY = "only text models are measured, and this one has no token embeddings"


def vocabulary(model: Any, otherwise: str) -> int:
    """The number of tokens in the vocabulary. Raises Skip, with the reason `otherwise`, where the model reads
    no text."""
    try:
        return int(model.get_input_embeddings().num_embeddings)
    except (NotImplementedError, AttributeError) as error:  # image and audio models (transformers 5)
        raise Skip(otherwise) from error


def lora_config(adapter: Adapter, arm: Arm, bench: Bench, dropout: float = 0.0) -> Any:
    """PEFT's settings for an arm: the run's targets, filters and patterns. Anything that arms must not differ by is
    left out (dropout, unless it is given), as is what is not part of the adapter (biases, modules trained in full), and
    any initialisation that needs data or changes the base model."""
    from peft import LoraConfig

    def of(name: str) -> Any:
        values = alternatives(getattr(adapter, name))
        value = values[0].value if values else None
        return list(value) if isinstance(value, tuple) else value

    settings: dict[str, Any] = {
        name: value
        for name in ("target_modules", "exclude_modules", "target_parameters", "rank_pattern", "alpha_pattern")
        if (value := of(name))
    }
    if not bench.proxy:  # a proxy has only a few layers
        settings |= {
            name: value for name in ("layers_to_transform", "layers_pattern") if (value := of(name)) is not None
        }
    gaussian = str(of("init_lora_weights")).lower() == "gaussian"
    return LoraConfig(
        r=arm.rank,
        lora_alpha=arm.alpha,  # type: ignore[arg-type, unused-ignore]
        use_rslora=arm.rslora,
        lora_dropout=dropout,
        use_dora=bool(of("use_dora")),
        init_lora_weights="gaussian" if gaussian else True,
        **settings,
    )


@contextlib.contextmanager
def wrapped(bench: Bench, adapter: Adapter, arm: Arm, dropout: float = 0.0) -> Iterator[Any]:
    """The model with an adapter on it, removed again afterwards. Raises Skip with PEFT's reason."""
    from peft import get_peft_model

    config = lora_config(adapter, arm, bench, dropout)
    with weights.quiet():
        try:
            model = get_peft_model(bench.model, config)
        except ValueError as error:
            if config.target_modules is not None or "target_modules" not in str(error):
                raise Skip(f"PEFT refuses the adapter: {weights.in_one_line(error)}") from error
            config.target_modules = "all-linear"
            model = get_peft_model(bench.model, config)
        try:
            yield model.eval()
        finally:
            model.unload()


def reset(model: Any, config: Any, seed: int, others: dict[str, Any]) -> None:
    """Resets the adapter in place: lora_A at random from the seed, lora_B to 0 (on embeddings the other way round),
    everything else (DoRA's magnitudes) to its value after the wrap, which `others` keeps."""
    import torch
    from peft.tuners.lora.layer import LoraLayer

    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, LoraLayer):
                module.reset_lora_parameters("default", config.init_lora_weights)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and not any(part in name for part in _RESET):
                if name in others:
                    parameter.copy_(others[name])
                else:
                    others[name] = parameter.detach().clone()
            parameter.grad = None


def batch_of(run: Run, bench: Bench, tokens: Sequence[int], seed: int) -> Batch:
    """The batch for a seed: as many sequences as the run has in a step, within reason."""
    count = min(max(USUAL if bench.proxy else batch_size(run), 2), _SEQUENCES[bench.device])
    ids = probe.windows(tokens, count, sequence_length(bench), 1000 + seed)
    return probe.batch(bench.head, ids, bench.model.config, seed)


def sequence_length(bench: Bench) -> int:
    """Tokens per sequence: 128 on the CPU, 256 on CUDA, fewer where the model takes fewer."""
    config = bench.model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    longest = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    length = _LENGTH[bench.device]
    # RoBERTa's positions start behind its padding's.
    return min(length, longest - 2) if isinstance(longest, int) and longest > 8 else length


def probe_tokens(run: Run, bench: Bench) -> tuple[list[int], probe.Source]:
    """Tokens to probe with, and whose text they come from. To random weights all texts are the same, and with one text
    a stand-in's steps are measured once for all runs."""
    source, content = probe.OWN, probe.own_text()
    if not bench.proxy:
        with contextlib.suppress(NoTexts):
            texts = texts_of(run, limit=400)
            source, content = probe.Source(texts.source), texts.texts
    return probe.stream(content, bench.encode, 2 * _LENGTH[bench.device])[:_TEXT], source


def backward(bench: Bench, model: Any, batch: Batch) -> tuple[Any, float]:
    """One forward and backward pass over a batch, in as many parts as memory requires: some of the logits, and the mean
    loss. Leaves the gradients of the mean over the whole batch on the parameters."""
    while True:
        try:
            return _backward(bench, model, batch)
        except Exception as error:  # noqa: PERF203  # one turn is the rule
            if not weights.out_of_memory(error):
                # Each family fails in its own way where it needs images, end tokens or the like.
                raise Skip(f"the model does not run on plain text: {weights.in_one_line(error)}") from error
            model.zero_grad(set_to_none=True)
            bench.halve(error)


def _backward(bench: Bench, model: Any, batch: Batch) -> tuple[Any, float]:
    import torch

    kept, total, count = [], 0.0, 0
    for part in _parts(bench, batch):
        logits = probe.answers(bench.head, model(**part.inputs))
        loss, answers = probe.loss_of(bench.head, logits, part.targets)
        kept.append(probe.some(logits))
        total, count = total + float(loss.detach()), count + answers
        loss.backward()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad /= max(count, 1)
    return torch.cat(kept), total / max(count, 1)


def forward(bench: Bench, model: Any, batch: Batch) -> Any:
    """Some of the logits, without gradients, in as many parts as memory requires."""
    import torch

    while True:
        try:
            with torch.no_grad():
                parts = [probe.some(probe.answers(bench.head, model(**part.inputs))) for part in _parts(bench, batch)]
            return torch.cat(parts)
        except Exception as error:  # noqa: PERF203  # one turn is the rule
            if not weights.out_of_memory(error):
                raise
            bench.halve(error)


def _parts(bench: Bench, batch: Batch) -> Iterator[Batch]:
    at_once = max(bench.micro, 2) if bench.head == "base" else bench.micro
    for start in range(0, len(batch), at_once):
        yield batch.part(start, start + at_once, bench.device)


def first_steps(
    case: FindingCase, bench: Bench, arms: Sequence[Arm], optimizer: Optimizer
) -> tuple[Steps, probe.Source]:
    """One optimizer step per arm and seed, all on the same batches; and whose text they come from.

    The learning rate is the run's, raised equally for all arms until rounding no longer hides the smallest step. Raises
    TooBig when the run's own weights are too slow for the time left, Late, Skip.
    """
    tokens, source = probe_tokens(case.run, bench)
    seeds = bench.seeds(case)
    batches = {
        seed: batch_of(case.run, bench, tokens, seed) for seed in range(case.options.seed, case.options.seed + seeds)
    }
    first_batch = dict(itertools.islice(batches.items(), 1))
    rate = optimizer.rate
    started = time.monotonic()
    for trial in range(_TRIES):
        first = {arm: _samples(case, bench, arm, optimizer, rate, first_batch) for arm in arms}
        if trial == 0:
            _in_time(case, bench, time.monotonic() - started, seeds)
        smallest = min(samples[0].step for samples in first.values())
        if smallest == 0.0 or not math.isfinite(smallest):
            raise Skip("a step does not change the logits" if smallest == 0.0 else "the model's outputs are not finite")
        if smallest >= _FLOOR[bench.dtype]:
            break
        rate *= 1.5 * _FLOOR[bench.dtype] / smallest
    samples = {arm: _samples(case, bench, arm, optimizer, rate, batches) for arm in arms}
    return Steps(samples, rate, seeds, case.level), source


def _in_time(case: FindingCase, bench: Bench, spent: float, seeds: int) -> None:
    """Gives up at once if the rest would take longer than the time left."""
    if not bench.proxy and spent * (seeds + 1) > case.deadline - time.monotonic():
        raise weights.TooBig(
            f"one experiment takes about {spent * (seeds + 2):,.0f} s on {bench.device}, longer than the time left"
        )


def _samples(
    case: FindingCase, bench: Bench, arm: Arm, optimizer: Optimizer, rate: float, batches: Mapping[int, Batch]
) -> list[Sample]:
    """One sample for each seed."""
    config = lora_config(case.run.adapter, arm, bench)
    base = (repr(sorted(config.to_dict().items(), key=lambda item: item[0])), optimizer.family, rate)
    keys = {seed: (*base, seed, _fingerprint(batch)) for seed, batch in batches.items()}
    if any(key not in bench.known for key in keys.values()):
        with wrapped(bench, case.run.adapter, arm) as model:
            others: dict[str, Any] = {}
            for number, (seed, batch) in enumerate(batches.items(), 1):
                key = keys[seed]
                if key in bench.known:
                    continue
                if case.late():
                    raise Late
                case.say(f"r={arm.rank}{' with rsLoRA' if arm.rslora else ''}, seed {number} of {len(batches)}")
                reset(model, config, seed, others)
                bench.known[key] = _sample(bench, model, batch, optimizer, rate)
            if not others and not bench.known:
                raise Skip("the run has no adapter")
    return [bench.known[key] for key in keys.values()]


def _fingerprint(batch: Batch) -> int:
    return hash(tuple(batch.inputs["input_ids"].flatten().tolist()))


def _sample(bench: Bench, model: Any, batch: Batch, optimizer: Optimizer, rate: float) -> Sample:
    """One step of all of the adapter but what is on embeddings. PEFT draws `lora_embedding_B` from N(0, 1), so that its
    step falls with the rank whatever alpha and rsLoRA are."""
    before, _ = backward(bench, model, batch)
    trained = [
        (name, each)
        for name, each in model.named_parameters()
        if each.requires_grad and each.grad is not None and ON_EMBEDDINGS not in name
    ]
    if not trained:
        raise Skip("the adapter is on the embeddings alone, whose step depends on the rank by itself")
    gradient = math.sqrt(sum(float(each.grad.double().pow(2).sum()) for name, each in trained if "lora_B" in name))
    optimizer.make((each for _, each in trained), rate).step()
    model.zero_grad(set_to_none=True)
    after = forward(bench, model, batch)
    return Sample(float((after - before).double().norm() / before.double().norm()), gradient)
