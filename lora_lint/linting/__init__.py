"""From the bytes of a file to its findings: reading, rules, suppressions, result; with pool and cache."""
