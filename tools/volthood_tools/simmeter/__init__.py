"""Simulated electricity meters: a Modbus RTU server on ptys or serial ports, driven by series of power.

What a register shows is a pure function of calendar time and the series. So a meter that is started again goes on as if
nothing had been, and two meters with the same settings never differ.

`series` integrates the power, `quantities` makes the rest of the electricity up around it, `registers` puts values into
words by the node's own meter tables, `answering` is the one module that knows pymodbus, `ports` moves the bytes.
"""
