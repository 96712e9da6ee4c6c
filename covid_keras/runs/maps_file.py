"""gradcam/maps.json: what the run's maps are worth; and its part of metrics.json."""

from covid_keras.metrics.localisation import CENTRE
from covid_keras.metrics.map_sentences import MAIN, REFERENCES, verdicts
from covid_keras.runs.map_methods import METHODS
from covid_keras.runs.metrics_file import MAP_SCORE, METRIC, read_metrics
from covid_keras.runs.run import Run
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape

FAITHFULNESS = "faithfulness"
_HEAD = {"images": int, "patients": (None, int)}
_SCORES = _HEAD | {"maps": {str: {str: MAP_SCORE}}}
_SET = _SCORES | {"val_images": int, "area": float, f"{FAITHFULNESS}?": _SCORES}
_ALIKE = {"ssim": METRIC, "rank_correlation": METRIC}
_SANITY = _HEAD | {"noise": _ALIKE, "layers": [_ALIKE | {"layer": str}]}
_FILE = {"scores": {str: _SET}, "sanity": {str: _SANITY}}


def read_maps(run: Run) -> dict[str, dict]:
    """Return scores {set: what `score_maps` found} and sanity {method: what `sanity` found}.

    Raises:
        InputError: the file is no JSON, or a value is not what `covid-keras explain` writes there.
    """
    if not run.maps_file.exists():
        return {"scores": {}, "sanity": {}}
    known = read_json(run.maps_file)
    check_shape(known, _FILE, str(run.maps_file))
    for name, result in known["scores"].items():
        place = f"{run.maps_file}, scores, {name}, maps"
        check_shape(result["maps"], {CENTRE: {MAIN: MAP_SCORE}}, place)
    return known


def add_scores(run: Run, name: str, result: dict) -> None:
    """Add what `score_maps` found of the set `name` to maps.json and, if it exists, metrics.json.

    Methods that were scored before on the same images are kept.
    """
    known = read_maps(run)
    if name in known["scores"]:
        result = _joined(known["scores"][name], result)
    known["scores"][name] = result
    write_json(run.maps_file, known)
    if run.metrics_file.exists():
        write_json(run.metrics_file, read_metrics(run.metrics_file) | {"maps": map_verdicts(run)})


def add_sanity(run: Run, method: str, result: dict) -> None:
    """Add what `sanity` found of a method to maps.json."""
    known = read_maps(run)
    known["sanity"][method] = result
    write_json(run.maps_file, known)


def map_verdicts(run: Run) -> dict[str, dict]:
    """Return {set: {method: its average precision, the lead over the centre, and a sentence}}."""
    return {
        name: {
            method: {MAIN: result["maps"][method][MAIN], "sentence": sentence}
            for method, sentence in verdicts(name, result).items()
        }
        for name, result in read_maps(run)["scores"].items()
    }


def _place(name: str) -> int:
    """Return the place of a map among others: methods in their order, then references."""
    methods = [*METHODS]
    if name in REFERENCES:
        return len(methods) + 1
    method = name.partition(" at ")[0]
    return methods.index(method) if method in methods else len(methods)


def _joined(before: dict, result: dict) -> dict:
    """Return the new result, with the maps of the one before if that is of the same images."""
    same = all(before[key] == result[key] for key in result if key not in ("maps", FAITHFULNESS))
    if not same:
        return result
    maps = before["maps"] | result["maps"]
    joined = before | result | {"maps": {name: maps[name] for name in sorted(maps, key=_place)}}
    if FAITHFULNESS in before and FAITHFULNESS in result:
        joined[FAITHFULNESS] = _joined(before[FAITHFULNESS], result[FAITHFULNESS])
    return joined
