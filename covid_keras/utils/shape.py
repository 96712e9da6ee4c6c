"""Check that JSON values have the shape that the program reads, before it reads them."""

import json

from covid_keras.utils.errors import InputError

Shape = object
"""What a value is to be: None, str, int, float (takes int), a list of one shape for all its items,
a dict {str: shape} for any keys, a dict of shapes by key ("key?" may be missing, and other keys may
be there), or a tuple of shapes of which one is to fit."""

_NAMES = {
    type(None): "null",
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def check_shape(value: object, shape: Shape, place: str) -> None:
    """Raise InputError unless a JSON value has this shape.

    Args:
        place: the file, and behind it the keys that lead to the value; the message begins with it.
    """
    if isinstance(shape, tuple):
        _check_one_of(value, shape, place)
    elif isinstance(shape, list):
        _check_kind(value, list, place)
        for number, item in enumerate(value):
            check_shape(item, shape[0], f"{place}, {number}")
    elif isinstance(shape, dict):
        _check_kind(value, dict, place)
        for name, part in (dict.fromkeys(value, shape[str]) if str in shape else shape).items():
            key = name if str in shape else name.removesuffix("?")
            if key in value:
                check_shape(value[key], part, f"{place}, {key}")
            elif key == name:
                raise InputError(f"{place}, {key}: expected a value. Received: none")
    else:
        _check_kind(value, shape or type(None), place)


def _check_one_of(value: object, shapes: tuple, place: str) -> None:
    """Raise the error of the last shape if none fits."""
    for shape in shapes[:-1]:
        try:
            return check_shape(value, shape, place)
        except InputError:
            pass
    return check_shape(value, shapes[-1], place)


def _check_kind(value: object, kind: type, place: str) -> None:
    if type(value) is not kind and not (kind is float and type(value) is int):
        received = json.dumps(value)[:60]
        raise InputError(f"{place}: expected {_NAMES[kind]}. Received: {received}")
