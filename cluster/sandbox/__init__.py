"""The sandbox exchange: the outside world on loopback, with arithmetic of its own.

It imports nothing of the fleet, so that an error in the fleet's units, fees or clocks cannot hide
behind the same error here. Prices and makers are invented: its P&L means nothing.
"""
