"""Pages and the model card of a run."""
