"""What the projections of a transformer are called, from family to family."""

from __future__ import annotations

from collections import Counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CALLED = {
    "q": "q_proj query q q_lin wq query_proj q_linear",
    "k": "k_proj key k k_lin wk key_proj k_linear",
    "v": "v_proj value v v_lin wv value_proj v_linear",
    "qkv": "qkv_proj query_key_value c_attn Wqkv qkv attn_qkv",
    "o": "o_proj out_proj o wo out_lin",
    "gate": "gate_proj w1",
    "up": "up_proj w3 fc1 c_fc dense_h_to_4h lin1 fc_in",
    "gate_up": "gate_up_proj",
    "down": "down_proj w2 fc2 dense_4h_to_h lin2 fc_out",
}
ROLES = {name: role for role, names in _CALLED.items() for name in names.split()}
OF_ATTENTION = frozenset({"q", "k", "v", "qkv", "o"})
OF_MLPS = frozenset({"gate", "up", "gate_up", "down"})
_INSTEAD: dict[str, tuple[tuple[str, ...], ...]] = {
    "q": (("q",), ("qkv",)),
    "k": (("k",), ("qkv",)),
    "v": (("v",), ("qkv",)),
    "qkv": (("qkv",), ("q", "k", "v")),
    "o": (("o",),),
    "gate": (("gate",), ("gate_up",)),
    "up": (("up",), ("gate_up",)),
    "gate_up": (("gate_up",), ("gate", "up")),
    "down": (("down",),),
}
"""A part -> its equivalents, the closest first: one fused projection for three, or three for one."""
_LONG_ENOUGH = 5
_LETTERS = 2


def own_names(entries: Sequence[str], missing: Iterable[str], leaves: Sequence[str]) -> tuple[str, ...]:
    """A list of targets with names that the model lacks replaced by its own; empty if one has no equivalent.

    `leaves` are the last parts of the paths of the model's linear layers.
    """
    by_role = {ROLES[leaf]: leaf for leaf in reversed(leaves) if leaf in ROLES}
    gone = set(missing)
    names: dict[str, None] = {}
    for entry in entries:
        if entry not in gone:
            names[entry] = None
            continue
        meant = correction(entry, leaves)
        if meant is not None:
            names[meant] = None
            continue
        wanted = _INSTEAD.get(ROLES.get(entry.rpartition(".")[2], ""), ())
        found = next((roles for roles in wanted if all(role in by_role for role in roles)), ())
        if not found:
            return ()
        names |= dict.fromkeys(by_role[role] for role in found)
    return tuple(names)


def correction(entry: str, leaves: Iterable[str]) -> str | None:
    """The name that a misspelt one was meant to be: the only one that differs in at most two letters, whatever their
    order. None for names that other models have, and for short ones, which are all alike."""
    if entry in ROLES or len(entry) < _LONG_ENOUGH:
        return None
    letters = Counter(entry.lower())
    distances = {leaf: _difference(letters, Counter(leaf.lower())) for leaf in leaves}
    least = min(distances.values(), default=_LETTERS + 1)
    closest = [leaf for leaf, distance in distances.items() if distance == least]
    return closest[0] if least <= _LETTERS and len(closest) == 1 else None


def _difference(letters: Counter[str], others: Counter[str]) -> int:
    """How many letters only one of two words has."""
    return (letters - others).total() + (others - letters).total()
