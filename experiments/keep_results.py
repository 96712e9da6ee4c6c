"""Keep the files from which the tables of finished studies can be computed again.

    python experiments/keep_results.py runs/STUDY ... --out docs/results

These are a study's table, figures and study.json, without the paths of the data, and the
predictions of each run: on val, test and other data sets, of its ablations, of test-time
augmentation and of the metadata baseline.
"""

import argparse
import shutil
import sys
from pathlib import Path

from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder, read_json, write_json

PICTURES = ("table.md", "curves.png", "confusion_matrices.png")


def keep(study: Path, out: Path) -> Path:
    """Copy a study's predictions, table and figures into a folder of its name; return the folder.

    Raises:
        InputError: `study` is not a study's folder, or a run has failed or is not finished.
    """
    if not (study / "study.json").exists():
        raise InputError(f"{study}: expected a study's folder. Received: no study.json in it")
    summary = read_json(study / "study.json")
    kept = out / study.name
    if kept.exists():
        raise InputError(f"{kept}: expected a new folder. Received: one that exists")
    files = [file for run in summary["runs"] for file in predictions(Run(study / run["folder"]))]
    if missing := [file for file in files if not file.exists()]:
        raise InputError(f"{missing[0]}: file not found; only finished studies are kept")
    for file in files:
        copy = kept / file.relative_to(study)
        make_folder(copy.parent)
        shutil.copyfile(file, copy)
    del summary["environment"]["data"]
    for run in summary["runs"]:
        run["weights"] = Path(run["weights"]).name
    write_json(kept / "study.json", summary)
    for name in PICTURES:
        if (study / name).exists():  # without val there are no curves
            shutil.copyfile(study / name, kept / name)
    return kept


def predictions(run: Run) -> list[Path]:
    """Return the paths of a run's predictions; those of test and of a val split must exist."""
    must = ("val", "test") if run.has_val() else ("test",)
    sets = sorted({*must, *run.predicted()})
    return [
        *(run.predictions_file(name) for name in sets),
        *sorted(run.ablations.glob("*.csv")),
        *sorted(run.test_time_augmentation.path.glob("predictions_*.csv")),
        *sorted(run.metadata_baseline.path.glob("predictions_*.csv")),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("studies", type=Path, nargs="+", metavar="STUDY", help="folder of a finished study")
    add("--out", type=Path, required=True, metavar="DIR", help="a folder for each study goes here")
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
