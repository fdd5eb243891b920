"""HAProxy's Runtime API as a transport: a pool of servers that obeys, or does not."""

import re
from collections.abc import Callable

HEADER = (
    "# pxname,svname,qcur,scur,status,check_status,addr,algo,"
    "last_chk,stot,hrsp_2xx,hrsp_5xx,econ,eresp,rtime,wretr,wredis,"
)


class FakeHaproxy:
    """Implements harness.stack.runtime_api.Transport; each command is kept in `commands`."""

    def __init__(self, *slots: str) -> None:
        self.commands: list[str] = []
        self.status = dict.fromkeys(slots, "MAINT")
        self.check = dict.fromkeys(slots, "")
        self.check_text = dict.fromkeys(slots, "")
        self.address = dict.fromkeys(slots, "0.0.0.0:8000")
        self.busy: dict[str, list[tuple[int, int]]] = {}
        """By slot: sessions and queued at each look, the last for all later ones."""
        self.ready_is = "UP"
        self.weight: dict[str, str] = {}
        """By slot, where it is not the declared one."""
        self.counted: dict[str, tuple[int, ...]] = {}
        """By slot: sessions, answers 2xx and 5xx, failed connects and answers, mean in ms; and
        connects that were tried again, there and elsewhere."""
        self.pool = "website"
        self.refuses: dict[str, str] = {}
        """Answer by a part of a command."""
        self.before: Callable[[str], None] = lambda _: None

    def __call__(self, command: str) -> str:
        self.before(command)
        self.commands.append(command)
        for part, answer in self.refuses.items():
            if part in command:
                return answer
        if command == "show stat":
            return self._stat()
        if command == "clear counters all":
            self.counted.clear()
            return "\n"
        if found := re.fullmatch(r"set map /tmp/pool.map pool (\S+)", command):
            self.pool = found[1]
            return "\n"
        found = re.fullmatch(r"set server (website|website-green)/(\S+) (\S+) (.+)", command)
        assert found, command
        pool, slot, what, value = found.groups()
        assert pool == self._pool(slot), command
        if slot not in self.status:
            return "No such server.\n"
        if what == "addr":
            assert self.status[slot] == "MAINT", "a server must be in maintenance to be moved"
            address, _, port = value.partition(" port ")
            self.address[slot] = f"{address}:{port}"
            return f"IP changed from '0.0.0.0' to '{address}', no need to change the port\n"
        if what == "state":
            self.status[slot] = {"maint": "MAINT", "drain": "DRAIN", "ready": self.ready_is}[value]
        elif what == "health":
            self.check[slot] = "L4CON"
        elif what == "weight" and value == "100%":
            self.weight.pop(slot, None)
        elif what == "weight":
            self.weight[slot] = value
        return "\n"

    def _stat(self) -> str:
        rows = [HEADER, "edge,FRONTEND,,3,OPEN,,,,"]
        for slot, status in self.status.items():
            looks = self.busy.get(slot) or [(0, 0)]
            sessions, queued = looks.pop(0) if len(looks) > 1 else looks[0]
            counted = ",".join(map(str, self.counted.get(slot, [""])))
            rows.append(
                f"{self._pool(slot)},{slot},{queued},{sessions},{status},{self.check[slot]},"
                f"{self.address[slot]},,{self.check_text[slot]},{counted},"
            )
        return "\n".join([*rows, "website,BACKEND,0,3,UP,,,leastconn,", ""])

    def _pool(self, slot: str) -> str:
        return "website-green" if slot.startswith("green") else "website"
