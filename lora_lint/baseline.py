"""The baseline: findings that were there before, which are not to be shown again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lora_lint.finding import Finding

VERSION = 1


class BaselineError(Exception):
    """A baseline file that cannot be used; the message is for people."""


def read(path: str) -> dict[str, dict[str, Any]]:
    """The entries of a baseline file by fingerprint. Raises BaselineError."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document["version"] != VERSION:
            raise BaselineError(
                f"{path}: this is a baseline of version {document['version']!r}, and lora-lint reads version {VERSION}"
            )
        return {entry["fingerprint"]: entry for entry in document["findings"]}
    except OSError as error:
        raise BaselineError(f"{path}: the baseline cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(f"{path}: this is not a baseline file") from None


def write(path: str, findings: Iterable[Finding], root: str = "") -> int:
    """Writes the fingerprints of `findings` and what a person needs to recognise them; gives their number.

    Fingerprints are unique (equal findings of one file are numbered), so each entry stands for one finding. Paths
    are those from the folder `root`. Raises OSError.
    """
    from lora_lint.discovery import from_root
    from lora_lint.report.visible import encodable, json_text

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
    write_atomically(path, json_text(document))
    return len(entries)


def stale(entries: Mapping[str, Mapping[str, Any]], seen: Iterable[str], checked: Iterable[str]) -> int:
    """How many entries of a baseline no longer match anything, among those of the files that were `checked`."""
    from lora_lint.report.visible import encodable

    gone = set(entries).difference(seen)
    paths = set(map(encodable, checked))
    return sum(entries[fingerprint].get("path") in paths for fingerprint in gone)


def write_atomically(path: str, text: str) -> None:
    """Writes a UTF-8 file so that nobody ever sees half of it: in full beside its place, then moved there.

    A link is followed, the mode of a file that was there is kept. Raises OSError.
    """
    import tempfile

    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        # /dev/stdout and the like cannot be replaced, only written to.
        with open(target, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        return
    descriptor, draft = tempfile.mkstemp(prefix=".lora-lint-", dir=os.path.dirname(target) or ".")
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        os.chmod(draft, _mode(target))
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise


def _mode(path: str) -> int:
    """The permissions a file has, or would get if it were created now."""
    try:
        return os.stat(path).st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
