# An image with an installation of its own in /app. How to run it: docs/docker.md.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The installation is made as anybody makes one: from the packed file, which travels along in /app/vendor.
RUN npm run build \
  && node dist/main.js init /app \
  && cd /app \
  && npm install --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-*

FROM node:26.10.0-bookworm-slim
# tini is process 1: it hands signals on and clears up after processes that lost their parent. bubblewrap is a fence for commands.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini bubblewrap \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 daruma \
  && useradd --uid 10001 --gid daruma --home-dir /app --no-create-home daruma
# The program belongs to root, so that nothing that runs in the container can change it; the rest is the host's.
COPY --from=build --chown=10001:10001 /app /app
RUN chown root:root /app && chown -R root:root /app/node_modules /app/vendor \
  && mkdir -p /app/data /app/logs /app/backups /app/reports /app/posts \
  && chown 10001:10001 /app/data /app/logs /app/backups /app/reports /app/posts
WORKDIR /app
ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH
USER 10001:10001
VOLUME ["/app/data", "/app/logs", "/app/config", "/app/plugins", "/app/agents", "/app/backups"]
STOPSIGNAL SIGTERM
# 0: well; 3: something needs you; 4: no host answers. `docker ps` shows both of the last as unhealthy.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["daruma", "health"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["daruma", "start"]
