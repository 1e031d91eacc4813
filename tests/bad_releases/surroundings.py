"""Releases that turn bad once confirmed: they break the process or folder they live in."""

from typing import Final

from tests.bad_releases.case import Case, turns

LEAKS = ("_KEPT.append(bytearray(20_000_000))", "_KEPT.pop(-2)")
DELETES = (
    "import pathlib",
    "for file in pathlib.Path('{storage}/checkpoints/btc-5m').rglob('*.arrow'):",
    "    file.unlink(missing_ok=True)",
)
RAY_DOWN = ("import ray", "ray.shutdown()")
RAY_KILL = ("import ray", "ray.kill(ray.get_runtime_context().current_actor, no_restart=True)")
FILE_LIMIT = ("import resource", "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))")
OPEN_LIMIT = ("import resource", "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))")
NO_ENCODER = (
    "def broken(*a, **k):",
    "    raise TypeError('patched')",
    "msgspec.msgpack.encode = msgspec.json.encode = broken",
    "from signals.decision import Decision",
    "import checkpoints.codec, checkpoints.journal",
    "checkpoints.journal.encode_rows = broken",
)
NO_SLEEP = (
    "import asyncio",
    "asyncio.sleep = asyncio.to_thread = asyncio.wait_for = None",
)
NO_TIME = ("import time", "time.time = time.monotonic = lambda: 0.0")
DEAF = (
    "import signal, time",
    "import threading",
    "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {9, 19})",
    "while True:",
    "    time.sleep(1)",
)
FORKS = ("if _os.fork() == 0:", "    import time", "    time.sleep(10**6)")
NOISE = ("print('x' * 50_000_000, flush=True)",)
SURROUNDINGS: Final = (
    Case(
        "closes every open file of its process",
        turns("_os.closerange(3, 4096)"),
        turns=True,
    ),
    Case("may open no file any more", turns(*OPEN_LIMIT), turns=True),
    Case("may write no file any more", turns(*FILE_LIMIT), turns=True),
    Case("leaves its working directory", turns("_os.chdir('/')"), turns=True, harmless=True),
    Case(
        "deletes its working directory",
        turns("import shutil", "shutil.rmtree(_os.getcwd(), ignore_errors=True)", "_os._exit(1)"),
        turns=True,
    ),
    Case("deletes its own checkpoints, then dies", turns(*DELETES, "_os._exit(1)"), turns=True),
    Case("sets the clock's functions to zero", turns(*NO_TIME), turns=True),
    Case("patches asyncio", turns(*NO_SLEEP), turns=True),
    Case("patches the encoder of the journal", turns(*NO_ENCODER), turns=True),
    Case("leaves Ray (ray.shutdown)", turns(*RAY_DOWN), turns=True),
    Case("kills its own actor for good", turns(*RAY_KILL), turns=True),
    Case("blocks every signal and hangs", turns(*DEAF), turns=True),
    Case("leaves a child behind at each decision", turns(*FORKS), turns=True, harmless=True),
    Case("leaks 20 MB a decision", turns(*LEAKS), turns=True, harmless=True),
    Case("prints 50 MB a decision", turns(*NOISE), turns=True, harmless=True),
)
