"""gunicorn's settings. GRACE_S, BIND, PORT and ACCESS_LOG come from the environment."""

import os

bind = f"{os.environ.get('BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104 (inside a container)

# One worker, so that an instance is one process to a reader of logs; threads because requests wait,
# and what lasts (a download, events, a WebSocket) has one for as long as it does.
workers = 1
worker_class = "gthread"
threads = 64

# Longer than any balancer keeps an idle connection: closing one as a request arrives drops it.
keepalive = 75
# Ends before Docker's own 10 s are over, the launcher's linger included.
graceful_timeout = int(os.environ.get("GRACE_S", "8"))
# Off: a paused container is a disturbance to be seen, and the arbiter would add a kill of its own.
timeout = 0

# Imported before the socket listens: whoever can connect is answered at once.
preload_app = True
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108 (gunicorn makes an unnamed file there)

accesslog = os.environ.get("ACCESS_LOG") or None
logger_class = "sample_app.access_log.JsonAccessLogger"

# gunicorn 25 and later open one in the home folder; older ones ignore the setting.
control_socket_disable = True
