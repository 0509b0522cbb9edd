"""Runs sqlmap on each request of tests/attack/inject, wherever it has a `*`; fails if it finds an injection, or has not looked.

A request is one that is answered without an error, as attacks on one that is refused anyhow would say nothing. Before all
else sqlmap has to find the injection in a server that is made to have one, so that its silence means something.
"""

import argparse
import http.server
import re
import sqlite3
import subprocess
import sys
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

REQUESTS = Path(__file__).parent / "inject"
# The database is known, and so attacks that only others would understand are left out.
ALWAYS = "--batch --flush-session --disable-coloring --skip-waf --ignore-code=* --dbms=PostgreSQL".split()
SHORT = "--level 1 --risk 1".split()
LONG = "--level 5 --risk 3".split()
# A negative limit or offset is answered 416, at which sqlmap gives up; so it makes a value wrong in another way there.
OWN = {"ranges": ["--invalid-logical"]}
FOUND = ("identified the following injection point", "' is vulnerable")
NOT_FOUND = "does not seem to be injectable"
# Requests at a time.
ATTACKS = 2


class Injectable(http.server.BaseHTTPRequestHandler):
    """What must not be done: a filter's value becomes a part of the statement."""

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        database = sqlite3.connect(":memory:")
        try:
            rows = database.execute(f"select value from (select 1 as id, 'one' as value) where id = {query['id'][0]}")
            body = "".join(value for (value,) in rows)
        except sqlite3.Error:
            body = "error"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    check_itself(options.work)
    texts = {path.stem: path.read_text() for path in sorted(REQUESTS.glob("*.http"))}
    names = options.names or list(texts)
    texts = {name: texts[name].replace("HOST", options.address).replace("TOKEN", options.token) for name in names}
    for name, text in texts.items():
        check_request(name, options.address, text.replace("*", ""))
    level = LONG if options.long else SHORT
    with ThreadPoolExecutor(ATTACKS) as pool:
        places = list(pool.map(lambda name: attack(options.work, name, texts[name], level), texts))
    print(f"sqlmap: {sum(places)} places in {len(places)} requests ({' '.join(level)}), no injection")


def check_itself(work):
    """Fails unless sqlmap finds the injection in a server that has one."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Injectable)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text = f"GET /?id=1* HTTP/1.1\nHost: 127.0.0.1:{server.server_port}\n\n"
    log = run(work, "self-check", text, "--technique B --dbms SQLite".split())
    server.shutdown()
    if not any(found in log for found in FOUND):
        sys.exit(f"{log}\nsqlmap does not find an injection where there is one")


def check_request(name, address, text):
    """Fails unless the request, attacked by nobody, is answered without an error."""
    head, _, body = text.partition("\n\n")
    line, *fields = head.split("\n")
    method, path, _ = line.split(" ")
    connection = HTTPConnection(address, timeout=30)
    connection.request(method, path, body.encode() or None, dict(field.split(": ", 1) for field in fields))
    response = connection.getresponse()
    if response.status >= 300:
        sys.exit(f"`{name}` is refused: {response.status} {response.read().decode()}")


def attack(work, name, text, level):
    """The number of places of a request that sqlmap has tried, all of them in vain."""
    log = run(work, name, text, [*level, *OWN.get(name, [])])
    tried, places = log.count(NOT_FOUND), text.count("*")
    if any(found in log for found in FOUND):
        sys.exit(f"{log}\nsqlmap finds an injection in `{name}`")
    if tried < places:
        sys.exit(f"{log}\nsqlmap has tried {tried} of {places} places in `{name}`")
    return tried


def run(work, name, text, flags):
    """What sqlmap says of a request."""
    request = work / f"{name}.http"
    request.write_text(text)
    command = [sys.executable, "-m", "sqlmap.sqlmap", "-r", request, *ALWAYS, *flags, f"--output-dir={work / name}"]
    log = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    # Its name is drawn with escape sequences.
    log = re.sub(r"\x1b\S*", "", log)
    (work / f"{name}.log").write_text(log)
    return log


main()
