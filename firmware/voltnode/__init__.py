"""The meter node: MicroPython for the ESP32, unchanged on the unix port, which is the virtual board."""

VERSION = "0.1.0"
"""That of the distribution; a test compares the two."""
