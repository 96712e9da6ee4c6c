"""What the maps of a run are worth: on its test images, on others, in its files and pages."""

import cv2
import numpy as np
import pytest
import tiny
from metrics_schema import VALIDATOR

import covid_keras
from covid_keras.explain.map_scores import score_maps
from covid_keras.metrics.faithfulness import FAITHFULNESS
from covid_keras.metrics.map_sentences import sanity_line
from covid_keras.runs.inference import load_trained
from covid_keras.runs.maps_file import add_scores, read_maps
from covid_keras.training import fit
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run whose val and test images have masks: their upper left quarter."""
    run = tiny.start_run(tmp_path_factory.mktemp("maps"))
    fit.train(run)
    write_masks(run.split("val", "test")["image"], run.data_root(), masks_of(run))
    return run


def masks_of(run):
    return run.path.parent / "masks"


def write_masks(images, root, folder, share=0.5):
    for image in images:
        height, width = cv2.imread(str(root / image), cv2.IMREAD_GRAYSCALE).shape
        mask = np.zeros((height, width), np.uint8)
        mask[: int(share * height), : int(share * width)] = 255
        file = (folder / image).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), mask)


def upper_left(images, labels):
    """A perfect map."""
    maps = np.zeros(images.shape[:3], np.float32)
    maps[:, : images.shape[1] // 2, : images.shape[2] // 2] = 1
    return maps


def scored(run, masks, **options):
    makers = {"perfect": upper_left, "blind": lambda images, labels: 1 - upper_left(images, labels)}
    trained, records = load_trained(run.path), run.split("test", "val")
    return score_maps(trained, records, run.data_root(), masks, makers, **options)


def test_a_perfect_map_beats_the_centre_and_a_blind_one_does_not(run):
    result = scored(run, masks_of(run))
    maps, test = result["maps"], run.split("test")
    assert [*maps] == ["perfect", "blind", "random", "centre", "sobel"]
    assert result["images"] == result["patients"] == len(test)
    assert result["val_images"] == len(run.split("val"))
    assert result["area"] == pytest.approx(0.25, abs=0.05)
    for score, entry in maps["perfect"].items():
        assert entry["value"] == pytest.approx(1, abs=0.05), score
        assert entry["lead_low"] > 0, score
        assert maps["blind"][score]["value"] < 0.3, score
    assert maps["random"]["mass"]["value"] == pytest.approx(0.25, abs=0.05)


def test_a_map_is_faithful_to_what_the_network_reads(run):
    """The tiny network reads the mean grey level, so no pixel counts more than another."""
    found = scored(run, masks_of(run), faithful=3)["faithfulness"]
    assert found["images"] == found["patients"] == 3
    assert set(found["maps"]["perfect"]) == set(FAITHFULNESS)
    for name in ("perfect", "random"):
        assert found["maps"][name]["road"]["value"] == pytest.approx(0.5, abs=0.1), name


def test_images_without_a_mask_are_left_out_and_no_val_mask_no_tuned_threshold(run, tmp_path):
    write_masks(run.split("test")["image"].iloc[:2], run.data_root(), tmp_path)
    result = scored(run, tmp_path)
    assert (result["images"], result["val_images"]) == (2, 0)
    assert "miou_val" not in result["maps"]["perfect"]


def test_lung_masks_are_one_more_reference(run, tmp_path):
    write_masks(run.split("test")["image"].iloc[:3], run.data_root(), tmp_path, share=1)
    result = scored(run, masks_of(run), lungs=tmp_path)
    assert result["images"] == 3
    lungs = result["maps"]["lungs"]["average_precision"]["value"]
    assert lungs == pytest.approx(result["area"])


def test_empty_masks_are_refused(run, tmp_path):
    write_masks(run.split("test")["image"], run.data_root(), tmp_path, share=0)
    with pytest.raises(InputError, match="expected masks of images of the set, not empty"):
        scored(run, tmp_path)


def test_explain_writes_and_says_it_and_the_pages_repeat_it(run, capsys):
    covid_keras.evaluate(run)
    written = covid_keras.explain(run, masks=masks_of(run), sanity=2, count=1)
    assert written[-1] == run.maps_file and written.count(run.maps_file) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert sanity_line("gradcam", read_maps(run)["sanity"]["gradcam"]) in said
    sentence = read_json(run.metrics_file)["maps"]["test"]["gradcam"]["sentence"]
    assert sentence in said and "the centre prior (" in sentence
    VALIDATOR.validate(read_json(run.metrics_file))
    covid_keras.evaluate(run)  # writes metrics.json anew
    assert read_json(run.metrics_file)["maps"]["test"]["gradcam"]["sentence"] == sentence
    for page in covid_keras.report(run):
        assert sentence in " ".join(page.read_text().split()), page  # no-break spaces too
    assert "Other scores of the maps, test" in run.report_file.read_text()


def test_other_images(run, tmp_path, capsys):
    images = tmp_path / "images" / "dark"
    images.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(3):
        pixels = rng.integers(0, 255, (20, 20), np.uint8)
        cv2.imwrite(str(images / f"{number}.png"), pixels)
    write_masks([f"{number}.png" for number in range(3)], images, tmp_path / "masks")
    options = {"dataset": "folder", "data": tmp_path / "images", "masks": tmp_path / "masks"}
    assert covid_keras.explain(run, name="other", **options) == [run.maps_file]
    assert read_maps(run)["scores"]["other"]["images"] == 3
    with pytest.raises(InputError, match="expected one that is no split"):
        covid_keras.explain(run, name="test", **options)
    with pytest.raises(InputError, match="expected masks of the disease"):
        covid_keras.explain(run, **options | {"masks": None})


def test_another_method_on_the_same_images_joins_the_first(run):
    entry = {"value": 0.5, "low": 0.4, "high": 0.6, "method": "9 images; logit"}
    entry |= {"lead": 0.1, "lead_low": 0.0, "lead_high": 0.2}

    def result(method, images):
        maps = {name: {"average_precision": entry} for name in (method, "centre")}
        return {"images": images, "patients": 4, "val_images": 0, "area": 0.2, "maps": maps}

    for method, images, kept in (("a", 4, "a"), ("b", 4, "ab"), ("c", 5, "c")):
        add_scores(run, "joined", result(method, images))
        assert {*read_maps(run)["scores"]["joined"]["maps"]} == {*kept, "centre"}
    add_scores(run, "joined", result("d", 5) | {"faithfulness": result("d", 2)})
    add_scores(run, "joined", result("e", 5) | {"faithfulness": result("e", 2)})
    add_scores(run, "joined", result("f", 5))
    joined = read_maps(run)["scores"]["joined"]
    assert {*joined["maps"]} == {*"cdef", "centre"}
    assert {*joined["faithfulness"]["maps"]} == {*"de", "centre"}
    for method in ("smoothgrad", "gradcam at stem", "occlusion"):
        add_scores(run, "joined", result(method, 5))
    order = [*read_maps(run)["scores"]["joined"]["maps"]]
    assert [order[0], order[-1]] == ["gradcam at stem", "centre"]
    assert order.index("occlusion") < order.index("smoothgrad")


def test_masks_of_other_images_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="expected masks named like the images"):
        scored(run, tmp_path)


def test_without_patient_ids_images_are_the_units(run):
    trained, records = load_trained(run.path), run.split("test").assign(patient="")
    found = score_maps(trained, records, run.data_root(), masks_of(run), {"perfect": upper_left})
    assert found["patients"] is None
    assert f"{len(records)} images" in found["maps"]["random"]["mass"]["method"]
