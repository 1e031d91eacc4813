"""Releases that turn bad after they were confirmed: time goes by and no decision comes."""

from typing import Final

from tests.bad_releases.case import Case, turns

SOCKET = (
    "import socket",
    "server = socket.create_server(('127.0.0.1', 0))",
    "socket.create_connection(server.getsockname()).recv(1)",
)
FIND_LOOPS = (
    "import asyncio, time",
    "loops = {task.get_loop() for task in list(asyncio.tasks._all_tasks)}",
)
STOPS_LOOPS = (*FIND_LOOPS, "[loop.call_soon_threadsafe(loop.stop) for loop in loops]")
FREEZES_LOOPS = (*FIND_LOOPS, "[l.call_soon_threadsafe(time.sleep, 10**6) for l in loops]")
BUSY = (
    "import threading",
    "def spin():",
    "    while True:",
    "        pass",
    "[threading.Thread(target=spin, daemon=True).start() for _ in range(3)]",
    "_sys.setswitchinterval(1e9)",
)
FORK_LOCK = (
    "import threading, time",
    "lock = threading.Lock()",
    "lock.acquire()",
    "child = _os.fork()",
    "if child == 0:",
    "    _os._exit(0 if lock.acquire(timeout=10**6) else 1)",
    "_os.waitpid(child, 0)",
)
REGEX = ("import re", "re.match(r'(a+)+$', 'a' * 60 + 'b')")
DIES_OR_HANGS = ("if snapshot.asset.value == 'btc':", "    _os._exit(3)", *REGEX)
JUST_IN_TIME = ("import time", "time.sleep(1.9)")
HANGING: Final = (
    Case(
        "dies in one slot, holds the interpreter in the other",
        turns(*DIES_OR_HANGS),
        turns=True,
        slots=("btc-5m", "eth-5m"),
        missed_max=4,
        short=True,
    ),
    Case(
        "a regular expression that holds the interpreter",
        turns(*REGEX),
        turns=True,
    ),
    Case(
        "a decision that never ends",
        turns("import time", "while True:", "    time.sleep(0.1)"),
        turns=True,
        caught="blocked",
    ),
    Case(
        "a number that is never finished",
        turns("3 ** 10**9"),
        turns=True,
    ),
    Case("waits for a socket on loopback", turns(*SOCKET), turns=True, caught="blocked"),
    Case("threads that spin, and the switch interval set to years", turns(*BUSY), turns=True),
    Case("stops the process's event loops", turns(*STOPS_LOOPS), turns=True),
    Case("freezes the process's event loops", turns(*FREEZES_LOOPS), turns=True),
    Case("a lock held across a fork", turns(*FORK_LOCK), turns=True, harmless=True),
    Case(
        "every second decision fails",
        turns("assert len(_KEPT) % 2 == 0, 'every second time'"),
        turns=True,
        caught="every second time",
        missed_max=3,
    ),
    Case(
        "answers at the very end of its time",
        turns(*JUST_IN_TIME),
        turns=True,
        harmless=True,
    ),
)
