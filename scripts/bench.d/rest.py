"""Memory and processor time of an agent at rest, with 8 workers: on any machine, and as an instance of a group."""

import time

import machine
from herd.cloud import LocalCloud
from results import of_values

WORKERS = 8


def measure(setting):
    source = f'source.git = "file://{setting.repository(3000, 12000)}"\n'
    alone, grouped = Series(), Series()
    load = machine.load()
    for _ in range(setting.rounds):
        cloud = LocalCloud(setting.cloud)
        try:
            with setting.agent(source, WORKERS) as first, setting.agent(source, WORKERS, env=cloud.env) as second:
                for agent in (first, second):
                    agent.await_phase("in-service")
                cloud.await_state("InService", 60)
                # What is done once at the end of a start is not rest.
                time.sleep(3)
                before = [machine.cpu_seconds(agent.pid) for agent in (first, second)]
                began = time.monotonic()
                time.sleep(setting.seconds)
                took = time.monotonic() - began
                for series, agent, used in zip((alone, grouped), (first, second), before):
                    series.take(machine.memory_kb(agent.pid), (machine.cpu_seconds(agent.pid) - used) / took * 100)
        finally:
            cloud.stop()
    load = max(load, machine.load())
    yield from alone.results("no cloud", setting.seconds, load)
    yield from grouped.results("in a group", setting.seconds, load)


class Series:
    """The values of one kind of agent, a round each."""

    def __init__(self):
        self.memory, self.cpu = [], []

    def take(self, memory, cpu):
        self.memory.append(memory)
        self.cpu.append(cpu)

    def results(self, kind, seconds, load):
        of = lambda name: [memory[name] / 1024 for memory in self.memory]  # noqa: E731
        own = max(of("anonymous"))
        note = f"Pss {max(of('pss')):.1f}, anonymous {own:.1f}, most ever {max(of('most')):.1f} MB"
        yield of_values(f"RSS with {WORKERS} workers, {kind}", of("rss"), "MB", 12, note, load)
        yield of_values(f"processor at rest with {WORKERS} workers, {kind}", self.cpu, "%", 0.1, f"over {seconds} s", load)
