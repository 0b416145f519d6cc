"""Asks one screen after another, as long as an answer can still change something.

>>> from calf_triage.interview import Interview
>>> interview = Interview()
>>> interview.screen.title, interview.screen.groups[1].questions[0].asks[:21]
('What brings you here', 'Pain, ache, cramp or ')
>>> interview.answer({"age_years": 52, "sex_at_birth": None, "calf_pain": True}, rest="none")
>>> interview.screen.groups[0].asks
'In the last two weeks, is any of these new, or clearly worse than usual for you?'
>>> interview.answer({"breathless": True}, rest="none")
>>> interview.screen, interview.assessment.acuity.name
(None, 'EMERGENCY')

What may be asked are the absent findings of rules that are still open, those that could still mean the most acute rung
first. It stops at once on EMERGENCY. Whatever it asks, its `assessment` is what `triage` says to all its answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from attrs import field, frozen

from calf_triage import _json
from calf_triage._assessment import MATTERS, Assessment, Matters, Question, RuleSetId
from calf_triage._errors import FindingError, did_you_mean, listed, shown
from calf_triage._findings import UNSURE, Acuity, Answer, Finding
from calf_triage._rules import RuleSet
from calf_triage._triage import Engine, bundled_rules, may_be_asked, triage

Rest = Literal["none", "unsure", "not_said"]
"""What holds for the rest of a screen: "none of these", "not sure", or "rather not say"."""

RESTS: Final[tuple[Rest, ...]] = ("none", "unsure", "not_said")
MOST_STEPS: Final = 1_000

_COULD_MEAN: Final = {
    Acuity.EMERGENCY: "calling for help now",
    Acuity.SAME_DAY: "being seen today",
    Acuity.SOON: "being seen within days",
    Acuity.ROUTINE: "booking an appointment",
    Acuity.SELF_CARE: "exercises at home",
}


@frozen
class Ask:
    """A question of a screen. finding: what it asks, and what is an answer. rung, matters, why: why it is asked.

    before: the answer that was taken back with `back`, None if there was none, or it was not said.
    """

    finding: Finding = field(repr=False)
    rung: Acuity
    matters: Matters
    before: Answer | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The finding's name, under which it is answered."""
        return self.finding.id

    @property
    def asks(self) -> str:
        """The question, in a patient's words."""
        return self.finding.asks

    @property
    def why(self) -> str:
        """Why it is asked, in a patient's words."""
        return _why(self.rung, self.matters)


def _why(rung: Acuity, matters: Matters) -> str:
    if matters == "cause":
        return "The answer could name a possible cause."
    if matters == "advice":
        return "The answer decides which advice is given."
    return f"The answer could mean {_COULD_MEAN[rung]}."


@frozen
class Group:
    """Questions of a screen that stand under one heading."""

    id: str
    title: str
    asks: str
    questions: tuple[Ask, ...]


@frozen
class Screen:
    """What to ask now.

    why: why it is asked, in a patient's words. number: 1 for the first screen. more_at_most: how many screens may still
    follow this one, whatever is answered; it falls with every screen answered, most often by more than one.
    optional: the acuity can no longer change, so that it may be skipped; the rest only names causes or chooses advice.
    """

    id: str
    title: str
    why: str
    groups: tuple[Group, ...]
    number: int
    more_at_most: int
    optional: bool

    @property
    def questions(self) -> tuple[Ask, ...]:
        """All questions of the screen, in their order."""
        return tuple(question for group in self.groups for question in group.questions)


@frozen
class _Step:
    """An answered screen; screen: its id, empty for answers that were there before."""

    screen: str
    answers: dict[str, Answer]
    not_said: tuple[str, ...] = ()


@frozen
class _Saved:
    """What `to_json` writes."""

    rule_set: RuleSetId
    region: str | None
    steps: tuple[_Step, ...]


class Interview:
    """One person's interview. Not for use by several threads at once.

    rules: a rule set of `load_rules`; the bundled one if none is given. answers: what is known already, asked no more;
    FindingError if it cannot be read. region, engine: as `triage` takes them.
    """

    def __init__(
        self,
        rules: RuleSet | None = None,
        *,
        answers: Mapping[str, Answer | None] | None = None,
        region: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.rules = bundled_rules() if rules is None else rules
        self.problems: tuple[str, ...] = ()
        """What was left out of a save that was read again by other rules; empty otherwise."""
        self._region, self._engine = region, engine
        self._taken_back: dict[str, Answer] = {}
        screens = self.rules.findings.screens
        self._position = {screen.id: place for place, screen in enumerate(screens)}
        self._page = {name: page.id for page in screens for heading in page.headings for name in heading.findings}
        known = {name: answer for name, answer in (answers or {}).items() if answer is not None}
        self._enter((_Step("", known),) if known else ())

    def __repr__(self) -> str:
        """Where it stands, without any answer."""
        return f"<Interview, {self._number} screens answered, {self.assessment!r}>"

    @property
    def assessment(self) -> Assessment:
        """What `triage` says to the answers so far."""
        return self._assessment

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers so far, in question order."""
        return dict(self._assessment.answers)

    @property
    def not_said(self) -> tuple[str, ...]:
        """The findings that the person would rather not say: absent, and never asked again."""
        return tuple(name for step in self._steps for name in step.not_said)

    @property
    def screen(self) -> Screen | None:
        """What to ask now; None when nothing that may be asked can change anything, and in an emergency."""
        return self._screen

    def answer(self, answers: Mapping[str, Answer | None], *, rest: Rest | None = None) -> None:
        """Answers the screen, and goes on to the next.

        answers: names of its questions to answers; None is "rather not say". rest: what holds for its other questions:
        "none" (none of these: no, for statements to tick; a choice or a number has to be answered), "unsure" or
        "not_said".

        Raises FindingError with everything that is wrong, a question without an answer among it; nothing is taken then.
        Its `.assessment` is the triage of all that could be read, where that is SAME_DAY or above. ValueError if there
        is no screen, or no such rest.
        """
        if rest is not None and rest not in RESTS:
            raise ValueError('rest: expected "none", "unsure", "not_said" or None')
        if self._screen is None:
            raise ValueError("there is nothing left to answer; `back` returns to the last screen")
        if not isinstance(answers, Mapping):
            raise FindingError(["answers: expected a mapping of finding names to answers"])
        asked = {question.id: question for question in self._screen.questions}
        step, problems = self._step(asked, answers, rest)
        values, wrong = self.rules.findings.check({**self.answers, **step.answers})
        problems += wrong
        if problems:
            readable = {name: self.rules.findings.by_id[name].shown(value) for name, value in values.items()}
            found = triage(readable, region=self._region, rules=self.rules, engine=self._engine)
            raise FindingError(problems, found if found.acuity >= Acuity.SAME_DAY else None)
        self._taken_back = {name: answer for name, answer in self._taken_back.items() if name not in asked}
        self._enter((*self._steps, step))

    def _step(
        self, asked: Mapping[str, Ask], answers: Mapping[str, Answer | None], rest: Rest | None
    ) -> tuple[_Step, list[str]]:
        problems = [
            f"{shown(name)}: not asked on this screen{did_you_mean(name, asked)}"
            if isinstance(name, str)
            else "answers: every finding is named by a text"
            for name in answers
            if name not in asked
        ]
        given: dict[str, Answer] = {}
        not_said: list[str] = []
        for name, question in asked.items():
            if name in answers or rest == "not_said":
                answer = answers.get(name)
                if answer is None:
                    not_said.append(name)
                else:
                    given[name] = answer
            elif rest == "unsure":
                given[name] = UNSURE
            elif rest == "none" and question.finding.type == "yes_no":
                given[name] = False
            else:
                problems.append(f'{name}: not answered; expected {question.finding.expected()}, or None for "not said"')
        return _Step(self._screen.id if self._screen else "", given, tuple(not_said)), problems

    def back(self) -> None:
        """Returns to the last answered screen; its answers are taken back, and shown in its questions' `before`.

        ValueError if no screen was answered.
        """
        if not self._number:
            raise ValueError("this is the first screen; there is none to go back to")
        last = self._steps[-1]
        self._taken_back = {**self._taken_back, **last.answers}
        self._enter(self._steps[:-1])

    def to_json(self) -> str:
        """As JSON text, to go on later with `from_json`. It holds health answers: keep it as you would keep those."""
        return _json.written(_Saved(self._rule_set, self._region, self._steps))

    @classmethod
    def from_json(
        cls, text: str, rules: RuleSet | None = None, *, recheck: bool = False, engine: Engine | None = None
    ) -> Interview:
        """An interview that `to_json` wrote, where it was left.

        recheck: accept one that was saved with other rules. Its answers then count as known already; those that these
        rules cannot read are left out, and `problems` says which.

        Raises ValueError for anything that is no saved interview, and for other rules without `recheck`.
        """
        saved = _json.read(text, _Saved, "a saved interview")
        if len(saved.steps) > MOST_STEPS:
            raise ValueError(f"not a saved interview:\nmore than {MOST_STEPS} screens")
        found = cls(rules, region=saved.region, engine=engine)
        if saved.rule_set == found._rule_set:
            found._resume(saved.steps)
        elif recheck:
            found._recheck(saved.steps)
        else:
            raise ValueError(
                f"saved with the rules {saved.rule_set.name} {saved.rule_set.version} ({saved.rule_set.sha256[:12]}), "
                f"but these are {found.rules.name} {found.rules.version} ({found.rules.sha256[:12]}); "
                "with recheck=True its answers are read by these"
            )
        return found

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def _rule_set(self) -> RuleSetId:
        return RuleSetId(self.rules.name, self.rules.version, self.rules.sha256)

    @property
    def _number(self) -> int:
        return sum(bool(step.screen) for step in self._steps)

    def _resume(self, steps: tuple[_Step, ...]) -> None:
        by_id = self.rules.findings.by_id
        counts = Counter(name for step in steps for name in (*step.answers, *step.not_said))
        problems = [f"{shown(name)}: unknown finding" for name in counts if name not in by_id]
        problems += [f"{shown(name)}: stands twice" for name, count in counts.items() if count > 1]
        pages = {*self._position, ""}
        problems += [f"{shown(step.screen)}: unknown screen" for step in steps if step.screen not in pages]
        problems += ["a step without a screen stands after the first" for step in steps[1:] if not step.screen]
        _, wrong = self.rules.findings.check(_merged(steps))
        if problems := problems + wrong:
            raise ValueError("not a saved interview:\n" + listed(tuple(problems)))
        self._enter(steps)

    def _recheck(self, steps: tuple[_Step, ...]) -> None:
        values, problems = self.rules.findings.check(_merged(steps))
        by_id = self.rules.findings.by_id
        answers = {name: by_id[name].shown(value) for name, value in values.items()}
        not_said = tuple(name for step in steps for name in step.not_said if name in by_id and name not in answers)
        self.problems = tuple(problems)
        self._enter((_Step("", answers, tuple(dict.fromkeys(not_said))),))

    def _enter(self, steps: tuple[_Step, ...]) -> None:
        """Takes these steps as all that was answered; or raises, and stays as it was."""
        assessment = triage(_merged(steps), region=self._region, rules=self.rules, engine=self._engine)
        self._steps, self._assessment = steps, assessment
        self._screen = self._next()

    def _next(self) -> Screen | None:
        declined = set(self.not_said)
        asked = {question.id: question for question in self._assessment.unanswered if question.id not in declined}
        pages: dict[str, list[Question]] = {}
        for name, question in asked.items():
            pages.setdefault(self._page[name], []).append(question)
        if not pages:
            return None
        first = max(pages, key=lambda page: (max(question.rung for question in pages[page]), -self._position[page]))
        top = min(pages[first], key=lambda question: (-question.rung, MATTERS.index(question.matters)))
        by_id = self.rules.findings.by_id
        groups = []
        for heading in self.rules.findings.screens[self._position[first]].headings:
            questions = tuple(
                Ask(by_id[name], asked[name].rung, asked[name].matters, self._taken_back.get(name))
                for name in heading.findings
                if name in asked
            )
            if questions:
                groups.append(Group(heading.id, heading.title, heading.asks, questions))
        return Screen(
            id=first,
            title=self.rules.findings.screens[self._position[first]].title,
            why=_why(top.rung, top.matters),
            groups=tuple(groups),
            number=self._number + 1,
            more_at_most=self._at_most(declined) - 1,
            optional=self._assessment.settled and all(question.matters != "acuity" for question in asked.values()),
        )

    def _at_most(self, declined: set[str]) -> int:
        """How many screens may follow at most. A page is shown once for what can be asked of it now, and once for each
        unanswered question on whose yes more of it hangs.
        """
        values, _ = self.rules.findings.check(self.answers)
        visits = {
            (self._page[name], above[-1] if above else "")
            for name, above in may_be_asked(self.rules, values).items()
            if declined.isdisjoint((name, *above))
        }
        return len(visits)


def _merged(steps: Iterable[_Step]) -> dict[str, Answer]:
    return {name: answer for step in steps for name, answer in step.answers.items()}
