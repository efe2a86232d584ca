"""How long `/health` takes to answer while the agent fetches and builds, with every core busy with that build.

An idle program on the same machine is asked in turn with it: what that one is late, the machine is late, and not the agent."""

import http.client
import os
import re
import time

import machine
from results import Result, percentile
from setting import plain

# Both cores and the pipe to the agent are kept busy, as by compilers that talk.
BUILD = "node -e 'const end = Date.now() + {ms}; while (Date.now() < end) {{ let n = 0; while (n < 3e6) n++; console.log(n); }}'"
PAUSE = 0.002
PHASE = re.compile(rb'"phase":"([^"]*)"')


def measure(setting):
    seconds = min(15, setting.seconds)
    one = BUILD.format(ms=seconds * 1000)
    build = " & ".join([one] * (os.cpu_count() or 1)) + " & wait"
    source = f'source.git = "file://{setting.repository(3000, 12000)}"\nbuild.run = {toml(build)}\n'
    load = machine.load()
    with plain(setting.repository(300, 4000)) as idle, setting.agent(source, 2) as agent:
        first, answers, others = None, [], []
        while True:
            took, phase = ask(agent.health_port)
            if phase is None:
                # It is not there yet, which is allowed for the first moment only.
                if first is not None or time.time() - agent.started_at > 10:
                    raise RuntimeError(f"/health does not answer; the agent's log: {agent.log_path}")
                continue
            if first is None:
                first = time.time() - agent.started_at
            if phase not in ("identifying", "fetching", "building"):
                break
            answers.append((phase, took * 1000))
            others.append((phase, ask(idle)[0] * 1000))
            time.sleep(PAUSE)
    load = max(load, machine.load())
    yield Result("start of the process to the first answer of /health", first * 1000, "ms", None, [first * 1000], "", load)
    for phase in ("fetching", "building"):
        mine = [took for of, took in answers if of == phase]
        idles = [took for of, took in others if of == phase]
        if mine:
            yield tail(f"/health while {phase}, p99", mine, 10, load)
            yield tail(f"an idle program asked in turn with it while {phase}, p99", idles, None, load)


def tail(name, values, goal, load):
    """The 99th percentile, with the middle and the worst beside it."""
    note = f"p50 {percentile(values, 50):.2f}, max {max(values):.2f} ms, n={len(values)}"
    return Result(name, percentile(values, 99), "ms", goal, values, note, load)


def ask(port):
    """How long one answer took on a connection of its own, and the phase in it, if any; twice None when nobody listens."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health")
        body = connection.getresponse().read()
    except ConnectionRefusedError:
        return None, None
    finally:
        connection.close()
    took = time.perf_counter() - began
    phase = PHASE.search(body)
    return took, phase[1].decode() if phase else ""


def toml(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
