"""Tokens that a program adds to a tokenizer."""

from __future__ import annotations

import ast

from lora_lint.interpreter.idioms import is_len
from lora_lint.interpreter.values import Const, DictVal, ListVal, Object, Opaque
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import NewTokens
from lora_lint.run.events import Resize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span

METHODS = frozenset({"add_tokens", "add_special_tokens"})
_OLD = frozenset({"pad_token", "eos_token", "bos_token", "unk_token"})
"""Roles for which a tokenizer already has a token, or whose token is excluded from the loss."""
_FOR_PADDING = frozenset({"[PAD]", "<pad>", "<PAD>", "<|pad|>", "<|PAD|>", "[pad]"})
_PADDING = _FOR_PADDING | {"<s>", "</s>", "<unk>", "[UNK]"}


def added(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tokenizer.add_tokens([…])` and `add_special_tokens({…})`: keeps the literal tokens, and gives their number.

    Programs resize the embeddings `if added > 0`. The number may be smaller, if the vocabulary has some already.
    """
    given = arguments.get("new_tokens" if name == "add_tokens" else "special_tokens_dict", 0)
    if isinstance(given, DictVal):
        texts = [text for role, value in given.items.items() if role not in _OLD for text in _texts(value)]
    else:
        texts = _texts(given)
    new = tuple(dict.fromkeys(text for text in texts if text not in _PADDING))
    pads = _texts(given.items.get("pad_token")) if isinstance(given, DictVal) else []
    padding = tuple(text for text in pads if text in _FOR_PADDING)
    computed = isinstance(given, Opaque) or (isinstance(given, ListVal) and given.open)
    unread = name == "add_tokens" and not texts and computed
    if new or unread or padding:
        made = NewTokens(new, tuple(context.machine.conditions), unread, padding)
        context.machine.journal.change_list(context.records.new_tokens).append(made)
    return Const(len(new), span, "derived") if new and not computed else None


def growth(context: Context, span: Span) -> Resize:
    """Resizes the embeddings for the tokens added so far in the program."""
    here = context.machine.conditions
    added = [each for each in context.records.new_tokens if all(one in here for one in each.conditions)]
    tokens = tuple(dict.fromkeys(token for each in added for token in each.tokens))
    padding = tuple(dict.fromkeys(token for each in added for token in each.padding))
    return Resize(span, tokens=tokens, unread=any(each.unread for each in added), padding=padding)


def besides_size(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions of a resize without `if len(tokenizer) > rows:`, which holds if tokens were added."""
    return tuple(one for one in conditions if not (one.taken and _compares_size(one.test)))


def _compares_size(test: ast.expr) -> bool:
    sides = [test.left, *test.comparators] if isinstance(test, ast.Compare) else []
    return any(isinstance(side, ast.Call) and is_len(side.func) for side in sides)


def token_texts(given: Val | None) -> tuple[str, ...]:
    """The texts of the tokens in a call, as far as they are literal."""
    return tuple(dict.fromkeys(_texts(given)))


def _texts(value: Val | None) -> list[str]:
    if isinstance(value, ListVal):
        return [text for item in value.items for text in _texts(item)]
    if isinstance(value, Object) and value.callee.endswith("AddedToken"):
        return _texts(value.arguments.get("content", 0))
    text = text_of(value)
    return [text] if text is not None else []
