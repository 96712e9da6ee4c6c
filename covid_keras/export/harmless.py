"""Refuse exports from elsewhere whose graph could do more than compute.

A SavedModel is a program: TensorFlow has operations that read and write files or call Python.
"""

from collections.abc import Iterator
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.lite.python import schema_py_generated as tflite
from tensorflow.python.framework import op_def_registry

from covid_keras.utils.errors import InputError

_STATEFUL = ("ReadVariableOp", "VarHandleOp", "VarIsInitializedOp", "Assert", "While", "If")
_STATEFUL += ("StatefulPartitionedCall",)
"""Operations with a state that can only compute, or that call functions, which are checked too."""
_OUTSIDE = ("ReadFile", "MatchingFiles", "ImmutableConst", "PyFunc", "Debug")
"""Beginnings of operations that TensorFlow does not call stateful, and that reach outside."""


def check_savedmodel(folder: Path) -> None:
    """Check all functions that loading or calling a SavedModel can run, before it is loaded.

    Raises:
        InputError: no SavedModel of TensorFlow 2, or an operation that could do more than compute.
    """
    from google.protobuf.message import DecodeError  # comes with TensorFlow

    file = folder / "saved_model.pb"
    try:
        [graph] = SavedModel.FromString(file.read_bytes()).meta_graphs
    except (OSError, DecodeError, ValueError) as error:
        expected = "expected a SavedModel with one graph"
        raise InputError(f"{file}: {expected}. Received: {error}") from None
    functions = {each.signature.name: each.node_def for each in graph.graph_def.library.function}
    waiting, seen = list(graph.object_graph_def.concrete_functions), set()
    if not waiting:
        raise InputError(f"{file}: expected a SavedModel of TensorFlow 2. Received: no functions")
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in functions.get(name, ()):
            if node.op not in functions and not _only_computes(node.op):
                expected = "expected operations that only compute"
                raise InputError(f"{file}: {expected}. Received: {node.op}")
            waiting += [node.op, *_called(node)]


def check_tflite(file: Path) -> None:
    """Check that a .tflite file has no operations of its own, as those of TensorFlow.

    Raises:
        InputError: there is one.
    """
    model = tflite.Model.GetRootAs(file.read_bytes(), 0)
    for number in range(model.OperatorCodesLength()):
        if custom := model.OperatorCodes(number).CustomCode():
            received = custom.decode(errors="replace")
            raise InputError(f"{file}: expected LiteRT's own operations. Received: {received}")


def _only_computes(operation: str) -> bool:
    known = op_def_registry.get(operation)
    if known is None or operation.startswith(_OUTSIDE) or "Dataset" in operation:
        return False
    return not known.is_stateful or operation in _STATEFUL


def _called(node: NodeDef) -> Iterator[str]:
    """Yield the names of the functions that a node calls."""
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)
