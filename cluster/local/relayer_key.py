"""The relayer key of a rehearsal: what a person makes on the venue's page, the sandbox tells."""

from pathlib import Path
from typing import Final

import httpx

from actors.venue.keys import REHEARSAL_RELAYER_KEY
from cluster.errors import SandboxError
from cluster.local.durable_files import write_durably
from cluster.local.sandbox_process import SandboxReady
from cluster.sandbox.signing import address_of

SECONDS: Final = 30.0
"""Wire, for a question to a process on this machine."""


def ensure_relayer_key(ready: SandboxReady, private_key: Path) -> None:
    """Write the relayer key of the throw-away key beside it. Raises `SandboxError`."""
    address = address_of(private_key.read_text(encoding="ascii").strip())
    url = f"{ready.urls['admin_url']}/relayer-key/{address}"
    try:
        answer = httpx.get(url, timeout=SECONDS, trust_env=False)
        key = answer.raise_for_status().json()["key"]
    except (httpx.HTTPError, ValueError, LookupError) as error:
        raise SandboxError(f"the sandbox exchange tells no relayer key: {error!r}") from error
    write_durably(private_key.with_name(REHEARSAL_RELAYER_KEY), f"{key}\n".encode())
