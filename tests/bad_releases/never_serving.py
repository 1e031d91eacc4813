"""Releases that a careful rollout never lets serve: their start, proof or first decision fails."""

from pathlib import Path
from typing import Final

from tests.bad_releases.case import SIGNAL, Case, Make, Spot, append, decides, edits
from tests.rolling_update.trees import edit

DUE = "    if point.due_ms > event.market_ms:\n        return _wake(seat, point.due_ms)\n"
STATE = "    slot: str\n    journal_sequence: int = 0\n    outbox_sequence: int = 0\n"
ADOPT = '        """Apply the delta, prove the hash, own the slot, then decide once to verify."""\n'
ATTESTED = "    manifest = attested.manifest\n"
FUNDING = '    funding_sign: int = 0\n    """Of the newest nonzero rate'


def _restore_error() -> Make:
    method = (
        "    def __post_init__(self) -> None:\n"
        "        if self.funding_seen_ms:\n"
        '            raise ValueError("bad at restore")\n\n'
    )
    return edits(SIGNAL, FUNDING, method + FUNDING)


def _imports_once(tree: Path, spot: Spot) -> None:
    """Import well in the first process, never in a second: the first one dies at the flag."""
    ran = spot.flag.with_suffix(".ran")
    text = (
        "\n\nimport os as _os\n\n"
        f'if _os.path.exists("{spot.flag}") and _os.path.exists("{ran}"):\n'
        '    raise ImportError("only the first start of it works")\n'
        f'_os.makedirs("{ran}", exist_ok=True)\n'
    )
    (tree / SIGNAL).write_text((tree / SIGNAL).read_text(encoding="utf-8") + text, encoding="utf-8")
    first = "    regime, history = read_regime(_history(memory), snapshot, params)\n"
    dies = f'    if _os.path.exists("{spot.flag}"):\n        _os._exit(1)\n'
    edit(tree, SIGNAL, first, dies + first)


NEVER_SERVING: Final = (
    Case("syntax error", append(SIGNAL, "\ndef broken(:\n"), caught="invalid syntax", short=True),
    Case(
        "raises on import",
        append(SIGNAL, '\nraise RuntimeError("bad at import")\n'),
        caught="bad at import",
    ),
    Case("raises on restore", _restore_error(), caught="bad at restore"),
    Case("raises in decide", decides('raise RuntimeError("bad decide")'), caught="bad decide"),
    Case(
        "blocks 5 s in decide",
        decides("import time", "time.sleep(5)"),
        caught="blocked",
    ),
    Case(
        "returns NaN",
        edits(SIGNAL, "        market_mid_up=view.mid,\n", '        market_mid_up=float("nan"),\n'),
        caught="market_mid_up",
    ),
    Case(
        "silently stops deciding",
        edits("actors/slot/deciding.py", DUE, DUE.replace("event.market_ms", "0")),
        caught="no decision for",
        missed_max=0,
    ),
    Case(
        "changes the schema without an upgrade",
        edits(
            "actors/slot/state.py",
            STATE,
            STATE.replace("outbox_sequence: int = 0", 'outbox_sequence: str = ""'),
        ),
        caught="outbox_sequence",
    ),
    Case(
        "is killed while it adopts",
        edits(
            "actors/slot/handoff.py",
            ADOPT,
            ADOPT + "        __import__('os').kill(__import__('os').getpid(), 9)\n",
        ),
        caught="adopt",
    ),
    Case(
        "claims a release that its files are not",
        edits(
            "actors/attest.py",
            ATTESTED,
            ATTESTED + '    (ROOT / "signals/units.py").open("a").write("# not approved\\n")\n',
        ),
        caught="its files are",
    ),
    Case(
        "is bad on one asset only",
        decides('assert snapshot.asset.value != "eth", "bad for eth"'),
        slots=("btc-5m", "eth-5m"),
        canary="btc-5m",
        caught="bad for eth",
        partly=True,
        short=True,
    ),
    Case(
        "raises from its fourth decision on",
        decides("assert len(_KEPT) <= 3, 'turned bad'"),
        caught="turned bad",
    ),
    Case("ends the process in its first decision", decides("_os._exit(1)")),
    Case("stops its own process at once (SIGSTOP)", decides("_os.kill(_os.getpid(), 19)")),
    Case("starts once, never again", _imports_once, turns=True),
)
