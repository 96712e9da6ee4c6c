"""Networks as flat functional graphs, with weights by name or file."""
