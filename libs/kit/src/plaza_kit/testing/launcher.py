"""Become another program that dies with the process that started it.

Run as a script: `python -I -S launcher.py PARENT_PID PROGRAM ARGUMENT...`. It asks the kernel to be killed when its
parent goes away, however that happens, and then turns into PROGRAM; the request survives the exec. Only Linux offers
this, elsewhere the script is nothing but the exec. A program of its own rather than a `preexec_fn`, because Python
code between fork and exec is not safe in a parent with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Bind this process' life to its parent's and exec the program named by the arguments."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was in force
            sys.exit(1)
    try:
        os.execv(program[0], program)
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
