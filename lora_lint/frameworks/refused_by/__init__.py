"""What each framework refuses: one table of `refusals.Refusal` per framework, read from its sources."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal


def one_of(key: str, names: tuple[str, ...], source: str) -> Refusal:
    """A text that has to be one of some names, as a model's code checks it."""
    return Refusal(
        key,
        f"is_text({key}) and {key} not in {names!r}",
        f"there are {', '.join(names[:-1])} and {names[-1]}",
        f"Set it to {names[0]}",
        source,
        late=True,
    )


def below_header(sections: tuple[str, ...], keys: tuple[str, ...], source: str) -> tuple[Refusal, ...]:
    """The rows on keys of the top that stand below the header of one of some sections of a TOML file."""
    return tuple(
        Refusal(
            f"{section}.{key}",
            f"{section}.{key} is not None",
            f"in TOML it belongs to `[{section}]`, below whose header it stands, and is not read there",
            "Write it above the first header",
            source,
            ignored=True,
            likely=True,  # to leave it out is not what is meant
        )
        for section in sections
        for key in keys
    )
