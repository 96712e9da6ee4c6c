"""The positive class: named by the user, the published set's, or the one that its name says."""

import pytest

from covid_keras.datasets.positive import positive_class, positive_last
from covid_keras.utils.errors import InputError


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("COVID", "NonCOVID"), "COVID"),
        (("COVID", "non-COVID"), "COVID"),
        (("covid19", "healthy"), "covid19"),
        (("COVID_negative", "COVID_positive"), "COVID_positive"),
        (("Normal", "Viral Pneumonia"), "Viral Pneumonia"),
        (("no_pneumonia", "pneumonia"), "pneumonia"),
        (("covid", "normal", "tb"), "covid"),
    ],
)
def test_a_whole_word_says_which_class_of_ones_own_is_positive(classes, expected):
    assert positive_class("folder", classes) == expected


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (("bright", "dark"), "no name says"),
        (("covid", "pneumonia"), "both names say"),
        (("NonCOVID", "coviddy"), "no name says"),
        (("COVID negative", "not positive"), "no name says"),
    ],
)
def test_two_classes_that_do_not_say_it_are_refused(classes, reason):
    received = " and ".join(classes)
    with pytest.raises(InputError, match=f"expected --positive .*{reason}.* Received.*{received}"):
        positive_class("folder", classes)


def test_more_classes_that_do_not_say_it_have_none():
    assert positive_class("folder", ("a", "b", "c")) == ""
    assert positive_class("folder", ("covid", "normal", "pneumonia")) == ""
    assert positive_last(("a", "b", "c"), "") == ("a", "b", "c")


def test_the_users_choice_counts_and_a_published_set_knows_its_own():
    assert positive_class("covid19-ct", ("NonCOVID", "COVID")) == "COVID"
    assert positive_class("covid19-ct", ("NonCOVID", "COVID"), "NonCOVID") == "NonCOVID"
    assert positive_last(("a", "b", "c"), "b") == ("a", "c", "b")
    with pytest.raises(InputError, match=r"'Covid' is no class of folder; did you mean COVID\?"):
        positive_class("folder", ("COVID", "normal"), "Covid")
