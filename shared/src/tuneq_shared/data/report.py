"""What a check found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuneq_shared.data.codes import CODES, Code, Severity
from tuneq_shared.data.rules import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found in one place."""

    code: Code
    severity: Severity
    file: str
    line: int | None
    """From 1; None where it is about the whole file."""
    message: str

    @property
    def hint(self) -> str:
        """What to do about it."""
        return CODES[self.code].hint

    def to_json(self) -> dict[str, Any]:
        """As `tuneq check --json` prints it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one file holds."""

    file: str
    uses: tuple[Use, ...]
    lines: int
    """Lines that are not blank."""
    examples: int
    """Lines that can be used."""
    tokens: int
    """Of the examples, estimated or counted."""
    token_method: str
    """How the tokens were counted."""
    lengths: Mapping[str, Any] | None
    """How the tokens are spread over the examples: quantiles, mean and histogram."""
    labels: Mapping[str, int]
    """How often each metadata label comes; empty where there are none or too many."""
    answers: Mapping[str, int]
    """How often each answer comes; empty where answers are long or too many."""
    counts: Mapping[Code, int]

    def to_json(self) -> dict[str, Any]:
        """As `tuneq check --json` prints it."""
        return {
            "file": self.file,
            "uses": list(self.uses),
            "lines": self.lines,
            "examples": self.examples,
            "tokens": self.tokens,
            "token_method": self.token_method,
            "lengths": self.lengths,
            "labels": dict(self.labels),
            "answers": dict(self.answers),
            "balance": {"labels": balance(self.labels), "answers": balance(self.answers)},
            "counts": {code.value: count for code, count in self.counts.items()},
        }


def balance(counts: Mapping[str, int]) -> dict[str, Any] | None:
    """How evenly classes come: their number and the shares of the commonest and the rarest."""
    if not counts:
        return None
    total = sum(counts.values())
    shares = [count / total for count in counts.values()]
    return {"classes": len(counts), "largest": max(shares), "smallest": min(shares)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was found in a training file and in the files that go with it."""

    strict: bool
    files: tuple[FileReport, ...]
    """The training file first."""
    findings: tuple[Finding, ...]
    """No more than some of each code and file; the counts are complete."""

    @property
    def counts(self) -> Counter[Code]:
        """How often each code was found in all files."""
        return sum((Counter(file.counts) for file in self.files), Counter())

    @property
    def errors(self) -> int:
        """How many errors were found."""
        return self._count(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """How many warnings were found."""
        return self._count(Severity.WARNING)

    @property
    def ok(self) -> bool:
        """Whether no error was found."""
        return self.errors == 0

    @property
    def token_method(self) -> str:
        """How the tokens of the training file were counted."""
        return self.files[0].token_method

    def to_json(self) -> dict[str, Any]:
        """As `tuneq check --json` prints it."""
        return {
            "ok": self.ok,
            "strict": self.strict,
            "errors": self.errors,
            "warnings": self.warnings,
            "token_method": self.token_method,
            "counts": {code.value: count for code, count in self.counts.items()},
            "files": [file.to_json() for file in self.files],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def _count(self, severity: Severity) -> int:
        return sum(
            count
            for code, count in self.counts.items()
            if CODES[code].severity_when(strict=self.strict) is severity
        )
