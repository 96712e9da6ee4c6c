from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_images import digest

from covid_keras.phantom import make_phantom, phantom_folder
from covid_keras.phantom.anatomy import LEFT, RIGHT, Chest, Level
from covid_keras.phantom.grid import Grid, Textures
from covid_keras.phantom.lesions import COVID, NORMAL, PNEUMONIA, draw_findings
from covid_keras.phantom.scanner import SCANNERS, Patient, disease, scan
from covid_keras.phantom.vessels import draw_vessels, grow_tree
from covid_keras.utils.errors import InputError

SMALL = {"patients": 30, "slices": 3, "size": 96}
SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    return make_phantom(tmp_path_factory.mktemp("phantom") / "ct", **SMALL)


@pytest.fixture(scope="module")
def rows(phantom) -> list[tuple[str, str, int, tuple[int, ...]]]:
    """(split, file, class, box)"""
    found = []
    for split in SPLITS:
        for line in (phantom / f"{split}_phantom-ct.txt").read_text().splitlines():
            name, kind, *box = line.split(" ")
            found.append((split, name, int(kind), tuple(map(int, box))))
    return found


def test_layout(phantom, rows):
    names = [f"{split}_phantom-ct.txt" for split in SPLITS] + ["README.txt", "phantom.json"]
    assert {path.name for path in phantom.iterdir()} == {*names, "images", "masks", "lung_masks"}
    for folder in ("images", "lung_masks"):
        assert {path.name for path in (phantom / folder).iterdir()} == {row[1] for row in rows}
    assert len(rows) == 90
    assert "NOT PATIENTS" in (phantom / "README.txt").read_text()
    image = cv2.imread(str(phantom / "images" / rows[0][1]), cv2.IMREAD_UNCHANGED)
    assert image.shape == (96, 96)
    assert image.dtype == np.uint8


def test_classes_and_sources_are_balanced_in_each_split(rows):
    patients = {(split, name.split("_")[0], kind) for split, name, kind, _ in rows}
    for split, number in zip(SPLITS, (6, 2, 2), strict=True):
        for kind in (NORMAL, PNEUMONIA, COVID):
            names = [n for s, n, k in patients if s == split and k == kind]
            assert len(names) == number
            assert sum(n.startswith("phantomA") for n in names) == number / 2


def test_no_patient_is_in_two_splits_or_two_classes(rows):
    seen = defaultdict(set)
    for split, name, kind, _ in rows:
        seen[name.split("-")[1].split("_")[0]].add((split, kind))
    assert len(seen) == 30
    assert all(len(found) == 1 for found in seen.values())


def test_boxes_hold_the_body_tightly(phantom, rows):
    for _, name, _, (x0, y0, x1, y1) in rows:
        assert 0 <= x0 < x1 <= 96
        assert 0 <= y0 < y1 <= 96
        image = cv2.imread(str(phantom / "images" / name), cv2.IMREAD_GRAYSCALE)
        bright = (image > 170).astype(np.uint8)  # the couch is thinner than 3 pixels
        bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((4, 4), np.uint8))
        x, y, width, height = cv2.boundingRect(bright)
        assert x0 - 1 <= x
        assert y0 - 1 <= y
        assert x + width <= x1 + 1
        assert y + height <= y1 + 1
        assert width * height > 0.85 * (x1 - x0) * (y1 - y0)


def test_same_seed_same_bytes_and_another_seed_other_bytes(phantom, tmp_path):
    again = make_phantom(tmp_path / "again", **SMALL)
    assert digest(again) == digest(phantom)
    other = make_phantom(tmp_path / "other", **SMALL | {"seed": 1})
    images = [{v for k, v in digest(f).items() if k.endswith(".png")} for f in (phantom, other)]
    assert not images[0] & images[1]


def test_a_complete_phantom_is_kept_and_another_is_replaced(tmp_path, capsys):
    folder, few = tmp_path / "ct", {"patients": 15, "slices": 1, "size": 64}
    make_phantom(folder, **few)
    assert "15/15" in capsys.readouterr().err
    written = (folder / "phantom.json").stat().st_mtime_ns
    make_phantom(folder, **few)
    assert (folder / "phantom.json").stat().st_mtime_ns == written
    make_phantom(folder, **few | {"slices": 2})
    assert len(list((folder / "images").iterdir())) == 30


def test_other_folders_are_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="expected no such folder, an empty one or an older"):
        make_phantom(tmp_path, **SMALL)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("bad", [{"patients": 3}, {"slices": 0}, {"size": 8}, {"seed": -1}])
def test_bad_arguments(bad, tmp_path):
    (name,) = bad
    with pytest.raises(InputError, match=rf"{name}: expected \d+ or more. Received"):
        make_phantom(tmp_path / "ct", **SMALL | bad)
    assert not (tmp_path / "ct").exists()


def test_an_interrupted_phantom_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("cv2.imencode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_phantom(tmp_path / "ct", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path))
    assert phantom_folder("phantom-ct").parent == tmp_path
    monkeypatch.delenv("COVID_KERAS_CACHE")
    assert "covid_keras" in str(phantom_folder("phantom-ct"))


@pytest.fixture(scope="module")
def materials():
    rng = np.random.default_rng(3)
    return Textures.make(256, rng), [grow_tree(rng, 1500)]


def _slices(kind: int, materials, patients: int, at: float = 0.6):
    """(image, mask of the lungs, grid, level) of one slice each; 0.6 is the level of the heart."""
    textures, trees = materials
    rng = np.random.default_rng(11)
    for number in range(patients):
        patient = Patient.draw(draw_findings(kind, rng), SCANNERS[number % 2], trees, rng)
        image, _ = scan(patient, at, 256, textures, rng)
        grid, level = patient.grid(256), Level(patient.chest, at)
        lungs = cv2.erode(level.lungs(grid), np.ones((5, 5), np.uint8)) > 0
        yield image, lungs, grid, level


def test_lungs_are_dark_and_the_body_is_bright(materials):
    for image, lungs, grid, level in _slices(NORMAL, materials, 4):
        assert 55 < np.median(image[lungs]) < 125  # -1030 to -615 HU
        heart = grid.pixels(np.array([14.0, -0.24 * level.half_axes[1]])).astype(int)
        assert image[heart[1] - 5 : heart[1] + 5, heart[0] - 5 : heart[0] + 5].mean() > 215


def test_vessels_fill_the_lung_and_thin_out_towards_the_chest_wall(materials):
    tree = materials[1][0]
    radius = [
        tree.radius[(tree.end[:, 0] > a) & (tree.end[:, 0] < b)] for a, b in ((0, 0.3), (0.7, 1))
    ]
    assert radius[0].max() > 3 > 2 > radius[1].max()  # mm
    level = Level(Chest.draw(np.random.default_rng(0)), 0.5)
    grid = Grid(512, 1.4, (256, 256))
    lungs = level.lungs(grid) > 0
    vessels = draw_vessels(grid, level, {RIGHT: tree, LEFT: tree}, slab=5) > 100
    assert 0.02 < vessels[lungs].mean() < 0.15
    assert vessels[~lungs].sum() < 0.1 * vessels.sum()


def test_disease_lies_where_the_papers_say(materials):
    """COVID-19 in the outer half of the lung, pneumonia in one lung more than in the other."""
    outer, sides = {}, {}
    for kind in (PNEUMONIA, COVID):
        outer[kind], sides[kind] = [], []
        for image, lungs, grid, level in _slices(kind, materials, 24):
            dense = (cv2.medianBlur(image, 9) > 125) & lungs
            x, y = grid.axes()
            wall = level.wall(y / level.half_axes[1])
            periphery = (np.abs(x) > 0.62 * wall) & lungs
            outer[kind].append((dense & periphery).sum() / max(dense.sum(), 1))
            halves = [(dense & lungs & (x * side > 0)).sum() for side in (RIGHT, LEFT)]
            sides[kind].append(abs(halves[0] - halves[1]) / max(sum(halves), 1))
    assert np.mean(outer[COVID]) > np.mean(outer[PNEUMONIA]) + 0.1
    assert np.mean(sides[PNEUMONIA]) > np.mean(sides[COVID]) + 0.1


def test_disease_is_denser_than_health_and_varies(materials):
    share = {}
    for kind in (NORMAL, PNEUMONIA, COVID):
        share[kind] = [
            ((cv2.medianBlur(image, 9) > 125) & lungs).sum() / lungs.sum()
            for at in (0.3, 0.6)
            for image, lungs, _, _ in _slices(kind, materials, 20, at)
        ]
    for kind in (PNEUMONIA, COVID):
        assert np.median(share[kind]) > 2 * np.median(share[NORMAL]) + 0.03
        assert np.min(share[kind]) < np.max(share[NORMAL])  # mild disease overlaps with health


def test_masks_are_of_slices_with_disease_and_inside_the_lungs(phantom, rows):
    paths = (phantom / "masks").iterdir()
    masks = {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths}
    boxes = {name: box for _, name, kind, box in rows if kind != NORMAL}
    assert set(masks) <= set(boxes) and len(masks) > 0.8 * len(boxes)
    for name, mask in masks.items():
        lungs = cv2.imread(str(phantom / "lung_masks" / name), cv2.IMREAD_UNCHANGED)
        assert set(np.unique(lungs)) == {0, 255} and (lungs[mask > 0] == 255).all()
        assert lungs.mean() > mask.mean()
        x0, y0, x1, y1 = boxes[name]
        assert mask.shape == (96, 96) and set(np.unique(mask)) == {0, 255}
        assert mask[y0:y1, x0:x1].sum() == mask.sum()


def test_the_lung_is_denser_where_the_mask_is(materials):
    textures, trees = materials
    rng, denser = np.random.default_rng(5), []
    for number in range(20):
        findings = draw_findings((PNEUMONIA, COVID)[number % 2], rng)
        patient = Patient.draw(findings, SCANNERS[number % 2], trees, rng)
        image, _ = scan(patient, 0.6, 256, textures, rng)
        mask = disease(patient, 0.6, 256, textures) > 0
        around = (Level(patient.chest, 0.6).lungs(patient.grid(256)) > 0) & ~mask
        if mask.sum() > 50:
            denser.append(np.median(image[mask]) - np.median(image[around]))
    assert len(denser) > 10 and np.mean(np.array(denser) > 15) > 0.9


def test_what_is_as_frequent_in_health_is_in_no_mask(materials):
    textures, trees = materials
    rng = np.random.default_rng(5)
    for number in range(10):
        patient = Patient.draw(draw_findings(NORMAL, rng), SCANNERS[number % 2], trees, rng)
        assert not disease(patient, 0.6, 256, textures).any()


def test_slices_of_one_patient_look_alike(phantom, rows):
    by_patient = defaultdict(list)
    for _, name, _, _ in rows:
        image = cv2.imread(str(phantom / "images" / name), cv2.IMREAD_GRAYSCALE)
        by_patient[name.split("_")[0]].append(cv2.resize(image, (24, 24)).astype(float))
    own = [np.abs(s[0] - s[1]).mean() for s in by_patient.values()]
    first = [slices[0] for slices in by_patient.values()]
    others = [np.abs(a - b).mean() for a, b in pairwise(first)]
    assert np.median(own) < 0.7 * np.median(others)


@pytest.mark.parametrize("shortcut", ["mean", "deviation", "bytes", "box"])
def test_no_simple_shortcut_tells_the_classes(phantom, rows, shortcut):
    values = []
    for _, name, _, (x0, y0, x1, y1) in rows:
        path = phantom / "images" / name
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        all_values = {"mean": image.mean(), "deviation": image.std()}
        all_values |= {"bytes": path.stat().st_size, "box": (x1 - x0) * (y1 - y0)}
        values.append(all_values[shortcut])
    kinds, values = np.array([row[2] for row in rows]), np.array(values)
    for kind in (NORMAL, PNEUMONIA, COVID):
        inside, outside = values[kinds == kind, None], values[kinds != kind]
        auc = (inside > outside).mean() + (inside == outside).mean() / 2
        assert 0.2 < auc < 0.8


def test_chest_is_wider_at_the_heart_than_at_the_apex():
    chest = Chest.draw(np.random.default_rng(0))
    apex, heart = Level(chest, 0.05).half_axes, Level(chest, 0.6).half_axes
    assert heart[0] > 1.4 * apex[0]
    row = np.array([-0.2])
    level = Level(chest, 0.65)
    assert level.mediastinum(row, LEFT) > level.mediastinum(row, RIGHT) + 20  # the heart
