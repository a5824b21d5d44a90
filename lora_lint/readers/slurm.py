"""What Slurm sets for a job script by its `#SBATCH` lines.

Source: sbatch(1) and srun(1) of Slurm 24.05, "OUTPUT ENVIRONMENT VARIABLES". An option of `sbatch` overrides a line of
the script, so these are defaults.
"""

from __future__ import annotations

import re

from lora_lint.readers.shell import Word
from lora_lint.records import NamedTuple, dataclass
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import SourceFile

MARK = b"#SBATCH"
ARRAY_INDEX = "SLURM_ARRAY_TASK_ID"
_OPTION = re.compile(rb"(?m)^#SBATCH[ \t]+(?:--([\w-]+)(?:[= \t]+)|-([A-Za-z])[ \t]*)([^\s#]+)")
_SHORT = {b"N": b"nodes", b"n": b"ntasks", b"c": b"cpus-per-task", b"G": b"gpus", b"a": b"array"}
_VARIABLES = {
    b"nodes": ("SLURM_NNODES", "SLURM_JOB_NUM_NODES"),
    b"ntasks": ("SLURM_NTASKS", "SLURM_NPROCS"),
    b"ntasks-per-node": ("SLURM_NTASKS_PER_NODE",),
    b"cpus-per-task": ("SLURM_CPUS_PER_TASK",),
    b"gpus": ("SLURM_GPUS",),
    b"gpus-per-node": ("SLURM_GPUS_PER_NODE", "SLURM_GPUS_ON_NODE"),
    b"gres": ("SLURM_GPUS_ON_NODE",),
}
_GPUS = re.compile(r"(?:gpu:)?(?:[A-Za-z][\w.-]*:)?(\d+)$")
_INDICES = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?$")
_MOST_INDICES = 1_000


class ArrayJob(NamedTuple):
    """One job of an array: its number, and where the array is written."""

    number: int
    span: Span


@dataclass(frozen=True)
class Job:
    """The variables that Slurm sets, and the jobs of an array; none if the script is a single job."""

    variables: dict[str, Word]
    array: tuple[ArrayJob, ...] = ()


def job_of(source: SourceFile) -> Job:
    """What the `#SBATCH` lines of a script ask for."""
    variables: dict[str, Word] = {}
    array: tuple[ArrayJob, ...] = ()
    if MARK not in source.utf8:
        return Job(variables)
    for match in _OPTION.finditer(source.utf8):
        option = match[1] or _SHORT.get(match[2], b"")
        text = match[3].decode("utf-8", "replace")
        span = Span(source.path, *match.span(3))
        if option == b"array":
            array = tuple(ArrayJob(number, span) for number in _indices(text))
        elif option in (b"gres", b"gpus", b"gpus-per-node"):
            number = _GPUS.match(text)
            text = number[1] if number is not None else ""
        for name in _VARIABLES.get(option, ()) if text.isdecimal() else ():
            variables[name] = Word(text, span, default=True)
    return Job(variables, array)


def _indices(text: str) -> list[int]:
    """The indices of `0-7`, `1,3,5` or `0-15:4%2`; none if they are not known."""
    found: list[int] = []
    for part in text.partition("%")[0].split(","):
        match = _INDICES.match(part)
        if match is None:
            return []
        low, high, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if step == 0 or (high - low) // step >= _MOST_INDICES:
            return []
        found += range(low, high + 1, step)
    return found
