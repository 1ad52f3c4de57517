"""The embedded broker as a process: `python -m volthood_tools.broker.embedded PORT`.

iotcore (rumqttd) knows neither client certificates nor access lists, so it listens on the loopback interface only.
"""

import logging
import sys

from iotcore.iotcore import IotCoreBroker

from volthood_tools.broker.choice import LOOPBACK, MAX_CONNECTIONS, MAX_PACKET_BYTES


def main() -> None:
    """Serve until ended."""
    # rumqttd wraps its routing in spans that arrive as errors, one for every packet.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    broker = IotCoreBroker(
        listen=LOOPBACK,
        port=int(sys.argv[1]),
        max_connections=MAX_CONNECTIONS,
        max_payload_size=MAX_PACKET_BYTES,
    )
    broker.run_forever()


if __name__ == "__main__":
    main()
