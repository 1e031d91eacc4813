"""A module that the actor class of older releases names in its pickle; see `gateway.session`."""

from actors.gateway.session import Session as GatewayLife

__all__ = ["GatewayLife"]
