"""The facts that were read from files; `report.inspect` shows them."""
