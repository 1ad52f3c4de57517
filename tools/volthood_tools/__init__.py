"""Flashing, enrolling, the console, simulators and benchmarks: what installers, technicians and developers run."""
