"""Arrays to numbers with intervals. No files, no Keras."""
