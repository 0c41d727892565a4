"""The Dockerfile as stages, so that its steps can be looked at and run without an engine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
DOCKERFILE = REPO / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM ... AS name` and the instructions after it."""

    name: str
    base: str
    steps: tuple[tuple[str, str], ...]  # instruction, the rest of its line

    def all(self, word: str) -> list[str]:
        """What every instruction of that word says."""
        return [rest for step, rest in self.steps if step == word]


def read_stages() -> dict[str, Stage]:
    """The stages by name, in order."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    steps = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]
    stages: dict[str, Stage] = {}
    for word, rest in steps:
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = Stage(name, base, ())
        else:
            name, last = next(reversed(stages.items()))
            stages[name] = Stage(name, last.base, (*last.steps, (word, rest)))
    return stages


def lineage(stages: dict[str, Stage], name: str) -> list[Stage]:
    """A stage and those it stands on, the lowest first."""
    line = [stages[name]]
    while line[0].base in stages:
        line.insert(0, stages[line[0].base])
    return line


def last_of(stages: dict[str, Stage], name: str, word: str) -> str | None:
    """What counts of an instruction in an image: the last one."""
    said = [rest for stage in lineage(stages, name) for rest in stage.all(word)]
    return said[-1] if said else None


def words_of(stages: dict[str, Stage], name: str, word: str) -> list[str]:
    """The words of an image's CMD or ENTRYPOINT, in its JSON form; none where it has none."""
    said = last_of(stages, name, word)
    return list(json.loads(said)) if said else []


def health_of(stages: dict[str, Stage], name: str) -> tuple[dict[str, str], list[str]]:
    """The options and the command of an image's HEALTHCHECK."""
    options, _, command = (last_of(stages, name, "HEALTHCHECK") or "").partition(" CMD ")
    return dict(re.findall(r"--([a-z-]+)=(\S+)", options)), json.loads(command)
