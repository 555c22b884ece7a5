# Two images from one file:
#   docker build --target operator -t mooring-operator .
#   docker build --target inference-server -t sam-lite .
# For GPUs, on a base image with CUDA 12 and cuDNN 9:
#   docker build --target inference-server --build-arg ACCELERATOR=cuda12 --build-arg BASE_IMAGE=nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 .

# Where node and npm come from, for the build; the images take the node binary alone.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
# What the images stand on: glibc 2.31 or newer, libstdc++ and CA certificates.
ARG BASE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm checks the lockfile against every workspace, also those that are not installed.
COPY operator/package.json operator/
COPY inference-server/package.json inference-server/
COPY local/package.json local/
COPY cli/package.json cli/

FROM manifests AS operator-dependencies
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w operator

FROM manifests AS inference-server-dependencies
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w inference-server
# cpu, or cuda12: adds onnxruntime's CUDA provider, which npm does not carry.
ARG ACCELERATOR=cpu
# A provider that is missing shows only when the first session throws, on a GPU that is paid for: so it is looked for here.
RUN set -eu; \
    onnxruntime=node_modules/onnxruntime-node; \
    case "$ACCELERATOR" in \
      cpu) ;; \
      cuda12) \
        ONNXRUNTIME_NODE_INSTALL=cuda12 node "$onnxruntime/script/install.js"; \
        for provider in cuda shared; do \
          test -s "$onnxruntime/bin/napi-v6/linux/x64/libonnxruntime_providers_$provider.so"; \
        done ;; \
      *) echo "ACCELERATOR=$ACCELERATOR: write cpu or cuda12" >&2; exit 1 ;; \
    esac; \
    architecture="$(node -p process.arch)"; \
    find "$onnxruntime/bin/napi-v6" -mindepth 2 -maxdepth 2 -not -path "*/linux/$architecture" -exec rm -rf {} +

FROM ${BASE_IMAGE} AS base
COPY --from=manifests /usr/local/bin/node /usr/local/bin/node
ENV NODE_ENV=production
WORKDIR /app
COPY LICENSE ./
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532

FROM base AS operator
COPY --from=operator-dependencies /app/package.json ./
COPY --from=operator-dependencies /app/node_modules ./node_modules
COPY operator ./operator
EXPOSE 8080
# Without bounds, the garbage of a thousand objects' passes piles up. These fit the chart's memory limit; some thousands of objects want more of both.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--max-old-space-size=256", "operator/main.ts"]

FROM base AS inference-server
COPY --from=inference-server-dependencies /app/package.json ./
COPY --from=inference-server-dependencies /app/node_modules ./node_modules
COPY inference-server ./inference-server
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
EXPOSE 8080
# SageMaker runs the image with the argument `serve`.
ENTRYPOINT ["node", "inference-server/main.ts"]
CMD ["serve"]
