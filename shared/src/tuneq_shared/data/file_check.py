"""The check of one file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tuneq_shared.data.codes import CODES, Code, Problem
from tuneq_shared.data.distribution import Distribution
from tuneq_shared.data.lines import read_json_lines
from tuneq_shared.data.overlap import Match, TrainingIndex
from tuneq_shared.data.report import FileReport, Finding
from tuneq_shared.data.rules import Texts, Use, line_problems, plain_texts, sound_texts
from tuneq_shared.data.tokens import tokens_of_characters

MINIMUM_EXAMPLES = 10
"""Providers refuse smaller training files."""
LISTED_PER_CODE = 20
"""How many findings of one code are listed for one file."""

_LIKENESS = {
    Code.DUPLICATE: "the same line as {}",
    Code.DUPLICATE_NORMALISED: "the same line as {} but for case and whitespace",
    Code.OVERLAP_LINE: "the same line as {}",
    Code.OVERLAP_INPUTS: "the same input messages as {}",
    Code.OVERLAP_LINE_NORMALISED: "the same line as {} but for case and whitespace",
    Code.OVERLAP_INPUTS_NORMALISED: "the same input messages as {} but for case and whitespace",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to check, opened by the caller."""

    name: str
    """As it is to be shown."""
    lines: Iterable[bytes]
    """Read once, one line at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What holds for one check in all its files."""

    strict: bool
    max_example_tokens: int | None
    train_name: str
    index: TrainingIndex


@dataclass(slots=True)
class FileCheck:
    """One file's pass: its findings and what it adds up to."""

    source: Source
    uses: tuple[Use, ...]
    checking: Checking
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Code] = field(default_factory=Counter)
    lines: int = 0
    examples: int = 0
    tokens: int = 0
    labels: Distribution = field(default_factory=Distribution)
    answers: Distribution = field(default_factory=Distribution)

    @property
    def is_train(self) -> bool:
        """Whether it is the training file, which the others are compared with."""
        return Use.TRAIN in self.uses

    def run(self) -> None:
        """Read the file to its end."""
        for number, value in read_json_lines(self.source.lines):
            if isinstance(value, Problem):
                self.lines += value.is_error
                self._note(value, number)
                continue
            self.lines += 1
            texts = plain_texts(value)
            if texts is not None and len(value) == 1:
                self._take(texts, number)
            elif self._is_sound(value, number):
                self._take(texts or sound_texts(value), number)
                self._count_label(value)
        if self.is_train and self.lines < MINIMUM_EXAMPLES:
            what = f"{self.lines} examples, and {MINIMUM_EXAMPLES} are the least"
            self._note(Problem(Code.TOO_FEW, what), None)
        elif not self.lines:
            self._note(Problem(Code.NO_EXAMPLES, "the file has no examples"), None)

    def report(self) -> FileReport:
        """What the file holds, after `run`."""
        return FileReport(
            file=self.source.name,
            uses=self.uses,
            lines=self.lines,
            examples=self.examples,
            tokens=self.tokens,
            labels=self.labels.counts(),
            answers=self.answers.counts(),
            counts=dict(self.counts),
        )

    def _is_sound(self, value: Any, number: int) -> bool:
        found = dict.fromkeys(problem for use in self.uses for problem in line_problems(value, use))
        for problem in found:
            self._note(problem, number)
        return not any(problem.is_error for problem in found)

    def _take(self, messages: Texts, number: int) -> None:
        texts = messages.texts
        tokens = tokens_of_characters(sum(map(len, texts)))
        self.examples += 1
        self.tokens += tokens
        self.answers.add(texts[-1])
        limit = self.checking.max_example_tokens
        if limit is not None and tokens > limit:
            what = f"about {tokens} tokens, and the limit is {limit}"
            self._note(Problem(Code.TOO_LONG, what), number)
        index = self.checking.index
        match = index.add(number, messages) if self.is_train else index.match(messages)
        if match is not None:
            self._note(self._likeness(match), number)

    def _count_label(self, line: dict[str, Any]) -> None:
        label = (line.get("metadata") or {}).get("label")
        if label is not None:
            self.labels.add(label)

    def _likeness(self, match: Match) -> Problem:
        place = f"{self.checking.train_name}:{match.number}"
        return Problem(match.code, _LIKENESS[match.code].format(place))

    def _note(self, problem: Problem, line: int | None) -> None:
        self.counts[problem.code] += 1
        if self.counts[problem.code] > LISTED_PER_CODE:
            return
        self.findings.append(
            Finding(
                code=problem.code,
                severity=CODES[problem.code].severity_when(strict=self.checking.strict),
                file=self.source.name,
                line=line,
                message=problem.message,
            )
        )
