"""A host app: asks every question on one page, triages, and shows the answer. Nothing is stored, nothing is logged."""

import html
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

from calf_triage import FindingError, load_rules, triage

RULES = load_rules()
YES_NO = {"": "-", "yes": "yes", "no": "no", "unsure": "not sure"}


def form() -> str:
    parts = ['<form method="post">']
    for finding in RULES.findings.by_id.values():
        choices = {"": "-", **{choice.id: choice.label for choice in finding.choices}, "unsure": "not sure"}
        options = "".join(
            f'<option value="{id}">{label}' for id, label in (choices if finding.choices else YES_NO).items()
        )
        field = f"<input name={finding.id}>" if finding.unit else f"<select name={finding.id}>{options}</select>"
        parts.append(f"<p><label>{html.escape(finding.asks)} {field}</label></p>")
    return "".join([*parts, "<button>Show the answer</button></form>"])


def answer(body: str) -> str:
    """The page; a field that is left alone is not answered, which is never a no."""
    words: dict[str, bool | float | str | None] = {"yes": True, "no": False}
    given = {name: float(text) if text.isdecimal() else words.get(text, text) for name, text in parse_qsl(body)}
    try:
        return triage(given, region="GB", rules=RULES)._repr_html_()
    except FindingError as error:
        page = error.assessment._repr_html_() if error.assessment else ""
        return f"{page}<h2>Please mend</h2><pre>{html.escape(str(error))}</pre>"


class App(BaseHTTPRequestHandler):
    def do_GET(self, page: str | None = None) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'<!doctype html><meta charset="utf-8"><title>Calf triage</title>{page or form()}'.encode())

    def do_POST(self) -> None:
        length = min(int(self.headers["Content-Length"]), 100_000)
        self.do_GET(answer(self.rfile.read(length).decode()))

    def log_message(self, *_: object) -> None:
        """Answers never reach a log."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), App)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
