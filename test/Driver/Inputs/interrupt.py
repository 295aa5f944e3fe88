"""Starts a command with a cache folder of its own, interrupts it, and looks for what it left: interrupt.py SECONDS FOLDER COMMAND..."""
import os
import pathlib
import signal
import subprocess
import sys
import time

seconds, folder, *command = sys.argv[1:]
process = subprocess.Popen(command, env={**os.environ, "XDG_CACHE_HOME": folder}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(float(seconds))
process.send_signal(signal.SIGTERM)
status = process.wait()
left = [str(path) for path in pathlib.Path(folder).rglob("*") if path.is_file()]
sys.exit(f"status {status}, left {left}" if status == 0 or left else 0)
