"""Which bars a study's figures have."""

import pytest
from made_studies import FakeWorker, planned, run_fake, small_study

from covid_keras.studies.factor_figures import (
    Bar,
    hyperparameters,
    images_per_class,
    write_study_figures,
)
from covid_keras.studies.study import Source, Trial, recipe_of


def bars_of(script: str, study: str, *options: str):
    _, source, plan = planned(script, "--data", "x", "--study", study, *options)
    rows = enumerate(plan.rows.items())
    return plan, [
        Bar(row, recipe_of(plan, trials[0], source), [float(k)]) for k, (row, trials) in rows
    ]


@pytest.mark.parametrize(
    ("script", "steps"), [("ct_bit", (500, 5000, 10000, 20000)), ("cxr_bit", (500, 10000, 20000))]
)
def test_resolutions_at_the_papers_schedule_and_schedules_at_its_resolution(script, steps):
    _, bars = bars_of(script, "resolution-schedule-mixup")
    first, second = hyperparameters(bars)
    assert first.levels == ["(160, 128)", "(256, 224)", "(448, 384)", "(512, 480)"]
    assert second.levels == [f"{step:,}" for step in steps]
    starts = ["BiT-M"] if script == "ct_bit" else ["BiT-S", "BiT-M"]
    expected = [f"{start}, {mixup}" for start in starts for mixup in ("mixup 0.1", "no mixup")]
    assert list(first.series) == list(second.series) == expected
    assert "10,000 steps" in first.label and "(512, 480) pixels" in second.label
    both = [panel.series["BiT-M, no mixup"] for panel in (first, second)]
    assert both[0]["(512, 480)"] == both[1]["10,000"], "the paper's own setting is in both"


def test_small_versions_of_them_are_drawn_too():
    _, bars = bars_of("ct_bit", "resolution-schedule-mixup", "--quick")
    first, second = hyperparameters(bars)
    assert first.levels[-1] == "(128, 120)" and second.levels == ["10", "100", "200", "400"]
    assert "200 steps" in first.label and "(128, 120)" in second.label


def test_few_images_have_the_full_set_and_the_peers():
    plan, bars = bars_of("ct_bit", "few-images")
    [panel] = images_per_class(plan, bars)
    assert panel.levels == ["50", "100", "500", "1,000", "all"]
    assert panel.published == {
        "COVID-Net CT-2 L": "98.1",
        "COVID-Net CT-2 S": "97.9",
        "COVID-Net CT-1": "94.5",
    }
    assert panel.marks == {("BiT-M", "100"): 94.8, ("BiT-M", "1,000"): 98, ("BiT-M", "all"): 99.2}
    assert hyperparameters(bars) == [] == images_per_class(*bars_of("ct_bit", "main"))


def test_the_figures_of_a_study_have_captions(tmp_path):
    trials = tuple(
        Trial(f"BiT-M, {count}", {"data.per_class": count}, "bit-m", seed)
        for count in (5, 50)
        for seed in (0, 1)
    )
    study = small_study(trials=trials)
    assert write_study_figures(study, tmp_path, Source()) == []
    run_fake(FakeWorker(tmp_path, study), study)
    paths = write_study_figures(study, tmp_path, Source())
    names = ["curves", "confusion_matrices", "images_per_class"]
    assert [path.name for path in paths] == [*(f"{name}.png" for name in names), "captions.md"]
    text = paths[-1].read_text()
    assert all(f"**{name}.** A study: " in text for name in names)
    assert "20 test images" in text and "another data set: table 1 of A. Author" in text
    assert all(path.exists() and path.with_suffix(".svg").exists() for path in paths[:-1])
