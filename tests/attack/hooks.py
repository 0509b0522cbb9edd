"""What schemathesis cannot know from PostgREST's document of an API, each with its reason.

Everything else that it finds is a finding: scripts/attack names the checks that are left out as a whole.
"""

import copy

import schemathesis
from schemathesis.specs.openapi.checks import content_type_conformance


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for definition in raw_schema["definitions"].values():
        # Rows have the columns that `select` names, and so none for certain. What is not required may be null, for which
        # Swagger 2.0 has no word.
        required = definition.pop("required", [])
        for name, column in definition.get("properties", {}).items():
            if name not in required:
                column["x-nullable"] = True
    for operations in raw_schema["paths"].values():
        # PostgREST takes PUT, and its document does not say so.
        if "patch" in operations:
            operations["put"] = copy.deepcopy(operations["patch"])
            operations["put"]["responses"] = {status: {"description": ""} for status in ("200", "201", "204")}


@schemathesis.check
def content_type(ctx, response, case):
    # Without content there is no type (RFC 9110, section 8.3): 204, and 201 unless the rows were asked for.
    if response.content:
        content_type_conformance(ctx, response, case)
