"""One file of a suite, as its source says: what it defines and what it imports."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

from .private_names import is_hidden

Function = (ast.FunctionDef, ast.AsyncFunctionDef)


class SourceFile:
    """Definitions and imports of one file of tests.

    `imports` maps a name to what it stands for: a dotted name, or a name in a sibling file when the folder is set.
    """

    def __init__(self, path: Path, suite: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text())
        self.definitions: dict[str, ast.AST] = {}
        self.imports: dict[str, tuple[str, Path | None]] = {}
        self.own_attributes: set[str] = set()
        for node in ast.walk(self.tree):
            self._take(node, suite)
        for node in self.tree.body:
            if isinstance(node, Function):
                self.definitions[node.name] = node
            for name in assigned_names(node):
                self.definitions[name] = node

    def _take(self, node: ast.AST, suite: Path) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                self.imports[alias.asname or top] = (alias.name if alias.asname else top, None)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            sibling = node.level or base.split(".")[0] == "tests"
            folder = self.path.parents[node.level - 1] if node.level else suite
            for alias in node.names:
                target = (alias.name, folder.joinpath(*base.split(".")) if base else folder)
                self.imports[alias.asname or alias.name] = target if sibling else (f"{base}.{alias.name}", None)
        elif isinstance(node, ast.ClassDef):
            self.definitions.setdefault(node.name, node)
            self.own_attributes |= {child.name for child in node.body if isinstance(child, Function)}
            self.own_attributes |= {name for child in node.body for name in targets(child)}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                self.own_attributes.add(node.attr)

    def imports_at_start(self) -> Iterator[str]:
        """The dotted names that importing the file imports."""
        for node in statements_at_start(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def statements_at_start(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when the file is imported, those under `if` and `try` too."""
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.If, ast.Try)):
            stack += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        else:
            yield node


def targets(node: ast.AST) -> list[str]:
    """The plain names that an assignment binds."""
    return [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]


def assigned_names(node: ast.AST) -> list[str]:
    """The plain names that an assignment, annotated or not, binds."""
    target = getattr(node, "target", None)
    return targets(node) + ([target.id] if isinstance(target, ast.Name) else [])


def exported_names(tree: ast.Module) -> set[str]:
    """The public names that a module of the reference defines itself or lists in `__all__`."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (*Function, ast.ClassDef)):
            names.add(node.name)
        for name in assigned_names(node):
            if name == "__all__":
                names |= {str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}
            elif name not in ("logger", "log"):
                names.add(name)
    return {name for name in names if not is_hidden(name)}
