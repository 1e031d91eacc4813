"""What every machine of the fleet runs on: one instant, one pump, one table, one backoff.

A machine is a pure `step(state, event, ...) -> (state, effects)`. Its shell says what its effects
mean; `pump.Pump` waits for events and timers, steps, writes, and only then lets effects leave.
"""
