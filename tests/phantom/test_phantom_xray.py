"""The X-ray phantom: its files, its guarantees, and whether the films show what they should."""

import dataclasses
import functools
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_images import digest

from covid_keras.cli.main import main
from covid_keras.datasets.records import load_records
from covid_keras.datasets.verify import verify
from covid_keras.phantom import MAKERS, make_phantom, make_phantom_xray, phantom_folder
from covid_keras.phantom.anatomy import LEFT, RIGHT
from covid_keras.phantom.grid import Grid, Textures
from covid_keras.phantom.lesions import COVID, NORMAL, PNEUMONIA
from covid_keras.phantom.radiograph import DEPARTMENTS, Subject, expose, line_integrals
from covid_keras.phantom.radiograph_anatomy import Thorax, heart, tissue
from covid_keras.phantom.radiograph_bones import bones
from covid_keras.phantom.radiograph_findings import Findings, draw_findings, opacity
from covid_keras.phantom.vessels import grow_tree
from covid_keras.utils.errors import InputError

SMALL = {"patients": 30, "size": 96}
FEW = {"patients": 15, "size": 64}
CLASSES = ("No_findings", "Pneumonia", "Covid-19")
KINDS = (NORMAL, PNEUMONIA, COVID)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    return make_phantom_xray(tmp_path_factory.mktemp("phantom") / "xray", **SMALL)


@pytest.fixture(scope="module")
def records(phantom):
    return load_records("phantom-xray", phantom)


def test_layout(phantom, records):
    names = {"README.txt", "phantom.json", "labels.csv", "images"}
    assert {path.name for path in phantom.iterdir()} == names
    assert {f"images/{path.name}" for path in (phantom / "images").iterdir()} == set(
        records["image"]
    )
    assert "SYNTHETIC PHANTOM. THESE ARE NOT PATIENTS." in (phantom / "README.txt").read_text()
    image = cv2.imread(str(phantom / records["image"][0]), cv2.IMREAD_UNCHANGED)
    assert image.shape == (96, 96)
    assert image.dtype == np.uint8


def test_records_say_what_the_names_say(records):
    name = records["image"].str.extract(r"images/((phantom[AB])-\d{4})_([12])\.png")
    assert (name[0] == records["patient"]).all()
    assert (name[1] == records["source"]).all()
    assert set(records["label"]) == set(CLASSES)


def test_a_users_own_csv_reader_reads_it_too(phantom, records):
    assert load_records("folder", phantom).equals(records)


def test_verify_finds_nothing_wrong(phantom):
    report = verify("phantom-xray", phantom)
    assert report.problems == ()
    assert report.patients == {"train": 18, "val": 6, "test": 6}


def test_verify_names_a_label_that_is_no_class_and_a_missing_file(tmp_path):
    make_phantom_xray(tmp_path / "x", **FEW)
    labels = tmp_path / "x" / "labels.csv"
    labels.write_text(labels.read_text().replace("Covid-19", "Covid", 1))
    problems = verify("phantom-xray", tmp_path / "x").problems
    assert len(problems) == 1
    assert "expected a class of No_findings, Pneumonia, Covid-19. Received: Covid" in str(
        problems[0]
    )
    labels.unlink()
    with pytest.raises(InputError, match=r"labels\.csv: label file not found"):
        load_records("phantom-xray", tmp_path / "x")


def test_no_patient_is_in_two_splits_or_two_classes(records):
    by_patient = records.groupby("patient")
    assert len(by_patient) == 30
    assert records["patient"].str[-4:].nunique() == 30
    assert (by_patient[["split", "label", "source"]].nunique() == 1).all(axis=None)
    assert set(by_patient.size()) == {1, 2}


def test_the_source_does_not_tell_the_class(records):
    patients = records.drop_duplicates("patient")
    for split, each in (("train", 3), ("val", 1), ("test", 1)):
        table = patients[patients["split"] == split].groupby(["label", "source"]).size()
        assert table.tolist() == [each] * 6
    films = records.groupby(["label", "source"]).size()
    assert films.tolist() == [7] * 6


def test_same_seed_same_bytes_and_another_seed_other_bytes(tmp_path):
    first, again = (make_phantom_xray(tmp_path / name, **FEW) for name in "ab")
    assert digest(again) == digest(first)
    other = make_phantom_xray(tmp_path / "other", **FEW, seed=1)
    images = [{v for k, v in digest(f).items() if k.endswith(".png")} for f in (first, other)]
    assert not images[0] & images[1]


def test_a_complete_phantom_is_kept_and_another_is_replaced(tmp_path, capsys):
    folder = tmp_path / "x"
    make_phantom_xray(folder, **FEW)
    films = len(list((folder / "images").iterdir()))
    assert f"{films}/{films}" in capsys.readouterr().err
    written = (folder / "phantom.json").stat().st_mtime_ns
    make_phantom_xray(folder, **FEW)
    assert (folder / "phantom.json").stat().st_mtime_ns == written
    make_phantom(folder, **FEW, slices=1)  # the same numbers, but the other phantom
    assert not (folder / "labels.csv").exists()


def test_other_folders_are_never_replaced_and_nothing_is_left_half_made(tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("cv2.imencode", interrupt)
        make_phantom_xray(tmp_path / "x", **FEW)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="expected no such folder, an empty one or an older"):
        make_phantom_xray(tmp_path, **FEW)


@pytest.mark.parametrize("bad", [{"patients": 3}, {"size": 8}, {"seed": -1}])
def test_bad_arguments(bad, tmp_path):
    (name,) = bad
    with pytest.raises(InputError, match=rf"{name}: expected \d+ or more. Received"):
        make_phantom_xray(tmp_path / "x", **FEW | bad)
    assert not (tmp_path / "x").exists()


def test_the_phantoms_are_kept_apart(monkeypatch, tmp_path):
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path))
    assert phantom_folder("phantom-ct") != phantom_folder("phantom-xray")


def test_the_command_makes_it_and_says_what_comes_next(tmp_path, capsys, monkeypatch):
    small = functools.partial(make_phantom_xray, size=64)
    monkeypatch.setitem(MAKERS, "phantom-xray", small)
    arguments = ["data", "phantom", "--kind", "xray", "--out", str(tmp_path / "x")]
    assert main([*arguments, "--slices", "3"]) != 0
    assert "--slices 3: only for --kind ct" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert main([*arguments, "--patients", "15"]) == 0
    said = capsys.readouterr().out
    assert len(load_records("phantom-xray", tmp_path / "x")) == len(
        list((tmp_path / "x/images").iterdir())
    )
    assert f"train xray-3class --dataset phantom-xray --data {tmp_path / 'x'} --quick" in said


@pytest.fixture(scope="module")
def materials():
    rng = np.random.default_rng(3)
    return Textures.make(192, rng), [grow_tree(rng, 800, reach=(0.15, 0.4))]


@pytest.fixture(scope="module")
def chest():
    """(thorax, grid of 192 pixels) of one healthy person, upright and straight."""
    thorax = Thorax.draw(np.random.default_rng(0))
    return thorax, Grid(192, 0.52, (96, 34))


def pixel(grid: Grid, x: float, z: float) -> tuple[int, int]:
    column, row = grid.pixels(np.array([x, z])).round().astype(int)
    return row, column


def test_organs_lie_where_they_should(chest):
    thorax, grid = chest
    x, z = grid.axes()
    parts = tissue(thorax, x, z)
    assert parts.lungs[pixel(grid, -80, 100)] > 80  # mm
    assert parts.lungs[pixel(grid, 80, 100)] > 80
    assert parts.lungs[pixel(grid, 0, 150)] == 0  # the heart and the spine
    assert parts.lungs[pixel(grid, -60, thorax.dome[RIGHT] + 60)] == 0  # the liver
    assert parts.air[pixel(grid, -3, 50)] > 10  # the trachea
    row = pixel(grid, 0, thorax.dome[RIGHT] - 25)[0]
    across = x[0][heart(thorax, x, z)[row] > 0]
    assert across.max() > -1.3 * across.min()  # two thirds lie on the left
    inside = thorax.half_width(np.float64(thorax.dome[LEFT]))
    assert 0.38 < np.ptp(across) / (2 * inside) < 0.6  # cardiothoracic ratio
    assert thorax.dome[LEFT] > thorax.dome[RIGHT]


def test_ribs_cross_the_lungs_in_rows(chest):
    thorax, grid = chest
    column = pixel(grid, 85, 0)[1]
    rows = slice(pixel(grid, 0, 20)[0], pixel(grid, 0, 180)[0])
    bone = bones(thorax, grid)
    starts = np.count_nonzero(np.diff((bone[rows, column] > 0.8).astype(int)) == 1)
    assert 5 <= starts <= 13
    spine, lung = bone[rows, pixel(grid, 0, 0)[1]], bone[rows, column]
    assert np.median(spine) > 1.3 * np.median(lung)


def test_a_film_is_bright_where_rays_are_stopped(materials):
    textures, trees = materials
    rng = np.random.default_rng(5)
    for department in DEPARTMENTS:
        subject = Subject.draw(Findings(), trees, rng)
        film = expose(subject, department, 192, textures, rng)
        middle = film[96:130, 88:104].mean()
        lungs = np.concatenate([film[70:110, 40:64].ravel(), film[70:110, 128:152].ravel()])
        assert lungs.mean() < 0.65 * middle
        assert film[:8, :8].mean() < 40  # air beside the neck
        assert film[10:42, 160:180].max() > 220  # the letter


def _opacities(kind: int, materials, patients: int = 60):
    """Mean share of replaced air by (side, inner or outer, upper or lower), one row a patient."""
    textures, _ = materials
    rng = np.random.default_rng(9)
    grid = Grid(192, 0.52, (96, 34))
    x, z = grid.axes()
    for _ in range(patients):
        findings, thorax = draw_findings(kind, rng), Thorax.draw(rng)
        lungs = tissue(thorax, x, z).lungs
        share, *_ = opacity(findings, thorax, grid, textures)
        outer = np.abs(x) > 0.6 * thorax.half_width(z)
        lower = z > 0.5 * thorax.floor(RIGHT) + 0 * x
        parts = []
        for mask in (x < 0, x > 0, outer, ~outer, lower, ~lower):
            weight = lungs * mask
            parts.append((share * weight).sum() / weight.sum())
        yield parts


def test_disease_lies_where_the_papers_say(materials):
    found = {kind: np.array(list(_opacities(kind, materials))) for kind in KINDS}
    both = {kind: f[:, :2].mean(1) for kind, f in found.items()}
    uneven = {
        kind: np.abs(f[:, 0] - f[:, 1]) / (f[:, 0] + f[:, 1] + 1e-6) for kind, f in found.items()
    }
    for kind in (PNEUMONIA, COVID):
        assert np.median(both[kind]) > 4 * np.median(both[NORMAL]) + 0.02
        assert both[kind].min() < both[NORMAL].max()  # mild disease overlaps with health
    assert np.median(uneven[PNEUMONIA]) > np.median(uneven[COVID]) + 0.3
    outer = {kind: f[:, 2].sum() / f[:, 3].sum() for kind, f in found.items()}
    lower = {kind: f[:, 4].sum() / f[:, 5].sum() for kind, f in found.items()}
    assert outer[COVID] > 1.8 * outer[PNEUMONIA]
    assert lower[COVID] > 1.3


def test_disease_stops_rays(materials):
    """The same person with and without disease: attenuation rises in the lungs, not elsewhere."""
    textures, trees = materials
    grid = Grid(192, 0.52, (96, 34))
    for kind in (PNEUMONIA, COVID):
        for seed in range(6):
            rng = np.random.default_rng([kind, seed])
            subject = Subject.draw(draw_findings(kind, rng), trees, rng)
            sound = Findings(texture=subject.findings.texture)
            healthy = dataclasses.replace(subject, findings=sound)
            more = line_integrals(subject, grid, textures) - line_integrals(healthy, grid, textures)
            lungs = tissue(subject.thorax, *grid.axes()).lungs
            assert more[lungs > 0].mean() > 0
            assert np.abs(more[lungs == 0]).max() < 1e-5


def test_two_films_of_one_patient_look_alike(phantom, records):
    films = {
        name: cv2.resize(cv2.imread(str(phantom / name), 0), (24, 24)).astype(float)
        for name in records["image"]
    }
    pairs = [group["image"].tolist() for _, group in records.groupby("patient")]
    own = [np.abs(films[p[0]] - films[p[1]]).mean() for p in pairs if len(p) == 2]
    same_source = records[records["source"] == "phantomA"].drop_duplicates("patient")["image"]
    names = same_source.tolist()
    others = [np.abs(films[a] - films[b]).mean() for a, b in pairwise(names)]
    assert np.median(own) < np.median(others)


@pytest.mark.parametrize("shortcut", ["mean", "deviation", "bytes", "border"])
def test_no_simple_shortcut_tells_the_classes(phantom, records, shortcut):
    values = []
    for name in records["image"]:
        film = cv2.imread(str(phantom / name), cv2.IMREAD_GRAYSCALE)
        rim = np.concatenate([film[:6].ravel(), film[-6:].ravel()])
        found = {"mean": film.mean(), "deviation": film.std(), "border": rim.mean()}
        values.append((found | {"bytes": (phantom / name).stat().st_size})[shortcut])
    values = np.array(values)
    for label in CLASSES:
        here = (records["label"] == label).to_numpy()
        inside, outside = values[here, None], values[~here]
        auc = (inside > outside).mean() + (inside == outside).mean() / 2
        assert 0.25 < auc < 0.75
