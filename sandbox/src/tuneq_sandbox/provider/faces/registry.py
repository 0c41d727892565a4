"""Which face belongs to which dialect."""

from importlib import import_module

from tuneq_sandbox.provider.faces.face import Face
from tuneq_shared.dialects import Dialect


def face_of(dialect: Dialect) -> Face:
    """The face of a dialect: `FACE` of the module that has its name."""
    face = import_module(f"tuneq_sandbox.provider.faces.{dialect}").FACE
    if not isinstance(face, Face):
        raise TypeError(f"the face of {dialect} is none: {face!r}")
    return face
