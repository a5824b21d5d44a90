"""axolotl: `base_model` with `adapter: lora`, `qlora` or `mixlora`.

Source: axolotl 0.21.0, utils/schemas/{config,peft,model,training}.py and loaders/adapter.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.frameworks.vocabulary import Vocabulary
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Scalar
from lora_lint.records import replace
from lora_lint.run.events import Event, Load, LoadAdapter, Resize, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.problems import Problem
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="axolotl",
    title="axolotl",
    source="axolotl",
    version=(0, 21, 0),
    requires=True,
    packages=("axolotl",),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_target_modules",
        "target_parameters": "lora_target_parameters",
        "modules_to_save": "lora_modules_to_save",
        "rank_pattern": "lora_rank_pattern",
        "alpha_pattern": "lora_alpha_pattern",
        "layers_to_transform": "peft_layers_to_transform",
        "layers_pattern": "peft_layers_pattern",
        "use_rslora": "peft_use_rslora",
        "use_dora": "peft_use_dora",
        "init_lora_weights": "peft_init_lora_weights",
        "trainable_token_indices": "peft_trainable_token_indices",
        "dtype": "peft_autocast_adapter_dtype",
    },
    kinds=("yaml",),
    marks=((b"base_model", b"adapter"), (b"base_model", b"load_in_")),
    tells=(b"load_in_4bit", b"load_in_8bit"),  # refused without an adapter
    whole_alpha=True,
    regex_targets=True,
    avoids=frozenset({"expert-dropout"}),  # loaders/adapter.py
    names_tokens=True,
    on_new_tokens=" (those of `tokens` axolotl refuses so, with a ValueError)",
    synonyms={
        "lora_rank": "lora_r",
        "use_rslora": "peft_use_rslora",
        "lora_use_rslora": "peft_use_rslora",
        "use_dora": "peft_use_dora",
        "lora_use_dora": "peft_use_dora",
        "lr": "learning_rate",
    },
    commands=(
        CommandLine("command", "axolotl", ("train",), config="first", alone=None),
        CommandLine("module", r"axolotl\.cli\.train", config="first", alone=None),
    ),
    tells_in_commands=(rb"\baxolotl\s+train\b", rb"\baxolotl\.cli\.train\b"),
    every_layer_switch="lora_target_linear",
    other_keys={
        "output": "output_dir",
        "model": "base_model",
        "optimizer": "optimizer",
        "learning_rate": "learning_rate",
        "epochs": "num_epochs",
        "max_steps": "max_steps",
        "batch_size": "micro_batch_size",
        "accumulation": "gradient_accumulation_steps",
        "warmup": "warmup_steps",
        "schedule": "lr_scheduler",
        "half": "fp16",
    },
    defaults={
        "dropout": 0.0,
        "optimizer": "adamw_torch_fused",
        "epochs": 1.0,
        "batch_size": 1,
        "accumulation": 1,
    },
    says_lora={"adapter": "lora"},
    recommended=(
        *("rank", "alpha", "dropout", "use_rslora", "target_modules", "target_parameters"),
        *("learning_rate", "epochs"),
    ),
)
_OWN = ("datasets", "pretraining_dataset", "sequence_len", "micro_batch_size", "num_epochs", "lora_target_linear")
_BITS = ("load_in_4bit", "load_in_8bit")
_METHODS: dict[str, Method] = {
    **dict.fromkeys(("dpo", "ipo", "kto", "orpo", "simpo", "bco"), "preference"),
    **dict.fromkeys(("grpo", "gdpo", "ebft"), "rl"),
}
_DROPPED = ("lora_exclude_modules",)
"""Settings that the loader asks for but no schema has: pydantic drops them first (axolotl 0.21.0, loaders/adapter.py
and utils/schemas/peft.py)."""
_ALL = "all-linear"
_NEW_TOKENS = ("tokens", "special_tokens", "added_tokens_overrides", "resize_token_embeddings_to_32x")
"""Keys that may add rows to the embeddings (axolotl 0.21.0, loaders/tokenizer.py, loaders/model.py)."""
_MIXED = "mixlora"
"""LoRA on the attention, and a router with experts of LoRA for each MLP (axolotl 0.21.0, loaders/adapter.py)."""
_OUTSIDE = frozenset({"embed_tokens", "lm_head", _ALL})


_QLORA = "axolotl's `adapter: qlora`"
_TEMPLATES = Vocabulary(
    "the name of one of its chat templates, else it stops (for a template of your own: `jinja`, and the template in "
    "`chat_template_jinja`)",
    frozenset(
        "alpaca aya chatml cohere command_a command_a_rag command_a_tool_use deepseek_v2 deepseek_v3 exaone exaone4 "
        "falcon_h1 gemma gemma3 gemma3n gemma4 gemma4_unified jamba jinja llama3 llama3_2_vision llama4 llava metharme "
        "mistral_v1 mistral_v2v3 mistral_v3_tekken mistral_v7_tekken nemotron_h phi_3 phi_35 pixtral qwen2_vl qwen3 "
        "qwen3_5 qwen_25 tokenizer_default".split()
    ),
    {
        **dict.fromkeys(("llama31", "llama32", "llama33", "llama3instruct"), "llama3"),
        **dict.fromkeys(("qwen", "qwen2", "qwen25instruct"), "qwen_25"),
        **dict.fromkeys(("qwen25vl", "qwen2_5vl"), "qwen2_vl"),
        **dict.fromkeys(("gemma1", "gemma2"), "gemma"),
        **dict.fromkeys(("tokenizer", "default", "auto", "chattemplate", "chattemplatedefault"), "tokenizer_default"),
    },
    {"inst": (0, 5)},
)
"""`ChatTemplate` (axolotl 0.19.0, utils/schemas/enums.py), whose other values begin with `tokenizer_default_fallback_`
(utils/schemas/config.py)."""


_OF_TOKENIZER = "tokenizer_default"
"""The template that is in the tokenizer's config."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an axolotl file: ludwig has `base_model` and `adapter` too, but with a mapping as the
    latter."""
    adapter = document.entry("adapter")
    of_axolotl = adapter is not None or any(document.entry(key) for key in _BITS)
    return (
        document.entry("base_model") is not None
        and of_axolotl
        and not (adapter is not None and hasattr(adapter.value, "entries"))
        and any(document.entry(key) for key in _OWN)
    )


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA."""
    fields = Fields(document)
    adapter = fields.text("adapter")
    if known(adapter) not in ("lora", "qlora", _MIXED):
        return Reading()
    span = fields.span("adapter")
    loaded = fields.has("lora_model_dir")
    settings = _adapter(fields)
    events: list[Event] = [Load(fields.span("base_model"))]
    events += [Resize(fields.span(key), tokens=_added(fields, key)) for key in _NEW_TOKENS if fields.has(key)]
    if loaded:
        events.append(LoadAdapter(fields.span("lora_model_dir"), trainable=Known(True)))
    else:
        events.append(Wrap(span))
    events.append(Train(span))
    problems: tuple[Problem, ...] = (
        *tables.problems(FRAMEWORK, document, near=schemas.keys(FRAMEWORK.name)),
        *(UnknownKey(key, entry.key.span, "axolotl") for key in _DROPPED if (entry := document.entry(key)) is not None),
        *_of_other_bits(fields),
        *_TEMPLATES.problems("chat_template", fields.text("chat_template"), "axolotl"),
        *_unfit_data(fields, document.span.path, project),
    )
    patterns = fields.names("unfrozen_parameters")
    if isinstance(patterns, Known) and isinstance(patterns.value, str):
        patterns = Known((patterns.value,), patterns.span)
    return Reading(
        (
            Run(
                FRAMEWORK,
                span,
                settings,
                _model(fields),
                replace(_dataset(fields, document.span.path, project), template=_template(fields)),
                _training(fields),
                tuple(events),
                problems,
                trained=True,
                unfrozen_patterns=patterns,
                method="MixLoraConfig" if known(adapter) == _MIXED else "LoraConfig",
            ),
        )
    )


def _unfit_data(fields: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    from lora_lint.frameworks.axolotl_data import unfit_data

    yield from unfit_data(fields, FRAMEWORK.title, near, project)


def _of_other_bits(fields: Fields) -> Iterator[InvalidValue]:
    """What says that QLoRA is not in 4 bits, which it is alone (axolotl 0.21.0, utils/schemas/peft.py)."""
    if known(fields.text("adapter")) != "qlora" or known(fields.flag("merge_lora", usual(False))) is not False:
        return
    bits = {key: known(fields.flag(key, usual(False))) for key in ("load_in_4bit", "load_in_8bit")}
    if bits["load_in_8bit"]:
        key, expected = "load_in_8bit", "false, and `load_in_4bit: true`"
    elif None in bits.values() or bits["load_in_4bit"] or fields.has("gptq"):
        return
    elif fields.has("load_in_4bit"):
        key, expected = "load_in_4bit", "true: QLoRA is LoRA on 4 bits"
    else:
        key, expected = "adapter", "lora, or `load_in_4bit: true` beside it"
    node = fields.node(key)
    if isinstance(node, Scalar):
        owner = FRAMEWORK.title if key == "adapter" else _QLORA
        yield InvalidValue(key, node.value, node.span, owner, expected)


def _added(fields: Fields, key: str) -> tuple[str, ...]:
    """The tokens that a key adds, or writes over reserved ones of the model; not those for an existing role (bos, eos,
    pad), and none if their rows are filled in (axolotl 0.21.0, loaders/tokenizer.py)."""
    if fields.has("fix_untrained_tokens"):
        return ()
    section = fields.section(key)
    if key == "added_tokens_overrides" and section is not None:
        texts = (entry.value.value for entry in section.mapping.entries if isinstance(entry.value, Scalar))
        return tuple(text for text in texts if isinstance(text, str))
    found = fields.listing(key) if section is None else section.listing("additional_special_tokens")
    return known(found) or ()


def _adapter(fields: Fields) -> Adapter:
    own: dict[str, Any] = {"target_modules": _targets(fields), "task_type": _task(fields)}
    if fields.has("peft_trainable_token_indices"):
        span = fields.span("peft_trainable_token_indices")
        own["trainable_token_indices"] = Unknown("what they stand for is the tokenizer's", span)
    if known(fields.flag("peft_autocast_adapter_dtype")) is False:
        own["dtype"] = _half(fields)
    if fields.has("peft"):
        own["init_lora_weights"] = Unknown("`peft` may set it", fields.span("peft"))
    adapter = tables.adapter(FRAMEWORK, fields, fields.span("lora_r"), **own)
    return tables.resumed(adapter) if fields.has("lora_model_dir") else adapter


def _half(fields: Fields) -> Value[str]:
    """The dtype of an adapter that keeps its base model's, where that is float16."""
    halved = any(known(fields.flag(key)) is True for key in ("fp16", "float16"))
    packed = any(fields.has(key) for key in ("load_in_4bit", "load_in_8bit", "gptq"))
    return Known("float16", fields.span("peft_autocast_adapter_dtype")) if halved and not packed else ABSENT


def _task(fields: Fields) -> Value[str | None]:
    """axolotl derives it from the model's class: a causal model unless it is a classifier (0.21.0,
    loaders/adapter.py)."""
    if "Classification" in (_model(fields).loader or "") or fields.has("num_labels"):
        return Unknown("axolotl derives it from the model's class")
    return Known("CAUSAL_LM", None, "framework-default")


def _targets(fields: Fields) -> Value[Any]:
    """The given names, joined with those of all linear layers under `lora_target_linear`."""
    named = fields.names("lora_target_modules")
    linear = fields.flag("lora_target_linear", Known(False, None, "framework-default"))
    if not isinstance(linear, Known):
        return linear
    if linear.value and named is not ABSENT:
        given_names = known(named)
        names = (given_names,) if isinstance(given_names, str) else given_names or ()
        if not names or not _OUTSIDE.isdisjoint(names):
            return Unknown("`lora_target_linear` adds the linear layers to the named ones", linear.span)
    if linear.value:
        return Known(_ALL, linear.span)
    if named is ABSENT and fields.has("lora_target_parameters"):
        return Known((), None, "framework-default")
    return named


def _model(fields: Fields) -> BaseModel:
    loader: str | None = known(fields.text("model_type")) or known(fields.text("type_of_model"))
    if known(fields.flag("reward_model")) or known(fields.flag("process_reward_model")):
        loader = loader or "AutoModelForSequenceClassification"
    elif loader is None and fields.has("processor_type"):
        loader = "AutoModelForImageTextToText"
    remote = known(fields.flag("trust_remote_code")) is True
    revision = fields.text("revision_of_model")
    return BaseModel(
        fields.text("base_model"), loader, tables.quantization(fields), remote_code=remote, revision=revision
    )


def _plain(mapping: Mapping) -> list[tuple[Any, Any]]:
    """The keys and the strings of an entry, at any depth."""
    return sorted((str(e.key.value), e.value.raw if isinstance(e.value, Scalar) else e.value) for e in mapping.entries)


def _dataset(fields: Fields, path: str, project: Project) -> Dataset:
    from lora_lint.knowledge.sizes import without_held_out
    from lora_lint.readers.nodes import Mapping, Sequence

    node = fields.node("datasets")
    entries = [Fields(item) for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []
    if not entries:
        return Dataset()
    if known(fields.flag("dataset_exact_deduplication", Known(False))):
        # Rows that two entries have in common count once (axolotl 0.21.0, utils/data/shared.py).
        entries = list({repr(_plain(entry.mapping)): entry for entry in entries}.values())
    span = fields.span("datasets")
    name: Value[str] = entries[0].text("path") if len(entries) == 1 else Unknown("there are several datasets", span)
    total = 0
    for entry in entries:
        rows = _rows(entry, path, project)
        if rows is None:
            what = known(entry.text("path"))
            return Dataset(name, Unknown(f"the size of {what or 'a dataset'} is not known", entry.mapping.span))
        total += rows
    held = known(fields.number("val_set_size", Known(0.0)))
    if held is None:
        return Dataset(name, Unknown("it depends on `val_set_size`", fields.span("val_set_size")))
    how = f"{len(entries)} datasets"
    if len(entries) == 1:
        split = known(entries[0].text("split"))
        how = f"{split} of {known(name)}" if split else str(known(name))
    how += " less what is held out" if held else ""
    return Dataset(name, Known(without_held_out(total, held), span, "derived"), how)


def _template(fields: Fields) -> Value[str]:
    """The model whose tokenizer's own template writes the conversations, as it does unless another is named
    (utils/chat_templates/base.py)."""
    from lora_lint.readers.nodes import Mapping, Sequence

    node = fields.node("datasets")
    entries = [Fields(item) for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []
    name = fields.text("tokenizer_config", fields.text("base_model"))
    usually = fields.text("chat_template", usual(_OF_TOKENIZER))
    if not isinstance(name, Known) or fields.has("rl") or fields.has("chat_template_jinja"):
        return ABSENT
    for entry in entries:
        template = known(entry.text("chat_template", usually))
        if known(entry.text("type")) == "chat_template" and template == _OF_TOKENIZER:
            return Known(name.value, entry.span("type"), "derived")
    return ABSENT


def _rows(entry: Fields, near: str, project: Project) -> int | None:
    """The rows of one entry of `datasets` (axolotl 0.21.0, utils/data/shared.py)."""
    from lora_lint.knowledge.sizes import rows_of, rows_of_file

    path = known(entry.text("path"))
    if path is None or entry.has("shards"):
        return None
    if entry.has("data_files"):
        files = known(entry.commas("data_files")) or ()
        rows = [rows_of_file(f"{path}/{file}", near, project) or rows_of_file(file, near, project) for file in files]
        known_rows = [each for each in rows if each is not None]
        return sum(known_rows) if rows and len(known_rows) == len(rows) else None
    config = known(entry.text("name"))
    if entry.has("name") and config is None:
        return None
    split = known(entry.text("split", Known("train")))
    return rows_of(path, split, config, near, project) if split else None


def _training(fields: Fields) -> Training:
    rl = known(fields.text("rl"))
    method: Method = _METHODS.get(rl or "", "unknown") if rl else "supervised"
    if known(fields.flag("reward_model")) or known(fields.flag("process_reward_model")):
        method = "preference"
    return tables.training(FRAMEWORK, fields, method)
