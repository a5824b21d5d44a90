"""Variables of the environment, and the libraries that read them: python-dotenv, python-decouple, environs.

A variable that nothing sets may be set where the program runs: its default is one that callers may override. Source:
python-dotenv 1.1 (main.py), python-decouple 3.8 (decouple.py), environs 14.1 (`Env`).
"""

from __future__ import annotations

import re

from lora_lint.interpreter.definitions import Class
from lora_lint.interpreter.values import Arguments, Const, DictVal, Object, Opaque, Val, constant
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import text_of
from lora_lint.readers.ini import read_env
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

ENVIRON = "os.environ"
_ENV = "environs.Env"
_USUAL = ".env"
_EXAMPLES = (".env.example", ".env.sample", ".env.template", "env.example", "example.env")
_STANDS_FOR = r"(?i)your|<|>|xxx|\.\.\.|path/to|change|replace|example|placeholder|todo"
"""In a value that users have to replace."""
_BY_LAUNCHERS = frozenset(  # not RANK, which is a LoRA rank as often
    "LOCAL_RANK GROUP_RANK NODE_RANK ROLE_RANK WORLD_SIZE LOCAL_WORLD_SIZE ROLE_WORLD_SIZE".split()
)
_OF_LAUNCHERS = ("SLURM_", "OMPI_COMM_WORLD_", "PMI_", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_")
"""torch 2.13.0, distributed/run.py; accelerate 1.15.0, utils/environment.py (get_mpi_info and others)."""


def environ(context: Context, span: Span) -> Val:
    """`os.environ`, with the variables that the program itself has set."""
    return Object(ENVIRON, Arguments([], {}, {}), span, None, context.records.environment)


def variable(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`os.getenv("RANK", 8)`: what the program has set, or the default, which the environment may override."""
    key = text_of(arguments.get("key", 0))
    found = context.records.environment.get(f"[{key}]")
    default = arguments.get("default", 1)
    if found is not None:
        return found
    return required(context, key, span) if default is None or _is_launchers(key) else default.overridable()


def required(context: Context, name: str | None, span: Span) -> Val:
    """A variable without a default that nothing in the program sets: as the project's own example of a `.env` file has
    it, which users copy."""
    if name is None or _is_launchers(name):
        return may_be_set(name, span)
    for file in _EXAMPLES:
        shown = loaded.content(context, Const(file, span), span, read_env)
        value = shown.items.get(name) if isinstance(shown, DictVal) else None
        text = text_of(value)
        if value is not None and text and re.search(_STANDS_FOR, text) is None:
            return value.overridable()
    return may_be_set(name, span)


def may_be_set(name: str | None, span: Span) -> Opaque:
    """A variable that nothing in the program sets."""
    if _is_launchers(name):
        return Opaque("the launcher sets it in the environment", span)
    return Opaque("it may be set in the environment", span, Reason.OPTIONAL)


def _is_launchers(name: str | None) -> bool:
    """Whether a launcher sets a variable in each process that it starts: a default holds in none of them."""
    return name is not None and (name in _BY_LAUNCHERS or name.startswith(_OF_LAUNCHERS))


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`os.environ.get(…)`, `os.environ.setdefault(…)`."""
    if name == "get":
        return variable(context, name, arguments, span)
    if name == "setdefault":
        key, value = text_of(arguments.get("key", 0)), arguments.get("value", 1)
        if key is not None and value is not None and f"[{key}]" not in owner.attributes:
            context.machine.journal.set_item(owner.attributes, f"[{key}]", value.overridable())
        return owner.attributes.get(f"[{key}]")
    return None


def load(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`load_dotenv()`: the variables of a `.env` file, unless they are set already."""
    override = constant(arguments.get("override")) is True
    for key, value in _file(context, arguments, span).items.items():
        held = f"[{key}]"
        if override or held not in context.records.environment:
            context.machine.journal.set_item(context.records.environment, held, value.overridable())
    return Const(True, span, "derived")


def values(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`dotenv_values(".env")`: the variables of the file, as a dict."""
    return _file(context, arguments, span)


def _file(context: Context, arguments: Arguments, span: Span) -> DictVal:
    path = arguments.get("dotenv_path", 0)
    named = Const(_USUAL, span) if path is None or not text_of(path) else path
    found = loaded.content(context, named, span, read_env)
    return found if isinstance(found, DictVal) else DictVal({}, span, open_=True)


def of_settings(context: Context, class_: Class, span: Span) -> dict[str, Val]:
    """What the `.env` file of a class of settings sets, by field (pydantic-settings 2.12, sources/providers)."""
    settings = class_.lookup("model_config") or class_.lookup("Config")
    given = settings.attributes if isinstance(settings, Class) else {}
    if isinstance(settings, Object):
        given = settings.arguments.keywords
    elif isinstance(settings, DictVal):
        given = settings.items
    file, prefix = given.get("env_file"), text_of(given.get("env_prefix")) or ""
    found = loaded.content(context, file, span, read_env) if file is not None else None
    if not isinstance(found, DictVal):
        return {}
    held = {str(key).lower(): value for key, value in found.items.items()}
    names = {name: value for name in class_.fields if (value := held.get(f"{prefix}{name}".lower())) is not None}
    return {name: typed_as(value, class_.lookup(name)).overridable() for name, value in names.items()}


def typed_as(value: Val, default: Val | None) -> Val:
    """A variable's text as a value of the type that its default has."""
    kind = type(default.value) if isinstance(default, Const) else str
    if not isinstance(value, Const) or kind not in (int, float):
        return value
    try:
        return Const(kind(value.value), value.span, value.origin)
    except (TypeError, ValueError):
        return Opaque("it is not a number", value.span)


def decoupled(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`config("RANK", default=8, cast=int)` of python-decouple."""
    return _cast(context, arguments.get("default", 1), arguments.get("cast", 2), span)


def _cast(context: Context, default: Val | None, kind: Val | None, span: Span) -> Val:
    if default is None:
        return may_be_set(None, span)
    made = default if kind is None else context.machine.call(kind, Arguments([default], {}, {}), span)
    return made.overridable()


def reader(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Env()` of environs."""
    return Object(_ENV, arguments, span)


def typed(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`env.int("RANK", 8)` of environs."""
    if name.startswith("read_env"):
        return Const(True, span, "derived")
    return _cast(context, arguments.get("default", 1), None, span)


DOTENV: dict[str, Handler] = {"load_dotenv": load, "dotenv_values": values}
DECOUPLE: dict[str, Handler] = {"config": decoupled}
ENVIRONS: dict[str, Handler] = {"Env": reader}
