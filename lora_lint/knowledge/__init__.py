"""The linter's knowledge: architectures, model ids, dataset sizes, framework signatures. It reads generated data."""
