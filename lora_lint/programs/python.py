"""Python programs and notebooks: from calls of PEFT, transformers, TRL, Unsloth, xtuner … to Runs."""

from __future__ import annotations

from lora_lint.interpreter.definitions import ProgramFile
from lora_lint.interpreter.machine import Machine
from lora_lint.interpreter.values import Const, ListVal, Opaque, either
from lora_lint.libraries.marks import starts_programs
from lora_lint.libraries.table import Knowledge
from lora_lint.programs.accelerated import launched_by
from lora_lint.programs.callers import MAX_SCRIPTS, always_given, given_on_pages, scripts_left, started_with
from lora_lint.programs.files import MAX_FILES, ProjectLoader, worth_following
from lora_lint.programs.runs import finish
from lora_lint.programs.trainings import with_printed_sizes
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import LARGEST, beginning, parse
from lora_lint.records import dataclass, replace
from lora_lint.run.choices import OptionChoice
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import Reading
from lora_lint.run.values import ABSENT, alternatives, known
from lora_lint.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import Records, StartedProgram
    from lora_lint.programs.called import Invocation
    from lora_lint.programs.serving import Served
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run.run import Run
    from lora_lint.source import SourceFile
    from lora_lint.unread import Limit


@dataclass(frozen=True)
class Program:
    """The content of a program by itself: its runs, and the other programs that it starts."""

    reading: Reading
    launches: tuple[StartedProgram, ...] = ()
    served: tuple[Served, ...] = ()


def read(
    source: SourceFile, project: Project, invocation: Invocation | None = None, *, every_line: bool = False
) -> Program:
    """The content of a script or notebook; `invocation` is its call, if that is known. With `every_line`, as for a
    script that the user names, it is parsed with unused definitions, and judged for its own defaults. Raises
    readers.errors.Unreadable if Python itself cannot parse it."""
    if len(source.utf8) <= LARGEST:
        return _read(source, project, invocation, every_line)
    try:
        program = _read(beginning(source), project, invocation, every_line)
    except Unreadable:  # where statements cannot be separated
        why = f"This program has more than {LARGEST:,} bytes, which is more than is read"
        raise Unreadable(why, limit="size") from None
    lost = f"a program is read up to {LARGEST:,} bytes, but this one has {len(source.utf8):,}"
    unread = (Unread(source.path, "size", lost), *program.reading.unread)
    return replace(program, reading=replace(program.reading, unread=unread))


def _read(source: SourceFile, project: Project, invocation: Invocation | None, every_line: bool) -> Program:
    loader = ProjectLoader(project)
    starting = invocation is None and starts_programs(source.utf8)
    worth = worth_following(source, loader) or (invocation is not None and invocation.about_lora())
    if not starting and not worth:
        return Program(Reading())
    if every_line or source.kind == "notebook":
        tree = parse(source)
    else:
        from lora_lint.programs.pruning import parse_asked

        tree = parse_asked(source)
    callers: frozenset[str] = frozenset()
    library = Knowledge(project)
    records = library.records
    records.text = source.utf8
    if invocation is not None:
        records.given, records.given_all, records.called = invocation.options, invocation.whole, invocation.hydra
        records.written = invocation.written
        spans = (getattr(value, "span", None) for value in invocation.options.values())
        records.caller = next((span.path for span in spans if span is not None), None)
    elif _takes_options(source):
        always = always_given(source.path, project)
        records.given, records.by_default = {name: _one_of(name, values) for name, values in always.items()}, every_line
        callers = frozenset(node.span.path for values in always.values() for node in values)
        shown = given_on_pages(source, project)
        records.on_pages = {name: _one_of(name, each) for name, each in shown.items() if name not in always}
        if left := scripts_left(source.path, project):
            detail = f"{MAX_SCRIPTS} shell scripts are searched for calls of it, but {left:,} more are not"
            records.leave_unread("scripts", detail)
    machine = Machine(library, loader, only_starts=not worth)
    module = ProgramFile(source, is_main=True)
    try:
        machine.run(module, tree)
        library.complete(module.scope)
        reading = with_printed_sizes(finish(records, source.path), source.trained_on)
        if any(word in source.utf8 for word in _OF_TEMPLATES):
            from lora_lint.programs.templates import with_template

            reading = with_template(reading, records.tokenizers, tree, source)
        if (reading.runs or reading.given) and (loader.copies or _has_its_own_peft(source.path, project)):
            reading = replace(reading.mapped(_without_refusals), given=())
        if invocation is None and any(_depends_on_launch(run) for run in reading.runs):
            launch = started_with(source.path, project)
            reading = reading.mapped(lambda run: launched_by(run, launch))
        if invocation is None and records.given:
            reading = reading.mapped(lambda run: _judged_where_called(run, callers))
        machine.forget()
    finally:
        loader.undo()
    reading = replace(reading, unread=(*_unread(records, loader, source.path), *reading.unread))
    served: tuple[Served, ...] = ()
    if records.engines or records.served:
        from lora_lint.programs import engines

        served = tuple(engines.served_in(records, source))
        found = engines.problems_in(records)
        reading = replace(reading, runs=(*reading.runs, *found), given=(*reading.given, *engines.given_in(records)))
    return Program(reading, tuple(records.launches) if starting else (), served)


def _depends_on_launch(run: Run) -> bool:
    """Whether it matters how a run is launched: a trainer saves its adapter, or its model is put on devices, or
    quantized."""
    return (
        (run.training.trainer is not None and run.launch.sharding is ABSENT)
        or run.launch.placement is not ABSENT
        or run.launch.quantizer is not ABSENT
        or bool(known(run.model.quantization))
    )


def _has_its_own_peft(path: str, project: Project) -> bool:
    """Whether `import peft` refers to a package in the repository, which may take other keywords than any release."""
    return project.nearest(path, "peft/__init__.py", "src/peft/__init__.py") is not None


def _without_refusals(run: Run) -> Run:
    """The run without the newest PEFT's verdict on its config's arguments."""
    return replace(run, problems=tuple(each for each in run.problems if not isinstance(each, UnknownKey)), given=())


def _unread(records: Records, loader: ProjectLoader, path: str) -> Iterator[Unread]:
    """What was not followed because of a limit: for each limit the first, and how many more."""
    if loader.left:
        lost = f"of what it imports {MAX_FILES} files are followed, but not {_first_of(loader.left)}"
        records.leave_unread("imports", lost)
    if loader.large:
        lost = f"of what it imports, files of more than {LARGEST:,} bytes are not followed: {_first_of(loader.large)}"
        records.leave_unread("size", lost)
    details: dict[Limit, list[str]] = {}
    for limit, detail in records.unread:
        details.setdefault(limit, []).append(detail)
    for limit, found in details.items():
        more = f" (and {len(found) - 1} more of the kind)" if len(found) > 1 else ""
        yield Unread(path, limit, found[0] + more)


def _first_of(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


_CONFIGS = (".yaml", ".yml", ".json", ".toml")
_OF_TEMPLATES = (b"apply_chat_template", b"assistant_only_loss")
"""What needs the chat template of a tokenizer."""
_TAKES_OPTIONS = (b"ArgumentParser", b"fire.Fire", b"import Fire", b"TrlParser")


def _takes_options(source: SourceFile) -> bool:
    return source.kind == "python" and any(word in source.utf8 for word in _TAKES_OPTIONS)


def _one_of(name: str, values: tuple[Node, ...]) -> Val:
    """The value of an option that every caller gives, so that its default never applies: one of theirs, unless one of
    them is a switch or is not known. What a config file says belongs to the call that names it."""
    from lora_lint.readers.nodes import Placeholder, Scalar, Sequence

    unknown = Opaque("each script that calls the program sets it")
    options = []
    for node in values:
        items = node.items if isinstance(node, Sequence) else (node,)
        if not all(isinstance(item, Scalar) and not isinstance(item.value, Placeholder | bool) for item in items):
            return unknown
        given: list[Val] = [Const(item.value, item.span, "cli-default") for item in items if isinstance(item, Scalar)]
        options.append(ListVal(given, node.span) if isinstance(node, Sequence) else given[0])
    texts = [each.value for each in options if isinstance(each, Const) and isinstance(each.value, str)]
    files = [text for text in texts if text.endswith(_CONFIGS)]
    apart = len(files) == len(options)
    cases = [(OptionChoice(f"--{name}", "equals", file, holds=True),) for file in files] if apart else ()
    found = either(options, cases)
    return unknown if isinstance(found, Opaque) else found


def _judged_where_called(run: Run, callers: frozenset[str]) -> Run:
    """The run of a program without judging the settings of the files that call it."""
    elsewhere = [
        f"{record}.{name}"
        for record in ("adapter", "model", "dataset", "training")
        for name in type(getattr(run, record)).__match_args__
        if any(
            (place := each.written or each.span) is not None and place.path in callers
            for each in alternatives(getattr(getattr(run, record), name))
        )
    ]
    if "dataset.name" in elsewhere:
        elsewhere.append("dataset.size")
    return replace(run, elsewhere=tuple(elsewhere)) if elsewhere else run
