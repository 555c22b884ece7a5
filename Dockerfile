# The images of this repository; docs/images.md says how they are built, pinned and used.
#   docker build --target operator -t mooring-operator .
#   docker build --target inference-server -t sam-lite .
#   docker build --target inference-server --build-arg ACCELERATOR=cuda12 -t sam-lite:gpu .
#   docker build --target operator-sbom --output . .
# Only instructions that BuildKit and buildah 1.28 share.

# Where node and npm come from, for the build: a Debian with apt. The images take the node binary alone.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
# What the images stand on: glibc 2.31 or newer, libstdc++ and a /tmp.
ARG BASE_IMAGE=debian:12.12-slim
# cpu, cuda12 or cuda13: where the inference server computes.
ARG ACCELERATOR=cpu

# --- what npm installs, for each image its own ---

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm checks the lockfile against every workspace, also those that are not installed.
COPY operator/package.json operator/
COPY inference-server/package.json inference-server/
COPY local/package.json local/
COPY cli/package.json cli/

FROM manifests AS operator-dependencies
# Declarations and source maps are for compilers and debuggers, and a quarter of the image.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w operator \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
COPY docker/sbom.ts docker/
ARG SOURCE_DATE_EPOCH=0
RUN npm sbom --package-lock-only --sbom-format=cyclonedx --omit=dev -w operator >npm.cdx.json \
 && node docker/sbom.ts --name mooring-operator --modules node_modules <npm.cdx.json >sbom.cdx.json

# Shared libraries for GPUs that npm does not carry: empty for cpu.
FROM ${NODE_IMAGE} AS cuda
ARG ACCELERATOR
WORKDIR /cuda
COPY docker/cuda*.txt ./
COPY docker/cuda.sh ./
RUN sh cuda.sh "$ACCELERATOR"

FROM manifests AS inference-server-dependencies
# onnxruntime-node carries every platform's libraries; the others' are 240 MB.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w inference-server \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete \
 && find node_modules/onnxruntime-node/bin/napi-v6 -mindepth 2 -maxdepth 2 -not -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +
ARG ACCELERATOR
COPY --from=cuda /cuda/provider/ node_modules/onnxruntime-node/bin/napi-v6/linux/x64/
# The CUDA 12 provider of onnxruntime-node's own version comes from NuGet, by its own script.
RUN if [ "$ACCELERATOR" = cuda12 ]; then ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js; fi
COPY --from=cuda /cuda/requirements.txt /cuda/requirements.txt
COPY docker/sbom.ts docker/
ARG SOURCE_DATE_EPOCH=0
RUN npm sbom --package-lock-only --sbom-format=cyclonedx --omit=dev -w inference-server >npm.cdx.json \
 && node docker/sbom.ts --name mooring-inference-server --modules node_modules --requirements /cuda/requirements.txt <npm.cdx.json >sbom.cdx.json

# --- what is shipped ---

FROM ${BASE_IMAGE} AS base
COPY --from=manifests /usr/local/bin/node /usr/local/bin/node
ENV NODE_ENV=production
WORKDIR /app
COPY LICENSE package.json ./

FROM base AS operator
COPY --from=operator-dependencies /app/node_modules ./node_modules
COPY --from=operator-dependencies /app/sbom.cdx.json ./
COPY operator ./operator
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MOORING_HTTP_PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without bounds, the garbage of a thousand objects' passes piles up. These fit the chart's memory limit; some thousands of objects want more of
# both. A variable, so that the chart's operator.env can set it.
ENV NODE_OPTIONS="--max-semi-space-size=4 --max-old-space-size=256"
ENTRYPOINT ["node", "operator/main.ts"]
# Last: what differs in every build must not cost the layers above.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="mooring-operator" \
      org.opencontainers.image.description="Runs SageMaker inference endpoints from Kubernetes manifests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

FROM base AS inference-server-cpu
# No other provider is in it: there is nothing to look for, and nothing to warn of.
ENV MOORING_PROVIDER=cpu

# The driver, and with it libcuda.so.1, is the host's: the NVIDIA container runtime mounts it where these variables ask for it.
FROM base AS inference-server-cuda12
COPY --from=cuda /cuda/lib/ /usr/local/cuda/lib/
ENV CUDA_VERSION=12.9 NVIDIA_REQUIRE_CUDA="cuda>=12.0" NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/usr/local/cuda/lib

FROM base AS inference-server-cuda13
COPY --from=cuda /cuda/lib/ /usr/local/cuda/lib/
ENV CUDA_VERSION=13.0 NVIDIA_REQUIRE_CUDA="cuda>=13.0" NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/usr/local/cuda/lib

# A library that is missing shows only when the first session throws, on a GPU that is paid for: so each is looked for here. In a stage of its
# own, since a command leaves traces.
FROM inference-server-${ACCELERATOR} AS inference-server-checked
ARG ACCELERATOR
COPY --from=inference-server-dependencies /app/node_modules ./node_modules
COPY docker/assert-libraries.mjs /tmp/
RUN node /tmp/assert-libraries.mjs "$ACCELERATOR"

FROM inference-server-${ACCELERATOR} AS inference-server
COPY --from=inference-server-checked /app/node_modules ./node_modules
COPY --from=inference-server-dependencies /app/sbom.cdx.json ./
COPY inference-server ./inference-server
# SageMaker's documentation asks for root, 0:0, where the model's files are readable by root only: docs/images.md.
ARG RUN_AS=65532:65532
USER ${RUN_AS}
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SAGEMAKER_BIND_TO_PORT || 8080}/ping`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# SageMaker runs the image with the argument `serve`.
ENTRYPOINT ["node", "inference-server/main.ts"]
CMD ["serve"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      org.opencontainers.image.title="mooring-inference-server" \
      org.opencontainers.image.description="Serves ONNX models behind SageMaker's container contract" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

# --- the lists of what is in them, as files ---

FROM scratch AS operator-sbom
COPY --from=operator-dependencies /app/sbom.cdx.json /mooring-operator.cdx.json

FROM scratch AS inference-server-sbom
COPY --from=inference-server-dependencies /app/sbom.cdx.json /mooring-inference-server.cdx.json
