"""What each framework refuses: one table of `refusals.Refusal` per framework, read from its sources."""
