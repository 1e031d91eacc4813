"""`console`: pages about the fleet for a browser on this machine."""

import click

from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify, show_line, state_of, state_option
from cluster.web.address import new_link, record_of


@click.command("console")
@state_option
@click.option(
    "--port",
    type=click.IntRange(1_024, 65_535),
    help="Port on 127.0.0.1 [default: 8420, or a free one].",
)
@click.option("--link", is_flag=True, help="Print a new login link of the console that runs.")
def command(state: str | None, port: int | None, link: bool) -> None:  # noqa: FBT001 click
    """Serve pages about the fleet to a browser on this machine.

    They work when the fleet or Ray is down.

    The link that it prints logs in once. Ctrl-C ends the console and leaves the fleet as it is.
    """
    folder = state_of(state)
    if not folder.storage.is_dir():
        raise FleetError(f"there is no fleet in {folder.root}; --state names another folder")
    running = record_of(folder)
    if running is not None:
        if port not in {None, running.port}:
            raise FleetError(
                f"a console of this fleet runs on port {running.port} (pid {running.process.pid}); "
                "end it first, or leave out --port"
            )
        show_line(new_link(folder, running.port))
        return
    if link:
        raise FleetError("no console of this fleet runs: `midstride console` starts one")
    from cluster.web.serving import serve

    serve(folder, port, lambda bound: print_address(folder, bound, new_link(folder, bound)))


def print_address(folder: StateFolder, port: int, link: str) -> None:
    """Say where the console is."""
    notify(f"console of {folder.root}: http://127.0.0.1:{port}")
    notify("the link below logs in once, within a quarter of an hour; Ctrl-C ends the console")
    show_line(link)
