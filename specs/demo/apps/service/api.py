"""The service itself."""

import numpy
import orjson
from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings, env_prefix="DEMO_SERVICE_"):
    """Settings from the environment, such as DEMO_SERVICE_TITLE."""

    title: str = "Statistics"


class Numbers(BaseModel):
    """What clients send."""

    values: list[float] = Field(min_length=1, max_length=10_000)


def make_app() -> FastAPI:
    """The application, as an ASGI server takes it."""
    settings = Settings()
    app = FastAPI(title=settings.title)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "title": settings.title}

    @app.post("/statistics")
    def statistics(numbers: Numbers) -> Response:
        values = numpy.asarray(numbers.values)
        answer = {"mean": values.mean(), "std": values.std(), "count": values.size}
        return Response(
            orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json"
        )

    return app
