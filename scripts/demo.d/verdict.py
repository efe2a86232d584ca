"""Whether everything really happened. Each check says what it looked at."""

# The kernel closes the connections of a killed process with it; on a busy machine an asker hears of it a little later.
AT_ONCE = 1.0
PHASES = ["fetching", "building", "starting", "in-service", "draining", "drained", "released"]
STATES = [
    "Pending", "Pending:Wait", "Pending:Proceed", "InService",
    "Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminated",
]  # fmt: skip


def hooks(cloud):
    """Each hook was completed with CONTINUE, by one call and not one more."""
    calls = cloud.calls("CompleteLifecycleAction")
    for hook in ("boot", "drain"):
        mine = [call for call in calls if call["parameters"].get("LifecycleHookName") == hook]
        results = [f"{call['parameters'].get('LifecycleActionResult')} ({call['outcome']})" for call in mine]
        yield results == ["CONTINUE (200)"], f"hook {hook}: CompleteLifecycleAction {', '.join(results) or 'never called'}"


def phases(timeline):
    """The phases in their order; a degraded herd in between is the killed worker's."""
    seen = [phase for phase in timeline.phases if phase != "degraded"]
    seen = [phase for at, phase in enumerate(seen) if at == 0 or seen[at - 1] != phase]
    yield seen == PHASES, f"the instance: {' → '.join(seen)}"
    yield timeline.history == STATES, f"the group: {' → '.join(timeline.history)}"


def requests(traffic, killing):
    """Only those may fail that the killed worker had in hand: sent before it was gone, and cut off at that moment."""
    begun, gone = killing
    in_hand = lambda request: request.sent <= gone and begun <= request.ended <= gone + AT_ONCE  # noqa: E731
    failed = traffic.failed()
    cut = [request for request in failed if in_hand(request)]
    lost = [request for request in failed if not in_hand(request)]
    unanswered = traffic.under_way()
    answered = traffic.sent() - len(failed) - len(unanswered)
    yield (
        not lost and not unanswered and answered > 0,
        f"requests: {traffic.sent()} sent, {answered} answered, {len(cut)} cut off in the hands of the worker that was "
        f"killed with -9, {len(lost)} failed otherwise, {len(unanswered)} without an answer",
    )
    for request in lost[:5]:
        yield False, f"  {request.path}, sent {request.sent:.3f}, ended {request.ended:.3f}: {request.failure}"
