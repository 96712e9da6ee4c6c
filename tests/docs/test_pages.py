"""README.md, CONTRIBUTING.md and docs/: links, paths, commands and Python blocks.

Each page's blocks run in order, at tiny size, in a folder that holds what the pages name: scans/,
other_scans/, masks/, slices/, scan.png, runs/mine and runs/other. A block that cannot run here has
a comment <!-- not run: why --> above it.
"""

import importlib.util
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tiny
from doc_blocks import ROOT, Block, blocks

import covid_keras
from covid_keras.cli.main import main, parser

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "results" not in page.relative_to(ROOT).parts]
MOST_NOT_RUN = 20
TINY = tiny.SETTINGS | {"training.steps": 4, "training.epochs": 0, "training.rates": ()}
TINY |= {"data.positive": ""}  # the pages' classes say which it is
"""Settings of every training on a page."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("http:", "https:")):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_files_exist(page):
    named = r"`((?:covid_keras|tests|docs|experiments|benchmarks)/[\w./-]*)`"
    for path in re.findall(named, page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_are_known(page, monkeypatch):
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for block in blocks(page):
        for command, *arguments in block.commands() if block.language == "bash" else ():
            if command == "covid-keras":
                parser().parse_args(arguments)
            elif command == "make":
                targets = [word for word in arguments if "=" not in word]
                assert all(f"\n{target}:" in made for target in targets), arguments
            elif command == "python":
                assert (ROOT / arguments[0]).exists(), arguments


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_one_line_commands_in_the_text_are_known(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for command in re.findall(r"`covid-keras ([^`]+)`", text):
        words = " ".join(command.split()).replace("...", "").split()
        if words[0].islower() and not {"RUN", "DIR", "NAME", "COMMAND"} & set(words):
            top = ["data", words[1]] if words[0] == "data" and len(words) > 1 else words[:1]
            with pytest.raises(SystemExit) as stop:
                parser().parse_args([*top, "--help"])
            assert stop.value.code == 0, command


def test_few_blocks_are_not_run():
    left_out = [block for page in PAGES for block in blocks(page) if block.not_run]
    assert len(left_out) <= MOST_NOT_RUN


def test_commands_stand_in_fenced_blocks():
    for page in PAGES:
        indented = re.findall(r"^    (covid-keras|python|make) ", page.read_text(), flags=re.M)
        assert not indented, page


def with_code(page: Path) -> bool:
    return any(b.language in ("bash", "python") and not b.not_run for b in blocks(page))


@pytest.fixture(scope="session")
def workplace(tmp_path_factory) -> Path:
    """A folder with tiny images and two tiny runs, as the pages name them."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    for images, labels in (("scans", "covid normal"), ("other_scans", "positive healthy unclear")):
        (folder / images).mkdir()
        rows = [
            write_image(folder / images, rng, label, patient)
            for patient in range(30)
            for label in labels.split()
        ]
        pd.DataFrame(rows).to_csv(folder / images / "labels.csv", index=False)
    (folder / "masks").mkdir()
    (folder / "slices").mkdir()
    lungs = np.zeros((64, 64), "uint8")
    lungs[16:48, 8:56] = 255
    for image in sorted(folder.glob("*scans/*.png")):
        cv2.imwrite(str(folder / "masks" / image.name), lungs)
    for image in sorted((folder / "scans").glob("*.png"))[:2]:
        shutil.copy(image, folder / "slices")
    shutil.copy(image, folder / "scan.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for run, seed in (("runs/mine", 0), ("runs/other", 1)):
            made = tiny_train("ct-bit", dataset="folder", data="scans", out=run, seed=seed)
            covid_keras.evaluate(made)
    return folder


def write_image(folder: Path, rng: np.random.Generator, label: str, patient: int) -> dict:
    """Write a noisy image whose brightness follows from the label; return its row."""
    file = f"{label}_{patient}.png"
    brightness = 90 if label in ("covid", "positive") else 60
    cv2.imwrite(
        str(folder / file), rng.normal(brightness, 30, (64, 64)).clip(0, 255).astype("uint8")
    )
    split = ("train", "train", "train", "val", "test")[patient % 5]
    known = {"age": 30 + patient, "sex": "FM"[patient % 2], "room": patient % 3}
    return {"image": file, "label": label, "patient": f"{label}_{patient}", "split": split} | known


def tiny_train(recipe: str, **arguments):
    """Call `covid_keras.train` at tiny size, on scans/ in the place of the phantom."""
    given = {"dataset": "folder", "data": "scans", "quick": False} | arguments
    given["settings"] = dict(arguments.get("settings") or {}) | TINY
    if arguments.get("quick"):
        given["quick"] = False
    return covid_keras.train(recipe, **given)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if with_code(page)], ids=name)
def test_blocks_run(page, workplace, tmp_path, monkeypatch):
    folder = tmp_path / "work"
    shutil.copytree(workplace, folder)
    monkeypatch.chdir(folder)
    names: dict = {"tiny_train": tiny_train}
    for block in blocks(page):
        where = f"{name(page)}:{block.line}"
        if block.not_run:
            continue
        if block.language == "bash":
            for words in block.commands():
                assert run(words, monkeypatch) in (0, None), f"{where}: {shlex.join(words)}"
        elif block.language == "python" and not not_installed(block):
            code = block.text.replace("covid_keras.train(", "tiny_train(")
            exec(compile(code, where, "exec"), names)


def not_installed(block: Block) -> bool:
    """Return whether a block imports another program that is not installed here."""
    names = re.findall(r"^(?:import|from) (\w+)", block.text, flags=re.M)
    return any(importlib.util.find_spec(name) is None for name in names)


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Run a command of a page in this process; return its exit status.

    Scripts of studies parse their options and list their runs, if they can without the data.
    """
    command, *arguments = words
    if command == "covid-keras":
        if arguments[0] in ("train", "run"):
            arguments = tiny_arguments(arguments)
        return main(arguments)
    if command == "python":
        script, *options = arguments
        monkeypatch.setattr(
            sys, "argv", [script, *without(options, "--data", "--dataset"), "--list"]
        )
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(ROOT / script), run_name="__main__")
        return 2 if stop.value.code == 2 else 0
    assert command == "make", f"expected a command that can run here. Received: {words}"
    return 0


def without(arguments: list[str], *options: str) -> list[str]:
    """Return the arguments without these options and their values."""
    return [
        word
        for before, word in zip(["", *arguments], arguments, strict=False)
        if word not in options and before not in options
    ]


def tiny_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments of `train` or `run` with tiny settings and data."""
    if "--resume" in arguments:
        return arguments
    kept = [word for word in arguments if word != "--quick"]
    data = [] if "--data" in kept else ["--dataset", "folder", "--data", "scans"]
    settings = [f"--set={key}={value}" for key, value in TINY.items()]
    return [*kept, *data, *settings]
