# The centre and its simulators in one image. Which of them runs is the command.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /tmp/requirements.lock
# Only what is locked, by hash, and only wheels: nothing is compiled and no set-up script runs.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /tmp/requirements.lock

FROM python:3.11-slim-bookworm
# A fixed number, so that the owner of a volume stays the same over builds.
RUN groupadd --gid 10001 centre \
 && useradd --uid 10001 --gid centre --no-create-home --home-dir /data --shell /usr/sbin/nologin centre \
 && install -d -o centre -g centre /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE THIRD_PARTY.md vendor.lock.json ./
COPY config ./config
COPY devices ./devices
COPY handlers ./handlers
COPY callcenter ./callcenter
COPY simulators ./simulators
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CALLCENTER_DATA_DIR=/data \
    CALLCENTER_HTTP_HOST=0.0.0.0 \
    CALLCENTER_HTTP_PORT=8080
USER centre
VOLUME /data
EXPOSE 8080
# Whether the process answers. Not /readyz: a container that is restarted because the database is away helps nobody.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m"]
CMD ["callcenter", "serve"]
