"""`lora-lint preflight`: runs the user's program up to its first training step, and judges its live objects there."""
