"""What was read from files, as facts; `report.inspect` shows them."""
