"""Text to nodes that keep value, raw text and span. Nothing here knows any framework."""
