"""What `check` finds in a rule set that loads."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from calf_triage import Acuity, RuleSet, RuleSetError, load_rules
from calf_triage._criteria import Criterion, NamedCriterion, When
from calf_triage._findings import Answer, Choice
from calf_triage.check import check, lint, not_loaded
from calf_triage.check.lints import in_vain
from tests import generated
from tests._laws import when_truth
from tests._rules import MINI, MINI_FOLDER, RULES

KNOWN = set(check(MINI))
"""The small rule set is not without fault; what is planted below comes on top."""


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., list[str]]:
    """What check finds in the small rule set once texts of its files are replaced, or added at their ends."""

    def change(file: str, *pairs: tuple[str, str], **added: str) -> list[str]:
        folder = tmp_path / "rules"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MINI_FOLDER, folder)
        text = (folder / file).read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (folder / file).write_text(text, encoding="utf-8")
        for path, more in added.items():
            with (folder / path).open("a", encoding="utf-8") as opened:
                opened.write(more)
        return [line for line in check(load_rules(folder)) if line not in KNOWN]

    return change


Changed = Callable[..., list[str]]
WITHOUT_EFFECT = (
    "without it nothing changes in its own examples (acuity, hours, causes, see); other rules say as much already; "
    "give it another rung, cause or place, show a person only it is for, or leave it out"
)


def test_the_bundled_rules_are_consistent() -> None:
    """Nothing is found in the rules that come with the library."""
    assert check(RULES) == ()


def test_what_the_small_rule_set_lacks() -> None:
    """Numbers of a score need examples too, and a rule that says nothing of its own changes nothing."""
    clot = "same_day/suspected_clot.toml:"
    assert sorted(KNOWN) == [
        f"routine/pain.toml: {WITHOUT_EFFECT}",
        f"{clot} 'girth_difference_cm >= 3': no example exactly on 3.0 of girth_difference_cm",
        f"{clot} 'girth_difference_cm >= 3': no example one step below, on 2.9 of girth_difference_cm",
        f"{clot} 'wells >= 2': no example exactly on 2 of wells",
        f"{clot} 'wells >= 2': no example one step below, on 1 of wells",
    ]


def test_an_example_that_does_not_fire_says_what_is_missing(changed: Changed) -> None:
    """And what fired instead."""
    file = "soon/calf_pain_with_factor.toml"
    place = f"{file}: [[example]] 'two days in bed'"
    near_miss, fires = (
        '"two days in bed"\ngiven = { calf_pain = true, cancer = false, bed_days = 2 }\nfires = ' + w
        for w in ("false", "true")
    )
    shown = fires.replace("cancer = false", "one_leg_swollen = true") + "\n[[example]]\nname = " + near_miss
    assert changed("soon/calf_pain_with_factor.toml", (near_miss, shown)) == [
        f"{place}: should fire, but 'clot_factor' is open; fired instead: same_day/suspected_clot",
        f"{place}: another example has this name",
    ]


def test_an_example_that_fires_against_its_word_says_what_is_met(changed: Changed) -> None:
    """A near miss that is none."""
    near_miss = "{ breathless = true, cancer = true }"
    assert changed("emergency/suspected_embolism.toml", ("{ breathless = false }", near_miss)) == [
        "emergency/suspected_embolism.toml: [[example]] 'not breathless': should not fire, but does; met: 'breathless'"
    ]


def test_a_rule_that_never_leads_is_found(changed: Changed) -> None:
    """Law 8, first half."""
    found = changed("routine/pain.toml", ("pain_worst_of_10 = 4 }", "pain_worst_of_10 = 4, breathless = true }"))
    assert (
        "routine/pain.toml: is never among the most acute rules of its own examples; above it fires "
        "emergency/suspected_embolism"
    ) in found


def test_a_rule_that_changes_nothing_is_found(changed: Changed) -> None:
    """Law 8, second half."""
    rule = (MINI_FOLDER / "soon" / "calf_pain_with_factor.toml").read_text(encoding="utf-8")
    rule = rule.replace('all = ["calf_pain", "clot_factor"]', 'all = ["calf_pain", "clot_factor", "leg_weakness"]')
    rule = rule.replace("calf_pain = true", "calf_pain = true, leg_weakness = true")
    rule = rule.replace("Calf pain with a clot factor", "The same once more").replace("A clot is more", "It is more")
    assert changed("ruleset.toml", **{"soon/again.toml": rule}) == [f"soon/again.toml: {WITHOUT_EFFECT}"]


def test_a_number_without_its_examples_is_found(changed: Changed) -> None:
    """Also through a named criterion."""
    assert changed("routine/pain.toml", ("pain_worst_of_10 >= 4", "pain_worst_of_10 >= 3")) == [
        "routine/pain.toml: [[example]] '3 of 10': should not fire, but does; met: 'pain_worst_of_10 >= 3'",
        "routine/pain.toml: 'pain_worst_of_10 >= 3': no example one step below, on 2 of pain_worst_of_10",
    ]
    assert changed("soon/calf_pain_with_factor.toml", ("bed_days = 3 }", "bed_days = 4 }")) == [
        "soon/calf_pain_with_factor.toml: 'bed_days >= 3': no example exactly on 3 of bed_days"
    ]


def test_examples_on_both_sides_of_a_number_differ(changed: Changed) -> None:
    """Where both fire, the number is shown by neither."""
    near_miss = "given = { calf_pain = true, cancer = false, bed_days = 2 }\nfires = false"
    other = "given = { calf_pain = true, cancer = true, bed_days = 2 }\nfires = true"
    shown = f'{other}\n[[example]]\nname = "no pain"\ngiven = {{ calf_pain = false }}\nfires = false'
    assert changed("soon/calf_pain_with_factor.toml", (near_miss, shown)) == [
        "soon/calf_pain_with_factor.toml: 'bed_days >= 3': the examples on 3 and on 2 do not differ in fires"
    ]


def test_self_care_that_is_not_reached_is_found(changed: Changed) -> None:
    """A self-care rule's own examples end in self-care, or what keeps them from it is told."""
    place = "self_care/disuse.toml: [[example]] 'sits a lot': ends in"
    given = 'given = { leg_weakness = true, activity = "sitting" }\notherwise = "no"\nfires = true'
    for new, line in (
        (
            given.replace(" }", ", breathless = true }"),
            "emergency, not in self_care: emergency/suspected_embolism fires",
        ),
        (given.replace('otherwise = "no"', ""), "same_day, not in self_care: emergency/suspected_embolism, "),
        (given.replace(" }", ", age_years = 15 }"), "routine, not in self_care: under_age"),
        (given.replace(" }", ', age_years = "unsure" }'), "routine, not in self_care: age_unsure"),
    ):
        found = changed(
            "self_care/disuse.toml", (given, new.replace("given = { ", "given = { one_leg_swollen = false, "))
        )
        assert [one for one in found if one.startswith(f"{place} {line}")]


def test_an_emergency_page_without_room_is_found() -> None:
    """The loader bounds each part; should the parts together be too long in some region, that is found."""
    rule = MINI["suspected_embolism"]
    place = "emergency/suspected_embolism.toml: "
    number = {"generic": evolve(MINI.regions["generic"], emergency_number=" ".join(["one"] * 25))}
    assert f"{place}[then] 'no_massage' finds no room in the 40 words of its page in generic" in check(
        evolve(MINI, regions=number)
    )
    number = {"generic": evolve(MINI.regions["generic"], emergency_number=" ".join(["one"] * 30))}
    assert f"{place}its page in generic has 45 words; 40 are the most" in check(evolve(MINI, regions=number))
    rub = evolve(MINI.advice["no_massage"], id="rub", conflicts_with=("no_massage",))
    both = tuple(evolve(one, meanwhile=("rub",)) if one == rule else one for one in MINI)
    found = check(evolve(MINI, advice={**MINI.advice, "rub": rub}, rules=both))
    assert f"{place}[then] 'rub' and 'no_massage' conflict, so neither is said" in found


def test_forbidden_words_are_found_in_what_patients_read(changed: Changed) -> None:
    """No claim is made, and one word is used for nothing."""
    promises = "this library names possible causes and promises nothing"
    why = "It should be looked at."
    for text, said, reason in (
        ("This diagnoses it.", "diagnoses", promises),
        ("Rest cures it.", "cures", promises),
        ("You are safe to exercise.", "safe to exercise", promises),
        ("Your falls risk is low.", "falls risk", "no score of falls risk is given"),
        ("It is nothing serious.", "nothing serious", promises),
        ("Your Condition is known.", "Condition", "a disease to one reader, an if to the other"),
    ):
        assert changed("routine/pain.toml", (why, text)) == [f"routine/pain.toml: why: says {said!r}; {reason}"]
    assert changed("routine/pain.toml", (why, "Keep it secure, unconditionally.")) == []
    assert changed("hazards.toml", ("death", "a condition")) == [
        "hazards.toml: [H1]: says 'condition'; a disease to one reader, an if to the other"
    ]


def test_a_red_flag_below_its_floor_is_found(changed: Changed) -> None:
    """Yes alone reaches the floor; unsure alone at most one rung less."""
    place = "findings/start.toml: [finding.one_leg_swollen]:"
    assert changed("findings/start.toml", ('floor = "same_day"', 'floor = "emergency"')) == [
        f"{place} yes alone ends in same_day; its floor of emergency asks for at least emergency",
        f"{place} unsure alone ends in soon; its floor of emergency asks for at least same_day",
    ]


def test_a_broken_clinical_floor_is_found(changed: Changed) -> None:
    """By any example, with or without its benign rest."""
    place = "laws.toml: [swelling_is_seen]"
    found = changed("laws.toml", ('at_least = "same_day"', 'at_least = "emergency"'))
    assert found == [
        f"{place}: at least emergency, but the example 'swollen' of suspected_clot{rest} ends in same_day"
        for rest in ("", ", its rest benign,")
    ]


def test_benign_answers_that_fire_are_found(changed: Changed) -> None:
    """Someone whose answers are all benign needs nobody."""
    found = changed(
        "findings/start.toml",
        (
            'kind = "measurement"\nrange = [0, 30]\ndecimals = 0\nbenign = 0',
            'kind = "measurement"\nrange = [0, 30]\ndecimals = 0\nbenign = 9',
        ),
        ('asks = "Pain in the calf"\n', 'asks = "Pain in the calf"\nbenign = true\n'),
    )
    assert "findings/: with nothing but benign answers, soon/calf_pain_with_factor fires" in found


def test_check_is_quick() -> None:
    """Far below two seconds for the bundled rules; the bound is wide for slow machines."""
    began = time.process_time()
    check(RULES)
    assert time.process_time() - began < 10


def test_every_line_names_its_place() -> None:
    """A line begins with a file or a folder, a colon and a blank."""
    assert all(re.match(r"[a-z_/]+(\.toml)?: ", line) for line in KNOWN)


# -- what is said in vain, or twice ------------------------------------------------------------------------------------

PAIN = "routine/pain.toml"
IN_VAIN = {
    "two numbers that exclude each other": (
        'all = ["calf_pain", "pain_worst_of_10 >= 4", "pain_worst_of_10 < 3"]',
        (
            "can never be met: no answer to pain_worst_of_10 lets 'pain_worst_of_10 >= 4' be met, "
            "'pain_worst_of_10 < 3' be met"
        ),
    ),
    "two choices at once": (
        'all = ["activity is active", "activity is sitting"]',
        "can never be met: no answer to activity lets 'activity is active' be met, 'activity is sitting' be met",
    ),
    "yes and unsure at once": (
        'all = ["cancer", "cancer is unsure"]',
        "can never be met: no answer to cancer lets 'cancer' be met, 'cancer is unsure' be met",
    ),
    "a question without the one that it hangs from": (
        'all = ["both_calves"]\nnone = ["calf_pain"]',
        "can never be met: no answer to calf_pain lets 'both_calves' be met, 'calf_pain' be refuted",
    ),
    "a picture that excludes what stands beside it": (
        'all = ["pain_picture"]\nnone = ["calf_pain"]',
        (
            "can never be met: no answer to calf_pain lets 'calf_pain' be met, 'both_calves' be met, "
            "'calf_pain' be refuted"
        ),
    ),
    "a number that a higher one implies": (
        'all = ["pain_worst_of_10 >= 4", "pain_worst_of_10 >= 6"]',
        "all 'pain_worst_of_10 >= 4' says nothing beside the others; leave it out",
    ),
    "what is ruled out already": (
        'all = ["pain_worst_of_10 >= 4"]\nnone = ["pain_worst_of_10 < 2"]',
        "none 'pain_worst_of_10 < 2' says nothing beside the others; leave it out",
    ),
    "a list of which one is always so": (
        'all = ["pain_picture"]\nany = ["calf_pain", "cancer"]',
        "any says nothing: 'calf_pain' is always met beside all and none",
    ),
    "an alternative that can never be": (
        'all = ["activity is active"]\nany = ["activity is sitting", "cancer"]',
        "any 'activity is sitting' can never be met beside all and none; leave it out",
    ),
    "an alternative that another one includes": (
        'any = ["pain_worst_of_10 >= 4", "pain_worst_of_10 >= 6"]',
        "any 'pain_worst_of_10 >= 6' says nothing beside 'pain_worst_of_10 >= 4'; leave it out",
    ),
}
PICTURE = '\n[pain_picture]\nmeans = "Pain in both"\nall = ["calf_pain", "both_calves"]\n'


@pytest.mark.parametrize("fault", IN_VAIN)
def test_what_is_said_in_vain_is_found(changed: Changed, fault: str) -> None:
    """Criteria that can never be met together, and those that say nothing beside the others."""
    when, line = IN_VAIN[fault]
    found = changed(PAIN, ('all = ["pain_worst_of_10 >= 4"]', when), **{"criteria.toml": PICTURE})
    assert f"{PAIN}: [when]: {line}" in found


def test_what_a_self_care_rule_says_of_children_is_never_met(changed: Changed) -> None:
    """Nobody under the lowest age is given self-care."""
    found = changed("self_care/disuse.toml", ('all = ["leg_weakness",', 'all = ["age_years < 16", "leg_weakness",'))
    assert (
        "self_care/disuse.toml: [when]: can never be met: no answer to age_years lets 'age_years < 16' be met"
    ) in found


def test_advice_that_says_something_in_vain_is_found(changed: Changed) -> None:
    """What is implied by another contraindication, and a change for somebody who is never given the item."""
    against = 'contraindicated_by = ["one_leg_swollen", "pain_worst_of_10 >= 4"'
    assert changed("advice/all.toml", (against, f'{against}, "pain_worst_of_10 >= 6", "age_years >= 65"')) == [
        (
            "advice/: [calf_raise]: contraindicated_by 'pain_worst_of_10 >= 6' says nothing beside "
            "'pain_worst_of_10 >= 4'; leave it out"
        ),
        (
            "advice/: [calf_raise]: modified_by 'age_years >= 65' is never said, because it contraindicates the item; "
            "keep one"
        ),
    ]


def test_what_is_said_twice_is_found(changed: Changed) -> None:
    """Where a reader, or a patient, cannot tell two things apart."""
    twice = '\n[[example]]\nname = "again"\ngiven = { calf_pain = true, pain_worst_of_10 = 4 }\nfires = true\n'
    assert f"{PAIN}: [[example]] 'again': is the same person as '4 of 10'; show another, or leave it out" in changed(
        PAIN, **{PAIN: twice}
    )
    source = '\n[[source]]\ncites = "design decision"\nsays = "Seen soon."\n'
    file = "soon/calf_pain_with_factor.toml"
    assert f"{file}: [[source]] 2: is the same as the source 1" in changed(file, **{file: source})
    found = changed("findings/start.toml", ('"Cancer now"', '"A weak calf"'), ('"Mostly sitting"', '"Active"'))
    assert found == [
        "findings/start.toml: [finding.cancer]: asks the same as [finding.leg_weakness] under the same heading",
        "findings/start.toml: [finding.activity]: its choices 'active' and 'sitting' have one label",
    ]
    first, second = (f'\n[{name}]\nmeans = "Cancer"\nany = ["cancer", "calf_pain"]\n' for name in ("one", "two"))
    assert "criteria.toml: [two]: says the same as [one]; keep one" in changed(
        "ruleset.toml", **{"criteria.toml": first + second}
    )


def test_links_that_lead_nowhere_are_found(changed: Changed) -> None:
    """And those that are written in two ways."""
    says = 'says = "One sign is enough."'
    for link, line in (
        ("https://nice", "'https://nice' names no place of the web"),
        (
            "https://nice.org.uk/ng158).",
            "'https://nice.org.uk/ng158).' ends in a mark that belongs to the sentence around it",
        ),
    ):
        file = "emergency/suspected_embolism.toml"
        assert changed(file, (says, f'{says}\nlink = "{link}"')) == [f"{file}: [[source]]: {line}"]
    both = (f'{says}\nlink = "https://{host}nice.org.uk/ng158"' for host in ("www.", ""))
    second = f'\n[[source]]\ncites = "design decision"\n{[*both][1]}\n'
    file = "emergency/suspected_embolism.toml"
    first = (says, f'{says}\nlink = "https://www.nice.org.uk/ng158"')
    assert (
        f"{file}: [[source]]: 'https://nice.org.uk/ng158' is elsewhere written 'https://www.nice.org.uk/ng158'; write "
        "it in one way"
    ) in changed(file, first, **{file: second})


def test_a_cause_that_must_not_be_missed_is_looked_at_soon(changed: Changed) -> None:
    """Not only in routine/ or in self_care/."""
    assert changed("causes.toml", ("must_not_miss = false", "must_not_miss = true")) == [
        "causes.toml: [disuse]: must not be missed, but no rule above self_care/ names it"
    ]


def test_a_rule_signed_off_before_its_source_was_read_is_found(changed: Changed) -> None:
    """A reviewer of then has not seen what is cited now."""
    reviewed = 'status = "reviewed"\nreviewed_by = "A. Clinician"\nreviewed_on = 2026-03-01'
    read = ('says = "One sign is enough."', 'says = "One sign is enough."\nchecked = 2026-04-01')
    file = "emergency/suspected_embolism.toml"
    assert changed(file, ('status = "draft"', reviewed), read) == [
        f"{file}: reviewed_on: 2026-03-01 is before 2026-04-01, when a source of it was read; review it again"
    ]


def test_a_text_that_is_hard_to_read_is_found(changed: Changed) -> None:
    """A few long words alone are no reason."""
    hard = "Multidisciplinary rehabilitation necessitates individualised considerations concerning comorbidities today."
    found = changed(PAIN, ("It should be looked at.", hard))
    assert [line.partition(", above 8")[0].rpartition(" ")[0] for line in found] == [
        f"{PAIN}: why: reads at school grade"
    ]
    assert changed(PAIN, ("It should be looked at.", "Rehabilitation.")) == []


# -- notes, and parts --------------------------------------------------------------------------------------------------


def notes(rules: RuleSet) -> dict[str, list[str]]:
    """The notes of each kind."""
    found: dict[str, list[str]] = {}
    for one in lint(rules):
        if one.note:
            found.setdefault(one.kind, []).append(str(one))
    return found


def test_notes_are_told_and_are_no_problems() -> None:
    """What may be meant so."""
    assert notes(MINI) == {
        "one_alone": [
            "emergency/suspected_embolism.toml: [when]: any has one entry, 'breathless'; it says the same in all"
        ],
        "number_elsewhere": [
            "advice/: [calf_raise]: 'age_years >= 65': no example of any rule stands on 65 or on 64",
        ],
        "unit": [
            "findings/start.toml: [finding.pain_worst_of_10]: asks for a number without its unit, of 10",
            "findings/start.toml: [finding.girth_difference_cm]: asks for a number without its unit, cm",
        ],
        "source_unread": [
            (
                "ruleset.toml: of 2 statements cited, design decisions apart, 2 have no `checked`: nobody is on "
                "record to have read them"
            )
        ],
    }
    assert not any(str(note) in check(MINI) for note in lint(MINI) if note.note)


def test_more_notes() -> None:
    """A choice beside the point, a name that is no more, reasons word for word, a far miss, and an item for nobody."""
    rules = MINI
    activity = rules.findings.by_id["activity"]
    more = evolve(activity, choices=(*activity.choices, *(Choice(name, name) for name in ("some", "much"))))
    rules = evolve(rules, findings=evolve(rules.findings, by_id={**rules.findings.by_id, "activity": more}))
    alias = NamedCriterion("alias", "Cancer", When(all=(Criterion("cancer", "yes", "cancer"),)))
    rules = evolve(rules, criteria={**rules.criteria, "alias": alias})
    first, *others = rules.rules
    told: dict[str, Answer] = {"breathless": False, "cancer": True, "calf_pain": True, "leg_weakness": True}
    miss = evolve(first.examples[-1], given=told)
    first = evolve(first, why=others[0].why, examples=(first.examples[0], miss))
    weak = Criterion("leg_weakness", "yes", "leg_weakness")
    cold = evolve(rules.advice["calf_raise"], id="cold", contraindicated_by=(weak,))
    rest = tuple(evolve(rule, do=("calf_raise", "cold")) if rule.do else rule for rule in others)
    rules = evolve(rules, rules=(first, *rest), advice={**rules.advice, "cold": cold})
    found = notes(rules)
    assert found["never_read"] == [
        (
            "findings/start.toml: [finding.activity]: nothing reads its choices 'active', 'some', 'much'; "
            "could they be one?"
        )
    ]
    assert "criteria.toml: [alias]: is another name for 'cancer'; use that" in found["one_alone"]
    assert found["said_alike"] == [
        "same_day/suspected_clot.toml: why: is word for word that of emergency/suspected_embolism.toml",
        "advice/: [cold]: has the same name as [calf_raise]",
    ]
    assert found["far_miss"] == [
        (
            "emergency/suspected_embolism.toml: [[example]] 'not breathless': differs in 4 answers from the nearest "
            "example that fires; a near miss differs in few"
        )
    ]
    assert found["withheld"] == [
        "self_care/disuse.toml: [then] do: 'cold' is given in no example of it; show who gets it"
    ]


def test_the_bundled_rules_notes_are_few_and_of_known_kinds() -> None:
    """None is a fault that nobody looked at."""
    assert set(notes(RULES)) <= {"one_alone", "never_read", "withheld", "source_unread"}


def test_the_parts_of_a_line_make_up_the_line() -> None:
    """Of the loader's, for every broken folder that is kept, and of the lints'."""
    for folder in sorted((MINI_FOLDER.parent / "broken").iterdir()):
        with pytest.raises(RuleSetError) as error:
            load_rules(folder)
        parts = not_loaded(error.value)
        assert tuple(map(str, parts)) == error.value.problems
        assert {part.kind for part in parts} == {"load"}
        assert all(part.message for part in parts)
    found = {(part.file, part.place): part.message for part in lint(MINI)}
    assert found["same_day/suspected_clot.toml", "'wells >= 2'"] == "no example one step below, on 1 of wells"
    assert found["findings/start.toml", "[finding.girth_difference_cm]"] == "asks for a number without its unit, cm"
    assert found["routine/pain.toml", ""].startswith("without it nothing changes")


def test_what_is_called_vain_is_vain() -> None:
    """On made-up rules: what can never be met is not, and without what says nothing the same answers fire the rule."""
    never = spare = 0
    for seed in range(250):
        random = Random(seed)
        rules = generated.rule_set(random, random.randint(1, 8), random.randint(1, 8))
        found = {line for line in in_vain(rules) if "[when]" in line}
        cases = [generated.random_answers(random, rules, answered) for answered in (0.5, 1.0) for _ in range(20)]
        for rule in rules:
            place = f"{rule.acuity.word}/{rule.id}.toml: [when]: "
            lines = [line.removeprefix(place) for line in found if line.startswith(place)]
            # Of a self-care rule it is said with adults in mind.
            among = [{**case, "age_years": 40} for case in cases] if rule.acuity is Acuity.SELF_CARE else cases
            if any(line.startswith("can never be met") for line in lines):
                never += 1
                assert not any(when_truth(rules, values, rule.when) for values in among)
            for key in ("all", "any", "none"):
                for criterion in getattr(rule.when, key):
                    if any(line.startswith(f"{key} {criterion.text!r} ") for line in lines):
                        spare += 1
                        kept = tuple(one for one in getattr(rule.when, key) if one is not criterion)
                        without = evolve(rule.when, **{key: kept})
                        for values in among:
                            before, after = (when_truth(rules, values, when) for when in (rule.when, without))
                            assert (before is True) == (after is True)
    assert never > 20
    assert spare > 20


def test_a_plan_on_neighbouring_days_or_of_a_pain_nobody_looks_at_is_found() -> None:
    """A plan that was loosened says so: the days promise rest between, and the pain must be one that rules read."""
    plan = RULES.plan
    assert plan is not None
    loose = evolve(plan, days_a_week=(7, 7), days_trained=5, pain_finding="read_nowhere_of_10")
    places = [one.place for one in lint(evolve(RULES, plan=loose)) if one.kind == "loose_plan"]
    assert places == ["[days] a_week", "[days] trained", "[pain] finding"]
    assert not [one for one in lint(RULES) if one.kind == "loose_plan"]


def test_a_folder_without_laws_is_told_so() -> None:
    """Without a second statement a floor cannot be proved; it is a note, for small sets need none."""
    told = [one for one in lint(evolve(MINI, laws=())) if one.kind == "no_laws"]
    assert [(one.file, one.note) for one in told] == [("laws.toml", True)]
    assert not [one for one in lint(MINI) if one.kind == "no_laws"]
