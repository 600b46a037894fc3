# Every step is a command that .ci/run makes too.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --loglevel=error && npm run build && node_modules/.bin/node scripts/bundle.ts /bongsu

FROM debian:bookworm-slim
RUN useradd --system --uid 1000 --home-dir /data bongsu && mkdir /data && chown bongsu /data
COPY --from=build /bongsu /opt/bongsu
RUN ln -s /opt/bongsu/bongsu /usr/local/bin/bongsu
USER bongsu
ENV BONGSU_CONFIG=/data/config.yaml
VOLUME /data
EXPOSE 8008
HEALTHCHECK --start-period=10s CMD ["bongsu", "health"]
# Once, before the first start:
#   docker run --rm -v bongsu:/data bongsu init --server-name your.domain --listen 0.0.0.0:8008
ENTRYPOINT ["bongsu"]
CMD ["start"]
