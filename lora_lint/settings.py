"""Settings: `[tool.lora-lint]` in pyproject.toml or lora-lint.toml, merged with the command line's options."""

from __future__ import annotations

import os

from lora_lint.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    from jsonschema import ValidationError

    from lora_lint.finding import Confidence, Level
    from lora_lint.run.run import SweepKeeps
    from lora_lint.system import disk

    FailOn = Literal["error", "warning", "advice", "never"]


TASKS = ("format", "instruction", "chat", "domain", "code", "complex-domain", "multi-task")
"""What a run can be for: format only (JSON, a template), simple instruction following, general chat, a domain's
terminology, code, a complex domain (medicine, law), several tasks or continual learning."""

SWEEP_KEEPS = ("ratio", "step")
"""What a sweep can keep while the rank varies (run.SweepKeeps)."""

FILE_NAMES = ("lora-lint.toml", "pyproject.toml")
_EDITOR = "the editor's settings"
LARGEST = 1_000_000
"""The largest settings file, in bytes; a pyproject.toml with all the tools of a large project has 50,000."""


class SettingsError(Exception):
    """A settings file or an option that makes no sense; the message is for the user."""


@dataclass(frozen=True)
class Settings:
    """What a lint is to do. Rules are held by code; `root` is the folder that globs and `baseline` are relative to (""
    for the current one) and `file` the settings file, if there is one."""

    root: str = ""
    file: str | None = None
    select: tuple[str, ...] | None = None
    """None: every rule, by default or by `ALL`."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    levels: Mapping[str, Level] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[tuple[str, str], ...] = ()
    """(glob, folder it starts from)"""
    models: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    dataset_size: int | None = None
    task: str | None = None
    model: str | None = None
    """The model for runs whose own cannot be read."""
    gpu_memory: float | None = None
    sweep_keeps: SweepKeeps | None = None
    transformers: str | None = None
    fail_on: FailOn = "warning"
    confidence: Confidence = "likely"
    level: Level = "advice"
    """The lowest level of findings to show."""
    baseline: str | None = None
    """Relative to the current folder."""
    nested: bool = field(default=False, compare=False)
    """Whether a settings file in a folder below the current one rules what lies below it."""
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The options of the command line, which hold for all files."""

    @property
    def everything(self) -> bool:
        """Whether no rule was left out."""
        return self.select is None and not self.ignore

    def selected(self) -> frozenset[str]:
        """The codes of the rules to run."""
        from lora_lint import catalogue

        chosen = set(catalogue.rules()) if self.select is None else set(self.select)
        return frozenset((chosen | set(self.extend_select)) - set(self.ignore))

    def named(self) -> frozenset[str]:
        """The codes of the rules selected by code, name or prefix, neither by default nor by `ALL`."""
        return frozenset({*(self.select or ()), *self.extend_select} - set(self.ignore))


def settings_of(path: str, settings: Settings) -> Settings:
    """The settings that rule a file: those of the nearest settings file in the folders above it, below the current one,
    with the options of the command line over them; `settings` where there is none. Raises SettingsError."""
    if not settings.nested:
        return settings
    if os.path.isabs(path):
        path = os.path.relpath(path)
    folder = os.path.dirname(path)
    if folder in ("", ".") or path.startswith(".."):
        return settings
    kept = _kept_for(settings)
    return kept.get(folder, lambda asked: _nearest(asked, settings)) or settings


def _nearest(folder: str, settings: Settings) -> Settings | None:
    """The settings of the nearest file in a folder or above it, below the current one. Raises SettingsError."""
    from lora_lint.system import disk

    while folder not in ("", "."):
        for name in FILE_NAMES:
            path = os.path.join(folder, name)
            if disk.is_file(path):
                disk.look(path)
                table = _table(path)
                if table is not None:
                    _refuse_link(path, folder)
                    return override(_settings(path, table), **settings.given)
        folder = os.path.dirname(folder)
    return None


_KEPT: list[tuple[Settings, disk.Remembered[str, Settings | None]]] = []
"""What was found for the latest settings, by folder."""


def _kept_for(settings: Settings) -> disk.Remembered[str, Settings | None]:
    from lora_lint.system import disk

    if not _KEPT or _KEPT[0][0] is not settings:
        _KEPT[:] = [(settings, disk.Remembered())]
    return _KEPT[0][1]


def load(config: str | None = None, isolated: bool = False, otherwise: Mapping[str, Any] | None = None) -> Settings:
    """The settings that apply in the current folder: those in `config` (a TOML file) if it is given, otherwise in the
    nearest lora-lint.toml or pyproject.toml with a [tool.lora-lint] table, searching upwards. Keys that it lacks are
    taken from `otherwise`, an editor's table. Raises SettingsError."""
    if otherwise:
        _validate(_EDITOR, dict(otherwise))
    if config is not None:
        table = _table(config)
        if table is None:
            raise SettingsError(f"{config}: no [tool.lora-lint] table")
        return _settings(config, {**(otherwise or {}), **table})
    if isolated:
        return Settings()
    folder = os.getcwd()
    while True:
        for name in FILE_NAMES:
            path = os.path.join(folder, name)
            if os.path.lexists(path) and (table := _table(path)) is not None:
                _refuse_link(path, folder)
                return replace(_settings(path, {**(otherwise or {}), **table}), nested=True)
        above = os.path.dirname(folder)
        if above == folder:
            return replace(_settings(_EDITOR, dict(otherwise)) if otherwise else Settings(), file=None, nested=True)
        folder = above


def override(settings: Settings, **options: Any) -> Settings:
    """`settings` overridden by the command line's options; those that are None or empty change nothing.

    `select`, `extend_select` and `ignore` are lists of codes, names and prefixes; a `select` on the command line
    replaces the file's, the other two add to it. Raises SettingsError.
    """
    given = {key: value for key, value in options.items() if value is not None and value != ()}
    changes = dict(given)
    if not 0 < changes.get("gpu_memory", 1) < float("inf"):
        raise SettingsError(f"--gpu-memory: {changes['gpu_memory']} is not a number of GiB")
    if "ignore" in changes:
        changes["ignore"] = (*settings.ignore, *expand(changes["ignore"], "--ignore"))
    extend, every = _named(changes.pop("extend_select", ()), "--extend-select")
    if "select" in changes:
        wanted = changes.pop("select")
        select, all_of_them = _named(wanted, "--select")
        changes["select"], changes["extend_select"] = _chosen(select, extend, every or all_of_them)
        # A rule named on the command line runs even if the file ignores it.
        if "ignore" not in changes:
            codes = expand(wanted, "--select")
            changes["ignore"] = tuple(code for code in settings.ignore if code not in codes)
    elif extend or every:
        extend = (*settings.extend_select, *extend)
        every = every or settings.select is None
        changes["select"], changes["extend_select"] = _chosen(settings.select or (), extend, every)
    if "exclude" in changes:
        changes["exclude"] = (*settings.exclude, *((glob, "") for glob in changes["exclude"]))
    return replace(settings, **changes, given=given) if changes else settings


def expand(entries: Iterable[str], where: str) -> tuple[str, ...]:
    """The codes that a list of codes, names, prefixes (`LL2`) and `ALL` stands for. Raises SettingsError, naming
    `where`."""
    from lora_lint import catalogue

    codes: list[str] = []
    for entry in entries:
        rule = catalogue.find(entry)
        if rule is not None:
            codes.append(rule.code)
            continue
        prefix = entry.upper().rstrip("X")
        family = [code for code in catalogue.rules() if code.startswith(prefix)]
        if entry.upper() == "ALL":
            codes.extend(catalogue.rules())
        elif family and prefix.startswith("LL"):
            codes.extend(family)
        else:
            hint = did_you_mean(entry, known_rules()) or "; `lora-lint rules` lists them"
            raise SettingsError(f"{where}: unknown rule {entry!r}{hint}")
    return tuple(dict.fromkeys(codes))


def _named(entries: Iterable[str], where: str) -> tuple[tuple[str, ...], bool]:
    """The codes that entries name, and whether `ALL`, which names none, is among them. Raises SettingsError."""
    plain = [entry for entry in entries if entry.upper().rstrip("X") not in ("ALL", "LL")]
    return expand(plain, where), len(plain) < len(tuple(entries))


def _chosen(
    select: tuple[str, ...], extend: tuple[str, ...], every: bool
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """`select` and `extend_select` of the settings; with `every`, all rules run and the listed ones count as named."""
    return (None, (*select, *extend)) if every else (select, extend)


def known_rules() -> list[str]:
    """Every code and name, for suggestions."""
    from lora_lint import catalogue

    return [word for rule in catalogue.rules().values() for word in (rule.code, rule.name)]


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the closest of `words`, or nothing."""
    from difflib import SequenceMatcher, get_close_matches

    folded = word.lower()
    by_folded = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(folded, by_folded, n=5, cutoff=0.7)
    if not close:
        return ""

    def likeness(candidate: str) -> tuple[float, int]:
        # A wrong letter leaves the others in place: LL1O5 is LL105 rather than LL215.
        in_place = sum(map(str.__eq__, folded, candidate))
        return SequenceMatcher(None, candidate, folded).ratio(), in_place

    return f", did you mean {by_folded[max(close, key=likeness)]!r}?"


def _refuse_link(path: str, folder: str) -> None:
    """Raises SettingsError for a settings file that is a link out of the project: error messages quote its content."""
    if os.path.islink(path):
        from lora_lint.system import bounds

        if bounds.leads_out(path, bounds.tree(folder)):
            raise SettingsError(f"{path}: this link leads out of the project; name the file with --config")


def _table(path: str) -> dict[str, Any] | None:
    """The settings table of a TOML file; None if it has none. Raises SettingsError."""
    from lora_lint.system import disk

    try:
        data = disk.read_regular(path, LARGEST)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data is None:
        raise SettingsError(f"{path}: larger than {LARGEST // 1_000_000} MB, so it is not read")
    whole = os.path.basename(path) != "pyproject.toml"
    if not whole and not _mentioned(data):
        return None
    from lora_lint.system import toml

    try:
        document = toml.loads(data)
    except ValueError as error:
        raise SettingsError(f"{path}: not valid TOML ({error})") from None
    tool = document.get("tool")
    table = tool.get("lora-lint") if isinstance(tool, dict) else None
    if table is None and whole:
        table = document
    if table is not None and not isinstance(table, dict):
        raise SettingsError(f"{path}: [tool.lora-lint] is not a table")
    return table


def _mentioned(data: bytes) -> bool:
    """Whether a pyproject.toml could have our table. Most mention lora-lint only among their dependencies, if at all,
    and importing the TOML parser takes longer than a small lint."""
    if b"lora-lint" not in data:
        return False
    import re

    return re.search(rb"lora-lint[\"']?\s*[\].=]", data) is not None


def _settings(path: str, table: dict[str, Any]) -> Settings:
    """The settings that a table stands for, validated. Raises SettingsError."""
    _validate(path, table)
    # Not relpath(root) for the current folder: "" keeps every later join a no-op.
    root = os.path.dirname(os.path.abspath(path))
    root = "" if root == os.getcwd() else root

    def one(entry: str, key: str) -> str:
        found = expand([entry], f"{path}: `{key}`")
        if len(found) != 1:
            raise SettingsError(f"{path}: `{key}`: {entry!r} stands for several rules; name one")
        return found[0]

    named, every = _named(table.get("select", ("ALL",)), f"{path}: `select`")
    extend, all_too = _named(table.get("extend-select", ()), f"{path}: `extend-select`")
    select, extend_select = _chosen(named, extend, every or all_too)
    fail_on = table.get("fail-on", "advice" if table.get("preset") == "strict" else "warning")
    baseline = table.get("baseline")
    return Settings(
        root=root,
        file=path,
        select=select,
        extend_select=extend_select,
        ignore=expand(table.get("ignore", ()), f"{path}: `ignore`"),
        levels={
            code: level
            for entry, level in table.get("levels", {}).items()
            for code in expand([entry], f"{path}: `levels`")
        },
        options=_options(path, {one(entry, "rules"): options for entry, options in table.get("rules", {}).items()}),
        per_file_ignores=tuple(
            (glob, expand(entries, f"{path}: `per-file-ignores`"))
            for glob, entries in table.get("per-file-ignores", {}).items()
        ),
        exclude=tuple((glob, root) for glob in table.get("exclude", ())),
        models={name: _model(root, value) for name, value in table.get("models", {}).items()},
        types={name: _type(path, root, name, value) for name, value in table.get("types", {}).items()},
        dataset_size=table.get("dataset-size"),
        task=table.get("task"),
        gpu_memory=table.get("gpu-memory"),
        sweep_keeps=table.get("sweep-keeps"),
        transformers=table.get("transformers"),
        fail_on=fail_on,
        confidence=table.get("confidence", "likely"),
        baseline=os.path.join(root, baseline) if baseline else None,
    )


def _model(root: str, value: str | dict[str, Any]) -> str | dict[str, Any]:
    """A model's entry; the path of a folder with a config.json beside the settings file becomes relative to the current
    folder."""
    if isinstance(value, str):
        folder = os.path.join(root or ".", value.removesuffix("config.json"))
        if os.path.isfile(os.path.join(folder, "config.json")):
            return folder.rstrip("/")
    return value


def _type(path: str, root: str, name: str, value: str | list[str]) -> str | tuple[str, ...]:
    """What a model type stands for; the path of a folder is relative to the current one. Raises SettingsError."""
    from lora_lint.knowledge.models import LEARNED, is_known, known_types

    if isinstance(value, list):
        return tuple(value)
    folder = os.path.join(root or ".", value)
    if os.path.isfile(os.path.join(folder, LEARNED)):
        return folder
    if is_known(value):
        return value
    why = f"{value!r} is neither a known model type nor a folder that `lora-lint learn` wrote"
    raise SettingsError(f"{path}: `types.{name}`: {why}{did_you_mean(value, known_types())}")


def _validate(path: str, table: dict[str, Any]) -> None:
    """Raises SettingsError for the first thing in `table` that the schema does not allow."""
    schema = table_schema()
    for key in table:
        if key not in schema["properties"]:
            raise SettingsError(f"{path}: unknown setting {key!r}{did_you_mean(key, schema['properties'])}")
    _check(path, table, schema)


def table_schema() -> dict[str, Any]:
    """The JSON Schema of the table of settings."""
    import json

    from lora_lint.knowledge import edition

    schema: dict[str, Any] = json.loads(edition.bundled("settings.schema.json"))
    return schema


def _options(path: str, options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rules' options, checked against the schemas in the catalogue. Raises SettingsError."""
    from lora_lint import catalogue

    for code, given in options.items():
        known = catalogue.rules()[code].options
        for key, value in given.items():
            if key not in known:
                hint = did_you_mean(key, known) or (f" (it has {', '.join(known)})" if known else " (it has none)")
                raise SettingsError(f"{path}: {code} has no option {key!r}{hint}")
            _check(path, value, dict(known[key]), f"rules.{code}.{key}")
    return options


def _check(path: str, value: Any, schema: dict[str, Any], at: str = "") -> None:
    """Raises SettingsError if `value` does not fit a JSON Schema; `at` is the path of the value."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(value))
    if error is not None:
        place = ".".join(part for part in (at, *map(str, error.absolute_path)) if part)
        raise SettingsError(f"{path}: `{place}`: {_explanation(error, schema)}")


def _explanation(error: ValidationError, whole: dict[str, Any]) -> str:
    """What is wrong with a value, in words for people who know no JSON Schema."""
    from lora_lint.knowledge.schemas import expected

    schema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    given = repr(error.instance)
    given = given if len(given) <= 100 else f"{given[:99]}…"
    if "description" in schema and ("pattern" in schema or "anyOf" in schema):
        return f"{given} is not valid. {schema['description']}"
    if error.validator in ("type", "enum"):
        return f"{given} is not {expected(schema, whole)}"
    return error.message if len(error.message) <= 500 else f"{error.message[:499]}…"
