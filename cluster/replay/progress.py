"""The bar on standard error while a replay runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cluster.replay.run import Progress as Told
from cluster.terminal.console import screen


@contextmanager
def progress_bar(what: str = "replaying") -> Iterator[Told]:
    """Show decisions done, decisions per second and time left; silent without a terminal."""
    console = screen(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None, pace="")

        def update(done: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            pace = f"{done / elapsed:.0f}/s" if elapsed else ""
            bar.update(task, completed=done, total=total, pace=pace)

        yield update
