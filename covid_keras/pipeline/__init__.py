"""Records to batches: samples, cache, order, tf.data, threads."""
