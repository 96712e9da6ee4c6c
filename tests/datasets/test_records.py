"""Records from real label files, from every layout, and from files that are wrong."""

import csv
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from made_records import made_records

from covid_keras.datasets import catalogue
from covid_keras.datasets.covidx_ct import patient_and_source
from covid_keras.datasets.records import (
    classes_of,
    image_root,
    load_records,
    map_labels,
    one_vs_rest,
)
from covid_keras.utils.errors import InputError

COLUMNS = ["image", "label", "patient", "split", "source", "x0", "y0", "x1", "y1"]


def counts(records, split):
    return records.loc[records["split"] == split, "label"].value_counts().to_dict()


def patients(records):
    return records.groupby("split")["patient"].nunique().to_dict()


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# COVIDx CT


def test_ct_2a_val_and_test_are_the_published_ones(shared_data):
    records = load_records("covidx-ct-2a", shared_data / "covidx_labels", ("val", "test"))
    assert list(records.columns) == COLUMNS
    assert counts(records, "val") == {"Normal": 11842, "Pneumonia": 7400, "COVID-19": 6244}
    assert counts(records, "test") == {"Normal": 12245, "Pneumonia": 7395, "COVID-19": 6018}
    assert patients(records) == {"val": 482, "test": 426}
    assert records["image"].iloc[0] == "2A_images/NCP_1013_2577_0000.png"
    assert records.iloc[0][["x0", "y0", "x1", "y1"]].tolist() == [0, 173, 512, 404]
    assert {str(records[name].dtype) for name in COLUMNS[5:]} == {"Int64"}
    pneumonia = records[records["label"] == "Pneumonia"]
    assert set(pneumonia["source"]) == {"CNCB"}


def test_ct_1_is_whole_and_as_on_the_card(shared_data):
    records = load_records("covidx-ct-1", shared_data / "covidx_labels")
    card = catalogue.get("covidx-ct-1")
    for split in card.splits:
        assert counts(records, split) == card.counts(split)
    assert patients(records) == card.patients


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("covidx-ct-1", {"CP_1769", "NCP_1058", "NCP_868", "NCP_869", "NCP_911"}),
        ("covidx-ct-2a", set()),
    ],
)
def test_ct_patients_and_sources_are_those_of_the_authors_metadata(shared_data, name, dropped):
    """The metadata are those of version 3, which no longer has five patients of version 1."""
    root = shared_data / "covidx_labels"
    splits = None if name == "covidx-ct-1" else ("val", "test")
    pairs = load_records(name, root, splits)[["patient", "source"]].drop_duplicates()
    received = dict(pairs.itertuples(index=False))
    assert len(received) == len(pairs)
    with (root / "covidx_ct_metadata.csv").open(encoding="utf-8") as file:
        known = {row["patient id"]: row["source"] for row in csv.DictReader(file)}
    assert set(received) - set(known) == dropped
    assert {p: s for p, s in received.items() if known.get(p, s) != s} == {}


@pytest.mark.parametrize(
    ("filename", "patient", "source"),
    [
        ("NCP_341_1834_0022.png", "NCP_341", "CNCB"),
        ("CP_0_3131_0001.png", "CP_0", "CNCB"),
        ("Normal_1678_41_0001.png", "Normal_1678", "CNCB"),
        ("137covid_patient76_SR_2_IM00014.png", "patient76", "COVID-CTset"),
        ("normal4_patient377_SR_2_IM00004.png", "patient377", "COVID-CTset"),
        ("cdnormal4_patient146_SR_2_IM00006.png", "patient146", "COVID-CTset"),
        ("volume-covid19-A-0573_ct-0010.png", "volume-covid19-A-0573", "TCIA"),
        ("volume-covid19-A-0383_1_ct-0018.png", "volume-covid19-A-0383_1", "TCIA"),
        ("volume-covid19-A-0664-0009.png", "volume-covid19-A-0664", "TCIA"),
        (
            "LIDC-IDRI-0273-1.3.6.1.4.1.14519.5.2.1.6279.6001.2689-0032.png",
            "LIDC-IDRI-0273",
            "LIDC-IDRI",
        ),
        ("coronacases_010-0075.png", "coronacases_010", "COVID-19-CT-Seg"),
        ("radiopaedia_29_86491_1-0004.png", "radiopaedia_29_86491", "COVID-19-CT-Seg"),
        ("radiopaedia-74560-85486-1-0018.png", "radiopaedia-74560", "radiopaedia.org"),
        ("study_0255-0010.png", "study_0255", "MosMedData"),
        ("HUST-Patient1-0000.png", "HUST-Patient1", "iCTCF"),
        ("STOIC-10011-0123.png", "STOIC-10011", "STOIC"),
        ("COVIDCTMD-cap012-IM0020.png", "COVIDCTMD-cap012", "COVID-CT-MD"),
        ("COVIDCTMD-P001-IM0020.png", "COVIDCTMD-P001", "COVID-CT-MD"),
        ("A002304-CT-CHEST-WO-5-0031.png", "A002304", "Stony Brook"),
        ("phantomA-0007_0003.png", "phantomA-0007", "phantomA"),
    ],
)
def test_patient_id_by_the_rule_of_each_source(filename, patient, source):
    assert patient_and_source(filename) == (patient, source)


def ct_root(root, name="2A", train="NCP_1_2_0003.png 2 0 1 512 400"):
    for patient, split in enumerate(("train", "val", "test"), start=1):
        lines = ["Normal_1_2_0003.png 0 0 1 512 400", "CP_1_2_0003.png 1 0 1 512 400", train]
        lines = [line.replace("_1_2_", f"_{patient}_2_") for line in lines]
        write(root / f"{split}_COVIDx_CT-{name}.txt", *lines)
    return root


def test_ct_b_takes_val_and_test_from_a(tmp_path):
    root = ct_root(tmp_path, "3A")
    write(root / "train_COVIDx_CT-3B.txt", "study_0255-0010.png 2 0 1 512 400")
    records = load_records("covidx-ct-3b", root)
    assert counts(records, "train") == {"COVID-19": 1}
    assert counts(records, "val") == {"Normal": 1, "Pneumonia": 1, "COVID-19": 1}
    assert records["source"].iloc[0] == "MosMedData"


@pytest.mark.parametrize("folder", ["2A_images", "COVIDx_CT-2A", "images", ""])
@pytest.mark.parametrize("labels", ["", "labels", "splits/v2"])
def test_ct_layouts_as_users_have_them(tmp_path, folder, labels):
    ct_root(tmp_path / labels)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "Normal_1_2_0003.png").touch()
    image = load_records("covidx-ct-2a", tmp_path)["image"].iloc[0]
    assert image == (f"{folder}/" if folder else "") + "Normal_1_2_0003.png"


def test_the_phantom_is_read_by_the_same_reader(tmp_path):
    for split, patient in (("train", "0001"), ("val", "0002"), ("test", "0003")):
        lines = [f"phantomA-{patient}_000{i}.png {i} 10 10 50 50" for i in range(3)]
        write(tmp_path / f"{split}_phantom-ct.txt", *lines)
    records = load_records("phantom-ct", tmp_path)
    assert records["image"].iloc[0] == "images/phantomA-0001_0000.png"
    assert patients(records) == {"train": 1, "val": 1, "test": 1}
    assert classes_of("phantom-ct", records) == ("Normal", "Pneumonia", "COVID-19")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("NCP_1_2_0003.png 2 0 1 512", "expected 6 fields: .* Received 5: NCP_1_2_0003.png 2"),
        ("NCP_1_2_0003.png 3 0 1 512 400", r"class number \(0 Normal, 1 .*Received: 3$"),
        ("NCP_1_2_0003.png x 0 1 512 400", "class number .*Received: x$"),
        ("NCP_1_2_0003.png 2 0 1.5 512 400", "four integers. Received: 0 1.5 512 400"),
        ("NCP_1_2_0003.png 2 -1 1 512 400", "0 <= xmin < xmax.*Received: -1 1 512 400"),
        ("NCP_1_2_0003.png 2 512 1 512 400", "0 <= xmin < xmax.*Received: 512 1 512 400"),
        ("mine.png 2 0 1 512 400", "file name of a COVIDx CT source.*Received: mine.png"),
    ],
)
def test_a_bad_ct_line_is_named_with_file_and_line(tmp_path, line, message):
    ct_root(tmp_path, train=line)
    with pytest.raises(InputError, match=rf"train_COVIDx_CT-2A.txt:3: .*{message}") as error:
        load_records("covidx-ct-2a", tmp_path)
    assert "\n" not in str(error.value)


def test_a_missing_label_file_folder_or_class_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: expected the folder of data set covidx-ct-2a"):
        load_records("covidx-ct-2a", tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"train_COVIDx_CT-2A.txt: label file not found"):
        load_records("covidx-ct-2a", tmp_path)
    write(tmp_path / "val_COVIDx_CT-2A.txt", "NCP_1_2_0003.png 2 0 1 512 400")
    with pytest.raises(InputError, match=r"expected images of class Normal .* Received: none"):
        load_records("covidx-ct-2a", tmp_path, ["val"])
    write(tmp_path / "val_COVIDx_CT-2A.txt", "")
    with pytest.raises(InputError, match=r"val_COVIDx_CT-2A.txt: expected at least one image"):
        load_records("covidx-ct-2a", tmp_path, ["val"])
    with pytest.raises(InputError, match=r"split dev: .* has the splits: train, val, test"):
        load_records("covidx-ct-2a", tmp_path, ["dev"])
    (tmp_path / "test_COVIDx_CT-2A.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"test_COVIDx_CT-2A.txt: expected UTF-8 text"):
        load_records("covidx-ct-2a", tmp_path, ["test"])


def processor_time_of_lines(root, count):
    """Return the seconds of this process in which `count` lines of each split are read."""
    root.mkdir()
    for number, split in enumerate(("train", "val", "test")):
        lines = [f"NCP_{i % 3000}_{number}_{i}.png {i % 3} 0 1 512 400" for i in range(count)]
        write(root / f"{split}_COVIDx_CT-2A.txt", *lines)
    start = time.process_time()
    assert len(load_records("covidx-ct-2a", root)) == 3 * count
    return time.process_time() - start


@pytest.mark.slow
def test_twenty_times_the_lines_take_about_twenty_times_as_long(tmp_path):
    """210,000 lines, as many as COVIDx CT-2A has; with the square it would be 400 times."""
    few = min(processor_time_of_lines(tmp_path / f"few_{i}", 3_500) for i in range(3))
    assert processor_time_of_lines(tmp_path / "many", 70_000) < 80 * few


# COVIDx CXR


def test_cxr_8b_is_the_published_one_with_ids_whole(shared_data):
    records = load_records("covidx-cxr-8b", shared_data / "covidx_labels")
    assert counts(records, "train") == {"negative": 13794, "positive": 2158}
    assert counts(records, "test") == {"negative": 200, "positive": 200}
    spaced = records[records["patient"].str.contains(" ")]
    assert len(spaced) == 943
    assert set(spaced["source"]) == {"sirm"}
    assert not records["image"].str.contains(" ").any()
    assert records["image"].iloc[0] == "train/ARDSSevere.png"
    assert records.iloc[0][["patient", "label", "source"]].tolist() == ["5", "negative", "cohen"]
    test = records[records["split"] == "test"]
    assert test.groupby("label")["source"].unique().map(list).to_dict() == {
        "negative": ["rsna"],
        "positive": ["ricord"],
    }
    assert records["x0"].isna().all()


def test_cxr_7b_counts(shared_data):
    records = load_records("covidx-cxr-7b", shared_data / "covidx_labels")
    assert counts(records, "train") == {"negative": 13794, "positive": 1670}
    assert counts(records, "test") == {"negative": 100, "positive": 100}


@pytest.mark.parametrize(
    "version", ["1", "2", "3", "4", "5", "6", "7a", "7b", "8a", "8b", "9a", "9b"]
)
def test_cxr_every_version_and_line_form(tmp_path, version):
    card = catalogue.get(f"covidx-cxr-{version}")
    binary = version in ("6", "7b", "8b", "9b")
    labels = ["negative", "positive"] if binary else ["normal", "pneumonia", "COVID-19"]
    source = "" if version in "12" else " sirm"
    suffix = "" if version == "1" else version.upper()
    for split in ("train", "test"):
        lines = [f"COVID 7 COVID(7){i}.png {label}{source}" for i, label in enumerate(labels)]
        write(tmp_path / "labels" / f"{split}_COVIDx{suffix}.txt", *lines)
    records = load_records(card.name, tmp_path)
    assert set(records["patient"]) == {"COVID 7"}
    assert records["label"].tolist() == labels * 2
    assert set(records["source"]) == {source.strip()}
    assert records["image"].iloc[-1] == f"test/COVID(7){len(labels) - 1}.png"
    assert classes_of(card.name, records) == tuple(labels)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5 a.png maybe cohen", "class one of negative, positive. Received: 5 a.png maybe cohen"),
        ("a.png negative", "expected: patient filename class source"),
        ("5 a.png b negative cohen", "expected an image file name before the class. Received: b"),
    ],
)
def test_a_bad_cxr_line_is_named(tmp_path, line, message):
    write(tmp_path / "train_COVIDx8B.txt", "5 a.png negative cohen", line)
    with pytest.raises(InputError, match=rf"train_COVIDx8B.txt:2: .*{message}"):
        load_records("covidx-cxr-8b", tmp_path)


# COVID19-CT


def test_covid19_ct_every_image_has_split_and_patient(shared_data):
    root = shared_data / "covid19_ct"
    records = load_records("covid19-ct", root)
    assert counts(records, "train") == {"NonCOVID": 234, "COVID": 191}
    assert counts(records, "val") == {"NonCOVID": 58, "COVID": 60}
    assert counts(records, "test") == {"NonCOVID": 105, "COVID": 98}
    assert records["patient"].ne("").all()
    assert all((root / image).is_file() for image in records["image"])
    by_class = records.groupby("label")["patient"].agg(set)
    assert len(by_class["COVID"]) == 213
    assert len(by_class["NonCOVID"]) == 171
    assert not by_class["COVID"] & by_class["NonCOVID"]
    with (root / "manifest.csv").open(encoding="utf-8") as file:
        known = {row["path"]: [row["patient_id"], row["split"]] for row in csv.DictReader(file)}
    received = records.set_index("image")[["patient", "split"]].T.to_dict("list")
    assert received == known


def test_covid19_ct_upstream_clone_with_the_workbook(shared_data, tmp_path):
    flat = shared_data / "covid19_ct"
    for source in flat.glob("official_split/*.txt"):
        target = tmp_path / "Data-split" / source.stem.partition("CT_")[2] / source.name
        write(target, source.read_text(encoding="utf-8"))
    for name in ("COVID-CT-MetaInfo.xlsx", "NonCOVID-CT-MetaInfo.csv"):
        (tmp_path / name).write_bytes((flat / "meta" / name).read_bytes())
    for label in ("COVID", "NonCOVID"):
        (tmp_path / "Images-processed" / f"CT_{label}").mkdir(parents=True)
    records = load_records("covid19-ct", tmp_path)
    assert records["image"].str.startswith("Images-processed/CT_").all()
    flat_records = load_records("covid19-ct", flat)
    images = records["image"].str.removeprefix("Images-processed/")
    pd.testing.assert_frame_equal(records.assign(image=images), flat_records)


def test_covid19_ct_without_metadata_or_with_a_stranger(tmp_path):
    for split in ("train", "val", "test"):
        for label in ("COVID", "NonCOVID"):
            write(tmp_path / "official_split" / f"{split}CT_{label}.txt", f"{split}.png")
    with pytest.raises(InputError, match=r"NonCOVID-CT-MetaInfo.csv: .* not found"):
        load_records("covid19-ct", tmp_path)
    write(tmp_path / "meta" / "NonCOVID-CT-MetaInfo.csv", ",image name,patient id", "0,train,p1")
    with pytest.raises(InputError, match=r"valCT_NonCOVID.txt:1: expected a patient id .*val.png"):
        load_records("covid19-ct", tmp_path)
    write(tmp_path / "meta" / "NonCOVID-CT-MetaInfo.csv", "image,patient", "a.png,p1")
    with pytest.raises(InputError, match=r"NonCOVID-CT-MetaInfo.csv:1: expected the columns"):
        load_records("covid19-ct", tmp_path)
    (tmp_path / "meta" / "NonCOVID-CT-MetaInfo.csv").unlink()
    with zipfile.ZipFile(tmp_path / "NonCOVID-CT-MetaInfo.xlsx", "w") as book:
        book.writestr("other.xml", "<a/>")
    with pytest.raises(InputError, match=r"MetaInfo.xlsx: expected an .xlsx workbook"):
        load_records("covid19-ct", tmp_path)


# Class folders


def test_sars_cov_2_ct_has_no_patients(shared_data):
    records = load_records("sars-cov-2-ct", shared_data / "sars_cov2_ct")
    assert counts(records, "") == {"COVID": 1252, "non-COVID": 1229}
    assert set(records["patient"]) == {""}
    assert classes_of("sars-cov-2-ct", records) == ("non-COVID", "COVID")


def test_xray_3class_takes_patients_from_the_manifest(shared_data):
    records = load_records("xray-3class", shared_data / "darkcovid_xray")
    assert counts(records, "") == {"No_findings": 500, "Pneumonia": 500, "Covid-19": 124}
    assert records["patient"].ne("").all()
    labels = records[records["label"] != "Covid-19"].groupby("patient")["label"].nunique()
    assert (labels > 1).sum() == 21


def images(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_xray_3class_reads_the_folders_of_paper_d_s_sources(tmp_path):
    """The radiography database and Kermany's set; several folders may hold one class."""
    names = ("COVID/a.png", "covid-19/e.png", "NORMAL/b.png", "Viral Pneumonia/c.png")
    images(tmp_path, *names, "PNEUMONIA/d.png", "Lung_Opacity/f.png")
    records = load_records("xray-3class", tmp_path)
    assert dict(zip(records["image"], records["label"], strict=True)) == {
        "NORMAL/b.png": "No_findings",
        "PNEUMONIA/d.png": "Pneumonia",
        "Viral Pneumonia/c.png": "Pneumonia",
        "COVID/a.png": "Covid-19",
        "covid-19/e.png": "Covid-19",
    }


def test_xray_3class_without_manifest_has_no_patients(tmp_path):
    images(tmp_path, "Covid-19/a.jpg", "No_findings/b.png", "Pneumonia/c.jpeg")
    assert load_records("xray-3class", tmp_path)["patient"].tolist() == ["", "", ""]
    (tmp_path / "Pneumonia" / "c.jpeg").unlink()
    with pytest.raises(InputError, match=r"Pneumonia: expected images .* Received: none"):
        load_records("xray-3class", tmp_path)
    (tmp_path / "Pneumonia").rmdir()
    with pytest.raises(InputError, match=r"Pneumonia: expected a folder with the images of class"):
        load_records("xray-3class", tmp_path)


def test_folder_with_class_folders(tmp_path):
    images(tmp_path, "ill/b.png", "ill/p1/a.DCM", "well/c.jpg", "ill/notes.txt", ".git/x/y.png")
    records = load_records("folder", tmp_path)
    assert records["image"].tolist() == ["ill/b.png", "ill/p1/a.DCM", "well/c.jpg"]
    assert records["label"].tolist() == ["ill", "ill", "well"]
    assert classes_of("folder", records) == ("ill", "well")
    assert image_root(tmp_path) == tmp_path


def test_folder_with_splits_above_the_classes(tmp_path):
    images(tmp_path, "train/ill/a.png", "train/well/b.png", "test/ill/c.png", "test/well/d.png")
    records = load_records("folder", tmp_path)
    assert records["split"].tolist() == ["train", "train", "test", "test"]
    assert records["image"].iloc[3] == "test/well/d.png"
    assert load_records("folder", tmp_path, ["test"])["split"].tolist() == ["test", "test"]
    images(tmp_path, "others/ill/e.png")
    with pytest.raises(InputError, match=r"others: expected only train, val and test"):
        load_records("folder", tmp_path)


def test_folder_mistakes(tmp_path):
    with pytest.raises(InputError, match=r"expected a folder for each class. Received: no folders"):
        load_records("folder", tmp_path)
    images(tmp_path, "ill/a.png")
    with pytest.raises(InputError, match=r"expected two classes or more. Received: ill"):
        load_records("folder", tmp_path)
    images(tmp_path, "well/a.nii.gz")
    with pytest.raises(InputError, match=r"well: expected images .* of class well. Received: .gz"):
        load_records("folder", tmp_path)


def test_csv_with_every_column(tmp_path):
    path = write(
        tmp_path / "mine.csv",
        "Image,label,patient,split,source,x0,y0,x1,y1,age",
        '"a, b.png",ill,007,train,here,1,2,30,40,61',
        "c.dcm,well,N7,test,,,,,,",
    )
    records = load_records("folder", path)
    assert records["image"].tolist() == ["a, b.png", "c.dcm"]
    assert records["patient"].tolist() == ["007", "N7"]
    assert records["x1"].tolist() == [30, pd.NA]
    assert image_root(path) == tmp_path
    path.rename(tmp_path / "labels.csv")
    pd.testing.assert_frame_equal(load_records("folder", tmp_path), records)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.png,ill,1,train,0,0,9", "as many fields as the header"),
        ("a.png,,1,train,0,0,9,9", "an image and a label. Received: 'a.png', ''"),
        ("/a.png,ill,1,train,0,0,9,9", "an image inside the data set's folder"),
        ("../a.png,ill,1,train,0,0,9,9", "an image inside the data set's folder"),
        ("a.png,ill,1,dev,0,0,9,9", "the split train, val or test. Received: dev"),
        ("a.png,ill,1,train,0,0,9,", "four integers. Received: 0 0 9"),
        (f"a.png,ill,1,train,0,0,{'9' * 20},9", "0 <= xmin < xmax.*Received: 0 0 9{20} 9"),
        (f"{'x' * 5000}.png,ill,1,train,0,0,9,9", "file names of at most 255 bytes.* of 5004"),
        ("a.png,ill,1,train,0,0,0,9", "0 <= xmin < xmax.*Received: 0 0 0 9"),
        ("a.png,ill,1,,0,0,9,9", "a split in every row or in none"),
    ],
)
def test_a_bad_csv_row_is_named(tmp_path, row, message):
    header = "image,label,patient,split,x0,y0,x1,y1"
    path = write(tmp_path / "labels.csv", header, "b.png,well,2,test,0,0,9,9", row)
    with pytest.raises(InputError, match=rf"labels.csv:3: .*{message}"):
        load_records("folder", path)


def test_csv_without_the_columns_or_rows(tmp_path):
    path = write(tmp_path / "labels.csv", "picture,class", "a.png,ill")
    with pytest.raises(InputError, match=r"labels.csv:1: expected the columns image,label"):
        load_records("folder", path)
    write(path, "image,label")
    with pytest.raises(InputError, match=r"labels.csv: expected at least one image"):
        load_records("folder", tmp_path)
    with pytest.raises(InputError, match=r"gone.csv: expected the folder"):
        load_records("folder", Path(tmp_path / "gone.csv"))


def test_one_class_against_all_others():
    records = pd.DataFrame({"label": ["a", "b", "c", ""]})
    told, classes = one_vs_rest(records, ("a", "b", "c"), "b")
    assert (told["label"].tolist(), classes) == (["other", "b", "other", ""], ("other", "b"))
    with pytest.raises(
        InputError, match=r"data\.versus_rest: expected one of a, b, c\. Received: 'd'"
    ):
        one_vs_rest(records, ("a", "b", "c"), "d")


def test_labels_of_another_set_are_renamed():
    records = made_records(["1.png", "2.png", "3.png"], ["CP", "NCP", "Normal"])
    found = map_labels(records, ("Normal", "COVID-19"), {"NCP": "COVID-19", "CP": ""})
    assert found[["image", "label"]].to_numpy().tolist() == [
        ["2.png", "COVID-19"],
        ["3.png", "Normal"],
    ]


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        ({}, r"label CP: the network knows Normal, COVID-19; give --map 'CP'=CLASS"),
        (
            {"CP": "Flu", "NCP": ""},
            r"--map CP=Flu: expected LABEL=CLASS, with a class of Normal, COVID",
        ),
        (
            {"X": "Normal", "CP": "", "NCP": ""},
            r"--map X: no such label; there are CP, NCP, Normal",
        ),
        ({"CP": "", "NCP": "", "Normal": ""}, r"expected images that are not left out"),
    ],
)
def test_labels_without_a_class_are_refused(label_map, message):
    records = made_records(["1.png", "2.png", "3.png"], ["CP", "NCP", "Normal"])
    with pytest.raises(InputError, match=message):
        map_labels(records, ("Normal", "COVID-19"), label_map)
