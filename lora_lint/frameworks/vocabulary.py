"""Settings that name one of the things that a framework brings, such as its chat templates."""

from __future__ import annotations

from lora_lint.records import dataclass, field
from lora_lint.run.problems import InvalidValue, NewValue
from lora_lint.run.values import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.run.values import Value
    from lora_lint.run.versions import Version


@dataclass(frozen=True)
class Vocabulary:
    """The `names` that a setting may have; `what` they are, and what comes of any other. `meant` are other names that
    people call some of them by, without separators; `gone` the names that older releases had, each with the first
    release without it; `since` the first release that has a name, if not all have it."""

    what: str
    names: frozenset[str]
    meant: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, Version] = field(default_factory=dict)
    since: Mapping[str, Version] = field(default_factory=dict)

    def problems(self, key: str, value: Value[str], owner: str) -> tuple[InvalidValue, ...]:
        """What is wrong with a name that is certainly none of these: one that is gone, or that differs from one of them
        only in how it is written. Any other may be one of the user's own, or of a newer release."""
        if not isinstance(value, Known) or value.span is None or value.value in self.names:
            return ()
        gone = self.gone.get(value.value)
        if gone is not None:
            expected = f"{self.what}. This one is gone"
            return (InvalidValue(key, value.value, value.span, owner, expected, since=gone, of_list=True),)
        plain = _plain(value.value)
        meant = next((name for name in sorted(self.names) if _plain(name) == plain), self.meant.get(plain))
        if meant is None:
            return ()
        expected = f"{self.what}. It calls this one `{meant}`"
        return (InvalidValue(key, value.value, value.span, owner, expected, of_list=True),)

    def recent(self, key: str, value: Value[str]) -> tuple[NewValue, ...]:
        """A name that older releases do not have."""
        since = self.since.get(value.value) if isinstance(value, Known) else None
        if since is None or not isinstance(value, Known) or value.span is None:
            return ()
        return (NewValue(key, value.value, value.span, since, self.what),)


def _plain(name: str) -> str:
    return name.lower().translate(dict.fromkeys(map(ord, "-_. ")))
