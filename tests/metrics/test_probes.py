"""Linear probes on made features: what is planted is read, what is not is at chance."""

import numpy as np
import pytest

from covid_keras.metrics.probes import LEAST_PATIENTS, probe, probed_values

PATIENTS, IMAGES = 60, 3


def made(seed: int, planted: float = 0.0, values: str = "AB"):
    """Features (180, 12) of patients of three images, and a scanner in them; patients (180,)."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(PATIENTS), IMAGES)
    scanner = np.array([*values])[rng.integers(len(values), size=PATIENTS)][patients]
    features = rng.normal(size=(PATIENTS, 12))[patients] + rng.normal(size=(len(patients), 12))
    for place, value in enumerate(values):
        features[scanner == value, place] += planted
    return features, scanner, patients


@pytest.mark.parametrize("values", ["AB", "ABC"])
def test_what_is_planted_is_read(values):
    found = probe(*made(0, planted=3.0, values=values))
    assert found.bounds()[0] > 0.8 and found.value > 0.9


def test_what_is_not_there_is_at_chance():
    """Of ten draws nearly all intervals hold chance; of the wider features too."""
    holds = [low <= 0.5 <= high for low, high in (probe(*made(s)).bounds() for s in range(10))]
    assert sum(holds) >= 9
    rng = np.random.default_rng(0)
    _, scanner, patients = made(0)
    low, high = probe(rng.normal(size=(len(scanner), 300)), scanner, patients).bounds()
    assert low < 0.5 < high


def test_a_patient_is_never_on_both_sides():
    """A feature that names the patient says nothing of another one's scanner."""
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(40), 6)
    scanner = np.array(["A", "B"])[rng.integers(2, size=40)][patients]
    names = rng.normal(size=(40, 40))[patients]
    by_patient = probe(names, scanner, patients)
    assert by_patient.bounds()[0] < 0.5
    assert probe(names, scanner, np.arange(240)).value > 0.95, "as if each image were a patient"


def test_few_patients_of_a_value_leave_it_out():
    values = np.array(["A"] * 30 + ["B"] * 20 + [""] * 40)
    patients = np.array([*range(30), *np.repeat(range(30, 40), 2), *range(40, 80)])
    assert probed_values(values, patients) == {"A": 30, "B": LEAST_PATIENTS}
    patients[49] = patients[30]
    assert list(probed_values(values, np.minimum(patients, 38))) == ["A"]
