"""Which handler understands which call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Class, Function
from lora_lint.interpreter.values import Arguments, Const, External, Member, Object, Opaque, Val, constant, either
from lora_lint.libraries import datasets as data
from lora_lint.libraries import hydra, loaded, options, peft, processes, searches, shapes, tokens, trainers, xtuner
from lora_lint.libraries import transformers as models
from lora_lint.libraries.context import Context
from lora_lint.libraries.effects import (
    ConfigRecord,
    DatasetRecord,
    Log,
    ModelView,
    Part,
    Records,
    TableRecord,
    TrainingRecord,
)
from lora_lint.libraries.marks import is_library, names_adapter

if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Handler
    from lora_lint.project import Project
    from lora_lint.source import Span
    from lora_lint.unread import Limit

CALLS: dict[str, dict[str, Handler]] = {
    "peft": peft.CALLS,
    "unsloth": {
        "get_peft_model": models.unsloth_wrap,
        "from_pretrained": models.unsloth_load,
        **dict.fromkeys(
            ("standardize_data_formats", "standardize_sharegpt", "to_sharegpt", "apply_chat_template"), data.kept
        ),
    },
    "datasets": {
        "load_dataset": data.load_dataset,
        "from_list": data.from_content,
        "from_dict": data.from_content,
        "concatenate_datasets": data.concatenate,
        "from_pandas": data.from_table,
        **dict.fromkeys(("from_json", "from_csv", "from_text"), data.from_file),
    },
    "pandas": dict.fromkeys(("read_json", "read_csv", "read_table"), data.read_table),
    "builtins": {"open": loaded.opened},
    "yaml": dict.fromkeys(("safe_load", "load", "full_load", "unsafe_load"), loaded.parsed),
    "json": {"load": loaded.parsed},
    "subprocess": dict.fromkeys(
        ("run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"), processes.launch
    ),
    "os": dict.fromkeys(("system", "popen"), processes.launch),
    "shlex": {"split": processes.split},
    "typing": {"cast": lambda context, name, arguments, span: arguments.get("val", 1)},
    "omegaconf": {
        "OmegaConf.load": loaded.namespace,
        **dict.fromkeys(("OmegaConf.to_container", "OmegaConf.to_object"), loaded.unchanged),
    },
    "hydra": {
        **dict.fromkeys(("utils.instantiate", "utils.call"), hydra.instantiate),
        "initialize": hydra.initialize,
        "compose": hydra.compose,
    },
    "argparse": {"ArgumentParser": options.argument_parser},
    "fire": {"Fire": options.fire},
    "typer": {"run": options.fire, "Option": options.typer_option, "Argument": options.typer_option},
    "wandb": {"sweep": searches.wandb_sweep, "init": searches.wandb_init, "agent": searches.agent},
    "deepspeed": {"initialize": trainers.deepspeed},
    "ray": dict.fromkeys(
        (
            *("choice", "grid_search", "randint", "uniform", "loguniform", "lograndint", "qrandint", "quniform"),
            *("sample_from", "run", "Tuner", "with_parameters", "with_resources"),
        ),
        searches.ray,
    ),
    "sklearn": {"ParameterGrid": searches.parameter_grid},
    "transformers": {"HfArgumentParser": options.dataclass_parser},
    "trl": {
        "TrlParser": options.dataclass_parser,
        "setup_chat_format": models.with_tokenizer,
        "get_peft_config": lambda context, name, arguments, span: Opaque("TRL's command line gives it", span),
    },
}
_OPTIMIZERS = frozenset(
    "Adam AdamW SGD Adamax Adagrad RMSprop NAdam RAdam Adafactor Lion PagedAdamW PagedAdamW8bit AdamW8bit "
    "Adam8bit DeepSpeedCPUAdam FusedAdam".split()
)


class Knowledge:
    """The Library of the interpreter: sends calls to handlers and keeps their records."""

    def __init__(self, project: Project | None = None) -> None:
        self.records = Records(project)

    def knows(self, package: str) -> bool:
        return is_library(package)

    def made(self) -> int:
        """How many adapters and starts of programs were met."""
        return len(self.records.configs) + len(self.records.runs) + len(self.records.launches)

    def leave_unread(self, limit: Limit, detail: str) -> None:
        """Notes what is not followed because of a limit."""
        self.records.leave_unread(limit, detail)

    def concerns(self, text: bytes) -> bool:
        """Whether a function's text names an adapter call."""
        return names_adapter(text)

    def external(self, machine: Machine, name: str, span: Span) -> Val | None:
        """An attribute of a library that is a value, not a function."""
        if name.endswith(".INCLUDE_LINEAR_LAYERS_SHORTHAND") and name.startswith("peft."):
            return Const("all-linear", span)
        if name == "wandb.config":
            return searches.wandb_config(Context(machine, self.records), span)
        return None

    def helper(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments, span: Span
    ) -> Val | None:
        return shapes.result_of(function, arguments, span)

    def parameter(self, machine: Machine, function: Function, name: str) -> Val | None:
        """What a library gives for a parameter that no caller of the program gives."""
        if name == "trial" and constant(function.defaults.get(name)) is None:
            return searches.trial()
        if not function.decorators:
            return None
        found = searches.parametrized(function, name)
        return found if found is not None else hydra.given(Context(machine, self.records), function, name)

    def call(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
        context = Context(machine, self.records)
        package, _, rest = name.partition(".")
        last = name.rpartition(".")[2]
        table = CALLS.get(package)
        if table is not None:
            handler = table.get(".".join(rest.rsplit(".", 2)[-2:])) or table.get(last)
            if handler is not None:
                return handler(context, name, arguments, span)
        if last == "from_pretrained":
            return models.from_pretrained(context, name, arguments, span)
        if last in ("from_config", "_from_config"):
            return models.from_config(context, name, arguments, span)
        if last.endswith("Trainer"):
            return trainers.trainer(context, name, arguments, span)
        if last in _OPTIMIZERS:
            return trainers.optimizer(context, name, arguments, span)
        if name.startswith(("torch.nn.parallel", "torch.compile", "torch.nn.DataParallel")) and arguments.positional:
            return arguments.positional[0]
        if name == "builtins.dict" and isinstance(arguments.get("type"), External | Class | Function):
            return xtuner.typed_dict(context, arguments, span)
        return None

    def method(
        self, machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span
    ) -> Val | None:
        context = Context(machine, self.records)
        record = root.data
        name = path[-1]
        if name in ("add_tokens", "add_special_tokens"):
            tokens.added(context, name, arguments)
            return None
        if isinstance(record, ModelView):
            return models.method(context, root, path, arguments, span)
        if isinstance(record, Part):
            return models.part_method(context, root, path, arguments, span)
        if isinstance(record, TableRecord):
            return data.table_method(context, root, name, arguments, span) if len(path) == 1 else None
        if isinstance(record, DatasetRecord):
            return data.method(context, root, name, arguments, span) if len(path) == 1 else None
        if isinstance(record, TrainingRecord):
            return trainers.trainer_method(context, root, name, arguments, span)
        if isinstance(record, ConfigRecord):
            return peft.config_method(context, root, record, name)
        if root.callee == "argparse.ArgumentParser":
            return options.parser_method(context, root, name, arguments, span)
        if root.callee == "transformers.HfArgumentParser":
            return options.dataclass_parser_method(context, root, name, arguments, span)
        if root.callee.endswith("Accelerator"):
            return trainers.accelerate_method(name, arguments, span)
        if name.startswith("suggest_"):
            return searches.suggest(name, arguments, span)
        if name == "optimize" and root.callee.startswith("optuna"):
            return searches.agent(context, name, arguments, span)
        return None

    def attribute(self, machine: Machine, owner: Object, name: str, span: Span) -> Val | None:
        if isinstance(owner.data, ModelView):
            return models.attribute(Context(machine, self.records), owner.data, owner, name, span)
        given = owner.arguments.keywords.get(name)
        if given is not None and (isinstance(owner.data, ConfigRecord) or trainers.is_arguments(owner.callee)):
            return given
        return None

    def subscript(self, machine: Machine, owner: Object, key: Val, span: Span) -> Val | None:
        if isinstance(owner.data, DatasetRecord):
            return data.subscript(owner, key, span)
        if owner.callee == "optuna.trial":
            return Opaque("the trial gives it", span)
        return None

    def assign(self, machine: Machine, target: Object | Member, name: str, value: Val, span: Span) -> bool:
        return models.assign(Context(machine, self.records), target, name, value, span)

    def iterate(self, machine: Machine, value: Object | Member, span: Span) -> list[Val] | None:
        part = models.part_of(value)
        return models.iterate(part, span) if part is not None else None

    def mapped(self, value: Object, filtered: bool, span: Span) -> Val | None:
        return data.mapped(value, filtered, span) if isinstance(value.data, DatasetRecord) else None

    def merge(self, values: list[Val]) -> Val | None:
        if any(isinstance(value, Object) and isinstance(value.data, ModelView) for value in values):
            return models.merge(values)
        records = [v.data for v in values if isinstance(v, Object) and isinstance(v.data, DatasetRecord)]
        if records and len(records) == len(values):
            first = values[0]
            assert isinstance(first, Object)
            size = either(record.size for record in records)
            name = either(record.name for record in records)
            joined = DatasetRecord(name, size, records[0].how if len({r.how for r in records}) == 1 else "")
            return Object(first.callee, first.arguments, first.span, joined)
        return None

    def lasts(self, container: object, before: object) -> bool:
        """Whether what a function did to something stays when it is left, and nothing is known of what follows: what
        happens to the models that it made itself."""
        return isinstance(container, Log) and not before

    def escape(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
        """A call that is not followed: a trainer of the project's own is still a trainer, a model is still loaded by
        its name."""
        if name.endswith(".from_pretrained"):
            return models.from_unknown_class(Context(machine, self.records), name, arguments, span)
        if name.rpartition(".")[2].endswith("Trainer"):
            trainers.trainer(Context(machine, self.records), name, arguments, span)
        return None
