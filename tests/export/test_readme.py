"""README.md in an export folder: its lines answer a file, in the format's own runtime."""

import importlib.util
import re
import subprocess
import sys

import cv2
import doc_blocks
import numpy as np
import pytest
import tiny

from covid_keras.export import FORMATS
from covid_keras.export.export import write_export
from covid_keras.export.notes import Notes
from covid_keras.export.readme import write_readme
from covid_keras.models.create import create_model
from covid_keras.runs.evidence import Evidence
from covid_keras.runs.inference import Trained, network_arguments

TEST = {"set": "test", "metric": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95, "images": 1200}
POINT = {"temperature": 1.25, "threshold": 0.4, "patient_rule": "vote"}


def test_it_says_what_the_answer_is_worth(tmp_path):
    evidence = Evidence("0123456789abcdef", "0.2.0", POINT, (TEST,))
    notes = Notes("onnx", tiny.recipe(), ("a", "<b>"), ("NO EXTERNAL TEST",), evidence, "float32")
    write_readme(tmp_path, notes, "the example")
    page = (tmp_path / "README.md").read_text()
    for told in (
        "**not a medical device**",
        "> **NO EXTERNAL TEST**",
        "run 0123456789abcdef; covid_keras 0.2.0",
        "test: accuracy 0.900 [0.800, 0.950] on 1,200 images",
        "temperature 1.25, threshold 0.4, patient rule vote",
        "the example",
    ):
        assert told in page
    assert "<b>" not in page


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_its_lines_name_the_class_of_a_file(name, tmp_path, shared_data):
    if name == "onnx" and not importlib.util.find_spec("tf2onnx"):
        pytest.skip("tf2onnx is not installed")
    if name == "openvino" and not importlib.util.find_spec("openvino"):
        pytest.skip("openvino is not installed")
    run = tiny.start_run(tmp_path)
    network = create_model(**network_arguments(run.recipe(), len(run.classes())))
    trained = Trained(network, run.recipe(), run.classes(), run.stamps(), run)
    folder = write_export(trained, tmp_path / name, name)
    files = {"scan.png": tmp_path / "scan.png", "scan.dcm": shared_data / "dicom"}
    image = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    cv2.imwrite(str(files["scan.png"]), image)
    files["scan.dcm"] = sorted(files["scan.dcm"].glob("*.dcm"))[0]
    blocks = doc_blocks.blocks(folder / "README.md")
    assert blocks and all(len(block.text.splitlines()) <= 13 for block in blocks)
    for block in blocks:
        code = re.sub(r"scan\.\w+", lambda found: str(files[found[0]]), block.text)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        label, probability = done.stdout.split()
        assert label in tiny.CLASSES and 0.5 <= float(probability) <= 1
