"""The limit that the door is compared with: a FastAPI endpoint that reads the same body and does nothing else."""

from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.put("/empty")
async def put_empty(request: Request) -> Response:
    """Read the body and say 204."""
    await request.body()
    return Response(status_code=204)
