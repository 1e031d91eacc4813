"""A module that the actor class of older releases names in its pickle; see `gateway.loop`."""

from actors.gateway.loop import GatewayLoop as Desk

__all__ = ["Desk"]
