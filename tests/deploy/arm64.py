"""The release build for AWS's arm64, timed and measured, and one of its binaries answering an event: under qemu, from
the Runtime API that cargo-lambda serves."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "infra"), str(Path(__file__).parent)]

import deploy  # noqa: E402
from emulator import free_port  # noqa: E402

# Where Debian has the C library of arm64.
SYSROOT = "/usr/aarch64-linux-gnu"
# GET /api/health, as an HTTP API gives it (payload format 2.0).
EVENT = {
    "version": "2.0", "routeKey": "GET /api/health", "rawPath": "/api/health", "rawQueryString": "", "headers": {},
    "requestContext": {
        "accountId": "0", "apiId": "a", "domainName": "a", "domainPrefix": "a", "requestId": "r", "stage": "$default",
        "routeKey": "GET /api/health", "time": "", "timeEpoch": 0,
        "http": {"method": "GET", "path": "/api/health", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""},
    },
    "isBase64Encoded": False,
}
# What a function needs to start; nothing of it is asked for by this one.
SETTINGS = {
    name: "x" * 32
    for name in (
        "WORKSHOP_DRAFTS_TABLE", "WORKSHOP_LIBRARY_TABLE", "WORKSHOP_ARTICLES_TABLE", "WORKSHOP_USAGE_TABLE",
        "WORKSHOP_ISSUER", "WORKSHOP_CLIENT_ID", "WORKSHOP_CURSOR_KEY",
    )
}


def main():
    deploy.build_functions("arm64")
    install_qemu()
    port = free_port()
    address = f"127.0.0.1:{port}"
    runtime = subprocess.Popen(
        ["cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    function = subprocess.Popen(
        ["qemu-aarch64", "-L", SYSROOT, deploy.BUILT / "health/bootstrap"],
        env={
            **os.environ, **SETTINGS, "AWS_LAMBDA_RUNTIME_API": f"http://{address}/.rt", "AWS_LAMBDA_FUNCTION_NAME": "_",
            "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_REGION": "us-east-1",
        },
    )
    try:
        answer = invoke(f"http://{address}/2015-03-31/functions/_/invocations")
    finally:
        function.terminate()
        runtime.terminate()
        function.wait(20)
        runtime.wait(20)
    if answer.get("statusCode") != 200 or json.loads(answer["body"])["status"] != "ok":
        sys.exit(f"health, built for arm64, answered {answer}")
    print(f"health, built for arm64, answers under qemu: {answer['body']}")


def invoke(url):
    deadline = time.monotonic() + 60
    while True:
        try:
            request = urllib.request.Request(url, data=json.dumps(EVENT).encode())
            return json.load(urllib.request.urlopen(request, timeout=30))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def install_qemu():
    if shutil.which("qemu-aarch64") and Path(SYSROOT).is_dir():
        return
    if not shutil.which("apt-get"):
        sys.exit("Install qemu-user and a C library for arm64 (Debian: libc6-arm64-cross), then try again.")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*as_root, "apt-get", "update", "--quiet"], check=True)
    packages = ["qemu-user", "libc6-arm64-cross"]
    subprocess.run([*as_root, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages], check=True)


if __name__ == "__main__":
    main()
