"""Metrics as Prometheus reads them, and the queries that people have about them."""

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
_LABEL = re.compile(r'([a-z_]+)(=~|=|!=|!~)"([^"]*)"')
_GROUPED = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w.])[a-z_][a-z0-9_]*(?!\w|\s*\()")
_WORDS = {"and", "or", "unless"}


class Scrape(NamedTuple):
    """Everything that was told at one moment."""

    kind: str
    families: tuple[Metric, ...]

    @property
    def values(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        """Each value by the name of its series and its labels."""
        return {
            (each.name, frozenset(each.labels.items())): each.value
            for family in self.families
            for each in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Return the value of one series."""
        return self.values[name, frozenset(labels.items())]

    def labels(self) -> Mapping[str, Mapping[str, set[str]]]:
        """Return the values of each label of each name."""
        found: dict[str, dict[str, set[str]]] = {}
        for name, labels in self.values:
            of_name = found.setdefault(name, {})
            for label, value in labels:
                of_name.setdefault(label, set()).add(value)
        return found


def scrape(address: str) -> Scrape:
    """Read what is told at an address, by the parser of the library."""
    with _NO_PROXY.open(address, timeout=60) as answer:
        families = tuple(text_string_to_metric_families(answer.read().decode()))
        return Scrape(answer.headers["Content-Type"], families)


def refusal(address: str, **headers: str) -> int:
    """Return the status that a request is refused with."""
    try:
        with _NO_PROXY.open(urllib.request.Request(address, headers=headers), timeout=60) as answer:  # noqa: S310  http
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def strangers(query: str, told: Scrape) -> set[str]:
    """Return what a query asks for and no scrape has: names, labels, and values of labels.

    Prometheus itself adds ``job`` and ``instance``.
    """
    labels = told.labels()
    added = {"job", "instance"}
    every = added | {label for each in labels.values() for label in each}
    missing: set[str] = set()
    for name, inner in _SELECTOR.findall(query):
        for label, how, value in _LABEL.findall(inner):
            if label in added:
                continue
            if label not in labels.get(name, {}):
                missing.add(f"{name}.{label}")
            elif how in {"=", "!="} and value not in labels[name][label]:
                missing.add(f"{name}.{label}={value}")
    grouped = {each.strip() for found in _GROUPED.findall(query) for each in found.split(",")}
    missing |= grouped - every - {""}
    plain = re.sub(r"\[[^]]*\]", "", _GROUPED.sub("", re.sub(r"\{[^}]*\}", "", query)))
    return missing | (set(_NAME.findall(plain)) - _WORDS - set(labels))
