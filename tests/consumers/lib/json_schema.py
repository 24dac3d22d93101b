#!/usr/bin/env python3
"""json_schema.py SCHEMA FILE...: is each a document that the schema takes? Says what is wrong, exit status 1 if anything is."""
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver, in versions that know another way as well
import jsonschema  # noqa: E402

schema_path = pathlib.Path(sys.argv[1]).resolve()
schema = json.loads(schema_path.read_text(encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
resolver = jsonschema.RefResolver(base_uri=schema_path.as_uri(), referrer=schema)
validator = jsonschema.Draft202012Validator(schema, resolver=resolver)
wrong = 0
for name in sys.argv[2:]:
    for error in validator.iter_errors(json.loads(pathlib.Path(name).read_text(encoding="utf-8"))):
        print(f"{name}: {error.json_path}: {error.message[:200]}", file=sys.stderr)
        wrong = 1
sys.exit(wrong)
