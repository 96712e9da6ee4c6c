"""Whatever a user may get wrong: one clear line, the right exit code, and nothing half-written.

Every case goes through the command line. The network is "tiny" of tests/helpers, except where
weights of a real one are the point.
"""

import base64
import csv
import errno
import json
import os
import re
import resource
import shlex
import shutil
import signal
from contextlib import ExitStack, contextmanager
from pathlib import Path

import keras
import numpy as np
import pydicom
import pytest
import tiny
from made_images import other_images, write_images
from made_runs import tie
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from covid_keras.cli.main import main
from covid_keras.training import fit, setup
from covid_keras.training.callbacks import StepCallback
from covid_keras.utils.locks import locked

SETTINGS = {
    "input.resize": 40,
    "input.crop": 32,
    "training.steps": 2,
    "training.batch": 2,
    "training.eval_every": 1,
    "training.gradcam": 0,
    "model.name": "tiny",
    "model.weights": "random",
    "model.head": "original",
}
FAST = ["--quick", *(f"--set={key}={value}" for key, value in SETTINGS.items())]
SPLITS = ("train", "val", "test")
WIDTH, HEIGHT = 52, 44
_BAR = re.compile(r"\w[\w-]* \[[= ]{24}\] ")


def write_covidx(root: Path) -> Path:
    """COVIDx CT-2A with two images of each class in each split, a patient each."""
    rng = np.random.default_rng(0)
    patient = 0
    for split in SPLITS:
        lines = []
        for number, kind in enumerate(("Normal", "CP", "NCP")):
            for _ in range(2):
                patient += 1
                name = f"{kind}_{patient}_1_0001.png"
                image = rng.integers(60 * number, 60 * number + 120, (HEIGHT, WIDTH))
                write_images(root / "2A_images", {name: image.astype(np.uint8)})
                lines.append(f"{name} {number} 2 3 {WIDTH - 2} {HEIGHT - 1}\n")
        label_file(root, split).write_text("".join(lines))
    return root


def label_file(root: Path, split: str = "train") -> Path:
    return root / f"{split}_COVIDx_CT-2A.txt"


def edit_line(path: Path, number: int, edit) -> None:
    """Replace line `number`, counted from 1, by `edit` of its fields."""
    lines = path.read_text().splitlines()
    lines[number - 1] = " ".join(edit(lines[number - 1].split()))
    path.write_text("\n".join(lines) + "\n")


def write_folder(root: Path, first: str = "a/0.png", data: bytes | None = None) -> Path:
    """Two class folders of six images; the first image of all is replaced by `data`."""
    write_covidx(root / "covidx")
    images = sorted((root / "covidx" / "2A_images").iterdir())
    target = root / "classes"
    for number, image in enumerate(images[:12]):
        copy = target / "ab"[number % 2] / f"{number}.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, copy)
    if data is not None:
        (target / "a/0.png").unlink()
        (target / first).write_bytes(data)
    return target


def multi_frame_dicom(path: Path) -> None:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.Modality, dataset.NumberOfFrames = "CT", 3
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 8, 8, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "MONOCHROME2"
    dataset.PixelData = bytes(3 * 8 * 8 * 2)
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def root(tmp_path) -> Path:
    return write_covidx(tmp_path / "ct")


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "run"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A finished and evaluated run; copy it before spoiling it."""
    folder = tmp_path_factory.mktemp("trained")
    root = write_covidx(folder / "ct")
    assert main(train(root, folder / "run")) == 0
    assert main(["evaluate", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def add_callback(patch: pytest.MonkeyPatch, callback: keras.callbacks.Callback) -> None:
    """Add a callback to the runs that commands train."""
    train = fit.train
    patch.setattr(
        fit,
        "train",
        lambda *run, callbacks=(), **rest: train(*run, callbacks=[*callbacks, callback], **rest),
    )


@pytest.fixture
def fails(capsys, tmp_path):
    """Run a command that must fail with one line that matches; returns that line."""

    def check(arguments: list, *patterns: str) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 1
        lines = [line for line in capsys.readouterr().err.splitlines() if not _BAR.match(line)]
        assert len(lines) == 1, lines
        line = lines[0]
        assert line.startswith("covid-keras: error: ")
        assert "Traceback" not in line
        for pattern in patterns:
            assert re.search(pattern, line), line
        assert half_written(tmp_path) == []
        return line

    return check


def half_written(folder: Path) -> list[Path]:
    """Temporary files and folders: `covid_keras.utils.files` begins their names with a dot."""
    return [path for path in folder.rglob(".*")]


def train(root: Path, out: Path, *more: str, dataset: str = "covidx-ct-2a") -> list[str]:
    named = ["train", "ct-bit", "--dataset", dataset, "--data", str(root), "--out", str(out)]
    return [*named, *FAST, *(["--positive", "b"] if dataset == "folder" else []), *more]


# The data set on disk -----------------------------------------------------------------------


def test_missing_folder(fails, tmp_path, out):
    fails(train(tmp_path / "nowhere", out), r"/nowhere: expected the folder of data set covidx-ct")
    assert not out.exists()


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("covidx-ct-2a", r"/empty/train_COVIDx_CT-2A\.txt: label file not found"),
        ("folder", r"/empty: expected a folder for each class\. Received: no folders"),
        ("sars-cov-2-ct", r"/empty/.*expected a folder"),
        ("covid19-ct", r"/empty/"),
    ],
)
def test_empty_folder(fails, tmp_path, out, dataset, expected):
    (tmp_path / "empty").mkdir()
    fails(train(tmp_path / "empty", out, dataset=dataset), expected)
    assert not out.exists()


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda f: f[:5], r"expected 6 fields: .*Received 5: "),
        (lambda f: [f[0], "7", *f[2:]], r"expected a class number .*2 COVID-19\)\. Received: 7"),
        (lambda f: [*f[:2], "40", *f[3:4], "30", f[5]], r"xmin < xmax.*Received: 40 3 30 43"),
        (lambda f: [*f[:2], "-4", *f[3:]], r"0 <= xmin.*Received: -4 3"),
        (lambda f: [*f[:5], "x"], r"four integers\. Received: 2 3 50 x"),
        (lambda f: ["slice7.png", *f[1:]], r"file name of a COVIDx CT source.*slice7\.png"),
    ],
    ids=["five fields", "unknown class", "empty box", "negative box", "not a number", "file name"],
)
def test_label_line(fails, root, out, edit, expected):
    edit_line(label_file(root), 3, edit)
    fails(train(root, out), rf"{label_file(root)}:3: .*{expected}")
    assert not out.exists()


def test_box_outside_the_image(fails, root, out):
    edit_line(label_file(root), 3, lambda f: [*f[:4], "500", f[5]])
    line = fails(train(root, out), r"/CP_3_1_0001\.png: box outside the image: expected .*<= 52")
    assert line.endswith("Received: 2 3 500 43")
    assert not out.exists()


def test_verify_names_the_line_of_a_box_outside(root, capsys):
    edit_line(label_file(root), 3, lambda f: [*f[:4], "500", f[5]])
    assert main(["data", "verify", "covidx-ct-2a", "--data", str(root)]) == 1
    assert f"{label_file(root)}:3: expected a box inside 52x44" in capsys.readouterr().out


def nifti(path: Path) -> None:
    header = bytearray(400)
    header[344:348] = b"n+1\0"
    path.write_bytes(header)


SPOILT = {
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-40]), r"truncated: a PNG file"),
    "cut in the header": (lambda p: p.write_bytes(p.read_bytes()[:20]), r"truncated"),
    "zero bytes": (lambda p: p.write_bytes(b""), r"expected an image\. Received: zero bytes"),
    "text": (lambda p: p.write_text("hello, world"), r"not a PNG, JPEG or DICOM.*hello, world"),
    "NIfTI": (nifti, r"a 3D NIfTI volume; export axial slices"),
    "multi-frame": (multi_frame_dicom, r"multi-frame DICOM with 3 frames"),
}


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("kind", SPOILT)
def test_unreadable_image_in_training(fails, root, out, kind, split):
    spoil, expected = SPOILT[kind]
    image = root / "2A_images" / label_file(root, split).read_text().split()[0]
    spoil(image)
    fails(train(root, out, "--set=training.batch=6"), rf"error: {image}: .*{expected}")
    assert not out.exists()


@pytest.mark.parametrize("kind", SPOILT)
def test_unreadable_image_in_evaluation(fails, run, trained, tmp_path, kind):
    spoil, expected = SPOILT[kind]
    root = other_images(trained.parent / "ct", tmp_path / "other")
    image = root / "2A_images" / label_file(root, "val").read_text().split()[0]
    spoil(image)
    recipe = (run / "recipe.json").read_text()  # else they are its own images, which are refused
    (run / "recipe.json").write_text(recipe.replace('"covidx-ct-2a"', '"covidx-ct-3a"'))
    tie(run)
    external = ["evaluate", run, "--dataset", "covidx-ct-2a", "--data", root]
    fails(external, rf"error: {image}: .*{expected}")
    assert not (run / "predictions_covidx-ct-2a.csv").exists()


def test_missing_image(fails, root, out):
    for name in ("Normal_1_1_0001.png", "NCP_6_1_0001.png"):
        (root / "2A_images" / name).unlink()
    fails(train(root, out), r"/Normal_1_1_0001\.png: image not found \(and 1 more; ")
    assert not out.exists()


def test_nifti_in_a_class_folder(fails, tmp_path, out):
    classes = tmp_path / "classes"
    for name in ("a", "b"):
        (classes / name).mkdir(parents=True)
        (classes / name / "scan.nii.gz").write_bytes(b"\x1f\x8b" + bytes(400))
    fails(train(classes, out, dataset="folder"), r"/classes/a: expected images .*Received: \.gz")


def test_dicom_with_frames_in_a_class_folder(fails, tmp_path, out):
    classes = write_folder(tmp_path, "a/0.dcm", b"")
    multi_frame_dicom(classes / "a" / "0.dcm")
    more = ["--set=training.batch=6", "--set=data.split=holdout"]
    fails(train(classes, out, *more, dataset="folder"), r"/a/0\.dcm: .*multi-frame DICOM")


def test_class_without_images(fails, root, tmp_path, out):
    for split in SPLITS:
        lines = label_file(root, split).read_text().splitlines()
        label_file(root, split).write_text("\n".join(lines[:4]) + "\n")
    fails(train(root, out), r"/ct: expected images of class COVID-19 .*Received: none")
    assert not out.exists()


def test_class_without_images_in_one_split(fails, root, out):
    lines = label_file(root, "val").read_text().splitlines()
    label_file(root, "val").write_text("\n".join(lines[:4]) + "\n")
    fails(train(root, out), r"val split: expected images of class COVID-19\. Received: none")
    assert not out.exists()


def test_empty_class_folder(fails, tmp_path, out):
    classes = write_folder(tmp_path)
    shutil.rmtree(classes / "b")
    (classes / "b").mkdir()
    fails(train(classes, out, dataset="folder"), r"/classes/b: expected images .*class b\. .*none")


def test_patient_in_two_splits(fails, root, out):
    image = "Normal_1_7_0001.png"
    shutil.copy(root / "2A_images" / "Normal_1_1_0001.png", root / "2A_images" / image)
    edit_line(label_file(root, "test"), 1, lambda f: [image, *f[1:]])
    fails(train(root, out), r"patient Normal_1 is in train and test: expected each patient in one")
    assert not out.exists()


# Weights --------------------------------------------------------------------------------------


def half_npz(path: Path) -> None:
    np.savez(path, **{"resnet/root_block/standardized_conv2d/kernel": np.ones((7, 7, 3, 64))})
    path.write_bytes(path.read_bytes()[:5000])


WEIGHTS = {
    "of another network": (
        lambda path: np.savez(path, kernel=np.ones((3, 3, 3, 8))),
        r"w\.npz: not the weights of bit_r50x1: .*expected shape \(7, 7, 3, 64\)",
    ),
    "half-written": (half_npz, r"w\.npz: expected a complete \.npz weights file; .*half-written"),
    "missing": (
        lambda path: None,
        r"w\.npz': no such file, and no weights of bit_r50x1 \(--weights\); known: ",
    ),
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights(fails, root, out, tmp_path, kind):
    write, expected = WEIGHTS[kind]
    write(tmp_path / "w.npz")
    network = ("--set=model.name=bit_r50x1", "--set=model.head=linear")
    fails(train(root, out, *network, f"--weights={tmp_path / 'w.npz'}"), expected)
    assert not out.exists()


# The place to write to ------------------------------------------------------------------------


@contextmanager
def file_size_limit(size: int):
    """No file may grow beyond `size` bytes: writes fail as on a full disk, in C++ code as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_space_for_a_checkpoint(fails, root, out, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    fails(train(root, out), r"/(best|last)\.npz: cannot write: No space left on device")
    assert not out.exists()


def test_no_space_for_the_run_folder(fails, root, out):
    with file_size_limit(100):
        fails(train(root, out), r"/run/split\.csv: cannot write: File too large")
    assert not out.exists()


def test_no_space_for_the_model(fails, root, out, monkeypatch):
    with ExitStack() as limits, monkeypatch.context() as patch:
        fill = keras.callbacks.LambdaCallback(
            on_train_end=lambda logs: limits.enter_context(file_size_limit(2000))
        )
        add_callback(patch, fill)
        fails(train(root, out), r"/model\.keras: cannot write: ")
    assert not (out / "model.keras").exists()
    assert main(["train", "ct-bit", "--out", str(out), "--resume"]) == 0
    assert (out / "model.keras").exists()


def test_no_space_for_predictions(fails, run, root):
    image = root / "2A_images" / "NCP_5_1_0001.png"
    with file_size_limit(10):
        expected = r"p\.csv\.partial: cannot write: File"
        fails(["predict", run, image, "--out", run.parent / "p.csv"], expected)
    assert not (run.parent / "p.csv").exists()


def test_no_space_for_the_savedmodel(fails, run):
    with file_size_limit(2000):
        fails(["export", run, "--out", run.parent / "saved"], r"/saved: cannot write: ")
    assert not (run.parent / "saved").exists()


@pytest.mark.parametrize("place", ["file/run", "/proc/run"])
def test_no_permission_for_the_run_folder(fails, root, tmp_path, place):
    (tmp_path / "file").write_text("")
    fails(train(root, tmp_path / place), rf"{place}: cannot write: [A-Z]")


@pytest.mark.parametrize(
    "command", [["predict", "IMAGE", "--out", "PLACE"], ["export", "--out", "PLACE"]], ids=str
)
def test_no_permission_for_results(fails, run, root, command):
    name, *rest = command
    (run.parent / "file").write_text("")
    named = {"IMAGE": root / "2A_images" / "NCP_5_1_0001.png", "PLACE": run.parent / "file/p.csv"}
    parts = [named.get(part, part) for part in rest]
    fails([name, run, *parts], r"/file(/p.csv)?: cannot write: ")


def test_existing_run_folder(fails, root, out):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    fails(train(root, out), r"/run: run folder exists: give another --out, or --resume")
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_an_empty_run_folder_is_taken(root, out):
    out.mkdir()
    assert main(train(root, out)) == 0
    assert (out / "predictions_val.csv").exists()


# Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("input.crop=48", r"crop larger than resize: .*input\.resize=40\. Received: .*crop=48"),
        ("training.batch=7", r"batch larger than .*at most 6\. Received: training\.batch=7"),
        ("training.btach=7", r"error: training\.btach: unknown setting; .*training\.batch"),
        ("batch=7", r"error: batch: unknown setting; did you mean .*training\.batch"),
        (
            "training.batch=many",
            r"error: training\.batch: expected a whole number.*Received: 'many'",
        ),
        (
            "training.batch=2.5",
            r"error: training\.batch: expected a whole number.*Received: '2\.5'",
        ),
        ("augmentation.flip=3", r"error: augmentation\.flip: expected bool.*Received: '3'"),
        ("training.batch", r"--set training\.batch: expected KEY=VALUE"),
        ("training.batch=0", r"training\.batch: expected 1 or more\. Received: 0"),
        ("training.steps=0", r"training\.epochs: expected one of them .*Received: 0 and 0"),
        ("training.epochs=3", r"training\.epochs: expected one of them .*Received: 2 and 3"),
        ("training.rates=(1.0,)", r"training\.rates: expected two or more.*: \(1\.0,\)"),
        ("training.rates=(1.0,0.1)", r"training\.rates: expected 4 rates .*: \(1\.0, 0\.1\)"),
        ("training.optimizer=ada", r"training\.optimizer: expected sgd, adam or lamb"),
        ("training.learning_rate=-1", r"learning_rate: expected more than 0\. Received: -1"),
        ("training.momentum=1.5", r"training\.momentum: expected 0 or more.*Received: 1\.5"),
        ("training.schedule=(5,3)", r"training\.schedule: expected .*Received: \(5, 3\)"),
        ("training.schedule=(5,'x')", r"training\.schedule: expected .*Received: \(5, 'x'\)"),
        ("training.precision=float8", r"training\.precision: expected .*Received: 'float8'"),
        ("training.jit=maybe", r"training\.jit: expected auto, on or off\. Received: 'maybe'"),
        ("augmentation.mixup=-0.1", r"augmentation\.mixup: expected 0 or more.*Received: -0\.1"),
        ("input.crop=(32,48)", r"crop larger than resize: .*Received: input\.crop=\(32, 48\)"),
        ("input.crop=(32,0)", r"input\.crop: expected 1 to 8192\. Received: \(32, 0\)"),
        ("input.crop=(8,8,3)", r"input\.crop: expected a side, or \(height, width\)"),
        ("input.crop=big", r"input\.crop: expected a side, or .*Received: 'big'"),
        ("augmentation.blur=25.0", r"augmentation\.blur: expected 0 to 1\. Received: 25\.0"),
        ("augmentation.noise=-1", r"augmentation\.noise: expected 0 or more\. Received: -1"),
        ("input.crop=-1", r"input\.crop: expected 1 to 8192\. Received: -1"),
        ("input.box=lungs", r"input\.box: expected annotated, body or none\. Received: 'lungs'"),
        ("input.fit=crop", r"input\.fit: expected stretch or canvas\. Received: 'crop'"),
        ("input.window=(1,)", r"input\.window: expected .*Received: \(1,\)"),
        ("input.window=(0,-5)", r"input\.window: expected .*Received: \(0, -5\)"),
        ("input.levels=(4095,0)", r"input\.levels: expected two .*Received: \(4095, 0\)"),
        ("input.levels=4095", r"input\.levels: expected .*Received: '4095'"),
        ("data.split=random", r"split rule: expected official, .*Received: random"),
        ("data.per_class=50", r"per_class=50: class .* has 2 training images"),
        (
            "model.freeze=stage9",
            r"model\.freeze: expected stem, .*or backbone\. Received: 'stage9'",
        ),
        ("model.dropout=1.0", r"model\.dropout: expected 0 or more.*Received: 1\.0"),
        (
            "model.head=liner",
            r"model\.head: expected linear, dense or original\. Received: 'liner'",
        ),
        (
            "model.activation=sigmoid",
            r"sigmoid: expected two classes, or data\.versus_rest.*Received: 3 in covidx-ct-2a",
        ),
        ("model.preprocessing=rgb", r"model\.preprocessing: expected .*unit\. Received: 'rgb'"),
        ("model.name=bit_r50x2", r"network 'bit_r50x2' is unknown; did you mean .*bit_r50x1"),
    ],
)
def test_settings(fails, root, out, setting, expected):
    fails(train(root, out, f"--set={setting}"), expected)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "ct-bat"], r"recipe 'ct-bat' is unknown; did you mean ct-bit"),
        (
            ["train", "ct-bit", "--dataset=covidx-ct-4"],
            r"covidx-ct-4: unknown; did you mean ",
        ),
        (["train", "ct-bit", "--dataset=covidx-ct-4", "--data=DATA"], r"covidx-ct-4"),
        (["train", "ct-bit", "--resume"], r"resume: expected the run folder"),
        (["train", "ct-bit", "--resume", "--out=nowhere"], r"nowhere: .*run folder"),
        (["train", "ct-bit", "--seed=-1", "--data=DATA"], r"seed: expected 0 or more.*-1"),
        (["train", "ct-bit", "--seed=99999999999999"], r"seed: expected 0 or more, at most.*999"),
        (["audit", "folder", "--data=DATA", "--seed=-5"], r"seed: expected 0 or more.*-5"),
        (["train", "ct-bit", "--out=new/x.keras", "--data=DATA"], r"x\.keras: expected a folder"),
        (["data", "list", "covidx-ct-4"], r"covidx-ct-4"),
        (["data", "verify", "folder", "--data=nowhere"], r"nowhere: expected the folder"),
        (["data", "phantom", "--out=FILE"], r"/file: "),
        (
            ["data", "phantom", "--out=new", "--patients=3"],
            r"patients: expected 15 or more. Received: 3",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_names_and_options(fails, root, out, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    places = {"DATA": str(root), "FILE": str(tmp_path / "file")}
    filled = [re.sub("DATA|FILE", lambda match: places[match[0]], part) for part in arguments]
    fails(filled, expected)
    assert not (tmp_path / "runs").exists()


# Interrupted and unfinished runs --------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2])
def test_ctrl_c_says_how_to_resume(root, tmp_path, monkeypatch, capsys, step):
    out = tmp_path / "a run"

    with monkeypatch.context() as patch:
        add_callback(patch, tiny.InterruptAt(step))
        assert main(train(root, out)) == 130
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "covid-keras: interrupted"
    assert "Traceback" not in said.err
    assert not (out / "model.keras").exists() and half_written(tmp_path) == []
    command = said.out.splitlines()[-1].removeprefix("next: covid-keras ")
    assert main(shlex.split(command)) == 0
    assert (out / "model.keras").exists() and (out / "predictions_val.csv").exists()
    assert len((out / "log.csv").read_text().splitlines()) == 3


class TerminateAfter(StepCallback):
    """SIGTERM in the step after `stop`, as a scheduler sends it."""

    def __init__(self, stop: int) -> None:
        super().__init__()
        self.stop = stop

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self.step == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_says_what_was_saved_and_how_to_resume(root, out, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        add_callback(patch, TerminateAfter(1))
        assert main(train(root, out)) == 143
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "covid-keras: terminated"
    *_, saved, command = said.out.splitlines()
    assert saved == f"saved {out}/checkpoints/last.npz" and (out / "checkpoints/last.npz").exists()
    assert command == f"next: covid-keras train ct-bit --out {out} --resume"
    assert main(shlex.split(command)[2:]) == 0


def test_stopped_before_there_is_a_run(root, out, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "check_images", stop)
    assert main(train(root, out)) == 130
    assert capsys.readouterr().out.splitlines()[-1] == "nothing was saved"
    assert not out.exists()


@pytest.fixture
def unfinished(run) -> Path:
    (run / "model.keras").unlink()
    return run


@pytest.mark.parametrize("command", ["evaluate", "explain", "export --out=saved", "predict IMAGE"])
def test_run_that_has_not_finished(fails, unfinished, root, command):
    name, *rest = command.replace("IMAGE", str(root / "2A_images")).split()
    fails([name, unfinished, *rest], r"/model\.keras: not found: the run has not finished")


def test_resume_of_a_finished_run(fails, run):
    fails(["train", "ct-bit", "--out", run, "--resume"], r"/run: this run has finished; next: ")


def test_resume_with_other_settings(fails, unfinished):
    resume = ["train", "ct-bit", "--out", unfinished, "--resume", "--set=training.steps=9"]
    fails(resume, r"resume: expected neither settings nor weights: both come from the run")


def test_resume_from_a_damaged_checkpoint(fails, unfinished):
    last = unfinished / "checkpoints" / "last.npz"
    last.write_bytes(last.read_bytes()[:300])
    resume = ["train", "ct-bit", "--out", unfinished, "--resume"]
    fails(resume, r"/last\.npz: cannot read checkpoint")
    assert last.exists()


# After training -------------------------------------------------------------------------------


def test_predict_with_one_truncated_image_among_good_ones(run, root, tmp_path, capsys):
    spoilt = sorted((root / "2A_images").iterdir())[4]
    spoilt.write_bytes(spoilt.read_bytes()[:-40])
    out = tmp_path / "predictions.csv"
    assert main(["predict", str(run), str(root / "2A_images"), "--out", str(out)]) == 3
    printed = capsys.readouterr()
    assert f"not answered: {spoilt}: truncated" in printed.err
    assert re.search(r"CP_10_1_0001.png +[\w-]+ +[01]\.\d{3}\n", printed.out)
    counts = re.findall(r"predicted [\w-]+: (\d+) image", printed.out)
    assert sum(map(int, counts)) == 17 and "wrote" in printed.out
    with out.open() as file:
        found = [row["status"].partition(":")[0] for row in csv.DictReader(file)]
    assert found.count("answered") == 17 and found.count("not answered") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("scan.nii.gz", r"/scan\.nii\.gz: .*volume"), ("scan.dcm", r"/scan\.dcm: .*multi-frame")],
)
def test_predict_without_an_answer(run, tmp_path, capsys, name, expected):
    nifti(tmp_path / "scan.nii.gz")
    multi_frame_dicom(tmp_path / "scan.dcm")
    out = tmp_path / "predictions.csv"
    assert main(["predict", str(run), str(tmp_path / name), "--out", str(out)]) == 3
    assert re.search(f"not answered: .*{expected}", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("model", "inputs", "expected"),
    [
        ("nowhere", "ct", r"/nowhere.*: expected a run folder or an export"),
        ("nowhere/model.keras", "ct", r"/nowhere.*: expected a run folder or an export"),
        (
            "run/other.keras",
            "ct",
            r"/other\.keras: expected a run folder, or the model\.keras in one",
        ),
        ("ct", "ct", r"/ct: not a run folder: no recipe\.json in it"),
        ("run", "nowhere.png", r"/nowhere\.png: file not found"),
        ("run", "empty", r"/empty: no PNG, JPEG or DICOM files in this folder"),
    ],
)
def test_predict(fails, run, root, tmp_path, model, inputs, expected):
    (tmp_path / "empty").mkdir()
    shutil.copy(run / "model.keras", run / "other.keras")
    out = tmp_path / "predictions.csv"
    fails(["predict", tmp_path / model, tmp_path / inputs, "--out", out], expected)
    assert not out.exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def put(path: Path, *keys_and_value) -> None:
    """Set a value of a JSON file."""
    *keys, last, value = keys_and_value
    whole = part = json.loads(path.read_text())
    for key in keys:
        part = part[key]
    part[last] = value
    path.write_text(json.dumps(whole))


DAMAGE = {
    "model": ("model.keras", cut, "evaluate", r"/model\.keras: expected the network"),
    "recipe": ("recipe.json", cut, "evaluate", r"/recipe\.json:\d+: not JSON"),
    "recipe of bytes": ("recipe.json", lambda p: p.write_bytes(b"\xff\xfe\0"), "report", r"UTF-8"),
    "old recipe": (
        "recipe.json",
        lambda p: p.write_text("{}"),
        "evaluate",
        r"/recipe\.json: not a recipe of this version",
    ),
    "fingerprint": ("fingerprint.json", lambda p: p.write_text("{}"), "evaluate", r"classes"),
    "classes in another order": (
        "fingerprint.json",
        lambda p: put(p, "classes", json.loads(p.read_text())["classes"][::-1]),
        "evaluate",
        r"/fingerprint\.json: expected the classes of this run",
    ),
    "classes as a text": (
        "fingerprint.json",
        lambda p: put(p, "classes", "ab"),
        "evaluate",
        r"/fingerprint\.json: classes: expected a list of different texts\. Received: \"ab\"",
    ),
    "batch 0": (
        "recipe.json",
        lambda p: put(p, "training", "batch", 0),
        "evaluate",
        r"/recipe\.json: training\.batch: expected 1 or more\. Received: 0",
    ),
    "a number as text": (
        "recipe.json",
        lambda p: put(p, "training", "batch", "64"),
        "evaluate",
        r"/recipe\.json: training\.batch: expected int\. Received: '64'",
    ),
    "another crop": (
        "recipe.json",
        lambda p: put(p, "input", "crop", 14),
        "evaluate",
        r"/recipe\.json: expected the recipe of this run, by fingerprint\.json",
    ),
    "a key missing": (
        "recipe.json",
        lambda p: put(p, "model", None),
        "evaluate",
        r"/recipe\.json: not a recipe of this version",
    ),
    "data as a number": (
        "environment.json",
        lambda p: put(p, "data", 7),
        "evaluate",
        r"/environment\.json: data: expected a text\. Received: 7",
    ),
    "NaN": (
        "metrics.json",
        lambda p: p.write_text('{"splits": NaN}'),
        "report",
        r"/metrics\.json: not JSON: NaN",
    ),
    "environment": ("environment.json", lambda p: p.write_text("[]"), "evaluate", r"json: damaged"),
    "split": ("split.csv", cut, "evaluate", r"/split\.csv: expected the split"),
    "predictions": (
        "predictions_val.csv",
        lambda p: p.write_text(p.read_text().replace("0.", "x.")),
        "evaluate",
        r"/predictions_val\.csv:2: expected a probability\. Received: 'x\.",
    ),
    "log": (
        "log.csv",
        lambda p: p.write_text("step\n1\n"),
        "evaluate",
        r"/log\.csv: expected rows with step",
    ),
    "log of text": (
        "log.csv",
        lambda p: p.write_text(p.read_text() + "oops\n"),
        "evaluate",
        r"/log\.csv",
    ),
    "metrics": ("metrics.json", cut, "report", r"/metrics\.json:\d+: not JSON"),
    "metrics list": ("metrics.json", lambda p: p.write_text("[1]"), "report", r"metrics\.json"),
    "metrics of text": (
        "metrics.json",
        lambda p: put(p, "splits", "test", "images", "six"),
        "report",
        r"/metrics\.json, splits, test, images: expected a whole number\. Received: \"six\"",
    ),
    "stamps of numbers": (
        "fingerprint.json",
        lambda p: put(p, "stamps", [7]),
        "report",
        r"/fingerprint\.json, stamps, 0: expected a text\. Received: 7",
    ),
    "changes as a number": (
        "recipe.json",
        lambda p: put(p, "changes", 7),
        "report",
        r"/recipe\.json, changes: expected a list\. Received: 7",
    ),
    "test log": (
        "test_log.csv",
        lambda p: p.write_text('"'),
        "evaluate",
        r"/test_log\.csv: cannot",
    ),
    "test log of others": (
        "test_log.csv",
        lambda p: p.write_text("a,b\n"),
        "evaluate",
        r"/test_log\.csv: expected the column set\. Received: \['a', 'b'\]",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_run(fails, run, kind):
    name, spoil, command, expected = DAMAGE[kind]
    spoil(run / name)
    fails([command, run], expected)


def test_predictions_of_a_split_are_written_anew(run):
    """`evaluate` predicts again, so a damaged file of that split does no harm."""
    cut(run / "predictions_test.csv")
    assert main(["evaluate", str(run)]) == 0
    assert len((run / "predictions_test.csv").read_text().splitlines()) == 7


def test_data_that_moved_away(fails, run):
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps(environment | {"data": "/nowhere/ct"}))
    fails(["evaluate", run], r"/nowhere/ct/2A_images/\w+\.png: file not found")


def test_export_over_something_else(fails, run):
    (run.parent / "mine").mkdir()
    (run.parent / "mine" / "notes.txt").touch()
    expected = r"/mine: exists and is not an exported model"
    for more in ([], ["--overwrite"]):
        fails(["export", run, "--out", run.parent / "mine", *more], expected)


@pytest.mark.slow
def test_export_over_an_export(fails, run):
    out = run.parent / "saved"
    export = ["export", str(run), "--format", "litert", "--out", str(out)]
    assert main(export) == 0
    (out / "mine").touch()
    fails(export, r"/saved: holds an export already; give another folder, or --overwrite")
    assert (out / "mine").exists()
    run_it = ["run", "ct-bit", "--out", run.parent / "new", "--export", out, *FAST]
    fails(run_it, r"/saved: holds an export already")
    assert not (run.parent / "new").exists()
    assert main([*export, "--overwrite"]) == 0
    assert not (out / "mine").exists() and (out / "model.tflite").exists()


@pytest.mark.parametrize("command", ["evaluate", "explain", "report"])
def test_a_run_that_another_process_writes_to(run, command, capsys):
    with locked(run):
        assert main([command, str(run)]) == 1
    expected = f"covid-keras: error: {run}: expected a folder that no other process writes to. Rec"
    assert expected in capsys.readouterr().err
    assert main([command, str(run)]) == 0


def test_training_into_a_folder_in_use(root, run, tmp_path, capsys):
    (run / "model.keras").unlink()
    audit = ["audit", "covidx-ct-2a", "--data", str(root), "--out", str(tmp_path / "audit")]
    resume = ["train", "ct-bit", "--out", str(run), "--resume"]
    new = train(root, tmp_path / "new")
    for folder, command in ((tmp_path / "new", new), (run, resume), (tmp_path / "audit", audit)):
        with locked(folder):
            assert main(command) == 1
        expected = f"{folder}: expected a folder that no other process writes to. Received: one"
        assert expected in capsys.readouterr().err
    assert not (tmp_path / "new").exists() and (run / "checkpoints" / "last.npz").exists()


def test_hidden_files_among_results(run):
    """A killed process may leave them, and macOS does."""
    for folder, name in (("figures", ".x.png"), ("figures", "._roc.png"), ("ablations", ".x.csv")):
        (run / folder).mkdir(exist_ok=True)
        (run / folder / name).write_bytes(b"hidden")
    (run / ".predictions_x.csv").touch()
    assert main(["evaluate", str(run)]) == 0 and main(["report", str(run)]) == 0
    assert base64.b64encode(b"hidden").decode() not in (run / "report.html").read_text()


def test_external_test_needs_both_options(fails, run):
    fails(["evaluate", run, "--data", run], r"dataset and data: expected both or neither")


@pytest.mark.parametrize("count", ["0", "-2"])
def test_count(fails, run, count):
    fails(["explain", run, f"--count={count}"], rf"count: expected 1 or more\. Received: {count}")


def test_folds_and_seeds_that_do_not_fit(fails, root, out):
    given = ["train", "ct-bit", "--data", root, "--out", out, *FAST]
    fails([*given, "--folds", "0", "1"], r"folds: expected data\.split=kfold\. Received: default")
    fails([*given, "--seeds", "0", "1", "--minutes", "0"], r"minutes: expected more than 0")
    for option in (["--batched"], ["--minutes", "3"]):
        fails([*given, *option], r"batched, minutes: expected seeds or folds as well")
    assert not out.exists()
