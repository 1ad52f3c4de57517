"""What either interpreter makes of SNTP answers in a file of hex lines."""

import sys

from voltnode.sntp import TimeRefusedError, time_of

with open(sys.argv[1]) as file:
    for line in file:
        try:
            data = bytes.fromhex(line.strip())
            print(time_of(data, bytes.fromhex(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
        except TimeRefusedError as error:
            print(error.reason)
print("done")
