"""A person's own live configuration: the shipped file with operator's key and wallet. Pure."""

from typing import Final

import msgspec

GATE: Final = '# operator_keys = { you = "..." }   # `midstride gate key` prints this line'
WALLET: Final = '# wallet = "0x..."              # whose money it is, from the venue\'s page'
KEY: Final = '# private_key_file = "/..."     # its key, readable by you only (chmod 600)'


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """What the shipped file cannot know."""

    name: str
    operator_public_key: str
    wallet: str | None = None
    key_file: str | None = None


def live_text(shipped: str, owner: Owner) -> str:
    """Return the shipped text with the owner's lines in place of those that stand in for them."""
    lines = {GATE: f'operator_keys = {{ {_text(owner.name)} = "{owner.operator_public_key}" }}'}
    if owner.wallet is not None:
        lines[WALLET] = f"wallet = {_text(owner.wallet)}"
    if owner.key_file is not None:
        lines[KEY] = f"private_key_file = {_text(owner.key_file)}"
    for line, own in lines.items():
        assert line in shipped, line
        shipped = shipped.replace(line, own)
    return shipped


def _text(value: str) -> str:
    """Write a text as TOML does."""
    return msgspec.json.encode(value).decode()
