"""Programs that end when we do, whatever happens to us."""

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def start(argv, **options):
    """Starts a program in a session of its own, so that Ctrl-C reaches us alone and we decide on the order."""
    parent = os.getpid()

    def die_with_us():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_us, **options)


def stop(child, within):
    """SIGTERM, and SIGKILL when that was not enough. Gives the exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(within)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def of_directory(directory):
    """The pids of all workers and builds of an agent whose state is in this directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environ = file.read()
        except OSError:
            continue  # it has ended, or is another user's
        if b"HERDSMAN_WORKER=" in environ and str(directory).encode() in environ:
            found.append(int(pid))
    return found


def kill_of_directory(directory):
    """Ends what an agent that was killed has left behind."""
    for pid in of_directory(directory):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass  # it has ended meanwhile
