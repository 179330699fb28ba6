"""`make test-deploy`: the real template and the real binaries, deployed into an emulator of AWS by the script that
`make deploy` runs; the main job done there; the page used there in a real browser; and all of it taken away again,
the data kept, deployed once more over that data, and deleted.

Says what it shows, and at the end what an emulator can't."""

import argparse
import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "infra"), str(Path(__file__).parent)]

import deploy  # noqa: E402
import emulator  # noqa: E402

# Cargo's target folder, which CARGO_TARGET_DIR and cargo's configuration can move.
TARGET = Path(subprocess.check_output([ROOT / "tests/target-dir.sh"], text=True).strip())
FOLDER = TARGET / "test-deploy"
STACK = "workshop-test"
BEGAN = time.monotonic()
PASSWORD = "Correct-horse-7-battery"
PEOPLE = ["ada@example.org", "ben@example.org", "cyd@example.org", "dan@example.org"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--without-browser", action="store_true", help="leaves the page out, and says so")
    arguments = arguments.parse_args()
    os.chdir(ROOT)
    os.environ["PATH"] = os.pathsep.join([str(ROOT / "tests/deploy/quick"), os.environ["PATH"]])
    staged = stage(FOLDER / "tree")
    model = SmallModel()
    aws = emulator.Emulator(FOLDER / "emulator")
    try:
        run(aws, staged, model, not arguments.without_browser)
    except BaseException:
        print(f"The emulator's log is {aws.folder / 'emulator.log'}", file=sys.stderr)
        raise
    finally:
        aws.stop()
        model.stop()
    print("\nNot shown, for an emulator is not AWS:")
    for difference in emulator.DIFFERENCES + ([] if not arguments.without_browser else ["the page in a browser"]):
        print(f"  {difference}")


def run(aws, staged, model, with_browser):
    import boto3

    settings = {
        "Models": json.dumps([{
            "id": "smollm2-135m-instruct", "base_url": model.address, "slow": True, "context_window": 4096,
            "max_output_tokens": 128, "key_parameter": "/workshop-test/model",
        }]),
        "ModelKeysPath": "/workshop-test/",
        "Architecture": "x86_64",
        "DailySpendAlarm": "0",
        "LimitRunsPerMinute": "100",
        "LimitMessagesPerMinute": "100",
    }
    boto3.client("ssm").put_parameter(Name="/workshop-test/model", Value="not-asked-for", Type="SecureString")
    cloud = deploy.Cloud(
        STACK, staged / "infra/template.yaml", lambda packaged: emulator.adapted(packaged, aws, settings)
    )

    part("The template and the binaries, deployed")
    try:
        cloud.check({**settings, "Models": settings["Models"].replace("/workshop-test/model", "/workshop-test/other")})
        check(False, "a key that isn't there stops a deployment")
    except deploy.Stopped as stopped:
        check("put-parameter" in str(stopped), f"and it says how to make it: {stopped}")
    cloud.check(settings)
    began = time.monotonic()
    outputs = cloud.put(settings)
    emulator.expire_items(outputs)
    emulator.search_vectors(outputs)
    shown(f"{len(list(deploy.BINARIES.glob('*.rs')))} functions in {time.monotonic() - began:.0f} s, IAM enforced")

    part("The page, as CloudFront serves it; uploads")
    the_page_is_served(outputs)
    uploads_are_taken_by_their_signature_alone(outputs)

    part("The main job, through the address; who is refused")
    people = People(outputs, aws)
    tokens = {
        "ada": people.sign_in("ada@example.org")["access_token"],
        "ben": people.sign_in("ben@example.org")["access_token"],
        "ada's ID token": people.sign_in("ada@example.org")["id_token"],
        "another client's": people.sign_in("ada@example.org", people.another_client())["access_token"],
    }
    environment = {
        **os.environ,
        "DEPLOYED_URL": outputs["Address"],
        "DEPLOYED_CHAT_URL": aws.function_url(outputs["ChatAddress"]),
        "DEPLOYED_DRAFTS_TABLE": outputs["DraftsTable"],
        "DEPLOYED_TOKENS": json.dumps(tokens),
    }
    test = ["cargo", "test", "--locked", "--workspace", "--test", "deployed", "--", "--nocapture"]
    subprocess.run([*test, "--test-threads=1"], env=environment, check=True)

    part("A dead letter; the log")
    draft, lost = a_dead_letter_fails_its_run(outputs, tokens["ada"])
    the_log_has_figures_and_no_words(outputs)

    part("The page in a real browser, signed in by the hosted sign-in")
    if with_browser:
        users = [{"name": name, "password": PASSWORD} for name in PEOPLE[2:]]
        browser = {**os.environ, "DEPLOYED_URL": outputs["Address"], "DEPLOYED_USERS": json.dumps(users)}
        command = ["npm", "run", "--silent", "test:deployed"]
        subprocess.run(command, cwd=ROOT / "tests/browser", env=browser, check=True)
    else:
        print("  NOT SHOWN: it was left out by --without-browser")

    part("A lost message, found by the schedule")
    found = until(lambda: (run := ask(outputs["Address"], lost, tokens["ada"])[1])["status"] == "succeeded" and run, 240)
    check(found["response_length"] > 0, "the run has an answer")
    shown("a run whose message was lost is put back by recover-runs, which the schedule calls, and succeeds")

    part("Taken away and deployed again, over the data that was kept; then deleted")
    cloud.undeploy(with_data=False, sure=True)
    as_an_earlier_version_left_it(outputs["ArticlesTable"])
    outputs = cloud.put(settings)
    has_the_indexes_of_the_template(outputs["ArticlesTable"])
    token = People(outputs, aws, made=True).sign_in("ada@example.org")["access_token"]
    status, found = ask(outputs["Address"], f"/api/auspex/prompts/workshop/drafts/{draft}", token)
    check(status == 200, f"the draft of before is there: {status} {found}")
    shown("the data outlives the stack, and the next one goes on with it: same accounts, same drafts")
    cloud.undeploy(with_data=True, sure=True)
    left = boto3.client("dynamodb").list_tables()["TableNames"]
    check(not left, f"no table is left: {left}")
    shown("and with DATA=delete nothing is left")


def the_page_is_served(outputs):
    address = outputs["Address"]
    page = fetch(address, "/")
    policy = page.headers["Content-Security-Policy"] or ""
    check("script-src 'self';" in policy and "unsafe" not in policy, f"the page's policy: {policy}")
    check(page.headers["Cache-Control"] == "no-cache", "the page is asked for anew each time")
    html = page.body.decode()
    check(fetch(address, "/prompt-workshop?draft_id=1").body == page.body, "the page's own paths are the page")
    script = re.search(r'src="(/assets/[^"]+)"', html)[1]
    asset = fetch(address, script)
    check("immutable" in asset.headers["Cache-Control"], f"{script} is kept: {asset.headers['Cache-Control']}")
    check("javascript" in asset.headers["Content-Type"], "and is a script")
    check(fetch(address, "/assets/gone-12345678.js").status in (403, 404), "a file that isn't there is no page")
    settings = json.loads(fetch(address, "/config.json").body)
    check(settings["oidc"]["client_id"] == outputs["ClientId"], "config.json says how people sign in")
    bucket = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/{outputs['SiteBucket']}/index.html")
    try:
        urllib.request.urlopen(bucket)
        check(False, "the bucket answers nobody but CloudFront")
    except urllib.error.HTTPError as refused:
        check(refused.code == 403, f"the bucket refuses with 403, not {refused.code}")
    shown("page, policy, scripts, own paths, config.json; the bucket itself answers nobody")


def uploads_are_taken_by_their_signature_alone(outputs):
    bucket = f"{os.environ['AWS_ENDPOINT_URL']}/{outputs['UploadsBucket']}/uploads/one"
    for method in ("PUT", "GET"):
        body = b"x" if method == "PUT" else None
        refused = opened(urllib.request.Request(bucket, method=method, data=body))
        check(refused.status == 403, f"the bucket refuses a {method} without one: {refused.status}")
    signed = presigned(outputs, "imports-start", "put_object", "uploads/one")
    check(opened(urllib.request.Request(signed, method="PUT", data=b"x")).status == 200, "it takes a file with one")
    other = signed.replace("/uploads/one", "/uploads/two")
    refused = opened(urllib.request.Request(other, method="PUT", data=b"x"))
    check(refused.status == 403, f"but not under another name: {refused.status}")
    for function, method, operation, key in (
        ("imports-start", "PUT", "put_object", "elsewhere/one"), ("imports-start", "GET", "get_object", "uploads/one"),
        ("import-articles", "PUT", "put_object", "uploads/one"),
    ):
        body = b"x" if method == "PUT" else None
        refused = opened(urllib.request.Request(presigned(outputs, function, operation, key), method=method, data=body))
        check(refused.status == 403, f"{function} signs no {method} of {key}: {refused.status}")
    for origin, status in ((outputs["Address"], 200), ("https://elsewhere.example", 403)):
        asks = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
        answer = opened(urllib.request.Request(bucket, method="OPTIONS", headers=asks))
        check(answer.status == status, f"a page of {origin} may send a file: {answer.status}")
    read = opened(urllib.request.Request(presigned(outputs, "import-articles", "get_object", "uploads/one")))
    check(read.body == b"x", "import-articles reads it")
    shown("the bucket of uploads takes what imports-start signed, import-articles reads it, and nobody anything else")


def presigned(outputs, function, operation, key):
    """An address that a function could sign, in its role's name."""
    import boto3
    from botocore.config import Config

    role = boto3.client("lambda").get_function_configuration(FunctionName=f"{STACK}-{function}")["Role"]
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="signs")["Credentials"]
    client = boto3.client(
        "s3", aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    parameters = {"Bucket": outputs["UploadsBucket"], "Key": key}
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=60)


def as_an_earlier_version_left_it(table):
    """Without an index that came later, and with one that was otherwise."""
    import boto3

    dynamodb = boto3.client("dynamodb")
    by_time = next(
        index for index in dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
        if index["IndexName"] == "by-time"
    )
    for gone in ("by-due", "by-time"):
        dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": gone}}])
    created = {"IndexName": "by-time", "KeySchema": by_time["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "published_at")]
    dynamodb.update_table(
        TableName=table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[{"Create": created}]
    )


def has_the_indexes_of_the_template(table):
    import boto3

    wanted = deploy.yaml_parse(deploy.TEMPLATE.read_text())["Resources"]["ArticlesTable"]["Properties"]
    wanted = deploy.indexes_of(wanted)
    there = deploy.indexes_of(boto3.client("dynamodb").describe_table(TableName=table)["Table"])
    check(deploy.as_wanted(there, wanted) == wanted, f"the kept table has the template's indexes: {sorted(there)}")
    shown("a table that an earlier version left gets the indexes of this one")


def a_dead_letter_fails_its_run(outputs, token):
    """A run whose message SQS gave up on; the worker is held back, so that the run waits. And a second one, whose
    message is lost: the draft, and where the second run is."""
    import boto3

    functions, queue = boto3.client("lambda"), boto3.client("sqs")
    address, drafts = outputs["Address"], "/api/auspex/prompts/workshop/drafts"
    mapping = functions.list_event_source_mappings(FunctionName=f"{STACK}-run-test")["EventSourceMappings"][0]["UUID"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    text = "You answer from the given articles only, cite each claim as a link, and say what they do not tell. " * 2
    _, started = ask(address, "/api/auspex/prompts/workshop/start", token, {"starting_prompt": text})
    draft = started["draft_id"]
    order = {"test_query": "Which ports count robots?", "topic": "AI Adoption", "limit": 5}
    _, run = ask(address, f"{drafts}/{draft}/test", token, order)
    _, lost = ask(address, f"{drafts}/{draft}/test", token, order)
    letter = json.dumps({"draft_id": draft, "test_id": run["test_id"]})
    queue.send_message(QueueUrl=outputs["DeadLettersQueueUrl"], MessageBody=letter)
    queue.send_message(QueueUrl=outputs["DeadLettersQueueUrl"], MessageBody="not a run's")
    path = f"{drafts}/{draft}/tests/{run['test_id']}"
    ended = until(lambda: (found := ask(address, path, token)[1])["status"] == "failed" and found, 60)
    check("run the test again" in ended["error"], f"a sentence for the user: {ended['error']}")
    queue.purge_queue(QueueUrl=outputs["RunsQueueUrl"])
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    shown("a dead letter's run fails, in words for its user; one that is no run's is dropped")
    return draft, f"{drafts}/{draft}/tests/{lost['test_id']}"


def the_log_has_figures_and_no_words(outputs):
    import boto3

    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=outputs["FunctionLogs"])
    lines = [event["message"] for page in pages for event in page["events"]]
    check(lines, "the functions have logged")
    figures = [json.loads(line) for line in lines if '"CloudWatchMetrics"' in line]
    names = {metric["Name"] for line in figures for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    wanted = {"WorkshopsStarted", "TestsSucceeded", "TestMilliseconds", "PromptsCommitted", "PromptsCloned"}
    check(wanted | {"MessagesAnswered", "TokensIn", "TestsFailed"} <= names, f"figures in the log: {names}")
    for words in ("Weekly briefs", "Which ports", "You answer from", "No sources.", PASSWORD, "not-asked-for"):
        check(not any(words in line for line in lines), f'no line of the log has "{words}"')
    shown(f"{len(lines)} lines of log, {len(figures)} of them figures, none with a user's words or a key")


class People:
    """Accounts in the deployment's user pool, which sign in as a browser does: code and PKCE."""

    def __init__(self, outputs, aws, made=False):
        import boto3

        self.cognito, self.outputs, self.aws = boto3.client("cognito-idp"), outputs, aws
        for name in [] if made else PEOPLE:
            pool = {"UserPoolId": outputs["UserPoolId"], "Username": name}
            self.cognito.admin_create_user(**pool, MessageAction="SUPPRESS", UserAttributes=[
                {"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"},
            ])
            self.cognito.admin_set_user_password(**pool, Password=PASSWORD, Permanent=True)

    def another_client(self):
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.outputs["UserPoolId"], ClientName="another", AllowedOAuthFlows=["code"],
            AllowedOAuthFlowsUserPoolClient=True, AllowedOAuthScopes=["openid"],
            SupportedIdentityProviders=["COGNITO"], CallbackURLs=[f"{self.outputs['Address']}/"],
        )
        return made["UserPoolClient"]["ClientId"]

    def sign_in(self, name, client=None):
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": client or self.outputs["ClientId"], "redirect_uri": f"{self.outputs['Address']}/",
            "scope": "openid", "state": "s", "response_type": "code", "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        form = post_form(f"{self.aws.url}/login", {**asked, "username": name, "password": PASSWORD})
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(form.headers["Location"] or "").query)["code"][0]
        given = post_form(f"{self.aws.url}/oauth2/token", {
            "grant_type": "authorization_code", "code": code, "client_id": asked["client_id"],
            "redirect_uri": asked["redirect_uri"], "code_verifier": verifier,
        })
        return json.loads(given.body)


def stage(tree):
    """The template beside the binaries of this machine, built by cargo and stripped, as `cargo lambda build` lays
    them out: so the template is deployed as it stands."""
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "infra").mkdir(parents=True)
    shutil.copy(ROOT / "infra/template.yaml", tree / "infra")
    for source in deploy.BINARIES.glob("*.rs"):
        folder = tree / "target/lambda" / source.stem
        folder.mkdir(parents=True)
        subprocess.run(["strip", "-o", folder / "bootstrap", TARGET / "debug" / source.stem], check=True)
    return tree


class SmallModel:
    """The real small model, which ends with this process."""

    def __init__(self):
        self.process = subprocess.Popen(
            [TARGET / "debug/examples/small_model"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise SystemExit("The small model didn't start.")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def opened(request):
    try:
        return Answer(OPENER.open(request, timeout=120))
    except urllib.error.HTTPError as error:
        return Answer(error)


def fetch(address, path, token=None, body=None):
    """A request under a name below localhost, which not every resolver knows."""
    parts = urllib.parse.urlsplit(address)
    request = urllib.request.Request(f"http://127.0.0.1:{parts.port}{path}", headers={"Host": parts.netloc})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    return opened(request)


def ask(address, path, token, body=None):
    answer = fetch(address, path, token, body)
    return answer.status, json.loads(answer.body)


def post_form(url, fields):
    return opened(urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode()))


def until(ask, seconds):
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        check(time.monotonic() < deadline, f"it happens within {seconds} s")
        time.sleep(0.5)
    return found


def check(holds, what):
    if not holds:
        raise SystemExit(f"This doesn't hold: {what}")


def part(what):
    print(f"\n-- {what} (after {time.monotonic() - BEGAN:.0f} s)", flush=True)


def shown(what):
    print(f"  shown: {what}", flush=True)


if __name__ == "__main__":
    main()
