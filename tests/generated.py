"""Made-up rule sets and answers in the loosest shape that the readings have to bear.

Unlike `strategies.rule_sets`, which gives what the loader accepts, these are built as values, also of what no folder
may say: rules that can never be met, ranges of one number or of 10**15 steps, hundreds of rules. Ids are right,
`only_if` leads to an earlier yes/no finding, named criteria have no circles, and `none` reaches no rule above routine.
No finding is a red flag, because nothing here keeps a floor. Answers are checked answers: measurements in grid steps,
absent findings left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from hypothesis import strategies as st

from calf_triage._advice import Advice, AdviceKind, Region, Service, Source
from calf_triage._criteria import Criterion, Item, NamedCriterion, Score, When
from calf_triage._findings import UNSURE, Acuity, Choice, Finding, Findings, Heading, Kind, Screen, Value
from calf_triage._rules import Cause, Hazard, Rule, RuleSet

SOURCE = Source(cites="design decision", says="Made up for a test.")


def rule_sets(most_findings: int = 16, most_rules: int = 16) -> st.SearchStrategy[RuleSet]:
    """Made-up rule sets, of few findings and rules first."""
    return st.builds(
        lambda findings, rules, seed: rule_set(Random(seed), findings, rules),
        st.integers(1, most_findings),
        st.integers(1, most_rules),
        st.integers(0, 2**32),
    )


def answers(rules: RuleSet) -> st.SearchStrategy[dict[str, Value]]:
    """Checked answers to a rule set's findings: few first; among them each number of a rule and its neighbours."""
    near = {name: st.sampled_from(telling_values(rules, name)) for name in rules.findings.by_id}
    return st.fixed_dictionaries({}, optional=near).map(lambda values: without_contradictions(rules, values))


def telling_values(rules: RuleSet, name: str) -> list[Value]:
    """All answers of a yes/no or a choice; a measurement's ends, and each number of a criterion with its neighbours."""
    finding = rules.findings.by_id[name]
    if finding.type == "yes_no":
        return [True, False, UNSURE]
    if finding.type == "choice":
        return [*(choice.id for choice in finding.choices), UNSURE]
    steps = {finding.low, finding.high, int(finding.benign)}
    for criterion in every_criterion(rules):
        if criterion.name == name and isinstance(criterion.value, int):
            steps |= {criterion.value - 1, criterion.value, criterion.value + 1}
    return [*sorted(step for step in steps if finding.low <= step <= finding.high), UNSURE]


def without_contradictions(rules: RuleSet, values: Mapping[str, Value]) -> dict[str, Value]:
    """The answers, without those that do not apply, in question order."""
    hidden = rules.findings.not_applicable(values)
    return {name: values[name] for name in rules.findings.by_id if name in values and name not in hidden}


def random_answers(
    random: Random, rules: RuleSet, answered: float = 0.7, contradicting: bool = False
) -> dict[str, Value]:
    """Checked answers to about that part of the findings. contradicting: also to those that do not apply."""
    values: dict[str, Value] = {}
    for name, finding in rules.findings.by_id.items():
        if random.random() < answered:
            values[name] = random.choice(telling_values(rules, name))
            if finding.type == "measurement" and random.random() < 0.3:
                values[name] = random.randint(finding.low, finding.high)
    return values if contradicting else without_contradictions(rules, values)


def every_criterion(rules: RuleSet) -> list[Criterion]:
    """All criteria of rules, named criteria and scores."""
    whens = [rule.when for rule in rules.rules] + [named.when for named in rules.criteria.values()]
    items = [item.criterion for score in rules.scores.values() for item in score.items]
    return [criterion for when in whens for criterion in when] + items


def rule_set(random: Random, findings: int = 12, rules: int = 12) -> RuleSet:
    """A made-up rule set with about that many findings and just that many rules."""
    by_id = _findings(random, findings)
    leaves = [leaf for finding in by_id.values() for leaf in _leaves(random, finding)]
    criteria: dict[str, NamedCriterion] = {}
    scores: dict[str, Score] = {}
    positive, all_of_them = list(leaves), list(leaves)
    for number in range(random.randint(0, 1 + findings // 4)):
        picture, with_none = f"picture_{number}", random.random() < 0.3
        when = _when(random, all_of_them if with_none else positive, with_none)
        criteria[picture] = NamedCriterion(picture, "Made up", when)
        named = Criterion(picture, "named", picture)
        all_of_them.append(named)
        if not with_none:
            positive.append(named)
        if random.random() < 0.5:
            score = f"score_{number}"
            taken = random.sample(positive, random.randint(1, min(5, len(positive))))
            items = tuple(Item(criterion, random.choice((1, 1, 1, 2, 3))) for criterion in taken)
            scores[score] = Score(score, "Made up", items)
            most = scores[score].most
            for needed in sorted({1, random.randint(1, most), most}):
                reached = Criterion(f"{score} >= {needed}", "score", score, needed)
                positive.append(reached)
                all_of_them.append(reached)
    made = [_rule(random, number, positive, all_of_them) for number in range(rules)]
    return finished(by_id, made, criteria, scores)


def realistic(random: Random) -> RuleSet:
    """120 rules over 110 findings, about the size of a real rule set; `any` lists of up to ten."""
    return rule_set(random, 110, 120)


def finished(
    findings: Mapping[str, Finding],
    rules: list[Rule],
    criteria: Mapping[str, NamedCriterion] | None = None,
    scores: Mapping[str, Score] | None = None,
) -> RuleSet:
    """A whole rule set around these findings, rules, named criteria and scores."""
    rules = sorted(rules, key=lambda rule: (-rule.acuity, rule.within_hours or 0, rule.id))
    heading = Heading("made_up", "Made up", "Is any of these so?", tuple(findings))
    fine = Criterion("age_years < 16", "below", "age_years", 16)
    walk = Advice(
        "short_walks",
        AdviceKind.EXERCISE,
        "Short walks",
        ("Walk a little.",),
        (SOURCE,),
        contraindicated_by=(fine,) if "age_years" in findings else (),
    )
    safety_net = Advice("leg_safety_net", AdviceKind.SAFETY_NET, "If it gets worse", ("Ask for help.",), (SOURCE,))
    causes = sorted({cause for rule in rules for cause in rule.causes})
    hospital, practice = Service("emergency_department", "an emergency department", 0), Service("gp", "a GP", 1)
    return RuleSet(
        name="made_up",
        version="0.0.0",
        scope="Made up for a test.",
        lowest_age=16,
        sha256="0" * 64,
        findings=Findings(dict(findings), (Screen("made_up", "Made up", 1, (heading,)),)),
        criteria=dict(criteria or {}),
        scores=dict(scores or {}),
        rules=tuple(rules),
        causes={cause: Cause(cause, cause.replace("_", " "), must_not_miss=False) for cause in causes},
        advice={advice.id: advice for advice in (walk, safety_net)},
        services={service.id: service for service in (hospital, practice)},
        regions={"generic": Region("generic", "elsewhere", "your local emergency number")},
        hazards={"H1": Hazard("H1", "Made up", "Made up", "Made up", "Made up")},
        laws=(),
        retired=(),
        default_see={
            Acuity.EMERGENCY: (hospital.id,),
            Acuity.SAME_DAY: (hospital.id,),
            Acuity.SOON: (practice.id,),
            Acuity.ROUTINE: (practice.id,),
        },
        safety_net=(safety_net.id,),
        look_again_days=14,
    )


def rule(id: str, acuity: Acuity, when: When) -> Rule:
    """A rule with all that its rung needs."""
    escalates = acuity > Acuity.SELF_CARE
    below_same_day = acuity < Acuity.SAME_DAY
    return Rule(
        id=id,
        acuity=acuity,
        title=id.replace("_", " ").capitalize(),
        why="Made up for a test.",
        when=when,
        causes=(f"cause_of_{id}",),
        sources=(SOURCE,),
        examples=(),
        status="draft",
        hazards=("H1",),
        see=(("emergency_department",) if not below_same_day else ("gp",)) if escalates else (),
        within_hours=48 if acuity is Acuity.SOON else None,
        look_again_days=(14,) if below_same_day else (),
        seek_help_if=("leg_safety_net",) if below_same_day else (),
        do=() if escalates else ("short_walks",),
    )


def yes_no(id: str, order: int = 0, only_if: str | None = None) -> Finding:
    """A yes/no finding."""
    return Finding(id, f"{id}?", "made_up", Kind.SYMPTOM, "yes_no", order, False, only_if=only_if)


def measurement(id: str, order: int, low: int, high: int, decimals: int = 0, only_if: str | None = None) -> Finding:
    """A measurement; low and high in grid steps."""
    return Finding(
        id,
        f"{id}?",
        "made_up",
        Kind.MEASUREMENT,
        "measurement",
        order,
        low,
        low=low,
        high=high,
        decimals=decimals,
        unit=id.rpartition("_")[2],
        only_if=only_if,
    )


def _findings(random: Random, number: int) -> dict[str, Finding]:
    found = {"age_years": measurement("age_years", 0, 0, 120)}
    gates: list[str] = []
    for order in range(1, number + 1):
        only_if = random.choice(gates) if gates and random.random() < 0.4 else None
        kind = random.random()
        if kind < 0.65 or order == 1:
            finding = yes_no(f"sign_{order}", order, only_if)
            if random.random() < 0.3:
                gates.append(finding.id)
        elif kind < 0.8:
            choices = tuple(Choice(f"choice_{name}", name) for name in "abcdefghijkl"[: random.randint(2, 12)])
            finding = Finding(
                f"sort_{order}",
                "Which?",
                "made_up",
                Kind.CONTEXT,
                "choice",
                order,
                choices[0].id,
                choices,
                only_if=only_if,
            )
        else:
            low, high = random.choice(((0, 10), (0, 200), (-50, 50), (-(10**15), 10**15), (345, 420), (7, 7)))
            finding = measurement(f"size_{order}_cm", order, low, high, random.choice((0, 1, 2)), only_if)
        found[finding.id] = finding
    return found


def _leaves(random: Random, finding: Finding) -> list[Criterion]:
    """Some criteria on a finding, each as the loader would make it."""
    name = finding.id
    leaves = [Criterion(f"{name} is unsure", "unsure", name)] if random.random() < 0.25 else []
    if finding.type == "yes_no":
        return [*leaves, Criterion(name, "yes", name), Criterion(name, "yes", name)]
    if finding.type == "choice":
        chosen = random.sample(finding.choices, random.randint(1, 2))
        return leaves + [Criterion(f"{name} is {choice.id}", "choice", name, choice.id) for choice in chosen]
    for _ in range(random.randint(1, 3)):
        steps = random.choice((finding.low, finding.high, random.randint(finding.low, finding.high)))
        if random.random() < 0.6:
            leaves.append(Criterion(f"{name} >= {finding.number(steps)}", "at_least", name, steps))
        else:
            leaves.append(Criterion(f"{name} < {finding.number(steps)}", "below", name, steps))
    return leaves


def _when(random: Random, criteria: list[Criterion], with_none: bool) -> When:
    def some(most: int) -> tuple[Criterion, ...]:
        return tuple(dict.fromkeys(random.choices(criteria, k=random.randint(1, most))))

    shape = random.random()
    all_of = some(3) if shape < 0.7 else ()
    any_of = some(random.choice((2, 4, 10))) if shape > 0.35 else ()
    none_of = some(3) if with_none and random.random() < 0.8 else ()
    if none_of and random.random() < 0.3:
        all_of, any_of = (), ()
    return When(all_of, any_of, none_of)


def _rule(random: Random, number: int, positive: list[Criterion], all_of_them: list[Criterion]) -> Rule:
    acuity = random.choice(list(Acuity))
    with_none = acuity <= Acuity.ROUTINE
    return rule(f"rule_{number}", acuity, _when(random, all_of_them if with_none else positive, with_none))
