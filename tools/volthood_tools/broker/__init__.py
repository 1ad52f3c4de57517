"""A broker for demonstrations and tests: mosquitto where it is installed, else one that pip installs. Loopback only."""
