"""Dicts whose keys are also attributes (easydict, addict, python-box, munch, dotmap, ml_collections, yacs), and named
tuples.

Source: yacs 0.1.8 (config.py), ml_collections 1.1 (config_dict.py).
"""

from __future__ import annotations

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Arguments, Const, Default, DictVal, Effect, ListVal, Native, Val
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import as_list, text_of

_DEEP = 8
"""The depth to which sections in sections of settings are read."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def namespace(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`EasyDict(settings)`, `Munch(rank=8)`: the settings, nested ones included; None if they are not known."""
    settings = next(iter(arguments.positional), None)
    given = settings.mapping() if settings is not None else DictVal({}, span)
    if given is None:
        return None
    return as_namespace(DictVal({**given.items, **arguments.keywords}, span, given.open or arguments.open))


class ConfigNode(Instance):
    """A `CfgNode` of yacs or a `ConfigDict` of ml_collections, which programs fill in and merge files into."""

    __slots__ = ("context",)

    def __init__(self, context: Context, attributes: dict[str, Val], open_: bool = False) -> None:
        super().__init__(None, attributes, open_)
        self.context = context

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        method = _METHODS.get(name) if name not in self.attributes else None
        if method is not None:
            return Native(f"CfgNode.{name}", lambda given, at: method(self, given, at))
        return super().attribute(machine, name, span)

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        inner = {name: value.copied(machine, arguments, span) for name, value in self.attributes.items()}
        return ConfigNode(self.context, inner, self.open)

    def clone(self, given: Arguments, span: Span) -> Val:
        return self.copied(self.context.machine, given, span)

    def same_node(self, _given: Arguments, _span: Span) -> Val:
        """`freeze`, `lock` and the like."""
        return self

    def merge(self, given: Arguments, span: Span) -> Val:
        """`merge_from_other_cfg(other)`, `update(other)`: the other's settings, on top."""
        other = given.positional[0].mapping() if given.positional else DictVal({}, span)
        self._take(other, span)
        self._take(DictVal(dict(given.keywords), span), span)
        return Effect("update", span)

    def merge_file(self, given: Arguments, span: Span) -> Val:
        """`merge_from_file("config.yaml")`."""
        content = loaded.content(self.context, given.get("cfg_filename", 0), span)
        self._take(content.mapping() if content is not None else None, span)
        return Effect("update", span)

    def merge_list(self, given: Arguments, span: Span) -> Val:
        """`merge_from_list(["LORA.R", 8])`: names and values by turns."""
        listed = given.get("cfg_list", 0)
        items = listed.items if isinstance(listed, ListVal) and not listed.open else None
        names = [text_of(name) for name in items[::2]] if items is not None else [None]
        if items is None or None in names:
            self._take(None, span)
            return Effect("update", span)
        for name, value in zip(names, items[1::2], strict=False):
            *outer, last = str(name).split(".")
            for each in reversed(outer):
                value, last = DictVal({last: value}, span), each
            self._take(DictVal({last: value}, span), span)
        return Effect("update", span)

    def _take(self, other: DictVal | None, span: Span) -> None:
        """Settings on top of these; None for some that are not known and may override them all."""
        machine = self.context.machine
        new = overridden(self) if other is None else laid_over(self, other).attributes
        for name, value in new.items():
            if value is not self.attributes.get(name):
                self.set_attribute(machine, name, value, span)
        self.open = self.open or other is None or other.open


_METHODS: dict[str, Callable[[ConfigNode, Arguments, Span], Val]] = {
    **dict.fromkeys(("clone", "copy_and_resolve_references"), ConfigNode.clone),
    **dict.fromkeys(("freeze", "defrost", "lock", "unlock", "unlocked", "to_dict"), ConfigNode.same_node),
    **dict.fromkeys(("merge_from_other_cfg", "update", "update_from_flattened_dict"), ConfigNode.merge),
    "merge_from_file": ConfigNode.merge_file,
    "merge_from_list": ConfigNode.merge_list,
}


def config_node(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`CfgNode({...})`, `ConfigDict()`."""
    made = namespace(context, name, arguments, span)
    return ConfigNode(context, made.attributes, made.open) if isinstance(made, Instance) else None


def load_node(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`CfgNode.load_cfg(file)`."""
    file = arguments.get("cfg_file_obj_or_str", 0)
    content = loaded.content(context, loaded.opened_path(file), span)
    made = as_namespace(content) if content is not None else None
    return (
        ConfigNode(context, made.attributes, made.open) if isinstance(made, Instance) else loaded.not_known(name, span)
    )


def from_yaml(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Box.from_yaml(filename="config.yaml")`, `Box.from_json(…)`."""
    content = loaded.content(context, arguments.get("filename"), span)
    return as_namespace(content) if content is not None else loaded.not_known(name, span)


def over(below: Instance, above: DictVal) -> Instance:
    """Settings overridden by others."""
    both = dict(below.attributes)
    for key, each in above.items.items():
        value, before = as_namespace(each), both.get(str(key))
        inner = value.mapping() if isinstance(value, Instance) and isinstance(before, Instance) else None
        both[str(key)] = over(before, inner) if inner is not None and isinstance(before, Instance) else value
    return Instance(None, both, below.open or above.open)


def laid_over(below: Instance, above: DictVal) -> Instance:
    """Settings merged over others. Those of a file that callers may replace by another override keys that they do not
    have themselves: the other file may have them."""
    if _of_some_file(above):
        below = Instance(None, overridden(below), below.open)
    return over(below, above)


def _of_some_file(settings: DictVal) -> bool:
    """Whether all of the settings are from a file that callers choose (`loaded.content`), and none from options."""
    leaves = list(_leaves(settings, _DEEP))
    return bool(leaves) and all(isinstance(each, Const) and each.origin == "cli-default" for each in leaves)


def _leaves(value: Val, deep: int) -> Iterator[Val | None]:
    """The values in sections of settings; None for the default of an option."""
    inner = value.mapping() if deep and isinstance(value, Instance | DictVal) else None
    if inner is not None:
        for item in inner.items.values():
            yield from _leaves(item, deep - 1)
    elif isinstance(value, ListVal):
        for item in value.items:
            yield from _leaves(item, deep - 1)
    else:
        yield None if isinstance(value, Default) else value


def overridden(settings: Instance) -> dict[str, Val]:
    """Settings that others, which are not known, may override."""
    return {key: _overridden(value, _DEEP) for key, value in settings.attributes.items()}


def _overridden(value: Val, deep: int) -> Val:
    """A setting, or a section of settings, that others may override."""
    if isinstance(value, Instance) and value.class_ is None and deep:
        inner = {key: _overridden(item, deep - 1) for key, item in value.attributes.items()}
        return Instance(None, inner, value.open)
    return value.overridable()


def as_namespace(value: Val) -> Val:
    """A dict, and the dicts in it, as objects that are read through attributes and keys."""
    if isinstance(value, DictVal):
        return Instance(None, {str(key): as_namespace(item) for key, item in value.items.items()}, value.open)
    if isinstance(value, ListVal):
        return ListVal([as_namespace(item) for item in value.items], value.span, value.kind)
    return value


def layered(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`Dynaconf(settings_files=["settings.toml"])`: what the files set, the later ones on top, in capitals or not
    (dynaconf 3.2, base.py); None if one is not known, or has a part for each environment."""
    given = arguments.get("settings_files") or arguments.get("settings_file")
    files = [] if given is None or "environments" in arguments.keywords else as_list(given)
    contents = [loaded.content(context, file, span) for file in files]
    known = [content for content in contents if isinstance(content, DictVal)]
    if not known or len(known) < len(files):
        return None
    settings = {str(key): as_namespace(value) for content in known for key, value in content.items.items()}
    capitals = {key.upper(): value for key, value in settings.items()}
    return Instance(None, {**capitals, **{key.lower(): value for key, value in settings.items()}, **settings}, True)


def named_tuple(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`namedtuple("Settings", "rank alpha")`: the class; None if its fields are not known."""
    given = arguments.get("field_names", 1)
    written = given.value if isinstance(given, Const) else None
    words = written.replace(",", " ").split() if isinstance(written, str) else None
    if words is None and isinstance(given, ListVal) and not given.open:
        words = [str(item.value) for item in given.items if isinstance(item, Const)]
    if words is None:
        return None
    fields = tuple(words)

    def make(values: Arguments, _span: Span) -> Val:
        return Instance(None, {**dict(zip(fields, values.positional, strict=False)), **values.keywords}, values.open)

    return Native(name, make)


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("EasyDict", "Dict", "Box", "Munch", "munchify", "DotMap"), namespace),
    **dict.fromkeys(("CfgNode", "ConfigDict"), config_node),
    "CfgNode.load_cfg": load_node,
    **dict.fromkeys(("Box.from_yaml", "Box.from_json", "Box.from_toml"), from_yaml),
}
DYNACONF: dict[str, Handler] = {"Dynaconf": layered, "LazySettings": layered}
