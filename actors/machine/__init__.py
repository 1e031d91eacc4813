"""What every machine of the fleet runs on: one instant, one pump, one table, one backoff.

A machine's rules are a pure `step(state, event, ...) -> (state, effects)`. `pump.Pump` waits for
events and timers, steps, writes, and only then lets effects leave; their answers are events again.
"""
