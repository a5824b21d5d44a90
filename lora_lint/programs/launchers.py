"""The program that a command starts after its launchers: `srun accelerate launch … train.py` starts train.py."""

from __future__ import annotations

import re

from lora_lint import marks
from lora_lint.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from lora_lint.readers.fragments import Fragment
    from lora_lint.readers.shell import Command, Template, Word
    from lora_lint.source import Span


@dataclass(frozen=True)
class Call:
    """A program and its arguments. `name` is that of a command (`swift`), the dotted name of a module, or the path of a
    script (its end, if the start is not known); `span` is where it is written. `processes` is how many of it a launcher
    starts on one machine, None if that is not written. `launcher` has the options of `launched_by`."""

    kind: Literal["command", "module", "script"]
    name: str
    arguments: tuple[Word, ...]
    span: Span
    processes: int | None = None
    launcher: tuple[Word, ...] = ()
    launched_by: str = ""
    environment: Mapping[str, Word] = field(default_factory=dict)
    files: Mapping[str, Fragment | Template] = field(default_factory=dict)
    """See readers.shell.Command."""
    cut: bool = False
    """The beginning of a script's own name is not known either: `${model}_train.py`."""


_PREFIXES = frozenset(
    "nohup time exec sudo env command stdbuf srun mpirun mpiexec numactl taskset uv poetry pdm conda pipenv nice "
    "timeout ionice singularity apptainer docker podman ray".split()
)
"""Commands that run the command in their arguments."""
_LAUNCHERS = frozenset({"torchrun", "deepspeed", "accelerate", "accelerate-launch", "composer"})
_LAUNCHING = frozenset(
    {
        "torch.distributed.launch",
        "torch.distributed.run",
        "torch.distributed.elastic.multiprocessing.run",
        "accelerate.commands.launch",
        "deepspeed.launcher.runner",
    }
)
"""Modules that are launchers."""
_WITH_A_VALUE = frozenset(
    "--extra --no-extra --group --only-group --no-group --with --with-editable --with-requirements --env-file "
    "--package --python -p --directory --project --index --default-index --find-links --config-file".split()
)
"""Options of `uv run` (0.9) that take a value."""
_RUNNERS = frozenset({"uv", "poetry", "pdm", "rye", "pipenv"})
"""Package managers whose `run` starts a command in the project's environment."""
_PYTHON = re.compile(r"python[\d.]*(?:\.exe)?$")
_SET = re.compile(r"[A-Za-z_]\w*=")
_CONTAINERS = frozenset({"docker", "podman"})
_MOUNT = re.compile(r"(?:--volume=|-v=?)?(?P<here>[^:=]*?)/?:(?P<there>/[^:]+?)/?(?::[\w,]+)?")
"""A value of `docker run -v`."""


def launched(command: Command) -> Call | None:
    """The program that a command starts; None if it is not known, or cannot train."""
    call = _started(command.words)
    if call is None or not (command.environment or command.files):
        return call
    return replace(call, environment=command.environment, files=command.files)


def _started(words: tuple[Word, ...]) -> Call | None:
    at = 0
    while at < len(words):
        word = words[at]
        name = _name(word)
        if name in _RUNNERS and "run" in (following.text for following in words[at + 1 : at + 2]):
            at = _after_options(words, at + 2)
        elif name in _CONTAINERS and (inside := _in_container(words[at + 1 :])):
            return _started(inside)
        elif name in _PREFIXES or _SET.match(word.text or ""):
            at = _next_start(words, at + 1)
        elif word.text in ("-m", "--module"):
            return _of_python(words, at)
        elif _PYTHON.match(name):
            return _of_python(words, at + 1)
        elif name in _LAUNCHERS or (word.text is None and not name):
            return _under_launcher(words, at + 1, name)
        elif name.endswith(".py"):
            return _script(words, at)
        else:
            return Call("command", name, words[at + 1 :], word.span)
    return None


def _script(words: tuple[Word, ...], at: int) -> Call:
    word = words[at]
    cut = word.text is None and "/" not in word.tail
    return Call("script", word.text or word.tail, words[at + 1 :], word.span, cut=cut)


def _name(word: Word) -> str:
    return (word.text or word.tail).rpartition("/")[2]


def _after_options(words: Sequence[Word], at: int) -> int:
    """What `uv run` runs: the word after its options, or the option that names a module."""
    while at < len(words) and (text := words[at].text or "").startswith("-") and text not in ("-m", "--module"):
        at += 2 if text in _WITH_A_VALUE else 1
    return at


def _in_container(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The command that the image of a server runs with the arguments of `docker run`, with the folders that it has from
    the host; none if the image is not one of those."""
    from lora_lint.knowledge.servers import IMAGES

    texts = [word.text or "" for word in words]
    found = ((at, start) for at, text in enumerate(texts) for image, start in IMAGES.items() if _is_image(text, image))
    at, start = next(found, (0, ()))
    if not start:
        return ()
    given = next((text for text in texts[:at] if text.startswith("--entrypoint")), None)
    if given is not None:
        own = given.partition("=")[2] or (texts[texts.index(given) + 1] if given == "--entrypoint" else "")
        start = (own,) if own else ()
    mounts = tuple(_mounts(words[:at]))
    return (*(replace(words[at], text=text) for text in start), *(_on_host(word, mounts) for word in words[at + 1 :]))


def _is_image(text: str, image: str) -> bool:
    """Whether a reference is that of an image, from any registry and with any tag."""
    return re.search(rf"(?:^|/){image}(?:[:@]|$)", text) is not None


def _mounts(options: Sequence[Word]) -> Iterator[tuple[str, str]]:
    """The folders of a container that are folders of the host, with these."""
    for word in options:
        mount = _MOUNT.fullmatch(word.tail if word.text is None else word.text)
        if mount is not None and word.text is None:  # after a variable, most often that of the current folder
            yield mount["there"], mount["here"].strip("/") or "."
        elif mount is not None and mount["here"].startswith((".", "/")):  # no volume with a name
            yield mount["there"], mount["here"]


def _on_host(word: Word, mounts: Sequence[tuple[str, str]]) -> Word:
    """A word with the folders of the host instead of those of a container."""
    text = word.text
    for there, here in mounts:
        text = text and re.sub(rf"(?<![\w./-]){re.escape(there)}(?=/|$|[\"',@])", here, text)
    return replace(word, text=text)


def _next_start(words: Sequence[Word], at: int) -> int:
    """The command that follows the options of a command that runs it."""
    from lora_lint.knowledge.servers import COMMANDS

    while at < len(words):
        name = _name(words[at])
        task = words[at + 1].text if at + 1 < len(words) else None
        known = name in _PREFIXES or name in _LAUNCHERS or name in marks.COMMANDS
        if known or not COMMANDS.isdisjoint({(name, ""), (name, task)}) or name.endswith(".py") or _PYTHON.match(name):
            break
        at += 1
    return at


def _of_python(words: tuple[Word, ...], at: int) -> Call | None:
    while at < len(words):
        text = words[at].text or words[at].tail
        if text in ("-m", "--module") and at + 1 < len(words):
            module = words[at + 1].text or ""
            if module in _LAUNCHING:
                return _under_launcher(words, at + 2, module)
            return Call("module", module, words[at + 2 :], words[at + 1].span) if module else None
        if text.endswith(".py"):
            return _script(words, at)
        if _name(words[at]) in _LAUNCHERS:  # by its path, as in `python venv/bin/accelerate launch`
            return _under_launcher(words, at + 1, _name(words[at]))
        if text == "-c" or not text.startswith("-"):
            return None
        at += 2 if text in ("-W", "-X") else 1
    return None


_COUNTS = ("--nproc_per_node", "--nproc-per-node", "--num_processes", "--num-processes", "--num_gpus", "--num-gpus")
"""The options for the number of processes in torchrun, accelerate and DeepSpeed."""


_INCLUDED = ("--include", "-i")
"""DeepSpeed's options for the GPUs of each host: `localhost:0,1` (deepspeed 0.18, launcher/runner.py)."""


def _processes(options: Sequence[Word]) -> int | None:
    """The number of processes in a launcher's options."""
    for at, word in enumerate(options, start=1):
        name, equals, value = (word.text or "").partition("=")
        text = value if equals else "".join(following.text or "" for following in options[at : at + 1])
        if name in _COUNTS:
            return int(text) if text.isascii() and text.isdigit() else None
        if name in _INCLUDED and ":" in text and "@" not in text:
            return len(text.partition(":")[2].split(","))
    return None


def _under_launcher(words: tuple[Word, ...], at: int, name: str) -> Call | None:
    """The script or the module after a launcher's options."""
    for place in range(at, len(words)):
        call = _behind_options(words, place)
        if call is not None:
            launcher = words[at:place]
            return replace(call, processes=_processes(launcher), launcher=launcher, launched_by=name)
    return None


def _behind_options(words: tuple[Word, ...], place: int) -> Call | None:
    """The call that a word after a launcher begins; None if it is an option of the launcher."""
    text = words[place].text or words[place].tail
    if text.endswith(".py"):
        return _script(words, place)
    if text in ("-m", "--module") and place + 1 < len(words) and words[place + 1].text:
        module = words[place + 1].text or ""
        return Call("module", module, words[place + 2 :], words[place + 1].span)
    if text.rpartition("/")[2] in marks.COMMANDS:
        return Call("command", text.rpartition("/")[2], words[place + 1 :], words[place].span)
    return None
