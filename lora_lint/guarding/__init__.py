"""Judges a run from the objects of the running program, and watches its first step and what it saves."""
