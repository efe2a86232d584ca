"""The machine as it is: what it has, how busy it is, and what a process takes of it."""

import os
import platform
import re
import time


def facts():
    cpu = re.search(r"^model name\s*: (.*)$", _read("/proc/cpuinfo"), re.M)
    return {
        "cores": os.cpu_count(),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory_mb": int(re.search(r"MemTotal: +(\d+)", _read("/proc/meminfo"))[1]) // 1024,
        "kernel": platform.release(),
    }


def load():
    """The load average of the last minute: others may be at work here."""
    return round(os.getloadavg()[0], 1)


def memory_kb(pid):
    """Rss and Pss (/proc/PID/smaps_rollup), what of it is the process's own and anonymous, and the most it ever was, in kB."""
    rollup, status = _read(f"/proc/{pid}/smaps_rollup"), _read(f"/proc/{pid}/status")
    field = lambda name, text: int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])  # noqa: E731
    return {
        "rss": field("Rss", rollup),
        "pss": field("Pss", rollup),
        "anonymous": field("Anonymous", rollup),
        "most": field("VmHWM", status),
    }


def cpu_seconds(pid):
    """Time on a processor so far, of all its threads, those that have ended too: the process's own clock (clock_getcpuclockid(3)).
    utime and stime of /proc/PID/stat say the same, but in ticks of 10 ms."""
    return time.clock_gettime((~pid << 3) | 2)


def _read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
