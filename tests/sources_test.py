"""What holds of all sources, and of the table of faults."""

import ast
import re
from pathlib import Path

import launch
import vladser


def test_nothing_is_unpickled_and_no_text_is_run():
    """`ast.literal_eval` reads values and runs nothing."""
    roots = [Path(package.__file__).parent for package in (launch, vladser)]
    for path in (path for root in roots for path in root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    names = {name}
                case ast.Import(names=modules):
                    names = {one.name.partition(".")[0] for one in modules}
                case ast.ImportFrom(module=module, names=members):
                    names = {str(module).partition(".")[0], *(m.name for m in members)}
                case ast.Call(func=ast.Attribute(attr="load", value=ast.Name("np"))):
                    assert "allow_pickle=False" in ast.unparse(node), path
                    continue
                case _:
                    continue
            wrong = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
            assert not names & {*wrong, "eval", "exec", "__import__"}, path


def test_each_kind_of_fault_has_tests_and_each_mark_a_row():
    tests = Path(__file__).parent
    table = (tests.parent / "docs" / "faults.md").read_text(encoding="utf-8")
    table = table.partition("## The environment")[0]
    kinds = re.findall(r"^\| (?!kind |---)([\w ]+) \|", table, re.MULTILINE)
    marked = set()
    for file in tests.glob("*_test.py"):
        marked |= {*re.findall(r'mark\.fault\("([\w ]+)"\)', file.read_text("utf-8"))}
    assert marked == {*kinds} and len(kinds) > 20
