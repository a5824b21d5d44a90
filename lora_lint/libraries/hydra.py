"""Hydra: the config that `@hydra.main` or `compose` makes from YAML files, and what a multirun sweeps over.

Source: hydra-core 1.3.8 (main.py, compose.py, initialize.py, _internal/defaults_list.py, _internal/instantiate,
core/override_parser),
hydra-optuna-sweeper 1.3.0 (`params`, and the older `search_space`), hydra-ax-sweeper 1.2.0 (`ax_config.params`).
"""

from __future__ import annotations

import posixpath
import re

from lora_lint.interpreter.definitions import Deferred, Function, Instance
from lora_lint.interpreter.values import (
    MAX_UNROLL,
    Arguments,
    Const,
    DictVal,
    External,
    ListVal,
    Native,
    Object,
    Opaque,
    Space,
    Val,
    constant,
)
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import text_of
from lora_lint.readers.nodes import Mapping, Placeholder, Scalar, Sequence
from lora_lint.run.run import SweepKind
from lora_lint.source import Span
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.libraries.effects import Records
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run.values import Origin

Tree: TypeAlias = "dict[str, Tree | Node]"

_MAX_DEPTH = 6
_SWEEP = re.compile(r"(choice|range|interval)\(([^()]*)\)")
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_PACKAGE = re.compile(rb"#\s*@package\s+([\w.]+)")


def main_config(context: Context, function: Function, name: str) -> Val | None:
    """The config of a function under `@hydra.main`, which is its first parameter; None for other functions."""
    decorator = next((d for d in function.decorators if isinstance(d, Object) and d.callee == "hydra.main"), None)
    parameters = function.node.args.args
    if decorator is None or not parameters or parameters[0].arg != name:
        return None
    folder = text_of(decorator.arguments.get("config_path", 0))
    called = context.records.called
    config = text_of((context.records.given or {}).get("config_name")) or text_of(
        decorator.arguments.get("config_name", 1)
    )
    program = function.scope.module.source.path
    files = _files(context, folder, program)
    if files is None or config is None:
        return None
    overrides, several = called if called is not None else (None, True)
    made = _composed(files, config, overrides, several, certain=context.records.given_all)
    context.records.loads(program, files.read)
    return made


def initialize(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`initialize(config_path="conf")`, `initialize_config_dir(config_dir=…)`: the folder for `compose`, relative to
    the calling file."""
    folder = arguments.get("config_dir", 0) if name.endswith("_dir") else arguments.get("config_path", 0)
    context.records.compose_from(text_of(folder), span.path)
    return Object(name, arguments, span)


def compose(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`compose(config_name="config", overrides=["lora.r=8"])`: a config, with other values for some settings."""
    folder, near = context.records.config_folder or (None, span.path)
    files, config = _files(context, folder, near), text_of(arguments.get("config_name", 0))
    overrides = _spelled(arguments.get("overrides", 1))
    made = _composed(files, config, overrides) if files and config and overrides is not None else None
    if files is not None:
        context.records.loads(span.path, files.read)
    return made if made is not None else Opaque("Hydra composes it", span)


def _spelled(listed: Val | None) -> Mapping | None:
    """The settings in a list of strings; None if one of them is not known."""
    from lora_lint.readers.arguments import overrides
    from lora_lint.readers.shell import Word

    if listed is not None and (not isinstance(listed, ListVal) or listed.open):
        return None
    words = []
    for item in listed.items if listed is not None else ():
        text = text_of(item)
        if text is None or not isinstance(item, Const) or item.span is None:
            return None
        words.append(Word(text, item.span))
    found = overrides(tuple(words), words[0].span if words else Span("", 0, 0))
    return None if found.positional else found.mapping


def _files(context: Context, folder: str | None, near: str) -> _Files | None:
    project = context.records.project
    if folder is None or project is None or "://" in folder:
        return None
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(near), folder))
    # A folder that the program derives from `__file__` is already relative to the project's root.
    found = beside if disk.names(beside) else posixpath.normpath(folder)
    return _Files(project, context.records, found)


def _composed(
    files: _Files, config: str, overrides: Mapping | None, several: bool = False, *, certain: bool = True
) -> Val | None:
    """A config with the settings of a call; `several`: it is a multirun, which sweeps over a list of values."""
    entries = overrides.entries if overrides is not None else ()
    chosen: dict[str, Val] = {}
    for entry in entries:
        key = str(entry.key.value).partition("@")[0]
        if files.is_group(key):
            name = entry.value.value if isinstance(entry.value, Scalar) else None
            files.choose(key, name if isinstance(name, str) and "," not in name else None)
        else:
            chosen[key] = _given_value(entry.value, several, files.records)
    tree = files.composed(config)
    return _config(tree, chosen, several, certain, files.records) if tree is not None else None


def _given_value(node: Node, several: bool, records: Records) -> Val:
    """The value of a setting that a call gives."""
    if isinstance(node, Sequence):
        return ListVal([_given_value(item, False, records) for item in node.items], node.span)
    if not isinstance(node, Scalar) or isinstance(node.value, Placeholder):
        return Opaque("the call sets it, to a value that is not known", node.span)
    return _swept(node, records) if several else Const(node.value, node.span)


def instantiate(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`hydra.utils.instantiate(cfg.lora)`: calls what `_target_` names with the other settings, of which those with a
    target of their own are created first."""
    config = arguments.get("config", 0)
    settings = config.mapping() if isinstance(config, Instance | DictVal) else None
    target = text_of(settings.items.get("_target_")) if settings is not None else None
    if settings is None or target is None:
        return Opaque("Hydra creates it", span)
    given = {**settings.items, **arguments.keywords}
    recursive = constant(given.get("_recursive_")) is not False
    keywords = {
        str(key): _created(context, name, value, span) if recursive else value
        for key, value in given.items()
        if not str(key).startswith("_")
    }
    listed = given.get("_args_")
    first = listed.elements() if listed is not None else None
    called = Arguments([*(first[0] if first else ()), *arguments.positional[1:]], keywords, dict(arguments.spans))
    function = _target(context.machine, target)
    if constant(given.get("_partial_")) is True:
        return Native(target, lambda more, at: context.machine.call(function, _with(called, more), at))
    return context.machine.call(function, called, span)


def _created(context: Context, name: str, value: Val, span: Span) -> Val:
    """A setting of something that is created; what has a target is created itself."""
    held = value.attributes if isinstance(value, Instance) else value.items if isinstance(value, DictVal) else {}
    return instantiate(context, name, Arguments([value], {}, {}), span) if "_target_" in held else value


def _with(given: Arguments, more: Arguments) -> Arguments:
    keywords = {**given.keywords, **more.keywords}
    return Arguments([*given.positional, *more.positional], keywords, {**given.spans, **more.spans}, more.open)


def _target(machine: Machine, dotted: str) -> Val:
    """What a dotted name stands for: a class or a function of the project, a method of its class, or a library's."""
    owner, _, last = dotted.rpartition(".")
    module, _, inner = owner.rpartition(".")
    scope = machine.main.scope if machine.main is not None else None
    if scope is None or not owner:
        return External(dotted)
    found = Deferred(owner, 0, last).resolved(machine, scope)
    if isinstance(found, External) and module:
        class_ = Deferred(module, 0, inner).resolved(machine, scope)
        return found if isinstance(class_, External) else class_.attribute(machine, last, Span("", 0, 0))
    return found


class _Files:
    """The config files below one folder."""

    def __init__(self, project: Project, records: Records, root: str) -> None:
        self.records = records
        self._project = project
        self._root = root
        self.chosen: dict[str, str | None] = {}
        """The files in groups that a call selects; None if it is not known which."""
        self.read: list[str] = []
        """The files that were read."""

    def choose(self, group: str, name: str | None) -> None:
        """Selects another file in a group than the defaults list."""
        self.chosen[group] = name

    def is_group(self, key: str) -> bool:
        """Whether a key is a folder of files to select from."""
        return "." not in key and disk.names(posixpath.join(self._root, key)) is not None

    def composed(self, name: str, group: str = "", depth: int = 0, package: str | None = None) -> Tree | None:
        """A file with everything that its defaults list includes, each part below the keys of its package (by default
        its group's); None if it cannot be read."""
        from lora_lint.readers.errors import Unreadable

        path = posixpath.normpath(posixpath.join(self._root, group, name))
        path = path if path.endswith(".yaml") else f"{path}.yaml"
        if not self._project.exists(path):
            return None
        if depth >= _MAX_DEPTH:
            detail = f"{_MAX_DEPTH} config files that bring in one another are followed, and {path} is not"
            self.records.leave_unread("depth", detail)
            return None
        source = self._project.load(path)
        if source is None:
            return None
        try:
            node = loaded.root(source)
        except Unreadable:
            return None
        if not isinstance(node, Mapping):
            return None
        self.read.append(path)
        own = _tree(node)
        defaults = own.pop("defaults", None)
        if package is None:
            declared = _PACKAGE.search(source.utf8[:500])
            package = declared[1].decode() if declared is not None else group.replace("/", ".")
            package = "" if package == "_global_" else package
        placed = _placed(own, package)
        listed = list(defaults.items) if isinstance(defaults, Sequence) else []
        result: Tree = {}
        for item in listed:
            if isinstance(item, Scalar) and item.value == "_self_":
                _merge(result, placed)
            else:
                self._include(item, group, package, result, depth)
        if not any(isinstance(item, Scalar) and item.value == "_self_" for item in listed):
            _merge(result, placed)
        return result

    def _include(self, item: Node, group: str, package: str, into: Tree, depth: int) -> None:
        for inner, names, place in _named(item):
            folder = inner.lstrip("/") if inner.startswith("/") or not group else posixpath.join(group, inner)
            target = None
            if place is not None:
                target = "" if place == "_global_" else f"{package}.{place}".lstrip(".")
            if folder in self.chosen:
                other = self.chosen[folder]
                names = [other] if other is not None else []
            for name in names:
                _merge(into, self.composed(name, folder, depth + 1, target) or {})


def _named(item: Node) -> list[tuple[str, list[str], str | None]]:
    """An entry of a defaults list: the group, the names of its files, and the package that it goes into if it
    is given."""
    if isinstance(item, Scalar):
        text, _, place = str(item.value).partition("@")
        folder, _, name = text.rpartition("/")
        return [(folder, [name], place or None)] if isinstance(item.value, str) else []
    if not isinstance(item, Mapping):
        return []
    found: list[tuple[str, list[str], str | None]] = []
    for entry in item.entries:
        key, _, place = str(entry.key.value).partition("@")
        if key.startswith("override "):
            continue
        options = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        names = [option.value for option in options if isinstance(option, Scalar) and isinstance(option.value, str)]
        found.append((key.removeprefix("optional ").strip(), names, place or None))
    return found


def _tree(node: Mapping) -> Tree:
    return {
        str(entry.key.value): _tree(entry.value) if isinstance(entry.value, Mapping) else entry.value
        for entry in node.entries
    }


def _merge(into: Tree, other: Tree) -> None:
    for key, value in other.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _placed(tree: Tree, package: str) -> Tree:
    """The tree below the keys of a dotted name."""
    for part in reversed(package.split(".") if package else []):
        tree = {part: tree}
    return tree


def _config(tree: Tree, given: dict[str, Val], swept: bool, certain: bool, records: Records) -> Val:
    """The config as the program sees it, with each swept setting as a search space, and with the settings of a call.
    `certain`: the whole call is known, so nothing overrides the files."""
    hydra = tree.pop("hydra", None)
    sweeper = hydra.get("sweeper") if isinstance(hydra, dict) and swept else None
    searched: dict[str, Val] = {}
    if isinstance(sweeper, dict):
        for key, node in _flat(sweeper.get("params"), ""):
            searched[key.lstrip("+")] = _swept(node, records)
        ax = sweeper.get("ax_config")
        for space in (sweeper.get("search_space"), ax.get("params") if isinstance(ax, dict) else None):
            for key, parameter in space.items() if isinstance(space, dict) else ():
                searched.setdefault(key.lstrip("+"), _described(parameter))
    return _Reader(tree, searched | given, certain).namespace(tree, "")


def _flat(tree: Tree | Node | None, before: str) -> list[tuple[str, Node]]:
    if not isinstance(tree, dict):
        return []
    found: list[tuple[str, Node]] = []
    for key, value in tree.items():
        found += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)]
    return found


class _Reader:
    """From the tree to values, with references to other settings followed."""

    def __init__(self, tree: Tree, searched: dict[str, Val], certain: bool) -> None:
        self._tree = tree
        self._searched = searched
        self._origin: Origin = "literal" if certain else "cli-default"

    def namespace(self, tree: Tree, before: str) -> Instance:
        attributes: dict[str, Val] = {}
        for key, value in tree.items():
            name = f"{before}{key}"
            attributes[key] = self.namespace(value, f"{name}.") if isinstance(value, dict) else self.value(name, value)
        # Settings that only the sweep gives (`+lora.alpha=…`).
        for name, searched in self._searched.items():
            head, _, last = name.rpartition(".")
            if (f"{head}." if head else "") == before:
                attributes.setdefault(last, searched)
        return Instance(None, attributes, open_=True)

    def value(self, name: str, node: Node, depth: int = 0) -> Val:
        if name in self._searched:
            return self._searched[name]
        if isinstance(node, Sequence):
            return ListVal([self.value("", item, depth + 1) for item in node.items], node.span)
        if not isinstance(node, Scalar):
            return Opaque("the config is not followed so deep", node.span)
        if not isinstance(node.value, Placeholder):
            return Const(node.value, node.span, self._origin)
        reference = _REFERENCE.fullmatch(node.value.text.strip())
        target: Tree | Node | None = self._tree
        for part in reference[1].split(".") if reference is not None else []:
            target = target.get(part) if isinstance(target, dict) else None
        if reference is None or target is None or isinstance(target, dict) or depth > _MAX_DEPTH:
            return Opaque("it is filled in when the run starts", node.span)
        return self.value(reference[1], target, depth + 1)


def _swept(node: Node, records: Records) -> Val:
    """The value of a key of `hydra.sweeper.params`: `8,16`, `choice(8, 16)`, `range(8, 65, 8)`, `interval(8, 64)`."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        known = isinstance(node, Scalar) and not isinstance(node.value, Placeholder)
        return Const(node.value, node.span) if known else Opaque("the sweep sets it", node.span)  # type: ignore[union-attr]
    called = _SWEEP.search(node.value)
    text = called[2] if called is not None else node.value
    if called is None and (node.value[:1] in "[{'\"" or "(" in node.value):
        return Opaque("the sweep sets it", node.span)
    from lora_lint.readers.yaml import resolve

    values = [resolve(part.partition("=")[2].strip() or part.strip()) for part in text.split(",") if part.strip()]
    if any(isinstance(value, Placeholder) for value in values):
        return Opaque("the sweep sets it", node.span)
    if called is not None and called[1] == "range":
        ends = [value for value in values if isinstance(value, int)]
        if len(ends) < len(values) or not 1 <= len(ends) <= 3 or 0 in ends[2:]:
            return Opaque("the sweep sets it", node.span)
        tried = range(*ends)
        if len(tried) > MAX_UNROLL:
            detail = f"a multirun sweeps over {len(tried):,} values, of which {MAX_UNROLL} are followed"
            records.leave_unread("variants", detail)
        return _space(tuple(Const(value, node.span) for value in tried[:MAX_UNROLL]), node.span)
    return _space(tuple(Const(value, node.span) for value in values), node.span)


def _described(parameter: Tree | Node) -> Val:
    """A setting of `search_space` or `ax_config.params`: its choices, or the ends of its range."""
    if not isinstance(parameter, dict):
        return Opaque("the sweep sets it", parameter.span)
    for key in ("choices", "values", "bounds"):
        listed = parameter.get(key)
        if isinstance(listed, Sequence):
            items = [item for item in listed.items if isinstance(item, Scalar)]
            known = [item for item in items if not isinstance(item.value, Placeholder)]
            if len(known) == len(listed.items):
                return _space(tuple(Const(item.value, item.span) for item in known), listed.span)
    ends = [parameter.get("low"), parameter.get("high")]
    found = tuple(Const(end.value, end.span) for end in ends if isinstance(end, Scalar))
    span = next((node.span for node in parameter.values() if not isinstance(node, dict)), None)
    return _space(found, span) if len(found) == 2 else Opaque("the sweep sets it", span)


def _space(options: tuple[Const, ...], span: Span | None) -> Val:
    if not options:
        return Opaque("the sweep sets it", span)
    return options[0] if len(options) == 1 else Space(options, object(), SweepKind.HYDRA, span)


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("utils.instantiate", "utils.call"), instantiate),
    **dict.fromkeys(("initialize", "initialize_config_dir"), initialize),
    "compose": compose,
}
