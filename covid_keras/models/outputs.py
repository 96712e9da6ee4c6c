"""From logits to class probabilities, for one output (sigmoid) and for several (softmax)."""

from keras import ops


def class_probabilities(logits):
    """float32 (B, K) from logits (B, K); (B, 2) from (B, 1), the second class's logit."""
    logits = ops.cast(logits, "float32")
    if logits.shape[-1] > 1:
        return ops.softmax(logits, axis=-1)
    return ops.concatenate([ops.sigmoid(-logits), ops.sigmoid(logits)], axis=-1)
