"""Measure the first run, `covid-keras run ct-bit` without a GPU, with several seeds.

    python benchmarks/first_run.py --out runs/first_run
    python benchmarks/first_run.py --out runs/first_run --keep docs/results/first_run.json

Trains, evaluates and explains once per seed, on the phantom; what has finished is not repeated.
Prints accuracy and macro AUC on the phantom's test patients, the metadata baseline's, and the hit
rate of maps, in percent.
"""

import argparse
import sys
from pathlib import Path
from statistics import median

import covid_keras
from covid_keras.runs.maps_file import read_maps
from covid_keras.runs.run import Run
from covid_keras.utils.backend import import_keras
from covid_keras.utils.files import read_json, write_json

SEEDS = (0, 1, 2, 3, 4)


def measured(run: Run, seed: int) -> dict[str, float]:
    """Train, evaluate and explain the run unless it is there; return its row in percent."""
    if not run.model_file.exists():
        covid_keras.train("ct-bit", quick=True, seed=seed, out=run.path, resume=run.path.exists())
    if not run.maps_file.exists():
        covid_keras.evaluate(run)
        covid_keras.explain(run)
    metrics, found = read_json(run.metrics_file), read_maps(run)["scores"]["test"]
    hits = {name: scores["hit_rate"]["value"] for name, scores in found["maps"].items()}
    test, baseline = metrics["splits"]["test"]["metrics"], metrics["metadata_baseline"]
    row = {
        "accuracy": test["accuracy"]["value"],
        "macro AUC": test["macro_auc"]["value"],
        "baseline accuracy": baseline["accuracy"]["value"],
        "baseline macro AUC": baseline["macro_auc"]["value"],
        "map on the disease": hits["gradcam"],
        "centre on the disease": hits["centre"],
        "random point": found["area"],
    }
    return {"seed": seed} | {name: round(100 * value, 1) for name, value in row.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="the runs go to DIR/seed_N")
    add("--seeds", type=int, nargs="+", default=SEEDS, metavar="N", help="default: 0 to 4")
    add("--keep", type=Path, metavar="FILE", help="also write the table as JSON")
    options = parser.parse_args()
    import_keras()
    rows = [measured(Run(options.out / f"seed_{seed}"), seed) for seed in options.seeds]
    for row in rows:
        print(row)
    print("median accuracy", median(row["accuracy"] for row in rows))
    if options.keep:
        write_json(options.keep, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
