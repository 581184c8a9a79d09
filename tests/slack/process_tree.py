#!/usr/bin/env python3
"""A run of real processes, without Slack.

  process_tree.py --alerts BIN --proxy BIN

An annotated function trips (the example slack_alerts), its listener posts to the
example slack-proxy, and that posts to a scripted Slack here. Then: what arrived,
its thread and its broadcast, the proxy's metrics, and the ends of both processes.
"""
import argparse, http.server, json, os, signal, subprocess, sys, threading, time, urllib.request

TOKEN, PROXY_TOKEN, CHANNEL = "xoxb-of-the-proxy", "secret-of-the-proxy", "C0PROCESSES"


class Slack(http.server.ThreadingHTTPServer):
    """Takes everything and names it by number; the second post meets a rate limit."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts, self.lock = [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, post):
        with self.lock:
            self.posts.append(post)
            number = len(self.posts)
        if number == 2:
            return 429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"}
        return 200, {}, {"ok": True, "channel": CHANNEL, "ts": "1700000000.%06d" % number}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        post = {"authorization": self.headers["Authorization"], "at": time.monotonic(), **body}
        status, headers, answer = self.server.answer(post)
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def free_port():
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        return server.server_port


def get(port, path):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        "http://127.0.0.1:%d%s" % (port, path), timeout=5
    ) as response:
        return response.read().decode()


def wait_until(what, condition):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("did not happen: " + what)


def check(what, got, want):
    if got != want:
        raise SystemExit("%s:\n  want %r\n  got  %r" % (what, want, got))
    print("ok   " + what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", required=True)
    parser.add_argument("--proxy", required=True)
    programs = parser.parse_args()

    slack = Slack()
    application, metrics = free_port(), free_port()
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("SLACK_")}
    proxy = subprocess.Popen(
        [
            programs.proxy,
            "--policy=recommended",
            "--slackURL=http://127.0.0.1:%d/api/chat.postMessage" % slack.server_port,
            "--applicationPort=127.0.0.1:%d" % application,
            "--metricsPort=127.0.0.1:%d" % metrics,
        ],
        env={**clean, "SLACK_TOKEN": TOKEN, "SLACK_PROXY_AUTH_TOKEN": PROXY_TOKEN},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until("the proxy is up", lambda: '"ok"' in get(metrics, "/health"))
        service = subprocess.run(
            [programs.alerts],
            env={
                **clean,
                "SLACK_CHANNEL_ID": CHANNEL,
                "SLACK_BOT_TOKEN": PROXY_TOKEN,
                "SLACK_URL": "http://127.0.0.1:%d/" % application,
            },
            capture_output=True,
            text=True,
            timeout=30,
        )
        check("the service ends well", (service.returncode, service.stderr), (0, ""))
        wait_until("all messages are in Slack", lambda: len(slack.posts) == 4)
        succeeded = 'slackproxy_requests_succeeded_total{channel="%s"}' % CHANNEL
        wait_until("the proxy counts them", lambda: succeeded + " 3" in get(metrics, "/metrics"))
        text = get(metrics, "/metrics")
        proxy.send_signal(signal.SIGTERM)
        check("the proxy ends well at SIGTERM", proxy.wait(10), 0)
        log = proxy.stderr.read()
    finally:
        if proxy.poll() is None:
            proxy.kill()

    opened, limited, probing, closed = slack.posts
    title = lambda post: post["attachments"][0]["blocks"][0]["text"]["text"]
    fields = lambda post: [f["text"].split("\n")[1] for f in post["attachments"][0]["blocks"][1]["fields"]]
    check("titles", [title(p) for p in slack.posts], [
        "*🚨 Circuit Breaker Triggered*",
        "*🔄 Attempting Circuit Breaker Recovery*",
        "*🔄 Attempting Circuit Breaker Recovery*",
        "*✅ Circuit Breaker Recovered*",
    ])
    check("the breaker and its reason", fields(opened)[:2] + fields(opened)[4:5], [
        "exchange_rates", "closed → open", "failure rate 50 % of 4 calls reached 50 %",
    ])
    check("channel and token", {(p["channel"], p["authorization"]) for p in slack.posts}, {(CHANNEL, "Bearer " + TOKEN)})
    check("thread", [p.get("thread_ts") for p in slack.posts], [None] + ["1700000000.000001"] * 3)
    check("broadcast", [p.get("reply_broadcast") for p in slack.posts], [None, None, None, True])
    check("Retry-After", probing["at"] - limited["at"] >= 1, True)
    counted = dict(line.rsplit(" ", 1) for line in text.splitlines() if CHANNEL in line)
    check("metrics", counted, {
        'slackproxy_requests_%s_total{channel="%s"}' % (name, CHANNEL): count
        for name, count in [("received", "3"), ("retried", "1"), ("succeeded", "3")]
    })
    check("no token in the log", [t for t in (TOKEN, PROXY_TOKEN) if t in log + service.stdout], [])
    print("the whole tree: %d posts arrived" % len(slack.posts))


if __name__ == "__main__":
    main()
