"""One self-contained HTML file: no script, nothing loaded from elsewhere, every text escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b2733;--soft:#5b6b7a;--line:#d5dde4;--paper:#fff;
--a:#0b62a4;--b:#a4500b;--c:#3f7d20;--d:#7a3fa0;--gain:#2f7d4f;--loss:#b3372f}
@media(prefers-color-scheme:dark){:root{--ink:#e4ebf1;--soft:#9fb0bf;--line:#33414d;--paper:#12181d;
--a:#63b3ed;--b:#f6a35c;--c:#8fce6b;--d:#c59be6;--gain:#6cc58f;--loss:#ee8a80}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:860px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .4rem}
p.sub,figcaption,.empty,footer{color:var(--soft)}figure{margin:1.2rem 0}svg{width:100%;height:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}th{text-align:left;color:var(--soft);font-weight:600}
th,td{padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line)}
td.number,th.number{text-align:right}
figure{overflow-x:auto}svg{min-width:560px}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .line{fill:none;stroke-width:1.8}
.grid{stroke:var(--line);fill:none}.zero{stroke:var(--soft);fill:none}
path.line0{stroke:var(--a)}path.line1{stroke:var(--b)}path.line2{stroke:var(--c)}
path.line3{stroke:var(--d)}text.line0{fill:var(--a)}text.line1{fill:var(--b)}
text.line2{fill:var(--c)}text.line3{fill:var(--d)}rect.gain{fill:var(--gain)}
rect.loss{fill:var(--loss)}circle.dot{fill:var(--a)}
.band{fill:var(--a);fill-opacity:.16}.mark{stroke:var(--soft);stroke-dasharray:3 3;fill:none}
.fill{stroke:var(--paper);stroke-width:1}.fill.up{fill:var(--gain)}.fill.down{fill:var(--loss)}
.cell.acted{fill:var(--gain)}.cell.waited{fill:var(--soft)}.cell.held{fill:var(--b)}
.cell.failed{fill:var(--loss)}.cell.missed{fill:var(--d)}
"""


def html_page(title: str, subtitle: str, parts: Iterable[str]) -> str:
    """Put parts, which are HTML already, on one page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="sub">{escape(subtitle)}</p><main>'
        f"{''.join(parts)}</main></body></html>\n"
    )


def html_table(names: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> str:
    """Lay rows out; columns after the first `text_columns` are numbers and stand right."""

    def cell(tag: str, place: int, text: str) -> str:
        kind = "" if place < text_columns else ' class="number"'
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", place, name) for place, name in enumerate(names))
    body = "".join(
        f"<tr>{''.join(cell('td', place, text) for place, text in enumerate(row))}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def write_page(file: Path, text: str) -> None:
    """Write the file; raise `ClusterError` where it cannot be written."""
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ClusterError(
            f"{file} cannot be written ({error.strerror}): name another file"
        ) from error
