"""The model card: facts, open questions, and a row for every item of the checklists."""

from made_runs import change

from covid_keras.report.checklists import CLAIM, TRIPOD
from covid_keras.report.checklists.facts import all_facts
from covid_keras.report.run_pages import write_card
from covid_keras.report.run_summary import read_run


def test_the_card_states_facts_and_open_questions(run):
    card = write_card(run).read_text()
    assert "> **PHANTOM: synthetic**" in card
    assert "- Initial weights: random" in card
    assert "- Input: 128 x 128 pixels" in card
    counts = read_run(run).counts
    images = counts.loc[counts["label"] == "COVID-19", "images"].item()
    assert f"| test | COVID-19 | {images} | " in card
    assert "External test: not done." in card
    assert "- Age and sex of the patients: not known" in card


def test_the_card_holds_a_row_for_every_item(filled):
    card = write_card(filled).read_text()
    claim, tripod = card.split("## CLAIM 2024")[1].split("## TRIPOD+AI")
    for part, checklist in ((claim, CLAIM), (tripod, TRIPOD)):
        rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| ")][2:]
        assert [row[0].removeprefix("| ") for row in rows] == [i.number for i in checklist.items]
        assert {len(row) for row in rows} == {3}
        whole, partly, still_open = checklist.tally(all_facts(read_run(filled)))
        assert sum("**not known**" in row[2] for row in rows) == still_open
        assert sum("**A person has to write**" in row[2] for row in rows) == partly
        assert whole > still_open


def test_an_empty_run_folder_leaves_all_open(tmp_path):
    folder = tmp_path / "run_2"
    folder.mkdir()
    card = write_card(folder).read_text()
    assert "- Network: not known" in card
    assert "Scores: not known; run covid-keras evaluate " in card


def test_an_external_test_is_named(run):
    result = read_run(run).results["test"]
    change(run, "metrics.json", splits={"test": result, "sars-cov-2-ct": result})
    assert "External test: sars-cov-2-ct." in write_card(run).read_text()


def test_names_from_files_cannot_break_a_table_or_add_html(filled):
    change(filled, "fingerprint.json", classes=["x|y\nz", "<script>"])
    text = write_card(filled).read_text()
    assert r"(x\|y z, &lt;script>)" in text
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("| 4 | ")]
    assert len(rows) == 2 and all(row.replace(r"\|", "").count("|") == 4 for row in rows)
