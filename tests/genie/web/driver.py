"""A headless Chromium, driven by its DevTools protocol over a pipe, and a server of files."""

import base64
import functools
import http.server
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager

FLAGS = ("--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-dev-shm-usage")


class Browser:
    """One page; `events` are what its network and console told."""

    def __init__(self):
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._profile = tempfile.mkdtemp()
        # The protocol wants descriptors 3 and 4; a shell puts them there.
        shell = ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash"]
        command = [shutil.which("chromium"), *FLAGS, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            [*shell, *command, "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest, self._numbers, self._session = b"", itertools.count(1), {}
        self.events = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **self._session}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _read(self):
        while b"\0" not in self._rest:
            more = os.read(self._answers, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def js(self, code):
        result = self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, code, seconds=240):
        end = time.monotonic() + seconds
        while not self.js(code):
            assert time.monotonic() < end, f"{code} did not come true in {seconds} s"
            time.sleep(0.05)

    def open(self, url):
        # By way of another page: a link that differs behind the "#" only would not load again.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait("document.getElementById('loading')?.hidden")

    def resize(self, width, height, touch=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=touch,
        )  # fmt: skip
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def key(self, name, down):
        kind = "keyDown" if down else "keyUp"
        self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def touch(self, selector):
        """Put a finger on an element, and leave it there."""
        box = f"document.querySelector('{selector}').getBoundingClientRect()"
        x, y = self.js(f"(b => [b.left + b.width / 2, b.top + b.height / 2])({box})")
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])

    def lift(self):
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def told(self, *methods):
        return [event["params"] for event in self.events if event["method"] in methods]

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self._profile, ignore_errors=True)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """Serve a folder; yields its address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
