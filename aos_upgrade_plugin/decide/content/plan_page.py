"""A plan as one page for a browser: nothing is loaded, nothing runs, nothing is left unescaped."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from aos_upgrade_plugin.decide.run.reporting import (
    changes_report,
    conflict_line,
    migration_told,
    server_lines,
    server_report,
)
from aos_upgrade_plugin.models.plan import UpgradePlan

# What the files of a user or a source hold can neither load, run nor send anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .125rem 1rem .125rem 0; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
details { border: 1px solid #8886; border-radius: .25rem; margin: .5rem 0; }
summary { padding: .375rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
pre { margin: 0; padding: .5rem 0; overflow-x: auto; border-top: 1px solid #8886; }
pre span { display: block; padding: 0 .75rem; min-height: 1.5em; }
.added { background: #2da44e33; }
.removed { background: #cf222e33; }
.place { color: #57606a; background: #8881; }
@media (prefers-color-scheme: dark) { .place { color: #9aa4af; } }
"""
_CLASSES = {"+": "added", "-": "removed", "@": "place"}


def page(plan: UpgradePlan, diffs: Iterable[str]) -> str:
    """Return the whole page; ``diffs`` holds the diff of each change, as it is told in a terminal.

    What shall be said of a part is left out where there is nothing to say.
    """
    return "\n".join(_lines(plan, diffs)) + "\n"


def _lines(plan: UpgradePlan, diffs: Iterable[str]) -> Iterator[str]:
    before, after = plan.origin.version or "unknown", plan.source.version or "unknown"
    title = f"{escape(before)} → {escape(after)}"
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Upgrade {title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>Upgrade {title}</h1>"
    yield (
        f"<p>{len(plan.changes)} changes, planned {plan.created_at:%Y-%m-%d %H:%M:%S}Z from "
        f"commit <code>{plan.source.commit}</code>.</p>"
    )
    if plan.nothing_to_do:
        yield "<p>Nothing to do.</p>"
    yield from _list("To decide", [conflict_line(each) for each in plan.undecided])
    yield from _list("Migrations", [migration_told(each) for each in plan.migrations])
    yield from _list("Notes", plan.notes)
    yield from _counts(plan)
    yield from _list("Server", list(server_lines(server_report(plan))))
    yield from _list(
        "Kept as you have it",
        [f"{each.path} ({each.relation.replace('_', ' ')})" for each in plan.kept],
    )
    yield from _changes(list(diffs))
    yield "</body></html>"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"<h2>{title}</h2><ul>"
        yield from (f"<li><code>{escape(line)}</code></li>" for line in lines)
        yield "</ul>"


def _counts(plan: UpgradePlan) -> Iterator[str]:
    counts = changes_report(plan).counts
    if counts:
        yield "<h2>Files</h2><table>"
        for relation, count in counts.items():
            said = escape(relation.replace("_", " "))
            yield f'<tr><th scope="row">{said}</th><td class="number">{count}</td></tr>'
        yield "</table>"


def _changes(diffs: Sequence[str]) -> Iterator[str]:
    if diffs:
        yield f"<h2>Changes of content ({len(diffs)})</h2>"
    for diff in diffs:
        first, *lines = diff.splitlines()
        path = escape(first.removeprefix("diff "))
        yield f"<details open><summary><code>{path}</code></summary><pre>"
        begins = next((at for at, line in enumerate(lines) if line.startswith("@@")), len(lines))
        told = (_line(line, of_text=at >= begins) for at, line in enumerate(lines))
        yield "".join(told) + "</pre></details>"


def _line(line: str, *, of_text: bool) -> str:
    of_class = _CLASSES.get(line[:1], "") if of_text else "place"
    marked = f' class="{of_class}"' if of_class else ""
    return f"<span{marked}>{escape(line)}</span>"
