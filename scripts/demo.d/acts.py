"""What is done to the instance while the timeline runs, and what people can do to it."""

import os
import signal
import threading
import time

import screen
import verdict
from stage import LETS_GO
from traffic import Traffic


def kill_one(demo):
    """kill -9 to a worker in the middle of it. Gives when that began and when the worker was gone, and waits for its replacement."""
    worker = demo.agent.status()["workers"][0]
    pid, slot, begun = worker["pid"], str(worker["slot"]), time.time()
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.001)
    gone = time.time()
    demo.timeline.note(begun, f"$ kill -9 {pid}    (worker {slot}, whatever it has in hand)")

    def replaced():
        is_next = lambda entry: entry.event == "worker-ready" and entry.get("slot") == slot and entry.at > begun  # noqa: E731
        return any(is_next(entry) for entry in demo.timeline.entries) and demo.timeline.phases[-1] == "in-service"

    demo.watch_for("the killed worker's replacement", replaced, 60)
    return begun, gone


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def rest_of_life(demo):
    """Requests all the while, a crash, and the end of the instance. Gives the checks."""
    never = lambda: False  # noqa: E731
    traffic = Traffic(demo.options.port)
    demo.timeline.note(time.time(), "requests come, and go on coming")
    traffic.start()
    demo.watch(never, 2)
    # One of these, most likely, is in the hands of the worker that is killed.
    traffic.also("/slow?ms=1500", 4)
    demo.watch(never, 0.3)
    killing = kill_one(demo)
    demo.watch(never, 2)
    demo.timeline.note(time.time(), f"$ {demo.cloud.terminate_command()}")
    demo.cloud.terminate()
    # A balancer's nodes learn of it one after the other, so requests still come; the last ones take longer than the balancer waits.
    demo.watch(never, LETS_GO - 1.5)
    traffic.also("/slow?ms=4000", 2)
    demo.watch(never, 0.5)
    stopping = threading.Thread(target=traffic.no_new_ones)
    stopping.start()
    demo.watch(lambda: not stopping.is_alive(), 10)
    demo.timeline.note(time.time(), f"{traffic.sent()} requests so far; no new ones; {len(traffic.under_way())} long ones are being answered")
    demo.watch_for("released", lambda: demo.timeline.phases[-1] == "released" and demo.timeline.history[-1] == "Terminated", 60)
    traffic.await_answers()
    demo.watch(never, 0.3)
    return [*verdict.phases(demo.timeline), *verdict.hooks(demo.cloud), *verdict.requests(traffic, killing)]


def invite(demo):
    port, health = demo.options.port, demo.options.health_port
    screen.say()
    screen.say(f"Try   http://127.0.0.1:{port}   http://127.0.0.1:{port}/slow?ms=3000   http://127.0.0.1:{health}/health")
    screen.say(f"      {demo.agent.command('status')}")
    screen.say("Kill a worker with -9 and see. Scale the instance in, as the group would:")
    screen.say(f"      {demo.cloud.terminate_command()}")
    screen.say(f"The log of the agent and its workers: {demo.agent.log_path}")
    screen.say(screen.paint("Ctrl-C ends everything.", "bold") + " `scripts/demo --life` shows the rest of its life by itself.")
    screen.say()
