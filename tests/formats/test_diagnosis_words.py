"""What is said of a diagnosis: the words for certainty, and the sentence that comes first."""

import pytest

from explorer.formats.diagnosis import Diagnosis, Guess
from explorer.formats.diagnosis_words import SUBJECTS, certainty_word, headline, summary
from explorer.formats.sidecars import HINTS

SIZE = Guess("image", "1x28x28", 0.3)
LAST = Guess("output", "identity", 0.7)
PRIOR = Guess("prior", "normal", 0.8)


def test_every_hint_has_words():
    assert set(SUBJECTS) == set(HINTS)


@pytest.mark.parametrize(
    ("certainty", "word"),
    [(1.0, "stated"), (0.99, "sure"), (0.9, "sure"), (0.8, "likely"), (0.74, "doubtful"), (0, "doubtful")],
)
def test_words_of_certainty(certainty, word):
    assert certainty_word(certainty) == word


@pytest.mark.parametrize(
    ("guesses", "failed", "sentence"),
    [
        ((SIZE,), False, "The picture's size is a guess: choose it below."),
        ((SIZE,), True, "The picture's size is needed: choose it below."),
        ((SIZE, LAST), False, "The picture's size is a guess, and so is one more: choose it below."),
        ((PRIOR,), False, "Everything fits; least certain is what codes are drawn from."),
        ((), False, "Everything that is needed is in the file."),
    ],
)
def test_the_first_sentence_names_what_is_most_likely_wrong(guesses, failed, sentence):
    assert headline(Diagnosis(guesses=guesses), failed=failed) == sentence


def test_where_nothing_is_guessed_and_nothing_fits_it_names_the_last_resorts():
    sentence = headline(Diagnosis(), failed=True)
    assert sentence.endswith(
        "the picture's size, the first map or the row of the decoder's layers may help: choose one below."
    )


def test_the_summary_has_the_doubtful_guesses_alone():
    assert (
        summary(Diagnosis(guesses=(SIZE, LAST, PRIOR)))
        == "Guessed: pictures of 1x28x28, no activation at the end."
    )
    assert summary(Diagnosis(guesses=(PRIOR,))) == ""
