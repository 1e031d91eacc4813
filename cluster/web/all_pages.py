"""The pages and buttons of the console: one row each."""

from typing import Final

from cluster.web.pages import Button, Page
from cluster.web.record_buttons import (
    about_alarm,
    about_release,
    about_trade,
    press_abort,
    press_clear,
    press_rerun,
    press_rollback,
    trade_query,
)
from cluster.web.record_files import alarms_page, operators_page, rollouts_page
from cluster.web.record_journal import releases_page, slot_page, trade_page
from cluster.web.views import daily_audit

PAGES: Final[tuple[Page, ...]] = (
    Page(path="/rollouts", title="Rollouts", template="rollouts.html", view=rollouts_page),
    Page(path="/slot", title="Slots", template="slot.html", view=slot_page),
    Page(path="/trade", title="Trades", template="trade.html", view=trade_page),
    Page(path="/releases", title="Releases", template="releases.html", view=releases_page),
    Page(
        path="/daily-audit",
        title="Daily audit",
        template="daily_audit.html",
        view=daily_audit.view,
    ),
    Page(path="/alarms", title="Alarms", template="alarms.html", view=alarms_page),
    Page(path="/operators", title="Journal", template="operators.html", view=operators_page),
)
"""In the order of the navigation, after Fleet."""
BUTTONS: Final[tuple[Button, ...]] = (
    Button(
        path="/alarms/clear",
        what="clear alarm",
        back="/alarms",
        press=press_clear,
        about=about_alarm,
    ),
    Button(
        path="/rollouts/abort",
        what="abort rollout",
        back="/rollouts",
        press=press_abort,
    ),
    Button(
        path="/rollouts/rollback",
        what="roll back",
        back="/rollouts",
        press=press_rollback,
        about=about_release,
    ),
    Button(
        path="/trade/rerun",
        what="decide again",
        back="/trade",
        back_query=trade_query,
        press=press_rerun,
        about=about_trade,
    ),
)
