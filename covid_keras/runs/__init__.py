"""The run folder, the trained network, its probabilities and features."""
