"""The stage: one cloud, one agent and their timeline in a directory of their own, all gone at the end."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from herd.agent import Agent
from herd.cloud import LocalCloud
from timeline import Timeline

# The balancer lets go of the instance in so many seconds; new requests come for all of them but the last.
LETS_GO = 6.0
MIGRATE = pathlib.Path("/proc/sys/net/ipv4/tcp_migrate_req")


class Demo:
    """One cloud, one agent, one timeline."""

    def __init__(self, options):
        self.options = options
        # Not below TMPDIR: the app's account must be able to get there.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="herdsman-demo-", dir="/tmp"))
        self.dir.chmod(0o755)
        self.agent = self.cloud = self.timeline = None
        # The agent may switch this on, for the whole machine; the demo leaves the machine as it was.
        self.migrate = MIGRATE.read_text() if os.access(MIGRATE, os.W_OK) else None

    def start(self):
        app = self.dir / "app"
        repository(self.options.app, app)
        user_data = self.dir / "user-data"
        # Nothing tells an agent on its own that a balancer has let go, so it would wait a minute when Ctrl-C ends the demo.
        lifecycle = '[lifecycle]\nunready_wait = "1s"\n'
        user_data.write_text(f'#!/usr/local/bin/herdsman up\n[source]\ngit = "file://{app}"\nref = "main"\n{lifecycle}')
        self.cloud = LocalCloud(
            self.options.cloud, "--user-data", str(user_data), "--drain", str(LETS_GO), log=self.dir / "cloud.log"
        )
        workers = max(2, os.cpu_count() or 1)
        ports = f'[app]\nport = {self.options.port}\n[health]\nlisten = "127.0.0.1:{self.options.health_port}"\nprobe = "/"\n'
        config = f"{ports}[workers]\ncount = {workers}\n"
        self.agent = Agent(self.options.binary, self.dir, config, self.cloud.env).start()
        self.timeline = Timeline(self.agent, self.cloud)

    def watch(self, until, within):
        """Shows what happens until `until()` holds. False when time is up."""
        deadline = time.monotonic() + within
        while True:
            self.timeline.look(time.time())
            if until():
                return True
            if "failed" in self.timeline.phases:
                raise RuntimeError("the instance failed, and the reason stands above")
            if self.agent.child.poll() is not None:
                raise RuntimeError(f"the agent ended by itself, with {self.agent.child.returncode}")
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)

    def watch_for(self, what, until, within):
        if not self.watch(until, within):
            raise RuntimeError(f"it never came within {within:.0f} s: {what}")

    def in_service(self):
        return self.timeline.history[-1:] == ["InService"] and "in-service" in self.timeline.phases

    def end(self):
        """Ends everything that was started, the workers first. Gives the agent's exit code."""
        code = self.agent.stop() if self.agent else None
        if self.cloud:
            self.cloud.stop()
        if self.migrate is not None:
            MIGRATE.write_text(self.migrate)
        return code


def repository(source, target):
    """A git repository with the demo app in it, as its author would have it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules"))
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(target), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    who = ["-c", "user.name=demo", "-c", "user.email=demo@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "--all"], [*who, "commit", "-q", "-m", "the demo app"]):
        subprocess.run(["git", "-C", str(target), *words], env=env, check=True)
