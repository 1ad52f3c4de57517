"""Benchmarks: figures beside the marks of the design, with seed and raw values, so that anyone can judge.

Areas register in `areas.py`, marks stand in `../marks.toml`. A benchmark is never a timed test.
"""
