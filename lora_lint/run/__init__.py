"""A training run as the linter understands it: values that may be unknown, events, problems, and the record itself."""
