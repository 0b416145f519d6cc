"""The laws of the architecture: on the bundled rules, on made-up rules, and each against faults that it must find."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import UNSURE, Acuity, Assessment, RuleSet, _triage, load_rules, strategies
from calf_triage._advice import Advice
from calf_triage._criteria import Criterion, NamedCriterion, When
from calf_triage._findings import Answer, Finding, Findings, Value
from calf_triage._triage import _Resolution, _Steady
from calf_triage.check import check
from calf_triage.readings import durable
from calf_triage.readings.plain import Plain, Reading
from tests import _laws as laws
from tests import generated
from tests._laws import Answers, Law, Triage, by_plain, seen
from tests._rules import MINI, MINI_FOLDER, RULES

ON_RULES = 90
ON_MADE_UP_RULES = 90
quick = settings(
    max_examples=ON_RULES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def on_the_rules(law: Law, rules: RuleSet = RULES) -> None:
    """The law on a rule set's own cases; each rung must be reached in at least one of thirty."""
    reached: Counter[Acuity] = Counter()
    for strategy in (strategies.quiet_answers(rules), strategies.answers(rules)):

        @quick
        @given(strategy)
        def holds(answers: Answers) -> None:
            law(seen(), rules, answers)
            reached[by_plain(answers, rules).acuity] += 1

        holds()
    assert all(reached[rung] >= ON_RULES // 15 for rung in Acuity), f"a rung is hardly reached: {reached}"


@st.composite
def made_up(draw: st.DrawFn) -> tuple[RuleSet, Answers]:
    """A made-up rule set with answers to it; often whole ones, and sometimes nothing above self-care that fires."""
    rules = draw(st.one_of(generated.rule_sets(most_rules=4), generated.rule_sets()))
    values = draw(generated.answers(rules))
    answers = {name: rules.findings.by_id[name].shown(value) for name, value in values.items()}
    told = draw(st.sampled_from(["in part", "whole", "calm"]))
    if told == "in part":
        return rules, answers
    if told == "calm":
        rules, answers = calm(rules, answers), {**answers, "age_years": 40}
    return rules, laws.complete(rules, answers, laws.benignly)


def calm(rules: RuleSet, answers: Answers) -> RuleSet:
    """The rule set without the rules that fire or are open, but with a self-care rule for every adult."""
    values = laws.checked(rules, laws.complete(rules, answers, laws.benignly))
    kept = [rule for rule in rules if laws.when_truth(rules, values, rule.when) is False]
    adult = When(all=(Criterion("age_years >= 16", "at_least", "age_years", 16),))
    return evolve(rules, rules=(*kept, evolve(generated.rule("calm", Acuity.SELF_CARE, adult), causes=())))


def on_made_up_rules(law: Law) -> None:
    """The law on made-up rule sets; each rung must be reached in at least one of forty-five."""
    reached: Counter[Acuity] = Counter()

    @settings(quick, max_examples=ON_MADE_UP_RULES)
    @given(made_up())
    def holds(made: tuple[RuleSet, Answers]) -> None:
        rules, answers = made
        law(seen(), rules, answers)
        reached[by_plain(answers, rules).acuity] += 1

    holds()
    assert all(reached[rung] >= ON_MADE_UP_RULES // 45 for rung in Acuity), f"a rung is hardly reached: {reached}"


# -- the laws ----------------------------------------------------------------------------------------------------------


def test_law_1_one_disposition() -> None:
    """Exactly one disposition for every set of answers, the empty one included."""
    laws.one_disposition(seen(), RULES, {})
    on_the_rules(laws.one_disposition)
    on_made_up_rules(laws.one_disposition)


def test_law_2_the_readings_agree() -> None:
    """Both readings fire exactly the same rules: those that the truth table, read once more here, fires."""
    on_the_rules(laws.readings_agree)
    on_made_up_rules(laws.readings_agree)


def test_law_3_learning_more_refines() -> None:
    """Learning more never un-fires a rule and never widens [established, not_excluded]."""
    on_the_rules(laws.refines)
    on_made_up_rules(laws.refines)


def test_law_4_red_flags_only_raise() -> None:
    """On a red flag, no → yes or no → unsure never lowers; yes is at its floor, unsure at most one rung below."""
    on_the_rules(laws.monotone)
    on_made_up_rules(laws.monotone)


def test_law_4_holds_where_red_flags_are_raised() -> None:
    """On a red flag, yes is at or above its floor and unsure at most one rung below, whatever else is answered."""
    found: Counter[Answer] = Counter()

    @quick
    @given(strategies.red_flag_answers(RULES))
    def holds(answers: Answers) -> None:
        laws.monotone(seen(), RULES, answers)
        found.update(answers[name] for name, one in RULES.findings.by_id.items() if one.red_flag and name in answers)

    holds()
    assert found[True] > ON_RULES // 3
    assert found[UNSURE] > ON_RULES // 3


def test_law_5_what_is_settled_stays() -> None:
    """Settled answers, self-care among them, survive every completion; unfinished ones are careful."""
    on_the_rules(laws.settled_stays)
    on_made_up_rules(laws.settled_stays)


def test_law_5_clinical_floors() -> None:
    """Every clinical floor of laws.toml holds."""
    on_the_rules(laws.clinical_floors_hold)


def test_law_6_advice_is_safe() -> None:
    """No item whose contraindication is not refuted; no exercise outside self-care; nobody under the lowest age."""
    on_the_rules(laws.advice_is_safe)
    on_made_up_rules(laws.advice_is_safe)


def test_law_7_order_means_nothing() -> None:
    """Order of answers and rules changes nothing; left/right swap mirrors."""
    on_the_rules(laws.order_means_nothing)
    on_made_up_rules(laws.order_means_nothing)
    on_all_probes(laws.order_means_nothing, by_plain, two_sides())


def test_law_7_order_of_files_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order in which a folder lists its files changes neither the rule set nor an answer."""
    listed = Path.iterdir
    random = Random(0)

    def shuffled(folder: Path) -> Iterator[Path]:
        return iter(random.sample(entries := list(listed(folder)), len(entries)))

    for _ in range(5):
        monkeypatch.setattr(Path, "iterdir", shuffled)
        again = load_rules(MINI_FOLDER)
        assert again.sha256 == MINI.sha256
        assert [rule.id for rule in again] == [rule.id for rule in MINI]
        for answers in laws.probes(MINI)[::7]:
            assert by_plain(answers, again).to_json() == by_plain(answers, MINI).to_json()


def test_law_8_every_rule_counts() -> None:
    """Every rule is among the top fired rules of one of its own examples, and removing it changes something there."""
    assert law_8_lines(RULES) == []


def test_law_9_everything_is_used() -> None:
    """Every finding, criterion, score, cause, advice item and service is used; no two rules have the same `when`."""
    assert law_9_lines(RULES) == []
    whens = [
        tuple(
            frozenset(criterion.text for criterion in part) for part in (rule.when.all, rule.when.any, rule.when.none)
        )
        for rule in RULES
    ]
    assert len(set(whens)) == len(whens)


def law_8_lines(rules: RuleSet) -> list[str]:
    telling = ("never among the most acute", "without it nothing changes")
    return [line for line in check(rules) if any(part in line for part in telling)]


def law_9_lines(rules: RuleSet) -> list[str]:
    return [line for line in check(rules) if line.endswith(" uses it")]


# -- the same bytes everywhere -----------------------------------------------------------------------------------------

SAME_BYTES = """
import hashlib, sys
from pathlib import Path
from calf_triage import load_rules
from tests._laws import by_plain, probes
rules = load_rules(Path(sys.argv[1]))
digest = hashlib.sha256()
for answers in probes(rules):
    found = by_plain(answers, rules)
    digest.update(found.to_json().encode() + str(found).encode() + found._repr_html_().encode())
print(rules.sha256, digest.hexdigest())
"""


def bytes_of(python: str, seed: str) -> str:
    """What one interpreter, with one seed of its hashes, makes of all probes of the small rule set."""
    root = Path(__file__).parent.parent
    path = [
        str(root),
        *{str(Path(module.__file__ or "").parent.parent) for module in (attrs, sys.modules["hypothesis"])},
    ]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(path)}
    ran = subprocess.run(
        [python, "-c", SAME_BYTES, str(MINI_FOLDER)],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return ran.stdout


def test_law_7_the_same_bytes_under_every_hash_seed() -> None:
    """Same input, same bytes, in every process."""
    assert len({bytes_of(sys.executable, seed) for seed in ("0", "1", "4294967295")}) == 1


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_law_7_the_same_bytes_on_every_python(version: str) -> None:
    """Same input, same bytes, on every supported Python that is at hand."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        pytest.skip("this is the one that runs the tests")
    found = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for python in map(str, filter(None, found)):
        # A shim may lead nowhere.
        if not subprocess.run([python, "-c", "import tomllib"], capture_output=True, check=False).returncode:
            assert bytes_of(python, "7") == bytes_of(sys.executable, "7")
            return
    pytest.skip("no such interpreter at hand")


# -- each law finds the faults that it is for --------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], tuple[Triage, RuleSet]]
LAWS: dict[str, Law] = {law.__name__: law for law in laws.LAWS}


def fresh() -> RuleSet:
    """The small rule set with nothing compiled yet, and with a contraindication that leaves other advice."""
    rules = load_rules(MINI_FOLDER)
    raises = rules.advice["calf_raise"]
    cancer = Criterion("cancer", "yes", "cancer")
    advice = {
        "calf_raise": evolve(raises, contraindicated_by=(*raises.contraindicated_by, cancer)),
        "short_walks": evolve(raises, id="short_walks", contraindicated_by=()),
    }
    with_walks = tuple(evolve(rule, do=(*rule.do, "short_walks") if rule.do else ()) for rule in rules)
    return evolve(rules, advice={**rules.advice, **advice}, rules=with_walks)


def two_sides() -> RuleSet:
    """A rule set with a left and a right, told apart by nothing but their names."""
    left, right = (
        evolve(generated.yes_no(f"{side}_calf_hot", order), mirror=f"{other}_calf_hot")
        for order, side, other in ((1, "left", "right"), (2, "right", "left"))
    )
    findings = {"age_years": generated.measurement("age_years", 0, 0, 120), left.id: left, right.id: right}
    either = When(any=tuple(Criterion(side.id, "yes", side.id) for side in (left, right)))
    return generated.finished(findings, [generated.rule("suspected_clot", Acuity.SAME_DAY, either)])


def replaced(rules: RuleSet, **whens: When | None) -> RuleSet:
    """The rule set with other `when`s for some rules, or without them."""
    kept = [rule for rule in rules if whens.get(rule.id, rule.when) is not None]
    return evolve(rules, rules=tuple(evolve(rule, when=whens.get(rule.id) or rule.when) for rule in kept))


def after(change: Callable[[Assessment], Assessment]) -> Plant:
    """A resolver whose assessment is changed at the end."""
    return lambda _: (lambda answers, rules: change(by_plain(answers, rules)), fresh())


def put(owner: object, name: str, fault: Any) -> Plant:
    """A library in which one thing is replaced by another."""
    return patched(owner, name, lambda _: fault)


def patched(owner: object, name: str, fault: Any) -> Plant:
    """A library in which one thing is another; fault gets the old thing and gives the new one."""

    def plant(patch: pytest.MonkeyPatch) -> tuple[Triage, RuleSet]:
        patch.setattr(owner, name, fault(getattr(owner, name)))
        return by_plain, fresh()

    return plant


def with_rules(make: Callable[[], RuleSet]) -> Plant:
    return lambda _: (by_plain, make())


def reading_as(change: Callable[[RuleSet, Mapping[str, Value]], Mapping[str, Value]]) -> Plant:
    """A plain reading that takes the answers for others."""

    def fault(read: Callable[[Plain, Mapping[str, Value]], Reading]) -> Callable[[Plain, Mapping[str, Value]], Reading]:
        return lambda self, values: read(self, change(self.rules, values))

    return patched(Plain, "read", fault)


def unsure_is_no(rules: RuleSet, values: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: False if value == UNSURE and rules.findings.by_id[name].type == "yes_no" else value
        for name, value in values.items()
    }


def absent_is_no(rules: RuleSet, values: Mapping[str, Value]) -> dict[str, Value]:
    noes: dict[str, Value] = {name: False for name, one in rules.findings.by_id.items() if one.type == "yes_no"}
    return {**noes, **values}


def no_answer_to_nothing(answers: Mapping[str, Answer], rules: RuleSet) -> Assessment:
    if not answers:
        raise LookupError
    return by_plain(answers, rules)


def one_more_by_the_engine(patch: pytest.MonkeyPatch) -> tuple[Triage, RuleSet]:
    patch.setattr(durable, "AVAILABLE", True)
    patch.setattr(durable, "fired", lambda rules, values: (0,))
    return by_plain, fresh()


def blind_to_open_rules(init: Callable[..., None]) -> Callable[..., None]:
    def faulty(self: _Resolution, *args: Any) -> None:
        init(self, *args)
        self.open = self.could_fire = frozenset()
        self.by_unsure_alone = []

    return faulty


def unsure_counts_nothing(init: Callable[..., None]) -> Callable[..., None]:
    def faulty(self: _Steady, *args: Any) -> None:
        init(self, *args)
        self.lower = [Acuity.SELF_CARE for _ in self.lower]

    return faulty


def unsure_never_decides(init: Callable[..., None]) -> Callable[..., None]:
    def faulty(self: _Resolution, rules: RuleSet, reading: Reading, *args: Any) -> None:
        every = frozenset(range(len(rules)))
        init(self, rules, evolve(reading, could_fire=every - reading.excluded), *args)

    return faulty


def answers_as_given(check: Callable[[Findings, object], Any]) -> Callable[[Findings, Mapping[str, Answer]], Any]:
    def faulty(self: Findings, answers: Mapping[str, Answer]) -> tuple[dict[str, Value], list[str]]:
        values, problems = check(self, answers)
        return {name: values[name] for name in answers if name in values}, problems

    return faulty


def first_rule_only(fired: Callable[..., tuple[set[int], str]]) -> Callable[..., tuple[set[int], str]]:
    return lambda *args: (set(sorted(fired(*args)[0])[:1]), "plain")


def last_rule_only(fired: Callable[..., tuple[set[int], str]]) -> Callable[..., tuple[set[int], str]]:
    return lambda *args: (set(sorted(fired(*args)[0])[-1:]), "plain")


def only_the_left() -> RuleSet:
    left = Criterion("left_calf_hot", "yes", "left_calf_hot")
    return replaced(two_sides(), suspected_clot=When(all=(left,)))


def lowered_by_a_red_flag() -> RuleSet:
    """A routine rule that a red flag silences, while nothing else reads that flag."""
    flag = Criterion("breathless", "yes", "breathless")
    weak = Criterion("leg_weakness", "yes", "leg_weakness")
    rules = replaced(fresh(), suspected_embolism=None, pain=When(all=(weak,), none=(flag,)))
    by_id = {**rules.findings.by_id}
    by_id["breathless"] = evolve(by_id["breathless"], floor=Acuity.ROUTINE)
    return evolve(rules, findings=Findings(by_id, rules.findings.screens))


def points_for_absent_answers(undo: Any) -> Any:
    """A score that counts what was not asked."""

    def faulty(self: Plain, values: Mapping[str, Value]) -> Reading:
        reading: Reading = undo(self, values)
        suspected = [number for number, rule in enumerate(self.rules) if rule.id == "suspected_clot"]
        if "cancer" not in values and suspected[0] not in reading.excluded:
            return evolve(reading, fired=tuple(sorted({*reading.fired, *suspected})))
        return reading

    return faulty


def milder_than_what_fired(escalation: Callable[..., object]) -> Callable[..., object]:
    return lambda self, acuity, unfinished: escalation(self, Acuity.ROUTINE, unfinished)


def none_is_met(self: _Resolution, item: Advice) -> bool:
    return not any(self.reader.is_met(criterion, self.reading) for criterion in item.contraindicated_by)


def never_adapted(item: Callable[..., object]) -> Callable[..., object]:
    return lambda **parts: item(**{**parts, "changes": ()})


def mildest(rungs: Iterable[Acuity]) -> Acuity:
    return min(rungs, default=Acuity.SELF_CARE)


def without(rule: str) -> Plant:
    return with_rules(lambda: replaced(fresh(), **{rule: None}))


score_of_absent = patched(Plain, "read", points_for_absent_answers)
mildest_rule = patched(_triage, "_fired", last_rule_only)
first_rule = patched(_triage, "_fired", first_rule_only)
uncounted = patched(_Steady, "__init__", unsure_counts_nothing)
blind = patched(_Resolution, "__init__", blind_to_open_rules)
hopeless = put(_Resolution, "_self_care_possible", lambda _: False)
old_enough = patched(_Resolution, "_age", lambda age: lambda self: age(self) is not False)

FAULTS: dict[str, dict[str, Plant]] = {
    "one_disposition": {
        "nothing answered is refused": lambda _: (no_answer_to_nothing, fresh()),
        "exercises beside an escalation": after(lambda found: evolve(found, acuity=Acuity.ROUTINE)),
        "milder than what fired": patched(_Resolution, "_escalation", milder_than_what_fired),
    },
    "readings_agree": {
        "unsure is no": reading_as(unsure_is_no),
        "absent is no": reading_as(absent_is_no),
        "the engine fires one more": one_more_by_the_engine,
        "a score counts what is absent": score_of_absent,
        "what does not apply is open": put(Findings, "not_applicable", lambda self, values: set()),
    },
    "refines": {
        "absent is no": reading_as(absent_is_no),
        "a score counts what is absent": score_of_absent,
        "not_excluded knows no open rule": after(lambda found: evolve(found, not_excluded=found.established)),
        "the mildest rule wins": mildest_rule,
    },
    "monotone": {
        "unsure is no": reading_as(unsure_is_no),
        "unsure counts nothing": uncounted,
        "the mildest rule wins": mildest_rule,
        "the mildest rung wins": put(_triage, "_top", mildest),
        "a red flag has lost its rule": without("suspected_embolism"),
        "a red flag silences a rule": with_rules(lowered_by_a_red_flag),
    },
    "settled_stays": {
        "absent is no": reading_as(absent_is_no),
        "always settled": after(lambda found: evolve(found, settled=True)),
        "never settled": after(lambda found: evolve(found, settled=False)),
        "open rules are not seen": blind,
        "self-care is given up too soon": hopeless,
        "unsure never decides": patched(_Resolution, "__init__", unsure_never_decides),
    },
    "clinical_floors_hold": {
        "the floor has lost its rule": without("suspected_clot"),
        "the mildest rung wins": put(_triage, "_top", mildest),
    },
    "advice_is_safe": {
        "no contraindication is read": put(_Resolution, "_allowed", lambda self, item: True),
        "an open contraindication does not count": put(_Resolution, "_allowed", none_is_met),
        "the age is not read": put(_Resolution, "_age", lambda _: True),
        "an unknown age is old enough": old_enough,
        "nothing is adapted": patched(_triage, "Item", never_adapted),
    },
    "order_means_nothing": {
        "answers stay in the order given": patched(Findings, "check", answers_as_given),
        "the first rule wins": first_rule,
        "a rule reads the left side alone": with_rules(only_the_left),
    },
}


def on_all_probes(law: Law, run: Triage, rules: RuleSet) -> None:
    for answers in laws.probes(rules):
        law(seen(run), rules, answers)


@pytest.mark.parametrize(("law", "fault"), [(law, fault) for law, faults in FAULTS.items() for fault in faults])
def test_the_law_finds_the_fault(law: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that no fault can break says nothing."""
    run, rules = FAULTS[law][fault](monkeypatch)
    with pytest.raises(AssertionError):
        on_all_probes(LAWS[law], run, rules)


@pytest.mark.parametrize("law", LAWS)
def test_the_law_finds_no_fault_where_there_is_none(law: str) -> None:
    """The cases on which the faults are found show none in the library as it is."""
    on_all_probes(LAWS[law], by_plain, fresh())


def twice() -> RuleSet:
    """A rule that fires only where a more acute one does, and says no more."""
    rules = fresh()
    soon = rules["calf_pain_with_factor"]
    again = evolve(soon, id="again", when=When(all=(*soon.when.all, *rules["suspected_embolism"].when.any)))
    given = [evolve(example, given={**example.given, "breathless": True}) for example in soon.examples]
    return evolve(rules, rules=(*rules.rules, evolve(again, examples=tuple(given))))


def test_law_8_finds_a_rule_that_never_leads_and_one_that_changes_nothing() -> None:
    """A rule that only fires below another is found, and so is one that another says already."""
    found = [line for line in law_8_lines(twice()) if line.startswith("soon/again.toml")]
    assert [line.rpartition(": ")[2].split(" (")[0] for line in found] == [
        "is never among the most acute rules of its own examples; above it fires emergency/suspected_embolism",
        "without it nothing changes in its own examples",
    ]


def spare(rules: RuleSet, key: str) -> RuleSet:
    """The rule set with one thing of a sort that nobody uses."""
    if key == "findings":
        extra: Finding = evolve(rules.findings.by_id["breathless"], id="spare", floor=None)
        return evolve(rules, findings=Findings({**rules.findings.by_id, "spare": extra}, (evolve(
            rules.findings.screens[0], headings=(evolve(rules.findings.screens[0].headings[0], findings=("spare",)),),
        ), *rules.findings.screens)))  # fmt: skip
    if key == "criteria":
        unused = NamedCriterion("spare", "spare", When(all=(Criterion("cancer", "yes", "cancer"),)))
        return evolve(rules, criteria={**rules.criteria, "spare": unused})
    held: dict[str, Any] = getattr(rules, key)
    changed: dict[str, Any] = {key: {**held, "spare": evolve(next(iter(held.values())), id="spare")}}
    return evolve(rules, **changed)


@pytest.mark.parametrize("key", ["findings", "criteria", "scores", "causes", "advice", "services", "hazards"])
def test_law_9_finds_what_nobody_uses(key: str) -> None:
    """Whatever is declared and not used is found, whatever sort it is of."""
    assert law_9_lines(MINI) == []
    found = law_9_lines(spare(fresh(), key))
    assert len(found) == 1
    assert "spare]" in found[0]
