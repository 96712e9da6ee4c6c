"""Class activation maps, and the features of a network in two dimensions."""
