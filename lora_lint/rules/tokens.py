"""LL407: tokens that are added to the vocabulary without training their embeddings."""

from __future__ import annotations

from itertools import takewhile

from lora_lint.finding import Finding, Fix, Related
from lora_lint.knowledge.versions import without
from lora_lint.rules.changes import put
from lora_lint.rules.reached import is_shorthand, leaves, resolved_of
from lora_lint.rules.words import happening, least, names
from lora_lint.run.events import Load, LoadAdapter, Resize, Train, Unfreeze, Unwrap, Wrap
from lora_lint.run.values import ABSENT, Known, Unknown, alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Change
    from lora_lint.run.events import Event
    from lora_lint.run.run import Run

_EMBEDDINGS = ("embed", "wte", "wpe", "lm_head", "word", "output_layer", "vocab")
"""Fragments of the names of embeddings and of heads that may be tied to them."""
_CHAT = frozenset(
    {"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>",
     "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"}
)  # fmt: skip
_BARE = (
    *("llama-2-7b", "llama-2-13b", "llama-2-70b", "llama-7b", "meta-llama-3", "meta-llama/llama-3", "codellama"),
    *("mistral-7b-v0.1", "mistralai/mistral-7b", "mixtral-8x7b-v0.1", "google/gemma", "gpt2", "pythia", "gpt-neo"),
    *("opt-", "phi-2", "phi-1_5", "bloom", "falcon-7b", "falcon-40b", "tinyllama-1.1b"),
)
"""Fragments of the names of models whose tokenizers have no chat tokens."""


_END_OF_TEXT = "<|endoftext|>"
_ENDING = ("gpt2", "pythia", "gpt-neo", "phi-", "falcon")
"""Those of them that have that one."""


def new_tokens_untrained(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL407"""
    if run.trained is not True or not run.framework.names_tokens or run.method != "LoraConfig":
        return
    if embeddings_may_train(run):
        return
    grown: list[Resize] = []
    for event in run.events:
        if isinstance(event, Load | LoadAdapter | Unwrap):
            grown = []  # an adapter that is loaded, or merged, may have learned the tokens
        elif isinstance(event, Resize):
            grown.append(event)
        elif isinstance(event, Train):
            break
    new = _new(run, grown)
    unread = not new and run.framework.direct and any(event.unread for event in grown)
    if not new and not unread:
        return
    adapter, many = run.adapter, "s" if len(new) > 1 else ""
    shown = names(new[:3]) + (f" and {len(new) - 3} more" if len(new) > 3 else "")
    remedy = f"name the embeddings and the head in `{adapter.key('modules_to_save')}`"
    if run.framework.direct and without(run, "trainable_token_indices") is None:
        remedy = f"pass `trainable_token_indices` with their ids to LoraConfig, or {remedy}"
    elif "trainable_token_indices" in adapter.keys:
        remedy += (
            f"; for tokens that replace reserved ones, the ids in `{adapter.key('trainable_token_indices')}` do too"
        )
    what = f"The token{many} {shown} {'are' if many else 'is'} added" if new else "Tokens are added"
    message = (
        f"{what}, but the adapter freezes the embeddings: the rows of new tokens keep their initial values, and the "
        f"model never learns the tokens{run.framework.on_new_tokens}. {remedy[0].upper()}{remedy[1:]}"
    )
    first = next(event for event in grown if event.tokens or event.unread)
    related = (Related(adapter.span, "nothing of this adapter trains the embeddings"),)
    # The tokenizer's vocabulary may already have them.
    confidence = least("likely", happening(*grown, flagged="possible"))
    fix = Fix("unsafe", "Train the embeddings and the head in full", _training_them(run))
    yield Finding("LL407", message, first.span, confidence, None, related, fix)


def _training_them(run: Run) -> tuple[Change, ...]:
    """The change that puts a known model's embeddings and head into `modules_to_save`."""
    saved = run.adapter.modules_to_save
    cases = resolved_of(run).cases
    ends = {(case.built.beside.input_embedding, case.built.beside.output_embedding) for case in cases}
    paths = [path for path in ends.pop() if path] if len(ends) == 1 else []
    if len(paths) < 2 or not isinstance(saved, Known):
        return ()
    return put(run.adapter, "modules_to_save", tuple(dict.fromkeys([*(saved.value or ()), *leaves(paths)])))


def _new(run: Run, grown: Iterable[Resize]) -> tuple[str, ...]:
    """The added tokens that the model's own tokenizer lacks, going by its name."""
    told = [str(each.value).lower() for each in alternatives(run.model.name)]
    bare = bool(told) and all(any(part in name for part in _BARE) for name in told)
    added = dict.fromkeys(token for event in grown for token in event.tokens)
    if any(part in name for name in told for part in _ENDING):
        added.pop(_END_OF_TEXT, None)
    return tuple(token for token in added if bare or token not in _CHAT)


def embeddings_may_train(run: Run) -> bool:
    """Whether anything may train the embeddings: LoRA on them, a copy, chosen tokens, or code that unfreezes them."""
    adapter = run.adapter
    tokens, saved = adapter.trainable_token_indices, adapter.modules_to_save
    if not isinstance(tokens, Known) or tokens.value is not None:
        return True
    if isinstance(saved, Unknown) or isinstance(adapter.target_modules, Unknown):
        return True
    named = [name for each in alternatives(saved) for name in each.value or ()]
    for targets in alternatives(adapter.target_modules):
        if isinstance(targets.value, str) and not is_shorthand(targets.value):
            return True  # a regex, which may match them
        named += [targets.value] if isinstance(targets.value, str) else [*(targets.value or ())]
    if any(part in name for name in named for part in _EMBEDDINGS) or run.unfrozen_patterns is not ABSENT:
        return True
    if any(isinstance(event, Unfreeze) for event in run.events):
        return True
    return any(isinstance(event, Unwrap | LoadAdapter) for event in _from_wrap_to_training(run))


def _from_wrap_to_training(run: Run) -> Iterator[Event]:
    """What happens to a model after the last adapter is put on and before it is trained."""
    wraps = [number for number, event in enumerate(run.events) if isinstance(event, Wrap)]
    later = run.events[wraps[-1] + 1 :] if wraps else run.events
    return takewhile(lambda event: not isinstance(event, Train), later)
