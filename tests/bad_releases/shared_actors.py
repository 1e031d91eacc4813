"""Bad releases of what all slots share: gateway, market data, supervisor."""

from typing import Final

from tests.bad_releases.case import (
    RULE_OF_TWO,
    SIGNAL,
    Case,
    Make,
    append,
    in_module,
    together,
    turns,
)

STEP = "actors/gateway/step.py"
TRADES = "actors/gateway/trades.py"


def _gateway_step(condition: str, *lines: str) -> Make:
    """Do lines instead of the good step where an event is so."""
    return in_module(
        STEP,
        "_good_step = step",
        "",
        "",
        "def step(state, event, rules):",
        f"    if _turned() and {condition}:",
        *(f"        {line}" for line in lines),
        "    return _good_step(state, event, rules)",
    )


FIRST_FILL = in_module(
    TRADES,
    "def _fill(draft, order, trade):",
    '    raise RuntimeError("bad at a fill")',
    turned=False,
)
FIRST_SETTLEMENT = _gateway_step(
    'type(event).__name__ == "ResolutionSeen"', 'raise RuntimeError("bad at a settlement")'
)
NO_BEATS = in_module(
    "actors/gateway/venue_calls.py",
    "_good_perform = VenueCalls.perform",
    "",
    "",
    "async def _perform(self, call):",
    "    if _turned() and isinstance(call, Beat):",
    "        await asyncio.sleep(3600)",
    "    return await _good_perform(self, call)",
    "",
    "",
    "VenueCalls.perform = _perform",
)
WRONG_SIDE = in_module(
    TRADES,
    "_good_fill = _fill",
    "",
    "",
    "def _fill(draft, order, trade):",
    "    if _turned():",
    "        other = next(o for o in type(order.outcome) if o is not order.outcome)",
    "        import msgspec",
    "        order = msgspec.structs.replace(order, outcome=other)",
    "    return _good_fill(draft, order, trade)",
)
SENDS_NOTHING = _gateway_step(
    'type(event).__name__ in {"IntentArrived", "SignDone"}', "return state, ()"
)
NO_SNAPSHOTS = in_module(
    "actors/market_data/step.py",
    "_good_snapshot = _snapshot",
    "",
    "",
    "def _snapshot(state, asset, due_ms, now):",
    "    return (state, []) if _turned() else _good_snapshot(state, asset, due_ms, now)",
)
LOOKS_FRESH = in_module(
    "actors/market_data/snapshot.py",
    "_good_build = build_snapshot",
    "_OLD = {}",
    "",
    "",
    "def build_snapshot(state, asset, due_ms, taken_ms):",
    "    import msgspec",
    "    made = _good_build(state, asset, due_ms, taken_ms)",
    "    if not _turned():",
    "        return made",
    "    old = _OLD.setdefault(asset, made)",
    "    fresh = tuple(msgspec.structs.replace(a, age_ms=0) for a in old.ages)",
    "    return msgspec.structs.replace(old, due_ms=due_ms, taken_ms=taken_ms, ages=fresh)",
)
LOOP_DIES = in_module(
    "actors/supervisor/loop.py",
    "_good_step = SupervisorLoop.step",
    "",
    "",
    "def _step(self, event, now):",
    "    if _turned():",
    '        raise RuntimeError("the loop dies")',
    "    return _good_step(self, event, now)",
    "",
    "",
    "SupervisorLoop.step = _step",
)
TAKES_NOTHING_BACK = append(
    "actors/supervisor/step.py",
    "\n\n_good_step = step\n\n\n"
    "def step(state, event):\n"
    "    state, effects = _good_step(state, event)\n"
    '    idle = {"OpenSeat", "RollBack", "EndProcess", "CreateSlot", "TakeBack"}\n'
    "    return state, tuple(e for e in effects if type(e).__name__ not in idle)\n",
)
UNCHANGED = append(SIGNAL, "\n# the same signal, another release\n")
SHARED: Final = (
    Case("gateway raises at its first fill", FIRST_FILL, everything=True, caught="gateway"),
    Case(
        "gateway raises at its first settlement",
        FIRST_SETTLEMENT,
        turns=True,
        everything=True,
        caught="gateway",
    ),
    Case("gateway stops its heartbeats", NO_BEATS, turns=True, everything=True, caught="heartbeat"),
    Case("gateway books the other side", WRONG_SIDE, turns=True, everything=True, lone=True),
    Case("gateway sends nothing", SENDS_NOTHING, turns=True, everything=True),
    Case(
        "market data makes no snapshots",
        NO_SNAPSHOTS,
        turns=True,
        everything=True,
        missed_max=2 * RULE_OF_TWO,  # it serves both slots
    ),
    Case("market data makes old views look fresh", LOOKS_FRESH, turns=True, everything=True),
    Case("supervisor's loop dies", LOOP_DIES, turns=True, everything=True),
    Case(
        "supervisor takes nothing back, and a slot leaves",
        together(TAKES_NOTHING_BACK, turns("_sys.exit('enough')")),
        turns=True,
        everything=True,
        caught="rehearsal",
    ),
)
