"""What the user asks for: records of a call, from the options that the command line read."""

from __future__ import annotations

import os

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from lora_lint.settings import Settings
    from lora_lint.source import FileKind
    from lora_lint.verify.experiment import Effort

COMMANDS = (
    *("check", "rules", "explain", "inspect", "recommend", "learn", "ablate", "preflight", "schema", "server"),
    "completion",
)

_COMPLETE = "_LORA_LINT_COMPLETE"


class UsageError(Exception):
    """A call that makes no sense; the message is for the user."""


@dataclass(frozen=True)
class InputText:
    """A text that is read in place of files, under the name that reports show."""

    path: str
    kind: FileKind
    data: bytes


@dataclass(frozen=True)
class Input:
    """The files that a command reads, and the settings it reads them under. `options` are those of
    `settings.override`."""

    paths: Sequence[str] = ()
    stdin_filename: str | None = None
    config: str | None = None
    isolated: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    online: bool = False
    """Whether the user allows to ask the hub."""
    text: InputText | None = None
    """The content of standard input or of an adapter on the hub, once it has been read."""

    def settings(self) -> Settings:
        """The effective settings. Raises SettingsError."""
        from lora_lint import settings

        return settings.override(settings.load(self.config, self.isolated), **self.options)

    def is_stdin(self) -> bool:
        """Whether the text to read is on standard input. Raises UsageError."""
        if "-" in self.paths and len(self.paths) > 1:
            raise UsageError("`-` reads standard input: give no other path")
        if self.stdin_filename is not None and "-" not in self.paths:
            raise UsageError("--stdin-filename names the text on standard input: give `-` as the only path")
        return "-" in self.paths

    def is_adapter(self) -> bool:
        """Whether an adapter on the hub is named. Raises UsageError where that is not allowed."""
        if not any("://" in path for path in self.paths):
            return False
        from lora_lint.system.hub import SCHEME

        named = next((path for path in self.paths if path.startswith(SCHEME)), None)
        if named is None:
            return False
        if len(self.paths) > 1:
            raise UsageError(f"{named} is read by itself: give no other path")
        if not self.online:
            raise UsageError(f"{named} is on the hub, which lora-lint asks with --online only")
        return True

    def is_one_file(self) -> bool:
        """Whether a single file, or standard input, is named, and no folder."""
        return len(self.paths) == 1 and (self.paths[0] == "-" or not os.path.isdir(self.paths[0]))


@dataclass(frozen=True)
class Output:
    """Where the findings go, and in which format."""

    format: str = "full"
    file: str | None = None
    write_baseline: str | None = None
    statistics: bool = False
    color: str = "auto"


@dataclass(frozen=True)
class Repair:
    """Whether fixes are applied or only shown, and whether unsafe ones are included. With `reason`, comments that
    suppress the findings take the place of fixes."""

    fix: bool = False
    diff: bool = False
    unsafe: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Verification:
    """What `--verify` may use. `time_budget` in seconds; `seeds` None means the defaults; `report` is the path of the
    page to write; `accept_proxy` as in `verify.experiment.Effort`."""

    device: Literal["auto", "cuda", "cpu", "meta"] = "auto"
    time_budget: float = 600.0
    seeds: int | None = None
    report: str | None = None
    accept_proxy: bool = False

    def effort(self) -> Effort:
        """What the experiments need to know of it."""
        from lora_lint.verify.experiment import Effort

        return Effort(self.device, self.time_budget, self.seeds, self.accept_proxy)


@dataclass(frozen=True)
class Check:
    """A call of `check`. `jobs` is the number of processes, 0 for as many as are worth starting; `cache_dir` None means
    the one in the settings."""

    input: Input = Input()
    output: Output = Output()
    repair: Repair = Repair()
    verification: Verification | None = None
    jobs: int = 0
    cache_dir: str | None = None
    no_cache: bool = False


def request_of(options: dict[str, Any]) -> Check:
    """The call of `check`, from the values of all options in `options.CHECK`."""
    take = options.pop
    report, color = (take("output_format"), take("output_file"), take("write_baseline")), take("color")
    output = Output(*report, take("statistics"), color)
    repair = Repair(take("fix"), take("diff"), take("unsafe_fixes"), take("add_ignore"))
    verifies, page = take("verify"), take("verify_report")
    effort = (take("device"), take("time_budget"), take("seeds"))
    verification = Verification(*effort, page, take("accept_proxy"))
    jobs, cache_dir, no_cache = take("jobs") or 0, take("cache_dir"), take("no_cache")
    settling = verification if verifies or page is not None else None
    return Check(input_of(options), output, repair, settling, jobs, cache_dir, no_cache)


def input_of(options: dict[str, Any]) -> Input:
    """The files and settings of a command, from the values of all its options."""
    take = options.pop
    files = (take("paths"), take("stdin_filename"), take("config"), take("isolated"))
    online = take("online")
    return Input(*files, options, online)


def completing() -> bool:
    """Whether the shell asks for completions."""
    return _COMPLETE in os.environ


def preflight_of(options: dict[str, Any]) -> Check:
    """The report and the settings of `preflight`, from the values of all options in `options.PREFLIGHT`."""
    take = options.pop
    output = Output(take("output_format"), take("output_file"), color=take("color"))
    return Check(Input((), None, take("config"), take("isolated"), options), output)


@dataclass(frozen=True)
class Ablation:
    """A call of `ablate`: the options by name, those that are not given None or empty."""

    path: str
    input: Input
    options: Mapping[str, Any]
