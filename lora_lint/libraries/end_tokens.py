"""Tokens that end a text, where a collator takes them for padding.

Without `mlm`, transformers 5.23.0 (data/data_collator.py, DataCollatorForLanguageModeling.torch_call) masks each label
that equals the padding token, wherever it stands. TRL before 0.16.0 gives SFTTrainer this collator
(trainer/sft_trainer.py), and its DataCollatorForCompletionOnlyLM builds on it.
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Const, Member, Object
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.trl import is_replaced
from lora_lint.readers import python
from lora_lint.run.run import MaskedEnd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import SourceFile, Span

_MASKING = {"transformers": "DataCollatorForLanguageModeling", "trl": "DataCollatorForCompletionOnlyLM"}
_PADDING, _END = ("pad_token", "pad_token_id"), ("eos_token", "eos_token_id")


def masked_end_of(context: Context, trainer: str, arguments: Arguments, span: Span) -> MaskedEnd | None:
    """The token at the end of each text that a trainer never trains: the program appends it, and pads with it."""
    collator, main = arguments.get("data_collator"), context.machine.main
    if trainer not in ("Trainer", "SFTTrainer") or main is None or is_replaced(context):
        return None
    if isinstance(collator, Object):
        masks = _masks(collator)
        tokenizer = collator.arguments.get("tokenizer", 0 if collator.callee.startswith("transformers.") else 2)
        place = arguments.span("data_collator") or span
    else:
        masks = collator is None and trainer == "SFTTrainer" and not arguments.open
        tokenizer = arguments.get("tokenizer") or arguments.get("processing_class")
        place = span
    if not masks or not isinstance(tokenizer, Object) or not _pads_with_end(context, tokenizer):
        return None
    written = _written_end(main.source, tokenizer)
    return MaskedEnd(place, written, by_default=collator is None) if written is not None else None


def _masks(collator: Object) -> bool:
    """Whether a collator masks what equals the padding token."""
    library = collator.callee.partition(".")[0]
    if _MASKING.get(library) != collator.callee.rpartition(".")[2] or collator.arguments.open:
        return False
    mlm = collator.arguments.get("mlm", 1) if library == "transformers" else Const(False)
    return isinstance(mlm, Const) and mlm.value is False


def _pads_with_end(context: Context, tokenizer: Object) -> bool:
    """Whether a program makes the end token of a tokenizer its padding token, in any case."""
    given = {name: tokenizer.attributes[name] for name in _PADDING if name in tokenizer.attributes}
    if not given or not all(_is_end(value, tokenizer) for value in given.values()):
        return False
    if any(context.machine.journal.perhaps(tokenizer.attributes, name) for name in given):
        from lora_lint.knowledge.names import lacks_padding  # `if tokenizer.pad_token is None:`

        return lacks_padding(_name_of(tokenizer) or "")
    return True


def _is_end(value: Val, tokenizer: Object) -> bool:
    return isinstance(value, Member) and value.name in _END and value.owner is tokenizer


def _name_of(tokenizer: Object) -> str | None:
    return text_of(tokenizer.arguments.get("pretrained_model_name_or_path", 0))


def _written_end(source: SourceFile, tokenizer: Object) -> Span | None:
    """Where a program puts the end token at the end of a text: itself, or by the tokenizer of Llama 2 or Mistral."""
    asked = tokenizer.attributes.get("add_eos_token") or tokenizer.arguments.get("add_eos_token")
    if isinstance(asked, Const) and asked.value is True and asked.span is not None and _adds_end(tokenizer):
        return asked.span
    if b"eos_token" not in source.utf8:
        return None
    node = next(_appended(python.parse(source)), None)
    return source.span_of(node) if node is not None else None


def _adds_end(tokenizer: Object) -> bool:
    """Whether a tokenizer has the setting: others, as that of Llama 3, leave it aside."""
    from lora_lint.knowledge.names import lacks_padding

    name = (_name_of(tokenizer) or "").lower()
    return lacks_padding(name) and "llama-3" not in name


def _appended(program: ast.Module) -> Iterator[ast.expr]:
    """The places where an end token follows a text: `text + tokenizer.eos_token`, `f"…{tokenizer.eos_token}"`."""
    nodes = list(ast.walk(program))
    names = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _is_end_token(node.value, frozenset())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            last = node.right
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            last = node.value
        elif isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[-1], ast.FormattedValue):
            last = node.values[-1].value
        else:
            continue
        if _is_end_token(last, names):
            yield node if isinstance(node, ast.JoinedStr) else last


def _is_end_token(node: ast.expr, names: Set[str]) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "eos_token") or (
        isinstance(node, ast.Name) and node.id in names
    )
