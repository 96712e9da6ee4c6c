"""Keep the small files of finished studies, so that anyone can compute their tables again.

    python experiments/keep_results.py runs/STUDY ... --out docs/results

Of a study: its table, its pictures and study.json; of each of its runs: recipe.json, metrics.json,
log.csv, environment.json without the path of the data, and the predictions of val, of test, of
other data sets, of its ablations, of test-time augmentation and of the metadata baseline. Weights
and checkpoints stay where they are.
"""

import argparse
import shutil
import sys
from pathlib import Path

from covid_keras.runs.folder import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder, read_json, write_json

PICTURES = ("table.md", "curves.png", "confusion_matrices.png")


def keep(study: Path, out: Path) -> Path:
    """Copy the study's small files into a folder of its name; returns it.

    Raises:
        InputError: no study, or a run of it has failed or is not finished.
    """
    if not (study / "study.json").exists():
        raise InputError(f"{study}: expected a study's folder: no study.json in it")
    summary = read_json(study / "study.json")
    kept = out / study.name
    if kept.exists():
        raise InputError(f"{kept}: is there already")
    files = {run["folder"]: small_files(Run(study / run["folder"])) for run in summary["runs"]}
    if missing := [file for run in files.values() for file in run if not file.exists()]:
        raise InputError(f"{missing[0]}: not there; only finished studies are kept")
    for small in files.values():
        for file in small:
            place = kept / file.relative_to(study)
            make_folder(place.parent)
            shutil.copyfile(file, place)
    for run in files:
        environment = read_json(Run(study / run).environment_file)
        del environment["data"]
        write_json(Run(kept / run).environment_file, environment)
    del summary["environment"]["data"]  # a path of this machine; the command says which data
    write_json(kept / "study.json", summary)
    for name in PICTURES:
        shutil.copyfile(study / name, kept / name)
    return kept


def small_files(run: Run) -> list[Path]:
    names = {"val", "test", *run.predicted()}
    predictions = [run.predictions_file(name) for name in sorted(names)]
    beside = [
        *run.ablations.glob("*.csv"),
        *run.test_time_augmentation.path.glob("predictions_*.csv"),
        *run.metadata_baseline.path.glob("predictions_*.csv"),
    ]
    return [run.recipe_file, run.metrics_file, run.log_file, *predictions, *sorted(beside)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", type=Path, nargs="+", metavar="STUDY")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    try:
        for study in options.studies:
            print(f"wrote {keep(study, options.out)}")
    except InputError as error:
        print(f"keep_results.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
