"""What differs between two rule sets: each planted change is told, and nothing is called equivalent that is not."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve, fields

pytest.importorskip("pysat", reason="python-sat is not installed for this interpreter")

from calf_triage import Acuity, RuleSet, load_rules
from calf_triage._advice import Dose
from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Choice, Finding, Kind, Value
from calf_triage._rules import Retired, Rule
from calf_triage._text import plain
from calf_triage._triage import resolve
from calf_triage.cli import main
from calf_triage.diff import KINDS, Answered, Change, Diff, Difference, NotReplayedError, diff, search, sides
from calf_triage.diff.changes import WORDS, changes
from calf_triage.diff.values import answered
from calf_triage.verify.resolution import Resolution
from tests import generated
from tests._rules import MINI, MINI_FOLDER, RULES

Edits = dict[str, Callable[[str], str]]


def folder(to: Path, edits: Edits) -> Path:
    """The small set with some files changed."""
    shutil.copytree(MINI_FOLDER, to)
    for name, change in edits.items():
        path = to / name
        text = change(path.read_text() if path.exists() else "")
        path.parent.mkdir(exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink()
    return to


def instead(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        return text

    return change


def gone(_: str) -> str:
    return ""


def changed(tmp_path: Path, edits: Edits) -> Diff:
    return diff(MINI, load_rules(folder(tmp_path / "new", edits)))


def told(found: Diff) -> dict[tuple[str, str], Difference]:
    return {(difference.kind, difference.about): difference for difference in found.differences}


def rewritten(found: Diff) -> dict[str, Change]:
    return {change.place: change for change in found.changes}


def said(difference: Difference) -> dict[str, str]:
    return {name: answer for name, _, answer in difference.answers}


PAIN, CLOT, FACTOR = "routine/pain.toml", "same_day/suspected_clot.toml", "soon/calf_pain_with_factor.toml"
RETIRED = 'title = "Marked calf pain"\nreplaced_by = "calf_pain_with_factor"\n'


# -- each planted change -----------------------------------------------------------------------------------------------


def test_the_same_rules_are_equivalent_and_nothing_is_told() -> None:
    """A rule set against itself: nothing was rewritten, nobody is answered differently."""
    found = diff(MINI, MINI)
    assert found.nothing
    assert (found.verdict, found.changes, found.differences, found.bounded) == ("equivalent", (), (), None)


def test_a_reworded_and_reordered_folder_is_equivalent(tmp_path: Path) -> None:
    """Other words, another order of criteria and of files change no answer; the words are told, with what differs."""
    edits = {
        PAIN: instead(("It should be looked at.", "It should be looked at by somebody.")),
        "criteria.toml": instead(
            ('["cancer", "cancer is unsure", "bed_days >= 3"]', '["bed_days >= 3", "cancer", "cancer is unsure"]')
        ),
        "findings/start.toml": instead(("Short of breath", "Short of breath now")),
    }
    found = changed(tmp_path, edits)
    assert found.verdict == "equivalent"
    assert found.differences == ()
    assert not found.nothing
    assert not found.lowered
    what = rewritten(found)
    assert what[PAIN] == Change("reworded", PAIN, ('why: "… be looked at." → "… be looked at by somebody."',))
    assert what["findings/: [breathless]"].what == "reworded"
    assert what["criteria.toml: [clot_factor]"].says == ("when any: in another order",)


def test_a_threshold_moved_by_one_is_told_with_the_answer_on_it(tmp_path: Path) -> None:
    """A rule that fires later is lowered, and the smallest answers stand on the number it moved from."""
    found = changed(tmp_path, {"criteria.toml": instead(("bed_days >= 3", "bed_days >= 4")), FACTOR: examples})
    assert rewritten(found)[FACTOR].what == "lowered"
    assert "fires for fewer people than before" in rewritten(found)[FACTOR].says
    difference = told(found)["lowered", "soon → routine"]
    assert said(difference) == {"calf_pain": "yes", "bed_days": "3 days"}
    assert difference.because == ("criteria.toml: [clot_factor]",)
    assert (difference.old.acuity, difference.new.acuity) == (Acuity.SOON, Acuity.ROUTINE)
    assert found.differences[0].kind == "lowered"
    assert found.lowered


def examples(text: str) -> str:
    return instead(("bed_days = 3", "bed_days = 4"))(text)


def test_two_independent_changes_of_one_rung_are_told_apart(tmp_path: Path) -> None:
    """Two rules that stop firing from the same rung to the same rung: a person for each of the two, and its file."""
    planted = (MINI_FOLDER / PAIN).read_text().replace("pain_worst_of_10 >= 4", "leg_weakness")
    planted = planted.replace("calf_pain = true, pain_worst_of_10 = 4", "leg_weakness = true")
    planted = planted.replace("calf_pain = true, pain_worst_of_10 = 3", "leg_weakness = false")
    sore = (MINI_FOLDER / PAIN).read_text().replace("pain_worst_of_10 >= 4", "pain_worst_of_10 >= 2")
    sore = sore.replace("pain_worst_of_10 = 3", "pain_worst_of_10 = 1").replace(
        "pain_worst_of_10 = 4", "pain_worst_of_10 = 2"
    )
    two: Edits = {"soon/weak.toml": lambda _: soon(planted), "soon/sore.toml": lambda _: soon(sore)}
    found = diff(load_rules(folder(tmp_path / "old", two)), MINI)
    lowered = [each for each in found.differences if (each.kind, each.about) == ("lowered", "soon → routine")]
    assert sorted(each.because for each in lowered) == [("soon/sore.toml",), ("soon/weak.toml",)]
    for each in lowered:
        assert {f"soon/{id}.toml" for id in each.old.fired if id in ("sore", "weak")} == {*each.because}


def soon(text: str) -> str:
    return text.replace("look_again_days = 14", "look_again_days = 14\nwithin_hours = 72")


def test_a_raised_rule_is_told_as_raised_and_nothing_is_lowered(tmp_path: Path) -> None:
    """A rule in a more acute folder: raised among the rules, and for the people on whom it fires."""
    text = (MINI_FOLDER / FACTOR).read_text()
    text = text.replace('status = "draft"', 'status = "draft"\nhazards = ["H1"]')
    raised = instead(("within_hours = 48\n", ""), ("look_again_days = 2\n", ""), ('seek_help_if = ["worse"]\n', ""))(
        text
    )
    found = changed(tmp_path, {FACTOR: gone, "same_day/calf_pain_with_factor.toml": lambda _: raised})
    change = rewritten(found)["same_day/calf_pain_with_factor.toml"]
    assert change.what == "raised"
    assert "acuity: soon → same_day" in change.says
    assert said(told(found)["raised", "soon → same_day"]) in (
        {"calf_pain": "yes", "cancer": "yes"},
        {"calf_pain": "yes", "bed_days": "3 days"},
    )
    assert not found.lowered


@pytest.mark.parametrize(
    "less",
    [
        lambda rules: evolve(rules, laws=rules.laws[1:]),
        lambda rules: evolve(rules, laws=(evolve(rules.laws[0], when=rules.rules[0].when), *rules.laws[1:])),
        lambda rules: evolve(rules, safety_net=()),
        lambda rules: evolve(
            rules,
            advice={
                **rules.advice,
                "calf_raise": evolve(rules.advice["calf_raise"], dose=Dose(sets=(9, 9), repetitions=(90, 90))),
            },
        ),
    ],
)
def test_what_stands_in_no_answer_may_have_been_lowered(less: Callable[[RuleSet], RuleSet]) -> None:
    """A law gone or rewritten, a safety net cut, a dose raised: a program that reads `lowered` is warned."""
    changed = less(MINI)
    assert diff(MINI, evolve(changed, sha256="0" * 64)).lowered


def test_longer_hours_are_lowered(tmp_path: Path) -> None:
    """Within 72 hours in place of 48 is lowered, and comes before all but a lower rung."""
    found = changed(tmp_path, {FACTOR: instead(("within_hours = 48", "within_hours = 72"))})
    assert rewritten(found)[FACTOR] == Change("lowered", FACTOR, ("within_hours: 48 → 72",))
    assert found.differences[0].kind == "later"
    assert found.differences[0].about == "within 48 → 72 hours"
    assert found.lowered


def test_a_retired_rule_names_its_successor_and_a_deleted_one_that_it_has_none(tmp_path: Path) -> None:
    """What is gone is told as retired, with what replaces it or that nothing is named."""
    found = changed(tmp_path, {PAIN: gone, "retired/pain.toml": lambda _: RETIRED})
    assert rewritten(found)[PAIN].says == ("Marked calf pain: replaced by calf_pain_with_factor",)
    found = diff(MINI, load_rules(folder(tmp_path / "gone", {PAIN: gone})))
    assert rewritten(found)[PAIN] == Change(
        "retired", PAIN, ("Marked calf pain: it is gone, and retired/ does not name it",)
    )


def test_an_added_rule_is_told_and_so_are_the_people_it_raises(tmp_path: Path) -> None:
    """What is new is added, and raises those on whom nothing more acute fired."""
    found = diff(load_rules(folder(tmp_path / "old", {FACTOR: gone})), MINI)
    assert rewritten(found)[FACTOR] == Change("added", FACTOR, ("Calf pain with a clot factor",))
    assert told(found)["raised", "routine → soon"].because == (FACTOR,)


def test_a_dropped_contraindication_is_lowered_and_shows_who_is_given_the_item_now(tmp_path: Path) -> None:
    """An item withheld before and given now comes before what is merely lost; here it makes self-care of routine."""
    edit = instead(
        (
            'contraindicated_by = ["one_leg_swollen", "pain_worst_of_10 >= 4"]',
            'contraindicated_by = ["one_leg_swollen"]',
        )
    )
    soft: Edits = {"advice/all.toml": lambda text: edit(text) + another(text)}
    both: Edits = {"self_care/disuse.toml": instead(('do = ["calf_raise"]', 'do = ["calf_raise", "walk"]'))}
    old = load_rules(folder(tmp_path / "old", {PAIN: gone, "advice/all.toml": lambda t: t + another(t), **both}))
    new = load_rules(folder(tmp_path / "new", {PAIN: gone, **soft, **both}))
    found = diff(old, new)
    assert rewritten(found)["advice/: [calf_raise]"] == Change(
        "lowered", "advice/: [calf_raise]", ("contraindicated_by: − pain_worst_of_10 >= 4",)
    )
    difference = told(found)["no longer withheld", "calf_raise"]
    assert said(difference) == {
        "calf_pain": "yes",
        "pain_worst_of_10": "4 of 10",
        "leg_weakness": "yes",
        "activity": "Mostly sitting",
    }
    assert difference.because == ("advice/: [calf_raise]",)
    back = diff(new, old)
    assert told(back)["now withheld", "calf_raise"].new.withheld == ("calf_raise",)
    assert rewritten(back)["advice/: [calf_raise]"].what == "raised"


def another(text: str) -> str:
    item = text[text.index("[calf_raise]") :]
    item = item.replace("calf_raise", "walk").replace("Calf raise", "Walk")
    return "\n" + item.replace('contraindicated_by = ["one_leg_swollen", "pain_worst_of_10 >= 4"]', "")


@pytest.mark.parametrize(
    ("edits", "kind", "about", "place"),
    [
        ({CLOT: instead(('causes = ["clot"]', 'causes = ["disuse"]'))}, "cause lost", "clot", CLOT),
        ({CLOT: instead(('causes = ["clot"]', 'causes = ["clot", "disuse"]'))}, "cause gained", "disuse", CLOT),
        ({CLOT: instead(('avoid = ["no_massage"]\n', ""))}, "note lost", "no_massage", CLOT),
        (
            {CLOT: instead(('see = ["emergency_department"]', 'see = ["doctor"]'))},
            "place lost",
            "emergency_department",
            CLOT,
        ),
        (
            {PAIN: instead(("look_again_days = 14", "look_again_days = 28"))},
            "asked again later",
            "after 14 → 28 days",
            PAIN,
        ),
        (
            {PAIN: instead(("look_again_days = 14", "look_again_days = 7"))},
            "asked again sooner",
            "after 14 → 7 days",
            PAIN,
        ),
        (
            {"advice/all.toml": instead(("age_years >= 65", "age_years >= 70"))},
            "change lost",
            "calf_raise: Hold a rail.",
            "advice/: [calf_raise]",
        ),
        (
            {"ruleset.toml": instead(("lowest_age = 16", "lowest_age = 14"))},
            "lowered",
            "routine → self_care",
            "ruleset.toml: lowest_age",
        ),
    ],
)
def test_every_part_of_an_answer_that_changes_is_told_with_its_place(
    tmp_path: Path, edits: Edits, kind: str, about: str, place: str
) -> None:
    """Causes, notes, places, days, how an item is done, and the lowest age: each has its person and its place."""
    found = changed(tmp_path, edits)
    assert told(found)[kind, about].because == (place,)
    assert found.verdict == "different"


def test_what_no_answer_holds_is_told_among_the_rewritten_alone(tmp_path: Path) -> None:
    """A dose, a law, a source and a floor change no answer; a lower law or floor is lowered all the same."""
    edits: Edits = {
        "advice/all.toml": instead(("sets = 3", "sets = 2")),
        "laws.toml": instead(('at_least = "same_day"', 'at_least = "soon"')),
        "findings/start.toml": instead(('floor = "same_day"', 'floor = "soon"')),
        CLOT: instead(('says = "A swollen leg is seen."', 'says = "Seen."')),
    }
    found = changed(tmp_path, edits)
    assert found.verdict == "equivalent"
    what = rewritten(found)
    assert what["laws.toml: [swelling_is_seen]"] == Change(
        "lowered", "laws.toml: [swelling_is_seen]", ("at_least: same_day → soon",)
    )
    assert what["findings/: [one_leg_swollen]"].what == "lowered"
    assert "dose: 3 sets" in what["advice/: [calf_raise]"].says[0]
    assert what[CLOT].what == "cited"
    assert [change.what for change in found.changes] == sorted(
        (change.what for change in found.changes), key=WORDS.index
    )


NOT_REWRITTEN = {"name", "version", "sha256", "readings", "rules", "findings"}


@pytest.mark.parametrize("name", sorted({each.name for each in fields(RuleSet)} - NOT_REWRITTEN))
def test_whatever_a_rule_set_holds_is_told_when_it_changes(name: str) -> None:
    """Without the first entry of each part, or with another number or text, something is told of that part."""
    value = getattr(RULES, name)
    other: Any = None
    if isinstance(value, dict):
        other = {key: value[key] for key in [*value][1:]}
    elif value and isinstance(value, tuple):
        other = value[1:]
    elif isinstance(value, int | str):
        other = f"{value} too" if isinstance(value, str) else value + 1
    elif name == "retired":
        other = (Retired("old_rule", "An old rule", RULES.rules[0].id),)
    found = changes(RULES, evolve(RULES, **{name: other}, sha256="0" * 64))
    assert len(found) == 1
    assert found[0].what in WORDS
    assert "order" not in found[0].says[0]
    assert changes(RULES, RULES) == ()


def test_a_rule_taken_from_the_bundled_rules_is_the_place_of_every_difference() -> None:
    """Without one of its rules the bundled rule set answers somebody differently, each time because of that rule."""
    taken = RULES.rules[len(RULES) // 2]
    left = evolve(RULES, rules=tuple(rule for rule in RULES if rule is not taken), sha256="0" * 64)
    found = diff(RULES, left)
    assert found.verdict == "different"
    assert {each.because for each in found.differences} == {(f"{taken.acuity.word}/{taken.id}.toml",)}
    assert [change.place for change in found.changes] == [f"{taken.acuity.word}/{taken.id}.toml"]


# -- questions that differ ---------------------------------------------------------------------------------------------


def test_a_question_that_one_alone_asks_is_free_for_it_and_unknown_to_the_other(tmp_path: Path) -> None:
    """A new question on which a new rule hangs raises whoever says yes; one that no rule reads changes nobody."""
    asks = '\n[finding.fever]\nheading = "about_you"\nasks = "Fever"\nkind = "symptom"\n'
    idle = changed(tmp_path, {"findings/start.toml": lambda text: text + asks})
    assert (idle.verdict, [*rewritten(idle)]) == ("equivalent", ["findings/: [fever]"])
    rule = (MINI_FOLDER / PAIN).read_text().replace("pain_worst_of_10 >= 4", "fever")
    rule = rule.replace("calf_pain = true, pain_worst_of_10 = 4", "fever = true")
    rule = rule.replace("calf_pain = true, pain_worst_of_10 = 3", "fever = false")
    both: Edits = {"findings/start.toml": lambda text: text + asks, "soon/hot.toml": lambda _: soon(rule)}
    found = diff(MINI, load_rules(folder(tmp_path / "both", both)))
    difference = told(found)["raised", "routine → soon"]
    assert said(difference) == {"fever": "yes"}
    back = diff(load_rules(tmp_path / "both"), MINI)
    assert said(told(back)["lowered", "soon → routine"]) == {"fever": "yes"}


def test_answers_that_one_alone_takes_are_named_and_limit_what_is_called_equivalent(tmp_path: Path) -> None:
    """A wider range, a new choice: named as not compared, and the verdict says of whom it speaks."""
    edits: Edits = {
        "findings/start.toml": instead(
            ("range = [0, 10]", "range = [0, 12]"),
            ('sitting = "Mostly sitting"', 'sitting = "Mostly sitting"\nlying = "Mostly lying"'),
        )
    }
    found = changed(tmp_path, edits)
    assert found.verdict == "equivalent"
    assert not found.nothing
    assert [line.partition(":")[0] for line in found.not_compared] == ["pain_worst_of_10", "activity"]
    assert "of those whose answers both take" in plain(found.sections())


# -- nothing is missed: every answer there is, one by one --------------------------------------------------------------


def tiny(random: Random) -> RuleSet:
    """Four questions of all types, one hanging from another, and a few rules."""
    by_id: dict[str, Finding] = {
        "age_years": generated.measurement("age_years", 0, 15, 17),
        "gate": generated.yes_no("gate", 1),
        "size_cm": evolve(generated.measurement("size_cm", 2, 0, 2), only_if="gate"),
        "sort": Finding(
            "sort", "Which?", "made_up", Kind.CONTEXT, "choice", 3, "a", (Choice("a", "A"), Choice("b", "B"))
        ),
    }
    leaves = [
        Criterion("gate", "yes", "gate"),
        Criterion("gate is unsure", "unsure", "gate"),
        Criterion("size_cm >= 1", "at_least", "size_cm", 1),
        Criterion("size_cm < 2", "below", "size_cm", 2),
        Criterion("sort is b", "choice", "sort", "b"),
        Criterion("sort is unsure", "unsure", "sort"),
    ]
    rules = []
    for number in range(4):
        acuity = random.choice([*Acuity])
        low = acuity <= Acuity.ROUTINE and random.random() < 0.7
        when = When(
            all=tuple(random.sample(leaves, random.randint(1, 2))),
            any=tuple(random.sample(leaves, 2)) if random.random() < 0.4 else (),
            none=tuple(random.sample(leaves, 1)) if low else (),
        )
        rules.append(generated.rule(f"rule_{number}", acuity, when))
    rules.append(
        generated.rule("care", Acuity.SELF_CARE, When(any=(leaves[3], Criterion("sort is a", "choice", "sort", "a"))))
    )
    return generated.finished(by_id, rules)


def altered(random: Random, rules: RuleSet) -> RuleSet:
    """Some rules of another one, in place of a few of its own; sometimes a question that takes other answers."""
    other = tiny(random)
    mixed: list[Rule] = [
        evolve(another, id=rule.id) if random.random() < 0.3 and rule.id != "care" else rule
        for rule, another in zip(sorted(rules, key=lambda r: r.id), sorted(other, key=lambda r: r.id), strict=True)
        if random.random() < 0.9
    ]
    by_id = dict(rules.findings.by_id)
    match random.randint(0, 6):
        case 0:
            by_id["size_cm"] = evolve(by_id["size_cm"], low=1, high=3, benign=1)
        case 1:
            by_id["size_cm"] = evolve(by_id["size_cm"], only_if=None)
        case 2:
            by_id["sort"] = evolve(by_id["sort"], choices=(Choice("b", "B"), Choice("c", "C")), benign="c")
        case 3:
            by_id["sort"] = evolve(by_id["sort"], only_if="gate")
        case 4:
            by_id["more"] = generated.yes_no("more", 4)
            mixed.append(generated.rule("more", Acuity.SOON, When(all=(Criterion("more", "yes", "more"),))))
        case 5:
            # In half steps: every number in a criterion counts double.
            by_id["size_cm"] = evolve(by_id["size_cm"], low=0, high=4, decimals=1)
    used = [rule for rule in mixed if all(c.value != "a" or _has_a(by_id) for c in rule.when)]
    return evolve(generated.finished(by_id, used), sha256="1" * 64)


def _has_a(by_id: dict[str, Finding]) -> bool:
    return any(choice.id == "a" for choice in by_id["sort"].choices)


def everybody(old: RuleSet, new: RuleSet) -> Iterator[tuple[dict[str, Value], dict[str, Value]]]:
    """All answers that both take, as each of the two checks them."""
    findings = {**old.findings.by_id, **new.findings.by_id}
    options: list[list[Any]] = []
    for name in findings:
        known = [rules.findings.by_id[name] for rules in (old, new) if name in rules.findings.by_id]
        answers: dict[Any, None] = {None: None, UNSURE: None}
        for finding in known:
            if finding.type == "measurement":
                answers |= dict.fromkeys(finding.number(step) for step in range(finding.low, finding.high + 1))
            else:
                answers |= dict.fromkeys(
                    [choice.id for choice in finding.choices] if finding.choices else [True, False]
                )
        options.append([*answers])
    for combination in product(*options):
        checked: list[dict[str, Value]] = []
        for rules in (old, new):
            mine = {n: a for n, a in zip(findings, combination, strict=True) if n in rules.findings.by_id}
            values, problems = rules.findings.check(mine)
            if problems:
                break
            hidden = rules.findings.not_applicable(values)
            checked.append({name: value for name, value in values.items() if name not in hidden})
        else:
            yield checked[0], checked[1]


def spelled_out(rules: RuleSet, difference: Difference) -> None:
    """The answers that are told, and the word for the rest, say all that is given."""
    words = said(difference)
    left = {name: answer for name, answer in difference.given.items() if name not in words}
    if difference.rest == "not answered":
        assert left == {}
    for name, answer in left.items():
        assert answer == rules.findings.by_id[name].shown(rules.findings.by_id[name].benign)
    values = rules.findings.check({n: a for n, a in difference.given.items() if n in rules.findings.by_id})[0]
    absent = rules.findings.by_id.keys() - values.keys() - rules.findings.not_applicable(values)
    if difference.rest == "benign":
        assert all(words[name] == "not answered" for name in absent)


def ways(old: Answered, new: Answered) -> set[tuple[str, str]]:
    """Every way in which two answers differ, said once more without a solver."""
    found: set[tuple[str, str]] = set()
    if old.acuity is not new.acuity:
        found.add(("lowered" if new.acuity < old.acuity else "raised", f"{old.acuity.word} → {new.acuity.word}"))
    elif old.within_hours != new.within_hours:
        later = (new.within_hours or 0) > (old.within_hours or 0)
        found.add(("later" if later else "sooner", f"within {old.within_hours} → {new.within_hours} hours"))
    if old.acuity is new.acuity and old.look_again_days != new.look_again_days:
        days = f"after {old.look_again_days} → {new.look_again_days} days"
        found.add(
            (f"asked again {'later' if (new.look_again_days or 0) > (old.look_again_days or 0) else 'sooner'}", days)
        )
    if old.acuity is new.acuity is Acuity.SELF_CARE:
        for id in {*old.items, *old.withheld} | {*new.items, *new.withheld}:
            match id in old.items, id in old.withheld, id in new.items, id in new.withheld:
                case _, True, True, _:
                    found.add(("no longer withheld", id))
                case True, _, _, True:
                    found.add(("now withheld", id))
                case _, _, False, False:
                    found.add(("item lost", id))
                case False, False, _, _:
                    found.add(("item gained", id))
    for name, word in (("causes", "cause"), ("notes", "note"), ("places", "place")):
        before, now = (set(getattr(each, name)) for each in (old, new))
        if name == "causes" or old.acuity is new.acuity:
            found |= {(f"{word} lost", id) for id in before - now} | {(f"{word} gained", id) for id in now - before}
    return found


@pytest.mark.parametrize("seed", range(24))
def test_on_tiny_rule_sets_just_the_differences_of_all_answers_are_told(seed: int) -> None:
    """Tried on every set of answers that both take, the ways to be answered differently are just those told."""
    random = Random(seed)
    old = tiny(random)
    new = altered(random, old)
    found = diff(old, new)
    by_hand: set[tuple[str, str]] = set()
    for heard, also_heard in everybody(old, new):
        by_hand |= ways(answered(resolve(old, heard)), answered(resolve(new, also_heard)))
    shown = {way for each in found.differences for way in ways(each.old, each.new)}
    assert shown == by_hand
    assert (found.verdict == "equivalent") <= (not by_hand)
    for each in found.differences:
        mine, its = (
            rules.findings.check({n: a for n, a in each.given.items() if n in rules.findings.by_id})
            for rules in (old, new)
        )
        assert (mine[1], its[1]) == ([], [])
        assert answered(resolve(old, mine[0])) == each.old
        assert answered(resolve(new, its[0])) == each.new
        assert each.kind in KINDS
        spelled_out(new, each)


def test_the_tiny_rule_sets_differ_and_agree_often_enough() -> None:
    """The test above is about something: rungs lowered and raised, and pairs that are proved equivalent."""
    verdicts = []
    for seed in range(24):
        random = Random(seed)
        old = tiny(random)
        verdicts.append(diff(old, altered(random, old)))
    assert sum(found.lowered for found in verdicts) >= 5
    assert sum(found.verdict == "equivalent" for found in verdicts) >= 1
    assert sum(bool(found.not_compared) for found in verdicts) >= 5


# -- bounds, disagreement, the command ---------------------------------------------------------------------------------


def test_out_of_time_is_undecided_and_said(tmp_path: Path) -> None:
    """Without time nothing is called equivalent, and a plain sentence says why."""
    new = load_rules(folder(tmp_path / "new", {PAIN: instead(("at.", "at soon."))}))
    found = diff(MINI, new, seconds=-1)
    assert found.verdict == "undecided"
    assert not found.nothing
    assert "ran out of its time" in plain(found.sections(), None)


def test_more_differences_than_are_told_are_said_to_be_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound the rest is not told, and that is said."""
    monkeypatch.setattr(search, "MOST_REPORTS", 1)
    found = changed(tmp_path, {FACTOR: gone})
    assert len(found.differences) == 1
    assert found.bounded is not None
    assert "there are others" in found.bounded
    assert found.lowered
    assert found.bounded in plain(found.sections(), None)


class Blind(Resolution):
    """A resolution that errs alone."""

    def self_care(self) -> int:
        return self.circuit.FALSE


def test_what_the_library_does_not_confirm_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An encoder that errs is caught by the replay: exit code 3, and nothing on standard output."""
    monkeypatch.setattr(sides, "Resolution", Blind)
    weak = {"self_care/disuse.toml": instead(('causes = ["disuse"]', 'causes = ["clot"]'))}
    new = folder(tmp_path / "new", weak)
    with pytest.raises(NotReplayedError):
        diff(MINI, load_rules(new))
    assert main(["diff", str(MINI_FOLDER), str(new)]) == 3
    assert capsys.readouterr().out == ""


def test_the_command_tells_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 for the same, also as a zip and whatever the version; 1 for anything else; the JSON says if it is lowered."""
    copy = folder(tmp_path / "copy", {"ruleset.toml": instead(('version = "0.1.0"', 'version = "0.2.0"'))})
    other = folder(tmp_path / "other", {FACTOR: gone})
    zipped = tmp_path / "rules.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for path in sorted(MINI_FOLDER.rglob("*.toml")):
            file.write(path, f"project/rules/{path.relative_to(MINI_FOLDER).as_posix()}")
    assert main(["diff", str(zipped), str(copy)]) == 0
    assert "Equivalent: it is proved that everybody is answered alike." in capsys.readouterr().out
    assert main(["diff", "bundled", "bundled"]) == 0
    assert "Both are the same rules." in capsys.readouterr().out
    assert main(["diff", str(zipped), str(other)]) == 1
    out = capsys.readouterr().out
    assert "Pain in the calf: yes" in out
    assert "soon → routine" in out
    assert main(["diff", str(zipped), str(other), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["lowered"], found["nothing"], found["verdict"]) == (True, False, "different")
    assert [*found] == [
        *("old", "new", "changes", "verdict", "differences", "bounded", "not_compared", "cases", "nothing", "lowered"),
    ]
    assert found["differences"][0]["old"]["acuity"] == "soon"
    assert main(["diff", str(other), str(MINI_FOLDER), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["lowered"] is False


def test_bad_folders_are_told_all_at_once_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The problems of both sides, each under its name; no folder, no zip and an empty zip are such problems."""
    broken = folder(tmp_path / "broken", {PAIN: instead(("pain_worst_of_10 >= 4", "pain_wurst_of_10 >= 4"))})
    assert main(["diff", str(broken), "nowhere"]) == 2
    err = capsys.readouterr().err
    assert "unknown finding 'pain_wurst_of_10'" in err
    assert "nowhere: no such folder or zip" in err
    no_zip, empty = tmp_path / "no.zip", tmp_path / "empty.zip"
    no_zip.write_text("no zip")
    zipfile.ZipFile(empty, "w").close()
    assert main(["diff", str(no_zip), str(empty)]) == 2
    err = capsys.readouterr().err
    assert "neither a folder nor a zip" in err
    assert "found 0" in err


def test_without_python_sat_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One plain sentence and exit code 2."""
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    assert main(["diff", str(MINI_FOLDER), str(MINI_FOLDER)]) == 2
    assert 'pip install "calf-triage[verify]"' in capsys.readouterr().err


CASES = """
[[vignette]]
id = "{0}"
text = "A case."
cites = "design decision"
gold = "{1}"
reason = "Made up."
given = {2}
"""


def test_cases_that_change_are_told_those_now_seen_too_late_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each case that is answered otherwise, with gold; what does not change is not listed."""
    cases = tmp_path / "cases.toml"
    written = [
        ("milder", "routine", "{ calf_pain = true, bed_days = 3 }"),
        ("too_late", "soon", "{ calf_pain = true, cancer = true }"),
        ("as_before", "emergency", "{ breathless = true }"),
    ]
    cases.write_text("".join(CASES.format(*case) for case in written))
    other = folder(tmp_path / "other", {FACTOR: gone})
    assert main(["diff", str(MINI_FOLDER), str(other), "--cases", str(cases)]) == 1
    out = capsys.readouterr().out
    assert "too_late: soon → routine, gold soon" in out
    assert out.index("too_late") < out.index("milder")
    assert "as_before" not in out
    assert main(["diff", str(MINI_FOLDER), str(other), "--cases", str(cases), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["cases"]
    assert [(case["id"], case["what"]) for case in found] == [
        ("too_late", "lowered below acceptable"),
        ("milder", "lowered"),
    ]


def test_a_case_that_only_one_version_can_read_is_heard_by_the_other_without_the_question(tmp_path: Path) -> None:
    """A case that answers a new question is run by the older rules without it, as people are compared."""
    from calf_triage.vignettes import load_vignettes

    asks = '\n[finding.fever]\nheading = "about_you"\nasks = "Fever"\nkind = "symptom"\n'
    new = load_rules(folder(tmp_path / "new", {"findings/start.toml": lambda text: text + asks}))
    cases = tmp_path / "cases.toml"
    cases.write_text(CASES.format("hot", "routine", "{ fever = true }"))
    assert diff(MINI, new, cases=load_vignettes(cases, new)).cases == ()
