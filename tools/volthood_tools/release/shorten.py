"""Short names for what only a module itself can see: the board keeps every name in memory, and most say something to us alone.

- A name that begins with one underscore belongs to its module (the linter sees to that), or to the modules whose classes
  inherit from each other. All of them get the same few names, so that the board's table of names stays small.
- A parameter is known by its place, unless some call names it; then it keeps its name everywhere.

Whatever others use keeps its name: errors and the board's console read as before. What stands in a text is no name that may
change.
"""

import ast
from collections.abc import Iterator
from itertools import chain, count
from string import ascii_letters, ascii_lowercase

from volthood_tools.release.source import unparsed

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def shorten(sources: dict[str, str]) -> dict[str, str]:
    """The modules, by their dotted names, with short private names and parameters."""
    trees = {name: ast.parse(source) for name, source in sources.items()}
    kept = {word for tree in trees.values() for word in _kept(tree)}
    for group in _families(trees):
        _shorten_private([trees[name] for name in group], kept)
    for tree in trees.values():
        for function in _functions(tree):
            _shorten_parameters(function, kept)
    return {name: unparsed(tree) for name, tree in trees.items()}


def _kept(tree: ast.AST) -> Iterator[str]:
    """What may not change: texts, and parameters that a call names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg


def _families(trees: dict[str, ast.Module]) -> list[set[str]]:
    """The modules in groups: those whose classes inherit from each other's together."""
    families = [{name} for name in trees]
    for name, tree in trees.items():
        bases = {base.id for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in _names(node.bases)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) in bases for alias in node.names):
                joined = [family for family in families if name in family or node.module in family]
                families = [family for family in families if family not in joined] + [set[str]().union(*joined)]
    return families


def _names(expressions: list[ast.expr]) -> Iterator[ast.Name]:
    return (expression for expression in expressions if isinstance(expression, ast.Name))


def _shorten_private(trees: list[ast.Module], kept: set[str]) -> None:
    """Gives the private names of a family short ones, those that are used most the shortest."""
    found: dict[str, int] = {}
    for tree in trees:
        for node, field in _identifiers(tree):
            name = getattr(node, field)
            if name.startswith("_") and not name.startswith("__") and name != "_" and name not in kept:
                found[name] = found.get(name, 0) + (0 if _only_uses(node) else 1)
    own = sorted(name for name, definitions in found.items() if definitions)
    short = dict(zip(own, _private_names(kept | (found.keys() - set(own))), strict=False))
    for tree in trees:
        for node, field in _identifiers(tree):
            setattr(node, field, short.get(getattr(node, field), getattr(node, field)))


def _identifiers(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """(node, the field with the name) of every name, attribute, argument, function and class."""
    fields: dict[type[ast.AST], str] = {
        ast.Name: "id",
        ast.Attribute: "attr",
        ast.arg: "arg",
        ast.FunctionDef: "name",
        ast.AsyncFunctionDef: "name",
        ast.ClassDef: "name",
    }
    for node in ast.walk(tree):
        if type(node) in fields:
            yield node, fields[type(node)]


def _only_uses(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)


def _private_names(taken: set[str]) -> Iterator[str]:
    for end in chain([""], map(str, count())):
        for letter in ascii_letters:
            if f"_{letter}{end}" not in taken:
                yield f"_{letter}{end}"


def _functions(tree: ast.AST) -> Iterator[Function]:
    """All functions, outer ones first."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def _shorten_parameters(function: Function, kept: set[str]) -> None:
    """Gives the parameters of a function the first letters that nothing in it uses."""
    inside = [node for part in _body(function) for node in ast.walk(part)]
    bound_within = {node.arg for node in inside if isinstance(node, ast.arg)} | {
        name for node in inside if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
    }
    parameters = [*function.args.posonlyargs, *function.args.args]
    changed = [one for one in parameters if len(one.arg) > 1 and one.arg not in kept | bound_within]
    used = {node.id for node in inside if isinstance(node, ast.Name)} | bound_within
    used |= {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    short = dict(
        zip([one.arg for one in changed], [letter for letter in ascii_lowercase if letter not in used], strict=False)
    )
    for one in changed:
        one.arg = short.get(one.arg, one.arg)
    for node in inside:
        if isinstance(node, ast.Name):
            node.id = short.get(node.id, node.id)


def _body(function: Function) -> list[ast.AST]:
    return [function.body] if isinstance(function, ast.Lambda) else [*function.body]
