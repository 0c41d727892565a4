"""The check of one file."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from tuneq_shared.data.checking import Checking, Source
from tuneq_shared.data.codes import CODES, Code, Problem
from tuneq_shared.data.distribution import Distribution
from tuneq_shared.data.lengths import Lengths
from tuneq_shared.data.likeness_keys import NO_KEY, keys_of
from tuneq_shared.data.lines import batches, read_json_lines
from tuneq_shared.data.overlap import Match, TrainingIndex
from tuneq_shared.data.plain_lines import PlainRun, plain_runs
from tuneq_shared.data.preference_lines import pair_texts
from tuneq_shared.data.report import FileReport, Finding
from tuneq_shared.data.rules import Texts, Use, plain_texts, sound_texts
from tuneq_shared.data.token_sample import TokenSample
from tuneq_shared.data.tokens import CHARACTERS_PER_TOKEN, ESTIMATE_METHOD, tokens_of_characters
from tuneq_shared.errors import InvalidInputError

MINIMUM_EXAMPLES = 10
"""Providers refuse smaller training files."""

_LIKENESS = {
    Code.DUPLICATE: "the same line as {}",
    Code.DUPLICATE_NORMALISED: "the same line as {} but for case and whitespace",
    Code.OVERLAP_LINE: "the same line as {}",
    Code.OVERLAP_INPUTS: "the same input messages as {}",
    Code.OVERLAP_LINE_NORMALISED: "the same line as {} but for case and whitespace",
    Code.OVERLAP_INPUTS_NORMALISED: "the same input messages as {} but for case and whitespace",
}


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
    lengths: Lengths = field(default_factory=Lengths)
    labels: Distribution = field(default_factory=Distribution)
    answers: Distribution = field(default_factory=Distribution)
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    """Of each line, by which those that may be alike are found."""
    matched: set[int] = field(default_factory=set)
    """The numbers of lines that repeat one of the training file."""
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
            for run, raws in [(None, batch)] if self._pairs else plain_runs(batch):
                if run is None:
                    self._judge(raws)
                else:
                    self._take_run(run)
        if self.is_train and self.lines < MINIMUM_EXAMPLES:
            what = f"{self.lines} examples, and {MINIMUM_EXAMPLES} are the least"
            self.note(Problem(Code.TOO_FEW, what), None)
        elif not self.lines:
            self.note(Problem(Code.NO_EXAMPLES, "the file has no examples"), None)

    def compare(self, index: TrainingIndex, alike: set[int]) -> None:
        """After `run`, read again the lines whose key is among these, and compare them with care.

        Raises:
            InvalidInputError: such a line is no example any more.
        """
        chosen = map(alike.__contains__, self.keys)
        for number, raw in compress(enumerate(self.source.lines, 1), chosen):
            messages = self._texts_again(raw, number)
            match = index.add(number, messages) if self.is_train else index.match(messages)
            if match is not None:
                self.matched.add(number)
                self.note(self._likeness(match), number)
        self.put_in_order()

    def unmatched(self) -> Iterator[tuple[int, Texts]]:
        """After `compare`, the number and the texts of each example that repeats no other.

        Raises:
            InvalidInputError: such a line is no example any more.
        """
        chosen = (key != NO_KEY for key in self.keys)
        for number, raw in compress(enumerate(self.source.lines, 1), chosen):
            if number not in self.matched:
                yield number, self._texts_again(raw, number)

    def put_in_order(self) -> None:
        """The findings as if each line had been compared when it was first read."""
        self.findings.sort(key=lambda found: (found.line is None, found.line))
        listed = dict.fromkeys(found.code for found in self.findings)
        self.counts = Counter({code: self.counts[code] for code in listed})

    def report(self) -> FileReport:
        """What the file holds, after `run`."""
        lengths = self.lengths
        tokens = self.sample.tokens(lengths.characters) if self.sample else lengths.tokens
        return FileReport(
            file=self.source.name,
            uses=self.uses,
            lines=self.lines,
            examples=self.examples,
            tokens=tokens,
            lengths=self.lengths.spread(tokens),
            token_method=self.sample.method if self.sample else ESTIMATE_METHOD,
            labels=self.labels.counts(),
            answers=self.answers.counts(),
            counts=dict(self.counts),
        )

    def _take_run(self, run: PlainRun) -> None:
        characters = run.characters
        limit = self.checking.shortest_limit
        if limit is not None and max(characters) > limit * CHARACTERS_PER_TOKEN:
            for number, each in enumerate(characters, len(self.keys) + 1):
                self._note_length(tokens_of_characters(each), number)
        self.lines += len(characters)
        self.examples += len(characters)
        self.lengths.add(characters)
        if self.sample is not None:
            self.sample.offer(len(characters), run.texts_of)
        self.answers.add(run.targets)
        self.labels.add(run.labels)
        self.keys.extend(keys_of(run.inputs))

    def _judge(self, raws: Sequence[bytes]) -> None:
        """Lines of another shape, by the rules."""
        for number, value in read_json_lines(raws, len(self.keys) + 1):
            if isinstance(value, Problem):
                self.note(value, number)
                if value.code is Code.BYTE_ORDER_MARK:
                    continue  # its line is still to come
                self.lines += value.is_error
            else:
                self.lines += 1
                texts = None if self._pairs else plain_texts(value)
                if texts is not None and len(value) == 1:
                    self._take(texts, number)
                    continue
                if self._is_sound(value, number):
                    self._take(texts or self._sound_texts(value), number)
                    self._count_label(value)
                    continue
            self.keys.append(NO_KEY)

    def _is_sound(self, value: Any, number: int) -> bool:
        found = dict.fromkeys(
            problem for use in self.uses for problem in self.checking.problems(value, use)
        )
        for problem in found:
            self.note(problem, number)
        return not any(problem.is_error for problem in found)

    def _take(self, messages: Texts, number: int) -> None:
        texts = messages.texts
        trained = [*texts, messages.rejected] if messages.rejected else texts
        characters = sum(map(len, trained))
        self.examples += 1
        self.lengths.add([characters])
        if self.sample is not None:
            self.sample.offer(1, lambda _: trained)
        self.answers.add(texts[-1:])
        self._note_length(tokens_of_characters(characters), number)
        self.keys.extend(keys_of(["".join(texts[:-1])]))

    def _note_length(self, tokens: int, number: int) -> None:
        limit, context = self.checking.max_example_tokens, self.checking.context_tokens
        if limit is not None and tokens > limit:
            what = f"about {tokens} tokens, and the limit is {limit}"
            self.note(Problem(Code.TOO_LONG, what), number)
        if context is not None and tokens > context:
            what = f"about {tokens} tokens, and the model takes {context}"
            self.note(Problem(Code.OVER_CONTEXT, what), number)

    def _count_label(self, line: dict[str, Any]) -> None:
        label = (line.get("metadata") or {}).get("label")
        if label is not None:
            self.labels.add([label])

    def _likeness(self, match: Match) -> Problem:
        place = f"{self.checking.train_name}:{match.number}"
        return Problem(match.code, _LIKENESS[match.code].format(place))

    def note(self, problem: Problem, line: int | None) -> None:
        """Count a finding, and list it where few of its code are listed."""
        self.counts[problem.code] += 1
        if self.counts[problem.code] > self.checking.listed:
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

    @property
    def _pairs(self) -> bool:
        return self.checking.pairs and Use.EVALUATION not in self.uses

    def _sound_texts(self, value: dict[str, Any]) -> Texts:
        return pair_texts(value) if self._pairs else plain_texts(value) or sound_texts(value)

    def _texts_again(self, raw: bytes, number: int) -> Texts:
        """The texts of a line that was sound when it was read before."""
        *_, (_, value) = read_json_lines([raw], number)
        try:
            if isinstance(value, dict):
                return self._sound_texts(value)
        except (KeyError, TypeError, AttributeError):
            pass  # it has another shape now
        raise InvalidInputError(f"{self.source.name}:{number} changed while it was read")
