"""The live table in a terminal that changes its size."""

import io

from rich.console import Console

from cluster.status.live_table import clear_after_resize

CLEAR_AND_HOME = "\x1b[2J\x1b[H"


def test_a_terminal_that_changed_its_size_is_cleared_before_the_next_page() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200, height=50)
    wide = console.size
    assert clear_after_resize(console, wide) == wide
    assert written.getvalue() == ""
    console.width = 80
    assert clear_after_resize(console, wide) == console.size
    assert written.getvalue() == CLEAR_AND_HOME
