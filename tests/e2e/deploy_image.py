"""Builds an image's content by its Dockerfile steps, in folders and virtual environments.

The paths of the image lie under a folder of this machine; everything else is as the Dockerfile
says it. What only root in a container may do (make users, own folders) is left out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.deploy_dockerfile import REPO, Stage, health_of, lineage, read_stages, words_of

# Files of the image, told from paths that only end like one.
_PLACES = re.compile(r"(?<![\w./])/(src|data|etc/tuneq|home/tuneq|opt/tuneq)\b")
_FOR_ROOT = ("groupadd",)
# These decide how fast an image starts and is built, not what is in it.
_SPEED = {"UV_COMPILE_BYTECODE": "0", "UV_LINK_MODE": "hardlink"}

_LIST_INSTALLED = """
import json
from importlib.metadata import distributions

found = {}
for one in distributions():
    origin = json.loads(one.read_text("direct_url.json") or "{}")
    editable = origin.get("dir_info", {}).get("editable", False)
    found[one.name.lower().replace("_", "-")] = (one.version, editable)
print(json.dumps(found))
"""


def tracked_files(target: Path) -> None:
    """Copy what git tracks, or would, as a clean checkout has it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.check_output(command, cwd=REPO, text=True).split("\0")
    for name in filter(None, names):
        source = REPO / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)


@dataclass
class Image:
    """A target of the Dockerfile, built under a folder."""

    target: str
    root: Path  # where the image's paths are
    context: Path  # what is sent to the builder
    build: Path  # where the path of the sources is: shared by all targets
    python: Path  # a virtual environment, in the place of the base image's Python
    environment: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        """Run the steps of the target, after those of every stage that it copies from."""
        stages = read_stages()
        self.root.mkdir()
        for stage in lineage(stages, self.target):
            for word, rest in stage.steps:
                if word == "COPY" and rest.startswith("--from="):
                    self._run_stages(stages, rest.removeprefix("--from=").split()[0])
        self.environment = self._base_environment()
        self._follow(lineage(stages, self.target))

    def command(self, *arguments: str) -> list[str]:
        """What the image runs."""
        stages = read_stages()
        words = words_of(stages, self.target, "ENTRYPOINT")
        return self._here([*words, *(arguments or words_of(stages, self.target, "CMD"))])

    def health_command(self) -> list[str]:
        """What tells whether it is healthy."""
        return self._here(health_of(read_stages(), self.target)[1])

    @property
    def home(self) -> Path:
        """The folder in which the image runs its command."""
        return self.root / "home" / "tuneq"

    def _here(self, words: list[str]) -> list[str]:
        program = shutil.which(words[0], path=self.environment["PATH"])
        assert program, f"no {words[0]} in the image"
        assert Path(program).is_relative_to(self.root), f"{program} is not the image's"
        return [program, *(self._place(word) for word in words[1:])]

    def _run_stages(self, stages: dict[str, Stage], name: str) -> None:
        self.environment = self._base_environment()
        self._follow(lineage(stages, name))

    def _follow(self, line: list[Stage]) -> None:
        folder = self.root
        for stage in line:
            for word, rest in stage.steps:
                if word == "WORKDIR":
                    folder = Path(self._place(rest))
                    folder.mkdir(parents=True, exist_ok=True)
                elif word == "ENV":
                    self._set(rest)
                elif word == "ARG":
                    name, _, default = rest.partition("=")
                    self.environment.setdefault(name, default.strip('"'))
                elif word == "COPY" and not rest.startswith("--from="):
                    self._copy(rest, folder)
                elif word == "RUN" and not rest.startswith(_FOR_ROOT):
                    self._run(rest, folder)

    def _set(self, rest: str) -> None:
        for assignment in rest.split():
            name, _, value = assignment.partition("=")
            value = value.replace("$PATH", self.environment["PATH"])
            self.environment[name] = _SPEED.get(name, self._place(value))

    def _copy(self, rest: str, folder: Path) -> None:
        *sources, target = rest.split()
        for name in sources:
            source = self.context / name
            place = folder / self._place(target)
            if source.is_dir():
                shutil.copytree(source, place, dirs_exist_ok=True)
            else:
                into = place / source.name if target.endswith("/") else place
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, into)

    def _run(self, command: str, folder: Path) -> None:
        done = subprocess.run(
            ["sh", "-c", self._place(command)],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def _place(self, text: str) -> str:
        def under(match: re.Match[str]) -> str:
            return f"{self.build if match[1] == 'src' else self.root}/{match[1]}"

        return _PLACES.sub(under, text)

    def _base_environment(self) -> dict[str, str]:
        foreign = ("TUNEQ_", "VIRTUAL_ENV", "PYTHON", "UV_PROJECT", "OPENAI_", "SANDBOX_")
        kept = {name: v for name, v in os.environ.items() if not name.startswith(foreign)}
        interpreter = self.python / "bin" / "python"
        path = f"{interpreter.parent}:/usr/bin:/bin"
        return {**kept, "PATH": path, "UV_PYTHON": str(interpreter)}

    def site_packages(self) -> dict[str, tuple[str, bool]]:
        """Every installed distribution: its version, and whether it is editable."""
        done = subprocess.check_output([*self._here(["python"]), "-c", _LIST_INSTALLED], text=True)
        return dict(json.loads(done))


def fresh_python(folder: Path) -> Path:
    """A virtual environment that has nothing but pip."""
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    return folder
