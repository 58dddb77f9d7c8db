"""The gradient doctor: how far back a network remembers, what is wrong with it, and what to change."""
