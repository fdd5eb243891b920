"""`harness verify --url`: whole runs of the command against a real server and a real shell."""

import json
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from faulty import Faulty, answer

from harness import cli, config
from harness.model.scenario import Timing

CALIBRATED = (
    *("--rate", "200", "--warmup", "0", "--steady", "1", "--after", "3"),
    *("--reports", "reports"),
)
SHORT = (*CALIBRATED, "--no-calibrate")


pytestmark = pytest.mark.usefixtures("in_a_folder_of_its_own")


def verify(url: str, *arguments: str, deploy: str = "echo v2 > release") -> int:
    return cli.main(["verify", "--url", url, "--deploy", deploy, *SHORT, *arguments])


def result() -> dict:
    [path] = Path("reports").glob("deploy/*/result.json")
    return json.loads(path.read_text())


def finding(name: str) -> dict:
    return next(found for found in result()["findings"] if found["check"] == name)


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])
def test_exactly_the_failures_that_the_server_made_each_by_its_name(
    tmp_path, authority, ca, is_secure
):
    trust = ("--ca", ca) if is_secure else ()
    with Faulty(
        tmp_path / "release", authority=authority if is_secure else None, faults=True
    ) as server:
        code = verify(
            server.url, "--release", "header:X-Release", "--expect-text", "the shop", *trust
        )
    assert code == 1
    judged = result()
    made = Counter()
    for (_, outcome), number in server.counted.items():
        made[outcome] += number
    found = judged["requests"]["by_outcome"]
    assert {name: n for name, n in found.items() if name != "ok" and n} == made
    assert judged["requests"]["failed"] == sum(made.values()) >= 15
    [log] = Path("reports").glob("deploy/*/requests.parquet")
    rows = pd.read_parquet(log)
    failed = rows[(rows["outcome"] != "ok") & (rows["stream"] != "probe")]
    assert Counter(zip(failed["stream"], failed["outcome"], strict=True)) == server.counted
    assert {stream for stream, _ in server.counted} == {"get-reused", "get-new"}
    assert {"closed_before_answer", "closed_on_reuse", "reset", "truncated", "wrong_status",
            "wrong_body"} == set(made)  # fmt: skip
    if is_secure:
        assert set(rows.loc[rows["connection"] > 0, "handshake"]) == {"full", "resumed"}
        assert "resumed" not in set(rows.loc[rows["stream"] == "get-new", "handshake"])
    # All but these requests went well, and the release was seen to change.
    assert finding("replaced")["verdict"] == "pass", finding("replaced")
    assert judged["sentence"].endswith("1 swap (deploy, v1 to v2)")
    assert judged["environment"]["path"] == "direct"
    assert judged["environment"]["url"] == server.url
    assert judged["environment"]["deploy"] == "echo v2 > release"


def as_json(release: str) -> bytes:
    return answer(json.dumps({"app": {"versions": [release]}}).encode())


def as_body(release: str) -> bytes:
    return answer(f"shop {release}\n".encode())


@pytest.mark.parametrize(
    ("source", "made", "chain"),
    [
        ("json:app.versions.0", as_json, "v1 to v2"),
        ("body", as_body, "shop v1 to shop v2"),
    ],
    ids=["json", "body"],
)
def test_a_release_that_changes_in_mid_run_is_seen(tmp_path, source, made, chain):
    with Faulty(tmp_path / "release") as server:
        server.answer = made
        verify(server.url, "--release", source)
    assert finding("no_failed_request")["verdict"] == "pass"
    assert finding("swap_completed")["verdict"] == "pass"
    assert finding("answered")["verdict"] == "pass"
    replaced = finding("replaced")
    assert (replaced["verdict"], replaced["evidence"]["releases"]) == ("pass", chain.split(" to "))
    assert f"1 swap (deploy, {chain})" in result()["sentence"]
    for name in ("summary.md", "junit.xml"):
        [path] = Path("reports").glob(f"deploy/*/{name}")
        assert " to )" not in path.read_text()


def test_a_run_is_calibrated_beside_the_url_and_sends_nothing_there_meanwhile(tmp_path):
    with Faulty(tmp_path / "release") as server:
        deploy = ("--deploy", "echo v2 > release", "--release", "header:X-Release")
        cli.main(["verify", "--url", server.url, *deploy, *CALIBRATED])
        asked = sum(server.asked.values())
    found = result()["calibration"]
    # What a busy machine left no time for is named instead.
    kinds = {trial["kind"] for trial in found["trials"]}
    told = " ".join(found["left_out"])
    assert kinds
    for kind in ("refused", "reset", "closed", "stall", "truncated", "503"):
        assert kind in kinds or kind in told, found
    assert not [trial for trial in found["trials"] if trial["verdict"] == "missed"], found
    [log] = Path("reports").glob("deploy/*/requests.parquet")
    assert len(pd.read_parquet(log)) == asked


def test_a_deploy_that_changes_nothing_is_inconclusive(tmp_path, capsys):
    with Faulty(tmp_path / "release") as server:
        assert verify(server.url, "--release", "header:X-Release", deploy="true") == 3
    assert "a swap that changed nothing" in finding("replaced")["message"]
    assert "1 swap (deploy)" in " ".join(capsys.readouterr().out.split())


def test_a_deploy_that_fails_fails_the_run_and_says_what_it_printed(tmp_path, capsys):
    with Faulty(tmp_path / "release") as server:
        code = verify(
            server.url,
            "--release",
            "header:X-Release",
            deploy="echo $HARNESS_SWAP; echo no room left; exit 7",
        )
    assert code == 1
    assert "exit code 7; it printed last: 1 / no room left" in finding("swap_completed")["message"]
    assert result()["sentence"].startswith("fail: swap_completed: the deploy failed at +")
    [printed] = Path("reports").glob("deploy/*/logs/deploy-1.printed.txt")
    assert printed.read_text() == "1\nno room left\n"


def test_a_deploy_that_never_ends_fails_the_run(tmp_path):
    with Faulty(tmp_path / "release") as server:
        code = verify(server.url, "--deploy-timeout", "1", deploy="sleep 600")
    assert code == 1
    assert "did not end within 1 s and was stopped" in finding("swap_completed")["message"]


def test_an_unobserved_release_is_inconclusive_unless_that_is_allowed(tmp_path, capsys):
    with Faulty(tmp_path / "release") as server:
        assert verify(server.url) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "1 swap (deploy, the release was not observed)" in said
    assert "say --release header:NAME" in said
    assert finding("no_failed_request")["verdict"] == "pass"


def test_a_release_that_need_not_be_observed_is_still_said_not_to_be(tmp_path):
    with Faulty(tmp_path / "release") as server:
        verify(server.url, "--allow-unobserved-release")
    assert finding("replaced")["verdict"] == "pass"
    assert "(deploy, the release was not observed)" in result()["sentence"]


def refused(capsys, url: str, *arguments: str) -> str:
    """The one line that says why nothing was judged."""
    assert verify(url, *arguments, deploy="echo >> deployed") == 2
    assert not Path("deployed").exists(), "nothing may be deployed"
    return capsys.readouterr().err.splitlines()[-1]


def test_a_url_where_nothing_listens_is_not_judged(tmp_path, capsys, impatient):
    with Faulty(tmp_path / "release") as server:
        pass
    line = refused(capsys, server.url)
    assert line.startswith("harness: target: no right answer within 0.3 s of ")
    assert line.endswith("nothing listens there: check that it runs, and the URL")


def test_a_url_that_redirects_is_not_judged_and_the_place_is_named(tmp_path, capsys, impatient):
    with Faulty(tmp_path / "release") as server:
        server.answer = lambda _: answer(
            b"", b"Location: http://elsewhere.test/\r\n", b"301 Moved Permanently"
        )
        line = refused(capsys, server.url)
    assert "a redirect to 'http://elsewhere.test/'" in line
    assert line.endswith("name the URL that it redirects to, or say --expect-status 301")


def test_a_wrong_status_or_text_is_not_judged(tmp_path, capsys, impatient):
    with Faulty(tmp_path / "release") as server:
        line = refused(capsys, server.url, "--expect-text", "Pizza")
        assert "expected text b'Pizza' is not in the body" in line
        assert line.endswith("correct the URL, or the text after --expect-text")
        line = refused(capsys, server.url, "--expect-status", "204")
        assert "expected status 204, observed 200" in line
        assert line.endswith("correct the URL, or say --expect-status 200")


def test_a_certificate_that_does_not_verify_is_not_judged(tmp_path, capsys, authority, impatient):
    with Faulty(tmp_path / "release", authority=authority) as server:
        line = refused(capsys, server.url)
        assert "the last one: untrusted" in line
        assert line.endswith(
            "name the PEM file of the authority that signed its certificate with --ca"
        )
        line = refused(capsys, server.url.replace("https", "http"))
        assert line.endswith("check the URL: is HTTP/1.1 spoken at this port, and is it https?")


def test_a_plain_server_is_not_taken_for_one_over_tls(tmp_path, capsys, impatient):
    with Faulty(tmp_path / "release") as server:
        line = refused(capsys, server.url.replace("http", "https"))
    assert line.endswith("check that TLS is spoken at this port, or name an http:// URL")


def test_a_url_is_given_five_seconds_and_asked_gently():
    timing = config.Settings(url="http://a.test/", deploy="true").timing()
    assert (timing.probe_s, timing.probe_every_s, timing.probe_answer_s) == (5.0, 0.2, 5.0)
    assert config.Settings().timing().probe_s == Timing().probe_s


def test_a_url_has_a_control_too_which_shares_the_machine_with_the_sender_alone(tmp_path):
    with Faulty(tmp_path / "release") as server:
        verify(server.url, "--release", "header:X-Release")
    control = result()["control"]
    assert control["requests"] > 100
    assert (control["failed"], control["errors"]) == (0, [])


def test_a_run_is_held_against_the_one_before_and_both_are_listed(tmp_path, capsys):
    """Whether they differ is the machine's affair; that they are compared is ours."""
    with Faulty(tmp_path / "release") as server:
        # Three seconds are judged: at 200/s they would not resolve a p99.
        verify(server.url, "--rate", "500", "--release", "header:X-Release")
        [first] = Path("reports").glob("deploy/*")
        (tmp_path / "release").write_text("v1\n")
        again = ("--rate", "500", "--release", "header:X-Release", "--baseline", "latest")
        verify(server.url, *again)
    [second] = set(Path("reports").glob("deploy/*")) - {first}
    findings = json.loads((second / "result.json").read_text())["findings"]
    told = next(found for found in findings if found["check"] == "baseline")
    assert f"deploy/{first.name}" in told["message"]
    assert "cannot be held against" not in told["message"]
    assert told["evidence"]["unlike"] == []
    assert not list(Path("reports").glob("deploy/*/owner.json"))
    capsys.readouterr()
    assert cli.main(["compare", first.name, "deploy/latest"]) == 0
    assert "p99 in the swaps" in capsys.readouterr().out
    assert cli.main(["history", "--json"]) == 0
    assert [row["run"] for row in json.loads(capsys.readouterr().out)] == sorted(
        (first.name, second.name), reverse=True
    )
