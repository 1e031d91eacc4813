"""What many seeds came to: sums, and how often each step of a handoff lost a process."""

from collections import Counter
from typing import Final

from tests.simulation.damage import PARTS
from tests.simulation.handoff_steps import STEPS
from tests.simulation.run import Result
from tests.simulation.succession_steps import SUCCESSION_STEPS
from tests.simulation.venue_behaviours import Hard

CRASHES_PER_STEP: Final = 50
"""In 10,000 seeds, at the very least; in fewer their share of it."""
SUMS: Final = ("events", "messages", "due", "missed", "orders", "ghosts", "torn", "duplicated")
SEEDS_TO_MEET_ALL: Final = 50
SEEDS_TO_CRASH_ALL: Final = 2_000
"""Each step of a succession is aimed at by every 54th seed, in five ways; some miss."""
SUCCESSION_PARTS: Final = ("self", "driver", "all")
FAILURES_SHOWN: Final = 20


class Totals:
    def __init__(self, *, successions: bool = True) -> None:
        self.command = "python -m tests.simulation" + ("" if successions else " --no-successions")
        """Repeats what was run; the seed is still to be given."""
        self.seeds = 0
        self.virtual_s = self.cpu_s = 0.0
        self.sums: Counter[str] = Counter(dict.fromkeys(SUMS, 0))
        self.faults: Counter[str] = Counter()
        self.behaviours: Counter[str] = Counter({str(hard): 0 for hard in Hard})
        self.rolls: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.frozen: Counter[str] = Counter()
        self.stepped: Counter[str] = Counter()
        self.shared: Counter[str] = Counter()
        self.failed: list[Result] = []
        self.idle: list[int] = []
        """Seeds without a roll or without a crash: there must be none."""

    def add(self, result: Result, cpu_s: float = 0.0) -> None:
        self.seeds += 1
        self.cpu_s += cpu_s
        self.sums.update({name: getattr(result, name) for name in SUMS})
        self.virtual_s += result.virtual_s
        self.faults.update(result.faults)
        self.behaviours.update(result.behaviours)
        self.rolls.update(result.rolls)
        self.killed.update(result.killed)
        self.frozen.update(result.frozen)
        self.stepped.update(result.stepped)
        self.shared.update(result.shared)
        if result.violations:
            self.failed.append(result)
        elif not result.rolls or not result.deaths:
            self.idle.append(result.seed)

    @property
    def crashes_wanted(self) -> int:
        return -(-self.seeds * CRASHES_PER_STEP // 10_000)

    def crashes(self, step: str) -> int:
        return sum(self.killed[f"{step}/{part}"] for part in PARTS)

    def crashed_too_seldom(self) -> list[str]:
        return [step for step in STEPS if self.crashes(step) < self.crashes_wanted]

    def succession_crashes(self, machine: str, step: str) -> int:
        return sum(self.stepped[f"{machine}/{step}/{part}"] for part in SUCCESSION_PARTS)

    def succession_too_seldom(self) -> list[str]:
        """Return the steps of successions that were crashed too seldom for so many seeds."""
        if self.seeds < SEEDS_TO_CRASH_ALL or not self.shared:
            return []
        return [
            f"{machine} {step}"
            for machine, step in SUCCESSION_STEPS
            if self.succession_crashes(machine, step) < self.crashes_wanted
        ]

    @property
    def clean(self) -> bool:
        return not (
            self.failed
            or self.idle
            or self.crashed_too_seldom()
            or self.succession_too_seldom()
            or self.never_met()
        )

    def never_met(self) -> list[str]:
        """Return the venue's behaviours that no seed met: then nothing was shown about them."""
        if self.seeds < SEEDS_TO_MEET_ALL:
            return []
        return [name for name, count in self.behaviours.items() if not count]

    def lines(self, real_s: float) -> list[str]:
        sums, hours = self.sums, self.virtual_s / 3_600
        price_ms = 1_000 * self.cpu_s / max(1, self.seeds)
        speed = self.virtual_s / max(real_s, 0.001)
        return [
            f"{self.seeds:,} seeds, {sums['events']:,} events, {sums['messages']:,} messages",
            f"{hours:.1f} fleet hours in {real_s:.0f} s: {speed:.0f} x real time",
            f"{self.cpu_s:.0f} s of processor, {price_ms:.0f} ms a seed",
            f"{sums['due']:,} decision points, {sums['missed']} missed, each by a declared fault",
            f"{sums['orders']:,} orders, {sums['ghosts']:,} ghost fills",
            f"{sums['duplicated']:,} posts of known bytes, {sums['torn']} torn log tails",
            "",
            f"faults: {sum(self.faults.values()):,}",
            *_table(self.faults),
            "",
            f"behaviours of the venue: {sum(self.behaviours.values()):,}",
            *_table(self.behaviours),
            "",
            f"rolls: {sum(self.rolls.values()):,}",
            *_table(self.rolls),
            "",
            *self._steps(),
            "",
            f"replacements of shared actors: {sum(self.shared.values()):,}",
            *_table(self.shared),
            "",
            *self._succession(),
            "",
            *self._failures(),
        ]

    def _steps(self) -> list[str]:
        head = "".join(f"{part:>9}" for part in (*PARTS, "sum"))
        lines = [
            "processes of a handoff killed at each of its steps, and frozen",
            f"  {'':<12}{head}{'frozen':>9}",
        ]
        for step in STEPS:
            killed = "".join(f"{self.killed[f'{step}/{part}']:>9,}" for part in PARTS)
            frozen = sum(self.frozen[f"{step}/{part}"] for part in PARTS)
            lines.append(f"  {step:<12}{killed}{self.crashes(step):>9,}{frozen:>9,}")
        seldom = ", ".join(self.crashed_too_seldom()) or "none"
        lines.append(f"crashed less than {self.crashes_wanted} times: {seldom}")
        return lines

    def _succession(self) -> list[str]:
        head = "".join(f"{part:>9}" for part in (*SUCCESSION_PARTS, "sum", "frozen"))
        lines = [
            "shared actors and their drivers killed at each step of a succession, and frozen",
            f"  {'':<27}{head}",
        ]
        for machine, step in SUCCESSION_STEPS:
            where = f"{machine}/{step}"
            killed = "".join(f"{self.stepped[f'{where}/{part}']:>9,}" for part in SUCCESSION_PARTS)
            sums = self.succession_crashes(machine, step), self.stepped[f"{where}/frozen"]
            lines.append(f"  {machine:<12}{step:<15}{killed}{sums[0]:>9,}{sums[1]:>9,}")
        seldom = ", ".join(self.succession_too_seldom()) or "none"
        lines.append(f"crashed less than {self.crashes_wanted} times: {seldom}")
        return lines

    def _failures(self) -> list[str]:
        lines = []
        if self.idle:
            lines.append(f"without a roll or a crash: {self.idle[:FAILURES_SHOWN]}")
        if not self.failed:
            unmet = self.never_met()
            lines += [f"never met: {', '.join(unmet)}"] if unmet else []
            return [*lines, "nothing was violated"]
        lines.append(f"{len(self.failed)} seeds failed")
        for result in self.failed[:FAILURES_SHOWN]:
            lines.append(f"  {self.command} --seed {result.seed}")
            lines += [f"      {what}" for what in result.violations]
        return lines


def _table(counter: Counter[str]) -> list[str]:
    return [f"  {count:7,}  {name}" for name, count in sorted(counter.items())]
