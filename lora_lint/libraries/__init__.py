"""What library calls do to abstract values: one file per library, each with a table from names to handlers.

`table` brings the tables together and answers the interpreter; `effects` is the store that handlers write to, through
their `context`. To add a library, write its file and name its table in `table.CALLS`.
"""
