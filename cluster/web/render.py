"""Templates to pages. Every text in them is escaped: a strategy's reason, a market's question."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from starlette.responses import HTMLResponse

from cluster.web.wording import FILTERS

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"


class NavigationEntry:
    """A page that stands in the navigation of every page."""

    def __init__(self, path: str, title: str) -> None:
        self.path = path
        self.title = title


class Renderer:
    """The templates of one console."""

    def __init__(self, fleet: str, kind: str, navigation: Sequence[NavigationEntry]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(
            fleet=fleet,
            kind=kind,
            navigation=tuple(navigation),
            static=_static_url,
        )

    def text(self, template: str, **values: Any) -> str:
        """Fill a template; a name that it lacks is an error, never an empty place."""
        return self._environment.get_template(template).render(values)

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self.text(template, **values), status)

    def login(self, status: int, said: str) -> HTMLResponse:
        return self.page("login.html", status, title="Log in", session=None, path="", said=said)


def _digests() -> dict[str, str]:
    return {
        str(file.relative_to(STATIC)): hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in STATIC.rglob("*")
        if file.is_file()
    }


DIGESTS: Final = _digests()
"""Of the static files, as this process serves them."""


def _static_url(name: str) -> str:
    """Return a file's address; another content is another address, so it may be kept for ever."""
    return f"/static/{name}?{DIGESTS[name]}"
