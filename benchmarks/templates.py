"""Copier and cruft, with a template made of the two versions of the product.

Both make a project out of a template, remember which version of it, and bring a newer one later.
The product's files are laid down as they are: nothing in them is a placeholder.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.upgrading import (
    Case,
    Update,
    Updater,
    as_git_left_it,
    become,
    commit,
    run,
    track,
)
from tests.real.sides import read

PACKAGES = ("copier", "cruft")
COMMANDS = ("copier update", "cruft update")
_COPIER = {
    "copier.yml": "_subdirectory: product\n",
    "product/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml -}}\n",
}
_CRUFT = {"cookiecutter.json": json.dumps({"name": "project", "_copy_without_render": ["*"]})}


class ToolsMissingError(Exception):
    """The tools could not be installed; the message is the last line of pip's."""


def install_tools(environment: Path) -> Path:
    """Install both into an environment of their own, once; return where their programs are."""
    programs = environment / "bin"
    if not all((programs / name).exists() for name in PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip: list[str | Path] = [programs / "python", "-m", "pip", "install", "--quiet", *PACKAGES]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolsMissingError(done.stderr.strip().rpartition("\n")[2])
    return programs


def versions(programs: Path) -> Mapping[str, str]:
    """Say which versions of them are there."""
    frozen = run(programs / "python", "-m", "pip", "freeze", cwd=programs)
    return dict(re.findall(rf"(?m)^({'|'.join(PACKAGES)})==(.+)$", frozen))


def updaters(programs: Path) -> Mapping[str, Updater]:
    """Return both, by the command that is timed."""
    ready = (partial(_copier, programs / "copier"), partial(_cruft, programs / "cruft"))
    return dict(zip(COMMANDS, ready, strict=True))


def _copier(program: Path, case: Case, place: Path) -> Update:
    """Keep the install folder by a template; conflicts are marked within files, its default."""
    template, install = _template(case, place, "product", _COPIER), _install(case, place)
    copy = ("copy", "--quiet", "--defaults", "--vcs-ref", "v1")
    run(program, *copy, template, install, cwd=place)
    _edit(case, install)
    update = ("update", "--quiet", "--defaults", "--vcs-ref", "v2")
    return Update(
        step=lambda: run(program, *update, cwd=install, must=False),
        result=lambda: as_git_left_it(case, install),
    )


def _cruft(program: Path, case: Case, place: Path) -> Update:
    """Keep the install folder by a template, under git, so that it can patch by three sides."""
    template, install = (
        _template(case, place, "{{cookiecutter.name}}", _CRUFT),
        _install(case, place),
    )
    name = json.dumps({"name": install.name})
    create = ("create", "--no-input", "--checkout", "v1", "--extra-context", name, "--output-dir")
    run(program, *create, install.parent, template, cwd=place)
    _edit(case, install)
    update = ("update", "--skip-apply-ask", "--checkout", "v2")
    said: list[str] = []
    return Update(
        step=lambda: said.append(run(program, *update, cwd=install, must=False)),
        result=lambda: as_git_left_it(case, install, [*_named_in("".join(said), install.name)]),
    )


def _named_in(said: str, folder: str) -> Iterator[str]:
    """Yield what git could not apply a patch to, by its own words."""
    for whole, part in re.findall(r"(?m)^error: (?:patch failed: (.+):\d+$|(.+?): )", said):
        if part != "patch failed":
            yield (whole or part).removeprefix(f"{folder}/")


def _template(case: Case, place: Path, folder: str, also: Mapping[str, str]) -> Path:
    """Make a repository of two tagged versions, each with the product's files as they are."""
    template = place / "template"
    template.mkdir()
    run("git", "init", "-q", "-b", "main", cwd=template)
    laid_down, _, fresh = case.installs
    for tag, version in (("v1", laid_down), ("v2", fresh)):
        shutil.rmtree(template / folder, ignore_errors=True)
        shutil.copytree(version, template / folder)
        for path, text in also.items():
            (template / path).write_text(text)
        commit(template, tag)
        run("git", "tag", tag, cwd=template)
    return template


def _install(case: Case, place: Path) -> Path:
    install = place / "project" / case.kit.folders[1]
    install.parent.mkdir()
    return install


def _edit(case: Case, install: Path) -> None:
    """Put a project that was just made under git, and let its user work on it."""
    laid_down, edited, _ = case.installs
    made = read(install)
    if any(made.get(path) != file for path, file in read(laid_down).items()):
        raise SystemExit("a template was not laid down as it is")
    track(install.parent)
    become(install, edited)
    commit(install.parent, "our own")
