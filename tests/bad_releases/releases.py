"""The twelve, each as an edit of a copied tree, and where it is expected to be caught."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.rolling_update.trees import edit

SIGNAL = "signals/strategies/five_factor.py"
FIRST_LINE = "    regime, history = read_regime(_history(memory), snapshot, params)\n"
LIVES_OF_THE_LATE_ONE = 3
"""Decisions that it makes well: at Warm, at Verify, and the one that confirms it."""


@dataclass(frozen=True)
class BadRelease:
    name: str
    make: Callable[[Path], None]
    """Edit a copied tree."""
    caught: str
    """Text that its one alarm holds."""
    slots: tuple[str, ...] = ("btc-5m",)
    canary: str | None = None
    switched: int = 0
    """Slots that rightly run it when the roll ends."""


def appended(tree: Path, file: str, text: str) -> None:
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def decides(line: str) -> Callable[[Path], None]:
    """Put a line before everything that `decide` does."""
    return lambda tree: edit(tree, SIGNAL, FIRST_LINE, f"    {line}\n{FIRST_LINE}")


def _syntax_error(tree: Path) -> None:
    appended(tree, SIGNAL, "\ndef broken(:\n")


def _import_error(tree: Path) -> None:
    appended(tree, SIGNAL, '\nraise RuntimeError("bad at import")\n')


def _restore_error(tree: Path) -> None:
    method = (
        "    def __post_init__(self) -> None:\n"
        "        if self.funding_seen_ms:\n"
        '            raise ValueError("bad at restore")\n\n'
    )
    marker = '    funding_sign: int = 0\n    """Of the newest nonzero rate'
    edit(tree, SIGNAL, marker, method + marker)


def _never_decides(tree: Path) -> None:
    due = "    if point.due_ms > event.market_ms:\n        return _wake(seat, point.due_ms)\n"
    edit(tree, "actors/slot/deciding.py", due, due.replace("event.market_ms", "0"))


def _other_schema(tree: Path) -> None:
    before = "    slot: str\n    journal_sequence: int = 0\n    outbox_sequence: int = 0\n"
    after = before.replace("outbox_sequence: int = 0", 'outbox_sequence: str = ""')
    edit(tree, "actors/slot/state.py", before, after)


def _killed(tree: Path) -> None:
    line = (
        '        """Apply the delta, prove the hash, own the slot, then decide once to verify."""\n'
    )
    kill = "        __import__('os').kill(__import__('os').getpid(), 9)\n"
    edit(tree, "actors/slot/handoff.py", line, line + kill)


def _other_files(tree: Path) -> None:
    """Attest the files as they were archived, then change one of them where the process runs."""
    line = "    manifest = attested.manifest\n"
    change = '    (ROOT / "signals/units.py").open("a").write("# not what was approved\\n")\n'
    edit(tree, "actors/attest.py", line, line + change)


def _late(tree: Path) -> None:
    edit(tree, SIGNAL, "MEMORY_VERSION = 1\n", "MEMORY_VERSION = 1\nCALLS: list[int] = []\n")
    decides(f"CALLS.append(1); assert len(CALLS) <= {LIVES_OF_THE_LATE_ONE}, 'turned bad'  # noqa")(
        tree
    )


TWELVE = (
    BadRelease("syntax error", _syntax_error, "SyntaxError"),
    BadRelease("raises on import", _import_error, "bad at import"),
    BadRelease("raises on restore", _restore_error, "bad at restore"),
    BadRelease("raises in decide", decides('raise RuntimeError("bad decide")'), "bad decide"),
    BadRelease("blocks 5 s in decide", decides('__import__("time").sleep(5)'), "blocked"),
    BadRelease(
        "returns NaN",
        lambda tree: edit(
            tree,
            SIGNAL,
            "        market_mid_up=view.mid,\n",
            '        market_mid_up=float("nan"),\n',
        ),
        "market_mid_up",
    ),
    BadRelease("silently stops deciding", _never_decides, "no decision for"),
    BadRelease("changes the schema without an upgrade", _other_schema, "outbox_sequence"),
    BadRelease("is killed in the middle", _killed, "adopt"),
    BadRelease("claims a release that its files are not", _other_files, "its files are"),
    BadRelease(
        "is bad on one asset only",
        decides('assert snapshot.asset.value != "eth", "bad for eth"'),
        "bad for eth",
        slots=("btc-5m", "eth-5m"),
        canary="btc-5m",
        switched=1,
    ),
    BadRelease("turns bad after the old one retired", _late, "turned bad", switched=1),
)
