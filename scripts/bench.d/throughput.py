"""The same program under herdsman and by itself, in turn, round by round: what sharing a port brings, and what being watched costs."""

import re
import statistics
import subprocess

import machine
from results import Result, of_values
from setting import plain

SECONDS = 4
ROUNDS = 5
LOADS = {"keep-alive": ["-c64"], "a connection each": ["-c16", "-H", "Connection: close"]}


def measure(setting):
    repository = setting.repository(300, 4000)
    source = f'source.git = "file://{repository}"\n'
    errors, busy = 0, machine.load()
    with setting.agent(source, 2) as two, setting.agent(source, 1) as one, plain(repository) as port:
        for agent in (two, one):
            agent.await_phase("in-service")
        ports = {"2 workers": two.port, "1 worker": one.port, "plain": port}
        found = {(who, load): [] for who in ports for load in LOADS}
        for _ in range(ROUNDS):
            for load, options in LOADS.items():
                for who, where in ports.items():
                    rate, wrong = wrk(where, options)
                    found[who, load].append(rate)
                    errors += wrong
    busy = max(busy, machine.load())
    for load in LOADS:
        for who in ("2 workers", "1 worker"):
            # Others take their share of the machine: only what was measured side by side can be compared.
            ratios = [a / b for a, b in zip(found[who, load], found["plain", load])]
            rates = f"{statistics.median(found[who, load]):.0f} to {statistics.median(found['plain', load]):.0f} a second"
            yield of_values(f"throughput, {load}: {who} to a plain process", ratios, "×", None, rates, busy)
    yield Result("requests that failed meanwhile", errors, "", 0, [], "", busy)


def wrk(port, options):
    """Requests a second, and how many of them went wrong."""
    command = ["wrk", "-t1", f"-d{SECONDS}s", *options, f"http://127.0.0.1:{port}/"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wrong = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", told)))
    wrong += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", told)))
    return float(re.search(r"Requests/sec: +([\d.]+)", told)[1]), wrong
