"""The running fleet: slots, market data, gateway, supervisor; each a pure step and a Ray shell."""
