"""Releases that turn bad once confirmed: something leaves `decide` that is no decision."""

from typing import Final

from tests.bad_releases.case import Case, decides, turns

OWN_KIND = ("class Gone(BaseException):", "    pass", "raise Gone('left without a word')")
MUTE = (
    "class Mute(Exception):",
    "    def __str__(self):",
    "        raise RuntimeError('no words')",
    "raise Mute",
)
BY_ASSET = (
    "if snapshot.asset.value == 'btc':",
    "    raise SystemExit('btc leaves')",
    "import asyncio",
    "raise asyncio.CancelledError('eth is cancelled')",
)
LEAVING: Final = (
    Case(
        "sys.exit from its fifth decision on",
        decides("if len(_KEPT) >= 5:", "    _sys.exit('enough')"),
    ),
    Case(
        "raises CancelledError",
        turns("import asyncio", "raise asyncio.CancelledError"),
        turns=True,
        caught="CancelledError",
    ),
    Case("raises KeyboardInterrupt", turns("raise KeyboardInterrupt"), turns=True),
    Case("raises a BaseException of its own", turns(*OWN_KIND), turns=True, caught="Gone"),
    Case("raises StopIteration", turns("next(iter(()))"), turns=True, caught="StopIteration"),
    Case("raises what has no words", turns(*MUTE), turns=True, caught="Mute"),
    Case("ends its process (os._exit)", turns("_os._exit(3)"), turns=True),
    Case(
        "dies by a signal (segmentation fault)",
        turns("import ctypes", "ctypes.string_at(0)"),
        turns=True,
    ),
    Case(
        "recursion without a floor",
        turns("_sys.setrecursionlimit(10**9)", "f = lambda n: f(n + 1)", "f(0)"),
        turns=True,
    ),
    Case("stops its own process (SIGSTOP)", turns("_os.kill(_os.getpid(), 19)"), turns=True),
    Case(
        "two slots, two faults, at one market time",
        turns(*BY_ASSET),
        turns=True,
        slots=("btc-5m", "eth-5m"),
        missed_max=4,
        short=True,
    ),
)
