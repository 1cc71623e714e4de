"""A run of several ranks, each of which can be watched and broken."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from namespaces import Network

MANY_STEPS = 100_000
DISK_MIB = 6


class Ended(Exception):
    """A rank ended, or time was over, before something happened that was waited for."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


class BrokenRun:
    def __init__(self, world, plan):
        self.plan = plan
        self.base = pathlib.Path(world.path(f"run-{plan.number}"))
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir()
        self.disk = self.base / "disk"
        self.disk.mkdir()
        self.folder = self.disk / "run"
        config = world.config(plan.stage, self.folder.relative_to(world.folder), MANY_STEPS)
        config["train"]["shard"] = plan.shard
        self.command = [world.tool(plan.stage), "--config", world.write(config, self.base / "config.json")]
        self.starter, self.network, self.ranks, self.pids = None, None, [], []
        self.ended_at, self.steps_made = {}, 0

    def start(self):
        if self.plan.kind == "full disk":
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", self.disk], check=True)
        if self.plan.start == "--ranks":
            self._start_together()
        else:
            self._start_one_by_one()

    def _popen(self, command, log, env=None):
        with open(self.base / log, "wb") as file:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env,
                                    start_new_session=True)

    def _start_together(self):
        self.starter = self._popen([*self.command, "--ranks", str(self.plan.count)], "all.txt")
        self.wait_until(lambda: len(self.children(self.starter.pid)) == self.plan.count, 60)
        self.pids = self.children(self.starter.pid)

    def _start_one_by_one(self):
        """As torchrun starts them if all are on one machine, and as PyTorchJob does if each is on its own."""
        address, local = "127.0.0.1", True
        if self.plan.start == "network":
            self.network, local = Network(self.plan.count, f"inject{os.getpid()}-{self.plan.number}"), False
            address = self.network.address(0)
        common = {"WORLD_SIZE": str(self.plan.count), "MASTER_ADDR": address, "MASTER_PORT": str(free_port())}
        for rank in range(self.plan.count):
            env = os.environ | common | {"RANK": str(rank)}
            if local:
                env |= {"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(self.plan.count)}
            command = self.network.inside(rank, self.command) if self.network else self.command
            self.ranks.append(self._popen(command, f"rank{rank}.txt", env))
        self.pids = [process.pid for process in self.ranks]

    @staticmethod
    def children(pid):
        try:
            return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def wait_until(self, condition, seconds, pause=0.005):
        end = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > end or not all(map(alive, self.pids)):
                raise Ended(f"expected a run that goes on, found: {self.everything()[-600:]}")
            time.sleep(pause)
        return found

    def wait_for_ends(self, ranks, end):
        """When each of the ranks ended, without those that did not."""
        while time.monotonic() < end and not all(rank in self.ended_at for rank in ranks):
            for rank in ranks:
                if rank not in self.ended_at and not alive(self.pids[rank]):
                    self.ended_at[rank] = time.monotonic()
            time.sleep(0.02)
        return {rank: self.ended_at[rank] for rank in ranks if rank in self.ended_at}

    def wait_for_starter(self, seconds):
        return None if self.starter is None else self.starter.wait(seconds)

    def exit_code(self, rank):
        return self.ranks[rank].poll() if self.ranks else None

    def everything(self):
        return "".join(file.read_text(errors="replace") for file in sorted(self.base.glob("*.txt")))

    def lines_of(self, rank):
        """What a rank wrote, without the time."""
        return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in self._lines_of(rank)]

    def _lines_of(self, rank):
        """The starter writes the number of other ranks before their lines, and speaks itself."""
        if self.starter is None:
            return (self.base / f"rank{rank}.txt").read_text(errors="replace").splitlines()
        lines, prefix = (self.base / "all.txt").read_text(errors="replace").splitlines(), f"rank {rank}: "
        if rank > 0:
            return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
        return [line for line in lines if not re.match(r"rank \d+: |error: rank \d+ (was ended by signal|has not ended)", line)]

    def ended_by_starter(self):
        """The ranks that had to be killed."""
        text = (self.base / "all.txt").read_text(errors="replace") if self.starter else ""
        return [int(rank) for rank in re.findall(r"^error: rank (\d+) has not ended .*, and is killed$", text, re.M)]

    def metrics(self):
        try:
            text = (self.folder / "metrics.jsonl").read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def metrics_of_step(self, step):
        """Those of the first step from `step` on, once it is over."""
        return next((line for line in self.metrics() if line["step"] >= step and "time/step_seconds" in line), None)

    def writes_checkpoint(self, step):
        folder = self.folder / "checkpoints"
        return folder.is_dir() and any(name.startswith(".") or int(name[5:]) >= step for name in os.listdir(folder))

    def note_steps(self):
        self.steps_made = max((line["step"] for line in self.metrics() if "time/step_seconds" in line), default=0)

    def steps_when_broken(self):
        return self.steps_made

    def last_checkpoint(self):
        return max((int(path.name[5:]) for path in (self.folder / "checkpoints").glob("step-*")), default=0)

    def repair(self):
        for file in [self.disk / "filler", *self.disk.glob("run-fails-*")]:
            file.unlink(missing_ok=True)

    def end(self):
        """Ends what is left of the run."""
        processes = [*self.ranks, *([self.starter] if self.starter else [])]
        for pid in [*filter(alive, self.pids), *(process.pid for process in processes if process.poll() is None)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in processes:
            process.wait()

    def close(self):
        self.end()
        if self.network:
            self.network.close()
        if self.plan.kind == "full disk":
            subprocess.run(["umount", "--lazy", self.disk], check=False, capture_output=True)
