"""The last word before money is spent."""

from collections.abc import Callable

Check = Callable[[], None]
"""Made right before the bytes go that carry something out; what it raises keeps them back."""
