"""A run on a set of images: metrics.json, baselines, ablations, ensembles."""
