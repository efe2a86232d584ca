"""What happens, in the order in which it happened: the agent's log beside the group's own history, as it comes."""

import screen

# So long a row waits for others that happened before it.
SETTLE = 0.15
_PHASES = {
    "draining": "draining: /health says 503, and serves on what comes",
    "drained": "drained: no worker is left",
    "released": "released: the group knows, and the machine may go",
}


class Timeline:
    """Collects rows from both sides; `show` prints those that are old enough."""

    def __init__(self, agent, cloud):
        self.agent, self.cloud = agent, cloud
        self.entries, self.phases, self.history = [], [], []
        self._tail = agent.tail()
        self._rows, self._began, self._detail = [], {"agent": agent.started_at}, ""

    def look(self, now):
        """Takes in what is new and prints what has settled."""
        for entry in self._tail.new():
            self.entries.append(entry)
            self._hear(entry)
        member = self.cloud.member()
        first = member["history"][0][0]
        for at, state in member["history"][len(self.history) :]:
            self.history.append(state)
            self._rows.append((self.cloud.launched_at + at - first, None, "", self._group(state, member), None))
        self.show(now - SETTLE)

    def note(self, at, text, mood="bold"):
        """A row of our own: what the demo does to the instance."""
        self._rows.append((at, None, text, "", mood))

    def show(self, until=float("inf")):
        due = sorted((row for row in self._rows if row[0] <= until), key=lambda row: row[0])
        self._rows = [row for row in self._rows if row[0] > until]
        for at, took, agent, group, mood in due:
            screen.row(at - self.cloud.launched_at, took, agent, group, mood)

    def _group(self, state, member):
        if state.endswith(":Wait"):
            hook = "boot" if state.startswith("Pending") else "drain"
            return f"{state} (hook {hook})"
        if state == "InService":
            return "InService (has a balancer)"
        if state == "Terminating":
            return "Terminating (it lets go)"
        return state

    def _hear(self, entry):
        if entry.at is None:
            if entry.text.startswith("[build]") and "→" in entry.text:
                self._detail = entry.text.split("→", 1)[1].strip()
            return
        told = self._tell(entry)
        if told is not None:
            took, text, mood = told
            self._rows.append((entry.at, took, text, "", mood))

    def _since(self, name, entry):
        began = self._began.get(name)
        return None if began is None else max(0.0, entry.at - began)

    def _tell(self, entry):
        get, event = entry.get, entry.event
        if event == "phase":
            return self._tell_phase(entry)
        if event == "start":
            return self._since("agent", entry), f"herdsman {get('version')} starts; /health answers from now on", None
        if event == "identified":
            return self._since("agent", entry), f"metadata: {get('instance')}, {get('type')}, {get('zone')}", None
        if event == "fetched":
            return self._since("fetching", entry), f"release {get('release')} fetched from git", None
        if event == "built":
            return self._since("building", entry), f"release built: {self._detail}", None
        if event == "workers":
            return None, f"{get('workers')} × `{get('command')}` on port {get('port')}", None
        if event == "worker-ready":
            return int(get("after_ms")) / 1000, f"worker {get('slot')} ready, pid {get('pid')}", None
        if event == "worker-started" and get("generation") != "1":
            return None, f"worker {get('slot')} started again, pid {get('pid')}", None
        if event == "worker-ended":
            return None, f"worker {get('slot')} ended: {get('why').split(';')[0].splitlines()[0]}", "soso"
        if event == "hook-completed":
            return None, f"hook {get('hook')} completed: {get('result')}", "good"
        if event == "reason" and get("phase") == "draining":
            return None, "the workers were asked to end, and finish what they have", "soso"
        if entry.level in ("WARN", "ERROR") and event != "reason":
            return None, entry.text.splitlines()[0], "bad"
        return None

    def _tell_phase(self, entry):
        phase, was = entry.get("phase"), entry.get("was")
        self.phases.append(phase)
        self._began[phase] = entry.at
        if phase == "in-service":
            return self._since("starting" if was == "starting" else was, entry), "in service: every worker is ready", "good"
        if phase == "degraded":
            return None, "degraded: fewer workers than wanted", "soso"
        if phase == "failed":
            return None, f"failed: {entry.get('reason').splitlines()[0]}", "bad"
        if phase in _PHASES:
            took = self._since(was, entry) if phase == "drained" else None
            return took, _PHASES[phase], "good" if phase == "released" else "soso"
        return None
