"""The terminal: rows of the timeline, colours where they are wanted (https://no-color.org)."""

import os
import sys

_COLOURS = {"good": "32", "soso": "33", "bad": "31", "dim": "2", "bold": "1"}
_PAINT = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
_AGENT = 55


def paint(text, mood):
    return f"\x1b[{_COLOURS[mood]}m{text}\x1b[0m" if _PAINT and mood else text


def say(text=""):
    print(text, flush=True)


def head(group):
    say(paint(f"{'launch +':>9}  {'took':>7}  {'the instance':<{_AGENT}}  the group {group}", "bold"))


def row(since, took, agent, group, mood):
    took = "" if took is None else f"{took:.2f} s"
    agent = f"{agent:<{_AGENT}}" if group else agent
    line = f"{since:>7.2f} s  {took:>7}  {paint(agent, mood)}"
    say(f"{line}  {paint(group, mood)}".rstrip() if group else line)
