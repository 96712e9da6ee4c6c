"""Prediction of new files: pixels as the network takes them, the table, and Grad-CAM pictures."""

import json
import os
import shutil
from pathlib import Path

import keras
import made_dicom
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tiny
from made_images import write_images
from made_runs import tie

from covid_keras.datasets.records import load_records
from covid_keras.export import graph
from covid_keras.export.export import export
from covid_keras.pipeline.batches import evaluation_batches
from covid_keras.predict.pixels import batches, preprocess
from covid_keras.predict.predict import predict
from covid_keras.predict.rows import EVIDENCE, KNOWN
from covid_keras.runs.inference import load_trained
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on tiny images, with the automatic body crop in its geometry."""
    folder = tmp_path_factory.mktemp("predict")
    run = tiny.start_run(folder, input_box="body", input_resize=40, input_crop=(32, 36))
    fit.train(run)
    return run


@pytest.fixture(scope="module")
def exported(run):
    return export(run.path, run.path.parent / "saved")


@pytest.fixture(scope="module")
def images(run):
    return sorted(run.data_root().glob("*.png"))


def test_pixels_are_those_of_the_pipeline_and_of_the_exported_graph(run, exported, images):
    trained = load_trained(run.path)
    batches = evaluation_batches(trained.samples(run.split(), run.data_root()), 5)
    fed = np.concatenate([batches.read(number)["image"] for number in batches.numbers])
    files = [run.data_root() / image for image in run.split()["image"]]
    assert len(fed) == len(files) == len(images)
    for file, expected in zip(files, fed, strict=True):
        for model in (run.path, run.model_file, exported):
            pixels = preprocess(file, model)
            assert pixels.dtype == np.uint8 and pixels.shape == (32, 36)
            np.testing.assert_array_equal(pixels, expected[..., 0])
        computed = graph.prepare(tf.constant(file.read_bytes()), trained.recipe.input)
        np.testing.assert_array_equal(computed[..., 0], expected[..., 0])


def test_records_come_in_batches_as_the_network_takes_them(run, exported, images):
    records = load_records("folder", run.data_root()).iloc[::-1]
    for model in (run, run.path, run.model_file, exported):
        pairs = list(batches(records, run.data_root(), model, size=10))
        assert [len(labels) for _, labels in pairs] == [10, 10, 4]
        pixels, labels = map(np.concatenate, zip(*pairs, strict=True))
        assert pixels.dtype == np.uint8 and labels.dtype == np.int32
        assert labels.tolist() == [run.classes().index(label) for label in records["label"]]
        for image, shown in zip(records["image"], pixels, strict=True):
            np.testing.assert_array_equal(shown[..., 0], preprocess(run.data_root() / image, run))
    pixels, labels = next(batches(records, run.data_root() / "labels.csv", "ct-networks", size=2))
    assert pixels.shape == (2, 253, 349, 1) and set(labels) <= {0, 1}
    unknown = records.assign(label="neither")
    assert set(next(batches(unknown, run.data_root(), run))[1]) == {-1}


def test_preprocess_takes_one_image_and_a_run(run, images, tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        preprocess(images[0], tmp_path)
    with pytest.raises(InputError, match="file not found"):
        preprocess(tmp_path / "none.png", run.path)
    with pytest.raises(InputError):
        preprocess(run.data_root(), run.path)


def test_the_table_holds_one_row_an_image_and_equals_the_csv(run, exported, images, tmp_path):
    out = tmp_path / "new" / "predictions.csv"
    table = predict(run.path, [images[0].parent], out=out)
    assert table.columns.tolist() == [*KNOWN, "status", "predicted", *tiny.CLASSES, *EVIDENCE]
    assert table["image"].tolist() == [str(image) for image in images]
    assert (table.dtypes[list(tiny.CLASSES)] == np.float32).all()
    best = table[list(tiny.CLASSES)].to_numpy().argmax(axis=1)
    assert table["predicted"].tolist() == [tiny.CLASSES[number] for number in best]
    assert set(table["source"]) == {str(images[0].parent)} and set(table["status"]) == {"answered"}
    written = pd.read_csv(out, keep_default_na=False)
    pd.testing.assert_frame_equal(written, table, check_dtype=False, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["savedmodel", "onnx", "openvino", "litert"])
def test_every_export_answers_as_the_run(run, images, tmp_path, format):
    if format in ("onnx", "openvino"):
        pytest.importorskip(format)
    folder = export(run.path, tmp_path / format, format=format)
    mine, other = (predict(model, images[:3]) for model in (run.path, folder))
    pd.testing.assert_frame_equal(mine, other, atol=1e-5)
    for image in images[:3]:
        np.testing.assert_array_equal(preprocess(image, folder), preprocess(image, run.path))


def test_json_lines_hold_the_same(run, images, tmp_path):
    table = predict(run.path, images[:2], out=tmp_path / "answers.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == table["image"].tolist()
    for line, (_, row) in zip(lines, table.iterrows(), strict=True):
        assert set(line) == {"level", *KNOWN, "status", "predicted", "probabilities", *EVIDENCE}
        assert line["probabilities"] == pytest.approx(dict(row[list(tiny.CLASSES)]), rel=1e-6)


@pytest.mark.parametrize("format", ["run", "savedmodel"])
def test_an_unreadable_image_leaves_the_others_their_answers(
    run, exported, images, tmp_path, format
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(images[0].read_bytes()[:40])
    out = tmp_path / "answers.jsonl"
    model = run.path if format == "run" else exported
    table = predict(model, [images[0], broken, images[1]], out=out)
    assert table["status"].str.startswith("not answered: truncated").tolist() == [0, 1, 0]
    assert table.loc[1, list(tiny.CLASSES)].isna().all() and table["predicted"][1] == ""
    alone = predict(model, images[:2])
    np.testing.assert_allclose(
        table.loc[[0, 2], list(tiny.CLASSES)].astype(float), alone[list(tiny.CLASSES)], atol=1e-6
    )
    assert json.loads(out.read_text().splitlines()[1])["probabilities"] is None


def test_an_image_counts_once(run, images, tmp_path):
    folder = images[0].parent
    (tmp_path / "link.png").symlink_to(images[3])
    given = [images[1], folder, images[1], tmp_path / "link.png", folder / ".." / folder.name]
    table = predict(run.path, given)
    assert sorted(table["image"]) == [str(image) for image in images]
    assert table["source"].value_counts().to_dict() == {str(folder): 23, str(images[1]): 1}


def test_no_patient_id_leaves_in_clear(run, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    for number in (1, 2):
        pixels = np.arange(1600, dtype=np.uint16).reshape(40, 40) * number
        data = made_dicom.encode(made_dicom.xray(pixels, PatientID="Doe^Jane"))
        (scans / f"{number}.dcm").write_bytes(data)
    table = predict(run.path, scans, out=tmp_path / "out.csv")
    assert table["patient"].nunique() == 1 and table["patient"][0] != ""
    assert "Doe" not in (tmp_path / "out.csv").read_text()


def test_nothing_is_predicted_before_the_place_of_the_answers_is_known(run, images, tmp_path):
    (tmp_path / "kept.csv").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    for out, expected in {
        "kept.csv": "exists already; give another --out, or --overwrite",
        "folder.csv": "expected a file to write. Received: a folder",
        "answers.txt": r"expected a name that ends in .csv or .jsonl",
    }.items():
        with pytest.raises(InputError, match=expected):
            predict(run.path, images[0], out=tmp_path / out)
    assert (tmp_path / "kept.csv").read_text() == "mine"
    predict(run.path, images[0], out=tmp_path / "kept.csv", overwrite=True)
    assert (tmp_path / "kept.csv").read_text().startswith("image,")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match=r"pipe\.png: .*neither a file nor a folder"):
        predict(run.path, tmp_path / "pipe.png")


def test_gradcam_pictures_are_drawn_when_asked(run, exported, tmp_path):
    pixels = np.full((40, 50), 90, np.uint8)
    image = write_images(tmp_path, {"cost $1 $2^.png": pixels}) / "cost $1 $2^.png"
    predict(run.path, image, gradcam=tmp_path / "maps")
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["0000_cost $1 $2^.png"]
    with pytest.raises(InputError, match="holds files already"):
        predict(run.path, image, gradcam=tmp_path / "maps")
    with pytest.raises(InputError, match="Grad-CAM needs the run folder"):
        predict(exported, image, gradcam=tmp_path / "others")


def test_the_answers_are_written_whatever_happens_to_pictures(run, images, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        predict(run.path, images[0], out=tmp_path / "a.csv", gradcam=tmp_path / "file" / "maps")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_calls_in_a_loop_compile_once_and_a_changed_run_anew(run, images, tmp_path, monkeypatch):
    copy = Run(Path(shutil.copytree(run.path, tmp_path / "copy")))
    compiled, make = [], keras.Model.make_predict_function

    def counted(self, *arguments):
        compiled.extend([] if self.predict_function else [self])
        return make(self, *arguments)

    monkeypatch.setattr(keras.Model, "make_predict_function", counted)
    each = pd.concat([predict(copy, image) for image in images[:3]], ignore_index=True)
    assert len(compiled) == 1
    pd.testing.assert_frame_equal(each, predict(run, images[:3]))
    network = load_trained(copy.path).network
    network.get_layer("head").set_weights([0 * w for w in network.get_layer("head").get_weights()])
    network.save(copy.model_file)
    tie(copy.path)
    assert predict(copy, images[0])["dark"].item() == pytest.approx(0.5)
