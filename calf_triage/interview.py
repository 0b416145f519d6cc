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
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Final, Literal

from attrs import field, frozen

from calf_triage import _json
from calf_triage._assessment import MATTERS, Assessment, Matters, Question, RuleSetId
from calf_triage._errors import FindingError, did_you_mean, listed, shown
from calf_triage._findings import UNSURE, Acuity, Answer, Finding
from calf_triage._rules import RuleSet
from calf_triage._triage import Engine, MayBeAsked, bundled_rules, triage, triage_and_ask

Rest = Literal["none", "unsure", "not_said"]
"""What holds for the rest of a screen: "none of these", "not sure", or "rather not say"."""

RESTS: Final[tuple[Rest, ...]] = ("none", "unsure", "not_said")
MOST_STEPS: Final = 1_000
FRESH: Final = timedelta(days=1)
"""For how long the answers of a saved interview are those of today."""

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
    answers: dict[str, Answer] = field(repr=False)
    not_said: tuple[str, ...] = field(default=(), repr=False)


@frozen
class _Saved:
    """What `to_json` writes."""

    rule_set: RuleSetId
    region: str | None
    saved_on: date
    steps: tuple[_Step, ...]


class Interview:
    """One person's interview. Not for use by several threads at once.

    rules: a rule set of `load_rules`; the bundled one if none is given. region, engine: as `triage` takes them.
    answers: what is known already, asked no more; FindingError if it cannot be read. Give only what cannot have changed
        (`calf_triage.follow_up.known`): a no of another day would be taken as a no of today.
    """

    def __init__(
        self,
        rules: RuleSet | None = None,
        *,
        answers: Mapping[str, Answer | None] | None = None,
        region: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        if rules is not None and not isinstance(rules, RuleSet):
            raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
        if answers is not None and not isinstance(answers, Mapping):
            raise FindingError(["answers: expected a mapping of finding names to answers"])
        self.rules = bundled_rules() if rules is None else rules
        self.problems: tuple[str, ...] = ()
        """What was left out of a save: what other rules cannot read, and that it is of another day; empty otherwise."""
        # Any other text means general wording, as in triage, and none of it is kept.
        sound = isinstance(region, str) and len(region) == 2 and region.isascii() and region.isalpha()
        self._region, self._engine = region if sound else None, engine
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

    def to_json(self, *, on: date | None = None) -> str:
        """As JSON text, to go on later with `from_json`. It holds health answers: keep it as you would keep those.

        on: the day of the answers; today if none is given.
        """
        day = _day(on)
        return _json.written(_Saved(self._rule_set, self._region, day, self._steps))

    @classmethod
    def from_json(
        cls,
        text: str,
        rules: RuleSet | None = None,
        *,
        recheck: bool = False,
        engine: Engine | None = None,
        on: date | None = None,
    ) -> Interview:
        """An interview that `to_json` wrote, where it was left.

        recheck: accept one that was saved with other rules. Its answers then count as known already; those that these
            rules cannot read are left out, and `problems` says which.
        on: the day on which it goes on; today if none is given. Questions ask of now and of the last days, so of a save
            that is older than a day only yes, not sure and the age are kept; every no is asked again, and `problems`
            says so (design decision, as in `calf_triage.follow_up`: a no is never kept).

        Raises ValueError for anything that is no saved interview, and for other rules without `recheck`.
        """
        saved = _json.read(text, _Saved, "a saved interview")
        if len(saved.steps) > MOST_STEPS:
            raise ValueError(f"not a saved interview:\nmore than {MOST_STEPS} screens")
        found = cls(rules, region=saved.region, engine=engine)
        same = saved.rule_set == found._rule_set
        if not same and not recheck:
            raise ValueError(
                f"saved with the rules {_name(saved.rule_set)}, but these are {_name(found._rule_set)}; "
                "with recheck=True its answers are read by these"
            )
        today = _day(on)
        if same:
            found._resume(saved.steps)
        fresh = abs(today - saved.saved_on) <= FRESH
        if not (same and fresh):
            found._recheck(saved.steps, None if fresh else saved.saved_on)
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

    def _recheck(self, steps: tuple[_Step, ...], of: date | None) -> None:
        """Takes the answers of a save as known already. of: the day that they are of, if a no no longer counts."""
        by_id = self.rules.findings.by_id
        every: dict[str, list[Answer]] = {}
        for step in steps:
            for name, answer in step.answers.items():
                every.setdefault(name, []).append(answer)
        problems = [f"{shown(name)}: stands twice; the more careful counts" for name in every if len(every[name]) > 1]
        # A yes, or else an unsure, may be a red flag, and a no must not silence it.
        once = {
            name: min(found, key=lambda answer: (answer is not True, answer != UNSURE)) for name, found in every.items()
        }
        values, wrong = self.rules.findings.check(once)
        answers = {name: by_id[name].shown(value) for name, value in values.items()}
        if of is not None:
            answers = {name: answer for name, answer in answers.items() if _lasts(by_id[name], answer)}
            problems.append(
                f"These answers are of {of}: a yes, a not sure and the age are kept; the rest is asked again."
            )
        not_said = dict.fromkeys(name for step in steps for name in step.not_said)
        kept = tuple(name for name in not_said if name in by_id and name not in answers and of is None)
        self.problems = (*problems, *wrong)
        self._enter((_Step("", answers, kept),) if answers or kept else ())

    def _enter(self, steps: tuple[_Step, ...]) -> None:
        """Takes these steps as all that was answered; or raises, and stays as it was."""
        self._assessment, may_be_asked = triage_and_ask(
            _merged(steps), region=self._region, rules=self.rules, engine=self._engine
        )
        self._steps = steps
        self._screen = self._next(may_be_asked)

    def _next(self, may_be_asked: Callable[[], MayBeAsked]) -> Screen | None:
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
            more_at_most=self._at_most(declined, may_be_asked()) - 1,
            optional=self._assessment.settled and all(question.matters != "acuity" for question in asked.values()),
        )

    def _at_most(self, declined: set[str], may_be_asked: MayBeAsked) -> int:
        """How many screens may follow at most. A page is shown once for what can be asked of it now, and once for each
        unanswered question on whose yes more of it hangs.
        """
        visits = {
            (self._page[name], above[-1] if above else "")
            for name, above in may_be_asked.items()
            if declined.isdisjoint((name, *above))
        }
        return len(visits)


def _day(on: object) -> date:
    if on is None:
        return date.today()
    if type(on) is not date:
        raise TypeError("on: expected a date, without a time")
    return on


def _name(rules: RuleSetId) -> str:
    return f"{shown(rules.name)} {shown(rules.version)} ({shown(rules.sha256[:12])})"


def _lasts(finding: Finding, answer: Answer) -> bool:
    """Whether an answer of another day still counts."""
    return answer is True or answer == UNSURE or finding.id == "age_years"


def _merged(steps: Iterable[_Step]) -> dict[str, Answer]:
    return {name: answer for step in steps for name, answer in step.answers.items()}
