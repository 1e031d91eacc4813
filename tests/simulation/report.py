"""What many seeds came to: sums, and how often each step of a handoff lost a process."""

from collections import Counter

from tests.simulation.handoff_steps import STEPS
from tests.simulation.run import Result


class Totals:
    def __init__(self) -> None:
        self.seeds = 0
        self.events = 0
        self.messages = 0
        self.virtual_s = 0.0
        self.due = 0
        self.missed = 0
        self.orders = 0
        self.ghosts = 0
        self.duplicated = 0
        self.torn = 0
        self.faults: Counter[str] = Counter()
        self.rolls: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()
        self.failed: list[Result] = []

    def add(self, result: Result) -> None:
        self.seeds += 1
        for name in ("events", "messages", "due", "missed", "orders", "ghosts", "torn"):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        self.duplicated += result.duplicated
        self.virtual_s += result.virtual_s
        self.faults.update(result.faults)
        self.rolls.update(result.rolls)
        self.crashed.update(result.crashed)
        if result.violations:
            self.failed.append(result)

    def lines(self, real_s: float) -> list[str]:
        speed = self.virtual_s / max(real_s, 0.001)
        return [
            f"{self.seeds} seeds, {self.events:,} events, {self.messages:,} messages",
            f"{self.virtual_s / 3_600:.1f} fleet hours in {real_s:.0f} s: {speed:.0f} x real time",
            f"{self.due:,} decision points, {self.missed} missed, each by a declared fault",
            f"{self.orders:,} orders, {self.ghosts} ghost fills, {self.duplicated} posted twice",
            f"{self.torn} torn log tails",
            "",
            f"faults: {sum(self.faults.values()):,}",
            *_table(self.faults),
            "",
            f"rolls: {sum(self.rolls.values()):,}",
            *_table(self.rolls),
            "",
            "processes lost or frozen at each step of a handoff",
            *(f"  {self.crashed[str(step)]:7,}  {step}" for step in STEPS),
            "",
            *self._failures(),
        ]

    def _failures(self) -> list[str]:
        if not self.failed:
            return ["nothing was violated"]
        lines = [f"{len(self.failed)} seeds failed"]
        for result in self.failed[:20]:
            lines.append(f"  python -m tests.simulation --seed {result.seed}")
            lines += [f"      {what}" for what in result.violations]
        return lines


def _table(counter: Counter[str]) -> list[str]:
    return [f"  {count:7,}  {name}" for name, count in sorted(counter.items())]
