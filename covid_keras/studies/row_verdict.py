"""What a row of a study says beside its table: by patient, against the baseline, its looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from covid_keras.metrics.scores import OVERALL
from covid_keras.metrics.verdict import centre, maps
from covid_keras.metrics.verdict_words import AGAINST, COMPARED, FOR, GOOD, OPEN, Sentence
from covid_keras.studies.study import Column, Study
from covid_keras.studies.study_rows import summary, value
from covid_keras.utils.text import count


def of_row(study: Study, name: str, runs: Sequence[dict]) -> Iterator[Sentence]:
    """Yield the sentences on a row.

    Args:
        name: of the row.
        runs: metrics.json of each of its finished runs.
    """
    yield _by_patient(study, name, runs)
    yield _baseline(study, name, runs)
    for rule in (maps, centre) if "training" in runs[0] else ():
        for said in rule(runs[0], "test"):
            text = said.text if said.tone == OPEN else f"{said.text[:-1]} (first run of {name})."
            yield replace(said, text=text)


def _by_patient(study: Study, name: str, runs: Sequence[dict]) -> Sentence:
    if not all(run["splits"]["test"].get("patient_level") for run in runs):
        return Sentence(GOOD, "By patient: unknown, as patients or val images are missing.", OPEN)
    columns = [Column(OVERALL[key], key, at="patient_level") for key in ("accuracy", "macro_auc")]
    cells = [(c.title, summary([value(run, c) for run in runs], study.spread)) for c in columns]
    text = ", ".join(f"{title} {cell.text}" for title, cell in cells)
    return Sentence(GOOD, f"By patient, {name}: {text}.")


def _baseline(study: Study, name: str, runs: Sequence[dict]) -> Sentence:
    """Return in how many runs the row is better than the metadata baseline."""
    areas = [(run.get("metadata_baseline") or {}).get("macro_auc") for run in runs]
    if not all(areas):
        text = "Not compared with a metadata baseline, which would show what needs no image."
        return Sentence(COMPARED, text, OPEN)
    better = sum(_leads(area) for area in areas)
    reached = summary([area["value"] for area in areas], study.spread).text
    text = f"{name} is better than the metadata baseline (macro AUC {reached})"
    tone = FOR if better == len(areas) else AGAINST
    return Sentence(COMPARED, f"{text} in {better} of {count(len(areas), 'run')}.", tone)


def _leads(area: Mapping) -> bool:
    return area["lead_low"] is not None and area["lead_low"] > 0
