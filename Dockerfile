# docker run --rm -v "$PWD:/src:ro" lora-lint
FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM python:3.12-slim
RUN --mount=from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-index /wheels/*.whl
RUN useradd --create-home lint
USER lint
WORKDIR /src
ENV LORA_LINT_NO_CACHE=1
ENTRYPOINT ["lora-lint"]
