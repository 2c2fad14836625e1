"""Splits the tests of the suites by what they touch, from their sources.

A test is INTERNAL when the code that it runs touches something private of the reference. That code is the test with
its decorators, the set-up and tear-down of its class, autouse fixtures, and every function, class or constant of the
suite that these name, followed on. Private is

* an import of a dotted name with an underscore that is not documented,
* an attribute with an underscore that the reference's sources know and the tests do not define themselves, also when
  spelled as a string (`getattr`, `patch.object`),
* a logger with such a name from which records are expected,
* `mock.patch` of a dotted name that is private, or that the official module merely imports from elsewhere,
* the parts of opentelemetry-test-utils that reset private globals.

A test is BLOCKED when nothing of that holds, but its file cannot be imported without a private name. All others are
PUBLIC.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from .private_names import is_hidden, is_private, is_private_test_tool
from .source_file import Function, SourceFile, exported_names, targets

PUBLIC, BLOCKED, INTERNAL = "public", "blocked", "internal"

SET_UP = frozenset(
    "setUp tearDown setUpClass tearDownClass asyncSetUp asyncTearDown setup_method teardown_method setup_class "
    "teardown_class run __init__".split()
)
# Calls whose second argument is the name of an attribute.
BY_NAME = frozenset({"patch", "object", "dict", "multiple", "getattr", "setattr", "hasattr", "delattr"})


class Classifier:
    """Knows the sources of all suites: `suites` holds one unpacked source distribution a folder."""

    def __init__(self, suites: Path) -> None:
        self._files: dict[Path, SourceFile] = {}
        self.official_names: set[str] = set()
        self.exports: dict[str, set[str]] = {}
        for path in suites.glob("*/src/**/*.py"):
            text = path.read_text()
            self.official_names |= set(re.findall(r"\b_[A-Za-z]\w*", text))
            module = ".".join(path.with_suffix("").parts[path.parts.index("src", len(suites.parts)) + 1 :])
            if module.endswith(".__init__"):
                module = module[: -len(".__init__")]
            self.exports[module] = exported_names(ast.parse(text))

    def file(self, path: Path, suite: Path) -> SourceFile:
        if path not in self._files:
            self._files[path] = SourceFile(path, suite)
        return self._files[path]

    def kinds(self, suite: Path) -> dict[str, dict[str, str]]:
        """`{"tests/a/test_b.py": {"Class::test": kind}}` for one suite."""
        return {
            path.relative_to(suite).as_posix(): self._kinds_of_file(path, suite)
            for path in sorted(suite.glob("tests/**/test_*.py"))
        }

    def _kinds_of_file(self, path: Path, suite: Path) -> dict[str, str]:
        file = self.file(path, suite)
        rest = BLOCKED if any(is_private(p) or is_private_test_tool(p) for p in file.imports_at_start()) else PUBLIC
        kinds: dict[str, str] = {}
        for prefix, cls, function, home in self._tests(file, suite):
            if prefix + function.name not in kinds:
                reached = Reached(self, suite, function, cls, home)
                kinds[prefix + function.name] = INTERNAL if reached.touches_private() else rest
        return kinds

    def _tests(self, file: SourceFile, suite: Path):
        """The test functions of a file and of its test classes, inherited ones too."""
        cases = [("", None, node, file) for node in file.tree.body]
        for cls in (node for node in file.tree.body if isinstance(node, ast.ClassDef)):
            if cls.name.startswith("Test") or any("Test" in ast.unparse(base) for base in cls.bases):
                cases += [(f"{cls.name}::", cls, n, home) for c, home in self.bases(cls, file, suite) for n in c.body]
        return [case for case in cases if isinstance(case[2], Function) and case[2].name.startswith("test")]

    def resolve(self, name: str, file: SourceFile, suite: Path) -> tuple[ast.AST | None, SourceFile | None]:
        """What a name is defined as, in the file or in a sibling that it is imported from."""
        if name in file.definitions:
            return file.definitions[name], file
        target, folder = file.imports.get(name, (None, None))
        if folder is not None:
            for path in (folder.with_suffix(".py"), folder / f"{target}.py", folder / "__init__.py"):
                if path.is_file() and target in self.file(path, suite).definitions:
                    return self.file(path, suite).definitions[target], self.file(path, suite)
        return None, None

    def bases(self, cls: ast.ClassDef, file: SourceFile, suite: Path) -> list[tuple[ast.ClassDef, SourceFile]]:
        """The class and those of its bases that the suite defines."""
        found = [(cls, file)]
        for base in cls.bases:
            name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            outer = base.value.id if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) else name
            node, home = self.resolve(outer, file, suite)
            if node is not None and outer != name:
                node = next((n for n in ast.walk(node) if isinstance(n, ast.ClassDef) and n.name == name), None)
            if isinstance(node, ast.ClassDef) and node is not cls:
                found += self.bases(node, home, suite)
        return found


class Reached:
    """All the code of a suite that one test runs."""

    def __init__(
        self, classifier: Classifier, suite: Path, test: ast.AST, cls: ast.ClassDef | None, home: SourceFile
    ) -> None:
        self.classifier, self.suite = classifier, suite
        chain = classifier.bases(cls, home, suite) if cls else []
        # Members of these are followed one by one, not the class as a whole.
        self.classes = {c.name for c, _ in chain} | {"self", "cls"}
        self.todo: list[tuple[ast.AST, SourceFile]] = [(test, home)]
        self.todo += [(n, home) for n in home.tree.body if is_autouse(n)]
        for c, file in chain:
            self.todo += [(d, file) for d in c.decorator_list]
            self.todo += [(b, file) for b in c.bases if not self.classes.intersection(ast.unparse(b).split("."))]
            self.todo += [(n, file) for n in c.body if getattr(n, "name", "") in SET_UP or is_autouse(n)]
        self.members = {n.name: (n, file) for c, file in reversed(chain) for n in c.body if hasattr(n, "name")}
        self.members.update({name: (n, file) for c, file in chain for n in c.body for name in targets(n)})
        self.own_attributes = set(self.members) | set().union(
            home.own_attributes, *(f.own_attributes for _, f in chain)
        )

    def touches_private(self) -> bool:
        seen: set[int] = set()
        while self.todo:
            root, file = self.todo.pop()
            if id(root) not in seen:
                seen.add(id(root))
                if any(self._is_private(node, file) for node in ast.walk(root)):
                    return True
        return False

    def _is_private(self, node: ast.AST, file: SourceFile) -> bool:
        if isinstance(node, (ast.Name, ast.arg)):
            return self._name(node, file)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            base = "" if isinstance(node, ast.Import) else (node.module or "") + "."
            return any(is_private(base + a.name) or is_private_test_tool(base + a.name) for a in node.names)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, file)
        if isinstance(node, ast.Constant) and str(node.value).endswith(".py"):
            script = file.path.parent / "scripts" / str(node.value)
            if script.is_file():
                loaded = self.classifier.file(script, self.suite)
                self.todo.append((loaded.tree, loaded))
        elif isinstance(node, ast.Call):
            return self._call(node)
        return False

    def _name(self, node: ast.Name | ast.arg, file: SourceFile) -> bool:
        name = node.id if isinstance(node, ast.Name) else node.arg
        if name not in self.classes:
            definition, home = self.classifier.resolve(name, file, self.suite)
            if definition is not None:
                self.todo.append((definition, home))
        target, folder = file.imports.get(name, ("", None))
        return isinstance(node, ast.Name) and folder is None and (is_private(target) or is_private_test_tool(target))

    def _attribute(self, node: ast.Attribute, file: SourceFile) -> bool:
        mine = isinstance(node.value, ast.Name) and node.value.id in self.classes
        if mine and node.attr in self.members:
            self.todo.append(self.members[node.attr])
        path = dotted(node, file)
        if path.startswith("opentelemetry"):
            return is_private(path) or is_private_test_tool(path)
        official = node.attr in self.classifier.official_names
        if not is_hidden(node.attr) or path or (node.attr in self.own_attributes and (mine or not official)):
            return False
        return official or re.match(r"_[A-Z]\w*__", node.attr) is not None

    def _call(self, node: ast.Call) -> bool:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0] if node.args else None
        if name in ("assertLogs", "getLogger"):
            return isinstance(first, ast.Constant) and is_private(str(first.value))
        if name not in BY_NAME:
            return False
        if name == "patch":
            target = ast.unparse(first).strip("'\"") if isinstance(first, (ast.Constant, ast.JoinedStr)) else ""
            return target.startswith("opentelemetry") and (is_private(target) or not self._is_exported(target))
        second = node.args[1] if len(node.args) > 1 else None
        by_name = second.value if isinstance(second, ast.Constant) and isinstance(second.value, str) else ""
        return is_hidden(by_name) and by_name in self.classifier.official_names

    def _is_exported(self, target: str) -> bool:
        """Does the module that a dotted name stands in define the name itself?"""
        parts = target.split(".")
        for end in range(len(parts) - 1, 0, -1):
            exports = self.classifier.exports.get(".".join(parts[:end]))
            if exports is not None:
                return parts[end] in exports
        return False


def is_autouse(node: ast.AST) -> bool:
    return any("autouse" in ast.dump(decorator) for decorator in getattr(node, "decorator_list", ()))


def dotted(node: ast.AST, file: SourceFile) -> str:
    """The dotted name that an attribute of an imported module stands for, or nothing."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    target, folder = file.imports.get(node.id, ("", None)) if isinstance(node, ast.Name) else ("", None)
    return ".".join([target, *reversed(parts)]) if target and folder is None else ""
