"""What a model is probed with: tokens of the user's texts (or of lora-lint's own), as batches for each kind of head,
with a loss for it.

Heads other than language models get labels made up from the tokens: enough for a gradient that depends on the input,
and a first step needs no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Encode = Callable[[str], list[int]]

HEADS = ("causal-lm", "image-text-to-text", "seq2seq-lm", "masked-lm", "seq-cls", "token-cls", "qa", "base")
"""Heads that can be probed with text alone."""
IGNORED = -100
_KEPT = 32  # positions of a sequence whose logits are compared
_MASKED = 0.15  # share of the tokens that a masked language model has to predict
_TEMPERATURE = 0.05  # for the similarity between the two halves of a text


@dataclass(frozen=True)
class Source:
    """Whose text a model is probed with, in words. `own`: lora-lint's, because the run's is not available."""

    words: str
    own: bool = False


OWN = Source("lora-lint's own text", own=True)


@dataclass(frozen=True)
class Batch:
    """Tensors for the model by name, and the expected answers; the first dimension of each is the batch."""

    inputs: dict[str, Any]
    targets: Any

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def part(self, start: int, stop: int, device: str) -> Batch:
        cut = {name: tensor[start:stop].to(device) for name, tensor in self.inputs.items()}
        return Batch(cut, self.targets[start:stop].to(device))


def own_text() -> tuple[str, ...]:
    """The text that ships with the package, in paragraphs."""
    text = Path(__file__).with_name("probe.txt").read_text(encoding="utf-8")
    return tuple(text.strip().split("\n\n"))


def encoder(folder: str | None, vocabulary: int) -> Encode:
    """The tokenizer in a model's folder; where there is none, the bytes of a text serve as its tokens."""
    if folder is not None:
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception:  # any failure: each version fails in its own way where files are missing
            tokenizer = None
        if tokenizer is not None and len(tokenizer) > 1:
            return lambda text: _within(tokenizer(text, add_special_tokens=False, verbose=False).input_ids, vocabulary)
    return lambda text: _within(list(text.encode()), vocabulary)


def _within(ids: list[int], vocabulary: int) -> list[int]:
    return [each % vocabulary for each in ids]


def stream(texts: Sequence[str], encode: Encode, enough: int) -> list[int]:
    """The tokens of some texts, concatenated, at least `enough` of them: a short text is repeated."""
    tokens: list[int] = []
    for text in texts:
        tokens += encode(text + "\n\n")
        if len(tokens) >= enough:
            break
    if not tokens:
        tokens = [0, 1]
    return tokens * -(-enough // len(tokens))


def windows(tokens: Sequence[int], count: int, length: int, seed: int) -> Any:
    """`count` windows of `length` tokens from random places; the same for the same seed."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(tokens) - length + 1, (count,), generator=generator).tolist()
    return torch.tensor([tokens[start : start + length] for start in starts])


def batch(head: str, ids: Any, config: Any, seed: int) -> Batch:
    """The batch for a head, from windows of tokens."""
    import torch

    if head == "seq2seq-lm":
        half = ids.shape[1] // 2
        answer = ids[:, half:].contiguous()
        return Batch({"input_ids": ids[:, :half].contiguous(), "labels": answer}, answer)
    if head == "base":  # match the halves
        half = ids.shape[1] // 2
        halves = ids[:, : 2 * half].reshape(-1, half)
        return Batch({"input_ids": halves}, torch.arange(len(halves)))
    if head == "masked-lm":
        chosen = torch.rand(ids.shape, generator=torch.Generator().manual_seed(seed)) < _MASKED
        mask = getattr(config, "mask_token_id", None) or min(103, int(config.vocab_size) - 1)  # 103: BERT's
        return Batch({"input_ids": ids.masked_fill(chosen, mask)}, ids.masked_fill(~chosen, IGNORED))
    labels = max(int(getattr(config, "num_labels", 2) or 2), 1)
    if head == "seq-cls":
        return Batch({"input_ids": ids}, ids.sum(1) % max(labels, 2))
    if head == "token-cls":
        return Batch({"input_ids": ids}, ids % labels)
    if head == "qa":
        return Batch({"input_ids": ids}, ids[:, :2] % ids.shape[1])
    return Batch({"input_ids": ids}, torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], IGNORED)], 1))


def answers(head: str, outputs: Any) -> Any:
    """A model's answers, in float32: logits, by position where there are positions; embeddings where there is no head;
    start and end logits of question answering side by side."""
    import torch

    if head == "base":
        states = outputs.last_hidden_state if hasattr(outputs, "last_hidden_state") else outputs[0]
        return states.float().mean(1)
    if head == "qa":
        return torch.stack([outputs.start_logits, outputs.end_logits], -1).float()
    return outputs.logits.float()


def some(logits: Any) -> Any:
    """The logits that are kept for comparison: all of short answers, some positions of long ones."""
    if logits.dim() < 3:
        return logits.detach()
    every = max(logits.shape[1] // _KEPT, 1)
    return logits.detach()[:, every - 1 :: every]


def loss_of(head: str, logits: Any, targets: Any) -> tuple[Any, int]:
    """The summed loss, and the number of answers it covers."""
    import torch
    from torch.nn.functional import cross_entropy, mse_loss, normalize

    if head == "base":
        unit = normalize(logits, dim=-1)
        alike = (unit @ unit.T / _TEMPERATURE).masked_fill(
            torch.eye(len(unit), dtype=torch.bool, device=unit.device), -1e4
        )
        partner = torch.arange(len(unit), device=unit.device) ^ 1
        return cross_entropy(alike, partner, reduction="sum"), len(unit)
    if head == "qa":
        return cross_entropy(logits, targets, reduction="sum"), targets.numel()
    if head == "seq-cls" and logits.shape[-1] == 1:
        return mse_loss(logits.squeeze(-1), targets.float(), reduction="sum"), len(targets)
    flat = targets.reshape(-1)
    loss = cross_entropy(logits.reshape(-1, logits.shape[-1]), flat, ignore_index=IGNORED, reduction="sum")
    return loss, int((flat != IGNORED).sum())
