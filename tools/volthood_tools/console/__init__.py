"""The serial cable to a node: a locked port, questions with JSON answers, and a terminal for people."""
