"""JSON as editors write and read it: with remarks, and with a comma behind the last item."""

import json
import re

from pydantic import JsonValue

_TEXT = r'"(?:\\.|[^"\\])*"'
_REMARKS = re.compile(rf"({_TEXT})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMAS = re.compile(rf"({_TEXT})|,(?=\s*[\]}}])", re.DOTALL)


def parse_commented_json(text: str) -> JsonValue:
    """Read JSON that may hold remarks and last commas. Raises ValueError, as for plain JSON."""
    plain = _LAST_COMMAS.sub(_text_alone, _REMARKS.sub(_text_alone, text))
    told: JsonValue = json.loads(plain)
    return told


def _text_alone(found: re.Match[str]) -> str:
    """Keep a text as it is; what looks like a remark in it is none."""
    return found[1] or " "
