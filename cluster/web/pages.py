"""What a page and a button of the console are; `cluster.web.all_pages` lists them.

A page is a function from what is asked to a frozen struct, and a template that shows it. A button
does what a command does, or raises `ClusterError` as the command refuses.
"""

from collections.abc import Callable, Mapping

import msgspec

from checkpoints.storage import LocalStorage
from cluster.local.state_folder import StateFolder


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a page may read: the fleet's folder, and what stands in the address."""

    state: StateFolder
    query: Mapping[str, str] = {}

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    title: str
    template: str
    """In `cluster/web/templates`; it gets the struct as `view`."""
    view: Callable[[Asked], msgspec.Struct]
    """Runs in a thread; may take a second. `ClusterError` and `CheckpointsError` are shown."""


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """A button: whose form, with which fields."""

    state: StateFolder
    form: Mapping[str, str]
    reason: str
    """Not empty; without characters that a terminal would obey."""
    who: str


class Button(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    """Of its POST."""
    what: str
    """In the operators' journal, e.g. `clear alarm`."""
    back: str
    """The page that is shown afterwards, with what the button said."""
    back_query: Callable[[Mapping[str, str]], str] = lambda _: ""
    """What stands behind the page's path, e.g. `?id=...`; quoted."""
    press: Callable[[Pressed], str]
    """Runs in a thread; returns what to tell. It raises `ClusterError` to refuse."""
    about: Callable[[Mapping[str, str]], str] = lambda _: ""
    """What it is pressed about, for the journal, e.g. the alarm's id."""
