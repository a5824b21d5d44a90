"""From the bytes of a file to its findings, one way: reading, rules, suppressions, result; with pool and cache."""
