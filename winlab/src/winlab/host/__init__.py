"""The state of one simulated Windows host."""
