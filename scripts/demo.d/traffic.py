"""A stream of requests to the app, each one counted and none forgotten."""

import http.client
import itertools
import json
import threading
import time

ASKING = 4
# Between two requests of one asker.
PAUSE = 0.02
# Nobody waits longer for an answer.
PATIENCE = 60.0


class Request:
    """One request: sent, and answered or not."""

    def __init__(self, path):
        self.path, self.sent, self.ended, self.failure, self.pid = path, time.time(), None, None, None

    def make(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", self.path, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200:
                self.pid = json.loads(body)["pid"]
            else:
                self.failure = f"{answer.status} {answer.reason}"
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.ended = time.time()
            connection.close()


class Traffic:
    """Several askers with quick requests, one with slow ones; each request on a connection of its own, as from a balancer with many targets."""

    def __init__(self, port):
        self.port, self.requests, self._lock, self._stop = port, [], threading.Lock(), threading.Event()
        paths = ["/"] * ASKING + ["/slow?ms=400"]
        self._threads = [threading.Thread(target=self._go_on, args=(path,), daemon=True) for path in paths]
        self._extra = []

    def start(self):
        for thread in self._threads:
            thread.start()

    def _go_on(self, path):
        while not self._stop.is_set():
            self._one(path)
            self._stop.wait(PAUSE)

    def _one(self, path):
        request = Request(path)
        with self._lock:
            self.requests.append(request)
        request.make(self.port)

    def also(self, path, times):
        """These too, at once and side by side."""
        started = [threading.Thread(target=self._one, args=(path,), daemon=True) for _ in range(times)]
        self._extra += started
        for thread in started:
            thread.start()

    def no_new_ones(self):
        """No request is sent any more; what is under way goes on. Returns how many those are."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        return len(self.under_way())

    def await_answers(self):
        """Waits until every request has its answer."""
        for thread in itertools.chain(self._threads, self._extra):
            thread.join(PATIENCE)

    def under_way(self):
        with self._lock:
            return [request for request in self.requests if request.ended is None]

    def failed(self):
        with self._lock:
            return [request for request in self.requests if request.failure]

    def sent(self):
        with self._lock:
            return len(self.requests)
