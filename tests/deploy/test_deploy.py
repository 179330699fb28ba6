"""What infra/deploy.py says of settings that can't be deployed, before it builds or changes anything; and how it gets
a table from the indexes it has to those it is to have; and which functions it takes from a release, or builds."""

import argparse
import contextlib
import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "infra"))

import deploy  # noqa: E402
import release  # noqa: E402

GOOD = {"id": "m", "base_url": "https://models.example/v1", "key_parameter": "/prompt-workshop/m", "price_in": 1}


class Models(unittest.TestCase):
    def refused(self, models, words):
        with self.assertRaises(deploy.Stopped) as stopped:
            deploy.models_of(json.dumps(models))
        self.assertIn(words, str(stopped.exception))
        self.assertIn("Nothing was changed.", str(stopped.exception))

    def test_models_that_functions_can_read_pass(self):
        self.assertEqual(deploy.models_of(json.dumps([GOOD])), [GOOD])
        self.assertEqual(deploy.models_of("[]"), [])

    def test_others_are_refused_in_words(self):
        self.refused({"id": "m"}, "JSON array of objects")
        self.refused(["m"], "JSON array of objects")
        self.refused([{**GOOD, "id": ""}], "has the id '', which has to be such as gpt-5-mini")
        self.refused([{"id": "m"}], "has no base_url, such as https://")
        self.refused([GOOD, GOOD], "that no other model has")
        self.refused([{**GOOD, "base_url": "models.example"}], "has the base_url 'models.example', which has to be such")
        self.refused([{**GOOD, "contxt_window": 4096}], "has a field contxt_window that there isn't; is it context_window?")
        self.refused([{**GOOD, "context_window": "4096"}], "has a context_window of the wrong type")
        self.refused([{**GOOD, "context_window": True}], "has a context_window of the wrong type")
        self.refused([{**GOOD, "context_window": 512}], "has the context_window 512, which has to be at least 1024")
        self.refused([{**GOOD, "deadlines": {"silense": 1}}], "has a field deadlines.silense that there isn't; is it silence?")
        self.refused([{**GOOD, "deadlines": {"silence": 0}}], "has the deadlines.silence 0, which has to be at least 1")
        self.refused([{**GOOD, "roles": {"system": "boss"}}], "has the roles.system 'boss', which has to be one of system")


class Embeddings(unittest.TestCase):
    SERVICE = {"base_url": "https://models.example/v1", "model": "e", "dimensions": 1024, "least_similarity": 0.2}

    def refused(self, embeddings, words):
        with self.assertRaises(deploy.Stopped) as stopped:
            deploy.embeddings_of(embeddings if isinstance(embeddings, str) else json.dumps(embeddings))
        self.assertIn(words, str(stopped.exception))
        self.assertIn("Nothing was changed.", str(stopped.exception))

    def test_those_that_functions_can_read_pass(self):
        self.assertEqual(deploy.embeddings_of(json.dumps(self.SERVICE)), self.SERVICE)
        self.assertEqual(deploy.embeddings_of(""), {})

    def test_others_are_refused_in_words(self):
        self.refused("{", "can't be read as JSON")
        self.refused([self.SERVICE], "JSON object")
        self.refused({**self.SERVICE, "base_url": "models.example"}, "have the base_url 'models.example'")
        self.refused({**self.SERVICE, "model": ""}, "have the model ''")
        self.refused({"base_url": "https://models.example/v1"}, "have no model, such as text-embedding-3-small")
        self.refused({**self.SERVICE, "dimension": 4}, "have a field dimension that there isn't")
        self.refused({**self.SERVICE, "dimensions": "4"}, "have a dimensions of the wrong type")
        self.refused({**self.SERVICE, "dimensions": 5000}, "have the dimensions 5000, which has to be at least 1 and at most 4096")

    def test_the_index_is_made_for_as_many_numbers_as_they_have(self):
        def chosen(*settings):
            return deploy.parameters(argparse.Namespace(set=list(settings), models=None, embeddings=None))

        said = chosen(f"Embeddings={json.dumps(self.SERVICE)}")
        self.assertEqual(said["EmbeddingDimensions"], "1024")
        self.assertEqual(chosen("Embeddings=")["EmbeddingDimensions"], "256")
        self.assertNotIn("EmbeddingDimensions", chosen("LogRetentionDays=7"))
        with self.assertRaises(deploy.Stopped):
            chosen("EmbeddingDimensions=1024")


class Indexes(unittest.TestCase):
    def steps(self, there, wanted):
        return [sorted(step) for step in deploy.index_steps(there, wanted)]

    def test_one_change_and_none_need_no_step_between(self):
        self.assertEqual(self.steps({"a": 1}, {"a": 1}), [])
        self.assertEqual(self.steps({"a": 1}, {"a": 1, "b": 1}), [])
        self.assertEqual(self.steps({"a": 1, "b": 1}, {"a": 1}), [])

    def test_more_are_made_one_at_a_time_and_what_is_to_be_otherwise_goes_first(self):
        self.assertEqual(self.steps({"a": 1}, {"a": 2}), [[]])
        self.assertEqual(self.steps({}, {"a": 1, "b": 1, "c": 1}), [["a"], ["a", "b"]])
        self.assertEqual(
            self.steps({"a": 1, "b": 1}, {"a": 2, "b": 1, "c": 1}), [["b"], ["a", "b"]],
        )

    def test_other_dimensions_are_another_index(self):
        table = deploy.yaml_parse(deploy.TEMPLATE.read_text())["Resources"]["ArticlesTable"]["Properties"]
        there, wanted = deploy.indexes_of(table, 256), deploy.indexes_of(table, 1024)
        self.assertEqual(set(there) ^ set(wanted), {"by-meaning-256", "by-meaning-1024"})
        self.assertEqual(wanted["by-meaning-1024"][1]["Dimensions"], 1024)
        self.assertEqual(self.steps(there, wanted), [sorted(set(there) & set(wanted))])

    def test_an_index_is_the_same_as_a_template_and_as_dynamodb_has_it(self):
        table = deploy.yaml_parse(deploy.TEMPLATE.read_text())["Resources"]["ArticlesTable"]["Properties"]
        indexes = deploy.indexes_of(table)
        described = {kind: [] for kind in deploy.INDEXES}
        for kind, definition in indexes.values():
            definition = json.loads(json.dumps(definition))
            definition["Projection"].get("NonKeyAttributes", []).reverse()
            definition.get("SearchSchema", []).reverse()
            described[kind].append({**definition, "IndexStatus": "ACTIVE", "IndexSizeBytes": 7})
        there = deploy.indexes_of(described)
        self.assertNotEqual(there, indexes)
        self.assertEqual(deploy.as_wanted(there, indexes), indexes)
        there["by-time"][1]["Projection"] = {"ProjectionType": "ALL"}
        self.assertEqual(deploy.as_wanted(there, indexes), {**indexes, "by-time": there["by-time"]})

    def test_a_table_between_defines_just_the_attributes_that_its_keys_use(self):
        template = deploy.TEMPLATE.read_text()
        table = deploy.yaml_parse(template)["Resources"]["ArticlesTable"]["Properties"]
        indexes = deploy.indexes_of(table)
        attributes = table["AttributeDefinitions"]

        def with_just(*names):
            chosen = {name: indexes[name] for name in names}
            changed = deploy.yaml_parse(deploy.with_indexes(template, "ArticlesTable", chosen, attributes))
            return changed["Resources"]["ArticlesTable"]["Properties"]

        plain = with_just()
        self.assertEqual([one["AttributeName"] for one in plain["AttributeDefinitions"]], ["pk", "sk"])
        self.assertFalse(set(deploy.INDEXES) & set(plain))
        by_time = with_just("by-time")["AttributeDefinitions"]
        self.assertEqual([one["AttributeName"] for one in by_time], ["pk", "sk", "published_at"])
        every = with_just(*indexes)
        self.assertEqual(every["AttributeDefinitions"], attributes)
        self.assertEqual(deploy.indexes_of(every), indexes)


class Templates(unittest.TestCase):
    def test_an_import_has_the_kept_resources_alone_and_what_they_refer_to(self):
        template = deploy.TEMPLATE.read_text()
        imported = deploy.yaml_parse(deploy.only(template, list(deploy.KEPT)))
        self.assertEqual(set(imported["Resources"]), set(deploy.KEPT))
        self.assertNotIn("Outputs", imported)
        self.assertNotIn("Transform", imported)
        known = set(imported["Parameters"]) | set(imported["Conditions"])
        for name, resource in imported["Resources"].items():
            self.assertEqual(resource["DeletionPolicy"], "Retain", name)
            self.assertFalse(references(resource) - known, f"{name} refers to what isn't imported")


OPENAPI = '{\n  "info": {\n    "description": "Prompts",\n    "version": "1.0.0"\n  }\n}\n'
LOCK = """version = 4

[[package]]
name = "elsewhere"
version = "1.0.0"
source = "registry+https://example.org/index"

[[package]]
name = "functions"
version = "1.0.0"
dependencies = [
 "elsewhere",
]

[[package]]
name = "shared"
version = "1.0.0"
"""


CHANGELOG = """# Changelog

## [Unreleased]

## [1.0.0] - 2026-12-01

### Added

- All.

[1]: https://example.org
"""


class Repository(unittest.TestCase):
    """A repository of version 1.0.0 with two functions, in a folder of its own, without a person's settings of git."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.root = self.folder / "checkout"
        self.environment = mock.patch.dict(os.environ, {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
        })
        self.environment.start()
        self.addCleanup(self.environment.stop)
        for name in [name for name in os.environ if name.startswith("GIT_") and name.endswith(("DIR", "TREE", "FILE"))]:
            del os.environ[name]
        self.write("Cargo.toml", '[workspace]\n\n[workspace.package]\nversion = "1.0.0"\n')
        self.write("Cargo.lock", LOCK)
        self.write("functions/openapi.json", OPENAPI)
        self.write("functions/src/bin/health.rs", "fn main() {}\n")
        self.write("CHANGELOG.md", CHANGELOG)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "All")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *arguments):
        run = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return run.stdout.strip()


class MakingARelease(Repository):
    def refused(self, version, words):
        before = self.git("rev-parse", "HEAD"), self.git("tag", "--list"), self.git("status", "--porcelain")
        with self.assertRaises(release.Refused) as refused:
            release.cut(self.root, version)
        self.assertIn(words, str(refused.exception))
        after = self.git("rev-parse", "HEAD"), self.git("tag", "--list"), self.git("status", "--porcelain")
        self.assertEqual(after, before, "nothing is changed")

    def tell(self, version):
        text = (self.root / "CHANGELOG.md").read_text()
        told = f"## [Unreleased]\n\n## [{version}] - 2026-12-24\n\n### Changed\n\n- Some.\n"
        self.write("CHANGELOG.md", text.replace("## [Unreleased]\n", told))
        self.git("commit", "--quiet", "--all", "--message", "Tell of it")

    def test_a_version_is_committed_in_every_file_that_states_it_and_tagged(self):
        self.tell("1.1.0")
        before = self.git("rev-parse", "HEAD")
        self.assertEqual(release.cut(self.root, "1.1.0"), "v1.1.0")
        self.assertEqual(self.git("rev-parse", "v1.1.0^{commit}"), self.git("rev-parse", "HEAD"))
        self.assertEqual(self.git("rev-parse", "HEAD~1"), before, "one commit")
        self.assertEqual(self.git("status", "--porcelain"), "")
        changed = self.git("show", "--name-only", "--format=%s", "HEAD").split()
        self.assertEqual(changed, ["Version", "1.1.0", "Cargo.lock", "Cargo.toml", "functions/openapi.json"])
        self.assertEqual(release.version_of(self.root), "1.1.0")
        self.assertIn('"version": "1.1.0"', (self.root / "functions/openapi.json").read_text())
        lock = (self.root / "Cargo.lock").read_text()
        self.assertEqual(lock, LOCK.replace('"1.0.0"', '"1.1.0"').replace('"1.1.0"', '"1.0.0"', 1), "its own packages only")

    def test_a_version_that_the_files_state_already_is_tagged_alone(self):
        before = self.git("rev-parse", "HEAD")
        release.cut(self.root, "1.0.0")
        self.assertEqual(self.git("rev-parse", "HEAD"), before)
        self.assertEqual(self.git("rev-parse", "v1.0.0^{commit}"), before)
        self.refused("1.0.0", "There is a tag v1.0.0 already")

    def test_what_is_no_release_is_refused_in_words_and_changes_nothing(self):
        for version in ("", "1.1", "v1.1.0", "1.1.0-beta", "01.1.0", "1.1.0\n"):
            self.refused(version, "is no version such as 1.2.3")
        self.refused("1.1.0", "tells nothing under a heading `## [1.1.0]")
        self.refused("0.9.0", "later than 0.9.0")
        self.tell("1.1.0")
        self.write("notes.txt", "put aside")
        self.refused("1.1.0", "has changes")
        (self.root / "notes.txt").unlink()
        self.write("functions/openapi.json", OPENAPI.replace("1.0.0", "1.0.1"))
        self.git("commit", "--quiet", "--all", "--message", "Another version in one place")
        self.refused("1.1.0", "functions/openapi.json states the version 1.0.1")

    def test_a_commit_that_fails_leaves_the_files_as_they_were(self):
        self.tell("1.1.0")
        hook = self.root / ".git/hooks/pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
        hook.chmod(0o755)
        self.refused("1.1.0", "not today")
        self.assertEqual(release.version_of(self.root), "1.0.0")

    def test_the_notes_of_a_version_end_where_the_next_begins(self):
        self.tell("1.1.0")
        self.assertEqual(release.notes(self.root, "1.1.0"), "### Changed\n\n- Some.\n")
        self.assertEqual(release.notes(self.root, "1.0.0"), "### Added\n\n- All.\n")

    def test_the_version_is_found_in_the_files_as_they_are(self):
        for name in release.VERSIONS:
            self.write(name, (deploy.ROOT / name).read_text())
        release.write_version(self.root, release.version_of(self.root), "9.8.7")
        lock = (self.root / "Cargo.lock").read_text()
        for package in ("functions", "shared"):
            self.assertIn(f'name = "{package}"\nversion = "9.8.7"\n', lock)


class Notices(unittest.TestCase):
    def test_each_licence_is_written_once_under_the_crates_it_is_of(self):
        with tempfile.TemporaryDirectory() as folder:
            packages = []
            for name, version, source, files in (
                ("one", "1.0.0", "elsewhere", {"LICENSE-MIT": "Grant.", "README": "Nothing."}),
                ("two", "2.0.0", "elsewhere", {"license.txt": "Grant.\n", "NOTICE": "By two."}),
                ("bare", "0.1.0", "elsewhere", {}),
                ("one", "0.9.0", "elsewhere", {"LICENSE": "Not linked."}),
                ("functions", "1.0.0", None, {"LICENSE": "Our own."}),
            ):
                package = Path(folder, f"{name}-{version}")
                package.mkdir()
                for file, text in files.items():
                    (package / file).write_text(text)
                manifest = str(package / "Cargo.toml")
                packages.append(
                    {"name": name, "version": version, "source": source, "license": "MIT", "manifest_path": manifest}
                )
            told = {
                "tree": "functions v1.0.0 (/here)\none v1.0.0\ntwo v2.0.0\nbare v0.1.0\none v1.0.0 (*)\n",
                "metadata": json.dumps({"packages": packages}),
            }
            with mock.patch.object(release, "cargo", lambda _, command, *arguments: told[command]):
                notices = release.notices(Path(folder))
        self.assertIn("one 1.0.0 (MIT)\ntwo 2.0.0 (MIT)\n\nGrant.\n", notices)
        self.assertIn("two 2.0.0 (MIT)\n\nBy two.\n", notices)
        self.assertIn("bare 0.1.0 (MIT)\n\nNo licence file is in these packages.\n", notices)
        for text in ("Not linked.", "Our own.", "Nothing."):
            self.assertNotIn(text, notices)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and at `/away/…` what leads elsewhere."""

    def do_GET(self):
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1" + self.path.removeprefix("/away"))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


class TakingARelease(Repository):
    NAMES = ["drafts-get", "health"]

    def setUp(self):
        super().setUp()
        self.git("tag", "v1.0.0")
        self.site = self.folder / "site"
        self.files = self.site / "ada/workshop/releases/download/v1.0.0"
        self.files.mkdir(parents=True)
        serve = functools.partial(Quiet, directory=self.site)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.address = f"http://127.0.0.1:{server.server_port}"
        self.git("remote", "add", "origin", f"{self.address}/ada/workshop.git")
        self.built = self.folder / "target/lambda"
        self.attach({f"{name}/bootstrap": f"new {name}".encode() for name in self.NAMES})

    def attach(self, files, told=None):
        """Attaches an archive of `files` to the release, with its checksum, or with what is `told` as its checksum."""
        path = self.files / "functions-arm64.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items() if isinstance(files, dict) else files:
                archive.writestr(name, content)
        told = told or hashlib.sha256(path.read_bytes()).hexdigest()
        (self.files / "SHA256SUMS").write_text(f"{'0' * 64}  functions-x86_64.zip\n{told}  functions-arm64.zip\n")

    def taken(self, architecture="arm64"):
        """Whether the functions were taken, and what was said."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), mock.patch.object(deploy, "function_names", lambda: self.NAMES):
            taken = deploy.take_functions(architecture, self.root, self.built)
        return taken, said.getvalue()

    def built_instead(self, words, architecture="arm64"):
        """Nothing is taken, `words` are said, and what was built before is as it was."""
        old = self.built / "health/bootstrap"
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_bytes(b"old")
        taken, said = self.taken(architecture)
        self.assertFalse(taken)
        self.assertIn("can't be taken from the release v1.0.0", said)
        self.assertIn(words, said)
        self.assertIn("They are built here instead.", said)
        self.assertEqual(old.read_bytes(), b"old")
        there = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        there = [path for path in there if not path.startswith(("checkout/", "site/"))]
        self.assertEqual(there, ["target/lambda/health/bootstrap"], "nothing is left anywhere")

    def test_the_functions_of_the_tag_are_taken(self):
        taken, said = self.taken()
        self.assertTrue(taken, said)
        self.assertIn("Took the functions of the release v1.0.0, built for arm64", said)
        for name in self.NAMES:
            path = self.built / name / "bootstrap"
            self.assertEqual(path.read_bytes(), f"new {name}".encode())
            self.assertTrue(os.access(path, os.X_OK), "it can be run")
        self.assertEqual(sorted(path.name for path in self.built.iterdir()), self.NAMES, "and nothing else is left")

    def test_what_is_packed_is_what_is_taken_and_the_same_each_time(self):
        for name in self.NAMES:
            path = self.folder / "other" / name / "bootstrap"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"packed")
        archive = self.files / release.archive_of("arm64")
        release.pack(self.folder / "other", self.NAMES, archive)
        first = archive.read_bytes()
        release.pack(self.folder / "other", reversed(self.NAMES), archive)
        self.assertEqual(archive.read_bytes(), first)
        (self.files / "SHA256SUMS").write_text(f"{hashlib.sha256(first).hexdigest()}  functions-arm64.zip\n")
        self.assertTrue(self.taken()[0])
        self.assertEqual((self.built / "health/bootstrap").read_bytes(), b"packed")

    def test_a_checkout_that_is_no_tag_or_was_changed_is_built_without_a_word(self):
        self.write("models.json", "[]")
        self.assertTrue(self.taken()[0], "a file that git doesn't know, and nothing builds, is no change")
        self.write("functions/src/bin/more.rs", "fn main() {}")
        self.assertEqual(self.taken(), (False, ""), "one that cargo would build is")
        (self.root / "functions/src/bin/more.rs").unlink()
        self.write("Cargo.lock", LOCK + "# changed\n")
        self.assertEqual(self.taken(), (False, ""))
        self.git("commit", "--quiet", "--all", "--message", "After the tag")
        self.assertEqual(self.taken(), (False, ""))
        self.git("tag", "v1.0.1")
        self.assertEqual(self.taken(), (False, ""), "the tag of another version")
        shutil.rmtree(self.root / ".git")
        self.assertEqual(self.taken(), (False, ""), "no repository at all")

    def test_a_wrong_checksum_takes_nothing(self):
        self.attach({f"{name}/bootstrap": b"new" for name in self.NAMES}, told="1" * 64)
        self.built_instead("functions-arm64.zip doesn't have the checksum that SHA256SUMS states")

    def test_a_checksum_that_is_not_stated_takes_nothing(self):
        self.built_instead("can't be", "x86_64")
        (self.files / "SHA256SUMS").write_text(f"{'1' * 64}  other.zip\n")
        self.built_instead("doesn't state one checksum for functions-arm64.zip")
        (self.files / "SHA256SUMS").write_text("<html>Sign in</html>\n" * 5000)
        self.built_instead("SHA256SUMS has more than 65536 bytes")

    def test_a_release_that_lacks_a_file_takes_nothing(self):
        (self.files / "functions-arm64.zip").unlink()
        self.built_instead("functions-arm64.zip answers 404")
        (self.files / "SHA256SUMS").unlink()
        self.built_instead("SHA256SUMS answers 404")

    def test_a_server_that_is_not_there_takes_nothing(self):
        self.git("remote", "set-url", "origin", "http://127.0.0.1:1/ada/workshop")
        self.built_instead("can't be reached")
        self.git("remote", "remove", "origin")
        self.built_instead("this checkout has no remote `origin`")

    def test_a_redirect_away_from_https_is_not_followed(self):
        self.git("remote", "set-url", "origin", f"{self.address}/away/workshop")
        self.built_instead("leads to an address that isn't https")

    def test_an_archive_that_leads_out_of_its_folder_takes_nothing(self):
        good = {f"{name}/bootstrap": b"new" for name in self.NAMES}
        outside = str(self.folder / "outside")
        for path in ("../health/bootstrap", "../../outside", outside, "health/../../outside", "health\\bootstrap"):
            self.attach({**good, path: b"escaped"})
            self.built_instead("has a file that isn't a function of this version")
        self.assertFalse((self.folder / "outside").exists())

    def test_an_archive_of_other_functions_takes_nothing(self):
        self.attach({"health/bootstrap": b"new"})
        self.built_instead("lacks drafts-get/bootstrap")
        good = [(f"{name}/bootstrap", b"new") for name in self.NAMES]
        with self.assertWarns(UserWarning):
            self.attach([*good, good[0]])
        self.built_instead("has a function twice")
        path = self.files / "functions-arm64.zip"
        path.write_bytes(path.read_bytes()[:40])
        told = hashlib.sha256(path.read_bytes()).hexdigest()
        (self.files / "SHA256SUMS").write_text(f"{told}  functions-arm64.zip\n")
        self.built_instead("can't be unpacked")

    def test_what_is_too_large_takes_nothing(self):
        with mock.patch.object(release, "FUNCTION_MAX", 3):
            self.built_instead("is larger than AWS Lambda takes")
        with mock.patch.object(release, "ARCHIVE_MAX", 3):
            self.built_instead("functions-arm64.zip has more than 3 bytes")

    def test_the_page_is_the_one_that_origin_names_and_no_secret_of_it_is_kept(self):
        def page(remote):
            self.git("remote", "set-url", "origin", remote)
            return release.page_of(self.root)

        wanted = "https://code.example/ada/workshop"
        for remote in (
            "https://code.example/ada/workshop", "https://code.example/ada/workshop.git/",
            "https://ada:secret@code.example/ada/workshop.git", "git@code.example:ada/workshop.git",
            "code.example:ada/workshop", "ssh://git@code.example:2222/ada/workshop.git",
        ):
            self.assertEqual(page(remote), wanted, remote)
        self.assertEqual(page("https://code.example:8443/ada/workshop"), "https://code.example:8443/ada/workshop")
        for remote in ("http://code.example/ada/workshop", "git://code.example/ada/workshop", "/srv/git/workshop.git"):
            with self.assertRaises(release.Unavailable, msg=remote):
                page(remote)

    def test_the_archive_of_a_release_is_built_without_an_account(self):
        for name in self.NAMES:
            path = self.built / name / "bootstrap"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"built")
        built = []
        with (
            mock.patch.object(deploy, "build_functions", built.append), mock.patch.object(deploy, "BUILT", self.built),
            mock.patch.object(deploy, "function_names", lambda: self.NAMES),
            mock.patch.object(deploy, "Cloud", mock.Mock(side_effect=AssertionError("AWS was asked"))),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            deploy.main(["build", "--architecture", "x86_64"])
        self.assertEqual(built, ["x86_64"])
        with zipfile.ZipFile(self.built / "functions-x86_64.zip") as archive:
            self.assertEqual(archive.namelist(), ["drafts-get/bootstrap", "health/bootstrap"])

    def test_deploy_takes_or_builds_as_it_is_told(self):
        built = []
        cloud = mock.Mock(spec=deploy.Cloud, stack="s", region="r", session=mock.MagicMock())
        cloud.parameter.return_value = None
        with (
            mock.patch.object(deploy, "build_functions", built.append), mock.patch.object(deploy.subprocess, "run"),
            mock.patch.object(deploy, "take_functions", lambda architecture: architecture == "arm64"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            deploy.Cloud.deploy(cloud, {})
            self.assertEqual(built, [], "taken")
            deploy.Cloud.deploy(cloud, {}, build=True)
            deploy.Cloud.deploy(cloud, {"Architecture": "x86_64"})
        self.assertEqual(built, ["arm64", "x86_64"])


def references(value):
    """The names that a resource refers to."""
    if isinstance(value, dict):
        found = set()
        for key, inner in value.items():
            if key in ("Ref", "Fn::GetAtt", "Fn::If"):
                first = inner if isinstance(inner, str) else inner[0]
                found |= set() if first.startswith("AWS::") else {first}
            found |= references(inner)
        return found
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


if __name__ == "__main__":
    unittest.main()
