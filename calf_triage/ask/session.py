"""What is asked, one thing at a time, and where it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, Literal

from attrs import field, frozen

from calf_triage._assessment import INTENDED_USE, Assessment
from calf_triage._findings import UNSURE, Acuity, Answer, Finding, Kind
from calf_triage._triage import Engine, triage
from calf_triage.interview import Ask, Group, Interview, Screen

MOST_PROBLEMS: Final = 20

Answers = dict[str, Answer | None]
"""Findings with their answers; None is "rather not say"."""

PageKind = Literal["begin", "settled", "statements", "choice", "number"]
End = Literal["done", "stop"]
Way = Callable[["Session"], End]
"""Asks what is left, until all is answered or it is stopped."""

YES_OR_NO: Final[tuple[tuple[Answer, str], ...]] = ((True, "Yes"), (False, "No"))
MARKS: Final[dict[Answer | None, str]] = {True: "[x]", False: "[ ]", UNSURE: "[?]", None: "[-]"}


@frozen
class Page:
    """What is asked at once: some statements to tick, one choice or one number; or a few words before going on.

    why: why it is asked. lines: what stands above. given: what was answered here before, if it is shown again.
    optional: it may be finished.
    """

    kind: PageKind
    progress: str = ""
    bar: str = ""
    title: str = ""
    why: str = ""
    heading: str = ""
    lines: tuple[str, ...] = ()
    questions: tuple[Ask, ...] = ()
    given: Answers = field(factory=dict, repr=False)
    optional: bool = False

    @property
    def finding(self) -> Finding:
        """The finding of a choice or a number."""
        return self.questions[0].finding

    @property
    def options(self) -> tuple[tuple[Answer, str], ...]:
        """The answers of a choice, with their words."""
        if self.finding.type == "yes_no":
            return YES_OR_NO
        return tuple((choice.id, choice.label) for choice in self.finding.choices)

    @property
    def before(self) -> str:
        """What was answered here before, in words; empty for nothing, and for statements, which have their marks."""
        if self.kind not in ("choice", "number") or not self.answered:
            return ""
        answer = self.given[self.finding.id]
        if answer is None:
            return "rather not say"
        return "not sure" if answer == UNSURE else dict(self.options).get(answer, str(answer))

    @property
    def answered(self) -> bool:
        """Whether all of it was answered before."""
        return bool(self.questions) and all(question.id in self.given for question in self.questions)

    def all(self, answer: Answer | None) -> Answers:
        """The same answer to everything on the page."""
        return {question.id: answer for question in self.questions}

    @property
    def range(self) -> str:
        """What would be a right number."""
        finding = self.finding
        unit = "" if finding.unit in ("count", "of_10") else f" {finding.unit}"
        plural = "" if finding.decimals == 1 else "s"
        step = f"a number with at most {finding.decimals} decimal{plural}" if finding.decimals else "a whole number"
        return f"{step} from {finding.number(finding.low)} to {finding.number(finding.high)}{unit}"


def _parts(screen: Screen) -> tuple[tuple[Group, tuple[Ask, ...]], ...]:
    """A screen's questions one thing at a time: neighbouring statements of a heading together, all others alone."""
    parts: list[tuple[Group, list[Ask]]] = []
    for group in screen.groups:
        together = False
        for question in group.questions:
            statement = question.finding.type == "yes_no"
            if together and statement:
                parts[-1][1].append(question)
            else:
                parts.append((group, [question]))
            together = statement
    return tuple((group, tuple(questions)) for group, questions in parts)


class Session:
    """Where an interview in a terminal stands. A screen is one step of the interview, however many pages it has.

    marked: what is ticked on the page in view, before it is answered: yes, not sure, or False where a tick was taken
    away. after_each_screen: called when a screen was answered.
    """

    def __init__(self, interview: Interview, *, engine: Engine | None = None, saving: bool = True) -> None:
        self.interview, self.saving = interview, saving
        self.after_each_screen: Callable[[], None] = lambda: None
        self.marked: Answers = {}
        self._engine = engine
        self._problems = interview.problems
        self._gathered: Answers = {}
        self._begun = self._told_settled = False
        self._left_at: dict[int, int] = {}
        self._enter(0)
        self._take_up()

    # -- what the two ways need --------------------------------------------------------------------------------------

    @property
    def page(self) -> Page | None:
        """What to show; None when there is nothing left to ask."""
        screen = self.interview.screen
        if screen is None:
            return None
        if not self._begun:
            return Page("begin", lines=self._first_words())
        if screen.optional and not self._told_settled:
            first = self.interview.assessment.page()[0].lines[0]
            more = "You can stop here. The next questions only help to name causes or choose advice."
            return Page("settled", heading="The answer is settled", lines=(first, more), optional=True)
        group, questions = self._parts[self._place]
        kind: PageKind = "statements"
        if len(questions) == 1:
            kind = "number" if questions[0].finding.type == "measurement" else "choice"
        more = f"There may be up to {screen.more_at_most} more; most people have fewer."
        part = f" (part {self._place + 1} of {len(self._parts)})" if len(self._parts) > 1 else ""
        return Page(
            kind,
            progress=f"Page {screen.number}. {more if screen.more_at_most else 'It is the last one.'}",
            bar="#" * (screen.number - 1) + "." * (screen.more_at_most + 1),
            title=f"{screen.title}{part}",
            why="" if all(map(self._is_calm, questions)) else screen.why,
            heading=group.title,
            lines=(group.asks, *([] if kind == "statements" else [questions[0].asks])),
            questions=questions,
            given={question.id: self._gathered[question.id] for question in questions if question.id in self._gathered},
            optional=screen.optional,
        )

    def go_on(self) -> None:
        """From words to the first question that follows."""
        self._told_settled = self._begun
        self._begun = True

    def answer(self, answers: Answers) -> None:
        """Takes what the page asks. In an emergency nothing more is asked: the rest of the screen is not said."""
        self.marked = {}
        self._gathered.update(answers)
        emergency = self.assessment.acuity is Acuity.EMERGENCY
        if not emergency and self._place + 1 < len(self._parts):
            self._place += 1
            return
        screen = self.interview.screen
        if screen is not None:
            self._left_at[screen.number] = self._place
        self.interview.answer(self._gathered, rest="not_said" if emergency else None)
        self._enter(0)
        self.after_each_screen()

    def back(self) -> bool:
        """One page back, its answers shown again; False on the first one."""
        screen = self.interview.screen
        if screen is not None and self._place > 0 and self.page is not None and self.page.questions:
            self._gathered = self.so_far
            self.marked = {}
            self._place -= 1
            return True
        if screen is not None and screen.number == 1:
            return False
        try:
            self.interview.back()
        except ValueError:
            return False
        now = self.interview.screen
        self._enter(0 if now is None else self._left_at.get(now.number, 0))
        before = {question.id: question.before for _, questions in self._parts for question in questions}
        earlier = {question.id for _, questions in self._parts[: self._place] for question in questions}
        self._gathered = {name: value for name, value in before.items() if value is not None or name in earlier}
        return True

    # -- what stands ---------------------------------------------------------------------------------------------------

    @property
    def so_far(self) -> Answers:
        """The answers of this screen, with what is ticked on the page in view; where nothing is, it is no no."""
        both = {**self._gathered, **self.marked}
        return {name: answer for name, answer in both.items() if self.marked.get(name) is not False}

    @property
    def assessment(self) -> Assessment:
        """What `triage` says to everything answered so far, the half-answered screen included."""
        if not self.so_far:
            return self.interview.assessment
        region = self.interview.assessment.region.id
        rules = self.interview.rules
        return triage({**self.interview.answers, **self.so_far}, region=region, rules=rules, engine=self._engine)

    @property
    def anything(self) -> bool:
        """Whether there is anything to save."""
        return bool(self.interview.answers or self.interview.not_said or self.so_far)

    def to_json(self) -> str:
        """The interview; a half-answered screen is its last step, which `_take_up` opens again."""
        text = self.interview.to_json()
        screen = self.interview.screen
        if screen is None or not self.so_far:
            return text
        saved = json.loads(text)
        answers = {name: value for name, value in self.so_far.items() if value is not None}
        not_said = [name for name, value in self.so_far.items() if value is None]
        saved["steps"].append({"screen": screen.id, "answers": answers, "not_said": not_said})
        return json.dumps(saved, ensure_ascii=False, separators=(",", ":"))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _enter(self, place: int) -> None:
        self._gathered = {}
        self.marked = {}
        screen = self.interview.screen
        self._parts = () if screen is None else _parts(screen)
        self._place = min(place, max(len(self._parts) - 1, 0))

    def _take_up(self) -> None:
        """If the last step of a saved interview was only half answered, asks the other half of that screen."""
        now = self.interview.screen
        if self.interview.assessment.acuity is Acuity.EMERGENCY or (now is not None and now.number == 1):
            return
        before = {**self.interview.answers, **dict.fromkeys(self.interview.not_said)}
        opened = Interview.from_json(self.interview.to_json(), self.interview.rules, engine=self._engine)
        try:
            opened.back()
        except ValueError:
            return
        step = {name: before[name] for name in before.keys() - {*opened.answers, *opened.not_said}}
        asked = () if opened.screen is None else opened.screen.questions
        still_open = {question.id for question in asked} - step.keys()
        if not still_open or len(still_open) + len(step) != len(asked):
            return
        self.interview = opened
        self._enter(0)
        self._gathered = {question.id: step[question.id] for question in asked if question.id in step}
        halves = (any(question.id in still_open for question in questions) for _, questions in self._parts)
        self._place = list(halves).index(True)

    def _is_calm(self, question: Ask) -> bool:
        """Whether it only asks who the person is, or what brings them: no reason to speak of an emergency yet."""
        opens = {screen.opens_with for screen in self.interview.rules.findings.screens}
        return question.finding.kind is Kind.CONTEXT or question.id == "age_years" or question.id in opens

    def _first_words(self) -> tuple[str, ...]:
        number = self.interview.assessment.region.emergency_number
        later = "q stops at any step; what you answered is saved, to go on later."
        if not self.saving:
            later = "q stops at any step; nothing is saved."
        resumed = (self.interview.screen is not None and self.interview.screen.number > 1) or self.anything
        return (
            f"If this may be an emergency, call {number} now. Do not go on here first.",
            INTENDED_USE,
            '"Not sure" is a good answer. It never counts as no.',
            later,
            *(["You go on where you stopped."] if resumed else []),
            *(["About what you saved:", *self._problems[:MOST_PROBLEMS]] if self._problems else []),
        )
