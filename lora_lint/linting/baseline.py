"""The baseline: known findings that are not to be shown again."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Finding

VERSION = 1
LARGEST = 20_000_000
"""The largest baseline, in bytes: an entry has some 300, and hundreds of repositories together have a few thousand
findings."""


class BaselineError(Exception):
    """A baseline file that cannot be used; the message is for the user."""


def read(path: str) -> dict[str, dict[str, Any]]:
    """The entries of a baseline file by fingerprint. Raises BaselineError."""
    from lora_lint.system import disk

    try:
        data = disk.read_regular(path, LARGEST)
    except OSError as error:
        raise BaselineError(f"{path}: the baseline cannot be read ({error.strerror or error})") from None
    if data is None:
        raise BaselineError(f"{path}: the baseline is larger than {LARGEST // 1_000_000} MB")
    try:
        document = json.loads(data.decode())
        version = document["version"]
        if type(version) is int and version != VERSION:
            raise BaselineError(f"{path}: this is a baseline of version {version}, and lora-lint reads {VERSION}")
        if version != VERSION:  # the content of other files is not shown
            raise BaselineError(f"{path}: this is not a baseline file")
        entries = {entry["fingerprint"]: entry for entry in document["findings"]}
        if any(type(text) is not str for each in entries.items() for text in (each[0], each[1]["path"])):
            raise TypeError
        return entries
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(f"{path}: this is not a baseline file") from None


def write(path: str, findings: Iterable[Finding], root: str = "") -> int:
    """Writes the fingerprints of `findings` and what a person needs to recognise them; gives their number.

    Fingerprints are unique (equal findings of one file are numbered), so each entry stands for one finding. Paths
    are those from the folder `root`. Raises OSError.
    """
    from lora_lint.discovery import from_root
    from lora_lint.system.visible import encodable, json_text
    from lora_lint.system.writing import write_report

    entries = [
        {
            "path": encodable(from_root(finding.span.path, root)),
            "code": finding.code,
            "fingerprint": finding.fingerprint,
            "message": finding.message,
        }
        for finding in findings
    ]
    entries.sort(key=lambda entry: (entry["path"], entry["code"], entry["message"], entry["fingerprint"]))
    document = {"version": VERSION, "tool": "lora-lint", "findings": entries}
    write_report(path, json_text(document))
    return len(entries)


def stale(
    entries: Mapping[str, Mapping[str, Any]], current: Iterable[str], checked: Mapping[str, Collection[str]]
) -> int:
    """The number of entries of a baseline that no longer match anything, among those of the `checked` files and of the
    rules that ran on each."""
    from lora_lint.system.visible import encodable

    gone = set(entries).difference(current)
    rules = {encodable(path): codes for path, codes in checked.items()}
    return sum(entries[each].get("code") in rules.get(entries[each]["path"], ()) for each in gone)
