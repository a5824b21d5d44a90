"""OpenRLHF: commands such as `openrlhf.cli.train_sft --ds.lora.rank 32`, until 0.10.1 `--lora_rank 32`.

Source: OpenRLHF 0.11.0 of 2026-08-13 and 0.10.0 of 2026-04-11, openrlhf/cli/train_{sft,dpo,rm,ppo_ray}.py and
openrlhf/models/{actor,model}.py; 0.8.0 for its trainers of KTO, PRM and distillation.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.records import replace
from lora_lint.run.events import EnableInputGrads, Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.readers.nodes import Mapping as Document
    from lora_lint.run.run import Adapter, Method, Training
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="openrlhf",
    title="OpenRLHF",
    source="OpenRLHF",
    version=(0, 11, 0),
    requires=True,
    packages=("openrlhf",),
    keys={
        "rank": "ds.lora.rank",
        "alpha": "ds.lora.alpha",
        "dropout": "ds.lora.dropout",
        "target_modules": "ds.lora.target_modules",
    },
    other_keys={
        "model": "model.model_name_or_path",
        "learning_rate": "adam.lr",
        "epochs": "train.max_epochs",
        "batch_size": "train.batch_size",
    },
    commands=(
        CommandLine("module", r"openrlhf\.cli\.train_(?P<task>sft|dpo|rm|ppo_ray|ppo|kto|prm|kd)"),
        CommandLine("script", r"openrlhf/cli/train_(?P<task>sft|dpo|rm|ppo_ray|ppo|kto|prm|kd)\.py"),
    ),
    passes_on=True,
    whole_alpha=True,
    defaults={
        "rank": 0,
        "alpha": 16,
        "dropout": 0.0,
        "target_modules": "all-linear",
        "optimizer": "adam",
        "batch_size": 128,
        "accumulation": 1,
    },
)
_OLD_KEYS = {
    "rank": "lora_rank",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "target_modules": "target_modules",
}
_OLD_OTHER_KEYS = {
    "model": "pretrain",
    "learning_rate": "learning_rate",
    "epochs": "max_epochs",
    "batch_size": "train_batch_size",
    "quantized": "load_in_4bit",
    "dataset": "dataset",
    "split": "dataset_split",
    "most": "max_samples",
}
_OTHER_KEYS = {
    **FRAMEWORK.other_keys,
    "quantized": "ds.load_in_4bit",
    "dataset": "data.dataset",
    "split": "data.dataset_split",
    "most": "data.max_samples",
}
_OF_PPO = {
    "model": "actor.model_name_or_path",
    "learning_rate": "actor.adam.lr",
    "dataset": "data.prompt_dataset",
    "split": "data.prompt_split",
}
_OLD_OF_PPO = {"learning_rate": "actor_learning_rate", "dataset": "prompt_data", "split": "prompt_split"}
_METHODS: dict[str, Method] = {
    "sft": "supervised",
    "kd": "supervised",
    "dpo": "preference",
    "kto": "preference",
    "rm": "preference",
    "prm": "supervised",
    "ppo": "rl",
    "ppo_ray": "rl",
}
_RATES = {"sft": 5e-6, "kd": 5e-6, "dpo": 1e-5, "kto": 1e-5, "rm": 9e-6, "prm": 1e-6, "ppo": 1e-6, "ppo_ray": 1e-6}
_WITH_HEADS = ("rm",)


def recognises(document: Document) -> bool:
    """Whether a mapping is the options of `train_sft`."""
    return document.entry(_OTHER_KEYS["model"]) is not None or document.entry(_OLD_OTHER_KEYS["model"]) is not None


def read(document: Document, project: Project) -> Reading:
    """The run of some options of `train_sft`."""
    return _reading(Fields(document), "sft", project)


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading:
    """The run of a command."""
    return _reading(Fields(arguments.mapping), start.task or "", project)


def _reading(fields: Fields, task: str, project: Project) -> Reading:
    dotted = fields.has(FRAMEWORK.keys["rank"])
    keys = FRAMEWORK.keys if dotted else _OLD_KEYS
    rank = fields.whole(keys["rank"], usual(0))
    if isinstance(rank, Known) and rank.value <= 0:
        return Reading()
    others = _others(dotted, task)
    span = fields.span(keys["rank"])
    run = Run(
        FRAMEWORK,
        span,
        _adapter(fields, keys, task),
        BaseModel(
            fields.text(others["model"]),
            None if task in _WITH_HEADS else "AutoModelForCausalLM",
            _quantization(fields, others["quantized"]),
        ),
        replace(_dataset(fields, others, project), template=_template(fields, others, dotted)),
        _training(fields, others, task),
        (Load(fields.span(others["model"])), EnableInputGrads(span), Wrap(span), Train(span)),
        trained=True,
    )
    return Reading((run,))


def _others(dotted: bool, task: str) -> Mapping[str, str]:
    """The spelling of what is not the adapter's, which PPO has in sections of its own."""
    ours = _OTHER_KEYS if dotted else _OLD_OTHER_KEYS
    return {**ours, **(_OF_PPO if dotted else _OLD_OF_PPO)} if task in ("ppo", "ppo_ray") else ours


def _adapter(fields: Fields, keys: Mapping[str, str], task: str) -> Adapter:
    """The option takes any number of targets, so that a single one is a list as well."""
    targets = fields.names(keys["target_modules"], usual(FRAMEWORK.defaults["target_modules"]))
    if isinstance(targets, Known) and isinstance(targets.value, str) and targets.span is not None:
        targets = Known((targets.value,), targets.span, targets.origin)
    kind = usual(None if task in _WITH_HEADS else "CAUSAL_LM")
    span = fields.span(keys["rank"])
    return tables.adapter(FRAMEWORK, fields, span, keys, target_modules=targets, task_type=kind)


def _quantization(fields: Fields, key: str) -> Value[str | None]:
    flag = fields.flag(key, usual(False))
    if isinstance(flag, Known):
        return Known("4bit", flag.span, "derived") if flag.value else usual(None)
    return Unknown("it is filled in when the run starts", fields.span(key))


def _dataset(fields: Fields, others: Mapping[str, str], project: Project) -> Dataset:
    """Several names with commas are a mixture (openrlhf/datasets/utils.py)."""
    from lora_lint.knowledge.sizes import one_set

    name = fields.text(others["dataset"])
    if isinstance(name, Known) and "," in name.value:
        return Dataset(Unknown("there are several datasets", name.span))
    split = known(fields.text(others["split"], usual("train")))
    most = known(fields.whole(others["most"]))
    return one_set(name, split, None, fields.mapping.span.path, project, most)


def _template(fields: Fields, others: Mapping[str, str], dotted: bool) -> Value[str]:
    """The model whose tokenizer's own template writes the conversations, where no other is given."""
    section = "data." if dotted else ""
    asked, own = f"{section}apply_chat_template", f"{section}tokenizer_chat_template"
    name = known(fields.text(others["model"]))
    if name is None or known(fields.flag(asked)) is not True or fields.has(own):
        return ABSENT
    return Known(name, fields.span(asked), "derived")


def _training(fields: Fields, others: Mapping[str, str], task: str) -> Training:
    rate, epochs, batch = (others[name] for name in ("learning_rate", "epochs", "batch_size"))
    return tables.training(
        FRAMEWORK,
        fields,
        _METHODS.get(task, "unknown"),
        learning_rate=fields.number(rate, usual(_RATES[task])),
        optimizer=fields.text("optim", usual("adam")),
        epochs=fields.number(epochs, usual(2 if task == "sft" else 1)),
        batch_size=fields.whole(batch, usual(128)),
        span=fields.span(rate),
    )
