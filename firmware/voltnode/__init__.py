"""The meter node: MicroPython for the ESP32, unchanged on the unix port, which is the virtual board."""
