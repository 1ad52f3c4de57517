"""A syntax tree as source for mpy-cross."""

import ast

_LOOSE = (ast.Lambda, ast.NamedExpr, ast.Starred, ast.Yield, ast.YieldFrom)
"""What would not stay an element of its own without parentheses."""


def unparsed(tree: ast.Module) -> str:
    """The source of a tree, which may be changed by this.

    `a, b = c, d` keeps its form: MicroPython makes a tuple of `(c, d)`, and the board must not when its heap is locked.
    """
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple)
            and isinstance(node.targets[0], ast.Tuple)
        ):
            elements = node.value.elts
            if not any(isinstance(element, _LOOSE) for element in elements):
                node.value = ast.Name(", ".join(map(ast.unparse, elements)))
    return ast.unparse(tree)
