"""Measure what the input check of a trained network finds, for docs/explanation/input-check.md.

    python docs/measure_input_check.py RUN --other "X-rays=DIR" "other CT=DIR"

Predicts the test images of RUN as they are, and inverted, turned, blurred, noisy and dark; crops of
the two photographs that scikit-learn brings; and images of other folders; of each up to 300. Prints
a table: images, those warned of, those not answered.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from sklearn.datasets import load_sample_images

import covid_keras
from covid_keras.datasets.records import evenly_spaced
from covid_keras.images.appearance import TURNED
from covid_keras.images.find import images_below
from covid_keras.runs.run import Run

MOST = 300
random = np.random.default_rng(0)


def blurred(image: np.ndarray, share: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), share * max(image.shape))


def noisy(image: np.ndarray) -> np.ndarray:
    return np.clip(image + random.normal(0, 25, image.shape), 0, 255)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": lambda image: image,
    **TURNED,
    "blurred by 1 % of the side": lambda image: blurred(image, 0.01),
    "blurred by 2 % of the side": lambda image: blurred(image, 0.02),
    "noise of 25 grey levels": noisy,
    "a third as bright": lambda image: image // 3,
}


def changed(images: Iterable[Path], change: Callable, folder: Path) -> Path:
    """Write the changed images as PNG files."""
    folder.mkdir()
    for number, path in enumerate(images):
        pixels = change(covid_keras.read_image(path)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:03}.png"), pixels)
    return folder


def photographs(folder: Path) -> Path:
    """Write crops of scikit-learn's two photographs."""
    folder.mkdir()
    photos = load_sample_images().images
    for number in range(MOST):
        photo = photos[number % len(photos)]
        side = int(random.integers(100, min(photo.shape[:2])))
        y, x = (int(random.integers(0, length - side + 1)) for length in photo.shape[:2])
        crop = cv2.cvtColor(photo[y : y + side, x : x + side], cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{number:03}.png"), crop)
    return folder


def line(name: str, run: Run, inputs: list[Path]) -> str:
    """Predict, and return the line of the table."""
    status = covid_keras.predict(run, inputs)["status"]
    warned = status.str.contains("with warning").sum()
    refused = status.str.contains("unlike the training images").sum()
    unread = status.str.startswith("not answered").sum() - refused
    reasons = status.str.replace(r"^.*: ", "", regex=True)
    reasons = reasons[status.str.contains("warning|unlike")].str.split("; ").explode()
    first = f"{reasons.value_counts().index[0]}" if len(reasons) else ""
    shares = (f"{count} ({100 * count / len(status):.0f} %)" for count in (warned, refused, unread))
    return f"| {name} | {len(status)} | {' | '.join(shares)} | {first} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--other", nargs="*", default=[], metavar="NAME=DIR")
    options = parser.parse_args()
    run = Run(options.run)
    test = [run.data_root() / image for image in run.split("test")["image"]]
    test = [test[place] for place in evenly_spaced(len(test), MOST)]
    print("| images | number | with a warning | unlike, not answered | not read | most frequent |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        for number, (name, change) in enumerate(CHANGES.items()):
            folder = changed(test, change, Path(temporary) / str(number))
            print(line(f"test images, {name}", run, [folder]), flush=True)
        print(line("photographs", run, [photographs(Path(temporary) / "photos")]), flush=True)
    for name, folder in (each.split("=", 1) for each in options.other):
        images = images_below(Path(folder))
        chosen = [images[place] for place in evenly_spaced(len(images), MOST)]
        print(line(name, run, chosen), flush=True)


if __name__ == "__main__":
    main()
