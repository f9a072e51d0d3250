# The sources are compiled in one stage; the other holds what runs, and nothing that it could be compiled with.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run --silent build && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The volume takes its owner from this folder when it is first made.
RUN mkdir /data && chown node:node /data
USER node
ENV HOST=0.0.0.0 TALLYHOOK_DATA_DIR=/data
VOLUME /data
EXPOSE 8080 8081
# What is under way for a few milliseconds is not to grow old (docs/performance.md).
ENTRYPOINT ["node", "--max-semi-space-size=64", "/app/dist/main.js"]
CMD ["all"]
