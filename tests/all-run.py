#!/usr/bin/env python3
"""Fails when a test of the workspace is run by no part of `make test`.

`make test` names what it runs, and not what it leaves out: without this, a file of tests that nothing names would be
built and never run, and so would a test within a library that has `test = false`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What runs tests: the parts, and what they call.
CALLERS = ["tests/run.sh", "Makefile", "tests/deploy/run.py"]

called = " ".join((ROOT / caller).read_text() for caller in CALLERS)
called = re.sub(r'["\',]', " ", called)
metadata = subprocess.check_output(
    ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], cwd=ROOT, text=True
)
never, files = [], 0
for package in json.loads(metadata)["packages"]:
    folder = Path(package["manifest_path"]).parent
    left_out = re.search(rf"--exclude {package['name']}\b", called)
    for target in package["targets"]:
        path = Path(target["src_path"]).relative_to(ROOT)
        if "test" in target["kind"]:
            files += 1
            if not re.search(rf"--test +{target['name']}\b", called):
                never.append(f"{path}: no part names it")
        elif "lib" in target["kind"] and (left_out or not target["test"]):
            sources = (folder / "src").rglob("*.rs")
            never += [
                f"{source.relative_to(ROOT)}: the tests of this library are not built"
                for source in sources
                if re.search(r"#\[(\w+::)?test\b", source.read_text())
            ]
if never:
    sys.exit("These tests never run:\n  " + "\n  ".join(never))
print(f"each of {files} files of tests is run by a part")
