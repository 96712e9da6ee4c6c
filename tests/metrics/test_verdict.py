"""Each rule of the verdict: one sentence from the numbers, and what it says where they lack."""

import copy

import pytest
from made_predictions import two_networks

from covid_keras.metrics import operating_point, verdict
from covid_keras.metrics.map_sentences import map_summary
from covid_keras.metrics.set_scores import score_set
from covid_keras.metrics.verdict_words import AGAINST, FOR, LOOKS, OPEN, PLAIN, TOPICS

ENTRY = {"value": 0.7, "low": 0.6, "high": 0.8, "method": "60 patients; logit"}
TRAINING = {"runs": 1, "network": "squeezenet", "dataset": "Lungs", "images": 1200, "patients": 300}


@pytest.fixture(scope="module")
def made() -> dict:
    predictions, _ = two_networks(better=1.0)
    point = operating_point.fit(predictions)
    result = score_set(predictions, predictions.table[["source"]], point, resamples=20)
    return {"stamps": ["NOT A MEDICAL DEVICE"], "splits": {"test": result}, "training": TRAINING}


@pytest.fixture
def metrics(made) -> dict:
    return copy.deepcopy(made)


def say(rule, metrics: dict, name: str = "test") -> list[tuple[str, str]]:
    return [(sentence.tone, sentence.text) for sentence in rule(metrics, name)]


def test_the_sentences_stand_in_the_order_of_a_readers_questions(metrics):
    topics = [TOPICS.index(each.topic) for each in verdict.verdict(metrics, "test")]
    assert topics == sorted(topics) and set(topics) == set(range(len(TOPICS)))


def test_what_was_trained_on_what(metrics):
    text = "squeezenet, trained on 1,200 images of 300 patients of Lungs; tested on 240 images"
    assert say(verdict.trained_on, metrics) == [
        (PLAIN, f"{text} of the same data set (60 patients).")
    ]
    metrics["splits"]["hospital"] = metrics["splits"]["test"]
    assert (
        "tested on 240 images of hospital (60" in say(verdict.trained_on, metrics, "hospital")[0][1]
    )
    metrics["training"] |= {"runs": 2}
    assert say(verdict.trained_on, metrics)[0][1].startswith("The mean of 2 runs (squeezenet), tr")
    assert say(verdict.seeds, metrics) == []
    metrics["training"] |= {"runs": 1, "images": None, "patients": None}
    assert "squeezenet, trained on Lungs; tested" in say(verdict.trained_on, metrics)[0][1]
    del metrics["training"]
    assert (OPEN, "What it was trained on is unknown.") in say(verdict.trained_on, metrics)


def test_a_phantom_is_no_patient(metrics):
    assert say(verdict.synthetic, metrics) == []
    metrics["stamps"] = ["PHANTOM: synthetic images, not patients"]
    assert say(verdict.synthetic, metrics)[0][0] == AGAINST


def test_scores_by_patient_come_first(metrics):
    level = metrics["splits"]["test"]["patient_level"]
    (_, patient), (_, image) = say(verdict.scores, metrics)
    value = 100 * level["metrics"]["accuracy"]["value"]
    assert patient.startswith(f"By patient (60 patients): accuracy {value:.1f} % [")
    assert image.startswith("By image (240 images): accuracy ")
    level["left_out"] = 3
    text = "In the score by patient, 3 patients with images of several classes left out."
    assert (OPEN, text) in say(verdict.scores, metrics)
    del metrics["splits"]["test"]["patient_level"]
    text = "By patient: unknown, as no val images fixed how to join the images of a patient."
    assert say(verdict.scores, metrics)[0] == (OPEN, text)
    metrics["splits"]["test"]["patients"] = None
    text = "By patient: unknown, as the images have no patient ids; the intervals, which count each"
    assert say(verdict.scores, metrics)[0][1].startswith(text)


def test_the_weakest_class_is_the_one_found_least(metrics):
    found = metrics["splits"]["test"]["per_class"]
    found["Yes"]["sensitivity"] |= {"value": 0.2, "low": 0.1, "high": 0.3}
    assert (
        "Weakest class: Yes, of which it finds 20.0 % [10.0, 30.0]"
        in (say(verdict.weakest_class, metrics)[0][1])
    )
    for entries in found.values():
        entries["sensitivity"]["value"] = None
    assert say(verdict.weakest_class, metrics) == []


def test_the_weakest_group_is_named(metrics):
    assert say(verdict.weakest_group, metrics) == []
    low = {"accuracy": ENTRY | {"value": 0.65}, "images": 20}
    groups = {"sex": {"F": {"accuracy": ENTRY, "images": 30}, "M": low}}
    metrics["splits"]["test"]["groups"] = groups
    ((_, text),) = say(verdict.weakest_group, metrics)
    assert text == "Weakest group: sex M (20 images), accuracy 65.0 % [60.0, 80.0]."


def test_leaks_speak_against_the_score(metrics):
    assert say(verdict.leaks, metrics) == []
    metrics["stamps"] = ["IMAGE-LEVEL SPLIT: so", "LEAK: 3 images of test are in train"]
    assert [tone for tone, _ in say(verdict.leaks, metrics)] == [AGAINST, AGAINST]


@pytest.mark.parametrize(
    ("low", "high", "start", "tone"),
    [
        (0.01, 0.2, "Better than the metadata baseline, which reads only age: AUC +10.0", FOR),
        (-0.1, 0.3, "Not shown to be better than the metadata baseline", AGAINST),
        (-0.4, -0.1, "Worse than the metadata baseline", AGAINST),
        (None, None, "Not shown to be better than", AGAINST),
    ],
)
def test_the_metadata_baseline(metrics, low, high, start, tone):
    lead = {"lead": 0.1, "lead_low": low, "lead_high": high}
    metrics["metadata_baseline"] = {"columns": ["age"], "macro_auc": ENTRY | lead}
    ((found, text),) = say(verdict.baseline, metrics)
    assert text.startswith(start) and found == tone


def test_a_baseline_that_was_not_measured_is_open(metrics):
    assert say(verdict.baseline, metrics)[0][0] == OPEN
    metrics["splits"]["val"] = metrics["splits"]["test"]
    assert say(verdict.baseline, metrics, "val") == []


def test_one_answer_for_all_is_a_baseline_too(metrics):
    metrics["splits"]["test"]["images_per_class"] = {"No": 30, "Yes": 10}
    assert "would be right in 75.0 % at most" in say(verdict.most_frequent, metrics)[0][1]


def test_the_source_that_tells_the_class(metrics):
    metrics["stamps"] = ["SOURCE-CONFOUNDED: source alone 99 %"]
    assert "(source alone 99 %)" in say(verdict.confounded, metrics)[0][1]


def test_another_data_set(metrics):
    assert say(verdict.external, metrics)[0][0] == OPEN
    metrics["splits"]["hospital"] = metrics["splits"]["test"]
    assert say(verdict.external, metrics)[0][1].startswith(
        "On another data set, hospital (240 images, 60 patients): accuracy"
    )
    assert say(verdict.external, metrics, "hospital") == []


@pytest.mark.parametrize(("low", "tone"), [(0.45, FOR), (0.55, AGAINST)])
def test_the_centre_blacked_out(metrics, low, tone):
    metrics["ablations"] = {"centre blacked out": {"macro_auc": ENTRY | {"low": low}}}
    ((found, text),) = say(verdict.centre, metrics)
    assert text.startswith("With the centre blacked out its AUC is 70.0 % [") and found == tone


def test_where_it_looks_is_open_without_ablations_and_masks(metrics):
    assert say(verdict.centre, metrics)[0][0] == OPEN
    assert say(verdict.maps, metrics)[0][0] == OPEN
    del metrics["training"]
    assert "predictions only" in say(verdict.centre, metrics)[0][1]
    assert say(verdict.maps, metrics) == []


@pytest.mark.parametrize(
    ("low", "high", "tone"), [(0.1, 0.2, FOR), (-0.1, 0.1, OPEN), (-2, -1, AGAINST)]
)
def test_maps_against_masks(metrics, low, high, tone):
    score = ENTRY | {"lead": (low + high) / 2, "lead_low": low, "lead_high": high}
    told = {"average_precision": score, "sentence": "gradcam on test (9 images): so"}
    metrics["maps"] = {"test": {"gradcam": told}}
    how = {FOR: "mark the disease better", AGAINST: "mark the disease worse"}
    text = f"The maps by gradcam on test (9 images) {how.get(tone, 'are not shown to mark the')}"
    ((found, said),) = say(verdict.maps, metrics)
    assert found == tone and said.startswith(text)
    centre = 70 - 100 * score["lead"]
    assert said.endswith(f"precision 70.0 % [60.0, 80.0], of the spot {centre:.1f} %.")


def test_where_it_looks_begins_with_what_is_known(metrics):
    metrics["ablations"] = {"centre blacked out": {"macro_auc": ENTRY}}
    said = [s for s in verdict.verdict(metrics, "test") if s.topic == LOOKS]
    assert [sentence.tone for sentence in said] == [AGAINST, OPEN]


def test_several_methods_are_one_sentence_on_the_first_and_a_count(metrics):
    def entry(low, high):
        score = ENTRY | {"lead": (low + high) / 2, "lead_low": low, "lead_high": high}
        return {"average_precision": score, "sentence": "so"}

    better, open_, worse = entry(0.1, 0.2), entry(-0.1, 0.1), entry(-2, -1)
    methods = {"gradcam": open_, "layercam": better, "occlusion": worse, "smoothgrad": open_}
    metrics["maps"] = {"test": methods}
    ((tone, text),) = say(verdict.maps, metrics)
    assert tone == OPEN
    assert text.startswith("The maps by so are not shown to mark the disease better than a spot")
    assert text.endswith(
        "%; other maps shown to beat the centre prior:"
        " 1 of 3 (layercam); not occlusion, smoothgrad."
    )
    assert map_summary({"gradcam": worse, "layercam": better})[1].endswith("1 of 1 (layercam)")
    assert map_summary({"gradcam": worse, "layercam": open_})[1].endswith("0 of 1; not layercam")


def test_a_plan(metrics):
    metrics["plan"] = {"verdict": "FAIL", "reasons": ["auc"], "date": "2026-11-01T10:00:00"}
    assert say(verdict.planned, metrics) == [(AGAINST, "Claims frozen on 2026-11-01: FAIL; auc.")]


def test_for_whom_the_score_is_unknown(metrics):
    assert say(verdict.subgroups, metrics)[0][1] == "Scores by age, sex and source are unknown."
    metrics["splits"]["test"]["groups"] = {"age": {}, "source": {}}
    assert say(verdict.subgroups, metrics)[0][1] == "Scores by sex are unknown."
    metrics["splits"]["test"]["groups"]["sex"] = {}
    assert say(verdict.subgroups, metrics) == []


def test_looks_and_seeds(metrics):
    assert say(verdict.looks, metrics) == []
    metrics["looks"] = {"test": 3}
    assert "were measured 3 times" in say(verdict.looks, metrics)[0][1]
    assert say(verdict.seeds, metrics)[0][0] == OPEN


def test_of_several_seeds_only_what_their_mean_can_say(metrics):
    metrics["splits"]["test"]["runs"] = {"seed_0": {}, "seed_1": {}}
    metrics["training"]["runs"] = 2
    texts = [sentence.text for sentence in verdict.verdict(metrics, "test")]
    assert texts[0] == (
        "2 runs (squeezenet), trained on 1,200 images of 300 patients of Lungs; tested on 120"
        " images by each of 2 runs."
    )
    assert texts[1].startswith("Mean over 2 runs, by image: accuracy")
    assert not any("By patient" in text for text in texts)
    assert "Not compared with a metadata baseline in every run." in texts
    for place, run in enumerate(metrics["splits"]["test"]["runs"].values()):
        run |= {"patient_accuracy": 0.8, "patient_macro_auc": 0.9, "lead_low": place - 0.5}
    texts = [sentence.text for sentence in verdict.verdict(metrics, "test")]
    assert texts[1].startswith("Mean over 2 runs, by patient: accuracy 80.0 % (lowest 80.0,")
    assert "Better than the metadata baseline, by AUC, in 1 of 2 runs." in texts


def folds(metrics: dict) -> dict:
    """The metrics as the answers of two folds, of which a third was not evaluated."""
    result = metrics["splits"]["test"]
    mean = {name: ENTRY | {"std": 0.05} for name in result["metrics"]}
    runs = {"fold_0": {}, "fold_1": {}}
    part = result | {"metrics": mean, "runs": runs, "pooled": result | {"folds": 2}}
    training = metrics["training"] | {"runs": 2}
    return metrics | {"splits": {"test": part}, "training": training, "unfinished": ["fold_2"]}


def test_of_folds_all_that_is_said_of_a_run(metrics):
    texts = [sentence.text for sentence in verdict.verdict(folds(metrics), "test")]
    assert texts[0] == (
        "2 networks (squeezenet) on Lungs, each tested on the fold that it was not trained on:"
        " 240 images (60 patients), each answered once."
    )
    assert texts[1].startswith("By patient (60 patients): accuracy")
    mean = "70.0 % (lowest 60.0, highest 80.0, standard deviation 5.0)"
    assert f"Mean over 2 folds, by image: accuracy {mean}; macro AUC {mean}." in texts
    assert "Not evaluated: fold_2." in texts
    assert any("Not compared with a metadata baseline" in text for text in texts)


def test_one_fold_has_no_spread(metrics):
    one = folds(metrics)
    one["splits"]["test"]["runs"] = {"fold_0": {}}
    assert not any("Mean over" in s.text for s in verdict.verdict(one, "test"))
