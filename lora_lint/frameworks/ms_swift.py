"""ms-swift: `tuner_type: lora`, or `train_type` (3.x) or `sft_type` (2.x) of that value.

Source: ms-swift 4.6.0, arguments/{tuner_args,sft_args,rlhf_args}.py, arguments/base_args/*.py, trainers/arguments.py,
pipelines/train/tuner.py, model/model_arch.py, dataset/dataset_syntax.py and megatron/arguments/megatron_args.py; the
older spellings: 3.12.3 and 2.6.1, llm/utils/argument.py. A file is turned into flags of the command line there
(cli/main.py), so that `settings_of` reads both.
"""

from __future__ import annotations

import os
import re

from lora_lint.frameworks import tables
from lora_lint.frameworks.commands import entry
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.knowledge.layouts import quantizer_in_name
from lora_lint.readers.nodes import Mapping
from lora_lint.records import replace
from lora_lint.run.events import Event, Load, LoadAdapter, Resize, Train, Unwrap, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.launch import Launch
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.run.problems import InvalidValue, Problem
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_TASKS_THAT_TRAIN = ("sft", "pt", "rlhf")
FRAMEWORK = Framework(
    name="ms_swift",
    title="ms-swift",
    source="ms-swift",
    version=(4, 6, 0),
    requires=True,
    packages=("ms-swift",),
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "target_parameters": "target_parameters",
        "modules_to_save": "modules_to_save",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "init_lora_weights": "init_weights",
        "bias": "lora_bias",
        "dtype": "lora_dtype",
    },
    other_keys={"output": "output_dir"},
    kinds=("yaml", "json"),
    marks=((b"tuner_type",), (b"train_type",), (b"sft_type",)),
    avoids=frozenset({"mamba-module", "vision-tower"}),  # pipelines/train/tuner.py
    names_tokens=True,
    unknown_keys="stops ms-swift with a ValueError",
    synonyms={
        "lora_r": "lora_rank",
        "r": "lora_rank",
        "lora_target_modules": "target_modules",
        "lora_target": "target_modules",
        "model_name_or_path": "model",
        "loraplus_lr_ratio": "lorap_lr_ratio",
        "quantization_bit": "quant_bits",
        "finetuning_type": "tuner_type",
        "sft_type": "tuner_type",
    },
    commands=(
        CommandLine("command", "swift", (*_TASKS_THAT_TRAIN, "export"), config="first"),
        CommandLine(
            *("command", "megatron", _TASKS_THAT_TRAIN),
            checked=False,
            takes="megatron",
            instead="Use Megatron's own, such as `lr`, `micro_batch_size` and `global_batch_size`",
        ),
        CommandLine("script", r"swift/cli/(?P<task>sft|pt|rlhf)\.py", config="first"),
    ),
    tells_in_commands=(rb"\bswift\s+(?:sft|pt|rlhf|export)\b",),
    defaults={"rank": 8, "alpha": 32, "dropout": 0.05},
    lists=(
        *("target_modules", "target_parameters", "modules_to_save", "adapters", "ref_adapters", "new_special_tokens"),
        *("dataset", "val_dataset", "freeze_parameters", "trainable_parameters", "reward_funcs", "external_plugins"),
    ),
)
_OLDER = {
    "target_modules": "lora_target_modules",
    "dropout": "lora_dropout_p",
    "modules_to_save": "lora_modules_to_save",
    "init_lora_weights": "init_lora_weights",
    "bias": "lora_bias_trainable",
}
"""Spellings in 2.x that differ."""
_TYPES = ("tuner_type", "train_type", "sft_type")
_RESUMED = ("adapters", "resume_from_checkpoint", "mcore_adapter")
_OF_ADAPTERS = ("adapters", "mcore_adapter", "mcore_adapters", "adapter_load", "merge_lora", "ckpt_dir")
"""What an export of an adapter is given."""
_MEGATRON = ("mcore_model", "mcore_adapter", "micro_batch_size", "global_batch_size", "tensor_model_parallel_size")
_VISUAL = (("visual",), ("visual.merger",))
_TOWER = (("vision_tower",), ("multi_modal_projector",))
_DEEP = (("visual",), ("visual.merger", "visual.deepstack_merger_list"))
_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "glm4v", "glm4v_moe", "qwen3_5", "qwen3_5_moe"), _VISUAL),
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe"), _DEEP),
    **dict.fromkeys(("llava", "llava_next", "llava_next_video", "gemma3", "paligemma", "mistral3", "internvl"), _TOWER),
    **dict.fromkeys(("mllama", "llama4"), (("vision_model",), ("multi_modal_projector",))),
    "idefics3": (("vision_model",), ("connector",)),
    "qwen2_audio": (("audio_tower",), ("multi_modal_projector",)),
    "gemma3n": (("vision_tower", "audio_tower"), ("embed_vision", "embed_audio")),
}
"""Model type -> parts of the names of its towers, and of what connects them to the language model
(model/model_arch.py)."""
_MAMBA = ("falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h")
"""Model types whose `out_proj` and `conv1d` are left out, because PEFT rejects them (pipelines/train/tuner.py)."""
_STATE = ("swift_version", "global_world_size")
"""Keys of the args.json that a training leaves, most of which is not settings."""
_METHODS: dict[str, Method] = {
    **dict.fromkeys(("dpo", "orpo", "simpo", "kto", "cpo", "rm"), "preference"),
    **dict.fromkeys(("ppo", "grpo"), "rl"),
    "gkd": "unknown",
}
_TASKS = {"embedding": None, "seq_cls": "SEQ_CLS", "reranker": "SEQ_CLS"}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an ms-swift file."""
    merged = _merged(document)
    return any(merged.entry(key) is not None for key in _TYPES) and any(
        merged.entry(key) is not None for key in ("model", "model_id_or_path", "model_type", "mcore_model", "adapters")
    )


def owner(document: Mapping) -> str | None:
    """The command that takes the settings of a file: `swift sft`, `swift pt` or `swift rlhf`, or that of 2.x and 3.x,
    whose spellings are others. None for Megatron, for Ray workers with their own settings, and for files that train
    nothing or record a finished training. The names are those of its table in `refused_by`."""
    other = (*_MEGATRON, *_STATE, "to_cached_dataset")
    trains = any(document.entry(key) is not None for key in ("dataset", "cached_dataset"))
    if not trains or any(document.entry(key) is not None for key in other):
        return None
    if isinstance(document.get("train"), Mapping):
        return None
    return "2.x-3.x" if any(document.entry(key) is not None for key in _TYPES[1:]) else ""


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA: not one that merges an adapter, serves it or chats with it."""
    merged = _merged(document)
    fields = Fields(merged)
    if not any(fields.has(key) for key in ("dataset", "cached_dataset", "custom_train_dataset_path")):
        return Reading()
    if known(fields.flag("to_cached_dataset")):
        return Reading()
    run = settings_of(merged, project)
    return Reading() if run is None else Reading((run,))


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading:
    """The run of `swift sft --model …` and `megatron sft …`: LoRA, or full fine-tuning, by default."""
    given = arguments.mapping
    if start.task == "export":
        return _exported(Fields(given), start.span)
    if start.task == "rlhf" and given.entry("rlhf_type") is None:
        given = Mapping((entry("rlhf_type", "dpo", start.span), *given.entries), given.span)
    typed = any(given.entry(key) is not None for key in _TYPES)
    named = any(given.entry(key) is not None for key in ("model", "model_id_or_path", "adapters", "mcore_model"))
    if arguments.positional or not named or (arguments.open and not typed):
        return Reading()  # a configuration file, or options that are not known
    run = settings_of(given, project, megatron=start.name == "megatron")
    return Reading() if run is None else Reading((replace(run, launch=_launch(run.launch, start)),))


def _launch(launch: Launch, start: Start) -> Launch:
    """`NPROC_PER_NODE` processes, which share the GPUs that are visible (cli/main.py, utils/env.py)."""
    visible, processes = (start.environment.get(name) for name in ("CUDA_VISIBLE_DEVICES", "NPROC_PER_NODE"))
    if visible is None and processes is None:
        return launch
    several = "NNODES" in start.environment
    count = "1" if processes is None and not several else getattr(processes, "text", None)
    number = int(count) if count and re.fullmatch(r"[1-9]\d{0,3}", count) else None
    if number is not None and not several and start.command.kind == "command":
        given = processes is not None and not processes.default
        place = getattr(processes, "span", None)
        launch = replace(launch, processes=Known(number, place, "literal" if given else "cli-default"))
    if visible is None or visible.default or not re.fullmatch(r"\d+(?:,\d+)*", visible.text or ""):
        return launch
    shown = len(str(visible.text).split(","))
    if number is None:
        return launch
    seen = Known(shown, None, "derived", visible.span)
    return replace(launch, gpus_per_process=Known(shown // number, visible.span), visible=seen)


def _exported(fields: Fields, span: Span) -> Reading:
    """What `swift export` merges; it undoes a quantization of its own before (pipelines/export/merge_lora.py)."""
    name = known(fields.text("model"))
    quantizer = quantizer_in_name(name) if name is not None else None
    if quantizer is None or known(fields.flag("merge_lora")) is not True:
        run = Run(FRAMEWORK, span, Adapter(span), problems=_problems(fields.mapping, older=False), trained=False)
        return Reading((run,) if any(fields.has(key) for key in _OF_ADAPTERS) else ())
    base, adapter = fields.span("model"), fields.span("adapters")
    events = (Load(base), LoadAdapter(adapter, trainable=Known(False)), Unwrap(fields.span("merge_lora"), merges=True))
    run = Run(FRAMEWORK, span, tables.resumed(Adapter(adapter)), BaseModel(fields.text("model")), events=events)
    return Reading((replace(run, trained=False, launch=Launch(quantizer=Known(quantizer, base))),))


def trains_all(document: Mapping) -> bool:
    """Whether settings say that all weights are trained."""
    fields = Fields(document)
    return any(known(fields.text(key)) == "full" for key in _TYPES)


def settings_of(document: Mapping, project: Project, *, megatron: bool = False) -> Run | None:
    """The run of settings that train, as a file or the flags of `swift sft|pt|rlhf` (or `megatron sft|pt|rlhf`) give
    them, each flag without its dashes as a key; None if they do not train LoRA."""
    fields = Fields(document)
    megatron = megatron or any(fields.has(key) for key in _MEGATRON)
    type_key = next((key for key in _TYPES if fields.has(key)), "tuner_type")
    if known(fields.text(type_key, usual("full" if megatron else "lora"))) not in ("lora", "longlora", "lora_llm"):
        return None
    name = next((key for key in ("model", "model_id_or_path", "mcore_model") if fields.has(key)), "model_type")
    resumed = next((key for key in _RESUMED if fields.has(key)), None)
    span = fields.span(type_key)
    put_on = Wrap(span) if resumed is None else LoadAdapter(fields.span(resumed), trainable=Known(True))
    events: list[Event] = [Load(fields.span(name)), put_on, Train(span)]
    if fields.has("new_special_tokens"):
        long = known(fields.text(type_key)) == "longlora"  # which trains the embeddings
        added = () if long else _added(fields)
        events.insert(1, Resize(fields.span("new_special_tokens"), tokens=added))
    older = type_key == "sft_type" and not fields.has("model")  # an option that 2.x does not have
    adapter = _adapter(fields, older, resumed is not None, megatron, known(fields.text(name)))
    names = known(adapter.target_modules)
    return Run(
        FRAMEWORK,
        span,
        adapter,
        _model(fields, name),
        _dataset(fields, document.span.path, project),
        replace(_training(fields, megatron), bare_reference=_bare_reference(fields)),
        tuple(events),
        (
            *_problems(document, older),
            *_unfit_data(fields, document.span.path, project),
            *_unfit_types(fields, None if name == "model_type" else known(fields.text(name)), document.span.path),
        ),
        trained=True,
        own_names=names not in (None, "all-linear") and (megatron or not _GROUPS.isdisjoint(names)),
    )


def _bare_reference(fields: Fields) -> Value[bool]:
    """Without `ref_model` and `ref_adapters` the reference is the model with its adapter switched off
    (pipelines/train/rlhf.py); `adapters` are those that training starts from."""
    compared = known(fields.text("rlhf_type")) in ("dpo", "kto", "grpo")
    own = any(fields.has(key) for key in ("ref_model", "ref_adapters", "resume_from_checkpoint", "mcore_ref_adapter"))
    return Known(True, fields.span("adapters")) if compared and not own and fields.has("adapters") else ABSENT


def _added(fields: Fields) -> tuple[str, ...]:
    """The tokens that are written out, not those of a file (arguments/base_args/model_args.py)."""
    found = known(fields.names("new_special_tokens"))
    tokens = (found,) if isinstance(found, str) else found or ()
    return () if any(token.endswith(".txt") for token in tokens) else tokens


def _merged(document: Mapping) -> Mapping:
    """The settings with those in its `train` section, where a file for Ray has the settings of the training workers."""
    section = document.get("train")
    return Mapping((*document.entries, *section.entries), document.span) if isinstance(section, Mapping) else document


def _problems(document: Mapping, older: bool) -> tuple[Problem, ...]:
    if any(document.entry(key) is not None for key in _STATE):
        return ()
    definition = "v2" if older else None
    near = schemas.keys(FRAMEWORK.name, definition)
    return tables.problems(FRAMEWORK, document, definition, near=near, unconverted=("lora_rank",))


def _unfit_data(fields: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    from lora_lint.frameworks.ms_swift_data import unfit_data

    yield from unfit_data(fields, FRAMEWORK.title, near, project)


def _unfit_types(fields: Fields, model: str | None, near: str) -> Iterator[InvalidValue]:
    if fields.has("model_type") or fields.has("template"):
        from lora_lint.frameworks.ms_swift_types import unfit_types

        yield from unfit_types(fields, FRAMEWORK.title, model, near)


def _adapter(fields: Fields, older: bool, resumed: bool, megatron: bool, model: str | None) -> Adapter:
    keys = {**FRAMEWORK.keys} | {field: key for field, key in _OLDER.items() if older and fields.has(key)}
    targets = _targets(fields, keys["target_modules"], older)
    spared = known(targets) == "all-linear" and not megatron
    own = {
        "target_modules": targets,
        "exclude_modules": _left_out(fields, model) if spared else usual(None),
        "modules_to_save": _saved(fields, keys["modules_to_save"], megatron),
        "init_lora_weights": _start(fields, keys["init_lora_weights"]),
        "task_type": _task(fields),
        "dtype": fields.text("lora_dtype"),
    }
    span = fields.span(next((key for key in _TYPES if fields.has(key)), "model"))
    adapter = tables.adapter(FRAMEWORK, fields, span, keys, **own)
    return tables.resumed(adapter) if resumed else adapter


_GROUPS = frozenset({"all-linear", "all-embedding", "all-router"})
"""Names that stand for modules of a model; others may be named as well."""


def _targets(fields: Fields, key: str, older: bool) -> Value[Any]:
    """A regex, or a list; a single string is one name, since it is not split. Without either, all linear layers; in 2.x
    only attention, by each model's own names."""
    if fields.has("target_regex"):
        return fields.text("target_regex")
    if older and known(fields.names(key, usual("DEFAULT"))) in ("DEFAULT", "AUTO", "ALL", ("DEFAULT",), ("ALL",)):
        every = known(fields.names(key)) in ("ALL", ("ALL",))
        return Known("all-linear", fields.span(key)) if every else Unknown("each model has its own targets")
    found = fields.names(key, usual("all-linear"))
    if not isinstance(found, Known):
        return found
    names = (found.value,) if isinstance(found.value, str) else found.value
    if names == ("all-linear",):
        return Known("all-linear", found.span, found.origin)
    return Known(names, found.span, found.origin)


def _left_out(fields: Fields, name: str | None) -> Value[Any]:
    """The towers and projectors that stay frozen under all-linear, as a regex; nothing for a text-only model."""
    from lora_lint.knowledge.architectures import heads
    from lora_lint.knowledge.models import identify

    model = identify(name, near=os.path.dirname(fields.mapping.span.path) or None) if name else None
    if model is None:
        return usual(None)
    if model.model_type in _MAMBA:
        return usual(r".*\.(?:out_proj|conv1d)")
    if model.model_type not in _PARTS:
        several = "multimodal-lm" in heads(model.model_type)
        return Unknown("the parts of this model are not known") if several else usual(None)
    towers, projectors = _PARTS[model.model_type]
    frozen = [fields.flag(f"freeze_{part}", usual(part != "llm")) for part in ("llm", "vit", "aligner")]
    if not all(isinstance(flag, Known) for flag in frozen):
        return Unknown("it depends on what is frozen")
    llm, vit, aligner = (known(flag) for flag in frozen)
    between = "|".join(map(re.escape, projectors))
    left = [f"(?!.*(?:{between})).*(?:{'|'.join(map(re.escape, towers))})"] if vit else []
    left += [f".*(?:{between})"] if aligner else []
    left += [r".*\blanguage_model\b"] if llm else []
    return Known(f"(?:{'|'.join(left)}).*", None, "framework-default") if left else usual(None)


def _saved(fields: Fields, key: str, megatron: bool) -> Value[Any]:
    found = fields.names(key, usual(None))
    if not isinstance(found, Known) or found.value is None:
        return found
    if megatron:
        return Unknown("Megatron has its own modules", found.span)
    names = (found.value,) if isinstance(found.value, str) else found.value
    if any(name.lower() in ("all-embedding", "all-norm", "embedding", "ln", "all") for name in names):
        return Unknown("it names a group of modules", found.span)
    return Known(names, found.span) if names else usual(None)


def _start(fields: Fields, key: str) -> Value[Any]:
    found = fields.switch(key, usual(True))
    if known(found) == "lora-ga":
        return Unknown("LoRA-GA starts from gradients", fields.span(key))
    return found


def _task(fields: Fields) -> Value[Any]:
    """For a reward model it is a classification."""
    if known(fields.text("rlhf_type")) == "rm":
        return usual("SEQ_CLS")
    found = fields.text("task_type", usual("causal_lm"))
    if not isinstance(found, Known):
        return found
    return Known(_TASKS.get(found.value, "CAUSAL_LM"), found.span, found.origin)


def _model(fields: Fields, name: str) -> BaseModel:
    loader = "AutoModelForSequenceClassification" if known(_task(fields)) == "SEQ_CLS" else None
    unsloth = known(fields.text("tuner_backend")) == "unsloth"
    if unsloth:
        loader = "FastLanguageModel"
    key = "quant_bits" if fields.has("quant_bits") else "quantization_bit"
    bits = fields.whole(key, usual(0))
    quantization: Value[str | None] = Unknown("it is filled in when the run starts", fields.span(key))
    if isinstance(bits, Known):
        quantization = Known(f"{bits.value}bit" if bits.value else None, bits.span, bits.origin)
    revision = fields.text("model_revision")
    return BaseModel(fields.text(name), loader, quantization, loader_adapts=unsloth, revision=revision)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """Data sets by name, as `hf::id:subset#count`: with a count, exactly that many are drawn, even if there are
    fewer."""
    from lora_lint.knowledge.sizes import without_held_out

    names = fields.names("dataset")
    if not isinstance(names, Known):
        return Dataset(names, Unknown("the dataset is not named", getattr(names, "span", None)))
    sets = (names.value,) if isinstance(names.value, str) else names.value
    name: Value[str] = Known(", ".join(sets), names.span)
    held = known(fields.number("split_dataset_ratio", fields.number("dataset_test_ratio", usual(0.0))))
    mixed = fields.has("interleave_prob") or known(fields.flag("streaming", usual(False))) is not False
    sizes = [_rows(each, near, project) for each in sets]
    if held is None or mixed or not sizes or any(size is None for size in sizes):
        return Dataset(name, Unknown("the size of the dataset is not known", names.span))
    total = sum(size or 0 for size in sizes)
    total = total if fields.has("val_dataset") or held <= 0 else without_held_out(total, held)
    how = f"{len(sets)} datasets" if len(sets) > 1 else "the number after `#`" if "#" in sets[0] else sets[0]
    return Dataset(name, Known(total, names.span, "derived"), how)


def _rows(text: str, near: str, project: Project) -> int | None:
    from lora_lint.knowledge.sizes import rows_of

    hub, _, rest = text.rpartition("::")
    other, _, count = rest.rpartition("#")
    if other and count.strip().isdigit():
        return int(count)
    name, _, subset = rest.partition(":")
    if "/" in subset or hub.lower() not in ("", "hf"):
        return None
    return rows_of(name.strip(), "train", subset.strip() or None, near, project)


def _training(fields: Fields, megatron: bool) -> Training:
    """Without `gradient_accumulation_steps` it depends on the number of GPUs (trainers/arguments.py)."""
    kind = known(fields.text("rlhf_type"))
    method: Method = _METHODS.get(kind, "unknown") if kind is not None else "supervised"
    if kind is None and known(fields.text("task_type", usual("causal_lm"))) != "causal_lm":
        method = "classification" if known(_task(fields)) == "SEQ_CLS" else "unknown"
    rate = "lr" if megatron else "learning_rate"
    batch = "batch_size" if fields.has("batch_size") else "per_device_train_batch_size"
    return Training(
        "ms-swift",
        method,
        fields.text("optimizer" if megatron else "optim", usual("adam" if megatron else "adamw_torch_fused")),
        fields.number(rate, usual(1e-4)),
        fields.number("num_train_epochs", ABSENT if megatron else usual(1.0 if fields.has("sft_type") else 3.0)),
        fields.whole("train_iters" if megatron else "max_steps", ABSENT if megatron else usual(-1)),
        fields.whole("global_batch_size", usual(16)) if megatron else fields.whole(batch, usual(1)),
        usual(1) if megatron else fields.whole("gradient_accumulation_steps"),
        warmup=ABSENT if megatron else fields.number("warmup_steps"),
        schedule=fields.text("lr_scheduler_type", usual("cosine")),
        span=fields.span(rate),
        half=fields.flag("fp16"),
    )
