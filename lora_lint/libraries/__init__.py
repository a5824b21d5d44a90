"""One module a library: what its calls do to the values of a program."""
