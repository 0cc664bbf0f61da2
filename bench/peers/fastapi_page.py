"""The page in FastAPI and asyncpg."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from session_cookie import NAME, verified

QUERY = """
    SELECT u.name, u.email, p.python_proficiency, p.developer_role, p.is_onboarded
    FROM session s JOIN "user" u ON u.id = s."userId" LEFT JOIN user_profile p ON p.user_id = u.id
    WHERE s.token = $1 AND s."expiresAt" > now()
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)
templates = Jinja2Templates("templates")


@app.get("/profile", response_class=HTMLResponse)
async def profile(request: Request) -> Response:
    token = verified(request.cookies.get(NAME))
    row = await request.app.state.pool.fetchrow(QUERY, token) if token else None
    if row is None:
        return RedirectResponse("/sign-in", 303)
    if not row["is_onboarded"]:
        return RedirectResponse("/onboarding", 303)
    return templates.TemplateResponse(request, "profile.html", {"user": row, "profile": row})
