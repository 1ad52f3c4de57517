"""The rules: units, tariffs, readings, forecasts, market, settlement, billing. No I/O, no clock, no randomness, no logging."""
