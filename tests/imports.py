"""Which modules of the repository may import which, and ask for what.

An import counts wherever it stands, in a function too, but for those that are for type
checkers only.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_PACKAGES = ("data_prep", "paper_experiments", "rim_tf")
# Of `paper_experiments`; its other modules are scripts.
_ROOM_NAMES = (
    *("baselines", "choices", "common", "comparison", "figure3", "rim_restore"),
    *("speed_comparison", "unseen"),
)
# What a plain installation lacks.
_OPTIONAL = (
    *("IPython", "bm3d", "cv2", "ipykernel", "jax", "jupytext", "nbconvert", "scico"),
    *("tensorboard", "torch"),
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Predicate = Callable[[str], bool]


class Source(NamedTuple):
    """A module of the repository.

    Attributes:
      name: Its dotted name, for instance "rim_tf.speed.fused".
      text: What it says.
      is_package: Whether it is an `__init__.py`.
    """

    name: str
    text: str
    is_package: bool = False


class Use(NamedTuple):
    """Something that a module imports, asks or defines: what, and in which line."""

    what: str
    line: int


class Rule(NamedTuple):
    """What modules must not do.

    Attributes:
      applies: From a module's name to whether the rule is for it.
      forbids: From the name of what is imported, or of another use, to whether it is
        forbidden.
      uses: From a module, and the names of all, to what the rule looks at.
    """

    applies: _Predicate
    forbids: _Predicate
    uses: Callable[[Source, frozenset[str]], list[Use]]


def read_sources(root: Path) -> list[Source]:
    """Returns the modules of the three packages, without tests."""
    sources = []
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if path.name.endswith("_test.py"):
                continue
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            sources.append(Source(name, path.read_text(), is_package))
    return sources


def violations(rule: Rule, sources: list[Source]) -> list[str]:
    """Returns where a rule is broken, "module:line: what"."""
    known = frozenset(source.name for source in sources)
    return [
        f"{source.name}:{use.line}: {use.what}"
        for source in sources
        if rule.applies(source.name)
        for use in rule.uses(source, known)
        if rule.forbids(use.what)
    ]


# What a module uses.


def imports(source: Source, known: frozenset[str]) -> list[Use]:
    """Returns the modules that a module imports.

    `from a import b` is an import of the module `a.b` if there is one, else of `a`.

    Args:
      source: The module.
      known: The names of the repository's modules.
    """
    return _imported(source, known, _walk(ast.parse(source.text)))


def imports_at_once(source: Source, known: frozenset[str]) -> list[Use]:
    """Returns what is imported with a module, and not where a function needs it."""
    return _imported(source, known, _walk(ast.parse(source.text), without=_FUNCTIONS))


def _imported(
    source: Source, known: frozenset[str], nodes: Iterator[ast.AST]
) -> list[Use]:
    uses = []
    for node in nodes:
        if isinstance(node, ast.Import):
            uses += [Use(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = _absolute(node, source)
            for alias in node.names:
                child = f"{parent}.{alias.name}"
                uses.append(Use(child if child in known else parent, node.lineno))
    return uses


def questions(source: Source, known: frozenset[str]) -> list[Use]:
    """Returns where a module asks which backend it has, or for a GPU."""
    del known
    uses = []
    for node in _walk(ast.parse(source.text)):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            names = {_dotted(node)}
        for name in names:
            *_, before, last = ["", "", *name.split(".")]
            if last == "has_gpu" or (
                last == "backend" and before in ("backend", "config")
            ):
                uses.append(Use(last, node.lineno))
    return uses


def flags(source: Source, known: frozenset[str]) -> list[Use]:
    """Returns where a module defines flags of a command."""
    del known
    return [
        Use(_dotted(node.func), node.lineno)
        for node in _walk(ast.parse(source.text))
        if isinstance(node, ast.Call)
        and _dotted(node.func).split(".")[-1].startswith("DEFINE_")
    ]


def _walk(tree: ast.AST, without: tuple[type, ...] = ()) -> Iterator[ast.AST]:
    """Yields all nodes but those that are for type checkers only, and some types."""
    if isinstance(tree, without):
        return
    yield tree
    children = list(ast.iter_child_nodes(tree))
    if isinstance(tree, ast.If) and _dotted(tree.test).endswith("TYPE_CHECKING"):
        children = tree.orelse
    for child in children:
        yield from _walk(child, without)


def _absolute(node: ast.ImportFrom, source: Source) -> str:
    """Returns the module that `from ... import` names."""
    if not node.level:
        return node.module
    parts = source.name.split(".")
    ups = node.level - source.is_package
    return ".".join([*parts[: len(parts) - ups], *filter(None, [node.module])])


def _dotted(node: ast.AST) -> str:
    """Returns "a.b.c" for such an expression, "" for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


# The rules.


def _inside(*names: str) -> _Predicate:
    """Says whether a module is one of these, or in one of these packages."""
    return lambda module: any(f"{module}.".startswith(f"{name}.") for name in names)


def _is_script(module: str) -> bool:
    """Says whether a module is a file beside `common/`, and no package."""
    parts = module.split(".")
    is_beside = len(parts) == 2 and parts[0] == "paper_experiments"
    return is_beside and parts[1] not in _ROOM_NAMES


def _all(*predicates: _Predicate) -> _Predicate:
    return lambda module: all(predicate(module) for predicate in predicates)


def _but(*names: str) -> _Predicate:
    return lambda module: not _inside(*names)(module)


def _is_root(module: str) -> bool:
    """Says whether a module is the whole library, which imports all of it."""
    return module == "rim_tf"


def _is_speed_or_training(module: str) -> bool:
    rooms = _inside("rim_tf.restoration", "rim_tf.speed", "rim_tf.training")
    return _is_root(module) or rooms(module)


_EQUATIONS = tuple(
    f"rim_tf.{name}"
    for name in ("forward_models", "likelihood", "links", "losses", "problems", "rim")
)
_EXPERIMENTS = "paper_experiments"
_TRAIN, _RECIPES = f"{_EXPERIMENTS}.train", f"{_EXPERIMENTS}.recipes"
_ROOMS = _inside(
    *(f"{_EXPERIMENTS}.{room}" for room in _ROOM_NAMES if room != "rim_restore")
)

LIBRARY_RULES = {
    "the library knows no scripts, data and flags": Rule(
        _inside("rim_tf"),
        _inside("absl", "data_prep", _EXPERIMENTS),
        imports,
    ),
    "equations know neither training nor speed": Rule(
        _inside(*_EQUATIONS), _is_speed_or_training, imports
    ),
    "cells know of speed the convolution and the fused parts": Rule(
        _inside("rim_tf.cells"),
        _all(
            _is_speed_or_training, _but("rim_tf.speed.fused", "rim_tf.speed.winograd")
        ),
        imports,
    ),
    "speed knows nothing else": Rule(
        _inside("rim_tf.speed"),
        _all(_inside("rim_tf"), _but("rim_tf.speed")),
        imports,
    ),
    "few ask about the backend": Rule(
        _all(
            _inside("data_prep", "rim_tf"),
            _but(
                "rim_tf.speed",
                "rim_tf.training.devices",
                "rim_tf.training.patches",
                "rim_tf.forward_models.linear_function",
            ),
        ),
        lambda what: True,
        questions,
    ),
    "data take of the library images and files only": Rule(
        _inside("data_prep"),
        _all(_inside("rim_tf"), _but("rim_tf.files", "rim_tf.images")),
        imports,
    ),
    # The files of baselines are loaded by their names.
    "optional packages are imported where they are used": Rule(
        lambda module: not module.startswith(f"{_EXPERIMENTS}.baselines."),
        _inside(*_OPTIONAL),
        imports_at_once,
    ),
}
SCRIPT_RULES = {
    "what scripts share knows no script": Rule(_ROOMS, _is_script, imports),
    "no script knows another": Rule(
        _all(_is_script, _but(_TRAIN)), _is_script, imports
    ),
    "the training knows recipes, but no other script": Rule(
        _inside(_TRAIN), _all(_is_script, _but(_RECIPES)), imports
    ),
    "what scripts share defines no flags": Rule(
        _all(
            _inside(_EXPERIMENTS),
            lambda module: not _is_script(module) or module == _RECIPES,
            _but(f"{_EXPERIMENTS}.common.run"),
        ),
        lambda what: True,
        flags,
    ),
    "few scripts ask about the backend": Rule(
        _all(
            _inside(_EXPERIMENTS),
            _but(f"{_EXPERIMENTS}.common.provenance", f"{_EXPERIMENTS}.common.run"),
        ),
        lambda what: True,
        questions,
    ),
}
RULES = {**LIBRARY_RULES, **SCRIPT_RULES}
