"""The machine underneath: files and their bounds, atomic writing, limits on time, and interrupts."""
