"""What the linter knows: architectures, model ids, dataset sizes, framework signatures. Generated data, read."""
