"""Follows the values of a Python program without running it.

The machine executes the syntax tree on abstract values: what is literal stays known, what depends on a branch becomes
alternatives, what cannot be known becomes `Opaque` with the reason. Libraries are not modelled here: their calls go to
handlers, which the dialects register by qualified name.
"""
