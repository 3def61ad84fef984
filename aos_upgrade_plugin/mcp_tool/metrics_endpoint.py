"""An address on this machine where Prometheus reads the metrics, beside either transport."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aos_upgrade_plugin.mcp_tool.metrics import ProcessMemory
from aos_upgrade_plugin.mcp_tool.serving import address, bound

PATH = "/metrics"
_LAST_ANSWER_S = 5
# As the SDK has them for its own transport.
_GUARD = TransportSecurityMiddleware(
    TransportSecuritySettings(
        allowed_hosts=["127.0.0.1:*", "localhost:*", "[::1]:*"],
        allowed_origins=["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
    )
)


@contextmanager
def metrics_served(registry: CollectorRegistry, *, host: str, port: int) -> Generator[str]:
    """Serve a registry, and the memory of this process, and yield the address.

    Only this machine can read it, whatever name it is called by. Port 0 takes a free one. Raises
    UsageError for another host, and for a port that is taken.
    """
    with bound(host, port) as listening:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # or each is a series more
        registry.register(ProcessMemory())
        config = uvicorn.Config(
            _app(registry),
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        # A thread with a loop of its own: whatever the transport does, metrics can be read.
        thread = threading.Thread(
            target=server.run, args=([listening],), name="metrics", daemon=True
        )
        thread.start()
        try:
            yield address(host, listening) + PATH
        finally:
            server.should_exit = True
            thread.join(_LAST_ANSWER_S)


def _app(registry: CollectorRegistry) -> Starlette:
    async def metrics(request: Request) -> Response:
        if refused := await _GUARD.validate_request(request):
            return refused
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route(PATH, metrics)])
