"""`python -m tests.nemesis [VICTIM ...]`: run the matrix, print it, exit 1 if it is not clean."""

import sys
import tempfile
from pathlib import Path

from tests.nemesis.matrix import Matrix, all_cells, faults_of, line
from tests.rolling_update.fleet import running_fleet


def main(victims: list[str]) -> int:
    cells = [cell for cell in all_cells() if not victims or cell.victim in victims]
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_fleet(folder / "fleet", slots=("btc-5m", "eth-5m")) as fleet:
            fleet.await_decisions(2)
            for ending in Matrix(fleet, folder).run(cells):
                print(line(ending), flush=True)
                bad += bool(faults_of(ending))
            fleet.await_decisions(2)
            verdict = fleet.verdict()
    print(f"{len(cells)} cells, {bad} not clean")
    print(f"decisions {verdict.decisions}, missed {verdict.missed} {verdict.missed_points}")
    print(f"differences with the ledger {len(verdict.differences)} {verdict.differences}")
    return 0 if not bad and verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
