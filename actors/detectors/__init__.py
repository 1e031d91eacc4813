"""Detectors of silent failure, each a pure function of what was seen.

So their false alarms can be counted before they are believed: `python -m tests.bench.detectors`.
`actors.detectors.policy` says what each leads to.

| detector | watches | found within | false alarms |
|---|---|---|---|
| uniformity, disk | digests that run, files, plan | one look (5 s) | exact: none |
| deployed | releases, parameters that decide nothing | two decision points | exact: none |
| outcome | outcome minus price, by release | 60 cycles, 91 to 80 % | below 1 in 12.5 days |
| decision_mix | shares of trades and refusals | measured | below 1 in 12.5 days |
| input_drift | inputs against their day, each other | measured | measured |
| shadow | differing more than declared | one, or measured | below 1 in 100 rolls |
"""
