"""What Ctrl-C, `kill` and a closed terminal mean to a command that starts or ends processes.

Each of them is a request for an orderly end. Asked again, the end is no longer orderly but still
complete: whatever was started is ended by its id, and no further signal stops that.
"""

import signal
from types import FrameType, TracebackType
from typing import Final, Self

ASKED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While entered, each such signal raises `KeyboardInterrupt` in the main thread.

    A SIGHUP that was ignored from the start (`nohup`) stays ignored. A closing terminal sends
    several, by the shell and by the kernel: after the first request they ask for nothing more.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, object] = {}
        self._asked = False
        self._deaf = False

    def __enter__(self) -> Self:
        for number in ASKED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def ignore(self) -> None:
        """From here on only the end counts."""
        self._deaf = True

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del frame
        again, self._asked = self._asked, True
        if not self._deaf and not (again and number == signal.SIGHUP):
            raise KeyboardInterrupt
