"""What each framework refuses: one table of `refusals.Refusal` a framework, read in its sources."""
