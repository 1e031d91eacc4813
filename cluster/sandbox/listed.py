"""Options of the command line: what is listed beside the default assets and timeframes."""

import click

from cluster.sandbox.model import ASSET_NAME, ASSETS, TIMEFRAMES, Timeframe


def more_assets(given: str | None) -> tuple[str, ...]:
    """Read names with commas between; those that are listed anyway count once."""
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    for name in names:
        if ASSET_NAME.fullmatch(name) is None:
            raise click.BadParameter(f"{name!r} is no asset: 2 to 10 small letters or digits")
    return tuple(name for name in dict.fromkeys(names) if name not in ASSETS)


def more_timeframes(given: str | None) -> tuple[Timeframe, ...]:
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    for name in names:
        if name not in set(Timeframe):
            raise click.BadParameter(f"there is no {name!r}; there are {', '.join(Timeframe)}")
    return tuple(Timeframe(name) for name in dict.fromkeys(names) if name not in TIMEFRAMES)


assets_option = click.option(
    "--more-assets",
    callback=lambda _ctx, _option, given: more_assets(given),
    help="List these too, e.g. ton,ada; their prices are invented unless the tape has them.",
)
timeframes_option = click.option(
    "--more-timeframes",
    callback=lambda _ctx, _option, given: more_timeframes(given),
    help=f"List these too; there are {', '.join(Timeframe)}.",
)
