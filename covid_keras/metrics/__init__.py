"""Arrays to numbers with intervals: NumPy, SciPy and scikit-learn; no files, no Keras."""
