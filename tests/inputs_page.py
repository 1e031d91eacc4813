"""docs/inputs.md from the table of inputs itself: `python -m tests.inputs_page` writes it."""

from pathlib import Path

from actors.market_data.inputs import DAY_MS, INPUTS, Input

PAGE = Path(__file__).parent.parent / "docs" / "inputs.md"
HEAD = """# Inputs: what is believed

Made from `actors/market_data/inputs.py` by `python -m tests.inputs_page`; a test compares them.

A number that parses is not believed for that. Each is judged twice:

1. **Where it comes in** (`plausible.py`): range, stamp, pace, and what the same answer says
   elsewhere. What fails is not used, and is counted by asset and input. It does not make its feed
   look fresh.
2. **When a snapshot is made** (`agreement.py`): inputs against their sisters. A feed that fails has
   no age in the snapshot and carries the cause; the signal answers
   `no_data: inputs disagree: FEED: INPUT: cause` at that decision point, before any order.

`status` shows what was refused in the last minute, with its count and newest cause; the alarm
`input_refused` names the input. Funding and open interest that fail leave their part of a factor
out; the other feeds stop the trade. An answer with one odd candle is not used at all, and what was
known of that series is asked for again: the old ones may be the odd ones.

A market is traded only if everything that says what it is about is said and agrees: slug, series,
start and end, asset and duration, an average over 60 s, its Chainlink stream as the only source,
and a fee of rate x p (1 - p) on takers (`actors/venue/polymarket/market_rule.py`; the gateway asks
the venue and judges by itself). Otherwise it is not traded, also where it was until then, and the
alarm `market_refused` says why. A slug that answers nothing is looked for in the venue's list.

Times are market time but for books' stamps, and count from now: below zero is the past.

| input | unit | least | most | how it may change | must agree with |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Write the whole page."""
    return HEAD + "".join(_row(row) for row in INPUTS.values())


def _row(row: Input) -> str:
    cells = (
        f"`{row.name}`",
        row.unit,
        _number(row.low),
        _number(row.high),
        row.change,
        row.sister,
    )
    return f"| {' | '.join(cells)} |\n"


def _number(value: float) -> str:
    if value and value % DAY_MS == 0:
        return f"{value / DAY_MS:g} days"
    return f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
