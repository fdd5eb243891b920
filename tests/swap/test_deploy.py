"""A swap by a shell command: a real shell, and what it may do to whoever runs it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from harness.model.errors import NotJudgedError, ReleaseError
from harness.swap import deploy, printed
from harness.swap.deploy import Deploy, check_command
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timeline

DEADLINE_S = 20.0


def until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.01)
    return value


@pytest.fixture(autouse=True)
def no_least_length(monkeypatch):
    monkeypatch.setattr(deploy, "_LEAST_S", 0.0)


@pytest.fixture
def carry_out(tmp_path):
    """Runs a command as a swap's deploy."""
    timeline = Timeline(tmp_path / "marks.jsonl", SystemTime())

    def run(command, *, swap=1, timeout_s=DEADLINE_S):
        Deploy(command, run="r1", folder=tmp_path, timeout_s=timeout_s)(
            Steps(timeline, swap=swap, old="", new="")
        )

    yield run
    timeline.close()


def log_of(tmp_path, swap=1):
    return tmp_path / "logs" / f"deploy-{swap}.printed.txt"


def says(tmp_path, text, swap=1):
    """What is printed reaches the file a moment later, and the file itself its folder."""
    log = log_of(tmp_path, swap)
    until(lambda: log.exists() and log.read_text() == text, text)


def is_alive(pid):
    """A zombie is not: who reaps it is another's matter."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 (gone at any moment)
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_is_one_step_with_a_begin_and_an_end(tmp_path, carry_out):
    carry_out("true", swap=2)
    marks = [json.loads(line) for line in (tmp_path / "marks.jsonl").read_text().splitlines()]
    assert [(mark["kind"], mark["name"], mark["edge"]) for mark in marks] == [
        ("step", "deploy", "begin"),
        ("step", "deploy", "end"),
    ]
    assert {mark["detail"]["swap"] for mark in marks} == {2}


def test_it_runs_in_the_current_folder_and_is_told_where_it_is(tmp_path, carry_out, monkeypatch):
    monkeypatch.chdir(tmp_path)
    carry_out("echo $HARNESS_RUN $HARNESS_SWAP $(pwd) && echo complains >&2")
    says(tmp_path, f"r1 1 {tmp_path}\ncomplains\n")


def test_its_input_is_empty_and_its_session_its_own(tmp_path, carry_out):
    command = "import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    own, end = os.dup(0), os.pipe()
    os.write(end[1], b"not the command's")
    os.close(end[1])
    os.dup2(end[0], 0)
    try:
        carry_out(f"exec {sys.executable} -c '{command}'")
    finally:
        os.dup2(own, 0)
        os.close(own)
        os.close(end[0])
    says(tmp_path, "'' True\n")


def test_each_swap_has_a_log_of_its_own(tmp_path, carry_out):
    carry_out("echo one")
    carry_out("echo two", swap=2)
    says(tmp_path, "one\n")
    says(tmp_path, "two\n", swap=2)


def test_a_command_that_fails_is_the_deploys_fault_with_code_and_last_lines(carry_out):
    with pytest.raises(ReleaseError) as caught:
        carry_out("seq 1 9; exit 3")
    assert str(caught.value) == (
        "deploy: the command ended with exit code 3; it printed last: 7 / 8 / 9"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "true && no-such-program",
            "exit code 127 (command not found); it printed last: /bin/sh: 1: no-such",
        ),
        (
            "true && /etc/passwd",
            "exit code 126 (found, but it cannot be executed); it printed last: ",
        ),
        ("kill -9 $$", "was ended by signal 9"),
    ],
)
def test_how_a_command_failed_is_explained(carry_out, command, said):
    with pytest.raises(ReleaseError) as caught:
        carry_out(command)
    assert said in str(caught.value)


def test_a_command_that_never_ends_is_stopped_with_all_of_its_group(tmp_path, carry_out):
    pids = tmp_path / "pids"
    with pytest.raises(ReleaseError) as caught:
        carry_out(f"sleep 600 & echo $! $$ > {pids}; echo waiting; wait", timeout_s=1.0)
    assert str(caught.value) == (
        "deploy: the command did not end within 1 s and was stopped; let it end, or allow it more "
        "with --deploy-timeout; it printed last: waiting"
    )
    for pid in map(int, pids.read_text().split()):
        until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")


def test_a_command_that_ignores_being_stopped_is_killed(tmp_path, carry_out, monkeypatch):
    monkeypatch.setattr(deploy, "_TERM_S", 0.2)
    pids = tmp_path / "pids"
    with pytest.raises(ReleaseError, match="did not end within 1 s"):
        carry_out(
            f"trap '' TERM; sleep 600 & echo $! $$ > {pids}; while :; do sleep 600; done",
            timeout_s=1.0,
        )
    for pid in map(int, pids.read_text().split()):
        until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")


@pytest.fixture
def heeds_ctrl_c():
    """Whatever started the tests: a shell's background job ignores it, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_ends_the_group_too(tmp_path, carry_out):
    pids = tmp_path / "pids"

    def interrupt():
        until(lambda: pids.exists() and pids.read_text().strip(), "the command")
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=interrupt)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        # Half a second, so that whoever started it is waiting for it by then.
        carry_out(f"sleep 600 & sleep 0.5; echo $! > {pids}; wait")
    presser.join()
    pid = int(pids.read_text())
    until(lambda: not is_alive(pid), "the end of the command's child")


def test_megabytes_are_cut_on_disk_and_block_nobody(tmp_path, carry_out, monkeypatch):
    monkeypatch.setattr(printed, "_MOST_BYTES", 100_000)
    with pytest.raises(ReleaseError, match=r"exit code 4; it printed last: the end$"):
        carry_out("head -c 8000000 /dev/zero; echo; echo the end; exit 4")
    assert log_of(tmp_path).stat().st_size == 100_000 + len(printed._CUT)
    assert (
        log_of(tmp_path)
        .read_bytes()
        .endswith(b"\0\n(cut here: what follows was read and not kept)\n")
    )


def test_a_log_that_cannot_be_written_does_not_stop_the_command(tmp_path, carry_out):
    log_of(tmp_path).mkdir(parents=True)
    with pytest.raises(ReleaseError, match=r"exit code 4; it printed last: the end$"):
        carry_out("head -c 300000 /dev/zero; echo; echo the end; exit 4")


def test_a_child_in_the_background_holds_nobody_up_and_lives_on(tmp_path, carry_out):
    """It is the new release, as a rule; what it prints later is read, or it would be killed."""
    go = tmp_path / "go"
    pids = tmp_path / "pids"
    later = f"until [ -e {go} ]; do sleep 0.05; done; echo later; echo done > {tmp_path / 'end'}"
    carry_out(f"({later}) & echo $! > {pids}; echo now")
    pid = int(pids.read_text())
    assert is_alive(pid)
    says(tmp_path, "now\n")
    go.touch()
    says(tmp_path, "now\nlater\n")
    until(lambda: not is_alive(pid), "its end")
    assert (tmp_path / "end").read_text() == "done\n"


def test_a_failed_command_is_told_though_its_child_holds_the_output_open(tmp_path, carry_out):
    pids = tmp_path / "pids"
    with pytest.raises(ReleaseError, match=r"exit code 5; it printed last: failed$"):
        carry_out(f"sleep 600 & echo $! > {pids}; echo failed; exit 5")
    os.kill(int(pids.read_text()), signal.SIGKILL)


def test_a_swap_takes_a_second_at_least(tmp_path, carry_out, monkeypatch):
    naps = []
    monkeypatch.setattr(deploy, "_LEAST_S", 1.0)
    monkeypatch.setattr(SystemTime, "sleep", lambda _, seconds: naps.append(seconds))
    carry_out("true")
    assert 0 < naps[-1] <= 1.0


@pytest.mark.parametrize(
    "command",
    [
        "true",
        "cd /nowhere && make",
        "if true; then ls; fi",
        "FOO=1 no-such-program",
        "$PROGRAM --now",
        "no-such-program || true",
        "up () { ls; }; up",
        "( no-such-program )",
        "/bin/ls -l; no-such-program",
        "'no such' program",
        "# only a remark",
    ],
)
def test_what_may_work_is_not_refused(command):
    check_command(command)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "the command is empty"),
        (" \n", "the command is empty"),
        ("a\0b", "holds a NUL byte"),
        ("if true; then", "the shell cannot read the command: /bin/sh: 1: Syntax error"),
        ("echo 'open", "Unterminated quoted string"),
        ("no-such-program --now", "command not found: 'no-such-program'"),
        ("no-such-program; true", "command not found: 'no-such-program'"),
        ("./no-such.sh v2", "command not found: './no-such.sh'"),
        ("/etc/passwd", "command not found: '/etc/passwd'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(command, said):
    with pytest.raises(NotJudgedError) as caught:
        check_command(command)
    assert said in str(caught.value)


def test_a_program_of_the_current_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy.sh").write_text("#!/bin/sh\n")
    with pytest.raises(NotJudgedError, match="not found"):
        check_command("./deploy.sh v2")
    (tmp_path / "deploy.sh").chmod(0o755)
    check_command("./deploy.sh v2")


def test_the_check_runs_nothing(tmp_path):
    check_command(f"touch {tmp_path / 'ran'}; /bin/touch {tmp_path / 'ran'}")
    assert not (tmp_path / "ran").exists()


def test_the_shell_that_this_runs_is_the_one_that_checks():
    done = subprocess.run(["/bin/sh", "-n", "-c", "a && b"], check=False)
    assert done.returncode == 0


def test_what_a_command_printed_last_is_one_bounded_line_without_control_characters(carry_out):
    with pytest.raises(ReleaseError) as caught:
        carry_out("printf '\\033[31mred\\n'; head -c 300 /dev/zero | tr '\\0' x; exit 1")
    assert str(caught.value) == (
        f"deploy: the command ended with exit code 1; it printed last: [31mred / {'x' * 120}"
    )


def test_it_is_given_variables_beside_those_of_this_process(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_OURS", "kept")
    timeline = Timeline(tmp_path / "marks.jsonl", SystemTime())
    Deploy(
        "echo $OF_OURS $COMPOSE_PROJECT_NAME $HARNESS_RUN",
        run="r1",
        folder=tmp_path,
        timeout_s=DEADLINE_S,
        environment={"COMPOSE_PROJECT_NAME": "shop"},
    )(Steps(timeline, swap=1, old="", new=""))
    timeline.close()
    says(tmp_path, "kept shop r1\n")
