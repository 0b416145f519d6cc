"""What the command line shows of an answer and of a rule set, in parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from calf_triage._advice import Source
from calf_triage._assessment import Assessment
from calf_triage._criteria import Criterion, When
from calf_triage._findings import Acuity, Finding, Kind
from calf_triage._rules import Rule, RuleSet
from calf_triage._text import Node, Section, Table

if TYPE_CHECKING:
    from calf_triage.follow_up import FollowUp

_FOUR_COLUMNS: Final = 120


def page(answer: Assessment | FollowUp) -> Iterable[Section]:
    """The page of `str(answer)`, to be wrapped and coloured."""
    for number, block in enumerate(answer.page()):
        if number == 0:
            yield Section(block.lines[0], block.lines[1:], rung=answer.acuity)
        else:
            lines = [Node(line) for line in block.lines] if block.heading else block.lines
            yield Section(block.heading, tuple(lines))


def ladder(rules: RuleSet, width: int | None = None) -> Iterable[Section]:
    """All rules, the most acute first; where four columns find no room, what belongs to a rule stands in one cell."""
    rows = [(rule.acuity.word, rule.id, rule.title, ", ".join(rule.causes)) for rule in rules]
    table = Table(("rung", "rule", "title", "possible causes"), tuple(rows), fixed=2)
    if width is not None and width < _FOUR_COLUMNS:
        cells = tuple((rung, "\n".join(part for part in parts if part)) for rung, *parts in rows)
        table = Table(("rung", "rule, title, possible causes"), cells)
    counts = [f"{count} {a.word}" for a in reversed(Acuity) if (count := sum(rule.acuity is a for rule in rules))]
    title = f"{rules.name} {rules.version}: {len(rules)} rules ({', '.join(counts)})"
    yield Section(title, (table,))


def rule_page(rules: RuleSet, rule: Rule) -> Iterable[Section]:
    """All parts of a rule, with what its names stand for."""

    def advice(ids: Iterable[str]) -> tuple[Node, ...]:
        return tuple(Node(f"{name}: {rules.advice[name].name}") for name in ids)

    def said(title: str, *nodes: Node) -> list[Node]:
        return [Node(title, nodes)] if nodes else []

    yield Section(f"{rule.title} ({rule.acuity.word}/{rule.id})", (rule.why,), rung=rule.acuity)
    causes = (rules.causes[name] for name in rule.causes)
    yield Section(
        "Possible causes",
        tuple(Node(f"{c.id}: {c.name}{', not to be missed' if c.must_not_miss else ''}") for c in causes) or ("None.",),
    )
    yield Section("When", _when_nodes(rules, rule.when))
    then = said("see", *(Node(f"{name}: {rules.services[name].name}") for name in rule.see))
    then += [Node(f"within {rule.within_hours} hours")] if rule.within_hours else []
    days = " and ".join(map(str, rule.look_again_days))
    then += [Node(f"look again in {days} days")] if days else []
    for key in ("meanwhile", "avoid", "do", "seek_help_if"):
        then += said(key.replace("_", " "), *advice(getattr(rule, key)))
    yield Section("Then", tuple(then))
    yield Section("Sources", tuple(_source(source) for source in rule.sources))
    if rule.hazards:
        hazards = (rules.hazards[name] for name in rule.hazards)
        yield Section("Hazards", tuple(Node(f"{h.id}: {h.title}", (Node(f"control: {h.control}"),)) for h in hazards))
    if rule.misuse:
        yield Section("Misuse", (rule.misuse,))
    examples = []
    for example in rule.examples:
        given = [f"{name} = {json.dumps(value, default=str)}" for name, value in example.given.items()]
        rest = ["everything else benign"] if example.otherwise_no else []
        examples.append(
            Node(f"{'fires' if example.fires else 'does not fire'}: {example.name}", (Node(", ".join(given + rest)),))
        )
    yield Section("Examples", tuple(examples))
    reviewed = f", by {rule.reviewed_by} on {rule.reviewed_on}" if rule.reviewed_by else ""
    yield Section("Status", (f"{rule.status}{reviewed}",))


def _source(source: Source) -> Node:
    read = f"text read on {source.checked}" if source.checked else "text not read"
    own = source.cites == "design decision"
    lines = [source.says, *([source.link] if source.link else []), *([] if own else [read])]
    return Node(source.cites, tuple(Node(line) for line in lines))


def _when_nodes(rules: RuleSet, when: When) -> tuple[Node, ...]:
    words = {"all": "all of", "any": "at least one of", "none": "none of"}
    return tuple(
        Node(word, tuple(_criterion(rules, criterion) for criterion in getattr(when, key)), loud=True)
        for key, word in words.items()
        if getattr(when, key)
    )


def _criterion(rules: RuleSet, criterion: Criterion, points: str = "") -> Node:
    """A criterion as written and what it means; below it, what a named criterion or a score is made of."""
    text = f"{points}{criterion.text}"
    if criterion.form == "named":
        named = rules.criteria[criterion.name]
        return Node(f"{text}: {named.means}", _when_nodes(rules, named.when))
    if criterion.form == "score":
        score = rules.scores[criterion.name]
        items = (_criterion(rules, item.criterion, f"{item.points} for ") for item in score.items)
        return Node(f"{text}: {score.title}", tuple(items))
    return Node(f'{text}: "{rules.findings.by_id[criterion.name].asks}"')


def questions(rules: RuleSet) -> Iterable[Section]:
    """What may be answered, by screen and heading, and how."""
    for screen in rules.findings.screens:
        opens = f" (opened by {screen.opens_with})" if screen.opens_with else ""
        for heading in screen.headings:
            rows = [(name, _about(rules.findings.by_id[name])) for name in heading.findings]
            yield Section(f"{screen.title}{opens}: {heading.title}", (heading.asks, Table((), tuple(rows))))


def _about(finding: Finding) -> str:
    how = ["yes or no" if finding.type == "yes_no" else finding.expected().removesuffix(' or "unsure"')]
    how += [f"only if {finding.only_if}"] if finding.only_if else []
    how += [f"RED FLAG: at least {finding.floor.word}"] if finding.floor is not None else []
    return f"{finding.asks} [{'; '.join(how)}]"


@frozen
class Coverage:
    """What a rule set covers.

    symptoms: for each symptom, the rules that need it or what hangs below it, by rung, the most acute first.
    untested: hazards without a test; each has a control, or the loader would have refused it.
    unread: rules of which nobody has read a source, with what they cite. rows: a map's rows with their rules, and
    nowhere: the rules in no row; both empty without a map.
    """

    symptoms: dict[str, dict[str, tuple[str, ...]]]
    untested: tuple[str, ...]
    unread: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[str, ...]]
    nowhere: tuple[str, ...]


def coverage(rules: RuleSet, mapped: Mapping[str, object] | None = None) -> Coverage:
    """The coverage of a rule set; mapped: tables with `rules`, each a list of ids."""
    rows = {name: _ids(row.get("rules")) if isinstance(row, dict) else () for name, row in (mapped or {}).items()}
    in_a_row = {rule for ids in rows.values() for rule in ids}
    return Coverage(
        symptoms=_symptoms(rules),
        untested=tuple(hazard.id for hazard in rules.hazards.values() if not hazard.tests),
        unread={
            rule.id: tuple(dict.fromkeys(source.cites for source in rule.sources))
            for rule in rules
            if not any(source.checked for source in rule.sources)
        },
        rows=rows,
        nowhere=() if mapped is None else tuple(rule.id for rule in rules if rule.id not in in_a_row),
    )


def _ids(found: object) -> tuple[str, ...]:
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def _symptoms(rules: RuleSet) -> dict[str, dict[str, tuple[str, ...]]]:
    # Here, because showing a page of an answer needs nothing of what checking rules needs.
    from calf_triage.check import with_all_below

    findings = rules.findings.by_id
    opened = [screen.opens_with for screen in rules.findings.screens if screen.opens_with]
    found: dict[str, dict[str, list[str]]] = {
        name: {rung.word: [] for rung in reversed(Acuity)} for name in opened if findings[name].kind is Kind.SYMPTOM
    }
    for rule in rules:
        read: set[str] = set()
        for criterion in with_all_below(rules, (*rule.when.all, *rule.when.any)):
            above: str | None = criterion.name if criterion.name in findings else None
            while above is not None:
                read.add(above)
                above = findings[above].only_if
        for name in read & found.keys():
            found[name][rule.acuity.word].append(rule.id)
    return {name: {rung: tuple(ids) for rung, ids in rungs.items()} for name, rungs in found.items()}


def coverage_pages(rules: RuleSet, found: Coverage) -> Iterable[Section]:
    """Symptom × rung, then what is missing, then row × rule."""
    rungs = [rung.word for rung in reversed(Acuity)]
    counts = [(name, *(str(len(of[rung])) for rung in rungs)) for name, of in found.symptoms.items()]
    title = "Symptom × rung: rules that can fire because of it"
    yield Section(title, (Table(("symptom", *rungs), tuple(counts)),) if counts else ("No symptom opens a screen.",))
    hazards = [(name, rules.hazards[name].title) for name in found.untested]
    yield Section("Hazards without a control or a test", (Table((), tuple(hazards)),) if hazards else ("None.",))
    unread = [(f"{rules[name].acuity.word}/{name}", "; ".join(cites)) for name, cites in found.unread.items()]
    title = f"Rules without a source that was read: {len(unread)} of {len(rules)}"
    yield Section(title, (Table((), tuple(unread)),) if unread else ("None.",))
    if found.rows:
        table = Table(("row", "rules"), tuple((name, ", ".join(ids) or "-") for name, ids in found.rows.items()))
        yield Section(f"Row × rule: {len(found.rows)} rows", (table,))
        yield Section("Rules in no row", (", ".join(found.nowhere) or "None.",))
