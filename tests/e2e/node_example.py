"""The example in Node with its one dependency, as a user installs it."""

import shutil
import subprocess
from pathlib import Path
from unittest import SkipTest

EXAMPLE = Path(__file__).parents[2] / "examples" / "node"


def install(folder: Path) -> None:
    """Copy it into a folder that is not there yet, and run `npm install`.

    Raises:
        SkipTest: there is no Node, or no registry.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        raise SkipTest("node or npm is not installed")
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if installed.returncode != 0:
        raise SkipTest(f"npm finds no registry: {installed.stderr[-300:]}")
    assert not (folder / "package-lock.json").exists()
