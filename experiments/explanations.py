"""Measure all explanation methods on finished runs: one table of what their maps are worth.

    python experiments/explanations.py runs/mine runs/other --masks masks --faithful 20 --sanity 16
    python experiments/explanations.py runs/mine --dataset folder --data other_scans \\
        --masks masks --map positive=covid healthy=normal unclear=

Writes table.md and table.csv into --out, and the scores into gradcam/maps.json of each run. What
the numbers mean: docs/explanation/maps.md. Runs of one recipe with several seeds are compared with
each other; --random-labels names runs of the same network that were trained on labels drawn by lot.
Without --masks the runs are of the phantom, and its own masks are used.
"""

import argparse
import sys
from pathlib import Path

from covid_keras.cli.parts import add_options
from covid_keras.recipes.settings import parse_assignments
from covid_keras.runs.map_methods import METHODS
from covid_keras.runs.run import Run
from covid_keras.utils.backend import import_keras
from covid_keras.utils.console import say, say_text, take_any_encoding
from covid_keras.utils.errors import InputError


def parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    add_options(options, "explanations")
    return options


def main() -> int:
    take_any_encoding()
    options = parser().parse_args()
    runs, random = ([Run(path) for path in some] for some in (options.runs, options.random_labels))
    try:
        methods = options.methods or [*METHODS]
        if options.list:
            say(*(f"{run.path}: {', '.join(methods)}" for run in runs))
            return 0
        import_keras()
        from covid_keras.studies import explanations as study

        images = study.Images(
            masks=options.masks or runs[0].data_root() / "masks",
            lungs=options.lungs,
            dataset=options.dataset,
            data=options.data,
            name=options.name,
            label_map=parse_assignments(options.map, "--map"),
            layer=options.layer,
            faithful=options.faithful,
            sanity=options.sanity,
        )
        scores = {str(run.path): study.measure(run, images, methods) for run in runs}
        alike = [*study.agreements(runs, random, images, methods)] if images.sanity else []
        say_text(study.write_tables(options.out, scores, alike))
        say(*(f"wrote {options.out / name}" for name in ("table.md", "table.csv")))
        return 0
    except InputError as error:
        print(f"{Path(__file__).stem}: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
