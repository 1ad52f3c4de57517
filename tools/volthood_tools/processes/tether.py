"""Run a command that dies with its parent, whatever ends the parent: `tether.py PARENT_PID COMMAND...`.

A parent that is killed with signal 9 cannot tidy up, so the kernel does: each child asks it for SIGKILL at the parent's
end (prctl(2), PR_SET_PDEATHSIG, which survives exec). The kernel means the *thread* that started the child, so a
supervisor starts all children from one thread that lives as long as they do.

Run as a file by a bare interpreter (`python -I -S`), to start as fast as it can: it imports nothing of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"tether: prctl: {os.strerror(ctypes.get_errno())}")
    # MicroPython opens a meter's pty without O_NOCTTY: a child that leads a session would be hung up when the meter ends.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.getppid() != parent:
        sys.exit("tether: the parent was gone before its child began")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"tether: {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
