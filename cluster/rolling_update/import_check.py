"""Compile and import what a roll would change, before anybody is asked.

The files are those of the archive, in a process of their own with nothing of this tree on its path:
what fails here would fail in every slot, after the question and not before it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from actors.rollout.plan import FileChange
from checkpoints.archive import unpack_archive
from checkpoints.storage import Storage

IMPORT_SECONDS_MAX: Final = 60.0
"""An import takes a second or two; what takes longer would hold up every start of a slot."""
TEXT_MAX: Final = 500
_IMPORT: Final = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        trace, line = error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(sys.argv[1]):
                line = trace.tb_lineno
            trace = trace.tb_next
        where = f" (line {line})" if line else ""
        print(f"{name.replace('.', '/')}.py does not import{where}: "
              f"{type(error).__name__}: {error}", flush=True)
        sys.exit(1)
print(f"\\n{sys.argv[0]} end", flush=True)
"""
_END: Final = "-c end"
"""Said after the last import: a module that ends its process is not one that was imported."""


def import_faults(storage: Storage, release: str, files: Iterable[FileChange]) -> tuple[str, ...]:
    """Return what is wrong with the changed files of an archived release, one line each."""
    changed = [file.path for file in files if file.change != "removed"]
    sources = [path for path in changed if path.endswith(".py")]
    if not sources:
        return ()
    with tempfile.TemporaryDirectory(prefix="midstride-check-") as folder:
        root = Path(folder)
        unpack_archive(storage, release, root)
        faults = tuple(_syntax_faults(root, sources))
        return faults or tuple(_import_faults(root, sources))


def _syntax_faults(root: Path, sources: Iterable[str]) -> Iterator[str]:
    for path in sources:
        try:
            compile((root / path).read_bytes(), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            code = (error.text or "").strip()
            yield f"{path}, line {error.lineno}: {error.msg}: {code}"[:TEXT_MAX]
        except ValueError as error:  # a null byte
            yield f"{path}: {error}"


def _import_faults(root: Path, sources: Iterable[str]) -> Iterator[str]:
    names = [_module(path) for path in sources if not path.endswith("__main__.py")]
    if not names:
        return
    with subprocess.Popen(  # noqa: S603 this Python, with our own text
        [sys.executable, "-I", "-B", "-c", _IMPORT, str(root), *names],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=IMPORT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            yield f"importing {', '.join(names)} did not end within {IMPORT_SECONDS_MAX:g} s"
            return
        finally:  # also what an import left running
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode or _END not in out.splitlines():
        said = (out.strip() or err.strip()).splitlines()
        ended = f"importing {', '.join(names)} ended the process with code {process.returncode}"
        yield (said[-1] if said and process.returncode else ended)[:TEXT_MAX]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
