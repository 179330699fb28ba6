"""What infra/deploy.py says of settings that can't be deployed, before it builds or changes anything; and how it gets
a table from the indexes it has to those it is to have."""

import argparse
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "infra"))

import deploy  # noqa: E402

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
        self.refused([{**GOOD, "id": ""}], "needs an id")
        self.refused([GOOD, GOOD], "that no other model has")
        self.refused([{**GOOD, "base_url": "models.example"}], "needs a base_url")
        self.refused([{**GOOD, "contxt_window": 4096}], "has a field contxt_window that there isn't")
        self.refused([{**GOOD, "context_window": "4096"}], "has a context_window of the wrong type")
        self.refused([{**GOOD, "context_window": 512}], "under 1024 tokens")

    def test_the_fields_are_those_that_functions_read(self):
        source = (deploy.ROOT / "shared/src/config.rs").read_text()
        struct = source.split("struct ModelSetting {")[1].split("}")[0]
        fields = {line.split(":")[0].strip() for line in struct.splitlines() if line.strip()[:1].isalpha()}
        self.assertEqual(set(deploy.MODEL), fields)


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
        self.refused({**self.SERVICE, "base_url": "models.example"}, "need a base_url")
        self.refused({**self.SERVICE, "model": ""}, "need a model")
        self.refused({**self.SERVICE, "dimension": 4}, "have a field dimension that there isn't")
        self.refused({**self.SERVICE, "dimensions": "4"}, "have a dimensions of the wrong type")
        self.refused({**self.SERVICE, "dimensions": 5000}, "1 to 4096 dimensions")

    def test_the_fields_are_those_that_functions_read(self):
        source = (deploy.ROOT / "shared/src/config.rs").read_text()
        struct = source.split("struct EmbeddingSetting {")[1].split("}")[0]
        fields = {line.split(":")[0].strip() for line in struct.splitlines() if line.strip()[:1].isalpha()}
        self.assertEqual(set(deploy.EMBEDDINGS), fields)

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
