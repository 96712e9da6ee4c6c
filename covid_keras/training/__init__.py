"""One training run: set-up, the step, the loop, augmentation, optimizers, callbacks, checkpoint."""
