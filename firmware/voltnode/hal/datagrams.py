"""UDP to one address: the same socket on the board, on the unix port and on CPython."""

import socket


class UdpPort:
    """A connected UDP socket: what others send to it, it does not hear. See `voltnode.hal.Datagrams`."""

    def __init__(self, host: str, port: int) -> None:
        address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(address)
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        """See `Datagrams`."""
        self._socket.send(data)

    def receive(self, most: int) -> "bytes | None":
        """See `Datagrams`."""
        try:
            return self._socket.recv(most)
        except OSError as error:
            if error.errno not in (11, 35, 110, 116):
                raise
            return None

    def close(self) -> None:
        """See `Datagrams`."""
        self._socket.close()
