"""One module a framework: how its configs and commands spell a run."""
