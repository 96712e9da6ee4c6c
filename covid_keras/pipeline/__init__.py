"""Records to batches: samples, cache, order, and loading by tf.data or by threads."""
