"""An AWS of one's own for an hour: ministack, on loopback, with IAM enforced; and what has to be said differently to
it than to AWS. Each such difference is one function here and is told in the output, so that nothing passes for
shown that wasn't."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

# Who imports this has infra/ on the path.
import deploy
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

REGION = "us-east-1"
# The key of the account's root user: what deploys. Functions have their roles'.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Emulator:
    """ministack, from its start to its end."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        environment = {
            **os.environ,
            **CREDENTIALS,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            # What the functions are given; the binaries need no other word of the emulator.
            "AWS_ENDPOINT_URL": self.url,
            # Every call is held to the caller's policies, as on AWS.
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            # Listeners of services that aren't used, which would not keep to loopback.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "S3_DATA_DIR": str(folder / "s3"),
            "STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder),
        }
        self.log = open(folder / "emulator.log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=self.url, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
            os.environ.pop(name, None)
        self.wait()

    def wait(self):
        for _ in range(300):
            if self.process.poll() is not None:
                raise SystemExit(f"ministack ended; {self.folder}/emulator.log says why")
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=2)
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("ministack doesn't answer")

    def function_url(self, address):
        """A function URL, where the emulator answers for it."""
        name = address.split("//", 1)[1].split(".", 1)[0]
        return f"http://{name}.lambda-url.{REGION}.localhost:{self.port}"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def expire_items(outputs):
    """The emulator doesn't switch TTL on by the template."""
    import boto3

    for table in (outputs["DraftsTable"], outputs["UsageTable"]):
        boto3.client("dynamodb").update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
        )


def search_vectors(outputs):
    """Its CloudFormation passes over VectorIndexes: the index is made by hand, as the template has it."""
    import boto3

    dynamodb, name = boto3.client("dynamodb"), outputs["ArticlesTable"]
    template = yaml_parse(deploy.TEMPLATE.read_text())["Resources"]["ArticlesTable"]["Properties"]
    kept = {index["IndexName"] for index in dynamodb.describe_table(TableName=name)["Table"].get("VectorIndexes", [])}
    wanted = [index for kind, index in deploy.indexes_of(template).values() if kind == "VectorIndexes"]
    for index in wanted:
        if index["IndexName"] not in kept:
            dynamodb.update_table(
                TableName=name, AttributeDefinitions=template["AttributeDefinitions"],
                VectorIndexUpdates=[{"Create": index}],
            )
    for _ in range(120):
        there = dynamodb.describe_table(TableName=name)["Table"]["VectorIndexes"]
        if all(index["IndexStatus"] == "ACTIVE" for index in there):
            return
        time.sleep(0.5)
    raise SystemExit(f"The index of vectors doesn't become active: {there}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def adapted(packaged, emulator, parameters):
    """The packaged template as the emulator takes it: as AWS transforms it, with what it lacks put differently."""
    template = yaml_parse(packaged)
    values = {name: spec.get("Default", "") for name, spec in template["Parameters"].items()}
    template = Translator({}, Parser()).translate(template, {**values, **parameters})
    template.pop("Transform", None)
    resources = template["Resources"]
    routes_one_by_one(resources)
    origin_of_the_api(resources, emulator)
    address_of_the_uploads(resources, emulator)
    no_tls(resources)
    address_of_the_page(template, emulator)
    keys_of_the_sign_in(resources, emulator)
    numbers(resources)
    names_of_parameters(resources)
    text = json.dumps(template)
    # The hosted sign-in and the bucket are at the emulator's own address.
    for at_aws in ("${SignIn}.auth.${AWS::Region}.amazoncognito.com", "${UploadsBucket.RegionalDomainName}"):
        text = text.replace(f"https://{at_aws}", emulator.url)
    return text


def routes_one_by_one(resources):
    """ministack doesn't import an HTTP API's OpenAPI body: its routes, integrations and authorizer, each by itself."""
    api = resources["Api"]["Properties"]
    body = api.pop("Body")
    api.update(Name=api.get("Name") or {"Ref": "AWS::StackName"}, ProtocolType="HTTP")
    api.pop("FailOnWarnings", None)
    schemes = body["components"]["securitySchemes"]
    for name, scheme in schemes.items():
        settings = scheme["x-amazon-apigateway-authorizer"]
        resources[f"Api{name}"] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "AuthorizerType": "JWT",
                "Name": name,
                "IdentitySource": [settings["identitySource"]],
                "JwtConfiguration": {
                    "Issuer": settings["jwtConfiguration"]["issuer"],
                    "Audience": settings["jwtConfiguration"]["audience"],
                },
            },
        }
    for path, verbs in body["paths"].items():
        for verb, operation in verbs.items():
            integration = operation["x-amazon-apigateway-integration"]
            function = integration["uri"]["Fn::Sub"].split("functions/${")[1].split(".")[0]
            resources[f"{function}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": integration["uri"],
                    "PayloadFormatVersion": integration["payloadFormatVersion"],
                },
            }
            route = {
                "ApiId": {"Ref": "Api"},
                "RouteKey": f"{verb.upper()} {path}",
                "Target": {"Fn::Sub": f"integrations/${{{function}Integration}}"},
            }
            scheme = next(iter(operation["security"][0]))
            if scheme != "NONE":
                route.update(AuthorizationType="JWT", AuthorizerId={"Ref": f"Api{scheme}"})
            resources[f"{function}Route"] = {"Type": "AWS::ApiGatewayV2::Route", "Properties": route}


def origin_of_the_api(resources, emulator):
    """ministack's CloudFront doesn't reach its own HTTP API by its name at AWS: by the emulator's path for it."""
    distribution = resources["Distribution"]["Properties"]["DistributionConfig"]
    origin = next(origin for origin in distribution["Origins"] if origin["Id"] == "api")
    origin["DomainName"] = "localhost"
    origin["OriginPath"] = {"Fn::Sub": "/_aws/execute-api/${Api}/$default"}
    origin["CustomOriginConfig"] = {"OriginProtocolPolicy": "http-only", "HTTPPort": emulator.port}


def address_of_the_uploads(resources, emulator):
    """A bucket has no name there that every resolver knows: it is a folder at the emulator's address."""
    for resource in resources.values():
        variables = resource["Properties"].get("Environment", {}).get("Variables", {})
        if "WORKSHOP_UPLOADS_URL" in variables:
            variables["WORKSHOP_UPLOADS_URL"] = {"Fn::Sub": f"{emulator.url}/${{UploadsBucket}}/uploads"}


def address_of_the_page(template, emulator):
    """A distribution answers under the emulator's own host, too, which a browser takes for secure."""
    label = {"Fn::Select": [0, {"Fn::Split": [".", {"Fn::GetAtt": ["Distribution", "DomainName"]}]}]}
    address = f"http://${{Label}}.cloudfront.localhost:{emulator.port}"
    template["Outputs"]["Address"]["Value"] = {"Fn::Sub": [address, {"Label": label}]}


def no_tls(resources):
    """The emulator is asked over plain HTTP, on loopback."""
    distribution = resources["Distribution"]["Properties"]["DistributionConfig"]
    for behavior in [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]:
        behavior["ViewerProtocolPolicy"] = "allow-all"
    for resource in resources.values():
        policy = resource["Properties"].get("PolicyDocument") or {}
        if any(statement.get("Sid") == "TlsOnly" for statement in policy.get("Statement", [])):
            policy["Statement"] = [one for one in policy["Statement"] if one.get("Sid") != "TlsOnly"]


def keys_of_the_sign_in(resources, emulator):
    """Tokens name AWS as their issuer; the function that checks them itself finds the keys at the emulator."""
    for name in ("ChatSend",):
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        variables["WORKSHOP_KEY_SET_URL"] = {"Fn::Sub": f"{emulator.url}/${{UserPool}}/.well-known/jwks.json"}


def numbers(resources):
    """A parameter arrives there as text where a number is compared."""
    for resource in resources.values():
        scaling = resource["Properties"].get("ScalingConfig") if "Properties" in resource else None
        if scaling and isinstance(scaling["MaximumConcurrency"], dict):
            scaling["MaximumConcurrency"] = 4


def names_of_parameters(resources):
    """IAM is asked there about every parameter (*) when a function reads the models' keys."""
    for name in ("ReadModelKeys", "FunctionBoundary"):
        for statement in resources[name]["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Action"] == "ssm:GetParameters":
                statement["Resource"] = "*"


DIFFERENCES = [
    "TLS, and the policies that demand it: the emulator is asked over plain HTTP on loopback",
    "the HTTP API's import of its OpenAPI body: its routes were made one by one",
    "an answer that arrives as it is written: the emulator sends it once it is whole (make test-watch shows that)",
    "that only the models' own parameters can be read: the emulator asks IAM about all of them at once",
    "TTL switched on by the template: it was switched on by hand",
    "the index of vectors made by the template: it was made by hand, by the template's words",
    "that an index of a table is changed one at a time: the emulator takes several",
    "that an upload nobody imports is gone after two days",
    "the alarm on spending, which needs metric math",
    "CloudFront's way to the HTTP API by its name at AWS, its caching and its edge locations",
]
