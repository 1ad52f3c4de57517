"""Orchestration without I/O: `handle(event, now_s) -> commands`. The same engine runs on a Pi, in a test, in a simulation."""
