"""The modules that are always there, joined into one: each file carries a table of its names, and imports what others have.

What `roots` import where they begin, and what that imports, becomes one module. A name at its top level is one that the module
has for something else, and each has another; errors keep theirs, since logs say them. A module that some text names is loaded
by that name, and stays apart. All others find what they import in the joined module.
"""

import ast
from collections.abc import Iterable, Iterator
from itertools import chain, product
from keyword import iskeyword
from string import ascii_lowercase, digits

from volthood_tools.release.source import unparsed

JOINED = "voltnode.joined"
_Names = dict[str, str]


def join(sources: dict[str, str], roots: Iterable[str], outside: Iterable[str]) -> dict[str, str]:
    """The modules, by their dotted names, with those that are always there in `JOINED`.

    Args:
        roots: the modules that the board starts with.
        outside: modules that something else imports by their names; what they have is found there too.
    """
    trees = {name: _Bare().visit(ast.parse(source)) for name, source in sources.items()}
    members = _members(trees, list(roots))
    names = _unique(trees, members)
    body: list[ast.stmt] = []
    header: dict[str, ast.stmt] = {}
    for member in members:
        for statement in _Renamer(member, trees, names).renamed():
            if isinstance(statement, ast.Import | ast.ImportFrom):
                header[ast.dump(statement)] = statement
            else:
                body.append(statement)
    done = {JOINED: unparsed(_module([*header.values(), *body]))}
    for name, tree in trees.items():
        if name not in names:
            done[name] = unparsed(_Redirector(names).visit(tree))
        elif name in outside:
            done[name] = unparsed(_entrance(tree, names[name]))
        elif any(other.startswith(name + ".") for other in trees):
            done[name] = ""  # A package is there for what is in it.
    return done


class _Bare(ast.NodeTransformer):
    """Takes out what MicroPython would not look at: annotations and what is there for type checkers."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant) and not node.test.value:
            return node.orelse or ast.Pass()
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _members(trees: dict[str, ast.Module], roots: list[str]) -> list[str]:
    """The modules to join, each after those that it imports."""
    texts = {node.value for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    found: list[str] = []
    seen: set[str] = set()

    def take(name: str) -> None:
        if name in seen or name not in trees:
            return
        seen.add(name)
        for module, alias in _imported(trees[name]):
            take(f"{module}.{alias}")
            take(module)
        if name not in texts:
            found.append(name)

    for root in roots:
        take(root)
    return found


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of what a module imports where it begins."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                yield statement.module or "", alias.name


def _unique(trees: dict[str, ast.Module], members: list[str]) -> dict[str, _Names]:
    """For each member what its names at the top level become."""
    used = {
        getattr(node, field)
        for member in members
        for node in ast.walk(trees[member])
        for field in ("id", "arg", "name", "asname")
        if isinstance(getattr(node, field, None), str)
    }
    # A name that stands there already, as that of an attribute, costs nothing.
    attributes = {
        node.attr for member in members for node in ast.walk(trees[member]) if isinstance(node, ast.Attribute)
    }
    candidates = chain(sorted(attributes), map("".join, product(ascii_lowercase, ascii_lowercase + digits)))
    fresh = (name for name in candidates if name not in used and not iskeyword(name) and not name.startswith("__"))
    names: dict[str, _Names] = {}
    for member in members:
        names[member] = {
            name: name if name.endswith("Error") else next(fresh) for name in sorted(set(_bound(trees[member].body)))
        }
    return names


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """The names that statements set in their own scope, imports aside."""
    for node in _own(body):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            yield node.name


_SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a scope, without what stands in scopes within."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if not isinstance(node, _SCOPES):
            yield from _own(ast.iter_child_nodes(node))


class _Renamer(ast.NodeTransformer):
    """One member as it stands in the joined module."""

    def __init__(self, member: str, trees: dict[str, ast.Module], names: dict[str, _Names]) -> None:
        self._tree = trees[member]
        self._all = names
        self._names = dict(names[member])
        self._modules: dict[str, str] = {}
        self._scopes: list[tuple[bool, set[str]]] = []

    def renamed(self) -> list[ast.stmt]:
        """Its statements, without imports of other members and without what runs it as a program."""
        kept: list[ast.stmt] = []
        for statement in self._tree.body:
            if isinstance(statement, ast.ImportFrom):
                self._note(statement)
        for statement in self._tree.body:
            if not _is_start(statement):
                made = self.visit(statement)
                kept += made if isinstance(made, list) else [made]
        return [statement for statement in kept if not isinstance(statement, ast.Pass)]

    def _note(self, statement: ast.ImportFrom) -> None:
        for alias in statement.names:
            known, module = alias.asname or alias.name, f"{statement.module}.{alias.name}"
            if module in self._all:
                self._modules[known] = module
            elif statement.module in self._all:
                self._names[known] = self._all[statement.module][alias.name]

    def _is_local(self, name: str) -> bool:
        innermost = len(self._scopes) - 1
        return any(name in found for i, (is_class, found) in enumerate(self._scopes) if not is_class or i == innermost)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if self._scopes:
            return _redirected(node, self._all)
        node.names = [
            alias
            for alias in node.names
            if node.module not in self._all and f"{node.module}.{alias.name}" not in self._all
        ]
        return node if node.names else ast.Pass()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not self._is_local(node.id):
            node.id = self._names.get(node.id, node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        node.names = [self._names.get(name, name) for name in node.names]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules and not self._is_local(node.value.id):
            return ast.Name(self._all[self._modules[node.value.id]][node.attr], node.ctx)
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if not self._scopes:
            node.name = self._names[node.name]
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        self._defaults(node.args)
        self._within(
            False, {*_arguments(node.args), *_bound(node.body), *_imports(node.body)} - _globals(node.body), node
        )
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        self._scopes.append((False, set(_arguments(node.args))))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if not self._scopes:
            node.name = self._names[node.name]
        node.bases = [self.visit(base) for base in node.bases]
        self._within(True, set(_bound(node.body)), node)
        return node

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(each) for each in arguments.defaults]
        arguments.kw_defaults = [each and self.visit(each) for each in arguments.kw_defaults]

    def _within(
        self, is_class: bool, bound: set[str], node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> None:
        self._scopes.append((is_class, bound))
        body: list[ast.stmt] = []
        for statement in node.body:
            made = self.visit(statement)
            body += made if isinstance(made, list) else [made]
        node.body = body
        self._scopes.pop()

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            targets = {
                inner.id for each in node.generators for inner in ast.walk(each.target) if isinstance(inner, ast.Name)
            }
            self._scopes.append((False, targets))
            super().generic_visit(node)
            self._scopes.pop()
            return node
        return super().generic_visit(node)


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    return (node.arg for node in ast.walk(arguments) if isinstance(node, ast.arg))


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in _own(body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0]


def _globals(body: list[ast.stmt]) -> set[str]:
    return {name for node in _own(body) if isinstance(node, ast.Global) for name in node.names}


def _redirected(node: ast.ImportFrom, names: dict[str, _Names]) -> ast.stmt:
    """An import of what became part of the joined module."""
    if node.module not in names:
        return node
    found = names[node.module]
    node.names = [ast.alias(found[alias.name], alias.asname or alias.name) for alias in node.names]
    node.module = JOINED
    return node


class _Redirector(ast.NodeTransformer):
    """A module that stays apart, with its imports of members redirected."""

    def __init__(self, names: dict[str, _Names]) -> None:
        self._names = names
        self._modules: dict[str, str] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        members = [alias for alias in node.names if f"{node.module}.{alias.name}" in self._names]
        if not members:
            return _redirected(node, self._names)
        imports: list[ast.stmt] = []
        for alias in members:
            module = f"{node.module}.{alias.name}"
            self._modules[alias.asname or alias.name] = module
            node.names.remove(alias)
        if members:
            imports.append(ast.ImportFrom("voltnode", [ast.alias("joined", "_joined")], 0))
        return imports + ([node] if node.names else [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            return ast.Attribute(ast.Name("_joined"), self._names[self._modules[node.value.id]][node.attr], node.ctx)
        self.generic_visit(node)
        return node


def _entrance(tree: ast.Module, names: _Names) -> ast.Module:
    """A member's own file: what it has for others, and what runs it as a program."""
    public = [ast.alias(short, name) for name, short in names.items() if not name.startswith("_")]
    body: list[ast.stmt] = [ast.ImportFrom(JOINED, public, 0)] if public else []
    return _module(body + [statement for statement in tree.body if _is_start(statement)])


def _is_start(statement: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__"`."""
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )


def _module(body: list[ast.stmt]) -> ast.Module:
    return ast.fix_missing_locations(ast.Module(body, []))
