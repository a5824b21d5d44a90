"""Bytes to text: encodings, marks, and what is no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.text import decode

if TYPE_CHECKING:
    from lora_lint.source import FileKind


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"a", "python", "a"),
        (b"\xef\xbb\xbfa", "python", "a"),
        ("# coding: latin-1\nx = 'ü'".encode("latin-1"), "python", "# coding: latin-1\nx = 'ü'"),
        ("#!/usr/bin/env python\n# -*- coding: cp1252 -*-\nx = '€'".encode("cp1252"), "python",
         "#!/usr/bin/env python\n# -*- coding: cp1252 -*-\nx = '€'"),
        (b"# coding: utf-8\nx = 1", "python", "# coding: utf-8\nx = 1"),
        (b"x = 1\n# coding: latin-1\n# \xc3\xbc", "python", "x = 1\n# coding: latin-1\n# ü"),
        ("a: ü".encode("utf-16"), "yaml", "a: ü"),
        ("a: ü".encode("utf-16-be"), "yaml", "a: ü"),
        ("a: ü".encode("utf-16-le"), "yaml", "a: ü"),
        ('{"a": 1}'.encode("utf-32"), "json", '{"a": 1}'),
        (b"a\r\nb\rc\n", "python", "a\r\nb\rc\n"),
    ],
)  # fmt: skip
def test_text(data: bytes, kind: FileKind, text: str) -> None:
    assert decode("f", data, kind).text == text


@pytest.mark.parametrize(
    ("data", "kind", "message", "place"),
    [
        (b"ab\xff", "python", r"not valid UTF-8 \(byte 0xff\)", 2),
        (b"a\0b", "yaml", "contains a NUL byte", 1),
        (b"# coding: no-such\n", "python", "Unknown encoding no-such", 10),
        (b"# coding: idna\n", "python", "Unknown encoding idna", 10),
        (b"\xef\xbb\xbf# coding: latin-1\n", "python", "starts as UTF-8 but declares latin-1", 0),
        (b"# coding: ascii\n# \xfc\n", "python", "not valid ascii", 0),
        (b"\xff\xfea", "json", "not valid utf-16-le", 0),
    ],
)
def test_no_text(data: bytes, kind: FileKind, message: str, place: int) -> None:
    with pytest.raises(Unreadable, match=message) as raised:
        decode("f", data, kind)
    assert raised.value.span is not None
    assert raised.value.span.start == place
