"""Models on the Hugging Face Hub: only the files of a saved model, none of which is executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qiskit_qgen._checks import check_type, is_hub_name
from qiskit_qgen._typing import PathLike
from qiskit_qgen._version import __version__
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.optionals import HAS_HUB
from qiskit_qgen.persistence.pretrained import (
    ANSATZ_FILE,
    CARD_FILE,
    CIRCUIT_FILE,
    CONFIG_FILE,
    SAMPLES_FILE,
    WEIGHTS_FILE,
)

_FILES = (CONFIG_FILE, WEIGHTS_FILE, CIRCUIT_FILE, ANSATZ_FILE)
_REFUSED = (401, 403)


def local_folder(place: PathLike, revision: str | None = None) -> PathLike:
    """Return the folder of the saved model ``place``: itself, or that of the model downloaded from the Hub.

    A name of the form ``user/name`` refers to the Hub if there is neither such a folder nor a folder ``user``.

    Raises:
        ArgumentError: If ``revision`` is given for a folder.
        CheckpointError: If the Hub has no such model or revision, refuses it, or cannot be reached.
        MissingOptionalLibraryError: If a model on the Hub is requested and huggingface_hub is not installed.
    """
    check_type("revision", revision, (str, type(None)), "a branch, a tag, a commit or None")
    if not is_hub_name(place):
        if revision is not None:
            raise ArgumentError(
                "Argument `revision` has an effect on a model of the Hugging Face Hub alone: leave it out."
            )
        return place
    HAS_HUB.require_now("a model of the Hugging Face Hub")
    from huggingface_hub import snapshot_download

    with _told(str(place), revision):
        found = snapshot_download(
            str(place),
            revision=revision,
            allow_patterns=list(_FILES),
            library_name="qiskit_qgen",
            library_version=__version__,
        )
    if not (Path(found) / CONFIG_FILE).is_file():
        raise CheckpointError(f"{str(place)!r} on the Hugging Face Hub holds no saved model: it has no {CONFIG_FILE}.")
    return Path(found)


def upload_folder(folder: Path, repo: str, *, revision: str | None, private: bool | None, message: str) -> str:
    """Upload a saved model to the Hub, and return the address of the commit.

    Raises:
        ArgumentError: If ``repo`` is not of the form ``user/name``.
        CheckpointError: If the Hub refuses it or cannot be reached.
        MissingOptionalLibraryError: If huggingface_hub is not installed.
    """
    check_type("repo", repo, str, "a name such as 'user/name'")
    if not is_hub_name(repo, anywhere=True):
        raise ArgumentError(f"Argument `repo` must have the form 'user/name', but is {repo!r}.")
    HAS_HUB.require_now("push_to_hub")
    from huggingface_hub import HfApi

    api = HfApi(library_name="qiskit_qgen", library_version=__version__)
    with _told(repo, revision, uploads=True):
        api.create_repo(repo, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(repo, branch=revision, exist_ok=True)
        info = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=[*_FILES, CARD_FILE, SAMPLES_FILE],
            delete_patterns=[CIRCUIT_FILE, ANSATZ_FILE, SAMPLES_FILE],  # of an earlier model, if this one has none
            revision=revision,
            commit_message=message,
        )
    return str(info.commit_url)


@contextmanager
def _told(repo: str, revision: str | None, *, uploads: bool = False) -> Iterator[None]:
    """Say in one sentence what goes wrong with the Hub."""
    try:
        yield
    except Exception as error:
        # If a model is not in the cache either, the client raises this error, with the Hub's answer as its cause.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        if not isinstance(error, OSError) and not _is_of_connection(error):
            raise
        raise CheckpointError(_sentence(cause, repo, revision, uploads=uploads)) from error


def _is_of_connection(error: Exception) -> bool:
    """Return whether an error is a connection error, whose library depends on the version of the client."""
    return type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "requests")


def _sentence(error: Exception, repo: str, revision: str | None, *, uploads: bool) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.RevisionNotFoundError):
        return f"The model {repo!r} on the Hugging Face Hub has no revision {revision!r}."
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"The Hugging Face Hub has no model {repo!r} that you may see, and there is no such folder: check the "
            "name, and, if it is private, log in by `hf auth login`."
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = None if error.response is None else error.response.status_code
        if status in _REFUSED:
            return (
                f"The Hugging Face Hub refuses access to {repo!r} (status {status}): log in by `hf auth login` with a "
                "token that may do this."
            )
        return f"The Hugging Face Hub cannot serve {repo!r} now (status {status}): try again later."
    if isinstance(error, (errors.LocalEntryNotFoundError, ConnectionError)) or _is_of_connection(error):
        if uploads:
            return (
                f"The Hugging Face Hub cannot be reached, so nothing was uploaded to {repo!r}: connect, and try again."
            )
        return (
            f"There is no folder {repo!r}; the Hugging Face Hub cannot be reached, and its cache on this computer has "
            "no model of that name: connect, or pass the folder of a saved model."
        )
    return f"The model {repo!r} could not be exchanged with the Hugging Face Hub: {error}."
