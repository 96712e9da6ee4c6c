"""What records are refused for, and what is read as it was meant."""

import os
from pathlib import Path

import made_images
import numpy as np
import pandas as pd
import pytest

from covid_keras.datasets.archive import pack
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.check import check_files
from covid_keras.datasets.label_files import plain_path
from covid_keras.datasets.records import load_records
from covid_keras.datasets.splits import make_split
from covid_keras.datasets.verify import verify
from covid_keras.images.find import images_below
from covid_keras.predict.inputs import find_entries
from covid_keras.utils.errors import InputError

PIXELS = np.zeros((8, 8), np.uint8)


def write_csv(root: Path, text: str) -> Path:
    """Write labels.csv and the images a.png to f.png."""
    made_images.write_images(root, {f"{name}.png": PIXELS for name in "abcdef"})
    (root / "labels.csv").write_text(text)
    return root


def tree(root: Path, *images: str) -> Path:
    return made_images.write_images(root, dict.fromkeys(images, PIXELS))


@pytest.mark.parametrize("path", ["./a.png", "x//a.png", "x/./a.png", "x\\a.png", "x/../x/a.png"])
def test_a_path_has_one_form(path):
    assert plain_path(path) in ("a.png", "x/a.png")


@pytest.mark.parametrize(
    "path", ["/a.png", "../a.png", "x/../../a.png", "..\\a.png", ".", "x/.hid/a.png", "a\0.png"]
)
def test_a_path_that_leads_out_or_is_hidden_is_refused(tmp_path, path):
    root = write_csv(tmp_path, f"image,label\na.png,ill\n{path},well\n")
    with pytest.raises(InputError, match=r"labels\.csv:3: expected .* Received: "):
        load_records("folder", root)


def test_label_lists_cannot_lead_out_of_the_folder(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}_COVIDx8B.txt").write_text("p1 ../../outside.png positive cohen\n")
    with pytest.raises(InputError, match=r"8B\.txt:1: expected an image inside the data set"):
        load_records("covidx-cxr-8b", tmp_path)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.png,ill", r"labels.csv:4: image a.png is already listed at .*labels.csv:2$"),
        ("./a.png,well", r":4: image a.png is already listed at .*:2, as ill there and well here"),
    ],
)
def test_an_image_that_is_listed_twice_is_refused_with_both_lines(tmp_path, row, reason):
    root = write_csv(tmp_path, f"image,label\na.png,ill\nb.png,well\n{row}\n")
    with pytest.raises(InputError, match=reason):
        load_records("folder", root)
    kinds = [problem.kind for problem in verify("folder", root).problems]
    assert kinds == ["duplicate", "split"], "one image a class cannot be split"


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    root = write_csv(tmp_path, "image,label,Label\na.png,ill,well\n")
    with pytest.raises(InputError, match=r"labels.csv:1: expected each column once.* label twice"):
        load_records("folder", root)


@pytest.mark.parametrize("name", ["image", "fold", "source", "predicted", "status", "a\x1b[31m"])
def test_a_class_name_that_is_a_column_or_not_printable_is_refused(tmp_path, name):
    root = write_csv(tmp_path, f"image,label\na.png,{name}\nb.png,well\n")
    with pytest.raises(InputError, match=r"^class .*expected a name that is none of image, label"):
        load_records("folder", root)
    assert "class name" in {problem.kind for problem in verify("folder", root).problems}


def test_classes_that_differ_by_capitals_are_refused(tmp_path):
    root = write_csv(tmp_path, "image,label\na.png,COVID\nb.png,covid\nc.png,well\n")
    with pytest.raises(InputError, match=r"^class 'covid': expected names that .*also 'COVID'$"):
        load_records("folder", root)
    assert "class name" in {problem.kind for problem in verify("folder", root).problems}


@pytest.mark.parametrize("id_", ["unknown", "None", "nan", "N/A", "-", "null", "0", " NA "])
def test_a_placeholder_is_no_patient(tmp_path, caplog, id_):
    root = write_csv(tmp_path, f"image,label,patient\na.png,ill,{id_}\nb.png,well,p2\n")
    assert load_records("folder", root)["patient"].tolist() == ["", "p2"]
    assert "1 of 2 patient ids are placeholders" in caplog.text


def test_zero_is_a_patient_among_numbered_ones(tmp_path):
    root = write_csv(tmp_path, "image,label,patient\na.png,ill,0\nb.png,well,1\n")
    assert load_records("folder", root)["patient"].tolist() == ["0", "1"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_other_names_of_columns(tmp_path, separator):
    lines = (["Filename", "Class", "Patient_ID", "Set"], ["a.png", "ill", "7", "Train"])
    lines += (["b.png", "well", "8", "VALIDATION"], ["c.png", "ill", "9", "testing"])
    root = write_csv(tmp_path, "".join(f"{separator.join(line)}\n" for line in lines))
    records = load_records("folder", root)
    assert records["patient"].tolist() == ["7", "8", "9"]
    assert records["split"].tolist() == ["train", "val", "test"]


@pytest.mark.parametrize("folders", [("TRAIN", "TEST"), ("Train", "Test"), ("training", "testing")])
def test_folders_of_splits_by_any_of_their_names(tmp_path, folders):
    for folder in folders:
        tree(tmp_path, f"{folder}/ill/a.png", f"{folder}/well/b.png")
    assert load_records("folder", tmp_path)["split"].tolist() == ["train"] * 2 + ["test"] * 2


def test_splits_below_the_classes(tmp_path):
    tree(tmp_path, "COVID/train/a.png", "COVID/valid/b.png", "well/train/c.png", "well/test/d.png")
    records = load_records("folder", tmp_path)
    assert records["label"].tolist() == ["COVID", "COVID", "well", "well"]
    assert records["split"].tolist() == ["train", "val", "test", "train"]


HIDDEN = (".thumbnails/t.png", ".ipynb_checkpoints/t.png", "@eaDir/t.png", "__pycache__/t.png")
HIDDEN += ("__MACOSX/t.png", "deep/.Trash-1000/t.png", ".t.png")


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_files_and_system_folders_are_never_taken(tmp_path, hidden):
    tree(tmp_path, "ill/a.png", f"ill/{hidden}", "well/b.png")
    assert load_records("folder", tmp_path)["image"].tolist() == ["ill/a.png", "well/b.png"]
    assert len(find_entries([tmp_path])) == 2


def test_masks_beside_images_are_left_out_with_a_warning(tmp_path, caplog):
    tree(tmp_path, "ill/images/a.png", "ill/masks/a.png", "well/images/b.png")
    images = load_records("folder", tmp_path)["image"].tolist()
    assert images == ["ill/images/a.png", "well/images/b.png"]
    assert "left out 1 files: masks (masks)" in caplog.text
    assert [path.name for path in images_below(tmp_path / "ill" / "masks")] == ["a.png"]


def test_masks_beside_their_images_by_any_of_their_names(tmp_path, caplog):
    tree(tmp_path, "ill/a.png", "ill/a_mask.png", "ill/lung masks/a.png", "ill/b-segmentation.png")
    tree(tmp_path, "well/a.png", "well/face_mask.png")
    images = load_records("folder", tmp_path)["image"].tolist()
    assert images == ["ill/a.png", "ill/b-segmentation.png", "well/a.png", "well/face_mask.png"]
    assert "ill: left out 2 files: masks (*_mask, lung masks)" in caplog.text


def test_images_beside_the_class_folders_are_left_out_with_a_warning(tmp_path, caplog):
    tree(tmp_path, "ill/a.png", "well/b.png", "c.png", "d.png", ".e.png")
    (tmp_path / "notes.txt").touch()
    assert len(load_records("folder", tmp_path)) == 2
    assert "left out 2 images that are in no folder of a class, the first c.png" in caplog.text


def test_links_to_folders_and_pipes_are_left_out(tmp_path):
    root = tree(tmp_path, "ill/a.png", "well/b.png")
    (root / "ill" / "folder").symlink_to(root / "well")
    os.mkfifo(root / "ill" / "pipe")
    os.mkfifo(root / "ill" / "pipe.png")
    assert load_records("folder", root)["image"].tolist() == ["ill/a.png", "well/b.png"]


def test_an_image_is_predicted_once(tmp_path):
    root = tree(tmp_path, "a.png", "b.png")
    entries = find_entries([root / "a.png", root, f"{root}/./b.png", root / "a.png"])
    assert [Path(entry.image).name for entry in entries] == ["a.png", "b.png"]


@pytest.mark.parametrize("patients", [3, 4, 8])
@pytest.mark.parametrize("seed", range(5))
def test_every_class_has_a_patient_in_every_split(patients, seed):
    split = make_split(made(patients), rule="holdout", seed=seed)
    assert split.groupby("split")["label"].nunique().to_dict() == {"train": 2, "val": 2, "test": 2}
    assert split.groupby("patient")["split"].nunique().max() == 1


@pytest.mark.parametrize("folds", [3, 5])
def test_k_folds_need_as_many_patients_of_a_class_as_folds(folds):
    records, tested = made(folds), []
    for fold in range(folds):
        split = make_split(records, rule="kfold", folds=folds, fold=fold)
        assert set(split.groupby("split")["label"].nunique()) == {2}
        tested += split.loc[split["split"] == "test", "image"].tolist()
    assert sorted(tested) == sorted(records["image"])


def test_too_few_patients_are_counted():
    with pytest.raises(InputError, match="the class has 2 patients, and train, val, test need"):
        make_split(made(2), rule="holdout")


def made(patients: int) -> pd.DataFrame:
    """Records of two classes with as many equal patients each, eight images a patient."""
    rows = [
        {"image": f"{label}{p}_{i}.png", "label": label, "patient": f"{label}{p}"}
        for label in "ab"
        for p in range(patients)
        for i in range(8)
    ]
    return pd.DataFrame(rows).assign(split="", source="")


def test_a_patient_in_two_splits_is_a_problem(tmp_path):
    text = "image,label,patient,split\na.png,ill,p1,train\nb.png,well,p2,train\n"
    text += "c.png,ill,p1,test\nd.png,well,p3,test\n"
    problems = verify("folder", write_csv(tmp_path, text)).problems
    assert [str(p) for p in problems] == [
        "patient p1 is in train and test: expected each in one split"
    ]


def test_pack_ships_what_the_records_need_and_no_link(tmp_path):
    import tarfile

    root = write_csv(tmp_path / "data", "image,label\na.png,ill\nb.png,well\n")
    for name in ("passwords.txt", ".secret.json", "notes.csv"):
        (root / name).write_text("private")
    pack("folder", root, tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        names = sorted(archive.getnames())
    assert names == ["a.png", "b.png", "labels.csv", "packed.json", "packed_headers.csv"]
    (root / "a.png").unlink()
    (root / "a.png").symlink_to(root / "c.png")
    with pytest.raises(InputError, match=r"a\.png: expected a file to pack. Received: a link"):
        pack("folder", root, tmp_path / "other.tar")
    assert not (tmp_path / "other.tar").exists()


def test_one_file_under_two_names_is_refused(tmp_path):
    root = write_csv(tmp_path / "data", "image,label\na.png,ill\nlink.png,ill\nb.png,well\n")
    (root / "link.png").symlink_to(root / "a.png")
    problems = [str(problem) for problem in verify("folder", root).problems]
    assert f"labels.csv:3: {root}/link.png: is the same file as a.png" in problems[-1]
    with pytest.raises(InputError, match=r"link\.png: is the same file as a\.png"):
        check_files(load_records("folder", root), root)
    os.link(root / "c.png", root / "d2.png")
    (root / "labels.csv").write_text("image,label\nc.png,ill\nd2.png,ill\nb.png,well\n")
    check_files(load_records("folder", root), root)


@pytest.mark.parametrize("kind", ["pipe", "folder", "nothing"])
def test_what_is_no_file_is_named(tmp_path, kind):
    root = write_csv(tmp_path, "image,label\na.png,ill\nx.png,well\n")
    if kind == "pipe":
        os.mkfifo(root / "x.png")
    elif kind == "folder":
        (root / "x.png").mkdir()
    found = {"nothing": "image not found", "pipe": "Received: a pipe or a device"}
    found = found.get(kind, f"Received: a {kind}")
    (said,) = (str(p) for p in verify("folder", root).problems if "x.png" in str(p))
    assert said.endswith(found)
    with pytest.raises(InputError, match=found):
        check_files(load_records("folder", root), root)


@pytest.fixture
def archive(tmp_path):
    """A folder of links into an archive beside it, and a CSV that names the archive's images."""
    kept = tree(
        tmp_path / "archive", *(f"{label}{n}.png" for label in ("ill", "well") for n in "123")
    )
    rows = ["image,label"]
    for path in sorted(kept.iterdir()):
        path.write_bytes(path.read_bytes() + path.name.encode())
        label = path.stem[:-1]
        (tmp_path / "linked" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "linked" / label / path.name).symlink_to(path)
        rows.append(f"../archive/{path.name},{label}" if "1" in path.name else f"{path},{label}")
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "folders").mkdir()
    for label in ("ill", "well"):
        (tmp_path / "folders" / label).symlink_to(tmp_path / "linked" / label)
    return tmp_path


@pytest.mark.parametrize("folder", ["linked", "named", "folders"])
def test_images_lie_outside_only_if_the_user_says_so(archive, folder):
    root = archive / folder
    assert verify("folder", root, outside=True).problems == ()
    records = load_records("folder", root, outside=True)
    check_files(records, root, outside=True)
    assert len(records) == 6
    assert verify("folder", root).problems
    with pytest.raises(InputError):
        check_files(load_records("folder", root), root)
    with pytest.raises(InputError):
        pack("folder", root, archive / "out.tar")
    assert not (archive / "out.tar").exists()


def test_verify_says_which_split_is_not_possible(tmp_path):
    root = write_csv(tmp_path, "image,label\na.png,ill\nb.png,ill\nc.png,well\nd.png,well\n")
    (problem,) = verify("folder", root).problems
    assert problem.kind == "split" and "the class has 2 images without patient ids" in str(problem)


def test_attributes_belong_to_the_image_whatever_its_path_and_column_are_called(tmp_path):
    root = write_csv(tmp_path, "Filename,Class,age\n./a.png,ill,50\nb.png,well,60\n")
    records = load_records("folder", root)
    assert attributes("folder", root, records)["age"].tolist() == ["50", "60"]
