"""Proves or refutes, for every set of answers there is, what must hold of a rule set.

Needs python-sat: `pip install "calf-triage[verify]"`. A proof is about cells: numbers are compared with constants
alone, so two answers between the same constants are one and the same to every rule. Each solution that is found, a
witness or a counterexample, is replayed in the plain reading and, where it can be used, in durable-rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from attrs import evolve, frozen

from calf_triage._assessment import RuleSetId
from calf_triage._errors import did_you_mean, shown
from calf_triage._rules import RuleSet
from calf_triage._text import Node, Section, Table
from calf_triage.verify.prover import Case, NotReplayedError, OutOfTimeError, Prover, Refutation, Report
from calf_triage.verify.questions import QUESTIONS, Question

__all__ = [
    "QUESTIONS",
    "NotReplayedError",
    "Proof",
    "Refutation",
    "Report",
    "Verdict",
    "VerifyError",
    "verify",
]

Word = Literal["proved", "refuted", "undecided"]

SECONDS_A_QUESTION: Final = 60.0
SECONDS_IN_ALL: Final = 600.0
MOST_REPORTS: Final = 20
"""Refutations of one question that are told as a patient's report; the others are named alone."""

_AT_LOAD: Final = tuple(question.name for question in QUESTIONS if question.must == "load")
_WAIVABLE: Final = ("NECESSARY", "REACHABLE")
MUTANTS: Final = "MUTATE"
"""The table of waivers that is not about a question here, but about mutants."""


class VerifyError(ValueError):
    """Nothing could be asked: no such question, waivers that cannot be read, or python-sat is not installed."""


@frozen
class Verdict:
    """What became of one question.

    gate: whether the rule set fails unless this is proved. cases: the parts it was asked in. waived: refutations that
    were accepted beforehand, left out here.
    """

    question: str
    says: str
    gate: bool
    verdict: Word
    seconds: float
    cases: int
    refutations: tuple[Refutation, ...] = ()
    waived: int = 0

    @property
    def nothing(self) -> bool:
        """Whether the rule set holds nothing of the kind, so that nothing was proved: no law, say, or no mirror."""
        return self.cases == 0 and self.verdict == "proved" and self.question not in _AT_LOAD

    @property
    def passed(self) -> bool:
        """Whether it is proved, or is no gate."""
        return self.verdict == "proved" or not self.gate


@frozen
class Proof:
    """The verdicts on a rule set. complete: whether every question was asked."""

    rule_set: RuleSetId
    verdicts: tuple[Verdict, ...]
    complete: bool

    @property
    def passed(self) -> bool:
        """Whether all gates are proved, none left out."""
        return self.complete and all(verdict.passed for verdict in self.verdicts)

    def sections(self) -> list[Section]:
        """The verdicts as the command line shows them."""
        rows = []
        for verdict in self.verdicts:
            word: str = verdict.verdict if verdict.gate or verdict.verdict != "refuted" else "to look at"
            if verdict.nothing:
                word = "nothing"
            says = verdict.says + (f" ({verdict.waived} waived)" if verdict.waived else "")
            rows.append((verdict.question, word, f"{verdict.seconds:.1f} s", says))
        columns = ("question", "verdict", "time", "for every set of answers")
        found = [Section(f"{self.rule_set.name} {self.rule_set.version}", (Table(columns, tuple(rows), fixed=3),))]
        for verdict in self.verdicts:
            if verdict.refutations:
                nodes = tuple(_node(refutation) for refutation in verdict.refutations)
                found.append(Section(f"{verdict.question}: {len(nodes)} not so", nodes))
        gates = [verdict for verdict in self.verdicts if verdict.gate and not verdict.nothing]
        idle = ", ".join(verdict.question for verdict in self.verdicts if verdict.gate and verdict.nothing)
        failed = ", ".join(verdict.question for verdict in gates if not verdict.passed)
        proved = sum(verdict.passed for verdict in gates)
        end = f"{proved} of {len(gates)} gates proved" + (f"; not proved: {failed}" if failed else "")
        end += f"; nothing of the kind here to prove: {idle}" if idle else ""
        rest = "" if self.complete else " The other questions were not asked, so this is no proof of the rule set."
        return [*found, Section("", (f"{end}.{rest}",))]


def _node(refutation: Refutation) -> Node:
    below = []
    for number, report in enumerate(refutation.reports):
        first = "" if number == 0 else "then "
        lines = tuple(Node(f"{asked}: {answered}") for _, asked, answered in report.answers)
        below.append(Node(f"{first}{report.acuity.word}, with these answers and the rest {report.rest}", lines))
    return Node(refutation.about, tuple(below), loud=True)


def verify(
    rules: RuleSet,
    *,
    only: str | None = None,
    seconds: float = SECONDS_A_QUESTION,
    progress: Callable[[str], None] = lambda _: None,
) -> Proof:
    """The verdict on every question, or on one of them.

    What `rules.waivers` names may be refuted; a waiver that is not needed fails as well.
    seconds: for each question, 600 in all; past that a question is undecided. progress: is told the name of each
        question as it begins.

    Raises VerifyError for an unknown question, or where python-sat is not installed; NotReplayedError where the library
    does not confirm a solution.
    """
    names = [question.name for question in QUESTIONS]
    if only is not None and only not in names:
        raise VerifyError(f"no question {shown(only)}{did_you_mean(only.upper(), names)}; there are {', '.join(names)}")
    for name in rules.waivers:
        if name not in (*_WAIVABLE, MUTANTS):
            can = f"only {' and '.join(_WAIVABLE)} can, and equivalent mutants in [{MUTANTS}]"
            raise VerifyError(f"waivers.toml: [{name}] cannot be waived; {can}")
    need_solver()
    end, verdicts = time.monotonic() + SECONDS_IN_ALL, []
    for question in QUESTIONS:
        if only in (None, question.name):
            progress(question.name)
            # Each question has its own solver: what another one grew would only slow it down.
            prover = Prover(rules)
            prover.deadline = min(time.monotonic() + seconds, end)
            verdicts.append(_verdict(prover, question, rules.waivers.get(question.name, {})))
    about = RuleSetId(rules.name, rules.version, rules.sha256)
    return Proof(about, tuple(verdicts), complete=len(verdicts) == len(QUESTIONS))


def need_solver() -> None:
    """Raises VerifyError where python-sat is not installed."""
    try:
        import pysat.solvers  # noqa: F401
    except ImportError:
        raise VerifyError('python-sat is not installed; get it with: pip install "calf-triage[verify]"') from None


def _verdict(prover: Prover, question: Question, waived: Mapping[str, str]) -> Verdict:
    start, cases, refutations = time.monotonic(), list[Case](), list[Refutation]()
    word: Word = "proved"
    try:
        cases += question.cases(prover)
        ask = {"never": _never, "ever": _ever, "load": _ever}[question.must]
        refutations.extend(ask(prover, cases))
    except OutOfTimeError:
        word = "undecided"
    # A waiver names one refutation as it is printed, or a criterion, and then all of those that quote it.
    why = {r.about: [about for about in waived if about == r.about or f" {about!r} " in r.about] for r in refutations}
    kept = [refutation for refutation in refutations if not why[refutation.about]]
    count = len(refutations) - len(kept)
    stale = set(waived).difference(*why.values())
    kept += [Refutation(f"waived, and yet proved: {about}") for about in sorted(stale) if word == "proved"]
    return Verdict(
        question.name,
        question.says if cases or question.must == "load" else f"{question.says}: there is nothing of the kind here",
        question.gate,
        "refuted" if kept else word,
        time.monotonic() - start,
        len(cases),
        tuple(kept),
        count,
    )


def _ever(prover: Prover, cases: Sequence[Case]) -> Iterator[Refutation]:
    """What nobody's answers make so. One solution is a witness of all that it makes so."""
    left = dict(enumerate(cases))
    while left:
        number = min(left)
        case = left.pop(number)
        if not prover.ask(case.sought):
            yield Refutation(case.about)
            continue
        prover.replay(case)
        for number, other in [*left.items()]:
            if other.runs == case.runs and prover.true(other.sought):
                prover.replay(left.pop(number))


def _never(prover: Prover, cases: Sequence[Case]) -> Iterator[Refutation]:
    """What somebody's answers break, and what could not come up at all."""
    left = {case.premise: case for case in cases}
    while left:
        premise, example = next(iter(left.items()))
        if prover.ask(premise):
            prover.replay(evolve(example, replays=lambda *_: True))
            left = {other: case for other, case in left.items() if not prover.true(other)}
        else:
            yield from (Refutation(f"{case.about}: never comes up") for case in cases if case.premise == premise)
            del left[premise]
    if not prover.ask(prover.circuit.any(case.sought for case in cases)):
        return
    told = 0
    for case in cases:
        if prover.ask(case.sought):
            told += 1
            yield _told(prover, case, told <= MOST_REPORTS)


def _told(prover: Prover, case: Case, in_full: bool = True) -> Refutation:
    if in_full:
        prover.smallest(case)
    prover.replay(case)
    return Refutation(case.about, prover.reports(case.runs) if in_full else ())
