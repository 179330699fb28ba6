"""Puts the workshop on AWS, and takes it away again: what `make deploy`, `make user`, `make reindex` and `make
undeploy` run.

The functions are those of the release, when the checkout is one, and else built here.

Each step can be done again; a deployment that stopped half-way is finished by the next one. Nothing here holds a
secret: the key that signs cursors goes from this process to CloudFormation, which keeps it and doesn't show it.
"""

import argparse
import difflib
import hashlib
import json
import mimetypes
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
import jsonschema
import release

# Reads YAML with CloudFormation's own tags.
from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra/template.yaml"
BINARIES = ROOT / "functions/src/bin"
BUILT = ROOT / "target/lambda"
SITE = ROOT / "static-site/dist"

# A hashed name stands for one content, for ever; the others are asked for anew, which takes a 304.
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
# Files of earlier builds are left to tabs that are still open, so many days.
OLD_FILES_DAYS = 30

# What a stack that is made anew takes over when it is there: the resource, what identifies it, its name. They refer
# to nothing but parameters, which is what lets CloudFormation import them.
KEPT = {
    "DraftsTable": ("AWS::DynamoDB::Table", "TableName", "{stack}-drafts"),
    "LibraryTable": ("AWS::DynamoDB::Table", "TableName", "{stack}-library"),
    "ArticlesTable": ("AWS::DynamoDB::Table", "TableName", "{stack}-articles"),
    "UsageTable": ("AWS::DynamoDB::Table", "TableName", "{stack}-usage"),
    "UserPool": ("AWS::Cognito::UserPool", "UserPoolId", "{stack}-users"),
}


class Stopped(Exception):
    """Something a person has to see to. Its text is for them."""


def say(text=""):
    print(text, flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="deploy.py", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", default="prompt-workshop", help="the stack's name (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    deploy = commands.add_parser("deploy", help="builds everything, or takes a release's functions, and deploys it")
    deploy.add_argument("--build", action="store_true", help="builds the functions even when the checkout is a release")
    deploy.add_argument("--models", type=Path, help="a file with the models, as JSON")
    deploy.add_argument("--embeddings", type=Path, help="a file with the server of embeddings, as JSON")
    deploy.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of infra/template.yaml; those that aren't named keep the value they have",
    )
    build = commands.add_parser("build", help="builds the functions and packs them, as a release has them attached")
    build.add_argument("--architecture", choices=sorted(TARGETS), required=True)
    undeploy = commands.add_parser("undeploy", help="takes it away")
    undeploy.add_argument("--data", choices=["keep", "delete"], default="keep")
    undeploy.add_argument("--yes", action="store_true", help="doesn't ask before deleting data")
    commands.add_parser("reindex", help="gives articles without meaning theirs, after the embeddings have changed")
    user = commands.add_parser("user", help="makes an account")
    user.add_argument("email")
    user.add_argument("--administrator", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "build":
            return build_archive(asked.architecture)
        cloud = Cloud(asked.stack)
        if asked.command == "deploy":
            cloud.deploy(parameters(asked), asked.build)
        elif asked.command == "reindex":
            cloud.reindex()
        elif asked.command == "undeploy":
            cloud.undeploy(asked.data == "delete", asked.yes)
        else:
            cloud.make_user(asked.email, asked.administrator)
    except Stopped as stopped:
        sys.exit(f"\n{stopped}")
    except botocore.exceptions.NoCredentialsError:
        sys.exit(
            "\nThere are no AWS credentials. `aws configure sso`, AWS_PROFILE or AWS_ACCESS_KEY_ID give them (README,"
            ' "Deploy it"). Nothing was changed.'
        )
    except botocore.exceptions.NoRegionError:
        sys.exit("\nNo region is chosen. Set AWS_REGION, such as AWS_REGION=eu-west-1. Nothing was changed.")
    except botocore.exceptions.ClientError as error:
        sys.exit(f"\nAWS refused: {error}\nWhat was done before stands; `make deploy` goes on from there.")


def parameters(asked):
    """The template's parameters that the command line names."""
    chosen = {}
    for setting in asked.set:
        name, equals, value = setting.partition("=")
        if not equals:
            raise Stopped(f"--set takes NAME=VALUE; {setting} has no value.")
        chosen[name] = value
    for name, path in {"Models": asked.models, "Embeddings": asked.embeddings}.items():
        if path:
            try:
                chosen[name] = json.dumps(json.loads(path.read_text()), separators=(",", ":"))
            except (OSError, ValueError) as error:
                raise Stopped(f"{path} can't be read as JSON: {error}") from error
    if "Embeddings" in chosen:
        # The index of vectors is made for so many numbers.
        chosen["EmbeddingDimensions"] = str(embeddings_of(chosen["Embeddings"]).get("dimensions", DIMENSIONS))
    elif "EmbeddingDimensions" in chosen:
        raise Stopped("EmbeddingDimensions are taken from Embeddings: set those. Nothing was changed.")
    return chosen


class Cloud:
    """One stack in one account and region."""

    def __init__(self, stack, template=TEMPLATE, adapt=None):
        """`adapt` changes the packaged template before it is sent; for emulators, which lack some of AWS."""
        self.stack = stack
        self.template = template
        self.adapt = adapt
        # boto3 knows AWS_DEFAULT_REGION and the profile's; every other tool knows this one.
        self.session = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
        self.cloudformation = self.session.client("cloudformation")
        self.region = self.cloudformation.meta.region_name

    # ---- Deploying ----

    def deploy(self, chosen, build=False):
        self.check(chosen)
        account = self.session.client("sts").get_caller_identity()["Account"]
        say(f"Deploying {self.stack} to account {account}, {self.region}.")
        architecture = chosen.get("Architecture") or self.parameter("Architecture") or "arm64"
        if build or not take_functions(architecture):
            build_functions(architecture)
        subprocess.run(["make", "--silent", "page"], cwd=ROOT, check=True)
        return self.put(chosen)

    def check(self, chosen):
        """Before anything is built: that would be a long way to a misspelt name."""
        known = set(yaml_parse(self.template.read_text())["Parameters"])
        for name in sorted(set(chosen) - known):
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Is it {near[0]}?" if near else f" It has {', '.join(sorted(known))}."
            raise Stopped(f"The template has no parameter {name}.{hint} Nothing was changed.")
        keyed = {model["id"]: model for model in models_of(chosen.get("Models", "[]"))}
        if chosen.get("Embeddings"):
            keyed["the embeddings"] = embeddings_of(chosen["Embeddings"])
        self.check_keys(keyed, chosen)

    def check_keys(self, keyed, chosen):
        """That the keys of models and embeddings are there, where functions may read them."""
        path = chosen.get("ModelKeysPath") or self.parameter("ModelKeysPath") or "/prompt-workshop/"
        names = set()
        for called, settings in keyed.items():
            if name := settings.get("key_parameter"):
                if not name.startswith(path):
                    raise Stopped(
                        f"The key of {called} is named {name}; functions may read only what begins with {path} "
                        "(ModelKeysPath). Nothing was changed."
                    )
                names.add(name)
        for batch in (sorted(names)[start:start + 10] for start in range(0, len(names), 10)):
            for name in self.session.client("ssm").get_parameters(Names=batch)["InvalidParameters"]:
                raise Stopped(
                    f"There is no parameter {name} in SSM Parameter Store. Nothing was changed. This makes it:\n"
                    f"  aws ssm put-parameter --type SecureString --name {name} --value …"
                )

    def put(self, chosen):
        """Everything after the build; the outputs."""
        packaged, bucket = self.package()
        if not self.exists():
            chosen = {"CursorKey": secrets.token_hex(32), **chosen}
            self.take_over_what_was_kept(packaged, bucket, chosen)
        there = self.exists()
        if there:
            self.change_indexes(packaged, bucket, chosen)
        say("Changing the stack. The first time takes about ten minutes.")
        self.change(packaged, bucket, chosen, "UPDATE" if there else "CREATE")
        address = self.outputs()["Address"]
        # Another one, too, once the page has a domain of its own.
        if "PageUrl" not in chosen and self.parameter("PageUrl") != address:
            say("Telling the sign-in the page's address.")
            self.change(packaged, bucket, {**chosen, "PageUrl": address}, "UPDATE")
        outputs = self.outputs()
        self.upload_site(outputs)
        self.install(outputs)
        self.report(outputs)
        return outputs

    def package(self):
        """Uploads the binaries; the template that names them, and the bucket."""
        path = BUILT / "packaged.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["sam", "package", "--template-file", str(self.template), "--output-template-file", str(path)]
        run = subprocess.run(
            [*command, "--resolve-s3", "--region", self.region],
            capture_output=True, text=True, env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        )
        if run.returncode != 0:
            raise Stopped(f"The binaries could not be uploaded:\n{run.stdout}{run.stderr}")
        packaged = path.read_text()
        bucket = packaged.split("s3://", 1)[1].split("/", 1)[0]
        say(f"The binaries are in the bucket {bucket}.")
        return (self.adapt(packaged) if self.adapt else packaged), bucket

    def change(self, template, bucket, chosen, kind, resources=None):
        """One change set, from its making to its end."""
        body = template.encode()
        key = f"{self.stack}/{hashlib.sha256(body).hexdigest()}.template"
        s3 = self.session.client("s3")
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        known = self.known_parameters() & set(yaml_parse(template)["Parameters"]) if kind == "UPDATE" else set()
        arguments = {
            "StackName": self.stack,
            "ChangeSetName": f"{self.stack}-{int(time.time() * 1000)}",
            "ChangeSetType": kind,
            # CloudFormation reads it with the caller's permissions.
            "TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}",
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Parameters": [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in chosen.items()]
            + [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(known - set(chosen))],
        }
        if resources:
            arguments["ResourcesToImport"] = resources
        made = self.cloudformation.create_change_set(**arguments)
        change = {"StackName": made["StackId"], "ChangeSetName": made["Id"]}
        while (described := self.cloudformation.describe_change_set(**change))["Status"] in (
            "CREATE_PENDING", "CREATE_IN_PROGRESS",
        ):
            time.sleep(1)
        if described["Status"] == "FAILED":
            self.cloudformation.delete_change_set(**change)
            why = described.get("StatusReason", "")
            if "didn't contain changes" in why or "No updates are to be performed" in why:
                return
            raise Stopped(f"CloudFormation refused the change: {why}")
        began = time.time()
        self.cloudformation.execute_change_set(**change)
        self.wait_for_the_end(began)

    def wait_for_the_end(self, began, gone_is_well=False):
        while (state := self.status()) and state.endswith("IN_PROGRESS"):
            time.sleep(2)
        if state is None and gone_is_well:
            return
        if state in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            return
        failures = []
        for page in self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack):
            for event in page["StackEvents"]:
                if event["Timestamp"].timestamp() >= began - 1 and event["ResourceStatus"].endswith("FAILED"):
                    why = event.get("ResourceStatusReason", "")
                    failures.append(f"  {event['LogicalResourceId']}: {why}")
        raise Stopped(
            f"The stack is {state}. What was there before is there still. What failed, the first last:\n"
            + "\n".join(failures)
        )

    def take_over_what_was_kept(self, packaged, bucket, chosen):
        """`make undeploy` keeps tables and accounts; a new stack goes on with them."""
        found = []
        dynamodb, cognito = self.session.client("dynamodb"), self.session.client("cognito-idp")
        tables = {name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]}
        pools = {
            pool["Name"]: pool["Id"]
            for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60)
            for pool in page["UserPools"]
        }
        for logical, (kind, identifier, pattern) in KEPT.items():
            name = pattern.format(stack=self.stack)
            if kind == "AWS::DynamoDB::Table" and name in tables:
                found.append((logical, kind, {identifier: name}))
            elif kind == "AWS::Cognito::UserPool" and name in pools:
                found.append((logical, kind, {identifier: pools[name]}))
        if not found:
            return
        say("Taking over the data that is there: " + ", ".join(logical for logical, _, _ in found) + ".")
        template = only(packaged, [logical for logical, _, _ in found])
        for logical, kind, identifier in found:
            if kind == "AWS::DynamoDB::Table":
                # As they are, which may be as an earlier template had them: CloudFormation takes its word for it.
                table = dynamodb.describe_table(TableName=identifier["TableName"])["Table"]
                wanted = yaml_parse(packaged)["Resources"][logical]["Properties"]
                wanted = indexes_of(wanted, chosen.get("EmbeddingDimensions", DIMENSIONS))
                there = as_wanted(indexes_of(table), wanted)
                template = with_indexes(template, logical, there, table["AttributeDefinitions"])
        resources = [
            {"LogicalResourceId": logical, "ResourceType": kind, "ResourceIdentifier": identifier}
            for logical, kind, identifier in found
        ]
        self.change(template, bucket, chosen, "IMPORT", resources)

    def change_indexes(self, packaged, bucket, chosen):
        """DynamoDB makes or removes one index of a table at a time, and CloudFormation fails when an update asks for
        more. So where there is more to do, the stack as it is gets there step by step; the last one is left to the
        update that follows."""
        present = self.cloudformation.get_template(StackName=self.stack)["TemplateBody"]
        present = present if isinstance(present, str) else json.dumps(present)
        before, after = yaml_parse(present)["Resources"], yaml_parse(packaged)
        dimensions = self.parameter("EmbeddingDimensions") or DIMENSIONS
        wanted_dimensions = chosen.get("EmbeddingDimensions") or dimensions
        for logical, (kind, _, pattern) in KEPT.items():
            if kind != "AWS::DynamoDB::Table" or logical not in before:
                continue
            table = after["Resources"][logical]["Properties"]
            attributes = before[logical]["Properties"]["AttributeDefinitions"] + table["AttributeDefinitions"]
            wanted = indexes_of(table, wanted_dimensions)
            there = as_wanted(indexes_of(before[logical]["Properties"], dimensions), wanted)
            for indexes in index_steps(there, wanted):
                name = pattern.format(stack=self.stack)
                has = ", ".join(sorted(indexes)) or "none"
                say(f"The table {name} gets other indexes, one at a time. Now it is to have {has}.")
                present = with_indexes(present, logical, indexes, attributes)
                self.change(present, bucket, {}, "UPDATE")

    def upload_site(self, outputs):
        """The page's files, those that name others last, so that a page never asks for what isn't there yet."""
        s3, bucket = self.session.client("s3"), outputs["SiteBucket"]
        there = {
            item["Key"]: item
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for item in page.get("Contents", [])
        }
        files = {
            path.relative_to(SITE).as_posix(): path.read_bytes()
            for path in sorted(SITE.rglob("*"))
            # CloudFront compresses; the copies beside the files are for the local machine.
            if path.is_file() and path.suffix not in (".br", ".gz")
        }
        files["config.json"] = json.dumps(self.page_settings(outputs), indent=2).encode()
        last = ["config.json", "sw.js", "index.html"]
        uploaded = 0
        for name in sorted(files, key=lambda name: (last.index(name) + 1 if name in last else 0, name)):
            body = files[name]
            if there.get(name, {}).get("ETag") == f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"':
                continue
            s3.put_object(
                Bucket=bucket, Key=name, Body=body,
                ContentType=mimetypes.guess_type(name)[0] or "application/octet-stream",
                CacheControl=FOR_EVER if name.startswith("assets/") else ASK_AGAIN,
            )
            uploaded += 1
        old = time.time() - OLD_FILES_DAYS * 86_400
        for name, item in there.items():
            if name not in files and item["LastModified"].timestamp() < old:
                s3.delete_object(Bucket=bucket, Key=name)
        say(f"The page: {len(files)} files, {uploaded} of them new or changed.")

    def page_settings(self, outputs):
        """What the page reads to know how people sign in."""
        issuer = f"https://cognito-idp.{self.region}.amazonaws.com/{outputs['UserPoolId']}"
        sign_in = outputs["SignInDomain"]
        return {
            "oidc": {
                "authority": issuer,
                "client_id": outputs["ClientId"],
                "scope": "openid email profile",
                "metadata": {
                    "issuer": issuer,
                    "authorization_endpoint": f"{sign_in}/oauth2/authorize",
                    "token_endpoint": f"{sign_in}/oauth2/token",
                    "end_session_endpoint": f"{sign_in}/logout",
                    "revocation_endpoint": f"{sign_in}/oauth2/revoke",
                },
                "sign_out": "cognito",
            }
        }

    def install(self, outputs):
        """The default prompt and the sample articles, where they are missing."""
        answer = self.session.client("lambda").invoke(FunctionName=outputs["InstallFunction"], Payload=b"{}")
        told = answer["Payload"].read().decode()
        if "FunctionError" in answer or not json.loads(told).get("installed"):
            raise Stopped(
                f"Everything is deployed, but the default prompt and the sample articles could not be installed: {told}\n"
                f"The log group {outputs['FunctionLogs']} says why; `make deploy` tries again."
            )
        say("The default prompt and the sample articles are installed.")

    def reindex(self):
        """The meaning of articles that have none: they were imported with other embeddings, or while there were none."""
        function = self.outputs().get("ReindexFunction")
        if function is None:
            raise Stopped("The stack is of an earlier version. `make deploy` brings what this needs; nothing was changed.")
        # A call takes up to two minutes, and is not made twice.
        patience = botocore.config.Config(read_timeout=150, retries={"max_attempts": 0})
        client = self.session.client("lambda", config=patience)
        given, left = 0, None
        while left != 0:
            answer = client.invoke(FunctionName=function, Payload=b"{}")
            told = answer["Payload"].read().decode()
            done = {} if "FunctionError" in answer else json.loads(told)
            if "left" not in done:
                raise Stopped(
                    f"Stopped after {given} articles: {done.get('stopped', told)}\n"
                    "What was given its meaning keeps it. See to the embeddings' server; `make reindex` goes on from there."
                )
            given += done["given"]
            if done["given"] == 0 and done["left"] > 0 and left == done["left"]:
                raise Stopped(f"{left} articles change while they are read. `make reindex` goes on from there.")
            left = done["left"]
            say(f"{given} articles were given their meaning, {left} are left.")

    def report(self, outputs):
        say(f"\nThe workshop is at  {outputs['Address']}")
        say(f"Figures             {outputs['DashboardUrl']}")
        say(
            "\nAt rest it costs what is stored: DynamoDB $0.25 a GB and month (the first 25 GB free; point-in-time"
            "\nrecovery $0.20), logs and page $0.03. What runs all the same, the search for stuck tests each minute and"
            "\nfor feeds that are due each five, the polling of three queues and the alarms, costs 50 cents a month, and"
            "\n$2 where what every account has free is used up by others."
        )
        if json.loads(self.parameter("Models") or "[]") == []:
            say("\nNo model is configured yet, so nothing is answered: README, \"Models of a deployment\".")
        pool = self.session.client("cognito-idp")
        if not pool.list_users(UserPoolId=outputs["UserPoolId"], Limit=1)["Users"]:
            say("\nNobody has an account yet. `make user EMAIL=you@example.org` makes one.")

    # ---- People ----

    def make_user(self, email, administrator):
        cognito, outputs = self.session.client("cognito-idp"), self.outputs()
        pool = outputs["UserPoolId"]
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        try:
            made = cognito.admin_create_user(
                UserPoolId=pool, Username=email, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"]
            )
            say(f"{email} is sent a first password, valid for seven days. They sign in at {outputs['Address']}")
            name = made["User"]["Username"]
        except cognito.exceptions.UsernameExistsException:
            say(f"{email} has an account already.")
            name = email
        if administrator:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="administrators")
            say(f"{email} is an administrator.")

    # ---- Taking it away ----

    def undeploy(self, with_data, sure):
        outputs = self.outputs(absent_is_well=True)
        if with_data and not sure:
            say(f"This deletes every draft, prompt, article and account of {self.stack}. It can't be undone.")
            if input(f"Type {self.stack} to go on: ") != self.stack:
                raise Stopped("Nothing was deleted.")
        if outputs:
            for bucket in ("SiteBucket", "UploadsBucket"):
                if bucket in outputs:
                    empty(self.session.resource("s3").Bucket(outputs[bucket]))
            say("Deleting the stack. CloudFront takes a few minutes.")
            began = time.time()
            self.cloudformation.delete_stack(StackName=self.stack)
            self.wait_for_the_end(began, gone_is_well=True)
        if with_data:
            self.delete_data()
            say(f"{self.stack} is gone, with its data.")
        else:
            say(
                f"{self.stack} is gone. Its data is kept: the tables {self.stack}-drafts, -library, -articles and -usage,"
                f"\nand the accounts in {self.stack}-users. `make deploy` goes on with them; `make undeploy DATA=delete`"
                "\ndeletes them, too."
            )

    def delete_data(self):
        dynamodb, cognito = self.session.client("dynamodb"), self.session.client("cognito-idp")
        for kind, _, pattern in KEPT.values():
            name = pattern.format(stack=self.stack)
            if kind == "AWS::DynamoDB::Table":
                try:
                    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
                    dynamodb.get_waiter("table_exists").wait(TableName=name)
                    dynamodb.delete_table(TableName=name)
                    say(f"Deleted the table {name}.")
                except dynamodb.exceptions.ResourceNotFoundException:
                    pass
            else:
                for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
                    for pool in (pool for pool in page["UserPools"] if pool["Name"] == name):
                        # An update of a pool resets what it doesn't name; of this one nothing is left to keep.
                        cognito.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
                        cognito.delete_user_pool(UserPoolId=pool["Id"])
                        say(f"Deleted the accounts of {name}.")

    # ---- Looking ----

    def described(self):
        try:
            return self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        except botocore.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def status(self):
        """The stack's status; nothing when there is none."""
        found = self.described()
        return None if found is None or found["StackStatus"] == "DELETE_COMPLETE" else found["StackStatus"]

    def exists(self):
        """Whether there is a stack to change. What a first deployment that failed left is removed."""
        status = self.status()
        if status == "ROLLBACK_COMPLETE":
            say("An earlier first deployment failed; what it left is removed first.")
            began = time.time()
            self.cloudformation.delete_stack(StackName=self.stack)
            self.wait_for_the_end(began, gone_is_well=True)
            return False
        return status not in (None, "REVIEW_IN_PROGRESS")

    def outputs(self, absent_is_well=False):
        found = self.described()
        if found is None:
            if absent_is_well:
                return {}
            raise Stopped(f"There is no stack {self.stack} in {self.region}. `make deploy` makes it.")
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def known_parameters(self):
        return {parameter["ParameterKey"] for parameter in (self.described() or {}).get("Parameters", [])}

    def parameter(self, name):
        """A parameter's present value; nothing before the first deployment."""
        for parameter in (self.described() or {}).get("Parameters", []):
            if parameter["ParameterKey"] == name:
                return parameter["ParameterValue"]
        return None


# Processors that functions are built for, by the template's `Architecture`: Rust's name, and cargo-lambda's option.
TARGETS = {
    "arm64": ("aarch64-unknown-linux-gnu", "--arm64"), "x86_64": ("x86_64-unknown-linux-gnu", "--x86-64"),
}


def function_names():
    """Lists the functions of this checkout: one a binary."""
    return sorted(path.stem for path in BINARIES.glob("*.rs"))


def take_functions(architecture, root=ROOT, built=BUILT):
    """Takes the functions from the release that the checkout is. `False` when it isn't one, or when they can't be had,
    which is said."""
    tag = release.tag_of(root)
    if not tag:
        return False
    say(f"This is the release {tag}. Its functions are downloaded.")
    try:
        release.take(root, tag, architecture, function_names(), built)
    except release.Unavailable as why:
        say(f"The functions can't be taken from the release {tag}: {why}. They are built here instead.")
        return False
    say(f"Took the functions of the release {tag}, built for {architecture}, with the right checksum.")
    return True


def build_archive(architecture):
    """Builds all functions and packs them into the archive of a release."""
    build_functions(architecture)
    path = BUILT / release.archive_of(architecture)
    release.pack(BUILT, function_names(), path)
    say(f"{path} has them all: {path.stat().st_size / 1e6:.1f} MB.")


def build_functions(architecture):
    """All binaries, once: how long it took, and how large they are."""
    target, flag = TARGETS[architecture]
    if shutil.which("rustup"):
        # For the toolchain that rust-toolchain.toml names.
        subprocess.run(["rustup", "--quiet", "target", "add", target], cwd=ROOT, check=True)
    began = time.monotonic()
    # AWS-LC would gather entropy of its own from the processor's jitter at each start, which costs a cold start up to
    # a second. Without, it takes the kernel's, as every other program in the function's own virtual machine does.
    environment = {**os.environ, "AWS_LC_SYS_NO_JITTER_ENTROPY": "1"}
    command = ["cargo-lambda", "lambda", "build", "--release", "--locked", "--package", "functions"]
    # Where the template looks for them, wherever cargo's own target is.
    command += ["--lambda-dir", str(BUILT), flag]
    built = subprocess.run(command, cwd=ROOT, env=environment)
    if built.returncode != 0:
        raise Stopped("The functions could not be built; nothing was deployed.")
    minutes = (time.monotonic() - began) / 60
    sizes = {name: (BUILT / name / "bootstrap").stat().st_size for name in function_names()}
    say(f"\nBuilt {len(sizes)} functions for {architecture} in {minutes:.1f} minutes:")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        say(f"  {name:<18}{size / 1e6:6.1f} MB")


# What functions read of a model's settings and of the embeddings': `make routes` writes it, from shared/src/config.rs.
# With anything else, no function would start.
SCHEMAS = json.loads((ROOT / "infra/settings.schema.json").read_text())

# Numbers of a vector, when the embeddings don't say.
DIMENSIONS = SCHEMAS["Embeddings"]["properties"]["dimensions"]["default"]


def models_of(text):
    """The models of a parameter, or a sentence on what is wrong with them."""
    models = json.loads(text)
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise Stopped("The models have to be a JSON array of objects. Nothing was changed.")
    ids = [model.get("id") for model in models]
    for model in models:
        called = f"The model {model.get('id')!r}"
        if ids.count(model.get("id")) > 1:
            raise Stopped(f"{called} needs an id that no other model has. Nothing was changed.")
        if fault := fault_of(model, SCHEMAS["Models"]):
            raise Stopped(f"{called} has {fault}. Nothing was changed.")
    return models


def embeddings_of(text):
    """The embeddings of a parameter, or a sentence on what is wrong with them; empty for the workshop's own."""
    if not text:
        return {}
    try:
        embeddings = json.loads(text)
    except ValueError as error:
        raise Stopped(f"The embeddings can't be read as JSON: {error}. Nothing was changed.") from error
    if not isinstance(embeddings, dict):
        raise Stopped("The embeddings have to be a JSON object. Nothing was changed.")
    if fault := fault_of(embeddings, SCHEMAS["Embeddings"]):
        raise Stopped(f"The embeddings have {fault}. Nothing was changed.")
    return embeddings


def fault_of(settings, schema):
    """What settings have that functions can't read, or lack; None when all is well."""
    # By the field's name, so that the same fault is always told first.
    faults = sorted(jsonschema.Draft202012Validator(schema).iter_errors(settings), key=lambda fault: list(fault.path))
    for fault in faults:
        rule, there, of = fault.validator, fault.instance, fault.schema
        path = ".".join(map(str, fault.path))
        if rule == "additionalProperties":
            known = of["properties"]
            other = next(field for field in there if field not in known)
            near = difflib.get_close_matches(other, known, 1)
            name = f"{path}.{other}" if path else other
            return f"a field {name} that there isn't{f'; is it {near[0]}?' if near else ''}: there are {', '.join(known)}"
        if rule == "required":
            field = next(field for field in of["required"] if field not in there)
            return f"no {field}, such as {of['properties'][field]['examples'][0]}"
        if rule == "type":
            return f"a {path} of the wrong type"
        if rule in ("minLength", "pattern"):
            return f"the {path} {there!r}, which has to be such as {of['examples'][0]}"
        if rule in ("enum", "oneOf"):
            options = of.get("enum") or [option.get("const") for option in of["oneOf"]]
            return f"the {path} {there!r}, which has to be one of {', '.join(map(str, options))}"
        words = {"minimum": "at least", "maximum": "at most"}
        bounds = [f"{words[bound]} {of[bound]}" for bound in words if bound in of]
        return f"the {path} {there!r}, which has to be {' and '.join(bounds) or 'another'}"
    return None


# The properties that indexes stand in, and what defines one.
INDEXES = {
    "GlobalSecondaryIndexes": ["IndexName", "KeySchema", "Projection"],
    "VectorIndexes": [
        "IndexName", "VectorAttribute", "Dimensions", "DistanceFunction", "SearchSchema", "Projection",
    ],
}


def indexes_of(table, dimensions=DIMENSIONS):
    """A table's indexes by name, each with the property it stands in: as a template has them, or as DynamoDB describes
    them."""
    text = json.dumps({name: table.get(name) or [] for name in INDEXES})
    text = text.replace('{"Ref": "EmbeddingDimensions"}', str(dimensions))
    text = text.replace("${EmbeddingDimensions}", str(dimensions))
    found = {}
    for kind, definitions in json.loads(text).items():
        for definition in definitions:
            definition = {name: definition[name] for name in INDEXES[kind] if definition.get(name)}
            if isinstance(definition["IndexName"], dict):
                definition["IndexName"] = definition["IndexName"]["Fn::Sub"]
            found[definition["IndexName"]] = (kind, definition)
    return found


def ordered(value):
    """Without the order of lists, which says nothing in an index."""
    if isinstance(value, dict):
        return {name: ordered(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted((ordered(inner) for inner in value), key=json.dumps)
    return value


def as_wanted(there, wanted):
    """The indexes that are there, in the words of those that are wanted where they are the same."""
    alike = {
        name: index for name, index in wanted.items()
        if name in there and ordered(list(index)) == ordered(list(there[name]))
    }
    return {**there, **alike}


def index_steps(there, wanted):
    """What a table has in between, when its indexes are changed one at a time: first those go that are not wanted as
    they are, then others come. The last change of all is left out."""
    now, steps = dict(there), []
    for name in there:
        if wanted.get(name) != there[name]:
            del now[name]
            steps.append(dict(now))
    for name in wanted:
        if name not in now:
            now[name] = wanted[name]
            steps.append(dict(now))
    return steps[:-1]


def with_indexes(template, logical, indexes, attributes):
    """The template with just these indexes at a table, whose keys are defined in `attributes`."""
    template = yaml_parse(template)
    table = template["Resources"][logical]["Properties"]
    used = {key["AttributeName"] for key in table["KeySchema"]}
    for kind in INDEXES:
        table[kind] = [definition for of, definition in indexes.values() if of == kind]
        for definition in table[kind]:
            used |= {key["AttributeName"] for key in definition.get("KeySchema", definition.get("SearchSchema", []))}
        if not table[kind]:
            del table[kind]
    # DynamoDB refuses those that no key uses.
    defined = {one["AttributeName"]: one["AttributeType"] for one in attributes if one["AttributeName"] in used}
    table["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": kind} for name, kind in defined.items()]
    return yaml_dump(template)


def only(packaged, kept):
    """The packaged template with just these resources, for their import."""
    template = yaml_parse(packaged)
    template["Resources"] = {name: template["Resources"][name] for name in kept}
    for section in ("Outputs", "Globals", "Rules"):
        template.pop(section, None)
    template.pop("Transform", None)
    return yaml_dump(template)


def empty(bucket):
    """Deletes everything in a bucket, versions included."""
    bucket.object_versions.delete()


if __name__ == "__main__":
    main()
