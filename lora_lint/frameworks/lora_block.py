"""A project's own file with a block that plainly holds the keywords of PEFT's LoraConfig.

    model_name: meta-llama/Llama-3.1-8B
    lora:
      r: 16
      lora_alpha: 32
      target_modules: [q_proj, v_proj]

A project may spell them its own way, with `lora_` before each (oumi: `peft: {lora_r: 8, lora_target_modules: […]}`):
then the block is no LoraConfig's keywords, and which keys are wrong in it only the project knows.

Keywords: PEFT 0.21.2, tuners/lora/config.py. What a block leaves out is what the program makes of it: not the default
of PEFT where that decides the scale, but that nobody turned on what is not there (rsLoRA, DoRA, a bias).

A block may also be a W&B sweep over the keywords (`peft_hyperparameters: {method: grid, parameters: …}` in
aryopg/clinical_peft at a5d9a9c), and a project with several models has one for each of them, as
`protein_peft_hyperparameters` beside `protein_fine_tuning_type`.
"""

from __future__ import annotations

import re
from functools import partial

from lora_lint.frameworks import own_data, tables, wandb
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.frameworks.peft import KEYS as PEFT_KEYS
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.records import dataclass, replace
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, is_number, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run.problems import InvalidValue, UnknownKey
    from lora_lint.run.run import Sweep
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="lora_block",
    title="PEFT",
    source="PEFT",
    version=(0, 21, 2),
    keys=PEFT_KEYS,
    kinds=("yaml", "json"),
    sections=None,
    marks=((b"lora_alpha",), (b"target_modules",), (b"lora_dropout",)),
    last_resort=True,
    regex_targets=True,
    reader_unknown=True,
)
_BLOCKS = frozenset(
    "lora peft qlora lora_config peft_config lora_params peft_params lora_args peft_args loraconfig "
    "lora_parameters lora_kwargs peft_kwargs lora_settings peft_hyperparameters".split()
)
_PLAIN = frozenset({"lora_alpha", "target_modules", "lora_target_modules", "lora_dropout"})
_OF_A_PART = "_peft_hyperparameters"
"""The end of the key of a block for one of several models."""
_METHODS = frozenset({"LORA", "QLORA", "DORA", "QDORA", "RSLORA"})
_TOLD_BY = ("peft_type", "method", "type", "peft_method", "adapter_type")
_OFF = ("enabled", "enable", "use", "use_lora", "use_peft", "lora_enabled", "peft_enabled")
_KEYWORDS = frozenset({"r", "lora_r", "lora_rank", "rank"})
_PREFIXED = (
    *("target_modules", "exclude_modules", "target_parameters", "layers_to_transform", "layers_pattern"),
    *("rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "bias", "modules_to_save", "init_lora_weights"),
    *("task_type",),
)
_NAME = re.compile(r"[\w.-]+")
_ALL = "all-linear"
_WORDS = frozenset({_ALL, "all_linear", "all", "auto", "default"})
"""What stands for targets that a program finds; no module of a model has such a name."""
_MEASURED = frozenset(
    "train_loss train_runtime train_samples_per_second train_steps_per_second total_flos "
    "eval_loss eval_runtime eval_samples_per_second eval_steps_per_second".split()
)
"""What transformers' Trainer measures (5.23, trainer_utils.speed_metrics, trainer.py)."""
_DEPTH = 3
_MODELS = (
    *("base_model", "model_name_or_path", "base_model_name_or_path", "pretrained_model_name_or_path", "model_name"),
    *("model_id", "base_model_name", "base_model_id", "pretrained_model", "model_path", "hf_model_ckpt", "model"),
)
_IN_MODEL = (*_MODELS, "name", "name_or_path", "path", "id", "pretrained")
_RATES = ("learning_rate", "lr")


@dataclass(frozen=True)
class _Block:
    """A block, its key, and the mappings around it, the innermost first."""

    key: str
    node: Mapping
    above: tuple[Mapping, ...]

    @property
    def part(self) -> str:
        """What the keys of its model and its method begin with, in a project with several models."""
        return self.key.removesuffix(_OF_A_PART[1:]) if self.key.endswith(_OF_A_PART) else ""


def recognises(document: Mapping) -> bool:
    """Whether a mapping contains such a block, not too deeply nested, and is no record of a run that has ended."""
    return next(_blocks(document, (), _DEPTH), None) is not None and not _measured(document)


def _measured(node: Node) -> bool:
    """Whether a file holds what a trainer measured: nobody starts a run from it again."""
    if isinstance(node, Sequence):
        return any(_measured(item) for item in node.items)
    if not isinstance(node, Mapping):
        return False
    return any(
        (entry.key.value in _MEASURED and isinstance(entry.value, Scalar) and is_number(entry.value.value))
        or _measured(entry.value)
        for entry in node.entries
    )


def read(document: Mapping, project: Project) -> Reading:
    """A run for each block, and several for each sweep."""
    runs: list[Run] = []
    sweeps: list[Sweep] = []
    for block in _blocks(document, (), _DEPTH):
        if not wandb.recognises(block.node):
            runs.append(_run(document, block, project))
            continue
        model = BaseModel(_model(block, document))
        reading = wandb.read(block.node, project).mapped(partial(replace, model=model))
        runs += reading.runs
        sweeps += reading.sweeps
    return Reading(tuple(runs), tuple(sweeps))


def _blocks(mapping: Mapping, above: tuple[Mapping, ...], depth: int) -> Iterator[_Block]:
    """The blocks in a mapping."""
    for entry in mapping.entries:
        key, value = entry.key.value, entry.value
        if not isinstance(key, str) or not isinstance(value, Mapping) or mapping.entry(key) is not entry:
            continue
        block = _Block(key.lower(), value, (mapping, *above))
        if (block.key in _BLOCKS or block.part) and _plainly_lora(block):
            yield block
        elif depth > 1:
            yield from _blocks(value, (mapping, *above), depth - 1)


def _plainly_lora(block: _Block) -> bool:
    """A rank, and something that only LoRA has, or a sweep; not another method (`peft_type` may accompany the block), a
    grid of values, or anything that a flag or a rank of 0 switches off."""
    fields, beside = Fields(block.node), Fields(block.above[0])
    ranks = [key for key in _KEYWORDS if fields.has(key)]
    swept = wandb.recognises(block.node)
    kinds = set() if swept else {_kind(fields, key) for key in _TOLD_BY if fields.has(key)}
    kinds |= {_kind(beside, key) for key in ("peft_type", f"{block.part}fine_tuning_type") if beside.has(key)}
    off = any(known(fields.flag(key)) is False for key in _OFF)
    if off or not kinds <= _METHODS:
        return False
    if swept:
        return bool(kinds)
    if len(ranks) != 1 or not isinstance(fields.node(ranks[0]), Scalar) or known(fields.whole(ranks[0])) == 0:
        return False
    return any(fields.has(key) for key in _PLAIN)


def _kind(fields: Fields, key: str) -> str:
    """The method that a key names, as PEFT's types do."""
    return str(known(fields.text(key))).upper().replace("-", "")


def _run(document: Mapping, found: _Block, project: Project) -> Run:
    block = found.node
    fields = Fields(block, document)
    rank = next(key for key in _KEYWORDS if fields.has(key))
    own = {name: _spelt(fields, name) for name in _PREFIXED}
    keys = {**own, "rank": rank, "alpha": _short(fields, "alpha"), "dropout": _short(fields, "dropout")}
    dora = any(str(known(fields.text(key))).upper().endswith("DORA") for key in _TOLD_BY)
    adapter = tables.adapter(
        *(FRAMEWORK, fields, fields.span(rank), keys),
        dropout=fields.number(keys["dropout"], usual(0.0)),
        target_modules=_listed(fields, keys["target_modules"], ABSENT, project),
        exclude_modules=_listed(fields, keys["exclude_modules"], usual(None), project),
        use_dora=fields.flag(keys["use_dora"], usual(dora)),
        inference_mode=fields.flag("inference_mode", usual(False)),
        task_type=fields.text(keys["task_type"], ABSENT),
        reader_unknown=usual(True),
    )
    # A map where PEFT takes none, as from models to targets, is the project's own: its program picks a part of it.
    problems: tuple[UnknownKey | InvalidValue, ...] = tuple(
        problem
        for problem in schemas.invalid_values("peft_adapter", block, "PEFT", unconverted=("r",))
        if not isinstance(problem.value, dict)
    )
    if not any(key.startswith("lora_") for key in (rank, *own.values())):
        unlisted = schemas.Unlisted(
            "PEFT's LoraConfig",
            "raises TypeError there",
            also=(*_KEYWORDS, "alpha", "dropout", *_TOLD_BY, *_OFF),
            only_near=schemas.keys("peft_adapter") - {"r"},
        )
        unknown = schemas.unknown_keys("peft_adapter", block, unlisted)
        # A key that a program of the project reads by name is the project's own.
        problems = (*(key for key in unknown if not project.programs_name(key.key, key.span.path)), *problems)
    span = fields.span(rank)
    model = BaseModel(_model(found, document))
    training = Training(learning_rate=_rate(found.above, document))
    data = own_data.dataset(document, project)
    return Run(FRAMEWORK, span, adapter, model, training=training, dataset=data, problems=problems, trained=None)


def _spelt(fields: Fields, name: str) -> str:
    """The block's spelling of a keyword: with `lora_` before it, if only that is present."""
    return f"lora_{name}" if fields.has(f"lora_{name}") and not fields.has(name) else name


def _short(fields: Fields, name: str) -> str:
    """The block's spelling of `lora_alpha` or `lora_dropout`: without `lora_` if only that is present."""
    return name if fields.has(name) and not fields.has(f"lora_{name}") else f"lora_{name}"


def _listed(fields: Fields, key: str, default: Value[Any], project: Project) -> Value[Any]:
    """Names of modules. PEFT could not use a list with regexes in it, or with a word such as "auto", but a program of
    the project may find the modules that they mean. One with its own spelling may do so in any project (oumi,
    core/configs/params/peft_params.py)."""
    found = fields.names(key, default)
    if not isinstance(found, Known) or not found.value or found.value == _ALL:
        return found
    entries = (found.value,) if isinstance(found.value, str) else found.value
    plain = isinstance(found.value, str) or all(_NAME.fullmatch(entry) for entry in entries)
    if plain and _WORDS.isdisjoint(entries):
        return found
    read = key.startswith("lora_") or (found.span is not None and project.programs_name(key, found.span.path))
    return Unknown(f"the program may find the modules that `{key}` means", found.span) if read else found


def _model(block: _Block, document: Mapping) -> Value[str]:
    """The model that is named next to the block, in a sibling section or in a `model` section; not known if there are
    two."""
    for mapping in block.above:
        beside = Fields(mapping, document)
        found = _named(beside, tuple(f"{block.part}{key}" for key in _MODELS))
        for entry in mapping.entries:
            key = str(entry.key.value)
            section = beside.section(key)
            if section is not None and key.lower() not in _BLOCKS:
                found += _named(section, _IN_MODEL if key == "model" else _MODELS)
        values = {known(value): value for value in found}
        if len(values) == 1:
            return found[0]
        if found:
            return Unknown("several models are named", found[0].span)
    return ABSENT


def _named(fields: Fields, keys: tuple[str, ...]) -> list[Known[str] | Unknown]:
    found = [fields.text(key) for key in keys if fields.has(key) and fields.section(key) is None]
    return [value for value in found if isinstance(value, (Known, Unknown))]


def _rate(above: tuple[Mapping, ...], document: Mapping) -> Value[float]:
    for mapping in above:
        for key in _RATES:
            if Fields(mapping).has(key):
                return Fields(mapping, document).number(key)
    return ABSENT
