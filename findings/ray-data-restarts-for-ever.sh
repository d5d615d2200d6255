#!/bin/sh
# Ray Data: a row that ends the process that works at it is given to one new process after the other, without end.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'ray[data]==2.60.0' pyarrow==26.0.1
cat > try.py <<'PY'
import logging, os, signal, threading, time
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray

print("ray", ray.__version__)
DEATHS, SECONDS = Path("deaths").resolve(), 240


class Fragile:
    """As a decoder in C with a fault: one row ends its process."""

    def __call__(self, batch):
        if 3 in batch["id"]:
            with DEATHS.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return batch


def deaths():
    return len(DEATHS.read_text()) if DEATHS.exists() else 0


def done():
    ray.data.range(8, override_num_blocks=8).map_batches(Fragile, concurrency=1, batch_size=1).materialize()
    ended.set()


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
ray.data.DataContext.get_current().enable_progress_bars = False
ended = threading.Event()
threading.Thread(target=done, daemon=True).start()
limit = time.monotonic() + SECONDS
while not ended.is_set() and deaths() < 8 and time.monotonic() < limit:
    time.sleep(0.5)
print("the row has ended", deaths(), "processes; the pipeline has", "ended" if ended.is_set() else "not ended")
os._exit(0 if deaths() >= 8 and not ended.is_set() else 1)
PY
if venv/bin/python try.py; then
    echo "As found: actors of map_batches are restarted, and their tasks retried, without any limit (both -1 by default):"
    echo "eight processes have died of the same row, and neither is the pipeline given up nor the row passed over."
else
    echo "CHANGED: the pipeline ends, or gives up."
    exit 1
fi
