"""One agent with directories of its own, started and asked as anybody would."""

import json
import os
import pathlib
import shlex
import subprocess
import time

from . import agentlog, children


class Agent:
    """`herdsman run` in `home`, with this configuration and these variables beside the bare minimum."""

    def __init__(self, binary, home, config, env=None):
        self.binary, self.home = str(binary), pathlib.Path(home)
        self.log_path = self.home / "agent.log"
        self.own = {f"HERDSMAN_{name.upper()}_DIR": str(self.home / name) for name in ("state", "run", "config")}
        self.env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.home), "HERDSMAN_LOG_FORMAT": "json", **self.own, **(env or {})}
        (self.home / "config").mkdir(parents=True, exist_ok=True)
        (self.home / "config/herdsman.toml").write_text(config, encoding="utf-8")
        self.child = None
        self.started_at = None
        self._log_began = 0

    def start(self):
        with open(self.log_path, "ab") as log:
            self._log_began = log.tell()
            self.started_at = time.time()
            self.child = children.start([self.binary, "run"], env=self.env, stdout=log, stderr=log)
        return self

    @property
    def pid(self):
        return self.child.pid

    def tail(self):
        """What it writes from its start on."""
        return agentlog.Tail(self.log_path, self._log_began)

    def status(self):
        """`herdsman status --json`; None while nobody answers."""
        asked = subprocess.run([self.binary, "status", "--json"], env=self.env, capture_output=True, check=False, timeout=20)
        return json.loads(asked.stdout) if asked.stdout else None

    def await_entry(self, holds, within=120.0):
        """The first log entry of which this holds; TimeoutError with the end of the log if none comes."""
        until = time.monotonic() + within
        tail = self.tail()
        while time.monotonic() < until:
            for entry in tail.new():
                if holds(entry):
                    return entry
            if self.child.poll() is not None:
                raise RuntimeError(f"the agent ended with {self.child.returncode}; its log: {self.log_path}")
            time.sleep(0.02)
        raise TimeoutError(f"it never came within {within:.0f} s; the agent's log: {self.log_path}")

    def await_phase(self, phase, within=120.0):
        return self.await_entry(lambda entry: entry.event == "phase" and entry.get("phase") == phase, within)

    def command(self, *words):
        """A command line for people, that asks this agent."""
        pairs = [f"HERDSMAN_RUN_DIR={shlex.quote(self.own['HERDSMAN_RUN_DIR'])}"]
        return " ".join([*pairs, shlex.quote(self.binary), *words])

    def stop(self, within=30.0):
        """Ends it and whatever is left of its workers. Gives its exit code, None if it never ran."""
        if self.child is None:
            return None
        try:
            return children.stop(self.child, within)
        finally:
            children.kill_of_directory(self.home)
