# `fairtrial serve` and `detect` of an exported ONNX file on an NVIDIA GPU: `container/build.sh --gpu`.
# UNTRIED: nobody has built or run it yet. Run it with `--gpus all`; without a GPU it uses the CPU.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE}
COPY packages /opt/fairtrial
# ONNX Runtime with CUDA's libraries, in place of that for the CPU.
RUN rm -rf /opt/fairtrial/onnxruntime* \
 && python3 -m pip install --no-cache-dir --no-deps --target /opt/fairtrial onnxruntime-gpu \
 && python3 -m pip install --no-cache-dir --target /opt/cuda "onnxruntime-gpu[cuda,cudnn]" \
 && rm -rf /opt/cuda/onnxruntime* /opt/cuda/numpy* \
 && find /opt/cuda/nvidia -type d -name lib > /etc/ld.so.conf.d/cuda.conf && ldconfig \
 && python3 -m compileall -q /opt/fairtrial
COPY model /model
ENV PYTHONPATH=/opt/fairtrial PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "-c", \
  "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["python3", "-m", "fairtrial"]
CMD ["serve", "/model/model.onnx", "--host", "0.0.0.0"]
