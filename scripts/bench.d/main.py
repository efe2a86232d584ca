"""All measurements, one after the other; see scripts/bench, which calls this with everything built."""

import argparse
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

import health  # noqa: E402
import machine  # noqa: E402
import quickness  # noqa: E402
import rest  # noqa: E402
import throughput  # noqa: E402
from results import Result, table  # noqa: E402
from setting import Setting  # noqa: E402


def size(setting):
    """The static release, stripped."""
    yield Result("static binary", setting.binary.stat().st_size / 1024 / 1024, "MB", 12, [], str(setting.binary.name), machine.load())


PARTS = {
    "size": size,
    "start": quickness.start,
    "crash": quickness.crash,
    "health": health.measure,
    "throughput": throughput.measure,
    "rest": rest.measure,
}


def options():
    parser = argparse.ArgumentParser()
    for name in ("binary", "cloud", "json"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(PARTS))
    return parser.parse_args()


def main():
    # As with Ctrl-C: everything that was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asked = options()
    setting = Setting(asked.binary, asked.cloud, asked.seconds, asked.rounds)
    results, code = [], 0
    facts = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **machine.facts(), "load": machine.load()}
    try:
        for name in asked.only or PARTS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            results += PARTS[name](setting)
        setting.end()
    except (RuntimeError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    print(f"{facts['at']}, {facts['cores']} cores ({facts['cpu']}), Linux {facts['kernel']}, load average {facts['load']} at the beginning")
    print(table(results))
    asked.json.write_text(json.dumps({**facts, "results": [result.as_json() for result in results]}, indent=1) + "\n", encoding="utf-8")
    print(f"all values: {asked.json}")
    return code


if __name__ == "__main__":
    sys.exit(main())
