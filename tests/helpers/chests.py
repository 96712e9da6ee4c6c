"""Images that have a top, a bottom and an inside, as slices of a chest have."""

import cv2
import numpy as np
import tiny
from made_images import CLASSES, write_labelled

from covid_keras.runs import run as run_folder
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit


def chest(random, side=72):
    """Draw a body with two lungs and a spine, each time a little different; uint8 (side, side)."""
    image = np.full((side, side), 8, np.uint8)

    def ellipse(x, y, width, height, grey):
        centre = (side * (np.array([x, y]) + random.normal(0, 0.01, 2))).astype(int)
        axes = (side * np.array([width, height]) * random.normal(1, 0.03, 2)).astype(int)
        cv2.ellipse(image, centre.tolist(), axes.tolist(), random.normal(0, 3), 0, 360, grey, -1)

    ellipse(0.5, 0.52, 0.45, 0.36, 170)
    ellipse(0.3, 0.5, 0.14, 0.24, 40)
    ellipse(0.72, 0.46, 0.1, 0.2, 40)
    ellipse(0.5, 0.8, 0.06, 0.06, 240)
    noise = random.normal(0, 4, image.shape)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1) + noise, 0, 255).astype(np.uint8)


def chests(count, seed=0, side=72):
    """Draw some of them."""
    random = np.random.default_rng(seed)
    return [chest(random, side) for _ in range(count)]


def run_on_chests(folder, count):
    """Train on so many of them, a quarter in val; return the run and its network."""
    rows = [
        {
            "image": f"{number:03}.png",
            "label": CLASSES[number % 2],
            "patient": str(number),
            "split": "val" if number % 4 == 0 else "train",
            "source": "made",
            "pixels": image,
        }
        for number, image in enumerate(chests(count))
    ]
    records = write_labelled(folder / "images", rows)
    recipe = tiny.recipe(input_resize=64, input_crop=64, training_steps=4)
    run = run_folder.create(folder / "run", recipe, records, CLASSES, folder / "images")
    fit.train(run)
    return run, load_trained(run.path)
