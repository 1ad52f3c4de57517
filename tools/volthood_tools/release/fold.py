"""Constants written in where their names stand: the board has no use for the names, and little room.

A name in capitals that a module sets once, to a whole number or a short text, is a constant. All modules of a board's
program are looked at together: where one takes a constant from another, its value stands there and the import goes. Nothing
else changes, so the program does what its source says.

A name that is set anywhere else too, or from outside, is none. What must not be done to one, because nobody would notice:
to look for it by a text.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from volthood_tools.release.source import unparsed

Constants = dict[str, int | str]
"""Truth values are whole numbers."""

_SMALL = 1 << 30
"""From here on a number is an object on the heap, which a module makes once and a function each time."""
_IS_CPYTHON = {"sys.implementation.name == 'cpython'": False, "sys.implementation.name != 'cpython'": True}
_SHORT = 32
"""A longer text stands once in a module and not wherever it is used."""


def fold(sources: dict[str, str]) -> dict[str, str]:
    """The modules, by their dotted names, with their constants written in."""
    trees = {name: _Machine().visit(ast.parse(source)) for name, source in sources.items()}
    constants = {name: _constants(tree) for name, tree in trees.items()}
    for name in _set_from_outside(trees.values()):
        for found in constants.values():
            found.pop(name, None)
    offered = {name: dict(found) for name, found in constants.items()}
    while any(_passed_on(tree, offered[name], offered) for name, tree in trees.items()):
        pass
    return {name: unparsed(_folded(tree, constants[name], offered)) for name, tree in trees.items()}


def _constants(tree: ast.Module) -> Constants:
    """The constants that a module sets."""
    stored = Counter(_stored(tree))
    found: Constants = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for name, value in _assigned(statement, found):
                if name.isupper() and stored[name] == 1 and isinstance(value, int | str) and _fits(value):
                    found[name] = value
    return found


def _fits(value: int | str) -> bool:
    return len(value) <= _SHORT if isinstance(value, str) else abs(value) < _SMALL


def _stored(tree: ast.AST) -> Iterator[str]:
    """Every name that is set somewhere in a module, as often as it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _set_from_outside(trees: Iterable[ast.AST]) -> Iterator[str]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                yield node.attr


def _assigned(statement: ast.Assign, known: Constants) -> Iterator[tuple[str, object]]:
    """(name, value) of what an assignment sets, for those whose values are known; also of several at once."""
    target, value = statement.targets[0], _value(statement.value, known)
    if len(statement.targets) == 1 and isinstance(target, ast.Name):
        yield target.id, value
    elif (
        len(statement.targets) == 1
        and isinstance(target, ast.Tuple)
        and isinstance(value, Iterable)
        and not isinstance(value, str)
    ):
        for element, one in zip(target.elts, value, strict=False):
            if isinstance(element, ast.Name):
                yield element.id, one


def _value(expression: ast.expr, known: Constants) -> object:
    """What an expression of literals and constants comes to; None where it is anything else."""
    try:
        code = compile(ast.Expression(expression), "constant", "eval")
        found: object = eval(code, {"__builtins__": {"range": range}}, dict(known))  # noqa: S307 - our own source
    except (NameError, TypeError, ValueError, AttributeError, ArithmeticError):
        return None
    return found


def _passed_on(tree: ast.Module, own: Constants, offered: dict[str, Constants]) -> bool:
    """Adds the constants that a module has from another one and so offers too. Whether there was a new one."""
    before = len(own)
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            given = offered.get(statement.module or "", {})
            own.update(
                {alias.asname or alias.name: given[alias.name] for alias in statement.names if alias.name in given}
            )
    return len(own) > before


def _folded(tree: ast.Module, own: Constants, offered: dict[str, Constants]) -> ast.Module:
    values = dict(own)
    modules: dict[str, Constants] = {}
    stored, imported = Counter(_stored(tree)), Counter[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.partition(".")[0]
                modules |= {package: offered[package]} if package in offered and not alias.asname else {}
        if isinstance(node, ast.ImportFrom):
            given = offered.get(node.module or "", {})
            for alias in node.names:
                known = alias.asname or alias.name
                imported[known] += 1
                if alias.name in given:
                    values[known] = given[alias.name]
                elif f"{node.module}.{alias.name}" in offered:
                    modules[known] = offered[f"{node.module}.{alias.name}"]
    anew = [name for name in values if name not in own and stored[name] > imported[name]]
    if anew:
        raise ValueError(f"constants of another module set anew: {', '.join(anew)}")
    folder = _Folder(values, modules, own, offered)
    folder.visit(tree)
    return ast.fix_missing_locations(tree)


class _Machine(ast.NodeTransformer):
    """Whether this is CPython is known: it is not."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if ast.unparse(node) in _IS_CPYTHON:
            return ast.copy_location(ast.Constant(_IS_CPYTHON[ast.unparse(node)]), node)
        return node


class _Folder(ast.NodeTransformer):
    """Writes the values in, and takes out what set or imported them."""

    def __init__(
        self, values: Constants, modules: dict[str, Constants], own: Constants, offered: dict[str, Constants]
    ) -> None:
        self._values = values
        self._modules = modules
        self._own = own
        self._offered = offered

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self._values:
            return _constant(self._values[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.attr in self._modules.get(node.value.id, {}):
            return _constant(self._modules[node.value.id][node.attr])
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        given = self._offered.get(node.module or "", {})
        node.names = [alias for alias in node.names if alias.name not in given]
        return node if node.names else ast.Pass()

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return (node.body if node.test.value else node.orelse) or ast.Pass()
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        names = [target.id for target in ast.walk(node.targets[0]) if isinstance(target, ast.Name)]
        if names == ["__all__"] or (names and all(name in self._own for name in names)):
            return ast.Pass()
        return self.generic_visit(node)


def _constant(value: int | str) -> ast.expr:
    return (
        ast.Constant(value) if isinstance(value, str) or value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))
    )
