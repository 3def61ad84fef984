"""Run the console blocks of the documentation that are marked for it, so that they stay true.

A block is marked by the line ``<!-- run in CI -->`` above it. Its lines that begin with ``$ `` are
run by bash, one after the other, in the current folder; the lines below a command are its output,
which has to be the same, but for ``...``, which stands for any output.

Usage: console_blocks.py FILE...
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_MARKED = re.compile(r"^<!-- run in CI -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each marked command with the output that the text shows below it."""
    for block in _MARKED.findall(text):
        for found in _COMMAND.finditer(block):
            yield found["command"], found["output"]


def fits(shown: str, printed: str) -> bool:
    """Say whether the output is the one shown; where none is shown, any is right."""
    parts = (re.escape(line).replace(r"\.\.\.", ".*") for line in shown.splitlines())
    return not shown or re.fullmatch("\n".join(parts), printed.strip(), re.DOTALL) is not None


def run(command: str, shown: str) -> str | None:
    """Run one command; return what is wrong, nothing when all is well."""
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607  the system's own bash
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(ended.stdout, end="", flush=True)
    if ended.returncode:
        return f"exit status {ended.returncode}"
    return None if fits(shown, ended.stdout) else f"expected this output:\n{shown}"


def main() -> int:
    """Run every marked command of the files named; stop at the first that is not as shown."""
    for name in sys.argv[1:]:
        found = [*commands(Path(name).read_text(encoding="utf-8"))]
        if not found:
            print(f"error: {name} has no console block marked for CI", file=sys.stderr)
            return 1
        for command, shown in found:
            print(f"$ {command}", flush=True)
            if wrong := run(command, shown):
                print(f"error: {name}: {command}: {wrong}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
