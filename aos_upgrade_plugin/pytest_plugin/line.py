"""The gate's end of the line to the runner; see effects/gate/gate_process.py for the other."""

import fcntl
import os
import socket
import threading

import pytest

from aos_upgrade_plugin.models.event import KEY_BYTES, Told, encode

_OUT_OF_THE_WAY = 100


class Line:
    """Tells the runner what happens, one sealed line for each event."""

    def __init__(self, descriptor: int) -> None:
        """Take the socket over: away from the low numbers, and from what checks start."""
        self._socket = socket.socket(
            fileno=fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
        )
        os.close(descriptor)
        self._key = self._socket.recv(KEY_BYTES, socket.MSG_WAITALL)
        self._told = 0
        self._owner = os.getpid()
        self._one_at_a_time = threading.Lock()

    def tell(self, event: Told) -> None:
        """Send an event. Without a runner to hear it the gate ends."""
        if os.getpid() != self._owner:
            os._exit(1)  # a check forked, and the copy runs on as a gate of its own
        with self._one_at_a_time:
            try:
                self._socket.sendall(encode(event, key=self._key, number=self._told))
            except OSError:
                pytest.exit("nobody listens to this gate any more", returncode=3)
            self._told += 1

    def hang_up(self) -> None:
        """Tell nothing more."""
        self._socket.close()
