"""JSON as editors write and read it: with remarks, and with a comma behind the last item."""

import json
import re

from pydantic import JsonValue

_TEXT = r'"(?:\\.|[^"\\])*"'
_REMARKS = re.compile(rf"({_TEXT})|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMAS = re.compile(rf"({_TEXT})|,(?=\s*[\]}}])", re.DOTALL)


def parse_commented_json(text: str) -> JsonValue:
    """Read JSON that may hold remarks and last commas. Raises ValueError, as for plain JSON."""
    told: JsonValue = json.loads(blanked(text))
    return told


def blanked(text: str) -> str:
    """Return the text with blanks for remarks and last commas; all else keeps its place."""
    return _LAST_COMMAS.sub(_blank, _REMARKS.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    """Keep a text as it is: what looks like a remark in it is none."""
    return found[1] or re.sub(r"[^\r\n]", " ", found[0])
