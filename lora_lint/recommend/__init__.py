"""`recommend`: settings for a model, a number of examples and a task, from what the rules know."""
