"""An operator's choice as the text that Redis keeps beside what was asked."""

import orjson

from tuneq_shared.domain.choice import Choice


def choice_text(choice: Choice | None) -> bytes:
    """The same choice is always the same text, which is empty where nothing is chosen."""
    return b"" if choice in {None, Choice()} else orjson.dumps(choice)


def read_choice(text: str) -> Choice | None:
    """Read what `choice_text` wrote."""
    if not text:
        return None
    fields = orjson.loads(text)
    return Choice(fields["adopts"], tuple(fields["disowns"]))
