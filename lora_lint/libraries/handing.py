"""Functions that a program hands to a thread, a process, an executor or a queue of jobs, which call them.

Source: Python 3.11 (threading, multiprocessing, concurrent.futures, asyncio), torch 2.13 (multiprocessing/spawn.py),
FastAPI 0.121 (BackgroundTasks), Celery 5.5 (app/task.py), Ray 2.60, Modal 1.2, Prefect 3.4.
"""

from __future__ import annotations

from functools import partial

from lora_lint.interpreter.values import MAX_UNROLL, Arguments, Const, DictVal, ListVal, Object, Opaque, Val
from lora_lint.libraries.spaces import is_callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.definitions import Function
    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_STARTING = frozenset({"submit", "add_task", "apply", "run_in_executor", "apply_async"})
_EACH = frozenset({"map", "imap", "imap_unordered", "map_async"})
_EACH_UNPACKED = frozenset({"starmap", "starmap_async"})
_OF_JOBS = frozenset({"delay", "remote", "submit", "spawn", "local", "send"})
_CONFIGURING = frozenset({"options", "with_options"})


def worker(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Thread(target=train, args=(8,), kwargs={…})`, `Process(…)`."""
    _start(context.machine, arguments.get("target", 1), _packed(arguments, "args", "kwargs", span), span)
    return Object(name, arguments, span)


def timer(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Timer(60, train, args=[8])`."""
    given = Arguments(arguments.positional[2:], arguments.keywords, {})
    _start(context.machine, arguments.get("function", 1), _packed(given, "args", "kwargs", span, 0), span)
    return Object(name, arguments, span)


def spawn(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`torch.multiprocessing.spawn(train, args=(8,), nprocs=2)`: each process gets its number first."""
    packed = _packed(arguments, "args", "", span, 1)
    number = Opaque("it is the number of the process", span)
    given = Arguments([number, *packed.positional], packed.keywords, {}, packed.open)
    _start(context.machine, arguments.get("fn", 0), given, span)
    return Const(None, span)


def first(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`asyncio.to_thread(train, 8)`."""
    given = Arguments(arguments.positional[1:], arguments.keywords, {}, arguments.open)
    return _start(context.machine, arguments.get("func", 0), given, span)


def executor(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`ThreadPoolExecutor(2)`, `multiprocessing.Pool(2)`, `get_context("spawn")`, `asyncio.get_running_loop()`."""
    return Object(_EXECUTOR, arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`executor.submit(train, 8)`, `pool.map(train, [8, 16])`, `context.Process(target=train)`."""
    if name in ("Process", "Thread"):
        return worker(context, name, arguments, span)
    if name in ("Pool", "__enter__"):
        return owner
    if name in _EACH or name in _EACH_UNPACKED:
        return _each(context.machine, name, arguments, span)
    return started(context.machine, name, arguments, span)


def started(machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`jobs.submit(train, 8)`, `background.add_task(train, 8)`, whatever has such a method: the call of the function;
    None for other methods."""
    place = 1 if name == "run_in_executor" else 0
    function = arguments.positional[place] if len(arguments.positional) > place else None
    if name not in _STARTING or function is None or not is_callable(function):
        return None
    if name in ("apply", "apply_async"):
        return _start(machine, function, _packed(arguments, "args", "kwds", span, 1), span)
    given = Arguments(arguments.positional[place + 1 :], arguments.keywords, {}, arguments.open)
    return _start(machine, function, given, span)


def of_function(machine: Machine, function: Function, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`train.delay(8)`, `train.remote(8)`, `train.options(num_gpus=1).remote(8)` of a function that a decorator makes
    a job; None for what is no call."""
    if name in _CONFIGURING:
        return function
    if name == "apply_async":
        return _start(machine, function, _packed(arguments, "args", "kwargs", span, 0), span)
    return _start(machine, function, arguments, span) if name in _OF_JOBS else None


def _each(machine: Machine, name: str, arguments: Arguments, span: Span) -> Val:
    """Calls a function for each item, or once for items that are not known."""
    function, columns = arguments.get("func", 0) or arguments.get("fn", 0), arguments.positional[1:]
    listed = [column.iterate(machine, span) for column in columns]
    whole = [each[0] for each in listed if each is not None and each[1] and len(each[0]) <= MAX_UNROLL]
    unknown: Val = Opaque("the items are not known", span)
    turns = list(zip(*whole, strict=False)) if whole and len(whole) == len(listed) else [(unknown,) * len(columns)]
    for number, items in enumerate(turns):
        unpacked = items[0] if name in _EACH_UNPACKED and items else None
        given = list(items) if unpacked is None else list(unpacked.items) if isinstance(unpacked, ListVal) else []
        call = Arguments(given, {}, {}, unpacked is not None and not given)
        machine.turn(span, number, partial(_start, machine, function, call, span))
    return Opaque("its items are computed elsewhere", span)


def _packed(arguments: Arguments, args: str, kwargs: str, span: Span, place: int = 3) -> Arguments:
    """The arguments that a call is given as a tuple and a dict, positional ones from `place` on."""
    listed = arguments.get(args, place) or ListVal([], span, "tuple")
    named = (arguments.get(kwargs, place + 1) if kwargs else None) or DictVal({}, span)
    known = isinstance(listed, ListVal) and not listed.open and isinstance(named, DictVal) and not named.open
    positional = list(listed.items) if isinstance(listed, ListVal) else []
    keywords = {str(key): value for key, value in named.items.items()} if isinstance(named, DictVal) else {}
    return Arguments(positional, keywords, {}, not known)


def _start(machine: Machine, function: Val | None, arguments: Arguments, span: Span) -> Val:
    if function is None or not is_callable(function):
        return Opaque("which function is called is not known", span)
    return machine.call(function, arguments, span)


_EXECUTOR = "concurrent.futures.Executor"
_EXECUTORS = ("ThreadPoolExecutor", "ProcessPoolExecutor", "Pool", "ThreadPool", "get_context")
THREADING: dict[str, Handler] = {"Thread": worker, "Timer": timer}
MULTIPROCESSING: dict[str, Handler] = {"Process": worker, **dict.fromkeys(_EXECUTORS, executor)}
FUTURES: dict[str, Handler] = dict.fromkeys(_EXECUTORS, executor)
ASYNCIO: dict[str, Handler] = {
    "to_thread": first,
    **dict.fromkeys(("get_running_loop", "get_event_loop", "new_event_loop"), executor),
}
