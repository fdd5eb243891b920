"""Images: found under a name that tells their content, or built from Debian's own packages."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path

import docker
import docker.errors
import requests

from harness.model.errors import NotJudgedError
from harness.stack.followed import CONTEXTS

__all__ = ["BASES", "base_image", "built", "found", "identified", "tags"]

BASES = ("harness-base:trixie", "debian:trixie-slim")
"""The first is what set-up leaves where no registry can be reached; the second is pulled."""

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
_TAIL_LINES = 15
_REASON_CHARS = 300


def base_image(client: docker.DockerClient) -> str:
    """Name of the Debian 13 image that ours are built on; pulled where it is missing.

    NotJudgedError where it is neither here nor to be had.
    """
    for name in BASES:
        try:
            client.images.get(name)
        except docker.errors.ImageNotFound:
            continue
        return name
    return found(client, BASES[-1], remedy="run `make setup`, which bootstraps it where needed")


def found(client: docker.DockerClient, name: str, *, remedy: str) -> str:
    """`name`, if that image is here or can be pulled; else NotJudgedError with the remedy."""
    try:
        client.images.get(name)
    except docker.errors.DockerException:  # not found, or a name that no image can have
        try:
            # Whole: a colon may stand before a registry's port, a digest's hash or a tag.
            client.images.pull(name)
        except (docker.errors.DockerException, requests.RequestException) as error:
            why = str(getattr(error, "explanation", None) or error)[:_REASON_CHARS]
            raise NotJudgedError(
                f"image: {name!r} is not on this engine and cannot be pulled ({why}); {remedy}"
            ) from error
    return name


def built(
    client: docker.DockerClient,
    name: str,
    context: Path,
    base: str,
    *,
    on_build: Callable[[str], None] = lambda _: None,
    **args: str,
) -> str:
    """Tag of the image made from `context`; built unless that very content was built before.

    The tag is `harness-NAME:HASH` over the files of the context, the build arguments and the
    base image's id. `on_build` hears the tag before a build, which takes some seconds.
    NotJudgedError carries the last lines of a build that failed.
    """
    base_id = str(client.images.get(base).id)
    tag = f"harness-{name}:{_content_hash(context, base_id, args)}"
    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound:
        on_build(tag)
        _build(client, tag, context, args | {"BASE": base})
    return tag


def identified(client: docker.DockerClient, tag: str) -> str:
    """`tag` and the id of the image that it names now, for the record."""
    return f"{tag} {client.images.get(tag).id}"


def tags(
    client: docker.DockerClient,
    components: Iterable[str],
    releases: Iterable[str],
    given: Mapping[str, str],
    *,
    on_build: Callable[[str], None],
) -> dict[str, str]:
    """Tag by component and by release: those `given`, and the rest built on the base image."""
    remedy = "pull or build it, or leave that setting out"
    base = found(client, given["base"], remedy=remedy) if "base" in given else base_image(client)
    ours = files("harness.stack") / "images"
    contexts: dict[str, tuple[str, Path, dict[str, str]]] = {
        name: (name, CONTEXTS.get(name) or Path(str(ours / name)), {}) for name in components
    }
    contexts |= {name: ("website", _sample_app(), {"RELEASE": name}) for name in releases}
    return {
        name: found(client, given[name], remedy=remedy)
        if name in given
        else built(client, image, context, base, on_build=on_build, **args)
        for name, (image, context, args) in contexts.items()
    }


def _sample_app() -> Path:
    """The sample website's folder: in the installed package, or beside it in a checkout."""
    inside = Path(str(files("harness"))) / "sample_app"
    return inside if inside.is_dir() else Path(str(files("harness"))).parent / "sample_app"


def _build(client: docker.DockerClient, tag: str, context: Path, args: dict[str, str]) -> None:
    try:
        client.images.build(
            path=str(context), tag=tag, rm=True, forcerm=True, buildargs=args | _proxies()
        )
    except docker.errors.BuildError as error:
        lines = [str(part.get("stream", "")).rstrip() for part in error.build_log]
        tail = "\n  ".join([line for line in lines if line][-_TAIL_LINES:])
        raise NotJudgedError(
            f"image: building {tag} failed: {error.msg}\n  {tail}\n"
            "check that containers reach Debian's package mirror "
            "(behind a proxy, set http_proxy and https_proxy)"
        ) from error
    except docker.errors.APIError as error:
        raise NotJudgedError(f"image: building {tag} failed: {error.explanation}") from error


def _proxies() -> dict[str, str]:
    """The proxy settings of this process, which builds take as predefined arguments."""
    names = [*_PROXY_VARIABLES, *(name.upper() for name in _PROXY_VARIABLES)]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _content_hash(context: Path, base_id: str, args: dict[str, str]) -> str:
    digest = hashlib.sha256(repr((base_id, sorted(args.items()))).encode())
    for path in sorted(context.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"\0{path.relative_to(context)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
