"""The fleet's code with faults that wait: each in one slot, some until a file says so."""

from pathlib import Path

from tests.rolling_update.trees import edit

NEVER_DECIDES = "bnb-5m"
IGNORES_PARAMS = "eth-5m"
LOOP_HANGS = "sol-5m"
NEVER_RETURNS = "doge-5m"
EFFECT_HANGS = "hype-5m"
SIGNAL_STOPPED = "xrp-5m"
EDITED = "btc-5m"
SLOTS = (
    EDITED,
    IGNORES_PARAMS,
    LOOP_HANGS,
    SIGNAL_STOPPED,
    NEVER_RETURNS,
    NEVER_DECIDES,
    EFFECT_HANGS,
)
POLICY = '\nrelease_never_decided = "notify"\nmissed_decision = "notify"\n'
"""A slot that never decided has nothing to go back to: by the table the fleet would be reduced."""


def flag_of(folder: Path, slot: str) -> Path:
    """Return the file that lets a slot's fault begin."""
    return folder / f"hang-{slot}"


def plant_faults(tree: Path, folder: Path) -> None:
    """Edit a copied tree; nothing happens in it before a flag is there, but to two slots."""
    _edit_config(tree)
    begin = (
        "    if seat.phase is not Phase.ACTIVE or seat.pending is not None:\n        return seat, "
    )
    never = begin.replace(":\n", f' or seat.who.slot == "{NEVER_DECIDES}":\n', 1)
    edit(tree, "actors/slot/deciding.py", f"{begin}given_up\n", f"{never}given_up\n")
    read = "    seat = replace(seat, params=event.params, params_id=event.params_id)\n"
    unread = f'    if seat.who.slot != "{IGNORES_PARAMS}":\n    {read}'
    edit(tree, "actors/slot/owning.py", read, unread)
    loop = "            event = await self._next_event()\n            wire_ms = self._wire_ms()\n"
    edit(tree, "actors/slot/loop.py", loop, _hang("self.seat.who", LOOP_HANGS, folder, 12) + loop)
    run = "        answer = await self.runner.run(effect)\n"
    edit(tree, "actors/slot/requests.py", run, _hang("self.who", EFFECT_HANGS, folder, 8) + run)
    decide = "    regime, history = read_regime(_history(memory), snapshot, params)\n"
    asset = NEVER_RETURNS.partition("-")[0]
    block = (
        f'    while snapshot.asset.value == "{asset}" and {_is_there(folder, NEVER_RETURNS)}:\n'
        '        __import__("time").sleep(0.05)\n'
    )
    edit(tree, "signals/strategies/five_factor.py", decide, block + decide)


def stop_the_signal(tree: Path) -> None:
    """Let an earlier check end every decision of one asset before a probability is formed."""
    asset = SIGNAL_STOPPED.partition("-")[0]
    edit(
        tree,
        "signals/strategies/five_factor.py",
        "    if market is None:\n        return _decision(",
        f'    if market is None or snapshot.asset.value == "{asset}":\n        return _decision(',
    )


def _edit_config(tree: Path) -> None:
    file = tree / "cluster/configs/sandbox.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count("[policy]\n") == 1
    file.write_text(text.replace("[policy]\n", f"[policy]{POLICY}"), encoding="utf-8")


def _is_there(folder: Path, slot: str) -> str:
    return f'__import__("os").path.exists("{flag_of(folder, slot)}")'


def _hang(who: str, slot: str, folder: Path, indent: int) -> str:
    """Write the lines of an await that never returns."""
    space = " " * indent
    head = f'{space}if {who}.slot == "{slot}" and {_is_there(folder, slot)}:\n'
    return f"{head}{space}    await asyncio.Event().wait()\n"
