#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The golden snapshots and plans satisfy the published JSON Schemas, and what the readers refuse the schemas refuse too."""
import copy
import json
import pathlib
import re
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "core" / "data"


def validator(name):
    schema = json.loads((ROOT / "docs" / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def objects(value):
    """Every object within a JSON value."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


class Schemas(unittest.TestCase):
    def check_all(self, name):
        """Every file of the tests, of whatever part, that says it is one."""
        schema = validator(name)
        checked = 0
        for path in (ROOT / "tests").rglob("*.json"):
            value = json.loads(path.read_text())
            if isinstance(value, dict) and f"nearq-{name}" in value:
                checked += 1
                with self.subTest(path.name):
                    schema.validate(value)
        self.assertGreaterEqual(checked, 6)

    def test_snapshots(self):
        self.check_all("snapshot")

    def test_plans(self):
        self.check_all("plan")

    def test_unknown_keys(self):
        for name, path in (("snapshot", "figure-5.json"), ("plan", "figure-5-unplaced.plan.json")):
            schema = validator(name)
            good = json.loads((DATA / path).read_text())
            for index in range(len(list(objects(good)))):
                bad = copy.deepcopy(good)
                list(objects(bad))[index]["surprise"] = 1
                self.assertFalse(schema.is_valid(bad), f"{name}: object {index}")

    def test_every_rule_is_in_the_schema_and_described(self):
        """The rules that have a sentence are those of the schema and of docs/plan.md."""
        said = re.findall(r"^([a-z-]+): ", (DATA / "sentences.txt").read_text(), re.M)
        schema = json.loads((ROOT / "docs/plan.schema.json").read_text())
        reasons = schema["$defs"]["reason"]["anyOf"]
        self.assertEqual(said, [reason["properties"]["rule"]["const"] for reason in reasons])
        text = (ROOT / "docs/plan.md").read_text()
        for reason in reasons:
            row = re.search(rf"^\| {reason['properties']['rule']['const']} \|.*$", text, re.M)
            self.assertIsNotNone(row, reason)
            if "as home-rebalance" not in row.group():
                for value in reason["required"][1:]:
                    self.assertIn(f"`{value}`", row.group())

    def test_every_field_is_described(self):
        """docs/*.md name each key of the schema, and the schema each key that is written."""
        for name in ("snapshot", "plan"):
            text = (ROOT / "docs" / f"{name}.md").read_text()
            schema = json.loads((ROOT / "docs" / f"{name}.schema.json").read_text())
            for holder in objects(schema):
                for key in holder.get("properties", {}) if isinstance(holder.get("properties"), dict) else ():
                    self.assertIn(f"`{key}`", text, name)


if __name__ == "__main__":
    unittest.main()
