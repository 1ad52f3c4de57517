"""Enrolment: a board on a serial cable learns whose meter it is, and its agent learns the board's key."""
