"""How a job says what it was bought for: jobs keep no metadata, but the suffix of their model."""

import re

LONGEST = 40
"""Characters that a suffix may have. Source: the SDK, `fine_tuning.create`."""

_MARK = "tq"
# In a suffix it stands at the end; in a model's name more follows.
_MARKED = re.compile(rf"(?:^|[-:/]){_MARK}-([A-Za-z0-9]+)-([0-9]+)(?=$|[-:])")


def suffix_of(given: str | None, purchase: str | None) -> str | None:
    """The suffix that tells the purchase `<run>/<n>`; of what was given, as much as there is room.

    >>> suffix_of("mine", "abc/1")
    'mine-tq-abc-1'
    """
    if purchase is None:
        return given and given[:LONGEST]
    run, _, number = purchase.partition("/")
    mark = f"{_MARK}-{run}-{number}"
    room = LONGEST - len(mark) - 1
    return f"{given[:room]}-{mark}" if given and room > 0 else mark


def purchase_in(text: str | None) -> str | None:
    """The purchase that a suffix, or the name of a model with such a suffix, tells."""
    found = _MARKED.findall(text or "")
    return "/".join(found[-1]) if found else None
