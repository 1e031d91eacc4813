"""Releases that turn bad after they were confirmed: the answer is what nobody can use."""

from typing import Final

from tests.bad_releases.case import SIGNAL, Case, answers, append, together

FIRST_FACTOR = (
    "d = msgspec.structs.replace(d, "
    "factors=(msgspec.structs.replace(d.factors[0], {}), *d.factors[1:]))"
)
EVIL_TEXT = (
    "class Evil(str):",
    "    def startswith(self, *a):",
    "        raise RuntimeError('do not look')",
    "    __getitem__ = __len__ = encode = startswith",
    "d = msgspec.structs.replace(d, reason=Evil('edge'))",
)
GROWING_MEMORY = """

_Plain = Memory


class Memory(_Plain, frozen=True, kw_only=True):
    notes: dict[str, str] = {}
"""
GROWS = (
    "import os",
    "notes = {**m.notes, str(len(m.notes)): os.urandom(10_000_000).hex()}",
    "m = msgspec.structs.replace(m, notes=notes)",
)
UNPICKLABLE = (
    "class Holder(Memory, frozen=True, kw_only=True):",
    "    thing: object = None",
    "m = Holder(thing=lambda: 0)",
)
SWAPPED = (
    "other = {Outcome.UP: Outcome.DOWN, Outcome.DOWN: Outcome.UP}",
    "legs = tuple(msgspec.structs.replace(l, outcome=other[l.outcome]) for l in d.legs)",
    "d = msgspec.structs.replace(d, legs=legs)",
)
HUNDREDFOLD = (
    "legs = tuple(msgspec.structs.replace(l, shares=l.shares * 100) for l in d.legs)",
    "d = msgspec.structs.replace(d, legs=legs)",
)
SAME_FOR_EVER = ("_sys.same = getattr(_sys, 'same', d)", "d = _sys.same")
OUTCOME = append(SIGNAL, "\nfrom signals.market import Outcome  # noqa\n")
ANSWERING: Final = (
    Case(
        "a lone surrogate in a reason",
        answers("d = msgspec.structs.replace(d, reason='edge \\ud800')"),
        turns=True,
    ),
    Case("an age of 2**70", answers(FIRST_FACTOR.format("input_age_ms=2**70")), turns=True),
    Case("NaN in a nested field", answers(FIRST_FACTOR.format("maximum=float('nan')")), turns=True),
    Case(
        "a reason of 50 MB",
        answers("d = msgspec.structs.replace(d, reason='x' * 50_000_000)"),
        turns=True,
    ),
    Case("a text that raises when it is read", answers(*EVIL_TEXT), turns=True),
    Case(
        "a null byte and an escape sequence in a reason",
        answers("d = msgspec.structs.replace(d, reason='edge \\x00 \\x1b[2J [/5m]')"),
        turns=True,
        harmless=True,
    ),
    Case("returns nothing", answers("d, m = None, None"), turns=True),
    Case("returns a generator", answers("return (x for x in (d, m))"), turns=True),
    Case("a memory that cannot be stored", answers(*UNPICKLABLE), turns=True, caught="memory"),
    Case(
        "a memory that grows by 20 MB a decision",
        together(append(SIGNAL, GROWING_MEMORY), answers(*GROWS)),
        turns=True,
        caught="memory",
    ),
    Case("asks for a hundred times the size", answers(*HUNDREDFOLD), turns=True, harmless=True),
    Case("Up and Down swapped", together(OUTCOME, answers(*SWAPPED)), turns=True, harmless=True),
    Case("the same decision for ever", answers(*SAME_FOR_EVER), turns=True, harmless=True),
)
