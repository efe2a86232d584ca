"""Who listens on a port of this machine. As a program: fails and says who has it, when one of its arguments is taken.

    python3 ports.py 3000=--port 4373=--health-port
"""

import os
import socket
import sys


def taken(port):
    """Whether the port cannot be had on every address of this machine."""
    with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET) as probe:
        if probe.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Connections of an earlier run that are still in TIME_WAIT do no harm.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError:
            return True
    return False


def owner(port):
    """Pid and command line of who listens there, as far as this user may know."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
            if links & sockets:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as cmdline:
                    return f"pid {pid} ({cmdline.read().replace(chr(0), ' ').strip()[:100]})"
        except OSError:
            continue  # it has ended, or is another user's
    return "a program that this user may not look at" if sockets else "a program that does not listen there (yet)"


def _listening(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
        except OSError:
            continue
        # 0A is TCP_LISTEN.
        yield from (row[9] for row in rows if row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == port)


def main():
    failed = False
    for word in sys.argv[1:]:
        port, flag = word.split("=")
        if taken(int(port)):
            failed = True
            print(f"port {port} is taken by {owner(int(port))}: end it, or choose another with {flag} N", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
