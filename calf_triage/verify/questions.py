"""What must hold of a rule set, each as cases that a solver looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

from attrs import evolve, frozen

from calf_triage._advice import SELF_CARE_KINDS
from calf_triage._assessment import Assessment, Escalation, SelfCare
from calf_triage._criteria import Criterion, Item, When
from calf_triage._findings import UNSURE, Acuity
from calf_triage._rules import Rule, RuleSet
from calf_triage._triage import resolve
from calf_triage.readings.plain import Reading, plain
from calf_triage.readings.sat import ABSENT, Circuit, Person, Truths, every_criterion
from calf_triage.verify.prover import Case, Prover, Values
from calf_triage.verify.resolution import OUTCOME, RUNGS, Resolution


@frozen
class Question:
    """A question. must: what its cases seek must be for nobody (never) or for somebody (ever); loading has answered it
    before (load).
    """

    name: str
    says: str
    must: Literal["never", "ever", "load"]
    cases: Callable[[Prover], Iterable[Case]] = lambda _: ()
    gate: bool = True


def _place(rule: Rule) -> str:
    return f"{rule.acuity.word}/{rule.id}.toml"


def _satisfiable(prover: Prover) -> Iterator[Case]:
    for rule, fired in zip(prover.rules, prover.whole.fired, strict=True):
        yield Case(f"{_place(rule)}: fires for nobody", fired, (prover.whole,))


def _effective(prover: Prover) -> Iterator[Case]:
    run, circuit, rules = prover.whole, prover.circuit, prover.rules
    gone = [circuit.new() for _ in rules]
    for place, literal in enumerate(gone):
        for other in gone[:place]:
            circuit.require(-literal, -other)
    without = type(run)(circuit, rules, run.person, without=dict(enumerate(gone)))
    differs = without.differs(run)
    for number, rule in enumerate(rules):

        def replays(values: Values, number: int = number) -> bool:
            return _outcome(resolve(rules, values)) != _outcome(resolve(rules, values, without=number))

        yield Case(f"{_place(rule)}: nothing changes without it", circuit.all((gone[number], differs)), (run,), replays)


def _outcome(answer: Assessment) -> tuple[object, ...]:
    to = answer.disposition
    hours, see = (None, ()) if isinstance(to, SelfCare) else (to.within_hours, to.see)
    return answer.acuity, hours, frozenset(cause.id for cause in answer.differential), see


def _necessary(prover: Prover) -> Iterator[Case]:
    rules, truths, circuit = prover.rules, prover.whole.truths, prover.circuit
    holders = [(f"{_place(rule)}: [when]", rule.when) for rule in rules]
    holders += [(f"criteria.toml: [{named.id}]", named.when) for named in rules.criteria.values()]
    for place, when in holders:
        for key in ("all", "any", "none"):
            for criterion in getattr(when, key):
                less = evolve(when, **{key: tuple(other for other in getattr(when, key) if other is not criterion)})

                def replays(values: Values, when: When = when, less: When = less) -> bool:
                    reading = prover.reading(values)
                    return _stands(rules, when, reading) != _stands(rules, less, reading)

                met = circuit.differ(truths.when_met(when), truths.when_met(less))
                refuted = circuit.differ(truths.when_refuted(when), truths.when_refuted(less))
                about = f"{place} {key}: nothing changes without {criterion.text!r}"
                yield Case(about, circuit.any((met, refuted)), (prover.whole,), replays)
    yield from _necessary_points(prover)


def _necessary_points(prover: Prover) -> Iterator[Case]:
    """The same of a score's items: without one, some number that is compared with is reached, or missed, by others."""
    rules, truths, circuit = prover.rules, prover.whole.truths, prover.circuit
    compared: dict[str, set[int]] = {}
    for criterion in every_criterion(rules):
        if criterion.form == "score":
            compared.setdefault(criterion.name, set()).add(int(criterion.value or 0))

    def counted(items: Iterable[Item], number: int) -> tuple[int, int]:
        points = [(item.points, truths.met(item.criterion), truths.refuted(item.criterion)) for item in items]
        out_of_reach = sum(most for most, _, _ in points) - number + 1
        met = circuit.at_least(number, [(most, literal) for most, literal, _ in points])
        return met, circuit.at_least(out_of_reach, [(most, literal) for most, _, literal in points])

    for id, score in rules.scores.items():
        for item in score.items if len(score.items) > 1 else ():
            less = tuple(other for other in score.items if other is not item)
            differ = [
                circuit.differ(one, other)
                for number in sorted(compared.get(id, ()))
                for one, other in zip(counted(score.items, number), counted(less, number), strict=True)
            ]

            def replays(values: Values, id: str = id, less: tuple[Item, ...] = less) -> bool:
                reading, items = prover.reading(values), rules.scores[id].items
                return any(
                    _reached(rules, items, number, reading) != _reached(rules, less, number, reading)
                    for number in compared[id]
                )

            about = f"scores.toml: [{id}] points: nothing changes without {item.criterion.text!r}"
            yield Case(about, circuit.any(differ), (prover.whole,), replays)


def _reached(rules: RuleSet, items: Iterable[Item], number: int, reading: Reading) -> tuple[bool, bool]:
    """Whether a score of these items reaches a number, and whether it cannot."""
    reader, items = plain(rules), [*items]
    has = sum(item.points for item in items if reader.is_met(item.criterion, reading))
    possible = sum(item.points for item in items if not reader.is_refuted(item.criterion, reading))
    return has >= number, possible < number


def _stands(rules: RuleSet, when: When, reading: Reading) -> tuple[bool, bool]:
    """Whether a `when` is met, and whether it is refuted."""
    reader = plain(rules)
    met, refuted = (lambda c: reader.is_met(c, reading)), (lambda c: reader.is_refuted(c, reading))
    out = any(map(refuted, when.all)) or any(map(met, when.none)) or bool(when.any and all(map(refuted, when.any)))
    return reader.holds(when, reading), out


def _alike(prover: Prover) -> Iterator[tuple[int, int]]:
    """Pairs of rules with the same conclusion."""
    kinds = [(r.acuity, r.within_hours, r.see, frozenset(r.causes), r.do) for r in prover.rules]
    yield from ((one, other) for one, kind in enumerate(kinds) for other, its in enumerate(kinds) if its == kind)


def _no_duplicate(prover: Prover) -> Iterator[Case]:
    rules, fired = prover.rules.rules, prover.whole.fired
    for one, other in _alike(prover):
        if one < other:
            about = f"{_place(rules[one])}: fires for the same people as {_place(rules[other])}"
            yield Case(about, prover.circuit.differ(fired[one], fired[other]), (prover.whole,))


def _no_subsumption(prover: Prover) -> Iterator[Case]:
    rules, fired = prover.rules.rules, prover.whole.fired
    for one, other in _alike(prover):
        if one != other:
            about = f"{_place(rules[one])}: wherever it fires, {_place(rules[other])} says the same"
            yield Case(about, prover.circuit.all((fired[one], -fired[other])), (prover.whole,))


def _covers(run: Resolution) -> Iterator[Case]:
    circuit, rules = run.circuit, run.rules
    on = [run.on(rung) for rung in Acuity]
    two = circuit.any(circuit.all((one, other)) for place, one in enumerate(on) for other in on[:place])
    given = circuit.any(run.advised.values())
    for about, sought in (
        ("no rung", -circuit.any(on)),
        ("two rungs", two),
        ("self-care and no self-care", circuit.differ(run.care, -run.at_least[Acuity.ROUTINE])),
        ("self-care without an item", circuit.all((run.care, -given))),
        ("an escalation without a place", circuit.all((-run.care, -circuit.any(run.see.values())))),
    ):
        yield Case(f"the answer is {about}", sought, (run,), lambda values: not _sound(resolve(rules, values)))


def _sound(answer: Assessment) -> bool:
    to = answer.disposition
    return bool(to.see if isinstance(to, Escalation) else to.advice) and to.acuity is answer.acuity


def _cover(prover: Prover) -> Iterator[Case]:
    run, rules = prover.whole, prover.rules
    yield from _covers(run)
    yield Case("not settled", -run.settled, (run,), lambda values: not resolve(rules, values).settled)


def _cover_partial(prover: Prover) -> Iterator[Case]:
    run, circuit, rules = prover.part, prover.circuit, prover.rules
    nothing = circuit.all(run.person.is_(name, ABSENT) for name in run.person.states)
    for case in _covers(run):
        yield evolve(case, premise=nothing)
    for rung in RUNGS:
        least = min(rung, Acuity.SAME_DAY)
        milder = circuit.all((run.potential[rung], -run.at_least[least]))

        def replays(values: Values, rung: Acuity = rung, least: Acuity = least) -> bool:
            reading, answer = plain(rules).read(values), resolve(rules, values)
            waiting = reading.could_fire.difference(reading.fired, reading.excluded)
            return answer.acuity < least and any(rules.rules[number].acuity >= rung for number in waiting)

        about = f"{rung.word} is open on absent answers, and the answer is milder than {least.word}"
        yield Case(about, milder, (run,), replays, run.potential[rung])


def _monotone(prover: Prover) -> Iterator[Case]:
    rules, before = prover.rules, prover.whole
    for name in _red_flags(rules):
        after = prover.changed(name)
        no = before.person.is_(name, False)
        for answer, word in ((True, "yes"), (UNSURE, "not sure")):
            pair = prover.circuit.all((no, after.person.is_(name, answer)))
            yield Case(
                f"{name}: from no to {word} lowers the answer",
                prover.circuit.all((pair, after.lower_than(before))),
                (before, after),
                lambda one, other: resolve(rules, other).acuity < resolve(rules, one).acuity,
                pair,
            )


def _red_flags(rules: RuleSet) -> list[str]:
    return [name for name, finding in rules.findings.by_id.items() if finding.red_flag]


def _red_floor(prover: Prover) -> Iterator[Case]:
    rules, run = prover.rules, prover.part
    for name in _red_flags(rules):
        floor = rules.findings.by_id[name].floor or Acuity.ROUTINE
        for answer, word, least in ((True, "yes", floor), (UNSURE, "not sure", floor.one_lower())):
            said = run.person.is_(name, answer)
            yield Case(
                f"{name}: {word} ends below {least.word}",
                prover.circuit.all((said, -run.at_least[least])),
                (run,),
                lambda values, least=least: resolve(rules, values).acuity < least,
                said,
            )


def _clinical_floors(prover: Prover) -> Iterator[Case]:
    rules, run = prover.rules, prover.part
    for law in rules.laws:
        met = run.truths.when_met(law.when)

        def replays(values: Values, when: When = law.when, least: Acuity = law.at_least) -> bool:
            return _stands(rules, when, prover.reading(values))[0] and resolve(rules, values).acuity < least

        about = f"laws.toml: [{law.id}]: the answer is below {law.at_least.word}"
        yield Case(about, prover.circuit.all((met, -run.at_least[law.at_least])), (run,), replays, met)


def _more(less: Resolution, more: Resolution) -> int:
    """Whether the second of two says more than the first."""
    pairs = ((less.person.is_(name, ABSENT), more.person.is_(name, ABSENT)) for name in less.person.states)
    return less.circuit.any(less.circuit.all((one, -other)) for one, other in pairs)


def _self_care_safe(prover: Prover) -> Iterator[Case]:
    rules, less, more = prover.rules, prover.part, prover.completed()

    def replays(one: Values, other: Values) -> bool:
        return resolve(rules, one).acuity is Acuity.SELF_CARE and resolve(rules, other).acuity > Acuity.SELF_CARE

    sought, premise = prover.circuit.all((less.care, -more.care)), prover.circuit.all((less.care, _more(less, more)))
    yield Case("self-care is lost by saying more", sought, (less, more), replays, premise)


def _settled(prover: Prover) -> Iterator[Case]:
    rules, less, more, circuit = prover.rules, prover.part, prover.completed(), prover.circuit
    told = circuit.all(-more.person.is_(name, ABSENT) for name in more.person.states)
    differs = circuit.any((less.lower_than(more), more.lower_than(less)))

    def changed(one: Values, other: Values) -> bool:
        return resolve(rules, one).settled and resolve(rules, one).acuity is not resolve(rules, other).acuity

    premise = circuit.all((told, less.settled, _more(less, more)))
    sought = circuit.all((told, less.settled, differs))
    yield Case("a settled answer is changed by saying more", sought, (less, more), changed, premise)
    for rung in RUNGS:
        least = min(rung, Acuity.SAME_DAY)

        def milder(one: Values, other: Values, rung: Acuity = rung, least: Acuity = least) -> bool:
            return resolve(rules, one).acuity < least and resolve(rules, other).acuity >= rung

        premise = circuit.all((told, more.at_least[rung], -less.settled))
        about = f"an unfinished answer is milder than {least.word}, and {rung.word} may follow"
        yield Case(about, circuit.all((premise, -less.at_least[least])), (less, more), milder, premise)


def _no_exercise(prover: Prover) -> Iterator[Case]:
    rules, run = prover.rules, prover.part
    notes = {id for rule in rules for id in (*rule.meanwhile, *rule.avoid, *rule.seek_help_if)} | {*rules.safety_net}
    for id, item in rules.advice.items():
        if item.kind not in SELF_CARE_KINDS:
            continue
        given = [run.advised.get(id, Circuit.FALSE), run.said(id) if id in notes else Circuit.FALSE]

        def replays(values: Values, id: str = id) -> bool:
            to = resolve(rules, values).disposition
            return isinstance(to, Escalation) and id in {n.id for n in (*to.meanwhile, *to.avoid, *to.seek_help_if)}

        sought = prover.circuit.all((run.at_least[Acuity.ROUTINE], prover.circuit.any(given)))
        yield Case(f"advice/: [{id}]: given in an escalation", sought, (run,), replays)


def _no_contraindication(prover: Prover) -> Iterator[Case]:
    rules, run, circuit = prover.rules, prover.part, prover.circuit
    for id, given in run.advised.items():
        for criterion in rules.advice[id].contraindicated_by:

            def replays(values: Values, id: str = id, criterion: Criterion = criterion) -> bool:
                to = resolve(rules, values).disposition
                advised = isinstance(to, SelfCare) and id in {item.id for item in to.advice}
                return advised and not _stands(rules, When(all=(criterion,)), prover.reading(values))[1]

            sought = circuit.all((given, -run.truths.refuted(criterion)))
            yield Case(f"advice/: [{id}]: advised in spite of {criterion.text!r}", sought, (run,), replays, given)
    if rules.lowest_age:

        def too_young(values: Values) -> bool:
            scale = 10 ** rules.findings.by_id["age_years"].decimals
            old = isinstance(age := values.get("age_years"), int) and age >= rules.lowest_age * scale
            return resolve(rules, values).acuity is Acuity.SELF_CARE and not old

        yield Case("self-care below the lowest age", circuit.all((run.care, -run.of_age)), (run,), too_young, run.care)


def _reachable(prover: Prover) -> Iterator[Case]:
    rules, run, circuit = prover.rules, prover.whole, prover.circuit
    used = [(f"{rung.word}: nobody is answered so", run.on(rung)) for rung in Acuity]
    used += [(f"causes.toml: [{id}]: nobody is given it", literal) for id, literal in run.causes.items()]
    used += [
        (
            f"causes.toml: [{id}]: {criterion.text!r} never speaks against it",
            circuit.all((literal, run.truths.met(criterion))),
        )
        for id, literal in run.causes.items()
        for criterion in rules.causes[id].against
    ]
    used += [(f"advice/: [{id}]: advised to nobody", literal) for id, literal in run.advised.items()]
    for id in run.advised:
        changes = zip(rules.advice[id].modified_by, run.changed(id), strict=True)
        used += [(f"advice/: [{id}]: {c.criterion.text!r} never changes it", literal) for c, literal in changes]
    notes = [id for rule in rules for id in (*rule.meanwhile, *rule.avoid, *rule.seek_help_if)]
    used += [(f"advice/: [{id}]: said to nobody", run.said(id)) for id in dict.fromkeys((*notes, *rules.safety_net))]
    used += [(f"services.toml: [{id}]: nobody is sent there", literal) for id, literal in run.see.items()]
    for about, literal in used:
        yield Case(about, literal, (run,))
    used_otherwise = {screen.opens_with for screen in rules.findings.screens}
    used_otherwise |= {"age_years"} if rules.lowest_age else set()
    for name in rules.findings.by_id:
        if name not in used_otherwise:
            other = prover.person(whole=True, like=run.person, apart=(name, *rules.findings.below.get(name, ())))

            def replays(values: Values, other: Person = other) -> bool:
                one, two = plain(rules).read(values), plain(rules).read(prover.values(other))
                return one.standings != two.standings

            about = f"findings/: [finding.{name}]: no answer to it changes anything"
            yield Case(about, _telling(run, other), (run,), replays)


def _telling(run: Resolution, other: Person) -> int:
    """Whether two persons differ in a rule, a contraindication, a modification or a reason against a cause."""
    rules, circuit, mine = run.rules, run.circuit, run.truths
    its = Truths(circuit, rules, other, like=mine)
    whens = [rule.when for rule in rules]
    for id in run.advised:
        item = rules.advice[id]
        whens.append(When(any=(*item.contraindicated_by, *(change.criterion for change in item.modified_by))))
    criteria = [criterion for when in whens[len(rules) :] for criterion in when]
    criteria += [criterion for id in run.causes for criterion in rules.causes[id].against]
    whens = whens[: len(rules)] + [When(all=(criterion,)) for criterion in criteria]
    touched = [when for when in whens if not mine.reads(when).isdisjoint(other.apart)]
    pairs = [(mine.when_met(when), its.when_met(when)) for when in touched]
    pairs += [(mine.when_refuted(when), its.when_refuted(when)) for when in touched]
    return circuit.any(circuit.differ(one, two) for one, two in pairs)


def _bracket(prover: Prover) -> Iterator[Case]:
    rules, less, more, circuit = prover.rules, prover.part, prover.completed(), prover.circuit
    premise = _more(less, more)

    def either(of: Callable[[Acuity], tuple[int, int]]) -> int:
        return circuit.any(circuit.all(of(rung)) for rung in RUNGS)

    def case(about: str, sought: int, breaks: Callable[[Assessment, Assessment], bool]) -> Case:
        replays = lambda one, other: breaks(resolve(rules, one), resolve(rules, other))  # noqa: E731
        return Case(about, sought, (less, more), replays, premise)

    yield case(
        "saying more lowers `established`",
        either(lambda rung: (less.established[rung], -more.established[rung])),
        lambda one, other: other.established < one.established,
    )
    yield case(
        "saying more takes `established` above `not_excluded`",
        either(lambda rung: (more.established[rung], -less.not_excluded[rung])),
        lambda one, other: other.established > one.not_excluded,
    )


def _refine(prover: Prover) -> Iterator[Case]:
    rules, less, more, circuit = prover.rules, prover.part, prover.completed(), prover.circuit
    premise = _more(less, more)

    def wider(one: Values, other: Values) -> bool:
        return resolve(rules, other).not_excluded > resolve(rules, one).not_excluded

    sought = circuit.any(circuit.all((more.not_excluded[rung], -less.not_excluded[rung])) for rung in RUNGS)
    yield Case("saying more raises `not_excluded`", sought, (less, more), wider, premise)
    for key, word in (("fired", "un-fires"), ("excluded", "takes back the exclusion of")):
        for number, rule in enumerate(rules):
            before, after = (getattr(run.standing[number], key) for run in (less, more))

            def undone(one: Values, other: Values, number: int = number, key: str = key) -> bool:
                had, has = (getattr(plain(rules).read(values), key) for values in (one, other))
                return number in had and number not in has

            about = f"{_place(rule)}: saying more {word} it"
            yield Case(about, circuit.all((before, -after)), (less, more), undone, premise)


def _explain_sufficient(prover: Prover) -> Iterator[Case]:
    """The second person gives, of the first one's answers, those that the leading rules cite; the rest is any."""
    rules, run, circuit = prover.rules, prover.whole, prover.circuit
    other = prover.run(prover.person(whole=True))
    for standing in run.above:
        for rung, leads, sign in (
            (standing.rule.acuity, standing.fired, True),
            (run.when_unsure(standing.rule), standing.unsure, False),
        ):
            leading = circuit.all((run.on(rung), leads))
            for criterion, positive in _leaves(rules, standing.rule.when):
                # Of a rule that fired, the answers that met it; of one left open, those that keep it from exclusion.
                cited = run.truths.met(criterion) if sign is positive else run.truths.refuted(criterion)
                same = run.person.same(other.person, criterion.name)
                circuit.require(-leading, -cited if sign else cited, same)
    for rung in RUNGS:
        about = f"the answers cited for {rung.word} do not suffice for it"
        sought = circuit.all((run.level[rung], -other.at_least[rung]))

        def replays(one: Values, two: Values, rung: Acuity = rung) -> bool:
            return resolve(rules, two).acuity < rung <= resolve(rules, one).acuity

        yield Case(about, sought, (run, other), replays, run.level[rung])


def _leaves(rules: RuleSet, when: When, positive: bool = True) -> Iterator[tuple[Criterion, bool]]:
    """The criteria on findings that a `when` comes down to, and whether they speak for it."""
    for criterion in when:
        sign = positive is not (criterion in when.none)
        if criterion.form == "named":
            yield from _leaves(rules, rules.criteria[criterion.name].when, sign)
        elif criterion.form == "score":
            items = tuple(item.criterion for item in rules.scores[criterion.name].items)
            yield from _leaves(rules, When(any=items), sign)
        else:
            yield criterion, sign


def _mirror(prover: Prover) -> Iterator[Case]:
    if not any(finding.mirror for finding in prover.rules.findings.by_id.values()):
        return
    rules, run, circuit = prover.rules, prover.part, prover.circuit
    other = prover.run(run.person.mirrored())
    pairs = [(run.settled, other.settled)]
    for mine, its in ((run.at_least, other.at_least), (run.not_excluded, other.not_excluded)):
        pairs += [(mine[rung], its[rung]) for rung in RUNGS]

    def replays(one: Values, two: Values) -> bool:
        first, second = resolve(rules, one), resolve(rules, two)
        told = [(answer.acuity, answer.not_excluded, answer.settled) for answer in (first, second)]
        return told[0] != told[1]

    differs = circuit.any(circuit.differ(mine, its) for mine, its in pairs)
    premise = circuit.any(-run.person.same(other.person, name) for name in run.person.states)
    yield Case("left and right change places, and the answer changes", differs, (run, other), replays, premise)


def _ask_relevant(prover: Prover) -> Iterator[Case]:
    """Of the questions to someone who has said nothing yet: two whole persons who differ in that alone."""
    rules, run = prover.rules, prover.whole
    for question in resolve(rules, {}).unanswered:
        other = prover.changed(question.id)

        def replays(one: Values, person: Person = other.person) -> bool:
            first, second = resolve(rules, one), resolve(rules, prover.values(person))
            return _outcome(first) != _outcome(second) or first.disposition != second.disposition

        parts = (*OUTCOME, "advice") if question.matters == "advice" else OUTCOME
        about = f"{question.id}: asked at once, and changes nothing"
        yield Case(about, run.differs(other, parts), (run,), replays)


QUESTIONS: Final = (
    Question("TYPED", "every name, value and number exists and is in range (refused at load)", "load"),
    Question("CITED", "every rule has a source (refused at load)", "load"),
    Question("STRATIFIED", "no named criterion goes in circles (refused at load)", "load"),
    Question("SATISFIABLE", "somebody fires each rule", "ever", _satisfiable),
    Question("EFFECTIVE", "each rule changes the rung, hours, causes or places for somebody", "ever", _effective),
    Question("NECESSARY", "each criterion changes its rule, picture or score for somebody", "ever", _necessary),
    Question("NO_DUPLICATE", "no two rules say the same of the same people", "ever", _no_duplicate, gate=False),
    Question("NO_SUBSUMPTION", "no rule says only what another says anyhow", "ever", _no_subsumption, gate=False),
    Question("COVER", "all answered: exactly one answer, with something to do, and settled", "never", _cover),
    Question(
        "COVER_PARTIAL",
        "partly answered, or not at all: exactly one answer, and no milder than what is open, up to same_day",
        "never",
        _cover_partial,
    ),
    Question("MONOTONE", "a red flag that turns from no to yes or unsure never lowers", "never", _monotone),
    Question("RED_FLOOR", "a red flag ends at its floor or above, unsure one rung lower at most", "never", _red_floor),
    Question("CLINICAL_FLOORS", "every floor of laws.toml holds", "never", _clinical_floors),
    Question("SELF_CARE_SAFE", "self-care stays self-care whatever else is said", "never", _self_care_safe),
    Question("SETTLED", "a settled rung stays; an unfinished answer is careful enough", "never", _settled),
    Question("NO_EXERCISE_WHEN_ESCALATED", "no exercise is given to someone to be seen", "never", _no_exercise),
    Question(
        "NO_CONTRAINDICATION",
        "nothing is advised whose contraindication is not ruled out, and nothing below the lowest age",
        "never",
        _no_contraindication,
    ),
    Question("REACHABLE", "every finding, cause, item, place and rung is somebody's", "ever", _reachable),
    Question("ASK_RELEVANT", "each first question changes the answer of somebody", "ever", _ask_relevant, gate=False),
    Question("BRACKET", "what is established and not excluded holds whatever else is said", "never", _bracket),
    Question("REFINE", "saying more never un-fires a rule and never widens what is open", "never", _refine),
    Question("EXPLAIN_SUFFICIENT", "the answers cited for a rung suffice for it", "never", _explain_sufficient),
    Question("MIRROR", "left and right are treated alike", "never", _mirror),
)
