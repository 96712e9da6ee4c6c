"""The variables of a SavedModel, by name. Its graph is neither loaded nor run."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np


def read_savedmodel(path: Path, wanted: Callable[[str], bool]) -> Mapping[str, np.ndarray]:
    """{name: tensor} of the SavedModel whose saved_model.pb is `path`, as TensorFlow Hub's BiT.

    Raises:
        ValueError: missing or damaged files; two wanted variables of one name.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    tensors = {}
    try:
        checkpoint = tf.train.load_checkpoint(str(path.parent / "variables" / "variables"))
        for name, key in _keys(checkpoint):
            if not wanted(name):
                continue
            if name in tensors:
                raise ValueError(f"two variables are called {name}")
            tensors[name] = checkpoint.get_tensor(key)
    except (tf.errors.OpError, RuntimeError, IndexError, DecodeError) as error:
        raise ValueError(str(error)) from error
    return tensors


def _keys(checkpoint) -> Iterator[tuple[str, str]]:
    """(name, key) of every variable; the names of TF2 are in the checkpoint's object graph."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    if not checkpoint.has_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"):  # TF1: keys are names
        yield from ((name, name) for name in checkpoint.get_variable_to_shape_map())
        return
    content = checkpoint.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    for node in TrackableObjectGraph.FromString(content).nodes:
        yield from ((found.full_name, found.checkpoint_key) for found in node.attributes)
