"""One module per framework: how its configs and commands spell a run."""
