"""Holds what each function may do to what its binary can come to, and what is written by hand in infra/template.yaml
to the code. (What is derived, `make routes CHECK=yes` holds.)

What a handler can come to, the linker knows: a binary has the functions that its `main` reaches, and no others. The
store has one for each table and operation (shared/src/store/table.rs), so that an action on the wrong table shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent.parent
# Cargo's target folder, which CARGO_TARGET_DIR and cargo's configuration can move.
TARGET = Path(subprocess.check_output([ROOT / "tests/target-dir.sh"], text=True).strip())
BUILT = TARGET / "debug"
OPERATIONS = {
    "get_item": "GetItem", "batch_get_item": "BatchGetItem", "query": "Query", "search_vectors": "SearchVectors",
    "update_item": "UpdateItem", "delete_item": "DeleteItem", "batch_write_item": "BatchWriteItem",
    # A transaction has no action of its own: it takes those of its writes.
    "put": "PutItem", "update": "UpdateItem", "delete": "DeleteItem", "check": "ConditionCheckItem",
}
# What needs no pair: a transaction, and the read of no item that opens the connection (Store::connect).
WITHOUT_A_TABLE = {"TransactWriteItems", "GetItem"}
QUEUES = {"queue": "RunsQueue", "imports_queue": "ImportsQueue"}
# What a signed address is for, its signer has to be allowed.
UPLOADS = {"target": "PutObject", "remove": "DeleteObject", "size": "GetObject", "read": "GetObject"}

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
    environment(template, parts)
    tables(template["Resources"])
    queues(template["Resources"], parts)
    page_policy(template["Resources"], parts)
    proved = sum(policy(function) for function in parts["functions"])
    if wrong:
        sys.exit("The template and the code differ:\n  " + "\n  ".join(wrong))
    print(
        f"{len(parts['functions'])} functions: {proved} pairs of an action and what it is for, each of which the "
        "function's binary reaches, and none that it reaches is missing"
    )


def environment(template, parts):
    shared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    # Where an issuer has its keys elsewhere; Cognito hasn't.
    same("settings of the functions", shared, set(parts["settings"]) - {"WORKSHOP_KEY_SET_URL"})
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for name, value in parts["limits"].items():
        parameter = template["Parameters"].get(variables.get(name, {}).get("Ref"), {})
        same(f"default of {name}", parameter.get("Default"), value)


def tables(resources):
    for name, resource in resources.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            same(f"{name}: kept", (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("Retain", "Retain"))


def queues(resources, parts):
    """Six times the time of the job that it calls, as AWS asks for."""
    for function in parts["functions"]:
        if queue := function.get("queue"):
            found = resources[queue]["Properties"]["VisibilityTimeout"]
            same(f"{queue}: seconds that a message is hidden", found, 6 * function["timeout"])


def page_policy(resources, parts):
    """As on one machine, but for the sign-in and the bucket of uploads, which the page talks to besides."""
    config = resources["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = config["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"][0]
    for besides in ("${SignIn}.auth.${AWS::Region}.amazoncognito.com", "${UploadsBucket.RegionalDomainName}"):
        policy = policy.replace(f" https://{besides}", "")
    same("the page's policy", policy.strip(), parts["page_policy"])


def policy(function):
    """What a function may do against what its binary has in it; how many pairs it may."""
    binary = function["binary"]
    symbols = subprocess.run(["nm", "-C", BUILT / binary], capture_output=True, text=True, check=True).stdout
    found = {
        (table, f"dynamodb:{OPERATIONS[operation]}")
        for table, operation in re.findall(
            r"<shared::store::table::(\w+) as shared::store::table::Operations>::(\w+)", symbols
        )
        if operation in OPERATIONS
    }
    called = set(re.findall(r"aws_sdk_dynamodb::operation::[a-z_]+::([A-Za-z]+)::orchestrate\b", symbols))
    past = called - WITHOUT_A_TABLE - {action.split(":")[1] for _, action in found}
    same(f"{binary}: operations past the tables of the store", past, set())
    sent = re.findall(r"aws_sdk_sqs::operation::[a-z_]+::([A-Za-z]+)::orchestrate\b", symbols)
    asked = re.findall(r"shared::app::App>?::(queue|imports_queue)\b", symbols)
    found |= {(QUEUES[queue], f"sqs:{action}") for queue in asked for action in sent}
    signed = re.findall(r"shared::uploads::Uploads>?::([a-z]+)\b", symbols)
    found |= {("UploadsBucket", f"s3:{UPLOADS[called]}") for called in signed if called in UPLOADS}
    if re.search(r"shared::parameters::Parameters>?::read\b", symbols):
        found.add(("ModelKeys", "ssm:GetParameters"))
    may = {tuple(pair) for pair in function["may"]}
    same(f"{binary}: may", may, found)
    return len(may)


if __name__ == "__main__":
    main()
