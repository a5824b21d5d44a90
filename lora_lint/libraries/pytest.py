"""pytest: the values that a test is called with."""

from __future__ import annotations

from lora_lint.interpreter.values import ListVal, Object, Opaque, Val, either
from lora_lint.libraries.convert import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.definitions import Function


def parametrized(function: Function, name: str) -> Val | None:
    """A parameter of a test that pytest calls with several values (`@pytest.mark.parametrize("r, alpha", […])`)."""
    for decorator in function.decorators:
        if not isinstance(decorator, Object) or decorator.callee != "pytest.mark.parametrize":
            continue
        listed, values = decorator.arguments.get("argnames", 0), decorator.arguments.get("argvalues", 1)
        texts = listed.items if isinstance(listed, ListVal) else [listed]
        names = [part.strip() for text in texts for part in (text_of(text) or "").split(",")]
        if name not in names or "indirect" in decorator.arguments.keywords:
            continue
        if not isinstance(values, ListVal) or values.open:
            return None
        return either(_of_case(case, names.index(name), len(names)) for case in values.items)
    return None


def _of_case(case: Val, at: int, count: int) -> Val:
    """One parameter of a case: `(8, 16)`, `pytest.param(8, 16, id="…")`, or the case itself."""
    parts = case.items if isinstance(case, ListVal) and count > 1 else None
    if isinstance(case, Object) and case.callee == "pytest.param":
        parts = case.arguments.positional
    elif count == 1:
        return case
    return parts[at] if parts is not None and at < len(parts) else Opaque("the case of the test is not known")
