"""PID 1 of the website's container: a stop that drops nothing.

gunicorn closes its listener as soon as it is told to stop, while balancers still send. So on
SIGTERM (or SIGINT) the website first turns unready, serves on for LINGER_S seconds, and only
then gunicorn is told; it finishes what is in flight for up to GRACE_S seconds. A second signal
ends the linger. Both together must stay below the container's stop timeout (Docker's: 10 s).
"""

import os
import signal
import sys
import time

STOP = {signal.SIGTERM, signal.SIGINT}
HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib is slow to import)
COMMAND = [
    *(sys.executable, "-m", "gunicorn"),
    *("--config", f"{HERE}/gunicorn.conf.py", "--pythonpath", os.path.dirname(HERE)),  # noqa: PTH120
    "sample_app.website:create_app()",
]


def main() -> int:
    """The exit code of gunicorn; 128 + N where signal N ended it; never 0 if it ended unasked."""
    linger_s = float(os.environ.get("LINGER_S", "0.5"))
    # Blocked signals are kept for sigtimedwait, and are not lost on PID 1, which has no defaults.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP | {signal.SIGCHLD})
    # The website reads the pipe's end as `stop`: no file to clean up, none left by a restart.
    drain_read, drain_write = os.pipe()
    os.set_inheritable(drain_read, True)
    env = os.environ | {"DRAIN_FD": str(drain_read)}
    gunicorn = os.posix_spawn(sys.executable, COMMAND, env, setsigmask=())

    code = wait(gunicorn, STOP)
    if code is None:
        os.close(drain_write)
        code = wait(gunicorn, STOP, linger_s)
    if code is not None:
        return code or 1
    os.kill(gunicorn, signal.SIGTERM)
    return wait(gunicorn, set())


def wait(child: int, stop: set[signal.Signals], timeout_s: float = float("inf")) -> int | None:
    """The child's exit code; None when a signal of `stop` or the timeout came first."""
    deadline = time.monotonic() + timeout_s
    while (code := reap(child)) is None:
        # An hour at a time, as the call takes no infinity.
        left_s = min(max(deadline - time.monotonic(), 0), 3600)
        caught = signal.sigtimedwait(stop | {signal.SIGCHLD}, left_s)
        if (caught and caught.si_signo in stop) or time.monotonic() >= deadline:
            return None
    return code


def reap(child: int) -> int | None:
    """Collects all that ended, orphans too, as nobody but PID 1 can; the child's exit code."""
    code = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        pass
    return 128 - code if code is not None and code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
