"""From an error to the result that tells of it: the sentence, and the traceback where it was not the user's doing."""

from __future__ import annotations

import traceback
from dataclasses import replace

from explorer.errors import ExplorerError, NetworkError
from explorer.render.requests import (
    ActivityRequest,
    ActivityResult,
    EncodeRequest,
    EncodeResult,
    RenderRequest,
    RenderResult,
    Request,
    Result,
    SampleRequest,
    SampleResult,
)

BUG = "Something went wrong inside the program; the picture before is kept, and the log has the details."


def failed(request: Request, error: BaseException) -> Result:
    """Return the result that says what went wrong."""
    head = (request.slot, request.generation, request.id, str(error))
    result: Result
    if isinstance(request, EncodeRequest):
        result = EncodeResult(*head)
    elif isinstance(request, ActivityRequest):
        result = ActivityResult(*head)
    elif isinstance(request, SampleRequest):
        result = SampleResult(*head)
    else:
        result = RenderResult(*head, request=request if isinstance(request, RenderRequest) else None)
    if isinstance(error, ExplorerError):
        raised = error.__cause__ if isinstance(error, NetworkError) else None
        return result if raised is None else replace(result, bug=_trace(raised))
    return replace(result, error=BUG, bug=_trace(error))


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
