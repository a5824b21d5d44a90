"""scikit-learn: the grid of its searches, and the parts of data."""

from __future__ import annotations

from itertools import islice, product
from math import prod

from lora_lint.interpreter.values import Arguments, DictVal, ListVal, Opaque, Val
from lora_lint.libraries.convert import as_list, whole_list
from lora_lint.libraries.rows import divided

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


MAX_GRID = 64


def parameter_grid(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """scikit-learn's `ParameterGrid({"r": [8, 16], "lr": [1e-4, 2e-4]})`: a dict for each combination."""
    grids = arguments.get("param_grid", 0) or Opaque("the grid is not given", span)
    rows: list[Val] = []
    for grid in as_list(grids):
        if not isinstance(grid, DictVal) or grid.open:
            return Opaque("the grid is not known", span)
        columns = [items for column in grid.items.values() if (items := whole_list(column)) is not None]
        if len(columns) < len(grid.items):
            return Opaque("the grid is not known", span)
        total = prod(map(len, columns))
        if total > MAX_GRID:
            detail = f"a grid has {total:,} combinations, of which {MAX_GRID} are followed"
            context.records.leave_unread("variants", detail)
        combinations = islice(product(*columns), MAX_GRID)
        rows += [DictVal(dict(zip(grid.items, combination, strict=True)), span) for combination in combinations]
    return ListVal(rows, span)


CALLS: dict[str, Handler] = {"ParameterGrid": parameter_grid, "train_test_split": divided}
