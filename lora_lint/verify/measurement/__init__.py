"""Findings that are settled by measuring effects on weights. `table` says which experiment settles which rule."""
