"""Which handler understands which call."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from lora_lint.interpreter.definitions import Class, Function
from lora_lint.interpreter.values import Arguments, Const, DictVal, External, ListVal, Member, Object, Val, constant
from lora_lint.libraries import datasets, parameters, peft, rows, shapes, tokens, torch, trainers, transformers
from lora_lint.libraries.context import Context
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import (
    ConfigRecord,
    DatasetRecord,
    Log,
    ModelView,
    Part,
    PipelineRecord,
    Records,
    TableRecord,
    TrainingRecord,
)
from lora_lint.libraries.marks import is_library, uses_adapter

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Handler
    from lora_lint.project import Project
    from lora_lint.run.choices import Case
    from lora_lint.source import Span
    from lora_lint.unread import Limit

CALLS = {
    "accelerate": "accelerate.CALLS",
    "absl": "absl.CALLS",
    "asyncio": "handing.ASYNCIO",
    "adapters": "adapter_hub.CALLS",
    "addict": "namespaces.CALLS",
    "argparse": "argparse.CALLS",
    "configargparse": "argparse.CALLS",
    "concurrent": "handing.FUTURES",
    "configparser": "configparser.CALLS",
    "decouple": "environment.DECOUPLE",
    "dotenv": "environment.DOTENV",
    "environs": "environment.ENVIRONS",
    "yacs": "namespaces.CALLS",
    "box": "namespaces.CALLS",
    "chz": "parsers.CHZ",
    "dacite": "parsers.DACITE",
    "datasets": "datasets.CALLS",
    "deepspeed": "deepspeed.CALLS",
    "diffusers": "diffusers.CALLS",
    "dotmap": "namespaces.CALLS",
    "draccus": "parsers.PARSE",
    "dynaconf": "namespaces.DYNACONF",
    "easydict": "namespaces.CALLS",
    "fire": "fire.CALLS",
    "flair": "flair.CALLS",
    "flask": "widgets.FLASK",
    "gradio": "widgets.GRADIO",
    "hydra": "hydra.CALLS",
    "jsonargparse": "argparse.CALLS",
    "keras_hub": "keras_hub.CALLS",
    "keras_nlp": "keras_hub.CALLS",
    "loralib": "loralib.CALLS",
    "megatron": "megatron.CALLS",
    "mlx_lm": "mlx_lm.CALLS",
    "mmcv": "mmengine.CALLS",
    "mmengine": "mmengine.CALLS",
    "mlx_tune": "mlx_tune.CALLS",
    "ml_collections": "namespaces.CALLS",
    "multiprocessing": "handing.MULTIPROCESSING",
    "munch": "namespaces.CALLS",
    "omegaconf": "omegaconf.CALLS",
    "open_clip": "open_clip.CALLS",
    "pandas": "pandas.CALLS",
    "peft": "peft.CALLS",
    "pyrallis": "parsers.PARSE",
    "ray": "ray.CALLS",
    "ruamel": "loaded.RUAMEL",
    "sentence_transformers": "sentence_transformers.CALLS",
    "setfit": "setfit.CALLS",
    "shlex": "processes.SHLEX",
    "simple_parsing": "parsers.SIMPLE_PARSING",
    "sklearn": "sklearn.CALLS",
    "streamlit": "widgets.STREAMLIT",
    "subprocess": "processes.SUBPROCESS",
    "tap": "parsers.TAPS",
    "threading": "handing.THREADING",
    "timm": "timm.CALLS",
    "tinker": "tinker.CALLS",
    "tinker_cookbook": "tinker_cookbook.CALLS",
    "together": "together.CALLS",
    "toml": "loaded.TOML",
    "tqdm": "rows.TQDM",
    "tomli": "loaded.TOML",
    "tomllib": "loaded.TOML",
    "training_hub": "training_hub.CALLS",
    "transformers": "transformers.CALLS",
    "trl": "trl.CALLS",
    "typer": "typer.CALLS",
    "tyro": "parsers.PARSE",
    "unsloth": "unsloth.CALLS",
    "vllm": "vllm.CALLS",
    "wandb": "wandb.CALLS",
    "yaml": "loaded.YAML",
}
"""What a library's functions do, by package: the table in a module of this folder, with handlers by the name of the
function or the last two parts of it. The module is imported when a program first calls the package."""

FUNCTIONS = {
    "builtins.isinstance": "module_names.is_instance",
    "builtins.open": "loaded.opened",
    "builtins.str": "module_names.text_of",
    "builtins.type": "module_names.type_of",
    "codecs.open": "loaded.opened",
    "collections.namedtuple": "namespaces.named_tuple",
    "glob.glob": "matching_files.matches",
    "glob.iglob": "matching_files.matches",
    "io.open": "loaded.opened",
    "json.load": "rows.json_content",
    "json.loads": "rows.json_content",
    "numpy.random.choice": "rows.draw",
    "numpy.random.permutation": "rows.permuted",
    "numpy.random.randint": "rows.draw",
    "numpy.random.shuffle": "rows.shuffled",
    "os.getenv": "environment.variable",
    "os.popen": "processes.launch",
    "os.system": "processes.launch",
    "random.sample": "rows.sample",
    "re.findall": "module_names.names_in",
    "random.shuffle": "rows.shuffled",
    "torch.multiprocessing.Process": "handing.worker",
    "torch.utils.data.DataLoader": "torch.data_loader",
    "torch.utils.data.random_split": "rows.random_parts",
    "torch.utils.data.Subset": "rows.subset",
    "torch.multiprocessing.get_context": "handing.executor",
    "torch.multiprocessing.spawn": "handing.spawn",
    "typing.cast": "typing.cast",
}
"""The handlers of single functions in packages from which most programs call other functions."""

Method: TypeAlias = "Callable[[Context, Object, tuple[str, ...], Arguments, Span], Val | None]"


def _own(method: str) -> Method:
    """A method of an object itself, and of nothing inside it."""

    def call(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
        found: Val | None = None
        if len(path) == 1:
            found = part_of_library(method)(context, owner, path[-1], arguments, span)
        return found

    return call


def _below(method: str) -> Method:
    """A method that is known by all attributes on the way to it."""

    def call(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
        found: Val | None = part_of_library(method)(context, owner, path, arguments, span)
        return found

    return call


def _anywhere(method: str) -> Method:
    """A method that is known by its name alone, also on an object's attribute."""
    return lambda context, owner, path, arguments, span: part_of_library(method)(
        context, owner, path[-1], arguments, span
    )


METHODS: dict[type, Method] = {
    ModelView: transformers.method,
    Part: torch.part_method,
    TableRecord: _own("pandas.method"),
    DatasetRecord: _own("datasets.method"),
    TrainingRecord: _anywhere("trainers.method"),
    ConfigRecord: _anywhere("peft.config_method"),
    PipelineRecord: _own("diffusers.method"),
}
"""The effects of an object's methods, by the kind of record kept about it."""

METHODS_OF: dict[str, Method] = {
    "tap.Tap": _own("parsers.tap_method"),
    "builtins.open": _own("loaded.method"),
    "concurrent.futures.Executor": _own("handing.method"),
    "gradio.Component": _own("widgets.event"),
    "os.environ": _own("environment.method"),
    "environs.Env": _own("environment.typed"),
    "tinker.ServiceClient": _own("tinker.method"),
    "together.Together": _below("together.method"),
    "ray.train.torch.TorchTrainer": _own("ray.method"),
    "ruamel.yaml.YAML": _own("loaded.reader_method"),
    "chz.Blueprint": _own("parsers.blueprint_method"),
    "argparse.ArgumentParser": _anywhere("argparse.method"),
    "transformers.HfArgumentParser": _anywhere("dataclass_options.method"),
    **dict.fromkeys(("torch.amp.GradScaler", "torch.cuda.amp.GradScaler"), _own("trainers.scaler_method")),
}
"""The same for objects without a record, by the call that created them."""

VALUES = {
    **dict.fromkeys(("flask.request.json", "flask.request.form", "flask.request.args"), "widgets.request"),
    "absl.flags.FLAGS": "absl.flags",
    "os.environ": "environment.environ",
    "sys.argv": "argparse.command_line",
    "wandb.config": "wandb.swept_config",
}
"""What libraries' attributes are that programs read: functions of the context and a place."""

PARTS = {
    **dict.fromkeys(("keras_hub", "keras_nlp"), "keras_hub.part"),
    "sentence_transformers": "sentence_transformers.part",
    "setfit": "setfit.part",
}
"""What models of these packages contain: functions of the object and an attribute, a place ("0") or a call ("x()")."""


@cache
def part_of_library(name: str) -> Any:
    """A table or a function in a module of this folder, by both names."""
    module, _, part = name.partition(".")
    return getattr(import_module(f"{__package__}.{module}"), part)


class Knowledge:
    """The Library of the interpreter: sends calls to handlers and keeps their records."""

    def __init__(self, project: Project | None = None) -> None:
        self.records = Records(project)

    def knows(self, package: str) -> bool:
        return is_library(package)

    def tally(self) -> int:
        """The number of adapters and of program starts so far."""
        return len(self.records.configs) + len(self.records.runs) + len(self.records.launches)

    def leave_unread(self, limit: Limit, detail: str) -> None:
        """Notes what is not followed because of a limit."""
        self.records.leave_unread(limit, detail)

    def concerns(self, text: bytes) -> bool:
        """Whether a function may do something with an adapter, by its text."""
        return uses_adapter(text)

    def external(self, machine: Machine, name: str, span: Span) -> Val | None:
        """An attribute of a library that is a value, not a function."""
        if name.endswith(".INCLUDE_LINEAR_LAYERS_SHORTHAND") and name.startswith("peft."):
            return Const("all-linear", span)
        value = VALUES.get(name)
        found: Val | None = part_of_library(value)(Context(machine, self.records), span) if value is not None else None
        return found

    def helper(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments, span: Span
    ) -> Val | None:
        return shapes.result_of(function, arguments, span)

    def parameter(self, machine: Machine, function: Function, name: str) -> Val | None:
        """The value that a library gives for a parameter that no caller in the program gives."""
        if name == "trial" and constant(function.defaults.get(name)) is None:
            from lora_lint.libraries import optuna

            return optuna.trial()
        decorators = {each.callee for each in function.decorators if isinstance(each, Object)}
        if "pytest.mark.parametrize" in decorators:
            from lora_lint.libraries import pytest

            found = pytest.parametrized(function, name)
            if found is not None:
                return found
        if "hydra.main" in decorators:
            from lora_lint.libraries import hydra

            return hydra.main_config(Context(machine, self.records), function, name)
        return None

    def call(
        self, machine: Machine, name: str, arguments: Arguments, span: Span, own: Class | None = None
    ) -> Val | None:
        context = Context(machine, self.records, own)
        package, _, rest = name.partition(".")
        last = name.rpartition(".")[2]
        if name in FUNCTIONS:
            found: Val | None = part_of_library(FUNCTIONS[name])(context, name, arguments, span)
            return found
        if package in CALLS:
            table: dict[str, Handler] = part_of_library(CALLS[package])
            handler = table.get(".".join(rest.rsplit(".", 2)[-2:])) or table.get(last)
            if handler is not None:
                return handler(context, name, arguments, span)
        if last == "from_pretrained":
            return transformers.from_pretrained(context, name, arguments, span)
        if last in ("from_config", "_from_config"):
            return transformers.from_config(context, name, arguments, span)
        if trainers.is_trainer(name, arguments):
            self.hand(machine, name, arguments)
            return trainers.trainer(context, name, arguments, span)
        if last in torch.OPTIMIZERS:
            return torch.optimizer(context, name, arguments, span)
        if name == "builtins.dict" and isinstance(arguments.get("type"), External | Class | Function):
            from lora_lint.libraries import xtuner

            return xtuner.typed_dict(context, arguments, span)
        return torch.wrapped(name, arguments, span)

    def method(
        self, machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span
    ) -> Val | None:
        context = Context(machine, self.records)
        while len(path) > 1 and (inner := self._part(root, path[0], span)) is not None:
            root, path = inner, path[1:]
        if (inner := self._part(root, f"{path[0]}()", span)) is not None:
            return inner
        name = path[-1]
        if name == "enable_lora" and isinstance(root.data, ModelView):
            enabled: Val = part_of_library("keras_hub.enable")(context, root, arguments, span)
            return enabled
        if name in tokens.METHODS:
            return tokens.added(context, name, arguments, span)
        if name == "__call__" and rows.is_tokenizer(root):
            return rows.of_texts(context, arguments, span)
        method = METHODS.get(type(root.data)) or METHODS_OF.get(root.callee)
        if method is not None:
            return method(context, root, path, arguments, span)
        if root.callee.startswith("torch.nn.") and path == ("parameters",):
            return torch.parameters_of(root, span)
        if root.callee.endswith("Accelerator"):
            from lora_lint.libraries import accelerate

            return accelerate.method(name, arguments, span)
        if name.startswith("suggest_") or root.callee.startswith("optuna"):
            from lora_lint.libraries import optuna

            return optuna.method(context, root, name, arguments, span)
        return None

    def _part(self, owner: Object, name: str, span: Span) -> Object | None:
        """What a model of a library that builds it around another has under a name."""
        part = PARTS.get(owner.callee.partition(".")[0]) if isinstance(owner.data, ModelView) else None
        found: Object | None = part_of_library(part)(owner, name, span) if part is not None else None
        return found

    def attribute(self, machine: Machine, owner: Object, name: str, span: Span) -> Val | None:
        if (inner := self._part(owner, name, span)) is not None:
            return inner
        if isinstance(owner.data, ModelView):
            return transformers.attribute(Context(machine, self.records), owner.data, owner, name, span)
        if isinstance(owner.data, PipelineRecord):
            return owner.data.part(name)
        if name == "__class__" and isinstance(owner.data, Part):
            kind: Val | None = part_of_library("module_names.class_of")(owner, span)
            return kind
        if isinstance(owner.data, DatasetRecord) and name == "num_rows":
            return datasets.length(owner, span)
        if isinstance(owner.data, TableRecord) and name in ("loc", "iloc", "values"):
            return owner  # their items are those of the table, their rows its rows
        given = owner.arguments.keywords.get(name)
        if given is not None and (isinstance(owner.data, ConfigRecord) or trainers.is_arguments(owner.callee)):
            return given
        return None

    def subscript(self, machine: Machine, owner: Object, key: Val, span: Span) -> Val | None:
        if owner.callee == "os.environ":
            from lora_lint.libraries import environment

            return environment.required(Context(machine, self.records), text_of(key), span)
        if owner.callee == datasets.WHERE:
            return owner
        if isinstance(owner.data, DatasetRecord):
            return datasets.subscript(owner, key, span)
        if isinstance(owner.data, TableRecord):
            table: Val = part_of_library("pandas.subscript")(owner, key, span)
            return table
        if isinstance(key, Const) and (inner := self._part(owner, str(key.value), span)) is not None:
            return inner
        if owner.callee.startswith("optuna"):
            from lora_lint.libraries import optuna

            return optuna.subscript(owner, span)
        return None

    def keyed(self, owner: Object) -> DictVal | None:
        """What has the same keys as an object."""
        return datasets.files_of_splits(owner) if isinstance(owner.data, DatasetRecord) else None

    def assign(self, machine: Machine, target: Object | Member, name: str, value: Val, span: Span) -> bool:
        return torch.assign(Context(machine, self.records), target, name, value, span)

    def iterate(self, machine: Machine, value: Object | Member, span: Span) -> list[Val] | None:
        return torch.iterate(value, span)

    def modules(self, value: Val, node: ast.For | ast.AsyncFor | ast.comprehension) -> list[Val] | None:
        """The modules of a known model one by one, for a loop that collects their names."""
        if not isinstance(value, Object) or value.callee != "named_modules":
            return None
        from lora_lint.libraries import module_names

        return module_names.turns(value, node)

    def choice(self, machine: Machine, element: Object, tests: list[ast.expr], scope: Scope) -> Object:
        """An element that stands for all of an iteration, after the conditions of a comprehension."""
        return parameters.choice(machine, element, tests, scope)

    def rows(self, machine: Machine, value: Val, filtered: bool, span: Span) -> Object | None:
        """What stands for the rows that an iteration over a value gives; `filtered` if some of them are left out."""
        found = rows.rows_of(Context(machine, self.records), value, span)
        return rows.filtered(found, span) if found is not None and filtered else found

    def cut(self, value: ListVal, bounds: list[Val], span: Span) -> Object | None:
        return rows.cut(value, bounds, span)

    def length(self, value: Object | ListVal, span: Span) -> Val | None:
        return datasets.length(value, span) if isinstance(value, Object) else rows.length(value, span)

    def limited(self, value: Val, most: Const, span: Span) -> Val | None:
        return rows.limited(value, most, span)

    def method_of_unknown(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
        """What a method gives whose name shows it, of something that is not followed."""
        found = datasets.selected(name, arguments, span)
        if found is None and any(isinstance(each, Function) for each in arguments.positional[:2]):
            from lora_lint.libraries import handing

            found = handing.started(machine, name, arguments, span)
        return found

    def environment(self, machine: Machine, class_: Class, span: Span) -> dict[str, Val]:
        from lora_lint.libraries import environment

        return environment.of_settings(Context(machine, self.records), class_, span)

    def method_of_function(
        self, machine: Machine, function: Function, name: str, arguments: Arguments, span: Span
    ) -> Val | None:
        from lora_lint.libraries import handing

        return handing.of_function(machine, function, name, arguments, span)

    def method_of_parts(
        self, machine: Machine, owner: DictVal, name: str, arguments: Arguments, span: Span
    ) -> Val | None:
        return datasets.method_of_splits(Context(machine, self.records), owner, name, arguments, span)

    def merge(self, values: list[Val], cases: Sequence[Case]) -> Val | None:
        if not any(isinstance(value, Object) and isinstance(value.data, ModelView) for value in values):
            return datasets.merge(values, cases)
        merged = transformers.merge(values, cases)
        record = merged.data.record if isinstance(merged, Object) and isinstance(merged.data, ModelView) else None
        if record is not None and all(record is not model for model in self.records.models):
            self.records.add_model(record)
        return merged

    def lasts(self, container: object, before: object) -> bool:
        """Whether a function's effects on something persist after it returns while nothing that follows is known:
        effects on models that it created itself."""
        return isinstance(container, Log) and not before

    def complete(self, scope: Scope) -> None:
        """Adds to the records what is known only when the whole program has been followed; `scope` is the program's."""
        if any(run.dialect == "xtuner" for run in self.records.runs):
            from lora_lint.libraries import xtuner

            xtuner.attach(self.records, scope)

    def escape(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
        """A call that is not followed: a project's own trainer is still a trainer, and a model is still loaded by its
        name."""
        if name.endswith(".from_pretrained"):
            return transformers.from_unknown_class(Context(machine, self.records), name, arguments, span)
        if trainers.is_trainer(name, arguments):
            trainers.trainer(Context(machine, self.records), name, arguments, span)
        else:
            peft.may_thaw(Context(machine, self.records), name, arguments, span)
        return None

    def hand(self, machine: Machine, name: str, arguments: Arguments) -> None:
        """Notes what a call that is not followed may change."""
        from lora_lint.libraries import unfollowed

        unfollowed.hand(Context(machine, self.records), name, arguments)

    def replace(self, name: str, value: Val) -> None:
        """Notes that a class, a function or a method of a library is another one from now on."""
        from lora_lint.libraries import unfollowed

        if unfollowed.is_patch(name, value):
            self.records.patch()
