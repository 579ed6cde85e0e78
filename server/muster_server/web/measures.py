"""What the server counts, for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from muster_server.receive.metrics import CONTENT_TYPE, Metrics
from muster_server.store.readers import Reader


class Measures:
    """The handler."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def measures(self, request: Request, reader: Reader) -> Response:
        """All of it."""
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE)
