"""The agent's log as entries: when, how bad, what, and its fields."""

import datetime
import json


class Entry:
    """One line that the agent wrote; `event` says what happened. `[build]` and `[slot N]` lines are the programs' own, without time and level."""

    def __init__(self, at, level, text, fields):
        self.at, self.level, self.text, self.fields = at, level, text, fields
        self.event = fields.get("event", "")

    def get(self, name):
        return self.fields.get(name, "")


def parse(line):
    """An entry of `HERDSMAN_LOG_FORMAT=json`; of a program's output one without time or level."""
    try:
        said = json.loads(line)
        stamp, level, text = said["timestamp"], said["level"], said["message"]
    except (ValueError, KeyError, TypeError):
        return Entry(None, "", line, {})
    at = datetime.datetime.fromisoformat(stamp.removesuffix("Z")).replace(tzinfo=datetime.timezone.utc).timestamp()
    return Entry(at, level, text, {name: value if isinstance(value, str) else str(value) for name, value in said.items()})


class Tail:
    """Reads what is new in a log from this byte on, whole lines only."""

    def __init__(self, path, since=0):
        self._file = open(path, encoding="utf-8", errors="replace")
        self._file.seek(since)
        self._rest = ""

    def new(self):
        """The entries since the last time."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        return [parse(line) for line in lines]
