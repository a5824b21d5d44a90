"""Findings that names and shapes settle exactly, on the meta device. `table` says which experiment settles which
rule."""
