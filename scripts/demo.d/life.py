"""The life of one instance on this machine, shown as it happens: see scripts/demo, which calls this with everything built."""

import argparse
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

import acts  # noqa: E402
import screen  # noqa: E402
from herd import children  # noqa: E402
from stage import Demo  # noqa: E402

# `npm ci` asks the registry, which may be slow.
UP_WITHIN = 300.0


def options():
    parser = argparse.ArgumentParser()
    for name in ("binary", "cloud", "app"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    for name in ("port", "health-port"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--life", action="store_true")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def show(demo):
    """The whole thing. Gives the checks, for --life."""
    screen.head("herd")
    demo.start()
    demo.watch_for("in service", demo.in_service, UP_WITHIN)
    demo.watch(lambda: False, 0.3)
    if demo.options.life:
        return acts.rest_of_life(demo)
    acts.invite(demo)
    try:
        demo.watch(lambda: False, float("inf"))
    except KeyboardInterrupt:
        screen.say("\nending")
    return []


def main():
    def asked_to_end(signum, _frame):
        raise SystemExit(128 + signum)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, asked_to_end)
    # A shell that starts us in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = Demo(options())
    checks, code = [], 1
    try:
        checks = show(demo)
        code = 0
    except KeyboardInterrupt:
        code = 130
    except SystemExit as asked:
        code = asked.code
    except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
        demo.timeline and demo.timeline.show()
        screen.say(screen.paint(f"demo: {problem}", "bad"))
    finally:
        # From here on nothing interrupts the tidying.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        agent_code = demo.end()
        if code == 0:
            left = children.of_directory(demo.dir)
            checks.append((agent_code == 0 and not left, f"the agent ended with {agent_code}, and left {len(left)} processes behind"))
            code = report(checks)
        asked_for = code == 0 or code > 128
        if asked_for and not demo.options.keep:
            shutil.rmtree(demo.dir, ignore_errors=True)
        else:
            screen.say(f"logs: {demo.agent.log_path if demo.agent else demo.dir}")
    return code


def report(checks):
    screen.say()
    for good, text in checks:
        screen.say(f"  {screen.paint('ok    ', 'good') if good else screen.paint('FAILED', 'bad')}  {text}")
    return 0 if all(good for good, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
