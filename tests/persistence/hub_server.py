"""A small Hugging Face Hub on loopback: repositories in memory, with branches and commits."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huggingface_hub import constants, file_download
from huggingface_hub.utils import close_session

TOKEN = "hf_good"  # noqa: S105


def digest(content):
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits = {}  # repo -> {sha: {path: content}}
        self.branches = {}  # repo -> {branch: sha}
        self.private = set()
        self.status = None  # what every request is answered with, if anything
        self.requests = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, repo, branch, files):
        sha = digest(repr((repo, sorted(files), len(self.commits[repo]))).encode())
        self.commits[repo][sha] = files
        self.branches[repo][branch] = sha
        return sha

    def files(self, repo, revision):
        sha = self.branches[repo].get(revision, revision)
        return sha, self.commits[repo].get(sha)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one(self):
        hub, path = self.server, self.path.partition("?")[0]
        hub.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if hub.status is not None:
            return self.answer(hub.status, {"error": "out of order"})
        if self.command == "POST" and token != TOKEN:
            return self.answer(401, {"error": "Invalid credentials"})
        if path == "/api/validate-yaml":  # the head of a model card
            return self.answer(200, {"warnings": [], "errors": []})
        if path == "/api/repos/create":
            given = json.loads(body)
            repo = f"{given['organization']}/{given['name']}" if given.get("organization") else given["name"]
            known = repo in hub.commits
            if not known:
                hub.commits[repo], hub.branches[repo] = {}, {}
                hub.private |= (
                    {repo}
                    if "private" in (given.get("visibility"), *[each for each in given if given[each]])
                    else set()
                )
                hub.commit(repo, "main", {".gitattributes": b""})
            return self.answer(409 if known else 200, {"url": f"{hub.address}/{repo}"})
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(.*))?", path)
        if found:
            return self.api(found[1], found[2] or "", body, token)
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        return self.file(*found.groups(), token) if found else self.answer(404, {"error": "no such page"})

    def api(self, repo, rest, body, token):
        hub = self.server
        if repo not in hub.commits or (repo in hub.private and token != TOKEN):
            return self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        action, _, revision = rest.partition("/")
        revision = revision.partition("/")[0] or "main"
        if action == "branch":
            hub.branches[repo].setdefault(revision, hub.branches[repo]["main"])
            return self.answer(200, {})
        sha, files = hub.files(repo, revision)
        if files is None:
            return self.answer(404, {"error": "Revision not found"}, {"X-Error-Code": "RevisionNotFound"})
        if action in ("", "revision"):
            names = [{"rfilename": name} for name in files]
            return self.answer(200, {"id": repo, "modelId": repo, "sha": sha, "siblings": names, "tags": []})
        if action == "tree":
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": digest(content)}
                for name, content in files.items()
            ]
            return self.answer(200, entries)
        if action == "preupload":
            asked = json.loads(body)["files"]
            modes = [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked]
            return self.answer(200, {"files": modes})
        assert action == "commit", action
        files = dict(files)
        for line in map(json.loads, body.decode().splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        sha = hub.commit(repo, revision, files)
        return self.answer(200, {"commitUrl": f"{hub.address}/{repo}/commit/{sha}", "commitOid": sha})

    def file(self, repo, revision, name, token):
        hub = self.server
        if repo not in hub.commits or (repo in hub.private and token != TOKEN):
            return self.answer(404, {}, {"X-Error-Code": "RepoNotFound"})
        sha, files = hub.files(repo, revision)
        content = (files or {}).get(name)
        if content is None:
            return self.answer(404, {}, {"X-Error-Code": "EntryNotFound"})
        return self.answer(200, content, {"ETag": f'"{digest(content)}"', "X-Repo-Commit": sha})

    def answer(self, status, content, headers=()):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "Content-Type", "application/octet-stream" if isinstance(content, bytes) else "application/json"
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.handle_one()

    def do_HEAD(self):
        self.handle_one()

    def do_POST(self):
        self.handle_one()


@contextmanager
def connected_hub(folder, monkeypatch):
    """Run a hub, and let the client in this process, in ``folder``, know no other."""
    monkeypatch.chdir(folder)
    with running_hub() as server:
        # The client reads HF_ENDPOINT and its like when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
        close_session()


@contextmanager
def running_hub():
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
