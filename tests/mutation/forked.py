"""Run tests against a changed source file, in a process forked for it."""

import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest

SECONDS_MAX: Final = 90
"""Of one mutant on a busy machine: a loop without end is noticed too."""
POLL_SECONDS: Final = 0.05


class Changed(importlib.machinery.SourceFileLoader):
    """Loads one module from other text than its file's."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        code: CodeType = compile(self._source, self.path, "exec", dont_inherit=True)
        return code


class Finder:
    """Finds that one module before anybody else does."""

    def __init__(self, name: str, path: str, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if name != self._name:
            return None
        loader = Changed(name, self._path, self._source)
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


def notices(root: Path, file: str, source: str, tests: Sequence[str]) -> bool:
    """Return whether the tests fail, or do not end, with this text in the file's place."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(root, file, source, tests)
        finally:
            os._exit(code)
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(POLL_SECONDS)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run(root: Path, file: str, source: str, tests: Sequence[str]) -> int:
    os.setpgid(0, 0)
    os.chdir(root)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    name = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    sys.meta_path.insert(0, Finder(name, str(root / file), source))  # type: ignore[arg-type]
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
