"""``python -m cluster.deploy FOLDER``: write what looks at a fleet, and runs it, on a server."""

import getpass
from pathlib import Path

import click

from actors.config import Mode
from cluster.deploy.files import HERE, Place, write_files
from cluster.errors import ClusterError
from cluster.terminal.console import show_text, state_of, state_option

BRIDGE = "http://127.0.0.1:9095/"
"""Where cluster/deploy/alarm_bridge.py listens by default."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@state_option
@click.option(
    "--webhook", default=BRIDGE, help=f"Gets Alertmanager's messages [default: {BRIDGE}]."
)
@click.option("--alertmanager", default="127.0.0.1:9093", help="Its address on this machine.")
@click.option("--prometheus", default="127.0.0.1:9090", help="Its address on this machine.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=HERE.parent / "configs" / "live.toml",
    help="Configuration that the unit of the fleet starts [default: cluster/configs/live.toml].",
)
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default="live")
@click.option("--user", default=getpass.getuser, help="Who runs the units [default: you].")
def command(
    folder: Path,
    state: str | None,
    webhook: str,
    alertmanager: str,
    prometheus: str,
    config: Path,
    mode: str,
    user: str,
) -> None:
    """Write Prometheus', Alertmanager's and systemd's files for one fleet into FOLDER."""
    place = Place(
        state=state_of(state),
        folder=folder.absolute(),
        webhook=webhook,
        user=user,
        alertmanager=alertmanager,
        prometheus=prometheus,
        config=config.absolute(),
        mode=mode,
    )
    try:
        for file in write_files(place):
            show_text(f"written {file}")
    except (ClusterError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    command()
