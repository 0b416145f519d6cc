"""What patients read is easy to read, and promises nothing."""

from __future__ import annotations

import re

import pytest

from calf_triage.check.lints import HIGHEST_GRADE, PLAIN_TERMS, grade, graded_texts
from tests._rules import RULES

TERMS = {"achilles": "Achilles tendon (the cord above the heel)", "emergency": "emergency department (A&E, ER)"}
"""Terms that have no plainer word, each with the words by which a text explains it. Each counts as one syllable."""


@pytest.mark.parametrize(("place", "text"), [pytest.param(*each, id=each[0]) for each in graded_texts(RULES)])
def test_a_patient_text_reads_at_grade_8_or_lower(place: str, text: str) -> None:
    """Someone in pain, in a second language, or aged 13 can read it."""
    assert grade(text) <= HIGHEST_GRADE, f"{place}: grade {grade(text):.1f}: {text}"


def test_each_unavoidable_term_is_explained() -> None:
    """A term without a plainer word stands explained where it is read."""
    assert set(TERMS) == PLAIN_TERMS
    names = [*(service.name for service in RULES.services.values()), *(cause.name for cause in RULES.causes.values())]
    for term, explained in TERMS.items():
        assert any(explained in name for name in names), term


def test_the_grade_of_known_sentences_is_right() -> None:
    """The measure itself: short words in short sentences are low, long ones high."""
    assert grade("The cat sat on the mat.") < 1
    assert grade("Multidisciplinary rehabilitation necessitates individualised considerations.") > 20


def test_texts_about_colour_name_more_than_redness() -> None:
    """Redness is seen on light skin alone; wherever it is asked, another colour or warmth is named too."""
    for place, text in graded_texts(RULES):
        for line in text.split("\n"):
            if re.search(r"\bred(ness)?\b", line.lower()) and "urine" not in line.lower():
                assert re.search(r"darker|purple|warm|hot|grey|brown", line.lower()), f"{place}: {line}"
