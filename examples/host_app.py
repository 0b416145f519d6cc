"""A host app: asks every question on one page, triages, and shows the answer. Nothing is stored, nothing is logged."""

import html
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

from calf_triage import FindingError, load_rules, triage

RULES = load_rules()
FINDINGS = RULES.findings.by_id
YES_NO = {"": "-", "yes": "yes", "no": "no", "unsure": "not sure"}


def question(name: str) -> str:
    finding = FINDINGS[name]
    choices = {"": "-", **{choice.id: choice.label for choice in finding.choices}, "unsure": "not sure"}
    words = choices if finding.choices else YES_NO
    options = "".join(f'<option value="{id}">{html.escape(label)}' for id, label in words.items())
    field = f"<input name={name}>" if finding.unit else f"<select name={name}>{options}</select>"
    return f"<p><label>{html.escape(finding.asks)} {field}</label></p>"


def form() -> str:
    """Every heading says for which time its questions ask; without it "short of breath" would mean ever."""
    parts = ['<form method="post">']
    for heading in (heading for screen in RULES.findings.screens for heading in screen.headings):
        parts.append(f"<h2>{html.escape(heading.title)}</h2><p>{html.escape(heading.asks)}</p>")
        parts += map(question, heading.findings)
    return "".join([*parts, "<button>Show the answer</button></form>"])


def read(name: str, text: str) -> bool | float | str:
    if name in FINDINGS and FINDINGS[name].unit:
        try:
            return float(text)
        except ValueError:
            return text
    return {"yes": True, "no": False}.get(text, text)


def answer(body: str) -> str:
    """The page; a field that is left alone is not answered, which is never a no."""
    try:
        return triage({name: read(name, text) for name, text in parse_qsl(body)}, region="GB")._repr_html_()
    except FindingError as error:
        page = error.assessment._repr_html_() if error.assessment else ""
        return f"{page}<h2>Please mend</h2><pre>{html.escape(str(error))}</pre>"


class App(BaseHTTPRequestHandler):
    def do_GET(self, page: str | None = None) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'<!doctype html><meta charset="utf-8"><title>Calf triage</title>{page or form()}'.encode())

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), 100_000)
        self.do_GET(answer(self.rfile.read(length).decode(errors="replace")))

    def log_message(self, *_: object) -> None:
        """Answers never reach a log."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), App)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
