"""Holds infra/template.yaml, the router of `cargo lambda watch` and the binaries to the code: what is deployed is
what is written, and each function may do what its handler can come to, and nothing else.

What a handler can come to, the linker knows: a binary has the operations of the AWS SDK and the parts of the store
that its `main` reaches, and no others."""

import json
import re
import subprocess
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "target/debug"
# The tables that each module of shared/src/store reads or writes.
TABLES = {
    "drafts": "DraftsTable", "conversations": "DraftsTable", "runs": "DraftsTable", "library": "LibraryTable",
    "articles": "ArticlesTable", "words": "ArticlesTable", "meaning": "ArticlesTable", "feeds": "ArticlesTable",
    "removals": "ArticlesTable",
    "stories": "ArticlesTable", "quotas": "UsageTable", "idempotency": "UsageTable", "metrics": "UsageTable", "imports": "UsageTable",
}
# A transaction has no action of its own: it takes those of the writes that shared/src/store/expression.rs puts in it.
WRITES = {"put_of": "dynamodb:PutItem", "update_of": "dynamodb:UpdateItem", "delete_of": "dynamodb:DeleteItem",
    "check_of": "dynamodb:ConditionCheckItem"}
# What a signed address is for, its signer has to be allowed. (Whether an object is there, S3 tells who may list them.)
UPLOADS = {
    "target": {"s3:PutObject"}, "remove": {"s3:DeleteObject"},
    "size": {"s3:GetObject", "s3:ListBucket"}, "read": {"s3:GetObject", "s3:ListBucket"},
}
# What a module has that touches no table: types, their making, records that are read with another's item.
UNTOUCHING = re.compile(r"::(new|fmt|clone|drop|default|deserialize|serialize|eq|from)$|^_::|^[A-Z]\w*$")
# What a binary has in it and never comes to.
NEVER = {
    # Runs::finish keeps the articles that a run was given; here it is given none.
    ("tests-cancel", "dynamodb:PutItem"), ("recover-runs", "dynamodb:PutItem"), ("dead-letters", "dynamodb:PutItem"),
}

wrong = []


def same(what, found, expected):
    """Notes a difference; sets, lists and dictionaries by what is in one and not in the other."""
    if found == expected:
        return
    if isinstance(found, set) and isinstance(expected, set):
        found, expected = sorted(found - expected), sorted(expected - found)
        wrong.append(f"{what}: too much {found}, too little {expected}")
    else:
        wrong.append(f"{what}: {found}, not {expected}")


def main():
    parts = json.loads(subprocess.run([BUILT / "examples/parts"], capture_output=True, check=True).stdout)
    template = yaml_parse((ROOT / "infra/template.yaml").read_text())
    resources = template["Resources"]
    functions = {
        resource["Properties"]["CodeUri"].rstrip("/").split("/")[-1]: (name, resource["Properties"])
        for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"
    }
    routes = {route["binary"]: route for route in parts["routes"]}
    jobs = {job["binary"]: job["trigger"] for job in parts["jobs"]}

    binaries = {path.stem for path in (ROOT / "functions/src/bin").glob("*.rs")}
    same("binaries", binaries, set(routes) | set(jobs))
    same("functions of the template", set(functions), binaries)
    router_of_watch(routes)
    for binary, (_, function) in functions.items():
        same(f"{binary}: CodeUri", function["CodeUri"], f"../target/lambda/{binary}/")
        same(f"{binary}: FunctionName", function["FunctionName"], {"Fn::Sub": f"${{AWS::StackName}}-{binary}"})
    for binary, route in routes.items():
        if binary in functions:
            way_in(binary, route, functions[binary][1])
    for binary, trigger in jobs.items():
        if binary in functions:
            triggered(binary, trigger, functions[binary], template)
    environment(template, parts)
    tables(resources, template["Parameters"], parts)
    page_policy(resources, parts)
    granted = sum(policies(binary, function, resources) for binary, (_, function) in functions.items())

    if wrong:
        sys.exit("The template and the code differ:\n  " + "\n  ".join(wrong))
    print(
        f"{len(routes)} routes and {len(jobs)} jobs, their router, events and binaries; {len(parts['tables'])} tables; "
        f"{granted} allowed operations, each of which its binary reaches, and none that it reaches is missing"
    )


def router_of_watch(routes):
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    router = metadata["metadata"]["lambda"]["watch"]["router"]
    found = {(path, entry["method"], entry["function"]) for path, entries in router.items() for entry in entries}
    same(
        "the router of cargo lambda watch", found,
        {(route["path"], route["method"], route["binary"]) for route in routes.values()},
    )


def way_in(binary, route, function):
    events = [event for event in function.get("Events", {}).values() if event["Type"] == "HttpApi"]
    if route["streams"]:
        same(f"{binary}: routes of the HTTP API, which buffers", events, [])
        same(f"{binary}: function URL", function.get("FunctionUrlConfig"), {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"})
        return
    same(f"{binary}: ways in", len(events), 1)
    for event in events:
        properties = event["Properties"]
        found = (properties["Method"], properties["Path"], properties.get("Auth"))
        auth = {"Authorizer": "NONE"} if route["open"] else None
        same(f"{binary}: method, path and exception", found, (route["method"], route["path"], auth))
    same(f"{binary}: function URL", function.get("FunctionUrlConfig"), None)


def triggered(binary, trigger, named, template):
    name, function = named
    kind = {"Queue": ["SQS"], "Stream": ["DynamoDB"], "Schedule": ["Schedule"], "Deployment": []}[trigger]
    same(f"{binary}: events", [event["Type"] for event in function.get("Events", {}).values()], kind)
    if trigger == "Deployment":
        same(f"{binary}: output", template["Outputs"].get("InstallFunction", {}).get("Value"), {"Ref": name})


def environment(template, parts):
    shared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    # Where an issuer has its keys elsewhere; Cognito hasn't.
    same("settings of the functions", shared, set(parts["settings"]) - {"WORKSHOP_KEY_SET_URL"})
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for name, value in parts["limits"].items():
        parameter = template["Parameters"].get(variables.get(name, {}).get("Ref"), {})
        same(f"default of {name}", parameter.get("Default"), value)


def tables(resources, parameters, parts):
    found = {
        resource["Properties"]["TableName"]["Fn::Sub"].replace("${AWS::StackName}", "stack"): resource
        for resource in resources.values() if resource["Type"] == "AWS::DynamoDB::Table"
    }
    same("tables", set(found), {table["name"] for table in parts["tables"]})
    for table in parts["tables"]:
        if table["name"] not in found:
            continue
        resource, name = found[table["name"]], table["name"]
        properties = resource["Properties"]
        keys = {"pk": "S", "sk": "S"}
        indexes, vectors = {}, []
        for index in table["indexes"]:
            keys[index["hash"]] = "S"
            keys[index["range"]] = "N" if index["range_is_number"] else "S"
            carries = index["carries"]
            projection = {"ProjectionType": "ALL" if carries is None else "INCLUDE" if carries else "KEYS_ONLY"}
            if carries:
                projection["NonKeyAttributes"] = carries
            indexes[index["name"]] = (schema(index["hash"], index["range"]), projection)
        if vector := table["vectors"]:
            same("default of EmbeddingDimensions", parameters["EmbeddingDimensions"]["Default"], vector["dimensions"])
            keys |= dict.fromkeys([vector["hash"], *vector["filters"]], "S")
            elements = [(vector["hash"], "HASH")] + [(filtered, "INLINE_FILTER") for filtered in vector["filters"]]
            vectors.append({
                "IndexName": {"Fn::Sub": vector["name"].replace(str(vector["dimensions"]), "${EmbeddingDimensions}")},
                "VectorAttribute": {"AttributeName": vector["vector"]},
                "Dimensions": {"Ref": "EmbeddingDimensions"},
                "DistanceFunction": "COSINE",
                "SearchSchema": [{"AttributeName": key, "SearchSchemaElementType": kind} for key, kind in elements],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            })
        same(f"{name}: keys", properties["KeySchema"], schema("pk", "sk"))
        defined = {one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]}
        same(f"{name}: attributes", defined, keys)
        there = {
            one["IndexName"]: (one["KeySchema"], one["Projection"])
            for one in properties.get("GlobalSecondaryIndexes", [])
        }
        same(f"{name}: indexes", there, indexes)
        same(f"{name}: indexes of vectors", properties.get("VectorIndexes", []), vectors)
        ttl = {"AttributeName": "ttl", "Enabled": True} if table["expires"] else None
        same(f"{name}: TTL", properties.get("TimeToLiveSpecification"), ttl)
        stream = {"StreamViewType": "OLD_IMAGE"} if table["streams"] else None
        same(f"{name}: stream", properties.get("StreamSpecification"), stream)
        same(f"{name}: kept", (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("Retain", "Retain"))


def schema(hash_key, range_key):
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def page_policy(resources, parts):
    """As on one machine, but for the sign-in and the bucket of uploads, which the page talks to besides."""
    config = resources["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = config["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"][0]
    for besides in ("${SignIn}.auth.${AWS::Region}.amazoncognito.com", "${UploadsBucket.RegionalDomainName}"):
        policy = policy.replace(f" https://{besides}", "")
    same("the page's policy", policy.strip(), parts["page_policy"])


def policies(binary, function, resources):
    """What a function may do against what its binary has in it; how many operations it may."""
    symbols = subprocess.run(["nm", "-C", BUILT / binary], capture_output=True, text=True, check=True).stdout
    needed = {
        f"{service}:{operation}"
        for service, operation in re.findall(
            r"aws_sdk_(dynamodb|sqs|ssm)::operation::[a-z_]+::([A-Za-z]+)::orchestrate\b", symbols
        )
    }
    if "dynamodb:TransactWriteItems" in needed:
        needed.remove("dynamodb:TransactWriteItems")
        needed |= {WRITES[name] for name in re.findall(r"expression::Change::(put_of|update_of|delete_of|check_of)\b", symbols)}
    reached = {
        TABLES[module] for module, path in re.findall(r"shared::store::([a-z]+)::([A-Za-z_:]+)", symbols)
        if module in TABLES and not UNTOUCHING.search(path)
    }
    for called in re.findall(r"shared::uploads::Uploads>?::([a-z]+)\b", symbols):
        needed |= UPLOADS.get(called, set())
    actions, tables_granted = set(), set()
    for policy in function.get("Policies", []):
        # Some are given only when a parameter asks for what they are for.
        policy = policy.get("Fn::If", [None, policy])[1]
        shared = "Ref" in policy
        if shared:
            policy = resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        for statement in policy["Statement"]:
            listed = statement["Action"]
            actions |= {listed} if isinstance(listed, str) else set(listed)
            if not shared:
                tables_granted |= set(re.findall(r"(\w+Table)\b", json.dumps(statement["Resource"])))
    # Parameter Store decrypts in its reader's name.
    actions.discard("kms:Decrypt")
    needed -= {operation for name, operation in NEVER if name == binary}
    same(f"{binary}: allowed actions", actions, needed)
    same(f"{binary}: tables", tables_granted, reached)
    if "dynamodb:Scan" in needed:
        wrong.append(f"{binary}: it scans")
    return len(actions)


if __name__ == "__main__":
    main()
