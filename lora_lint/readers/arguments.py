"""The arguments of a command as the mapping that a configuration file with the same settings contains."""

from __future__ import annotations

import re

from lora_lint.readers.nodes import Entry, Mapping, Placeholder, Scalar, Sequence
from lora_lint.readers.yaml import resolve
from lora_lint.records import dataclass, replace
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.readers.nodes import Node
    from lora_lint.readers.shell import Word


@dataclass(frozen=True)
class CommandOptions:
    """`mapping` has the options, `positional` the rest. `open`: the command has further arguments that are not known.
    `defaults` are the places of values that the environment or the script's caller may override. `handed`: all further
    arguments are those of the script itself (`"$@"`), and there may be none."""

    mapping: Mapping
    positional: tuple[Word, ...]
    open: bool
    defaults: frozenset[Span]
    handed: bool = False


_OPTION = re.compile(r"--\w|-[A-Za-z]")
_HYDRA = re.compile(r"(\+{0,2})([\w.@/-]+)=")
_ITEM = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,]*))\s*(?:,|$)""")


def options(words: tuple[Word, ...], span: Span) -> CommandOptions:
    """From `--lora_r 8 --lora-alpha=16 --bf16 train.py`: `-` in names counts as `_`, and an option without a value as
    true. If an option is given twice, the last one counts."""
    entries: list[Entry] = []
    positional: list[Word] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        name, equals, _ = word.beginning.partition("=")
        if not _OPTION.match(name) or (word.text is None and not equals):
            positional.append(word)
            continue
        values: list[Word] = []
        if equals:
            values = [_behind(word, len(name) + 1)]
        else:
            while at < len(words) and not _OPTION.match(words[at].text or "") and (not words[at].many or not values):
                values.append(words[at])
                at += 1
        key = name.lstrip("-").replace("-", "_")
        place = Span(word.span.path, word.span.start, word.span.start + len(name)) if equals else word.span
        entries.append(Entry(Scalar(key, name, place), _value(values, word.span)))
    return _options(entries, positional, words, span)


def overrides(words: tuple[Word, ...], span: Span) -> CommandOptions:
    """From Hydra's `model.lora_rank=8 +data.files=[a,b]`."""
    entries = []
    positional = []
    for word in words:
        match = _HYDRA.match(word.beginning)
        if match is None:
            positional.append(word)
            continue
        value = _behind(word, match.end())
        key = Scalar(match[2], match[1] + match[2], Span(word.span.path, word.span.start, value.span.start))
        entries.append(Entry(key, _list(value) if (value.text or "").startswith("[") else scalar(value)))
    return _options(entries, positional, words, span)


def _options(entries: list[Entry], positional: list[Word], words: tuple[Word, ...], span: Span) -> CommandOptions:
    further = [word for word in positional if word.many]
    handed = bool(further) and all(word.default for word in further)
    return CommandOptions(Mapping(tuple(entries), span), tuple(positional), bool(further), _defaults(words), handed)


def _defaults(words: tuple[Word, ...]) -> frozenset[Span]:
    given = [word for word in words if word.default]
    behind = (_behind(word, word.beginning.index("=") + 1) for word in given if "=" in word.beginning)
    return frozenset(word.span for word in (*given, *behind))


def _behind(word: Word, at: int) -> Word:
    """The part of a word after its `=`."""
    start, end = word.span.start, word.span.end
    if word.text is None or end - start == len(word.text.encode()):
        start = min(start + at, end)
    text = None if word.text is None else word.text[at:]
    return replace(word, text=text, span=Span(word.span.path, start, end))


def _value(words: list[Word], span: Span) -> Node:
    if not words:
        return Scalar(True, "", span)
    if len(words) == 1:
        text = words[0].text or ""
        return _list(words[0]) if text.startswith("[") and text.endswith("]") else scalar(words[0])
    items = tuple(map(scalar, words))
    return Sequence(items, Span(span.path, items[0].span.start, max(items[0].span.end, items[-1].span.end)))


def scalar(word: Word) -> Scalar:
    """A word as a value: a number, true or false, or text; a placeholder if it is not known."""
    if word.text is None:
        return Scalar(Placeholder(word.tail), word.tail, word.span)
    return Scalar(resolve(word.text), word.text, word.span)


def _list(word: Word) -> Node:
    """`[q_proj,'v_proj']`, as Hydra and fire read it."""
    inner = (word.text or "").strip()
    if not inner.endswith("]"):
        return scalar(word)
    found = [match[1] or match[2] or (match[3] or "").strip() for match in _ITEM.finditer(inner[1:-1])]
    items = (Scalar(resolve(text), text, word.span, quoted=True) for text in found if text)
    return Sequence(tuple(items), word.span)
