"""Workflow folders as they are on the disk, each read into what its files say.

What was parsed is kept by its content: a file that did not change is read again, which costs next
to nothing, and not parsed again; one that did is never taken for what it was.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import ValidationError

from aos_upgrade_plugin.effects.tree.files import read_bytes
from aos_upgrade_plugin.models.checkpoint import GateDefinition
from aos_upgrade_plugin.models.definition import Metadata, UnusableError

METADATA, GATE = "metadata.json", "gate-definition.yaml"
MOST_BYTES = 1 << 20
_MOST_TEXT_BYTES = 1 << 17
_MOST_FILES = 2_000
_MOST_EVENTS = 20_000
_DEEPEST = 20
_MOST_KEPT = 1_024
# The C library where PyYAML was built with it: ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Parsed = TypeVar("Parsed")


class Counted(NamedTuple):
    """How often what was asked for was there already."""

    hits: int
    misses: int


class Kept:
    """What was made of some bytes, so that it need not be made of the same bytes again."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: OrderedDict[tuple[str, bytes], Any] = OrderedDict()
        self._hits = self._misses = 0
        self._lock = threading.RLock()  # calls of one server come from several threads

    @property
    def counted(self) -> Counted:
        """How often something could be used again, and how often not."""
        return Counted(self._hits, self._misses)

    def once(self, kind: str, content: bytes, make: Callable[[bytes], Parsed]) -> Parsed:
        """Return what is made of some bytes. What raises is not kept."""
        key = kind, hashlib.sha256(content).digest()
        with self._lock:
            if key in self._kept:
                self._hits += 1
                self._kept.move_to_end(key)
            else:
                self._misses += 1
                self._kept[key] = make(content)
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
            kept: Parsed = self._kept[key]
        return kept


class WorkflowFolder(NamedTuple):
    """What a workflow's folder holds."""

    files: tuple[str, ...]
    """The paths of all its files, relative to it."""
    metadata: Metadata
    gates: Mapping[str, GateDefinition]
    """By the path of the file."""
    identity: bytes
    """The same for the same names of files, and the same content of those that were parsed."""


def names_of(place: Path) -> list[str]:
    """Return the names of the workflow folders in a folder, sorted; none where it is not there."""
    try:
        with os.scandir(place) as listing:
            names = sorted(each.name for each in listing if each.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in names if os.path.lexists(place / name / METADATA)]


def read_folder(folder: Path, kept: Kept) -> WorkflowFolder:
    """Read a workflow's folder; raise UnusableError with what is wrong with it."""
    try:
        files = tuple(_files(folder))
        parsed = [each for each in files if each == METADATA or each.rpartition("/")[2] == GATE]
        raw = {each: read_bytes(folder / each, most_bytes=MOST_BYTES) for each in parsed}
        if METADATA not in raw:
            raise UnusableError(f"{METADATA} is no file")
    except OSError as error:
        where = Path(os.fsdecode(error.filename)).name if error.filename else folder.name
        raise UnusableError(f"{where} cannot be read: {error.strerror}") from error
    metadata = kept.once(METADATA, raw[METADATA], _metadata)
    gates = {name: kept.once(GATE, raw[name], _gate) for name in parsed if name != METADATA}
    return WorkflowFolder(files, metadata, gates, repr((files, sorted(raw.items()))).encode())


def read_text(folder: str, file: str) -> str:
    """Return a text of a workflow folder, bytes that are no text escaped; raise OSError."""
    return read_bytes(Path(folder) / file, most_bytes=_MOST_TEXT_BYTES).decode(
        errors="backslashreplace"
    )


def _metadata(content: bytes) -> Metadata:
    try:
        return Metadata.model_validate_json(content)
    except ValidationError as error:
        raise UnusableError(f"{METADATA}: {_first_of(error)}") from error


def _files(folder: Path) -> Iterator[str]:
    """Yield the paths of the files in a workflow's folder, sorted. No link is followed."""
    waiting, count = [""], 0
    found: list[str] = []
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as listing:
            for each in listing:
                count += 1
                if count > _MOST_FILES:
                    raise UnusableError(f"its folder holds more than {_MOST_FILES} files")
                if each.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{each.name}/")
                elif each.is_file(follow_symlinks=False):
                    found.append(f"{prefix}{each.name}")
    yield from sorted(found)


def _gate(content: bytes) -> GateDefinition:
    try:
        return GateDefinition.model_validate(_plain_yaml(content) or {})
    except ValidationError as error:
        raise UnusableError(f"{GATE}: {_first_of(error)}") from error


def _plain_yaml(content: bytes) -> object:
    """Read YAML that is plain data: no aliases, nothing deep, no key twice, or UnusableError."""
    try:
        _refuse_tricks(content)
        loader = _LOADER(content)
        try:
            node = loader.get_single_node()
            _refuse_twice(node)
            return loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, UnusableError):
            raise
        raise UnusableError(f"{GATE} is no YAML that can be read") from error


def _refuse_tricks(content: bytes) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(content, Loader=_LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise UnusableError(f"{GATE} holds an alias, which is refused")
        if depth > _DEEPEST or count > _MOST_EVENTS:
            raise UnusableError(f"{GATE} is too large or nested too deep")


def _refuse_twice(node: yaml.Node | None) -> None:
    waiting = [node]
    while waiting:
        match waiting.pop():
            case yaml.MappingNode(value=pairs):
                keys = [key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
                if len({*keys}) < len(keys):
                    raise UnusableError(f"{GATE} has a key twice in one place")
                waiting += [value for _, value in pairs]
            case yaml.SequenceNode(value=parts):
                waiting += parts
            case _:
                pass


def _first_of(error: ValidationError) -> str:
    first: Mapping[str, Any] = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
