"""Reading weights files and assigning them to a network."""
