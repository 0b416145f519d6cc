"""Two encoders of the rules, one for a SAT solver and one for z3, and the library itself: all three say the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

import pytest
from attrs import evolve

from calf_triage import Acuity, Assessment, Escalation, RuleSet, SelfCare
from calf_triage._criteria import Criterion, Item, NamedCriterion, Score, When
from calf_triage._findings import UNSURE, Finding, Value
from calf_triage._rules import Law
from calf_triage._triage import resolve
from calf_triage.readings.plain import plain
from calf_triage.readings.sat import ABSENT, NOT_APPLICABLE, Circuit, Person, Truths, cells
from calf_triage.verify import verify
from calf_triage.verify.prover import Prover
from calf_triage.verify.resolution import RUNGS, Resolution
from tests import _laws as laws
from tests import _z3, generated
from tests._rules import MINI, RULES
from tests._z3 import z3

FOUR: tuple[Value | None, ...] = (False, UNSURE, None, True)


def prover(rules: RuleSet) -> Prover:
    made = Prover(rules)
    made.deadline = float("inf")
    return made


def fixed(person: Person, values: dict[str, Value]) -> list[int]:
    """The literals that say just these answers."""
    hidden = silent_ones(person, values)
    return [
        person.is_(name, NOT_APPLICABLE if name in hidden else ABSENT)
        if name in hidden or name not in values
        else person.is_(name, person.state(name, values[name]))
        for name in person.states
    ]


def silent_ones(person: Person, values: dict[str, Value]) -> set[str]:
    """What hangs below a question that is answered no."""

    def silent(name: str) -> bool:
        above = person.findings[name].only_if
        return above is not None and (values.get(above) is False or silent(above))

    return {name for name in person.states if silent(name)}


# -- constructors ------------------------------------------------------------------------------------------------------


def constructors(number: int) -> Iterator[tuple[str, When]]:
    """Every list of the grammar over the first findings, alone and together, and what can stand in a list."""
    leaves = tuple(Criterion(name, "yes", name) for name in "abcd"[:number])
    first, rest = leaves[:1], leaves[1:]
    doubtful = tuple(Criterion(f"{name} is unsure", "unsure", name) for name in "abcd"[:number])
    yield "all", When(all=leaves)
    yield "any", When(any=leaves)
    yield "none", When(none=leaves)
    yield "is unsure", When(any=doubtful)
    yield "none is unsure", When(none=doubtful)
    yield "all and any", When(all=first, any=rest)
    yield "all and none", When(all=first, none=rest)
    yield "any and none", When(any=first, none=rest)
    yield "all, any and none", When(all=first, any=leaves[1:3], none=leaves[3:])
    yield "a named criterion", When(all=(Criterion("picture", "named", "picture"),))
    yield "none of a named criterion", When(none=(Criterion("picture", "named", "picture"),))
    for needed in range(1, 2 * number + 1):
        yield f"a score of {needed}", When(all=(Criterion(f"score >= {needed}", "score", "score", needed),))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_constructor_is_encoded_right_over_all_answers(number: int) -> None:
    """For every list of up to four criteria, and all of no, unsure, absent and yes, both encoders meet and refute what
    the truth table does.
    """
    names = "abcd"[:number]
    leaves = tuple(Criterion(name, "yes", name) for name in names)
    points = tuple(Item(leaf, 1 + place % 2) for place, leaf in enumerate(leaves))
    made = [generated.rule(f"rule_{place}", Acuity.SOON, when) for place, (_, when) in enumerate(constructors(number))]
    rules = evolve(
        generated.finished(
            {name: generated.yes_no(name, order) for order, name in enumerate(names)},
            made,
            {"picture": NamedCriterion("picture", "Made up", When(all=leaves[:1], any=leaves[1:]))},
            {"score": Score("score", "Made up", points)},
        ),
        lowest_age=0,
    )
    whens = [when for _, when in constructors(number) if all(c.value is None or score_can(c, points) for c in when)]
    sat, other = prover(rules), _z3.Person(rules, "p", whole=False)
    truths = [Truths(sat.circuit, rules, sat.part.person, may) for may in (False, True)]
    literals = [[(t.when_met(when), t.when_refuted(when)) for when in whens] for t in truths]
    formulas = [[other.when(when, met) for met in (True, False)] for when in whens]
    for answers in product(FOUR, repeat=number):
        values = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
        assert sat.ask(*fixed(sat.part.person, values))
        stands = [laws.when_truth(rules, values, when) for when in whens]
        assert [(sat.true(met), sat.true(refuted)) for met, refuted in literals[0]] == [
            (found is True, found is False) for found in stands
        ]
        reached = [{laws.when_truth(rules, values | more, when) for more in completed(names, values)} for when in whens]
        for (met, refuted), possible in zip(literals[1], reached, strict=True):
            # What may become is never said too seldom.
            assert sat.true(met) >= (True in possible)
            assert sat.true(refuted) >= (False in possible)
        pairs = [
            *((other.answered[name], z3.BoolVal(name in values)) for name in names),
            *((other.unsure[name], z3.BoolVal(values.get(name) == UNSURE)) for name in names),
            *((other.value[name], z3.IntVal(int(values.get(name) is True))) for name in names),
        ]
        by_z3 = [[z3.is_true(z3.simplify(z3.substitute(f, *pairs))) for f in both] for both in formulas]
        assert by_z3 == [[found is True, found is False] for found in stands]


def score_can(criterion: Criterion, points: tuple[Item, ...]) -> bool:
    return int(criterion.value or 0) <= sum(item.points for item in points)


def completed(names: str, values: dict[str, Value]) -> Iterator[dict[str, Value]]:
    absent = [name for name in names if name not in values]
    told: tuple[Value, ...] = (False, UNSURE, True)
    for answers in product(told, repeat=len(absent)):
        yield dict(zip(absent, answers, strict=True))


# -- cells -------------------------------------------------------------------------------------------------------------


def measurements() -> list[Finding]:
    return [finding for finding in RULES.findings.by_id.values() if finding.type == "measurement"]


@pytest.mark.parametrize("finding", measurements(), ids=lambda finding: finding.id)
def test_answers_in_one_cell_are_one_to_every_rule(finding: Finding) -> None:
    """One step below, on and above each number, and at both ends: the answer is that to the lowest value of the cell;
    and a number parts two cells.
    """
    starts = cells(RULES)[finding.id]
    person = prover(RULES).whole.person
    given = {name: f.benign for name, f in RULES.findings.by_id.items()}
    above = finding.only_if
    while above is not None:
        given[above], above = True, RULES.findings.by_id[above].only_if
    given = generated.without_contradictions(RULES, given)
    steps = {finding.low, finding.high, *(start + more for start in starts for more in (-1, 0, 1))}
    for step in sorted(step for step in steps if finding.low <= step <= finding.high):
        start = person.state(finding.id, step)
        assert start == max(other for other in starts if other <= step)
        one, two = (plain(RULES).read({**given, finding.id: value}) for value in (step, int(start)))
        assert one == two
        answers = [resolve(RULES, {**given, finding.id: value}) for value in (step, int(start))]
        assert evolve(answers[0], answers={}) == evolve(answers[1], answers={})
    for start in starts[1:]:
        one, two = (plain(RULES).read({**given, finding.id: value}) for value in (start - 1, start))
        assert one.standings != two.standings or finding.id == "age_years"


# -- resolution --------------------------------------------------------------------------------------------------------


def encoded(sat: Prover, run: Resolution) -> dict[str, object]:
    """What the last solution says of a run, in the library's words."""
    true, rules = sat.true, run.rules

    def top(rungs: dict[Acuity, int]) -> Acuity:
        return max((rung for rung in RUNGS if true(rungs[rung])), default=Acuity.SELF_CARE)

    def named(literals: dict[str, int]) -> set[str]:
        return {id for id, literal in literals.items() if true(literal)}

    notes = {id for rule in rules for id in (*rule.meanwhile, *rule.avoid, *rule.seek_help_if)} | {*rules.safety_net}
    says = [
        (id, change.say)
        for id in run.advised
        for change, literal in zip(rules.advice[id].modified_by, run.changed(id), strict=True)
        if true(literal)
    ]
    hours = {rule.within_hours or 336 for rule in rules} | {48, 336}
    return {
        "acuity": top(run.at_least),
        "established": top(run.established),
        "not_excluded": top(run.not_excluded),
        "settled": true(run.settled),
        "causes": named(run.causes),
        "items": named(run.advised),
        "changes": set(says),
        "see": named(run.see),
        "hours": min((limit for limit in hours if true(run.within(limit))), default=336),
        "notes": {id for id in notes if true(run.said(id))},
    }


def answered(answer: Assessment) -> dict[str, object]:
    to = answer.disposition
    items = {item.id: item for item in to.advice} if isinstance(to, SelfCare) else {}
    notes = (*to.meanwhile, *to.avoid, *to.seek_help_if) if isinstance(to, Escalation) else ()
    return {
        "acuity": answer.acuity,
        "established": answer.established,
        "not_excluded": answer.not_excluded,
        "settled": answer.settled,
        "causes": {cause.id for cause in answer.differential},
        "items": set(items),
        "changes": {(id, say) for id, item in items.items() for say in item.changes},
        "see": {service.id for service in to.see} if isinstance(to, Escalation) else set(),
        "hours": (to.within_hours if isinstance(to, Escalation) and to.acuity is Acuity.SOON else None) or 336,
        "notes": {note.id for note in notes},
    }


def test_the_resolution_is_encoded_as_the_library_resolves() -> None:
    """Rung, interval, settled, causes, items and their changes, places, hours and notes are those of the library."""
    random, rungs, settled = Random(7), set(), set()
    sets = [MINI, *(generated.rule_set(random, 6, 8) for _ in range(12)), RULES]
    for rules in sets:
        sat = prover(rules)
        run = sat.part
        encoded(sat, run)  # Writes the gates that are written when asked for.
        examples = [dict(example.given) for rule in rules for example in rule.examples]
        benign = [rules.benign(given=given) for given in random.sample(examples, min(15, len(examples)))]
        cases = [rules.findings.check(given)[0] for given in [{}, rules.benign(), *benign, *examples[::30]]]
        if rules is not RULES:
            cases += [generated.random_answers(random, rules, answered) for answered in (0.3, 0.7, 0.9, 1.0) * 6]
        else:
            cases += [generated.random_answers(random, rules, 0.97) for _ in range(10)]
        for values in cases:
            assert sat.ask(*fixed(run.person, values))
            library = resolve(rules, values)
            assert encoded(sat, run) == answered(library)
            rungs.add(library.acuity)
            settled.add(library.settled)
    assert rungs == set(Acuity)
    assert settled == {True, False}


# -- verdicts ----------------------------------------------------------------------------------------------------------


def verdicts(rules: RuleSet, question: str) -> tuple[set[str], set[str]]:
    """What each encoder refutes."""
    by_sat = {refutation.about for refutation in verify(rules, only=question).verdicts[0].refutations}
    by_z3 = _z3.refuted(rules, question)
    # The first also says where a premise never comes up, and of each rule whether it is un-fired.
    return {about for about in by_sat if not about.endswith("never comes up") and ".toml: saying" not in about}, by_z3


@pytest.mark.parametrize("question", _z3.QUESTIONS)
def test_both_encoders_agree_on_the_small_set(question: str) -> None:
    """On the small set both prove every question."""
    assert verdicts(MINI, question) == (set(), set())


@pytest.mark.parametrize("question", ["RED_FLOOR", "CLINICAL_FLOORS", "SELF_CARE_SAFE"])
def test_both_encoders_agree_on_the_bundled_rules(question: str) -> None:
    """On the bundled rules both encoders refute the same, part by part; of the red flags every sixth is asked."""
    by_id = RULES.findings.by_id
    flags = [name for name, finding in by_id.items() if finding.red_flag]
    kept = {*flags[::6], "feet_tingling_worse", "quinolone_harm"}
    fewer = {name: finding if name in kept else evolve(finding, floor=None) for name, finding in by_id.items()}
    by_sat, by_z3 = verdicts(evolve(RULES, findings=evolve(RULES.findings, by_id=fewer)), question)
    assert by_sat == by_z3


def flagged(random: Random) -> RuleSet:
    """A made-up rule set with floors that its rules may well not keep."""
    rules = generated.rule_set(random, 6, 8)
    rungs = [rung for rung in Acuity if rung]
    by_id = {
        name: evolve(finding, floor=random.choice(rungs))
        if finding.type == "yes_no" and random.random() < 0.5
        else finding
        for name, finding in rules.findings.by_id.items()
    }
    whens = [rule.when for rule in random.sample(rules.rules, 3)]
    floors = tuple(
        Law(f"law_{place}", "Made up.", when, random.choice(rungs), (generated.SOURCE,))
        for place, when in enumerate(whens)
    )
    return evolve(rules, findings=evolve(rules.findings, by_id=by_id), laws=floors)


def test_both_encoders_agree_on_made_up_rules() -> None:
    """On made-up rules, most of which keep no floor, both refute the same of every question, and each often."""
    refuted = dict.fromkeys(_z3.QUESTIONS, 0)
    for seed in range(6):
        rules = flagged(Random(seed))
        for question in _z3.QUESTIONS:
            by_sat, by_z3 = verdicts(rules, question)
            assert by_sat == by_z3, (seed, question)
            refuted[question] += bool(by_sat)
    assert all(refuted[question] for question in ("SATISFIABLE", "MONOTONE", "RED_FLOOR", "CLINICAL_FLOORS"))


# -- one person and another --------------------------------------------------------------------------------------------


def sided() -> RuleSet:
    """A left and a right, one of each sort of finding, and a question with something below it."""
    left, right = generated.yes_no("left_hot", 0), generated.yes_no("right_hot", 1)
    size, other = (generated.measurement(f"{side}_size_cm", n, 0, 9) for n, side in ((2, "left"), (3, "right")))
    opens = generated.yes_no("opens", 4)
    below = generated.yes_no("below", 5, "opens")
    mirrored = {"left_hot": "right_hot", "left_size_cm": "right_size_cm"} | {
        "right_hot": "left_hot",
        "right_size_cm": "left_size_cm",
    }
    findings = {one.id: evolve(one, mirror=mirrored.get(one.id)) for one in (left, right, size, other, opens, below)}
    large = Criterion("left_size_cm >= 4", "at_least", "left_size_cm", 4)
    zero = Criterion("left_size_cm >= 0", "at_least", "left_size_cm", 0)
    made = [
        generated.rule("large", Acuity.SOON, When(all=(large,), any=(Criterion("below", "yes", "below"),))),
        generated.rule("any_size", Acuity.ROUTINE, When(all=(zero,), none=(Criterion("left_hot", "yes", "left_hot"),))),
    ]
    return evolve(generated.finished(findings, made), lowest_age=0)


def every_answer(rules: RuleSet) -> Iterator[dict[str, Value]]:
    """All that can be said about them: no, yes, small, large, unsure and nothing."""
    names = [*rules.findings.by_id]
    yes_no: tuple[Value | None, ...] = (None, True, False, UNSURE)
    told = [yes_no if rules.findings.by_id[name].type == "yes_no" else (None, 0, 4, UNSURE) for name in names]
    for answers in product(*told):
        values = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
        if "below" not in values or values.get("opens") is not False:
            yield values


def some_answers(rules: RuleSet, number: int) -> list[dict[str, Value]]:
    return Random(3).sample(list(every_answer(rules)), number)


def test_a_number_of_a_rule_begins_a_cell_on_both_sides() -> None:
    """A number in a rule about one side parts the answers to the other side too; one at the low end parts none."""
    assert cells(sided()) == {"left_size_cm": (0, 4), "right_size_cm": (0, 4)}


def test_the_lowest_age_begins_a_cell() -> None:
    """Unless there is none: then nothing about the age is told apart; nor where nobody is asked for it."""
    for decimals, lowest, starts in ((0, 16, (0, 16)), (1, 16, (0, 160)), (0, 0, (0,)), (0, 121, (0,))):
        age = evolve(generated.measurement("age_years", 0, 0, 120 * 10**decimals), decimals=decimals)
        rules = generated.finished({"age_years": age}, [])
        rules = evolve(rules, lowest_age=lowest, advice={})
        assert cells(rules) == {"age_years": starts}
    assert cells(evolve(generated.finished({"sign": generated.yes_no("sign")}, []), advice={})) == {}


def test_who_completes_another_says_all_that_the_other_said() -> None:
    """A person can complete another just where everything that the other answered is answered alike."""
    rules = sided()
    sat = prover(rules)
    less = sat.part.person
    more = sat.completed().person
    some = some_answers(rules, 24)
    for one, other in product(some, [*some, *({**values, "left_hot": True} for values in some)]):
        hidden = silent_ones(more, other)
        states = {name: NOT_APPLICABLE if name in hidden else other.get(name, ABSENT) for name in less.states}
        before = silent_ones(less, one)
        said = {name: NOT_APPLICABLE if name in before else one.get(name, ABSENT) for name in less.states}
        completes = all(state in (ABSENT, states[name]) for name, state in said.items())
        assert sat.ask(*fixed(less, one), *fixed(more, other)) == completes


def test_a_mirrored_person_has_left_and_right_the_other_way_round() -> None:
    """What one answers about the left the other answers about the right; the rest is the same, and nothing is new."""
    rules = sided()
    sat = prover(rules)
    one = sat.part.person
    top, clauses = sat.circuit.top, len(sat.circuit.clauses)
    other = one.mirrored()
    assert (sat.circuit.top, len(sat.circuit.clauses)) == (top, clauses)
    assert other.whole == one.whole
    swapped = {"left_hot": "right_hot", "right_hot": "left_hot"}
    swapped |= {"left_size_cm": "right_size_cm", "right_size_cm": "left_size_cm"}
    assert other.states == {name: one.states[swapped.get(name, name)] for name in one.states}
    assert other.is_("left_hot", "no such state") == Circuit.FALSE
    assert other.state("left_size_cm", 5) == 4


def test_what_is_asked_of_one_answer_is_so() -> None:
    """Benign, silent, the same as another's: each literal is true just where the answers say so."""
    rules = sided()
    sat = prover(rules)
    one, other = sat.part.person, sat.person(whole=False)
    names = [*one.states]
    benign, silent = ({name: make(name) for name in names} for make in (one.benign, one.silent))
    same = {name: one.same(other, name) for name in names}
    doubt = one.is_("left_hot", "no such state")
    some = some_answers(rules, 40)
    for values, others in zip(some, [some[0], *some[:-1]], strict=True):
        assert sat.ask(*fixed(one, values), *fixed(other, others))
        hidden, hers = silent_ones(one, values), silent_ones(other, others)
        for name in names:
            state, her = (
                NOT_APPLICABLE if name in quiet else said.get(name, ABSENT)
                for quiet, said in ((hidden, values), (hers, others))
            )
            assert sat.true(silent[name]) == (name in hidden)
            assert sat.true(benign[name]) == (name in hidden or values.get(name) == rules.findings.by_id[name].benign)
            assert sat.true(same[name]) == (state == her)
        assert one.values(sat.true) == {name: value for name, value in values.items() if name not in hidden}
        assert not sat.true(doubt)


def test_a_solution_is_told_by_the_benign_answer_where_it_may_be() -> None:
    """Of a cell with the benign answer in it, that is told; of another, its lowest value."""
    findings = {"size_cm": evolve(generated.measurement("size_cm", 0, 0, 9), benign=2)}
    large = Criterion("size_cm >= 4", "at_least", "size_cm", 4)
    made = [generated.rule("large", Acuity.SOON, When(all=(large,)))]
    rules = evolve(generated.finished(findings, made), lowest_age=0)
    sat = prover(rules)
    for told, found in ((1, 2), (3, 2), (4, 4), (9, 4)):
        assert sat.ask(*fixed(sat.part.person, {"size_cm": told}))
        assert sat.part.person.values(sat.true) == {"size_cm": found}


def test_a_person_like_another_shares_all_but_what_is_apart() -> None:
    """Only the findings that are apart have states of their own, and what hangs among them still hangs."""
    rules = sided()
    sat = prover(rules)
    one = sat.part.person
    other = sat.person(whole=False, like=one, apart=("opens", "below"))
    assert {name for name in one.states if other.states[name] is not one.states[name]} == {"opens", "below"}
    for opens in (True, False, UNSURE):
        silent = other.silent("below")
        assert sat.ask(other.is_("opens", opens), silent) == (opens is False)
        assert sat.ask(other.is_("opens", opens), -silent) == (opens is not False)
        assert sat.ask(other.is_("opens", opens), one.is_("opens", True))


def test_nothing_is_absent_of_a_whole_person() -> None:
    """A whole person has no absent answers, and one of whom anything may be absent has."""
    sat = prover(sided())
    assert not any(ABSENT in states for states in sat.whole.person.states.values())
    assert all(ABSENT in states for states in sat.part.person.states.values())


def test_what_a_criterion_reads_is_told_through_names_and_scores() -> None:
    """The findings on which criteria depend, whatever stands between."""
    a, b, c = (Criterion(name, "yes", name) for name in "abc")
    findings = {name: generated.yes_no(name, order) for order, name in enumerate("abc")}
    named = NamedCriterion("picture", "Made up", When(any=(a, Criterion("sum >= 1", "score", "sum", 1))))
    score = Score("sum", "Made up", (Item(b, 1), Item(c, 2)))
    use = Criterion("picture", "named", "picture")
    made = [generated.rule("one", Acuity.SOON, When(all=(use,)))]
    rules = generated.finished(findings, made, {"picture": named}, {"sum": score})
    sat = prover(evolve(rules, lowest_age=0))
    truths = Truths(sat.circuit, sat.rules, sat.part.person)
    assert truths.reads([a]) == {"a"}
    assert truths.reads([Criterion("sum >= 1", "score", "sum", 1)]) == {"b", "c"}
    assert truths.reads([use]) == truths.reads([use, a]) == {"a", "b", "c"}
    assert truths.reads([]) == frozenset()
    for met, refuted, says in ((truths.met(b), truths.refuted(b), "b"),):
        for answer in (True, False, UNSURE):
            assert sat.ask(sat.part.person.is_(says, answer))
            assert (sat.true(met), sat.true(refuted)) == (answer is True, answer is False)


def test_gates_of_opposites_are_false_and_are_written_once() -> None:
    """All of a thing and its opposite is false, any of them true; of nothing, all is true and any false."""
    circuit = Circuit()
    a, b = circuit.new(), circuit.new()
    assert circuit.all((a, -a)) == circuit.all((a, circuit.FALSE)) == circuit.any(()) == circuit.FALSE
    assert circuit.any((a, -a)) == circuit.any((a, circuit.TRUE)) == circuit.all(()) == circuit.TRUE
    assert circuit.all((a, a)) == circuit.all((a, circuit.TRUE)) == circuit.any((a,)) == a
    before = len(circuit.clauses)
    gate = circuit.all((a, b))
    assert len(circuit.clauses) == before + 3
    assert circuit.all((b, a, circuit.TRUE)) == gate
    assert circuit.any((-a, -b)) == -gate
    assert len(circuit.clauses) == before + 3
