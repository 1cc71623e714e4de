"""Network namespaces of this machine, each as a machine of its own: an address, and one interface at a switch.

Needs root, `ip` (iproute2) and the kernel's network namespaces; `usable` says whether they are there.
"""
import os
import pathlib
import subprocess

SUBNET = "10.77.0"


def call(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)


class Network:
    """`count` namespaces. `gbit` limits what each may send."""

    def __init__(self, count, name, gbit=None):
        self.names = [f"{name}-{k}" for k in range(count)]
        self.switch = f"{name}-switch"
        try:
            self._make(gbit)
        except BaseException:
            self.close()
            raise

    def _make(self, gbit):
        call("ip", "netns", "add", self.switch)
        call("ip", "-n", self.switch, "link", "add", "bridge", "type", "bridge")
        call("ip", "-n", self.switch, "link", "set", "bridge", "up")
        for k, name in enumerate(self.names):
            call("ip", "netns", "add", name)
            call("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{k}", "netns", self.switch)
            call("ip", "-n", self.switch, "link", "set", f"port{k}", "master", "bridge", "up")
            call("ip", "-n", name, "addr", "add", f"{self.address(k)}/24", "dev", "eth0")
            call("ip", "-n", name, "link", "set", "eth0", "up")
            call("ip", "-n", name, "link", "set", "lo", "up")
            if gbit:
                call("tc", "-n", name, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{gbit}gbit", "burst", "256kb",
                     "latency", "50ms")

    def address(self, k):
        return f"{SUBNET}.{k + 1}"

    def inside(self, k, command):
        """The command that becomes `command` in namespace k."""
        return ["ip", "netns", "exec", self.names[k], *[str(word) for word in command]]

    def cut(self, k):
        call("ip", "-n", self.names[k], "link", "set", "eth0", "down")

    def close(self):
        for name in [*self.names, self.switch]:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def sent_bytes(pid):
    """What the interface of the namespace of a process has sent, with all headers."""
    for line in pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "eth0":
            return int(numbers.split()[8])
    raise OSError(f"/proc/{pid}/net/dev: expected eth0")


def why_not_usable(tool="ip"):
    """"" if a network can be made here, otherwise the reason."""
    if os.geteuid() != 0:
        return "not root"
    try:
        Network(2, f"probe{os.getpid()}", gbit=1 if tool == "tc" else None).close()
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.strip()}"
    return ""
