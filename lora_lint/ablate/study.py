"""A study from its request to its result."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lora_lint.ablate import fairness, grid, prepare
from lora_lint.ablate.cluster import Cluster
from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.fairness import FirstStep
from lora_lint.ablate.journal import StudyJournal
from lora_lint.ablate.runner import in_this_process
from lora_lint.ablate.schedule import SEEDS, TUNED, Schedule, Work
from lora_lint.ablate.setup import close
from lora_lint.ablate.trial import reason_of
from lora_lint.run.values import ABSENT, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.ablate.fairness import Fair
    from lora_lint.ablate.grid import Factor, Names
    from lora_lint.ablate.recipes import Recipe, Targets
    from lora_lint.ablate.schedule import Course
    from lora_lint.ablate.setup import Setup
    from lora_lint.ablate.source import StudySource
    from lora_lint.run.run import Run

_LEAST_STEPS = 20
_RESERVE = 0.85  # share of the time left to plan with


@dataclass(frozen=True)
class Request:
    """What the user asks for. `vary` is empty for the sweep of the program, or else the usual study; `ray` is "local",
    an address, or None for this process; `seeds` None: as many as it takes."""

    vary: tuple[Factor, ...] = ()
    fair: Fair = "step"
    tune: bool = False
    steps: int = 150
    examples: int = 800
    seeds: int | None = None
    time_budget: float = 3600.0
    device: Literal["auto", "cuda", "cpu", "meta"] = "auto"
    threads: int | None = None
    output: str = "ablation"
    ray: str | None = None
    gpus: float = 1.0
    model: str | None = None
    data: str | None = None


@dataclass(frozen=True)
class Study:
    """A finished study. `first` are the first steps of the arms by name, as measured: at the alpha as written, and at
    the alpha of the study; `unfit` says why arms were not tried at all."""

    request: Request
    run: Run
    asked: tuple[Recipe, ...]
    setup: Setup
    course: Course
    first: dict[str, tuple[FirstStep, FirstStep]]
    unfit: dict[str, str]
    data: str
    notes: tuple[str, ...]
    names: Names
    seconds: float


def study(source: StudySource, request: Request, show: Callable[[Work], None]) -> Study:
    """Makes the study, or goes on with the one in the output folder. Raises StudyError."""
    begun = time.monotonic()
    ends = time.time() + request.time_budget
    run = _as_requested(source.run, request)
    prepare.check_weights(run)
    names = grid.Names(lambda group: _own_names(run, group), {})
    arms, notes = _arms(source, run, request, names)
    show(Work("loading the model", 0, 0))
    host = prepare.host_of(run, request.device, max(each.rank for each in arms), request.threads)
    setup, data = prepare.setup_of(run, host, request.examples)
    journal = StudyJournal(Path(request.output), _fingerprint(setup, arms, request))
    runner = None
    try:
        fair = _Fairness(setup, journal, request.fair, run, ends)
        fit = fair.applied(arms, show)
        setup = prepare.for_steps(setup, _steps(journal, setup, request, fair.first, ends))
        if request.ray is not None:
            close()
            runner = Cluster(request.ray, request.gpus)
        schedule = Schedule(setup, journal, runner or in_this_process, ends, show)
        course = schedule.follow(fit, request.seeds, request.tune)
    finally:
        journal.close()
        if runner is not None:
            runner.close()
        close()
    return Study(
        request,
        run,
        tuple(arms),
        setup,
        course,
        fair.first,
        fair.unfit,
        data,
        (*source.notes, *notes, *setup.optimizer.notes),
        names,
        time.monotonic() - begun,
    )


def _as_requested(run: Run, request: Request) -> Run:
    """The run with the model and the data that the user names instead."""
    if request.model is not None:
        run = replace(run, model=replace(run.model, name=Known(request.model), revision=ABSENT, subfolder=ABSENT))
    if request.data is not None:
        run = replace(run, dataset=replace(run.dataset, name=Known(request.data)))
    return run


def _own_names(run: Run, group: str) -> Targets:
    from lora_lint.recommend.choices import NotKnown, targets_of
    from lora_lint.verify.weights import name_of

    try:
        return targets_of(name_of(run), group)  # type: ignore[arg-type]
    except NotKnown as error:
        raise StudyError(f"{error}; name the modules: --vary targets=q_proj+v_proj") from error


def _arms(source: StudySource, run: Run, request: Request, names: Names) -> tuple[list[Recipe], list[str]]:
    """The arms, the baseline first, with what was assumed about it."""
    if any(each.name == "alpha" for each in request.vary) and request.fair != "as-written":
        raise StudyError(f"--vary alpha has no effect with --fair {request.fair}, which chooses it: use as-written")
    for group in grid.GROUPS:
        with suppress(StudyError):  # not every model has them all, and not every study needs them
            names.targets(group)
    if source.sweep and not request.vary:
        return grid.arms_of_sweep([_as_requested(each, request) for each in source.sweep], prepare.rate_of, names), []
    base, notes = grid.baseline(run, prepare.rate_of(run), names)
    notes += [f"`{name}` names no module of the model and is left out" for name in grid.unmatched(run)]
    if request.vary:
        return grid.grid(base, request.vary, names), notes
    return grid.default_study(base, names), notes


def _fingerprint(setup: Setup, arms: Sequence[Recipe], request: Request) -> dict[str, Any]:
    """What must be the same for a journal to be continued."""
    return {
        "model": setup.host.folder,
        "device": [setup.host.device, setup.host.dtype, setup.host.threads],
        "data": prepare.digest(setup),
        "arms": [asdict(each) for each in arms],
        "optimizer": [setup.optimizer.label, setup.batch],
        "options": [request.fair, request.tune, request.steps, request.seeds],
        "versions": prepare.versions(),
    }


class _Fairness:
    """Measures the first step of each arm and gives each its alpha, as far as the journal does not know them."""

    def __init__(self, setup: Setup, journal: StudyJournal, fair: Fair, run: Run, ends: float) -> None:
        self.setup = setup
        self.journal = journal
        self.fair = fair
        self.framework = run.framework
        self.ends = ends
        self.first: dict[str, tuple[FirstStep, FirstStep]] = {}
        self.unfit: dict[str, str] = {}

    def applied(self, arms: Sequence[Recipe], show: Callable[[Work], None]) -> list[Recipe]:
        """The arms with equal chances, without those that cannot be wrapped. Raises StudyError if the baseline cannot
        be."""
        fit: list[Recipe] = []
        base = arms[0]
        factor = self._factor(arms)
        for number, recipe in enumerate(arms):
            show(Work(f"first step of {recipe.name}, {number + 1} of {len(arms)}", 0, 0))
            if time.time() > self.ends:
                raise StudyError("time ran out while the first steps were measured: raise --time-budget")
            try:
                fit.append(self._one(recipe, base, factor))
            except Exception as error:
                self.unfit[recipe.name] = reason_of(error)
                if recipe is base:
                    raise StudyError(f"the baseline cannot be trained: {self.unfit[recipe.name]}") from error
        return fit

    def _one(self, recipe: Recipe, base: Recipe, factor: float) -> Recipe:
        known = self.journal.fact("first-step", recipe.name)
        if known is None:
            known = self._measured(recipe, base, factor)
            self.journal.note("first-step", recipe.name, known)
        self.first[recipe.name] = (FirstStep(*known["written"]), FirstStep(*known["fair"]))
        return replace(recipe, alpha=known["alpha"])

    def _measured(self, recipe: Recipe, base: Recipe, factor: float) -> dict[str, Any]:
        written = fairness.first_step(self.setup, recipe, factor)
        chosen, step = recipe, written
        if recipe is not base and self.fair == "step":
            wanted = self.first[base.name][0].size
            chosen, step = fairness.with_equal_step(self.setup, recipe, base, wanted, self.framework, factor)
        elif recipe is not base and self.fair == "ratio":
            chosen = fairness.with_equal_ratio(recipe, base, self.framework)
            step = fairness.first_step(self.setup, chosen, factor)
        return {
            "alpha": chosen.alpha,
            "written": [written.size, written.seconds],
            "fair": [step.size, step.seconds],
        }

    def _factor(self, arms: Sequence[Recipe]) -> float:
        """The factor on all rates that lifts the first steps out of the rounding."""
        known = self.journal.fact("factor", "rates")
        if known is None:
            known = fairness.visible_factor(self.setup, fairness.first_step(self.setup, arms[0]).size)
            self.journal.note("factor", "rates", known)
        return float(known)


def _steps(
    journal: StudyJournal, setup: Setup, request: Request, first: dict[str, tuple[FirstStep, FirstStep]], ends: float
) -> int:
    """The steps of each training: as many as were asked for, fewer where time is short. Raises StudyError if there is
    no time for a few."""
    known = journal.fact("plan", "steps")
    if known is not None:
        return int(known)
    seconds = sum(fair.seconds for _, fair in first.values())
    times = (request.seeds or SEEDS) + (len(TUNED) if request.tune else 0)
    evaluation = max(setup.held / (3 * setup.batch), 1 / 3)
    evaluations = len(prepare.for_steps(setup, request.steps).points) * evaluation
    left = (ends - time.time()) * _RESERVE
    steps = min(request.steps, int(left / (seconds * times) - evaluations))
    least = min(_LEAST_STEPS, request.steps)
    if steps < least:
        takes = (least + evaluations) * seconds * times / _RESERVE
        raise StudyError(
            f"{len(first)} arms with {times} trainings of at least {least} steps take about {takes:,.0f} s here, and "
            f"{max(left, 0):,.0f} s are left: raise --time-budget, or vary less"
        )
    journal.note("plan", "steps", steps)
    return steps
