"""Reward functions of TRL's online trainers: what they take completions for.

TRL 0.14.0 to 1.16.0, trainer/grpo_trainer.py and rloo_trainer.py: where the prompts are lists of messages, each
completion is a list with one message, else a text.
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.definitions import Function
from lora_lint.interpreter.values import ListVal
from lora_lint.readers import python
from lora_lint.run.run import TextReward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.values import Arguments
    from lora_lint.libraries.context import Context

_OF_TEXTS = frozenset(
    "strip lstrip rstrip lower upper split rsplit splitlines startswith endswith replace partition rpartition find "
    "encode casefold".split()
)
"""Methods that texts have, and lists do not."""
_SEARCHES = frozenset({"match", "search", "fullmatch", "findall", "finditer"})


def text_rewards_of(context: Context, arguments: Arguments) -> tuple[TextReward, ...]:
    """The reward functions of a trainer that take completions for texts, if the program makes only prompts of
    messages."""
    given, span = arguments.get("reward_funcs", 1), arguments.span("reward_funcs", 1)
    if given is None or span is None:
        return ()
    functions = given.items if isinstance(given, ListVal) else [given]
    found = [each for each in functions if isinstance(each, Function) and _reads_texts(each.node)]
    main = context.machine.main
    if not found or main is None or b"role" not in main.source.utf8:
        return ()
    if not _has_only_messages(python.parse(main.source)):
        return ()
    return tuple(TextReward(each.name, span) for each in found)


def _has_only_messages(program: ast.Module) -> bool:
    """Whether each prompt that a program makes is a list of messages, and it makes one."""
    prompts = [*_prompts(program)]
    return bool(prompts) and all(map(_is_messages, prompts))


def _prompts(program: ast.Module) -> Iterator[ast.expr]:
    """What a program puts under the name `prompt`: in dicts, by keyword or by item."""
    for node in ast.walk(program):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "prompt":
                    yield value
        elif isinstance(node, ast.Call):
            yield from (each.value for each in node.keywords if each.arg == "prompt")
            named = [each for each in node.args if isinstance(each, ast.Constant) and each.value == "prompt"]
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("add_column", "rename_column") and named:
                yield node  # of another kind, as far as is known
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if (
                    isinstance(target, ast.Subscript)
                    and isinstance(target.slice, ast.Constant)
                    and target.slice.value == "prompt"
                ):
                    yield node.value


def _is_messages(value: ast.expr) -> bool:
    """Whether a value is a list of dicts with a role."""
    return (
        isinstance(value, ast.List)
        and bool(value.elts)
        and all(
            isinstance(each, ast.Dict)
            and any(isinstance(key, ast.Constant) and key.value == "role" for key in each.keys)
            for each in value.elts
        )
    )


def _reads_texts(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a function uses each completion as a text, and never as a list."""
    parameters = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
    if "completions" not in parameters or getattr(function, "decorator_list", None):
        return False  # a decorator may make texts of them
    nodes = list(ast.walk(function))
    if any(isinstance(node, ast.Name) and _is_bound(node, "completions") for node in nodes):
        return False
    variables = {name for target, source in _loops(nodes) if (name := _item(target, source)) is not None}
    return any(_is_text(nodes, variable) for variable in variables)


def _loops(nodes: list[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The targets of loops and comprehensions, with what they run over."""
    for node in nodes:
        if isinstance(node, ast.For | ast.comprehension):
            yield node.target, node.iter


def _item(target: ast.expr, source: ast.expr) -> str | None:
    """The name of one completion in a loop over completions, or over pairs with them."""
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and isinstance(target, ast.Tuple):
        offset = {"zip": 0, "enumerate": 1}.get(source.func.id)
        for number, each in enumerate(source.args if offset is not None else ()):
            place = number + (offset or 0)
            if _is_completions(each) and place < len(target.elts):
                target, source = target.elts[place], each
                break
    return target.id if isinstance(target, ast.Name) and _is_completions(source) else None


def _is_completions(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "completions"


def _is_text(nodes: list[ast.AST], variable: str) -> bool:
    """Whether a variable is used as a text, and nothing asks what it is or takes a part of it."""
    used, bound = False, 0
    for node in nodes:
        if isinstance(node, ast.Name):
            bound += _is_bound(node, variable)
        elif isinstance(node, ast.Subscript):
            if isinstance(node.value, ast.Name) and node.value.id == variable:
                return False
        elif isinstance(node, ast.Call):
            arguments = [each.id for each in node.args if isinstance(each, ast.Name)]
            if (
                isinstance(node.func, ast.Name)
                and node.func.id in ("isinstance", "type", "str")
                and variable in arguments
            ):
                return False
            if isinstance(node.func, ast.Attribute):
                owner, name = node.func.value, node.func.attr
                used |= isinstance(owner, ast.Name) and owner.id == variable and name in _OF_TEXTS
                used |= name in _SEARCHES and variable in arguments
    return bool(used) and bound <= _targets(nodes, variable)


def _targets(nodes: list[ast.AST], variable: str) -> int:
    """How often a variable is that of a loop over completions."""
    return sum(_item(target, source) == variable for target, source in _loops(nodes))


def _is_bound(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Store)
