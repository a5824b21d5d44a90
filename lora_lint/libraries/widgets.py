"""Gradio, Streamlit and Flask: inputs of a page with the values that they begin with, the functions that a page calls,
and what a client sends.

Source: gradio 6.1 (components/*.py, events.py), streamlit 1.52 (elements/widgets/*.py), flask 3.1 (wrappers.py).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Val
from lora_lint.libraries.spaces import is_callable
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_VALUE_AT = {"Textbox": 0, "Text": 0, "TextArea": 0, "Number": 0, "Checkbox": 0, "Slider": 2, "Dropdown": 1, "Radio": 1}
"""Where Gradio's inputs take the value that they begin with."""
_EVENTS = frozenset({"click", "change", "submit", "select", "release", "then", "success", "load", "input"})


def component(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`gr.Slider(1, 64, value=8)`: an input, or a button."""
    place = _VALUE_AT.get(name.rpartition(".")[2])
    return Object(_COMPONENT, arguments, span, None, {"value": _beginning(arguments, place, span)})


def interface(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`gr.Interface(fn=train, inputs=[…])`."""
    _call(context, arguments.get("fn", 0), arguments.get("inputs", 1), span)
    return Object(name, arguments, span)


def event(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`button.click(train, inputs=[…])`: the call, with what the inputs begin with."""
    if name in _EVENTS:
        _call(context, arguments.get("fn", 0), arguments.get("inputs", 1), span)
        return owner
    return None


def _beginning(arguments: Arguments, place: int | None, span: Span) -> Val:
    """The value that an input begins with, which is argument number `place`."""
    value = arguments.get("value", place)
    return Opaque("the page gives it", span) if value is None else value.overridable()


def _call(context: Context, function: Val | None, inputs: Val | None, span: Span) -> None:
    if function is None or not is_callable(function):
        return
    listed = inputs.items if isinstance(inputs, ListVal) else [inputs] if inputs is not None else []
    unknown = Opaque("the page gives it", span)
    given = [each.attributes.get("value", unknown) if isinstance(each, Object) else unknown for each in listed]
    context.machine.call(function, Arguments(given, {}, {}), span)


def valued(place: int) -> Handler:
    """An input of Streamlit that takes the value that it begins with as argument number `place`."""

    def read(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
        return _beginning(arguments, place, span)

    return read


def chosen(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`st.selectbox("Model", ["gpt2", …], index=0)`: the option that it begins with."""
    options, index = arguments.get("options", 1), arguments.get("index", 2) or Const(0)
    if not isinstance(options, ListVal):
        return Opaque("the page gives it", span)
    return options.pick(span, index).overridable()


def pressed(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`st.button("Train", on_click=train, args=(8,))`."""
    function, given = arguments.get("on_click"), arguments.get("args")
    if function is not None and is_callable(function):
        listed = list(given.items) if isinstance(given, ListVal) else []
        context.machine.call(function, Arguments(listed, {}, {}), span)
    return Opaque("someone presses it", span)


def request(context: Context, span: Span) -> Val:
    """`flask.request.json`, `.form`, `.args`: what a client sends."""
    return Opaque("the client sends it", span, Reason.CALLER)


def body(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`flask.request.get_json()`"""
    return request(context, span)


_COMPONENT = "gradio.Component"
GRADIO: dict[str, Handler] = {
    "Interface": interface,
    **dict.fromkeys((*_VALUE_AT, "Button", "State", "Blocks", "File", "UploadButton"), component),
}
STREAMLIT: dict[str, Handler] = {
    **dict.fromkeys(("text_input", "text_area", "checkbox", "toggle"), valued(1)),
    **dict.fromkeys(("slider", "number_input"), valued(3)),
    "select_slider": valued(2),
    **dict.fromkeys(("selectbox", "radio"), chosen),
    **dict.fromkeys(("button", "form_submit_button"), pressed),
}
FLASK: dict[str, Handler] = {"get_json": body}
