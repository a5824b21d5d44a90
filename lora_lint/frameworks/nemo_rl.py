"""NeMo RL: a YAML file whose `policy` has `dtensor_cfg.lora_cfg` or `megatron_cfg.peft`, on top of the files in
`defaults`.

Source: NeMo RL 0.6.0 of 2026-08-22, nemo_rl/models/automodel/setup.py, models/megatron/setup.py, utils/config.py and
examples/configs.
"""

from __future__ import annotations

import posixpath

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, unfolded, usual
from lora_lint.readers.nodes import Entry, Mapping
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.run import Adapter, Method, Training
    from lora_lint.run.values import Value
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="nemo_rl",
    title="NeMo RL",
    source="NeMo RL",
    version=(0, 6, 0),
    packages=("nemo-rl",),
    keys={
        "rank": "dim",
        "alpha": "alpha",
        "dropout": "dropout",
        "target_modules": "target_modules",
        "exclude_modules": "exclude_modules",
    },
    defaults={"rank": 8, "alpha": 32, "dropout": 0.0},
    kinds=("yaml",),
    marks=((b"policy", b"lora_cfg"), (b"policy", b"megatron_cfg", b"peft")),
    commands=(
        CommandLine(
            "script",
            r"examples/run_(?:vlm_|async_)?grpo(?:_\w+)?\.py",
            config="option",
            beside="dotted",
            alone="dotted",
        ),
    ),
    sections=None,
    adapts="NeMo RL",
    every_layer="*",
    every_layer_switch="match_all_linear",
    whole_alpha=True,
)
_USUAL = ("*_proj",)
"""AutoModel's targets where nothing is named (components/_peft/module_matcher.py)."""
_MAX_DEPTH = 8
"""The most files that bring in one another."""
_SECTIONS = (("dtensor_cfg", "lora_cfg"), ("megatron_cfg", "peft"))
_METHODS: dict[str, Method] = {"sft": "supervised", "dpo": "preference", "rm": "preference", "grpo": "rl"}
"""What each algorithm trains, by the section of its settings."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a configuration with the settings of an adapter."""
    policy = Fields(unfolded(document)).section("policy")
    return policy is not None and any(_below(policy, *names) is not None for names in _SECTIONS)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, in their sections."""
    return (unfolded(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file whose adapter is enabled."""
    sections = unfolded(document)
    merged = _with_defaults(sections, project)
    whole = Fields(merged or sections, merged or sections)
    policy, own = whole.section("policy"), Fields(sections).section("policy")
    if policy is None or own is None:
        return Reading()
    for backend, name in _SECTIONS:
        block, here = _below(policy, backend, name), _below(own, backend, name)
        if block is not None and here is not None and known(block.flag("enabled")):
            place = here.span("dim" if here.has("dim") else "enabled")
            return Reading((_run(whole, policy, backend, block, place, inherits=merged is None),))
    return Reading()


def _with_defaults(document: Mapping, project: Project, depth: int = 0) -> Mapping | None:
    """A document on top of the files that its `defaults` names from its own folder; None if one cannot be read."""
    named = Fields(document).names("defaults", usual(()))
    if not isinstance(named, Known) or depth > _MAX_DEPTH:
        return None
    below = Mapping((), document.span)
    for name in (named.value,) if isinstance(named.value, str) else named.value:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document.span.path), name))
        parent = _document(path, project)
        inherited = _with_defaults(parent, project, depth + 1) if parent is not None else None
        if inherited is None:
            return None
        below = _merged(below, inherited)
    return _merged(below, document)


def _document(path: str, project: Project) -> Mapping | None:
    from lora_lint.readers import configs
    from lora_lint.readers.errors import Unreadable

    source = project.load(path) if project.exists(path) else None
    try:
        found = configs.roots(source) if source is not None else ()
    except Unreadable:
        return None
    return unfolded(found[0]) if found and isinstance(found[0], Mapping) else None


def _merged(below: Mapping, above: Mapping) -> Mapping:
    """Two mappings, of which the second counts where both have a value; `_override_` replaces a whole section."""
    if above.get("_override_") is not None:
        return above
    entries = {str(entry.key.value): entry for entry in below.entries}
    for entry in above.entries:
        name = str(entry.key.value)
        old, new = entries[name].value if name in entries else None, entry.value
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            entry = Entry(entry.key, _merged(old, new))
        entries[name] = entry
    return Mapping(tuple(entries.values()), above.span)


def _below(section: Fields, *names: str) -> Fields | None:
    found: Fields | None = section
    for name in names:
        found = found.section(name) if found is not None else None
    return found


def _run(whole: Fields, policy: Fields, backend: str, block: Fields, span: Span, *, inherits: bool) -> Run:
    model = BaseModel(policy.text("model_name", _left_out(inherits, "model")), "AutoModelForCausalLM", usual(None))
    loaded = policy.span("model_name")
    return Run(
        FRAMEWORK,
        span,
        _of_file(_adapter(block, span, backend, inherits), span),
        _of_file(model, span),
        training=_of_file(_training(whole, policy, backend, inherits), span),
        events=(Load(loaded if loaded.path == span.path else span), Wrap(span), Train(span)),
        own_names=True,
        trained=True,
    )


def _of_file(record: Any, here: Span) -> Any:
    """A record in which what other files set has no place in this one."""
    changed: dict[str, Any] = {}
    for name in type(record).__match_args__:
        value = getattr(record, name)
        if isinstance(value, Known) and value.span is not None and value.span.path != here.path:
            changed[name] = Known(value.value, None, value.origin, value.span)
    place = getattr(record, "span", None)
    if place is not None and place.path != here.path:
        changed["span"] = here
    return replace(record, **changed) if changed else record


def _left_out(inherits: bool, name: str) -> Value[Any]:
    """The value of a setting that a file leaves out: its default, unless the files in `defaults` may set it."""
    if inherits:
        return Unknown("a file in `defaults` may set it")
    return usual(FRAMEWORK.defaults[name]) if name in FRAMEWORK.defaults else ABSENT


def _adapter(block: Fields, span: Span, backend: str, inherits: bool) -> Adapter:
    """An empty list of targets stands for all linear layers of Megatron, and with AutoModel for those that are not
    excluded; for the projections where none are."""
    everything = known(block.flag("match_all_linear"))
    targets: Value[Any] = usual(FRAMEWORK.every_layer) if everything else block.names("target_modules")
    if isinstance(targets, Known) and not targets.value:
        every = backend == "megatron_cfg" or known(block.names("exclude_modules"))
        targets = usual(FRAMEWORK.every_layer if every else _USUAL)
    made = tables.adapter(
        FRAMEWORK,
        block,
        span,
        rank=block.whole("dim", _left_out(inherits, "rank")),
        alpha=block.number("alpha", _left_out(inherits, "alpha")),
        dropout=block.number("dropout", _left_out(inherits, "dropout")),
        target_modules=targets,
    )
    here = tuple(place for place in made.target_spans if place[1].path == span.path)
    return replace(made, span=span, target_spans=here)


def _training(whole: Fields, policy: Fields, backend: str, inherits: bool) -> Training:
    name = next((name for name in _METHODS if whole.has(name)), "")
    algorithm = whole.section(name)
    optimizer, key = policy.section("optimizer"), "name"
    rates = optimizer.section("kwargs") if optimizer is not None else None
    if backend == "megatron_cfg":
        optimizer, key = _below(policy, backend, "optimizer"), "optimizer"
        rates = optimizer
    unknown = _left_out(inherits, "training")
    return tables.training(
        FRAMEWORK,
        whole,
        _METHODS.get(name, "unknown"),
        optimizer=optimizer.text(key, unknown) if optimizer is not None else unknown,
        learning_rate=rates.number("lr", unknown) if rates is not None else unknown,
        epochs=algorithm.number("max_num_epochs", unknown) if algorithm is not None else unknown,
        max_steps=algorithm.whole("max_num_steps", unknown) if algorithm is not None else unknown,
        batch_size=policy.whole("train_global_batch_size", unknown),
        accumulation=usual(1),
        span=rates.span("lr") if rates is not None else None,
    )
