"""A release from its making to its use.

`make release` commits a version and tags it. The workflow .github/workflows/release.yml builds the functions of a tag and
attaches them. `make deploy` takes them when the checkout is that tag, and then builds none.

Needs Python's own library only: `make release` runs before any tool is installed.
"""

import argparse
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The files that state the version. Only the workspace's own packages have no `source` in Cargo.lock.
VERSIONS = {
    "Cargo.toml": r'(\[workspace\.package\]\nversion = ")([^"]+)(")',
    "Cargo.lock": r'(\[\[package\]\]\nname = "[^"]+"\nversion = ")([^"]+)("\n(?!source = ))',
    "functions/openapi.json": r'("info": \{[^{}]*"version": ")([^"]+)(")',
}
CHANGELOG = "CHANGELOG.md"

# Lists the SHA-256 of each file of a release, as `sha256sum` prints it.
SUMS = "SHA256SUMS"
# Bytes of the list, and of an archive; a longer file is refused.
SUMS_MAX = 65_536
ARCHIVE_MAX = 1_000_000_000
# Bytes of one unpacked function: AWS Lambda's own limit.
FUNCTION_MAX = 250 * 1024 * 1024
# Seconds without a byte from the server; then the download fails.
SILENCE_MAX = 30

# The only hosts that are asked without TLS: a release's page on this machine, in tests.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Refused(Exception):
    """A release that can't be made. Its text is for the person who asked."""


class Unavailable(Exception):
    """The files of a release can't be had. Its text completes "The functions can't be taken from the release: …"."""


# ---- Making one ----


def cut(root, version):
    """Commits `version` and tags it `v<version>`; returns the tag. Pushes nothing."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise Refused(f"VERSION={version or '…'} is no version such as 1.2.3. Nothing was changed.")
    if git(root, "status", "--porcelain"):
        raise Refused("The working tree has changes. Commit them or put them aside first. Nothing was changed.")
    tag = f"v{version}"
    if git(root, "tag", "--list", tag):
        raise Refused(f"There is a tag {tag} already. Nothing was changed.")
    present = version_of(root)
    if numbers(version) < numbers(present):
        raise Refused(f"This is version {present} already, which is later than {version}. Nothing was changed.")
    notes(root, version)
    if version != present:
        write_version(root, present, version)
        try:
            git(root, "commit", "--quiet", "--message", f"Version {version}", "--", *VERSIONS)
        except Refused:
            git(root, "restore", "--staged", "--worktree", "--", *VERSIONS)
            raise
    git(root, "tag", "--annotate", tag, "--message", f"Version {version}")
    return tag


def write_version(root, present, version):
    """Replaces the version in each file that states it."""
    changed = {}
    for name, pattern in VERSIONS.items():
        text = (root / name).read_text()
        stated = {match.group(2) for match in re.finditer(pattern, text)}
        if stated != {present}:
            found = ", ".join(sorted(stated)) or "none"
            raise Refused(f"{name} states the version {found} and not {present}, as Cargo.toml. Nothing was changed.")
        changed[name] = re.sub(pattern, rf"\g<1>{version}\g<3>", text)
    for name, text in changed.items():
        (root / name).write_text(text)


def version_of(root):
    """Reads the version that Cargo.toml states."""
    found = re.search(VERSIONS["Cargo.toml"], (root / "Cargo.toml").read_text())
    if not found:
        raise Refused("Cargo.toml has no version in [workspace.package].")
    return found.group(2)


def numbers(version):
    return [int(number) for number in version.split(".")]


def notes(root, version):
    """Reads the changelog's part on a version, without its heading."""
    text = (root / CHANGELOG).read_text()
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$\n(.*?)(?=^## \[|^\[[^]]+\]: |\Z)"
    found = re.search(heading, text, re.MULTILINE | re.DOTALL)
    if not found or not found.group(1).strip():
        raise Refused(
            f"{CHANGELOG} tells nothing under a heading `## [{version}] - <year-month-day>`. "
            "Write there what changes for whoever deploys it. Nothing was changed."
        )
    return found.group(1).strip() + "\n"


def git(root, *arguments):
    """Runs git; returns its output without the last line break. `Refused` has git's own words when it fails."""
    try:
        run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Refused("git isn't installed. Nothing was changed.") from error
    if run.returncode != 0:
        raise Refused(f"git {arguments[0]} failed: {run.stderr.strip()}")
    return run.stdout.strip()


# ---- Licences of its functions ----


def notices(root):
    """Writes out the licences of all crates that the functions contain, each text once, under the crates it is of.

    A crate whose package has no such file is named with the licence that it states.
    """
    targets = [f"--target={processor}-unknown-linux-gnu" for processor in ("aarch64", "x86_64")]
    tree = cargo(root, "tree", "--package=functions", "--edges=normal", "--prefix=none", *targets)
    contained = {tuple(line.split()[:2]) for line in tree.splitlines()}
    crates = {}
    for package in json.loads(cargo(root, "metadata", "--format-version", "1"))["packages"]:
        if package["source"] and (package["name"], f"v{package['version']}") in contained:
            title = f"{package['name']} {package['version']} ({package['license']})"
            for text in licences(Path(package["manifest_path"]).parent) or [""]:
                crates.setdefault(text, []).append(title)
    parts = ["The functions contain these crates, under the licences that follow them."]
    for text, titles in sorted(crates.items(), key=lambda item: item[1]):
        parts.append("\n".join(["-" * 80, *titles, "", text or "No licence file is in these packages.", ""]))
    return "\n\n".join(parts)


def licences(folder):
    """Reads the licence files at the top of a package."""
    named = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
    files = sorted(path for path in folder.iterdir() if named.match(path.name) and path.is_file())
    return [path.read_text(errors="replace").strip() for path in files]


def cargo(root, command, *arguments):
    """Runs cargo over the lock file as it is; returns its output."""
    run = subprocess.run(["cargo", command, "--locked", *arguments], cwd=root, capture_output=True, text=True)
    if run.returncode != 0:
        raise Refused(f"cargo {command} failed: {run.stderr.strip()}")
    return run.stdout


# ---- Packing and taking its functions ----


def archive_of(architecture):
    """Names the file that has all functions for an architecture."""
    return f"functions-{architecture}.zip"


def pack(built, names, path):
    """Writes the functions `names` from the folder `built` into one archive. The same binaries give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(f"{name}/bootstrap")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, (built / name / "bootstrap").read_bytes())


def tag_of(root):
    """Finds the tag that the checkout is, exactly. `None` where something was changed, or where there is no git."""
    try:
        tag = f"v{version_of(root)}"
        if not git(root, "tag", "--list", tag, "--points-at", "HEAD"):
            return None
        # Of files that git doesn't know, only those that cargo would build count.
        changed = git(root, "status", "--porcelain", "--untracked-files=no")
        added = git(root, "ls-files", "--others", "--exclude-standard", "--", "functions", "shared", ".cargo")
        return None if changed or added else tag
    except Refused:
        return None


def page_of(root):
    """Makes the address of the repository's page from the remote `origin`, without user and password."""
    try:
        remote = git(root, "remote", "get-url", "origin")
    except Refused as refused:
        raise Unavailable("this checkout has no remote `origin`") from refused
    short = re.fullmatch(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)", remote)
    address = urllib.parse.urlsplit(f"ssh://{short.group(1)}/{short.group(2)}" if short else remote)
    path = address.path.rstrip("/").removesuffix(".git")
    if not address.hostname or not path.strip("/"):
        raise Unavailable("the remote `origin` isn't a repository with a page")
    if address.scheme == "http" and address.hostname in LOOPBACK:
        return f"http://{address.netloc.rpartition('@')[2]}{path}"
    if address.scheme not in ("https", "ssh"):
        raise Unavailable(f"the remote `origin` is reached by {address.scheme}, not by https or ssh")
    # An ssh remote's port is ssh's own.
    host = address.netloc.rpartition("@")[2] if address.scheme == "https" else address.hostname
    return f"https://{host}{path}"


def take(root, tag, architecture, names, built):
    """Puts the functions `names` of a release into the folder `built`, each as `<name>/bootstrap`.

    They are unpacked only when the archive has the checksum that the release states, and moved into place only when all
    of them are there: after `Unavailable` the folder is as it was.
    """
    files = f"{page_of(root)}/releases/download/{tag}"
    name = archive_of(architecture)
    built.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built, prefix=".release-") as folder:
        folder = Path(folder)
        download(f"{files}/{SUMS}", folder / SUMS, SUMS_MAX)
        expected = checksum(folder / SUMS, name)
        if download(f"{files}/{name}", folder / name, ARCHIVE_MAX) != expected:
            raise Unavailable(f"{name} doesn't have the checksum that {SUMS} states")
        unpack(folder / name, names, folder / "functions")
        for function in names:
            (built / function).mkdir(exist_ok=True)
            os.replace(folder / "functions" / function / "bootstrap", built / function / "bootstrap")


def checksum(path, name):
    """Reads the SHA-256 that a list states for the file `name`."""
    found = re.findall(rf"^([0-9a-f]{{64}}) [ *]{re.escape(name)}$", path.read_text(errors="replace"), re.MULTILINE)
    if len(found) != 1:
        raise Unavailable(f"its {SUMS} doesn't state one checksum for {name}")
    return found[0]


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to anything else."""

    def redirect_request(self, request, response, code, message, headers, address):
        to = urllib.parse.urlsplit(address)
        plain = to.scheme == "http" and to.hostname in LOOPBACK and request.type == "http"
        if to.scheme != "https" and not plain:
            raise Unavailable(f"{request.full_url} leads to an address that isn't https")
        return super().redirect_request(request, response, code, message, headers, address)


def download(address, path, limit):
    """Downloads `address` into the file `path`, up to `limit` bytes; returns its SHA-256."""
    digest, size = hashlib.sha256(), 0
    opener = urllib.request.build_opener(Redirects)
    try:
        with opener.open(address, timeout=SILENCE_MAX) as response, path.open("wb") as file:
            while chunk := response.read(1 << 20):
                size += len(chunk)
                if size > limit:
                    raise Unavailable(f"{address} has more than {limit} bytes")
                digest.update(chunk)
                file.write(chunk)
            expected = response.headers["Content-Length"]
    except urllib.error.HTTPError as error:
        raise Unavailable(f"{address} answers {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{address} can't be reached: {getattr(error, 'reason', error)}") from error
    if expected and expected.isdecimal() and int(expected) != size:
        raise Unavailable(f"{address} broke off after {size} of {expected} bytes")
    return digest.hexdigest()


def unpack(path, names, into):
    """Unpacks an archive that has exactly the functions `names`, and nothing else."""
    wanted = {f"{name}/bootstrap" for name in names}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            listed = [entry.filename for entry in entries]
            # Every name is one that is expected, so none leads out of the folder.
            if others := sorted(set(listed) - wanted):
                raise Unavailable(f"{path.name} has a file that isn't a function of this version: {others[0]!r}")
            if missing := sorted(wanted - set(listed)):
                raise Unavailable(f"{path.name} lacks {missing[0]}")
            if len(listed) != len(wanted):
                raise Unavailable(f"{path.name} has a function twice")
            for entry in entries:
                if entry.file_size > FUNCTION_MAX:
                    raise Unavailable(f"{entry.filename} is larger than AWS Lambda takes")
                target = into / entry.filename
                target.parent.mkdir(parents=True)
                target.write_bytes(archive.read(entry))
                target.chmod(0o755)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise Unavailable(f"{path.name} can't be unpacked: {error}") from error


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="release.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("cut", help="commits and tags a version").add_argument("version")
    commands.add_parser("notes", help="prints what the changelog tells of a version").add_argument("version")
    commands.add_parser("notices", help="prints the licences of the crates that the functions contain")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "notes":
            version = asked.version.removeprefix("v")
            if version != version_of(ROOT):
                raise Refused(f"Cargo.toml states the version {version_of(ROOT)}, not {version}.")
            print(notes(ROOT, version), end="")
        elif asked.command == "notices":
            print(notices(ROOT))
        else:
            tag = cut(ROOT, asked.version)
            print(f"{tag} is tagged, and nothing is pushed yet. This publishes it:\n  git push origin HEAD {tag}")
    except Refused as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
