#!/usr/bin/env bash
# tensorflow-datasets 4.9.10: without a network, a download gives up after minutes.
#
# Expected: a host that cannot be resolved is an error at once. Found: the download
# manager tries ten times, with growing pauses; one address takes over three minutes,
# and a mirror after it as long again. There is no setting for it, and no time limit of
# a connection. A program that falls back to something else when it is offline must not
# leave its download to TFDS.
#
# Needs a network for the installation; runs for about six minutes. Exit code 0: as
# described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorflow-datasets==4.9.10 importlib-resources==7.1.0 \
    tensorflow==2.21.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON' 2>"$folder/errors.txt"
import sys
import time

import tensorflow_datasets as tfds

manager = tfds.download.DownloadManager(download_dir=sys.argv[1] + "/downloads")
start = time.monotonic()
try:
    # A name that is reserved for having no host (RFC 2606).
    manager.download("https://images.invalid/archive.tgz")
except Exception as error:
    seconds = time.monotonic() - start
    print("tensorflow-datasets", tfds.__version__)
    print(f"{type(error).__name__} after {seconds:.0f} s")
    # Output seen: ConnectionError after 204 s.
    assert seconds > 120
else:
    raise AssertionError("the download did not fail")
PYTHON
