"""Whole cases: people as published, coded into answers, with how soon they should be seen by the guidelines.

Each case is run twice. *As coded*: what was not stated is absent; established and not_excluded are what is compared.
*Finished*: yes/no findings not stated get their benign answer, choices and measurements too (an adult without an age is
40), and what does not apply stays out; every such assumption is listed with its case.

The figures of the finished runs are those of the symptom-checker literature (Semigran et al., BMJ 2015; Hammoud et al.,
JMIR AI 2024), each with its count and 95 % Wilson interval:

- exact: the answer is the gold rung.
- tolerant: the answer is one of the case's acceptable rungs.
- safety: the answer is not below the lowest acceptable rung. Anything else is under-triage.
- over-triage: the answer is above the highest acceptable rung.
- inclination to over-triage: over-triage among the answers that are not acceptable.
- comprehensiveness: the answer is settled and at least one rule fired, so that it is explained by a rule.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from attrs import field, frozen

from calf_triage._advice import SELF_CARE_KINDS
from calf_triage._assessment import Assessment, RuleSetId, SelfCare
from calf_triage._errors import FindingError, RuleSetError, did_you_mean, shown
from calf_triage._files import UnreadableError, read_file
from calf_triage._findings import MOST_PROBLEMS, MOST_SUGGESTIONS, Acuity, Answer
from calf_triage._folder import MOST_BYTES_A_FILE, Folder, has_unseen, parsed, printable, read_folder
from calf_triage._rules import RuleSet
from calf_triage._text import Node, Section, Table, data, plain
from calf_triage._triage import Engine, triage

LONGEST_TEXT: Final = 4_000
_RUNGS: Final = {acuity.word: acuity for acuity in Acuity}
_Z: Final = 1.959963984540054  # of a two-sided 95 % interval


@frozen
class Vignette:
    """A case. gold: how soon it should be seen; acceptable: the rungs that are as good, from low to high.

    reason: why that rung, by which guideline. rule, not_rule: a rule that must, or must not, fire in the finished run.
    gives, withholds: the items of self-care that must, or must not, be given there. changes, keeps: those that must be
    given with a change of theirs (`modified_by`), or without any.
    below: why the library answers below gold, by which guideline. policy: the decision that makes it over-triage.
    """

    id: str
    text: str = field(repr=False)
    cites: str
    gold: Acuity
    acceptable: tuple[Acuity, ...]
    reason: str = field(repr=False)
    given: dict[str, Answer] = field(repr=False)
    group: str
    link: str | None = None
    rule: str | None = None
    not_rule: str | None = None
    gives: tuple[str, ...] = ()
    withholds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    below: str | None = field(default=None, repr=False)
    policy: int | None = None
    region: str | None = None


def load_vignettes(path: str | os.PathLike[str], rules: RuleSet) -> tuple[Vignette, ...]:
    """The cases of a TOML file, or of all TOML files of a folder by name, in their order.

    Raises RuleSetError with every problem of every file, each "file: case: what is wrong". Whether the given answers
    can be read is not asked here: `run` reports that with the case.
    """
    try:
        root = Path(path)
        is_folder = root.is_dir()
    except (OSError, TypeError, ValueError):
        raise RuleSetError(["the cases: expected the path of a file or a folder"]) from None
    folder = read_folder(root) if is_folder else _one_file(root)
    problems = [f"{printable(name)}: {why}" for name, why in folder.refused.items()]
    found: dict[str, Vignette] = {}
    files: dict[str, str] = {}
    for name, content in sorted(folder.contents.items()):
        tables = _tables(name, content, problems)
        for number, table in enumerate(tables, 1):
            case = _Case(table, printable(name), number, problems)
            vignette = _vignette(case, rules, Path(name).stem)
            if vignette.id in found:
                case.problem(f"this id stands already in {files[vignette.id]}")
            found.setdefault(vignette.id, vignette)
            files.setdefault(vignette.id, printable(name))
    if not found and not problems:
        problems.append(f"{printable(str(root))}: no case; expected TOML files with [[vignette]] tables")
    if problems:
        raise RuleSetError(problems)
    return tuple(found.values())


def _one_file(path: Path) -> Folder:
    try:
        return Folder(contents={path.name: read_file(path, MOST_BYTES_A_FILE)})
    except UnreadableError as error:
        raise RuleSetError([str(error)]) from None


def _tables(name: str, content: bytes, problems: list[str]) -> list[dict[str, Any]]:
    found = parsed(content)
    if isinstance(found, str):
        problems.append(f"{printable(name)}: {found}")
        return []
    tables = found.pop("vignette", None)
    problems += [f"{printable(name)}: unknown key {shown(key)}; expected [[vignette]] tables" for key in found]
    if isinstance(tables, list) and tables and all(isinstance(table, dict) for table in tables):
        return tables
    problems.append(f"{printable(name)}: expected one or more tables, each headed [[vignette]]")
    return []


class _Case:
    """The table of one case: each key is taken once, and every problem told by file and case."""

    def __init__(self, table: dict[str, Any], file: str, number: int, problems: list[str]) -> None:
        self._left = dict(table)
        self._asked: list[str] = []
        self._problems = problems
        name = self._left.get("id")
        named = isinstance(name, str) and 0 < len(name) <= 60 and name.isprintable()
        self._place = f"{file}: {name if named else f'[[vignette]] {number}'}"

    def problem(self, what: str, key: str = "") -> None:
        self._problems.append(": ".join(part for part in (self._place, key, what) if part))
        if len(self._problems) >= MOST_PROBLEMS:
            raise RuleSetError([*self._problems, f"more than {MOST_PROBLEMS} problems; the rest was not read"])

    def near(self, word: str, words: Collection[str]) -> str:
        """A suggestion. Each is a search through all words, so not every one of a thousand problems has one."""
        return did_you_mean(word, words) if len(self._problems) < MOST_SUGGESTIONS else ""

    def take(self, key: str, kind: type, in_words: str, required: bool = False) -> Any:
        """The value of a key, None where it is missing or not of its kind."""
        self._asked.append(key)
        found = self._left.pop(key, None)
        if found is None:
            if required:
                self.problem(f"{key} is missing")
        elif type(found) is kind:
            return found
        else:
            self.problem(f"expected {in_words}", key)
        return None

    def text(self, key: str, required: bool = False) -> str | None:
        found = self.take(key, str, "a text", required)
        if found is None:
            return None
        if not found.strip():
            self.problem("is empty", key)
        elif len(found) > LONGEST_TEXT:
            self.problem(f"longer than {LONGEST_TEXT} characters", key)
        elif has_unseen(found):
            self.problem("holds a character that cannot be seen", key)
        return str(found).strip()

    def known(self, key: str, word: object, words: Collection[str], what: str) -> bool:
        if not isinstance(word, str):
            self.problem("expected texts", key)
        elif word in words:
            return True
        else:
            self.problem(f"unknown {what} {shown(word)}{self.near(word, words)}", key)
        return False

    def done(self) -> None:
        for key in self._left:
            self.problem(f"unknown key {shown(key)}{self.near(key, self._asked)}")


def _vignette(case: _Case, rules: RuleSet, group: str) -> Vignette:
    gold, acceptable = _rungs(case)
    given = case.take("given", dict, "a table of answers", required=True) or {}
    for name in given:
        case.known("given", name, rules.findings.by_id, "finding")
    fires = {key: case.text(key) for key in ("rule", "not_rule")}
    for key, name in fires.items():
        if name is not None:
            case.known(key, name, [rule.id for rule in rules], "rule")
    items = {key: _items(case, key, rules) for key in ("gives", "withholds", "changes", "keeps")}
    for key, other in (("withholds", "gives"), ("withholds", "changes"), ("withholds", "keeps"), ("keeps", "changes")):
        for name in sorted({*items[key]} & {*items[other]}):
            case.problem(f"{name} stands in {other} too", key)
    policy = case.take("policy", int, "the number of a decision")
    found = Vignette(
        id=case.text("id", required=True) or "",
        text=case.text("text", required=True) or "",
        cites=case.text("cites", required=True) or "",
        gold=gold,
        acceptable=acceptable,
        reason=case.text("reason", required=True) or "",
        given=given,
        group=case.text("group") or group,
        link=case.text("link"),
        rule=fires["rule"],
        not_rule=fires["not_rule"],
        gives=items["gives"],
        withholds=items["withholds"],
        changes=items["changes"],
        keeps=items["keeps"],
        below=case.text("below"),
        policy=policy,
        region=case.text("region"),
    )
    case.done()
    return found


def _items(case: _Case, key: str, rules: RuleSet) -> tuple[str, ...]:
    """Items of self-care. First aid and the like are never among what is given, so naming one would say nothing; no
    more would it to say that an item without `modified_by` is changed, or is not.
    """
    what, of = "item of self-care", [item for item in rules.advice.values() if item.kind in SELF_CARE_KINDS]
    if key in ("changes", "keeps"):
        what, of = f"{what} with modified_by", [item for item in of if item.modified_by]
    names, ids = case.take(key, list, "a list of items of self-care") or [], [item.id for item in of]
    return tuple(dict.fromkeys(name for name in names if case.known(key, name, ids, what)))


def _rungs(case: _Case) -> tuple[Acuity, tuple[Acuity, ...]]:
    """The gold rung, and the acceptable ones from low to high: one unbroken stretch around it."""
    word = case.text("gold", required=True)
    gold = _RUNGS[word] if word is not None and case.known("gold", word, _RUNGS, "rung") else None
    words = case.take("acceptable", list, "a list of rungs") or []
    acceptable = sorted({_RUNGS[word] for word in words if case.known("acceptable", word, _RUNGS, "rung")})
    if gold is not None and acceptable and gold not in acceptable:
        case.problem("leaves out the gold rung", "acceptable")
    if acceptable and acceptable[-1] - acceptable[0] >= len(acceptable):
        case.problem("leaves out a rung between two others", "acceptable")
    return gold or Acuity.SELF_CARE, tuple(acceptable) or (gold or Acuity.SELF_CARE,)


@frozen
class Rate:
    """A share with its 95 % Wilson interval. Of nothing, share is None and the interval all from 0 to 1."""

    count: int
    of: int
    share: float | None
    low: float
    high: float


def rate(count: int, of: int) -> Rate:
    """The share of count in of, with its 95 % Wilson interval (Wilson 1927)."""
    if not of:
        return Rate(count, of, None, 0.0, 1.0)
    share, z2 = count / of, _Z * _Z
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == of else min(1.0, centre + half)
    return Rate(count, of, share, low, high)


Verdict = Literal["exact", "acceptable", "under", "over"]


@frozen
class Outcome:
    """What both runs of a case gave. verdict, answered, fired and reason are those of the finished run.

    verdict: "exact", "acceptable" (not gold, but as good), "under" (below all acceptable rungs) or "over" (above them).
    assumed: the answers that nobody stated, which finished it. unexpected: what is otherwise than its rule,
    not_rule, gives, withholds, changes and keeps say.
    """

    case: Vignette
    established: Acuity
    not_excluded: Acuity
    answered: Acuity
    verdict: Verdict
    settled: bool
    fired: tuple[str, ...]
    reason: str
    assumed: dict[str, Answer]
    unexpected: tuple[str, ...]

    @property
    def gold_within(self) -> bool:
        """Whether, as coded, gold lies between what is established and what is not excluded, ends included."""
        return self.established <= self.case.gold <= self.not_excluded

    @property
    def missed_emergency(self) -> bool:
        """Whether an emergency would not be seen even the same day."""
        return self.case.gold is Acuity.EMERGENCY and self.answered < Acuity.SAME_DAY


@frozen
class NotRun:
    """A case whose answers cannot be read: an error of its coding."""

    id: str
    problems: tuple[str, ...]


@frozen
class Figures:
    """The figures of some cases; the module says what each counts."""

    exact: Rate
    tolerant: Rate
    safety: Rate
    over_triage: Rate
    inclination_to_over_triage: Rate
    comprehensiveness: Rate


@frozen
class Report:
    """What the library answers to whole cases, and how that compares with gold.

    figures: of all cases; by_gold, by_group: of the cases of each gold rung, and of each group.
    confusion: gold rung -> answered rung -> number of cases. within: as coded, gold lies within what is established and
    what is not excluded. decided_by: which readings decided.
    """

    rule_set: RuleSetId
    decided_by: tuple[str, ...]
    figures: Figures
    by_gold: dict[str, Figures]
    by_group: dict[str, Figures]
    confusion: dict[str, dict[str, int]]
    within: Rate
    outcomes: tuple[Outcome, ...]
    not_run: tuple[NotRun, ...]

    @property
    def below(self) -> tuple[Outcome, ...]:
        """The cases answered below gold, those below every acceptable rung first, then the most acute."""
        found = [outcome for outcome in self.outcomes if outcome.answered < outcome.case.gold]
        return tuple(sorted(found, key=lambda outcome: (outcome.verdict != "under", -outcome.case.gold)))

    @property
    def above(self) -> tuple[Outcome, ...]:
        """The cases answered above gold, those above every acceptable rung first."""
        found = [outcome for outcome in self.outcomes if outcome.answered > outcome.case.gold]
        return tuple(sorted(found, key=lambda outcome: (outcome.verdict != "over", -outcome.case.gold)))

    @property
    def failed(self) -> bool:
        """Whether a case fell below its acceptable rungs and does not say why (`below`), an emergency below the same
        day whatever it says, something is `unexpected`, or a case could not be run.
        """
        wrong = (
            (case.verdict == "under" and not case.case.below) or case.missed_emergency or case.unexpected
            for case in self.outcomes
        )
        return any(wrong) or bool(self.not_run)

    def to_json(self) -> str:
        """As JSON text, every case with its outcome and every assumption."""
        return json.dumps(data(self), ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        return plain(self.sections())

    def sections(self, assumptions: bool = False) -> tuple[Section, ...]:
        """The report in parts, the dangerous first. assumptions: with every assumed answer of every case."""
        return tuple(section for section in _sections(self, assumptions) if section.body)


def run(vignettes: Iterable[Vignette], rules: RuleSet, *, engine: Engine | None = None) -> Report:
    """Runs each case as coded and finished. A case whose answers cannot be read is reported and counts nowhere."""
    outcomes: list[Outcome] = []
    not_run: list[NotRun] = []
    decided: dict[str, None] = {}
    for case in vignettes:
        finished = rules.benign(given=case.given)
        try:
            if problems := _without_parent(case, rules):
                raise FindingError(problems)
            coded = triage(case.given, region=case.region, rules=rules, engine=engine)
            answer = triage(finished, region=case.region, rules=rules, engine=engine)
        except FindingError as error:
            not_run.append(NotRun(case.id, error.problems))
        else:
            decided.update(dict.fromkeys((coded.decided_by, answer.decided_by)))
            assumed = {name: finished[name] for name in finished if name not in case.given}
            outcomes.append(_outcome(case, coded, answer, assumed))
    return Report(
        rule_set=RuleSetId(rules.name, rules.version, rules.sha256),
        decided_by=tuple(decided),
        figures=_figures(outcomes),
        by_gold=_by(outcomes, lambda outcome: outcome.case.gold.word, [acuity.word for acuity in reversed(Acuity)]),
        by_group=_by(outcomes, lambda outcome: outcome.case.group, dict.fromkeys(o.case.group for o in outcomes)),
        confusion={
            gold.word: {
                answered.word: sum(o.case.gold is gold and o.answered is answered for o in outcomes)
                for answered in Acuity
            }
            for gold in Acuity
        },
        within=rate(sum(outcome.gold_within for outcome in outcomes), len(outcomes)),
        outcomes=tuple(outcomes),
        not_run=tuple(not_run),
    )


def _without_parent(case: Vignette, rules: RuleSet) -> list[str]:
    """Finishing would answer the unstated question no, and so take back what was stated below it."""
    problems = []
    for name, answer in case.given.items():
        finding = rules.findings.by_id.get(name)
        above = finding.only_if if finding is not None and answer is not False else None
        if above is not None and above not in case.given:
            problems.append(f"{name}: stated, but {above}, without which it does not apply, is not; state that too")
    return problems


def unexpected(case: Vignette, answer: Assessment) -> tuple[str, ...]:
    """What an answer has otherwise than its case says by rule, not_rule, gives, withholds, changes and keeps."""
    fired, to = {rule.id for rule in answer.because}, answer.disposition
    items = {item.id: item.changes for item in to.advice} if isinstance(to, SelfCare) else {}
    due = dict.fromkeys((*case.gives, *case.changes, *case.keeps))
    return (
        *(f"{name} did not fire" for name in [case.rule] if name is not None and name not in fired),
        *(f"{name} fired" for name in [case.not_rule] if name in fired),
        *(f"{name} is not given" for name in due if name not in items),
        *(f"{name} is given" for name in case.withholds if name in items),
        *(f"{name} is given without a change" for name in case.changes if name in items and not items[name]),
        *(f"{name} is given with a change" for name in case.keeps if items.get(name)),
    )


def _outcome(case: Vignette, coded: Assessment, answer: Assessment, assumed: dict[str, Answer]) -> Outcome:
    fired = tuple(rule.id for rule in answer.because)
    verdict: Verdict = "exact" if answer.acuity is case.gold else "acceptable"
    if answer.acuity < case.acceptable[0]:
        verdict = "under"
    elif answer.acuity > case.acceptable[-1]:
        verdict = "over"
    return Outcome(
        case=case,
        established=coded.established,
        not_excluded=coded.not_excluded,
        answered=answer.acuity,
        verdict=verdict,
        settled=answer.settled,
        fired=fired,
        reason=answer.reason,
        assumed=assumed,
        unexpected=unexpected(case, answer),
    )


def _figures(outcomes: Sequence[Outcome]) -> Figures:
    verdicts = [outcome.verdict for outcome in outcomes]
    under, over, count = verdicts.count("under"), verdicts.count("over"), len(outcomes)
    return Figures(
        exact=rate(verdicts.count("exact"), count),
        tolerant=rate(count - under - over, count),
        safety=rate(count - under, count),
        over_triage=rate(over, count),
        inclination_to_over_triage=rate(over, over + under),
        comprehensiveness=rate(sum(outcome.settled and bool(outcome.fired) for outcome in outcomes), count),
    )


def _by(outcomes: Sequence[Outcome], key: Callable[[Outcome], str], names: Iterable[str]) -> dict[str, Figures]:
    parts = {name: [outcome for outcome in outcomes if key(outcome) == name] for name in names}
    return {name: _figures(part) for name, part in parts.items() if part}


# -- the report as it is read ----------------------------------------------------------------------------------------

_FIGURES: Final = (
    ("exact", "exact", "is gold"),
    ("tolerant", "tolerant", "is acceptable"),
    ("safety", "safety", "not too low"),
    ("over_triage", "over-triage", "too high"),
    ("inclination_to_over_triage", "inclination to over-triage", "too high if wrong"),
    ("comprehensiveness", "comprehensiveness", "explained by rule"),
)
_RATE: Final = ("count", "share", "95 % interval")


def _cells(found: Rate) -> tuple[str, ...]:
    share = "-" if found.share is None else f"{100 * found.share:.0f} %"
    return f"{found.count} of {found.of}", share, f"{100 * found.low:.0f} to {100 * found.high:.0f} %"


def _sections(report: Report, assumptions: bool) -> Iterable[Section]:
    count, rules = len(report.outcomes), report.rule_set
    head = f"{count} {'case' if count == 1 else 'cases'} by {rules.name} {rules.version} ({rules.sha256[:12]})"
    decided = [f"Decided by {', '.join(report.decided_by)}."] if report.decided_by else []
    yield Section(head, (*decided, *([f"{len(report.not_run)} more could not be run."] if report.not_run else [])))
    yield _cases("Below their gold rung", report.below)
    yield _cases("Above their gold rung", report.above)
    otherwise = [Node(f"{o.case.id}: {what}") for o in report.outcomes for what in o.unexpected]
    yield Section("Rules and items of self-care that stand otherwise than their case says", tuple(otherwise))
    broken = (Node(case.id, tuple(Node(problem) for problem in case.problems)) for case in report.not_run)
    yield Section("Could not be run: their answers cannot be read", tuple(broken))
    if not count:
        return
    rows = [(name, *_cells(getattr(report.figures, key)), means) for key, name, means in _FIGURES]
    yield Section("Finished runs", (Table(("figure", *_RATE, "answer"), tuple(rows), fixed=4),))
    yield _parts("By gold rung", "gold", report.by_gold)
    if len(report.by_group) > 1:
        yield _parts("By group", "group", report.by_group)
    words = [acuity.word for acuity in Acuity]
    matrix = [(gold, *(str(report.confusion[gold][answered] or ".") for answered in words)) for gold in words]
    yield Section("Gold (rows) by answer (columns)", (Table(("gold", *words), tuple(matrix), fixed=6),))
    yield _as_coded(report)
    yield _assumed(report, assumptions)


def _cases(title: str, outcomes: Sequence[Outcome]) -> Section:
    def node(outcome: Outcome) -> Node:
        case = outcome.case
        far = {"under": "UNDER-TRIAGE", "over": "over-triage"}.get(outcome.verdict, "acceptable")
        said = [f"gold because: {case.reason}", f"fired: {', '.join(outcome.fired) or 'no rule'} ({outcome.reason})"]
        if case.below and outcome.answered < case.gold:
            said.append(f"below because: {case.below}")
        if case.policy and outcome.answered > case.gold:
            said.append(f"by decision {case.policy}")
        text = f"{case.id}: {outcome.answered.word}, gold {case.gold.word}: {far}"
        return Node(text, tuple(Node(line) for line in said), loud=outcome.verdict == "under")

    nodes = tuple(node(outcome) for outcome in outcomes)
    return Section(f"{title}: {len(nodes)}", nodes or ("None.",))


def _parts(title: str, column: str, parts: dict[str, Figures]) -> Section:
    rows = [
        (name if key == "exact" else "", label, *_cells(getattr(figures, key)))
        for name, figures in parts.items()
        for key, label, _ in _FIGURES
        if getattr(figures, key).of
    ]
    return Section(title, (Table((column, "figure", *_RATE), tuple(rows), fixed=5),))


def _as_coded(report: Report) -> Section:
    outside = [o for o in report.outcomes if not o.gold_within]
    count, share, interval = _cells(report.within)
    said = "Gold lies between what is established and what is not excluded in"
    lines: list[str | Table | Node] = [f"{said} {count} ({share}, 95 % interval {interval})."]
    if outside:
        rows = [(o.case.id, o.case.gold.word, o.established.word, o.not_excluded.word) for o in outside]
        lines.append(Table(("outside", "gold", "established", "not excluded"), tuple(rows), fixed=4))
    return Section("As coded", tuple(lines))


def _assumed(report: Report, full: bool) -> Section:
    title = "Assumed in the finished runs"
    if full:
        return Section(title, tuple(Node(o.case.id, _assumptions(o.assumed)) for o in report.outcomes))
    rows = []
    for outcome in report.outcomes:
        noes, values = _split(outcome.assumed)
        cells = (outcome.case.id, str(len(outcome.case.given)), str(len(noes)), str(len(values)))
        rows.append((*cells, "40" if outcome.assumed.get("age_years") == 40 else ""))
    told = "How many answers each case states and how many it was lent; the JSON report lists them all."
    return Section(title, (told, Table(("case", "stated", "noes", "values", "age"), tuple(rows), fixed=5)))


def _assumptions(assumed: dict[str, Answer]) -> tuple[Node, ...]:
    noes, values = _split(assumed)
    shown_noes = [Node(f"no: {', '.join(noes)}")] if noes else []
    return (*shown_noes, *(Node(f"{name}: {_word(answer)}") for name, answer in values.items()))


def _split(assumed: dict[str, Answer]) -> tuple[list[str], dict[str, Answer]]:
    noes = [name for name, answer in assumed.items() if answer is False]
    return noes, {name: answer for name, answer in assumed.items() if answer is not False}


def _word(answer: Any) -> str:
    return "yes" if answer is True else str(answer)
