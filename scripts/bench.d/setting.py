"""What every measurement starts from: an app in a repository, free ports, an agent of the static release."""

import contextlib
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import time

from herd import children
from herd.agent import Agent

# The smallest program that answers: what is measured is the agent.
APP = """
const http = require('http');
const server = http.createServer((_, response) => response.end('ok'));
server.listen(process.env.PORT);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
"""


class Setting:
    """Where the programs under measurement are, and a directory for everything that comes of them."""

    def __init__(self, binary, cloud, seconds, rounds):
        self.binary, self.cloud, self.seconds, self.rounds = binary, cloud, seconds, rounds
        # Not below TMPDIR: the app's account must be able to get there.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="herdsman-bench-", dir="/tmp"))
        self.dir.chmod(0o755)
        self._homes = 0

    def home(self):
        """A directory for one agent."""
        self._homes += 1
        home = self.dir / str(self._homes)
        home.mkdir()
        return home

    def repository(self, files, size):
        """A repository of the app and so many other files, of text that compresses as text does."""
        path = self.dir / f"app-{files}"
        if path.exists():
            return path
        words, dice = [f"word{n}" for n in range(2000)], random.Random(1)
        (path / "src").mkdir(parents=True)
        (path / "index.js").write_text(APP, encoding="utf-8")
        for n in range(files):
            text = " ".join(dice.choices(words, k=size // 8))
            (path / f"src/file{n}.txt").write_text(text, encoding="utf-8")
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(path), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        for words in (["init", "-q", "-b", "main"], ["add", "--all"], [*who, "commit", "-q", "-m", "the app"]):
            subprocess.run(["git", "-C", str(path), *words], env=env, check=True)
        return path

    @contextlib.contextmanager
    def agent(self, config, workers, home=None, env=None, start=True):
        """An agent on free ports; ended with everything that it started."""
        port, health = free_ports(2)
        common = f'workers.count = {workers}\napp.port = {port}\nhealth.listen = "127.0.0.1:{health}"\nhealth.probe = "/"\n'
        agent = Agent(self.binary, home or self.home(), common + config, env)
        agent.port, agent.health_port = port, health
        try:
            yield agent.start() if start else agent
        finally:
            agent.stop()

    def end(self):
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def plain(repository):
    """One process of the program, as anybody would start it; gives its port."""
    port = free_ports(1)[0]
    env = {"PATH": os.environ.get("PATH", os.defpath), "PORT": str(port), "NODE_ENV": "production"}
    process = children.start(["node", str(repository / "index.js")], env=env)
    try:
        # Long enough for it to listen; wrk would count what fails before.
        time.sleep(1)
        yield port
    finally:
        children.stop(process, 5)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
