"""Counting what went wrong, a sample at a time."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tuneq_producer.mistakes.mistake import Mistake, against, read_mistake
from tuneq_producer.mistakes.pairs import Pair
from tuneq_producer.mistakes.summary import By, Counted
from tuneq_shared.domain.evaluation import Outcome

_MISTAKEN = (Outcome.WRONG, Outcome.UNPARSED, Outcome.REFUSED)
_Parts = defaultdict[str | None, Counter[str]]


@dataclass(slots=True)
class Counting:
    """Counts samples as they pass, and keeps some mistakes: `keep` at most."""

    keep: int
    each: Callable[[Pair, Mistake], object] | None = None  # is given every mistake
    _total: Counter[str] = field(default_factory=Counter)
    _labels: _Parts = field(default_factory=lambda: defaultdict(Counter))
    _subjects: _Parts = field(default_factory=lambda: defaultdict(Counter))
    _broken: list[Mistake] = field(default_factory=list)
    _others: list[Mistake] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        """Count a sample.

        Raises:
            InvalidInputError: it is a mistake, and its line is not the one that was asked about.
        """
        row = pair.tuned
        what = against(row.outcome, pair.baseline)
        marks = ("samples", row.outcome.value, *([what] if what else []))
        for counter in (
            self._total,
            self._labels[row.label],
            self._subjects[row.subject],
        ):
            for mark in marks:
                counter[mark] += 1
        if row.outcome not in _MISTAKEN:
            return
        kept = self._broken if what == "broken" else self._others
        if self.each is None and len(kept) >= self.keep:
            return
        mistake = read_mistake(pair)
        if len(kept) < self.keep:
            kept.append(mistake)
        if self.each is not None:
            self.each(pair, mistake)

    @property
    def kept(self) -> tuple[Mistake, ...]:
        """Broken ones first, each kind in the dataset's order."""
        return (*self._broken, *self._others)[: self.keep]

    def total(self, *, paired: bool) -> Counted:
        """All samples."""
        return _counted(None, self._total, paired=paired)

    def by(self, wanted: By | None) -> By | None:
        """What to group by: as is wanted, else by label, else by subject; none: there are none."""
        parts: tuple[By, ...] = (wanted,) if wanted else ("label", "subject")
        return next((part for part in parts if self._parted(part).keys() - {None}), None)

    def groups(self, by: By, *, paired: bool) -> list[Counted]:
        """Those with the most mistakes first."""
        found = (_counted(*each, paired=paired) for each in self._parted(by).items())
        return sorted(found, key=lambda each: (-each.mistakes, each.name or ""))

    def _parted(self, by: By) -> _Parts:
        return self._labels if by == "label" else self._subjects


def _counted(name: str | None, counts: Counter[str], *, paired: bool) -> Counted:
    return Counted(
        name=name,
        samples=counts["samples"],
        mistakes=sum(counts[outcome] for outcome in _MISTAKEN),
        wrong=counts["wrong"],
        unparsed=counts["unparsed"],
        refused=counts["refused"],
        errored=counts["errored"],
        fixed=counts["fixed"] if paired else None,
        broken=counts["broken"] if paired else None,
        both_wrong=counts["both_wrong"] if paired else None,
    )
