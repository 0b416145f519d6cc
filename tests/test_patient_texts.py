"""What patients read is easy to read, and promises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests._rules import RULES

GRADE = 8.0
TERMS = {"achilles": "Achilles tendon (the cord above the heel)", "emergency": "emergency department (A&E, ER)"}
"""Terms that have no plainer word, each with the words by which a text explains it. Each counts as one syllable."""


def syllables(word: str) -> int:
    """Groups of vowels, less a silent e, at least one."""
    if word in TERMS:
        return 1
    groups = len(re.findall(r"[aeiouy]+", word))
    if re.search(r"[^aeiouyl]es?$|[^aeiouydt]ed$", word) and groups > 1:
        groups -= 1
    return max(groups, 1)


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text, all of its sentences pooled (Kincaid 1975)."""
    sentences = [part for part in re.split(r"[.!?;:]+\s|\n|[.!?:]$", text) if re.search(r"\w", part)]
    words = re.findall(r"[a-z']+", re.sub(r"\([^)]*\)", " ", text.lower()))
    if not words:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def texts() -> Iterator[tuple[str, str]]:
    """Each text with its place: a rule's reason, an item's steps, a heading with its questions."""
    for rule in RULES:
        yield f"{rule.acuity.word}/{rule.id} why", rule.why
    for item in RULES.advice.values():
        changes = [change.say for change in item.modified_by]
        yield f"advice {item.id}", "\n".join([*item.steps, *changes])
    for screen in RULES.findings.screens:
        for heading in screen.headings:
            asked = [RULES.findings.by_id[id] for id in heading.findings]
            labels = [choice.label for finding in asked for choice in finding.choices]
            yield f"heading {heading.id}", "\n".join([heading.asks, *(finding.asks for finding in asked), *labels])


@pytest.mark.parametrize(("place", "text"), [pytest.param(*each, id=each[0]) for each in texts()])
def test_a_patient_text_reads_at_grade_8_or_lower(place: str, text: str) -> None:
    """Someone in pain, in a second language, or aged 13 can read it."""
    assert grade(text) <= GRADE, f"{place}: grade {grade(text):.1f}: {text}"


def test_each_unavoidable_term_is_explained() -> None:
    """A term without a plainer word stands explained where it is read."""
    names = [*(service.name for service in RULES.services.values()), *(cause.name for cause in RULES.causes.values())]
    for term, explained in TERMS.items():
        assert any(explained in name for name in names), term


def test_the_grade_of_known_sentences_is_right() -> None:
    """The measure itself: short words in short sentences are low, long ones high."""
    assert grade("The cat sat on the mat.") < 1
    assert grade("Multidisciplinary rehabilitation necessitates individualised considerations.") > 20


def test_texts_about_colour_name_more_than_redness() -> None:
    """Redness is seen on light skin alone; wherever it is asked, another colour or warmth is named too."""
    for place, text in texts():
        for line in text.split("\n"):
            if re.search(r"\bred(ness)?\b", line.lower()) and "urine" not in line.lower():
                assert re.search(r"darker|purple|warm|hot|grey|brown", line.lower()), f"{place}: {line}"
