"""Files and studies to answers."""
