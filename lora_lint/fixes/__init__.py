"""Fixes: from the changes that a finding names to edits of the text, and from edits to files.

A finding names its changes (`finding`); `made` turns them into edits by the language of the file (`python` and
`structure`, `configs`, `shell`); `files` applies edits to the bytes, and `session` decides which of them to make.
"""
