"""`make package-check`: what can be verified here of units, files and container, and what cannot.

Exit 0: nothing that could be tried is wrong. Each line says what was tried.
"""

import getpass
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cluster.deploy.files import HERE, TREE, Place, write_files
from cluster.local.head import OBJECT_STORE_BYTES
from cluster.local.state_folder import StateFolder

CONTAINERFILE = HERE / "Containerfile"
SIZES = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
ENGINES = ("podman", "docker", "buildah")


class Line(NamedTuple):
    what: str
    verdict: str
    """``ok``, ``wrong``, ``not tried``."""
    text: str = ""


def files_lines(folder: Path) -> Iterator[Line]:
    """Write the files of a server and let the programs that read them look."""
    place = Place(
        state=StateFolder(folder / "state"),
        folder=folder / "files",
        webhook="http://127.0.0.1:9095/",
        user=getpass.getuser(),
    )
    written = list(write_files(place))
    yield Line("files", "ok", f"{len(written)} written")
    yield checked("prometheus.yml", "promtool", "check", "config", f"{place.folder}/prometheus.yml")
    yield checked("alertmanager.yml", "amtool", "check-config", f"{place.folder}/alertmanager.yml")
    for unit in sorted(place.folder.glob("*.service")):
        yield checked(unit.name, "systemd-analyze", "verify", "--man=no", str(unit))


def checked(what: str, *command: str) -> Line:
    if shutil.which(command[0]) is None:
        return Line(what, "not tried", f"{command[0]} is not here")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = f"{done.stdout}{done.stderr}".strip()
    own = "\n".join(line for line in said.splitlines() if Path(command[-1]).name in line)
    if done.returncode != 0 or (command[0] == "systemd-analyze" and own):
        return Line(what, "wrong", own or said)
    return Line(what, "ok", f"{command[0]} takes it")


def container_lines(text: str) -> Iterator[Line]:
    """Judge the recipe by what it says; build it where there is an engine."""
    wrong = list(recipe_faults(text))
    yield Line("Containerfile", "wrong" if wrong else "ok", "; ".join(wrong) or "by its text")
    engine = next((name for name in ENGINES if runs(name)), None)
    if engine is None:
        yield Line("container image", "not tried", "no podman, docker or buildah answers here")
        return
    yield checked("container image", engine, "build", "-f", str(CONTAINERFILE), str(TREE))


def recipe_faults(text: str) -> Iterator[str]:
    users = re.findall(r"^USER (\S+)", text.rpartition("\nFROM ")[2], re.MULTILINE)
    if not users or users[-1].partition(":")[0] in {"root", "0"}:
        yield "it ends as root"
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        yield from (f"{name} is not here" for name in sources.split() if not (TREE / name).exists())
    if re.search(r"^ADD |curl|wget", text, re.MULTILINE):
        yield "it fetches what no lock names"
    found = re.search(r"--shm-size=(\d+)([kmg])", text)
    if found is None or int(found[1]) * SIZES[found[2]] <= OBJECT_STORE_BYTES:
        yield "its /dev/shm is smaller than Ray's object store"
    if "--read-only" not in text or "--tmpfs /tmp" not in text:
        yield "it does not say how to run it with a read-only root"


def runs(engine: str) -> bool:
    """Say whether an engine is there and its daemon, if it has one, answers."""
    if shutil.which(engine) is None:
        return False
    command = [engine, "info"]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def lines(folder: Path) -> Iterator[Line]:
    yield from files_lines(folder)
    yield from container_lines(CONTAINERFILE.read_text(encoding="utf-8"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = list(lines(Path(folder)))
    for line in found:
        sys.stdout.write(f"{line.verdict:>9}  {line.what}: {line.text}\n")
    return 1 if any(line.verdict == "wrong" for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
