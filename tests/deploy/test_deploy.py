"""What infra/deploy.py says of settings that can't be deployed, before it builds or changes anything."""

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
