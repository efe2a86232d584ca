"""How quick the agent is where nothing else is to be waited for: at its own start, and when a worker has crashed."""

import os
import signal
import time

import machine
from results import of_values

STARTS = 10
WORKERS = 8


def start(setting):
    """From the start of the process to the last worker's exec, less fetching and building. The release is there already."""
    source = f'source.git = "file://{setting.repository(300, 4000)}"\n'
    home, whole, own, load = setting.home(), [], [], machine.load()
    for n in range(STARTS + 1):
        with setting.agent(source, WORKERS, home=home) as agent:
            agent.await_phase("in-service")
            entries = agent.tail().new()
        last = max(entry.at for entry in entries if entry.event == "worker-started")
        began = {entry.get("phase"): entry.at for entry in entries if entry.event == "phase"}
        # The first one fetches and builds, and finds nothing in the page cache.
        if n > 0:
            whole.append((last - agent.started_at) * 1000)
            own.append(whole[-1] - (began["starting"] - began["fetching"]) * 1000)
    load = max(load, machine.load())
    yield of_values(f"own start to the exec of worker {WORKERS} of {WORKERS}", own, "ms", 50, "less resolving the source", load)
    yield of_values("the same with resolving the source", whole, "ms", None, "", load)


def crash(setting):
    """From kill -9 to the exec of the replacement. It is the first failure of its slot, for which nobody waits."""
    source = f'source.git = "file://{setting.repository(300, 4000)}"\n'
    values, load = [], machine.load()
    for _ in range(setting.rounds):
        with setting.agent(source, WORKERS) as agent:
            agent.await_phase("in-service")
            killed = {}
            for worker in agent.status()["workers"]:
                killed[str(worker["slot"])] = time.time()
                os.kill(worker["pid"], signal.SIGKILL)
                slot = str(worker["slot"])
                agent.await_entry(lambda entry: entry.event == "worker-ready" and entry.get("slot") == slot and entry.at > killed[slot])
            entries = agent.tail().new()
            if any(entry.get("retry_in_ms") != "0" for entry in entries if entry.event == "worker-ended"):
                raise RuntimeError(f"a first failure had to wait; the agent's log: {agent.log_path}")
            second = [entry for entry in entries if entry.event == "worker-started" and entry.get("generation") == "2"]
            values += [(entry.at - killed[entry.get("slot")]) * 1000 for entry in second]
    yield of_values("kill -9 of a worker to the exec of its replacement", values, "ms", 10, "", max(load, machine.load()))
