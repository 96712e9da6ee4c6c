"""Maps of the evidence for a class, and the features of a network in two dimensions."""
