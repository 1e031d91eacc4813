"""`python -m tests.mutation` counts the small faults of the pure code that its tests miss.

Each group's tests run once with coverage, which says for every line the tests that reach it. Then
each mutant runs, in a process forked from one that has imported the libraries, against the tests
that reach its line. A mutant whose tests fail or hang is noticed; the others survive.
"""

import argparse
import importlib
import os
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from coverage import CoverageData

from tests.mutation.forked import notices
from tests.mutation.groups import GROUPS, Group
from tests.mutation.mutants import Mutant, mutants

ROOT: Final = Path(__file__).parents[2]
TESTS_MAX: Final = 25
"""Of those that reach a line, the quickest: a mutant is to be noticed by tests near it."""
BASELINE_SECONDS_MAX: Final = 1_500
LIBRARIES: Final = ("numpy", "pyarrow", "pyarrow.parquet", "hypothesis", "msgspec", "pytest", "ray")
NOT_PURE: Final = "not ray and not exchange and not data and not bench and not soak and not nemesis"


class Outcome(NamedTuple):
    file: str
    mutant: Mutant
    result: str
    """``noticed``, ``survived`` or ``not reached``."""


class Baseline:
    """Which tests reach a line, the nearest and quickest first."""

    def __init__(self, data: CoverageData, seconds: dict[str, float]) -> None:
        self._data = data
        self._seconds = seconds

    def tests(self, file: str, line: int) -> list[str]:
        by_line = self._data.contexts_by_lineno(str(ROOT / file))
        here = {_test(context) for context in by_line.get(line, ())} - {""}
        if not here:  # run at import: whoever uses the file may notice
            here = {_test(context) for found in by_line.values() for context in found} - {""}
        stem = Path(file).stem
        order = sorted(here, key=lambda test: (stem not in test, self._seconds.get(_case(test), 0)))
        return order[:TESTS_MAX]


def _test(context: str) -> str:
    return context.partition("|")[0]


def _case(test: str) -> str:
    """Write a test's id as the report of times names it."""
    file, _, name = test.partition("::")
    return f"{file.removesuffix('.py').replace('/', '.')}.{name}"


def baseline(group: Group) -> Baseline:
    """Run the group's tests once with coverage; raise `CalledProcessError` where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        data, times = Path(folder) / "coverage", Path(folder) / "times.xml"
        sources = sorted({file.partition("/")[0] for file in group.found(ROOT)})
        command = [sys.executable, "-m", "pytest", "-q", "-m", NOT_PURE, f"--junitxml={times}"]
        command += [*(f"--cov={one}" for one in sources), "--cov-context=test", "--cov-report="]
        environment = {**os.environ, "COVERAGE_FILE": str(data)}
        done = subprocess.run(
            [*command, *group.tests],
            cwd=ROOT,
            env=environment,
            check=False,
            timeout=BASELINE_SECONDS_MAX,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(done.stdout[-3_000:])
            raise SystemExit("the tests fail without any mutant")
        cases = ET.parse(times).getroot().iter("testcase")
        seconds = {f"{c.get('classname')}.{c.get('name')}": float(c.get("time", 0)) for c in cases}
        found = CoverageData(no_disk=True)
        stored = CoverageData(str(data))
        stored.read()
        found.update(stored)
        return Baseline(found, seconds)


def run_group(group: Group, given: argparse.Namespace) -> Iterator[Outcome]:
    base = baseline(group)
    for file in group.found(ROOT):
        if given.file not in file:
            continue
        every = list(mutants((ROOT / file).read_text(encoding="utf-8")))
        count = min(len(every), given.each or len(every))
        chosen = random.Random(f"{given.seed}/{file}").sample(every, count)
        for mutant in sorted(chosen):
            tests = base.tests(file, mutant.line)
            result = "not reached"
            if tests:
                result = "noticed" if notices(ROOT, file, mutant.source, tests) else "survived"
            yield Outcome(file, mutant, result)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.mutation")
    words.add_argument("groups", nargs="*", help=", ".join(GROUPS))
    words.add_argument("--each", type=int, default=6, help="mutants of a file; 0: all")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--file", default="", help="only files whose name contains this")
    given = words.parse_args()
    os.environ["HYPOTHESIS_PROFILE"] = "ci"  # the same examples each time
    for library in LIBRARIES:
        importlib.import_module(library)
    total: Counter[str] = Counter()
    for name in given.groups or GROUPS:
        counts: Counter[str] = Counter()
        for file, mutant, result in run_group(GROUPS[name], given):
            counts[result] += 1
            if result != "noticed":
                change = f"{mutant.before}  ->  {mutant.after}"
                print(f"{result}: {file}:{mutant.line}: {change}", flush=True)
        print(f"# {name}: {_said(counts)}", flush=True)
        total += counts
    print(f"# all: {_said(total)}")


def _said(counts: Counter[str]) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{counts.total()} mutants: {parts}"


if __name__ == "__main__":
    main()
