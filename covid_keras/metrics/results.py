"""`Metrics`: what is known of one set of images, as a mapping, as text and as a LaTeX table."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from covid_keras.metrics import sentences
from covid_keras.metrics.scores import METRICS
from covid_keras.metrics.sentences import overall, percent
from covid_keras.metrics.summary import summary
from covid_keras.metrics.verdict import verdict
from covid_keras.utils.latex import tabular


class Metrics(Mapping[str, Any]):
    r"""The metrics of one set of images: the content of metrics.json for that set.

    A mapping with the keys `set` (its name), `stamps`, `verdict` (a list of {topic, text, tone}),
    `images`, `patients`, `classes`, `confusion_matrix`, `accuracy`, `macro_f1`, `macro_auc` and
    `per_class` {class: {sensitivity, ppv, specificity, npv, f1, auc}}; and, where they were
    measured, `calibration`, `at_threshold`, `patient_level`, `uncertainty`, `groups`,
    `at_prevalence`, `metadata_baseline`, `ablations`, `probes`, `matched` and
    `test_time_augmentation`; of folds `pooled`, the same for the answers of all of them. Every
    metric is {value, low, high, method}: fractions in [0, 1], None where undefined, and how the
    95 % interval was made.

    Args:
        result: A set's part of metrics.json with `set` and `stamps`, as `of_set` gives it.

    Example:
        >>> import covid_keras
        >>> metrics = covid_keras.evaluate(run)
        >>> list(metrics["accuracy"])
        ['value', 'low', 'high', 'method']
        >>> table = metrics.to_latex()
        >>> print(metrics)  # the summary that `covid-keras evaluate` shows
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        self._result = dict(result)
        others = {key: value for key, value in result.items() if key != "metrics"}
        self._values = others | result["metrics"]

    @classmethod
    def of_set(cls, metrics: Mapping[str, Any], name: str) -> "Metrics":
        """Return the metrics of the set `name` from the content of a metrics.json.

        Raises:
            KeyError: The file has no such set.
        """
        sentences_of = [asdict(sentence) for sentence in verdict(metrics, name)]
        return cls(sentences.of_set(metrics, name) | {"verdict": sentences_of})

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Metrics of {self['set']}, {self['images']:,} images: {overall(self._result)}>"

    def __str__(self) -> str:
        return summary(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return copy.deepcopy(self._values)

    def to_latex(self) -> str:
        """Return a LaTeX table (booktabs) of the overall and per-class metrics, in percent with
        95 % intervals."""
        rows = [
            [name, f"{self['images_per_class'][name]:,}"]
            + [percent(entries[key]) for key in METRICS]
            for name, entries in self["per_class"].items()
        ]
        bounds = self.get("bounds", "95 % interval")
        head = f"{self['set']}, {self['images']:,} images: {overall(self._result)}"
        blocks = [[["class", "images", *METRICS.values()]], rows]
        table = tabular(blocks, f"lr{'l' * len(METRICS)}", head)
        return f"% needs \\usepackage{{booktabs}}; in percent [{bounds}]\n{table}\n"
