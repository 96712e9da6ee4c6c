"""The examples in the docstrings of the public functions."""

import doctest

import pytest

from covid_keras.models import create, registry


@pytest.mark.parametrize(
    "function", [registry.list_models, create.create_backbone, create.create_model]
)
def test_example(function):
    (example,) = doctest.DocTestFinder().find(function, function.__name__)
    results = doctest.DocTestRunner().run(example)
    assert results.attempted > 0 and results.failed == 0
