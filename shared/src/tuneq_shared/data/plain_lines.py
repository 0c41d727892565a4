"""Lines of the commonest shape, decoded and looked at many at a time.

Almost every line of a real file has that shape, and most of the work on it can be done without a
step of Python for each line. Any other line is refused here, without a word why: the rules are for
that.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, groupby
from operator import add, attrgetter
from typing import Literal

import msgspec

from tuneq_shared.data.metadata import options_needed

_Role = Literal["system", "developer", "user", "assistant", "function"]


class PlainMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that is a role and a text."""

    role: _Role
    content: str


class _Metadata(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    choices: list[str] | None = None
    label: str | None = None
    subject: str | None = None


class PlainLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Messages that are plain, and metadata of which tuneq knows every key."""

    messages: list[PlainMessage]
    metadata: _Metadata | None = None


class PlainRun:
    """Consecutive lines that are decoded, by columns: each has a value a line."""

    def __init__(self, lines: Sequence[PlainLine]) -> None:
        self._lines = lines
        columns = list(map(_messages, lines))
        messages = list(chain.from_iterable(columns))
        self.texts = list(map(_content, messages))
        """Of all messages, one after the other: not a column."""
        self.sizes = list(map(len, columns))
        """How many messages there are."""
        self._are_pairs = self.sizes.count(2) == len(lines)
        lasts = messages[1::2] if self._are_pairs else [each[-1] for each in columns if each]
        self._last_roles = list(map(_role, lasts))
        known = list(map(_metadata, lines))
        self._known = None if known.count(None) == len(lines) else known

    @property
    def is_plain(self) -> bool:
        """Whether the rules find nothing in any of the lines.

        Texts may not be blank, the target must stand last, and be among the choices.
        """
        return (
            self._last_roles.count("assistant") == len(self._lines)
            and all(map(str.strip, self.texts))
            and self._targets_are_choices()
        )

    @cached_property
    def inputs(self) -> list[str]:
        """The texts before the target, joined."""
        if self._are_pairs:
            return self.texts[::2]
        ends = accumulate(self.sizes)
        return [
            "".join(self.texts[end - size : end - 1])
            for size, end in zip(self.sizes, ends, strict=True)
        ]

    @cached_property
    def targets(self) -> list[str]:
        """The assistant's last texts."""
        if self._are_pairs:
            return self.texts[1::2]
        return [self.texts[end - 1] for end in accumulate(self.sizes)]

    @property
    def characters(self) -> list[int]:
        """Of all texts of the line."""
        return list(map(add, map(len, self.inputs), map(len, self.targets)))

    @property
    def labels(self) -> list[str]:
        """Only of the lines that have one: not a column."""
        return [each.label for each in self._known or () if each and each.label is not None]

    def texts_of(self, place: int) -> list[str]:
        """The texts of the messages of one line."""
        return [message.content for message in self._lines[place].messages]

    def _targets_are_choices(self) -> bool:
        if self._known is None:
            return True
        needed = map(options_needed, self.targets)
        return not [
            count
            for count, each in zip(needed, self._known, strict=True)
            if each and each.choices is not None and count > len(each.choices)
        ]


def plain_runs(raws: Sequence[bytes]) -> Iterator[tuple[PlainRun | None, Sequence[bytes]]]:
    """The lines as they come, plain ones in runs and the others, without a run, in between."""
    try:
        run = PlainRun(list(map(_decode, raws)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        if run.is_plain:
            yield run, raws
            return
    decoded = [(_plain(raw), raw) for raw in raws]
    for is_plain, group in groupby(decoded, lambda entry: entry[0] is not None):
        entries = list(group)
        lines = [line for line, _ in entries if line is not None]
        yield PlainRun(lines) if is_plain else None, [raw for _, raw in entries]


def _plain(raw: bytes) -> PlainLine | None:
    try:
        line = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line if PlainRun([line]).is_plain else None


_decode = msgspec.json.Decoder(PlainLine).decode
_messages = attrgetter("messages")
_content = attrgetter("content")
_role = attrgetter("role")
_metadata = attrgetter("metadata")
