"""The command `compare`."""

from made_predictions import two_networks
from made_records import made_records

from covid_keras.cli.main import main
from covid_keras.recipes import get
from covid_keras.runs import run as run_folder
from covid_keras.runs.predictions_file import read_predictions, write_predictions


def folder_of(path, predictions):
    """A run that holds predictions of test."""
    records = made_records(
        predictions.table["image"], predictions.table["label"], patient=predictions.patients
    )
    records = records.assign(split="test", patient=predictions.patients)
    run_folder.create(path, get("ct-bit"), records, predictions.classes, path.parent)
    file = run_folder.Run(path).predictions_file("test")
    write_predictions(file, records, predictions.probabilities, predictions.classes)
    assert read_predictions(file).has_patients
    return path


def test_the_command(tmp_path, capsys):
    first, second = two_networks(better=1.5)
    folders = [folder_of(tmp_path / n, p) for n, p in (("a", first), ("b", second))]
    assert main(["compare", *map(str, folders)]) == 0
    said = capsys.readouterr().out
    assert "NOT A MEDICAL DEVICE" in said and "test: 240 images" in said
    line = next(line for line in said.splitlines() if line.startswith("accuracy"))
    assert "+" in line and line.split()[-1] < "0.01"
    assert "DeLong (AUC) p" in said and "influence of patients" in said
    assert main(["compare", str(folders[0]), str(tmp_path / "none")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "none: expected a run folder or an export. Received: no such folder" in line
