"""What a page loads: files of its own only, and nothing else runs or styles."""

import asyncio
import re
from pathlib import Path
from typing import Final

import pytest

from cluster.web.render import HERE, STATIC
from tests.cluster.web.console_client import client_of, log_in, state_in

OWN: Final = {"charts.css", "console.css", "console.js", "icon.svg", "live.js"}
PAGE_BYTES_MAX: Final = 120_000
TEMPLATES: Final = sorted((HERE / "templates").rglob("*.html"))
INLINE: Final = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:")


def test_the_static_files_are_our_own() -> None:
    assert {str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file()} == OWN


def test_our_script_makes_no_code_from_text() -> None:
    for file in STATIC.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function|setTimeout\(\s*[\"'`]|import\(", text), file


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_template_holds_what_the_policy_blocks(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert INLINE.search(text) is None
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), "from elsewhere"
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text


def test_the_first_page_and_all_that_it_loads_is_small(tmp_path: Path) -> None:
    async def run() -> tuple[int, list[int]]:
        state = state_in(tmp_path)
        async with client_of(state) as client:
            await log_in(client, state)
            page = await client.get("/")
            loaded = [
                await client.get(path)
                for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
            ]
            assert len(loaded) == 4
            kept = {one.headers["cache-control"] for one in loaded}
            assert kept == {"private, max-age=31536000, immutable"}
            assert page.headers["cache-control"] == "no-store"
            return len(page.content) + sum(len(one.content) for one in loaded), [
                one.status_code for one in loaded
            ]

    size, statuses = asyncio.run(run())
    assert set(statuses) == {200}
    print(f"first page: {size} bytes with everything")
    assert size <= PAGE_BYTES_MAX
