"""The check of one file."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from tuneq_shared.data.codes import CODES, Code, Problem
from tuneq_shared.data.distribution import Distribution
from tuneq_shared.data.likeness_keys import NO_KEY, keys_of
from tuneq_shared.data.lines import batches, read_json_lines
from tuneq_shared.data.overlap import Match, TrainingIndex
from tuneq_shared.data.plain_lines import PlainRun, plain_runs
from tuneq_shared.data.report import FileReport, Finding
from tuneq_shared.data.rules import Texts, Use, line_problems, plain_texts, sound_texts
from tuneq_shared.data.token_sample import TokenSample
from tuneq_shared.data.tokens import ESTIMATE_METHOD, tokens_of_characters, tokens_of_each
from tuneq_shared.errors import InvalidInputError

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
    """Gone through once, and once more where some may be alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What holds for one check in all its files."""

    strict: bool
    max_example_tokens: int | None
    train_name: str
    vocabulary: str | None = None
    """By which tokens are counted; without it they are estimated by characters."""


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
    characters: int = 0
    tokens: int = 0
    """Estimated by characters."""
    labels: Distribution = field(default_factory=Distribution)
    answers: Distribution = field(default_factory=Distribution)
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    """Of each line, by which those that may be alike are found."""
    sample: TokenSample | None = field(init=False)

    def __post_init__(self) -> None:
        vocabulary = self.checking.vocabulary
        self.sample = TokenSample(vocabulary) if vocabulary else None

    @property
    def is_train(self) -> bool:
        """Whether it is the training file, which the others are compared with."""
        return Use.TRAIN in self.uses

    def run(self) -> None:
        """Read the file to its end."""
        for batch in batches(self.source.lines):
            for run, raws in plain_runs(batch):
                if run is None:
                    self._judge(raws)
                else:
                    self._take_run(run)
        if self.is_train and self.lines < MINIMUM_EXAMPLES:
            what = f"{self.lines} examples, and {MINIMUM_EXAMPLES} are the least"
            self._note(Problem(Code.TOO_FEW, what), None)
        elif not self.lines:
            self._note(Problem(Code.NO_EXAMPLES, "the file has no examples"), None)

    def compare(self, index: TrainingIndex, alike: set[int]) -> None:
        """After `run`, read again the lines whose key is among these, and compare them with care.

        Raises:
            InvalidInputError: such a line is no example any more.
        """
        chosen = map(alike.__contains__, self.keys)
        for number, raw in compress(enumerate(self.source.lines, 1), chosen):
            messages = _texts_again(raw, number)
            if messages is None:
                raise InvalidInputError(f"{self.source.name}:{number} changed while it was read")
            match = index.add(number, messages) if self.is_train else index.match(messages)
            if match is not None:
                self._note(self._likeness(match), number)
        # As if each line had been compared when it was first read.
        self.findings.sort(key=lambda found: (found.line is None, found.line))
        listed = dict.fromkeys(found.code for found in self.findings)
        self.counts = Counter({code: self.counts[code] for code in listed})

    def report(self) -> FileReport:
        """What the file holds, after `run`."""
        return FileReport(
            file=self.source.name,
            uses=self.uses,
            lines=self.lines,
            examples=self.examples,
            tokens=self.sample.tokens(self.characters) if self.sample else self.tokens,
            token_method=self.sample.method if self.sample else ESTIMATE_METHOD,
            labels=self.labels.counts(),
            answers=self.answers.counts(),
            counts=dict(self.counts),
        )

    def _take_run(self, run: PlainRun) -> None:
        characters = run.characters
        if self.checking.max_example_tokens is not None:
            for number, each in enumerate(characters, len(self.keys) + 1):
                self._note_length(tokens_of_characters(each), number)
        self.lines += len(characters)
        self.examples += len(characters)
        self.characters += sum(characters)
        self.tokens += tokens_of_each(characters)
        if self.sample is not None:
            self.sample.offer(len(characters), run.texts_of)
        self.answers.add(run.targets)
        self.labels.add(run.labels)
        self.keys.extend(keys_of(run.inputs))

    def _judge(self, raws: Sequence[bytes]) -> None:
        """Lines of another shape, by the rules."""
        for number, value in read_json_lines(raws, len(self.keys) + 1):
            if isinstance(value, Problem):
                self._note(value, number)
                if value.code is Code.BYTE_ORDER_MARK:
                    continue  # its line is still to come
                self.lines += value.is_error
            else:
                self.lines += 1
                texts = plain_texts(value)
                if texts is not None and len(value) == 1:
                    self._take(texts, number)
                    continue
                if self._is_sound(value, number):
                    self._take(texts or sound_texts(value), number)
                    self._count_label(value)
                    continue
            self.keys.append(NO_KEY)

    def _is_sound(self, value: Any, number: int) -> bool:
        found = dict.fromkeys(problem for use in self.uses for problem in line_problems(value, use))
        for problem in found:
            self._note(problem, number)
        return not any(problem.is_error for problem in found)

    def _take(self, messages: Texts, number: int) -> None:
        texts = messages.texts
        characters = sum(map(len, texts))
        tokens = tokens_of_characters(characters)
        self.examples += 1
        self.characters += characters
        self.tokens += tokens
        if self.sample is not None:
            self.sample.offer(1, lambda _: texts)
        self.answers.add(texts[-1:])
        self._note_length(tokens, number)
        self.keys.extend(keys_of(["".join(texts[:-1])]))

    def _note_length(self, tokens: int, number: int) -> None:
        limit = self.checking.max_example_tokens
        if limit is not None and tokens > limit:
            what = f"about {tokens} tokens, and the limit is {limit}"
            self._note(Problem(Code.TOO_LONG, what), number)

    def _count_label(self, line: dict[str, Any]) -> None:
        label = (line.get("metadata") or {}).get("label")
        if label is not None:
            self.labels.add([label])

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


def _texts_again(raw: bytes, number: int) -> Texts | None:
    """The texts of a line that was sound when it was read before; else None."""
    *_, (_, value) = read_json_lines([raw], number)
    if isinstance(value, Problem) or not isinstance(value, dict):
        return None
    try:
        return plain_texts(value) or sound_texts(value)
    except (KeyError, TypeError, AttributeError):
        return None
