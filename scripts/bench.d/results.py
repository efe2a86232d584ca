"""Results: a value with its goal, the single values behind it, and how the table looks."""

import statistics

WIDTHS = (62, 12, 12, 7, 30)


class Result:
    """`value` is judged; lower is better, when there is a goal at all."""

    def __init__(self, name, value, unit, goal=None, values=(), note="", load=None):
        self.name, self.value, self.unit, self.goal = name, value, unit, goal
        self.values, self.note, self.load = list(values), note, load

    @property
    def met(self):
        return None if self.goal is None else self.value <= self.goal

    def as_json(self):
        return {**vars(self), "met": self.met}

    def row(self):
        shown = lambda number: f"{number:.{0 if number >= 1000 else 1 if number >= 100 else 2}f} {self.unit}"  # noqa: E731
        goal = "" if self.goal is None else f"≤ {self.goal:g} {self.unit}"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        return (self.name, shown(self.value), goal, met, self.note)


def of_values(name, values, unit, goal=None, note="", load=None):
    """The median of several, with the range beside it."""
    spread = f"{min(values):.3g} to {max(values):.3g}, n={len(values)}"
    return Result(name, statistics.median(values), unit, goal, values, f"{spread}{'; ' + note if note else ''}", load)


def percentile(values, percent):
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


def table(results):
    rows = [("what", "result", "goal", "met", "range of the values; note"), *(result.row() for result in results)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, WIDTHS)).rstrip() for row in rows)
