"""The language server: what the command finds, while it is typed.

One process speaks with the editor (`service`). Another one per workspace folder reads and judges (`worker`), started
in that folder, so that the linter's limits on time hold and nothing that a file does to it ends the server.
"""
