"""The local cloud (tests/local_cloud): an Auto Scaling group with one instance, and the control API to look at it and to push it."""

import json
import subprocess
import time
import urllib.request

from . import children

# No proxy of this machine may stand between us and loopback.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LocalCloud:
    """Starts the emulator and launches one instance."""

    def __init__(self, binary, *arguments, log=None):
        self.log = open(log, "ab") if log else None
        self.child = children.start([str(binary), "--launch", *arguments], stdout=subprocess.PIPE, stderr=self.log)
        up = json.loads(self.child.stdout.readline() or "null")
        if up is None:
            raise RuntimeError(f"the local cloud did not start: {log}")
        self.launched_at = time.time()
        self.control, self.group = up["control_url"], up["group"]
        self.instance, self.env = up["instance"]["id"], up["instance"]["env"]

    def member(self):
        """How the group sees the instance."""
        return self._ask("GET", f"/instances/{self.instance}")

    def await_state(self, state, within):
        """Waits until the group has the instance in this state."""
        return self._ask("GET", f"/instances/{self.instance}?state={state}&within={within}", within + 10)

    def calls(self, action):
        """The calls of one action of the Auto Scaling API so far."""
        return [call for call in self._ask("GET", "/calls") if call["action"] == action]

    def terminate(self):
        """Scales the instance in."""
        self._ask("POST", f"/instances/{self.instance}/terminate")

    def terminate_command(self):
        """The same for people."""
        return f"curl -X POST {self.control}/instances/{self.instance}/terminate"

    def stop(self):
        children.stop(self.child, 5.0)
        if self.log:
            self.log.close()

    def _ask(self, method, path, timeout=10.0):
        request = urllib.request.Request(self.control + path, method=method)
        with _opener.open(request, timeout=timeout) as answer:
            return json.load(answer)
