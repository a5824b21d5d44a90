"""Follows the values of a program without running it.

The machine executes the syntax tree on abstract values: what is literal stays known, what depends on a branch becomes
alternatives, what cannot be known becomes `Opaque` with the reason.

* `machine` owns the state and what needs all of it: evaluation, calls, assignment, the joining of branches.
* `values` and `definitions` are the kinds of values. Each defines its attributes, items, iteration, truth and calls.
* `expressions`, `statements` and `imports` follow one type of node per function; the machine's tables lead to them.
* `standard` and `methods` are tables of builtins and of the methods of strings, lists and dicts.
* `journal` undoes what a branch changes; `branches` reads what a condition reveals about options; `entries` are the
  functions that only others call.
* `shell` is the machine for shell scripts, `shell_words` what their words expand to.

Libraries are not modelled here: their calls go to handlers, which `lora_lint.libraries` registers by qualified name.
"""
