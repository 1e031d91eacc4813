"""What a page loads: vendored files are the published ones, and nothing else runs or styles."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final

import pytest

from cluster.web.render import HERE, STATIC
from tests.cluster.web.console_client import client_of, log_in, state_in

VENDORED: Final = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    "htmx-LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot-LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""SHA-256 of the files in the packages htmx.org 4.0.1 and uplot 1.6.32."""
PAGE_BYTES_MAX: Final = 120_000
TEMPLATES: Final = sorted((HERE / "templates").rglob("*.html"))
INLINE: Final = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:")


def test_the_vendored_files_are_the_published_ones() -> None:
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (STATIC / "vendored").iterdir()
    }
    assert found == VENDORED


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_template_holds_what_the_policy_blocks(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert INLINE.search(text) is None
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
            assert len(loaded) == 5
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
