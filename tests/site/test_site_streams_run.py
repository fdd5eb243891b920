"""Streams and several URLs: whole runs of the command against real servers and a real shell."""

import json
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from origins import Origin

from harness import cli

SHORT = (
    *("--rate", "120", "--warmup", "0", "--steady", "1", "--after", "3"),
    *("--reports", "reports", "--release", "header:X-Release"),
)
pytestmark = pytest.mark.usefixtures("in_a_folder_of_its_own")


def verify(*arguments: str, deploy: str = "echo v2 > release") -> int:
    return cli.main(["verify", "--deploy", deploy, *SHORT, *arguments])


def left(name: str) -> Path:
    [path] = Path("reports").glob(f"deploy/*/{name}")
    return path


def finding(name: str) -> dict:
    result = json.loads(left("result.json").read_text())
    return next(found for found in result["findings"] if found["check"] == name)


def recorded() -> pd.DataFrame:
    rows = pd.read_parquet(left("requests.parquet"))
    return rows[rows["stream"] != "probe"]


def test_of_two_origins_the_one_that_drops_is_the_one_that_is_named(authority, ca):
    release, drop = Path("release"), Path("drop")
    with (
        Origin(release) as shop,
        Origin(release, authority=authority, dropping=drop) as api,
    ):
        code = verify(
            *("--url", f"{shop.url}/", "--ca", ca, "--no-calibrate"),
            *("--stream", "shop GET /items?page=1 expect_text='to the shop' connection=new"),
            *("--stream", "quiet HEAD / release= weight=0.5 headers.X-From='the test'"),
            "--stream",
            f"order POST https://localhost:{api.port}/orders/{{operation}} connection=new "
            'json={"id":"{operation}"} expect_status=201 expect_headers.X-Kind=order',
            "--stream",
            f"health GET {api.url}/health expect_json.app.status=ok expect_json.app.up=true "
            "release=json:app.version",
            deploy="touch drop; sleep 0.4; rm drop; echo v2 > release",
        )
    assert code == 1
    rows = recorded()
    failed = Counter(rows.loc[rows["outcome"] != "ok", "stream"])
    dropped = Counter("health" if path == "/health" else "order" for path in api.dropped.elements())
    assert failed == dropped
    assert set(failed) == {"order", "health"}
    assert not shop.dropped
    found = finding("no_failed_request")
    assert found["verdict"] == "fail"
    assert f"first #{rows.loc[rows['outcome'] != 'ok', 'seq'].min()}" in found["message"]
    named = {entry["stream"]: entry["request"] for entry in found["evidence"]["examples"]}
    assert f"POST https://localhost:{api.port}/orders/" in named["order"]
    assert f"GET {api.url}/health" in named["health"]
    # The rest went well, and each release was told where its stream tells it.
    assert finding("replaced")["verdict"] == "pass", finding("replaced")
    told = rows[rows["outcome"] == "ok"].groupby("stream", observed=True)["release"].unique()
    assert {name: set(names) for name, names in told.items()} == {
        "shop": {"v1", "v2"},
        "quiet": {""},
        "order": {"v1", "v2"},
        "health": {"v1", "v2"},
    }
    # What was sent is what was said.
    for method, path, headers, body in api.asked:
        if method == "POST":
            assert path == f"/orders/{headers['x-request-id']}"
            assert json.loads(body) == {"id": headers["x-request-id"]}
            assert headers["content-type"] == "application/json"
            assert headers["host"] == f"localhost:{api.port}"
            assert headers["connection"] == "close"
        else:
            assert (path, headers["host"]) == ("/health", f"127.0.0.1:{api.port}")
    assert {headers.get("x-from") for method, _, headers, _ in shop.asked if method == "HEAD"} == {
        "the test"
    }
    scenario = json.loads(left("scenario.json").read_text())["scenario"]
    assert {stream["name"]: stream["origin"] for stream in scenario["traffic"]["streams"]} == {
        "shop": shop.url,
        "quiet": shop.url,
        "order": f"https://localhost:{api.port}",
        "health": api.url,
    }
    shakes = rows[rows["connection"] > 0].groupby("stream", observed=True)["handshake"].unique()
    assert set(shakes["order"]) == {"full"}
    assert set(shakes["shop"]) == {"plain"}


def test_several_urls_are_each_asked_and_found_apart_by_the_calibration(authority, ca):
    release = Path("release")
    with Origin(release) as shop, Origin(release, authority=authority) as api:
        urls = ("--url", f"{shop.url}/a", "--url", f"{api.url}/b")
        verify(*urls, "--ca", ca, "--rate", "200")
    rows = recorded()
    assert set(rows["stream"]) == {"a-reused", "a-new", "b-reused", "b-new"}
    assert set(rows["outcome"]) == {"ok"}
    assert {path for _, path, _, _ in shop.asked} == {"/a"}
    assert {path for _, path, _, _ in api.asked} == {"/b"}
    both = pd.read_parquet(left("requests.parquet"))
    assert len(both) == len(shop.asked) + len(api.asked)
    assert finding("replaced")["verdict"] == "pass"
    # Each stream's own answers were right but for the outages, or there would be more of them.
    found = finding("calibrated")
    assert "wrong" not in found["message"]
    calibrated = pd.read_parquet(left("calibration/requests.parquet"))
    assert not {"wrong_body", "wrong_header"} & set(calibrated["outcome"])


def refused(capsys, *arguments: str) -> str:
    """The one line that says why nothing was judged."""
    assert verify(*arguments, "--no-calibrate", deploy="echo >> deployed") == 2
    assert not Path("deployed").exists(), "nothing may be deployed"
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("stream", "said", "remedy"),
    [
        (
            "GET /health expect_json.app.status=down",
            (
                'wrong_body, status 200: expected "down" at app.status in the JSON, observed '
                '"ok"; the body of '
            ),
            "correct the URL, or what is expected there (expect_text, expect_json)",
        ),
        (
            "GET /broken expect_json.app.status=ok",
            "expected JSON, observed a body of 23 bytes that is none (",
            "correct the URL, or what is expected there (expect_text, expect_json)",
        ),
        (
            "POST /orders body=x",
            "wrong_status, status 201: expected status 200, observed 201",
            "correct the URL, or say expect_status = 201 there",
        ),
        (
            "GET / expect_headers.X-Kind=order",
            "wrong_header, status 200: expected header x-kind: order, observed None",
            "correct the URL, or what is expected there (expect_headers)",
        ),
    ],
)
def test_a_stream_that_is_not_answered_rightly_is_named_before_anything_is_deployed(
    capsys, stream, said, remedy
):
    with Origin(Path("release")) as shop, Origin(Path("release")) as api:
        method, path = stream.split()[:2]
        line = refused(
            capsys,
            *("--stream", f"shop GET {shop.url}/"),
            *("--stream", f"api {stream.replace(path, api.url + path)}"),
        )
    assert f"the last one: stream 'api', {method} {api.url}{path}: " in line
    assert said in line
    assert line.endswith(remedy)


@pytest.mark.usefixtures("impatient")
def test_an_origin_where_nobody_listens_is_named(capsys):
    with Origin(Path("release")) as gone:
        pass
    with Origin(Path("release")) as shop:
        line = refused(capsys, "--url", f"{shop.url}/", "--url", f"{gone.url}/b")
    assert f"stream 'b-reused', GET {gone.url}/b: refused" in line
    assert line.endswith("nothing listens there: check that it runs, and the URL")


def test_a_write_that_is_not_answered_is_unknown_where_no_store_is_read():
    release, drop = Path("release"), Path("drop")
    with Origin(release) as shop, Origin(release, dropping=drop) as api:
        code = verify(
            "--no-calibrate",
            *("--stream", f"shop GET {shop.url}/"),
            *("--stream", f"order POST {api.url}/orders expect_status=201 write=true"),
            deploy="touch drop; sleep 0.3; rm drop; echo v2 > release",
        )
    assert code != 0
    found = finding("no_failed_request")
    assert (found["verdict"], found["evidence"]["unknown"]) == ("inconclusive", api.dropped.total())
    assert "no store can resolve" in found["message"]
    assert finding("writes")["verdict"] == "pass"
    assert all(
        headers["x-operation-id"] == headers["x-request-id"] for _, _, headers, _ in api.asked
    )


def test_streams_of_the_settings_file_are_sent(capsys):
    with Origin(Path("release")) as shop:
        Path("pyproject.toml").write_text(
            f"""
            [tool.harness]
            url = "{shop.url}/"
            [[tool.harness.streams]]
            name = "home"
            weight = 3
            [[tool.harness.streams]]
            name = "order"
            url = "/orders"
            method = "POST"
            json = {{ n = 1 }}
            expect_status = 201
            """
        )
        verify("--no-calibrate")
    rows = recorded()
    assert set(rows["outcome"]) == {"ok"}
    share = rows["stream"].value_counts(normalize=True)
    assert share["home"] == pytest.approx(0.75, abs=0.01)
    assert json.loads(left("result.json").read_text())["environment"]["url"] == f"{shop.url}/"
