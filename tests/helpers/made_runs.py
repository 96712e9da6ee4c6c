"""Changes to the files of a run folder."""

import hashlib
import json

from covid_keras.utils.files import read_json, write_json


def change(run, file, **values):
    """Put values into a JSON file of a run folder."""
    path = run / file
    write_json(path, (read_json(path) if path.exists() else {}) | values)


def tie(run):
    """Let fingerprint.json be of the recipe, the classes and the files as they are now."""
    path = run / "fingerprint.json"
    values = {"recipe": read_json(run / "recipe.json"), "classes": read_json(path)["classes"]}
    parts = {part: json.dumps(value, sort_keys=True).encode() for part, value in values.items()}
    parts |= {"split": (run / "split.csv").read_bytes()}
    if (run / "model.keras").exists():
        parts["network"] = (run / "model.keras").read_bytes()
    hashes = {part: hashlib.sha256(content).hexdigest() for part, content in parts.items()}
    change(run, "fingerprint.json", hashes=hashes)
